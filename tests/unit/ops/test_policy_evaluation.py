from __future__ import annotations

from typing import Any

import pytest

from ops.policy_evaluation import Decision, Request, combine, decide

ALLOW, DENY, SILENT, UNCLEAR = Decision.ALLOW, Decision.DENY, Decision.SILENT, Decision.UNCLEAR
ROLE = "arn:aws:iam::222233334444:role/models"
OBJECT = "arn:aws:s3:::models/churn/1.tar.gz"


def decided(
    statement: dict[str, Any] | list[dict[str, Any]],
    *,
    of_resource: bool = False,
    context: dict[str, list[str]] | None = None,
) -> Decision:
    request = Request(ROLE, "s3:GetObject", OBJECT, context or {})
    return decide({"Statement": statement}, request, of_resource=of_resource)


def allow(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*", **parts}


STATEMENTS: dict[str, tuple[dict[str, Any], Decision]] = {
    "as it is": (allow(), ALLOW),
    "lists": (allow(Action=["s3:PutObject", "s3:GetObject"], Resource=["x", OBJECT]), ALLOW),
    "actions in any case": (allow(Action="S3:getobject"), ALLOW),
    "wildcards": (allow(Action="s3:Get*", Resource="arn:aws:s3:::models/churn/?.tar.gz"), ALLOW),
    "another action": (allow(Action="s3:PutObject"), SILENT),
    "another resource": (allow(Resource="arn:aws:s3:::models"), SILENT),
    "resources in another case": (allow(Resource="arn:aws:s3:::Models/*"), SILENT),
    "all actions but": ({"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}, ALLOW),
    "all actions but this": ({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}, SILENT),
    "all resources but": ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::other/*"}, ALLOW),
    "all resources but this": ({"Effect": "Allow", "Action": "*", "NotResource": OBJECT}, SILENT),
    "denied": (allow(Effect="Deny"), DENY),
    "a regular expression's dot": (allow(Resource="arn:aws:s3:::models/churn/1xtar.gz"), SILENT),
}


@pytest.mark.parametrize(("statement", "decision"), STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_is_about_actions_and_resources(statement: dict[str, Any], decision: Decision) -> None:
    assert decided(statement) is decision
    assert decided([statement]) is decision


@pytest.mark.parametrize(
    ("principal", "decision"),
    [
        ("*", ALLOW),
        ({"AWS": "*"}, ALLOW),
        ({"AWS": "222233334444"}, ALLOW),
        ({"AWS": ["x", "arn:aws:iam::222233334444:root"]}, ALLOW),
        ({"AWS": ROLE}, ALLOW),
        ({"AWS": "arn:aws:iam::333344445555:root"}, SILENT),
        ({"AWS": f"{ROLE}-2"}, SILENT),
        ({"Service": "sagemaker.amazonaws.com"}, SILENT),
    ],
)
def test_a_resources_policy_names_principals(principal: Any, decision: Decision) -> None:
    assert decided(allow(Principal=principal), of_resource=True) is decision


def test_everybody_but_the_caller_is_not_the_caller() -> None:
    assert decided(allow(NotPrincipal={"AWS": ROLE}), of_resource=True) is SILENT
    assert decided(allow(NotPrincipal={"AWS": "333344445555"}), of_resource=True) is ALLOW


CONDITIONS: dict[str, tuple[dict[str, Any], Decision]] = {
    "the role": ({"ArnEquals": {"aws:PrincipalArn": ROLE}}, ALLOW),
    "a pattern of roles": ({"ArnLike": {"AWS:principalarn": ["x", "arn:aws:iam::*:role/mod*"]}}, ALLOW),
    "another role": ({"ArnLike": {"aws:PrincipalArn": f"{ROLE}-2"}}, SILENT),
    "any role but this": ({"ArnNotLike": {"aws:PrincipalArn": ROLE}}, SILENT),
    "the account": ({"StringEquals": {"aws:PrincipalAccount": "222233334444"}}, ALLOW),
    "over TLS": ({"Bool": {"aws:SecureTransport": True}}, ALLOW),
    "not over TLS": ({"Bool": {"aws:SecureTransport": "false"}}, SILENT),
    "what is there": ({"StringEquals": {"there": ["x", "value"]}}, ALLOW),
    "what is there and another": ({"StringEquals": {"there": "value", "aws:PrincipalAccount": "1"}}, SILENT),
    "in any case": ({"StringEqualsIgnoreCase": {"there": "VALUE"}}, ALLOW),
    "not in that case": ({"StringEquals": {"there": "VALUE"}}, SILENT),
    "like": ({"StringLike": {"there": "val*"}}, ALLOW),
    "not like": ({"StringNotLike": {"there": "val*"}}, SILENT),
    "not equal": ({"StringNotEquals": {"there": "x"}}, ALLOW),
    "what is missing": ({"StringEquals": {"missing": "x"}}, SILENT),
    "what is missing, negated": ({"StringNotEquals": {"missing": "x"}}, ALLOW),
    "what is missing, if it exists": ({"StringEqualsIfExists": {"missing": "x"}}, ALLOW),
    "null": ({"Null": {"missing": "true"}}, ALLOW),
    "not null": ({"Null": {"missing": "false"}}, SILENT),
    "null, and there": ({"Null": {"there": True}}, SILENT),
    "any of several": ({"ForAnyValue:StringEquals": {"several": "b"}}, ALLOW),
    "all of several": ({"ForAllValues:StringEquals": {"several": ["a", "b"]}}, ALLOW),
    "not all of several": ({"ForAllValues:StringEquals": {"several": "a"}}, SILENT),
    "all of none": ({"ForAllValues:StringEquals": {"missing": "a"}}, ALLOW),
    "what nobody knows": ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, UNCLEAR),
    "what nobody knows, and what is wrong": (
        {"StringEquals": {"aws:SourceVpce": "x"}, "StringLike": {"there": "x"}},
        SILENT,
    ),
    "an operator that nobody knows": ({"IpAddress": {"there": "10.0.0.0/8"}}, UNCLEAR),
}


@pytest.mark.parametrize(("condition", "decision"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition_holds_or_does_not_or_is_unclear(condition: dict[str, Any], decision: Decision) -> None:
    known = {"there": ["value"], "missing": [], "several": ["a", "b"]}

    assert decided(allow(Condition=condition), context=known) is decision


UNKNOWN = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}


@pytest.mark.parametrize(
    ("statements", "decision"),
    [
        ([allow(), allow(Effect="Deny")], DENY),
        ([allow(), allow(Effect="Deny", Condition=UNKNOWN)], UNCLEAR),
        ([allow(), allow(Condition=UNKNOWN)], ALLOW),
        ([allow(Condition=UNKNOWN)], UNCLEAR),
        ([allow(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}}), allow()], ALLOW),
        ([], SILENT),
    ],
)
def test_a_denial_wins_and_an_unclear_one_leaves_all_unclear(
    statements: list[dict[str, Any]], decision: Decision
) -> None:
    assert decided(statements) is decision


@pytest.mark.parametrize(
    ("decisions", "decision"),
    [
        ([ALLOW, DENY], DENY),
        ([SILENT, ALLOW, UNCLEAR], ALLOW),
        ([SILENT, UNCLEAR], UNCLEAR),
        ([SILENT], SILENT),
        ([], SILENT),
    ],
)
def test_several_policies_of_one_identity_are_one(decisions: list[Decision], decision: Decision) -> None:
    assert combine(decisions) is decision


def test_a_policy_without_resources_is_about_its_own() -> None:
    request = Request(ROLE, "ecr:BatchGetImage", None)
    statement = {"Effect": "Allow", "Principal": {"AWS": "222233334444"}, "Action": "ecr:*"}

    assert decide({"Statement": [statement]}, request, of_resource=True) is ALLOW
