"""Decisions about a request with unknown keys, as the doctor makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from iam_evaluator.decision import AccessRequest, Outcome
from iam_evaluator.evaluation import evaluate
from iam_evaluator.policies import parse_policy
from iam_evaluator.principals import role_session

if TYPE_CHECKING:
    from iam_evaluator.request_context import Values

ALLOWED, DENIED, REFUSED, UNKNOWN = (
    Outcome.ALLOWED,
    Outcome.EXPLICIT_DENY,
    Outcome.IMPLICIT_DENY,
    Outcome.UNKNOWN,
)
HERE, THERE = "222233334444", "333344445555"
ROLE = f"arn:aws:iam::{HERE}:role/models"
OBJECT = "arn:aws:s3:::models/churn/1.tar.gz"


def by_its_own(
    statements: dict[str, Any] | list[dict[str, Any]], context: dict[str, Values] | None = None
) -> Outcome:
    """Decide by a role's own policy."""
    policy = parse_policy({"Version": "2012-10-17", "Statement": statements})
    request = AccessRequest("s3:GetObject", OBJECT, context=context or {}, is_context_complete=False)
    return evaluate(role_session(ROLE, "any", (policy,)), request).outcome


def by_the_resources(*statements: dict[str, Any], resource: str = OBJECT) -> Outcome:
    """Decide by the policy of another account's resource, to a role that may do everything itself."""
    policy = parse_policy({"Statement": list(statements)})
    request = AccessRequest("s3:GetObject", resource, THERE, is_context_complete=False)
    return evaluate(role_session(ROLE, "any"), request, resource_policy=policy).outcome


def allow(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*", **parts}


STATEMENTS: dict[str, tuple[dict[str, Any], Outcome]] = {
    "as it is": (allow(), ALLOWED),
    "lists": (allow(Action=["s3:PutObject", "s3:GetObject"], Resource=["x", OBJECT]), ALLOWED),
    "actions in any case": (allow(Action="S3:getobject"), ALLOWED),
    "wildcards": (allow(Action="s3:Get*", Resource="arn:aws:s3:::models/churn/?.tar.gz"), ALLOWED),
    "another action": (allow(Action="s3:PutObject"), REFUSED),
    "another resource": (allow(Resource="arn:aws:s3:::models"), REFUSED),
    "resources in another case": (allow(Resource="arn:aws:s3:::Models/*"), REFUSED),
    "all actions but": ({"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}, ALLOWED),
    "all actions but this": ({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}, REFUSED),
    "all resources but": (
        {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::other/*"},
        ALLOWED,
    ),
    "all resources but this": ({"Effect": "Allow", "Action": "*", "NotResource": OBJECT}, REFUSED),
    "denied": (allow(Effect="Deny"), DENIED),
    "a regular expression's dot": (allow(Resource="arn:aws:s3:::models/churn/1xtar.gz"), REFUSED),
    "a resource by a key that nobody knows": (allow(Resource="arn:aws:s3:::models/${aws:userid}/*"), UNKNOWN),
    "one of them by a key that nobody knows": (allow(Resource=["arn:aws:s3:::${aws:userid}", "*"]), ALLOWED),
    "all but one by a key that nobody knows": (
        {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::models/${aws:userid}/*"},
        UNKNOWN,
    ),
}


@pytest.mark.parametrize(("statement", "outcome"), STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_is_about_actions_and_resources(statement: dict[str, Any], outcome: Outcome) -> None:
    assert by_its_own(statement) is outcome
    assert by_its_own([statement]) is outcome


@pytest.mark.parametrize(
    ("principal", "outcome"),
    [
        ("*", ALLOWED),
        ({"AWS": "*"}, ALLOWED),
        ({"AWS": HERE}, ALLOWED),
        ({"AWS": ["x", f"arn:aws:iam::{HERE}:root"]}, ALLOWED),
        ({"AWS": ROLE}, ALLOWED),
        ({"AWS": f"arn:aws:iam::{THERE}:root"}, REFUSED),
        ({"AWS": f"{ROLE}-2"}, REFUSED),
        ({"Service": "sagemaker.amazonaws.com"}, REFUSED),
    ],
)
def test_a_resources_policy_names_principals(principal: Any, outcome: Outcome) -> None:
    assert by_the_resources(allow(Principal=principal)) is outcome


def test_everybody_but_the_caller_is_not_the_caller() -> None:
    assert by_the_resources(allow(NotPrincipal={"AWS": ROLE})) is REFUSED
    assert by_the_resources(allow(NotPrincipal={"AWS": THERE})) is ALLOWED


def test_a_policy_without_resources_is_about_its_own() -> None:
    repository = f"arn:aws:ecr:eu-central-1:{THERE}:repository/churn"
    statement = {"Effect": "Allow", "Principal": {"AWS": HERE}, "Action": "s3:*"}

    assert by_the_resources(statement, resource=repository) is ALLOWED


CONDITIONS: dict[str, tuple[dict[str, Any], Outcome]] = {
    "the role": ({"ArnEquals": {"aws:PrincipalArn": ROLE}}, ALLOWED),
    "a pattern of roles": ({"ArnLike": {"AWS:principalarn": ["x", "arn:aws:iam::*:role/mod*"]}}, ALLOWED),
    "another role": ({"ArnLike": {"aws:PrincipalArn": f"{ROLE}-2"}}, REFUSED),
    "any role but this": ({"ArnNotLike": {"aws:PrincipalArn": ROLE}}, REFUSED),
    "the account": ({"StringEquals": {"aws:PrincipalAccount": HERE}}, ALLOWED),
    "no user": ({"Null": {"aws:username": "true"}}, ALLOWED),
    "over TLS": ({"Bool": {"aws:SecureTransport": True}}, ALLOWED),
    "not over TLS": ({"Bool": {"aws:SecureTransport": "false"}}, REFUSED),
    "what is there": ({"StringEquals": {"there": ["x", "value"]}}, ALLOWED),
    "what is there and another": (
        {"StringEquals": {"there": "value", "aws:PrincipalAccount": "1"}},
        REFUSED,
    ),
    "in any case": ({"StringEqualsIgnoreCase": {"there": "VALUE"}}, ALLOWED),
    "not in that case": ({"StringEquals": {"there": "VALUE"}}, REFUSED),
    "like": ({"StringLike": {"there": "val*"}}, ALLOWED),
    "not like": ({"StringNotLike": {"there": "val*"}}, REFUSED),
    "not equal": ({"StringNotEquals": {"there": "x"}}, ALLOWED),
    "what is missing": ({"StringEquals": {"missing": "x"}}, REFUSED),
    "what is missing, negated": ({"StringNotEquals": {"missing": "x"}}, ALLOWED),
    "what is missing, if it exists": ({"StringEqualsIfExists": {"missing": "x"}}, ALLOWED),
    "null": ({"Null": {"missing": "true"}}, ALLOWED),
    "not null": ({"Null": {"missing": "false"}}, REFUSED),
    "null, and there": ({"Null": {"there": True}}, REFUSED),
    "any of several": ({"ForAnyValue:StringEquals": {"several": "b"}}, ALLOWED),
    "all of several": ({"ForAllValues:StringEquals": {"several": ["a", "b"]}}, ALLOWED),
    "not all of several": ({"ForAllValues:StringEquals": {"several": "a"}}, REFUSED),
    "all of none": ({"ForAllValues:StringEquals": {"missing": "a"}}, ALLOWED),
    "an address": ({"IpAddress": {"there": "10.0.0.0/8"}}, REFUSED),
    "what nobody knows": ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, UNKNOWN),
    "what nobody knows, if it exists": ({"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}, UNKNOWN),
    "whether what nobody knows is there": ({"Null": {"aws:SourceVpce": "true"}}, UNKNOWN),
    "like what nobody knows": ({"StringLike": {"there": "${aws:userid}*"}}, UNKNOWN),
    "like what nobody knows, or not": ({"StringLike": {"there": ["${aws:userid}*", "val*"]}}, ALLOWED),
    "unlike what nobody knows": ({"StringNotLike": {"there": "${aws:userid}*"}}, UNKNOWN),
    "what nobody knows, and what is wrong": (
        {"StringEquals": {"aws:SourceVpce": "x"}, "StringLike": {"there": "x"}},
        REFUSED,
    ),
}


@pytest.mark.parametrize(("condition", "outcome"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition_holds_or_does_not_or_is_unknown(condition: dict[str, Any], outcome: Outcome) -> None:
    known: dict[str, Values] = {
        "there": "value",
        "missing": (),
        "several": ("a", "b"),
        "aws:securetransport": "true",
    }

    assert by_its_own(allow(Condition=condition), known) is outcome


OPEN = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
KNOWN: dict[str, Values] = {"aws:securetransport": "true"}


@pytest.mark.parametrize(
    ("statements", "outcome"),
    [
        ([allow(), allow(Effect="Deny")], DENIED),
        ([allow(), allow(Effect="Deny", Condition=OPEN)], UNKNOWN),
        ([allow(), allow(Condition=OPEN)], ALLOWED),
        ([allow(Condition=OPEN)], UNKNOWN),
        ([allow(Condition=OPEN), allow(Effect="Deny")], DENIED),
        # Nothing allows it, whether it is denied or not.
        ([allow(Effect="Deny", Condition=OPEN)], REFUSED),
        ([allow(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}}), allow()], ALLOWED),
    ],
)
def test_a_denial_wins_and_an_unknown_one_leaves_it_unknown_whether_it_is_allowed(
    statements: list[dict[str, Any]], outcome: Outcome
) -> None:
    assert by_its_own(statements, KNOWN) is outcome


def test_what_an_answer_depends_on_is_told() -> None:
    principal = role_session(ROLE, "any", (parse_policy({"Statement": allow(Condition=OPEN)}),))
    request = AccessRequest("s3:GetObject", OBJECT, is_context_complete=False)

    assert evaluate(principal, request).why_not == "because that depends on aws:SourceVpce"


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (allow(), allow(Effect="Deny"), DENIED),
        (allow(Action="none:None"), allow(), ALLOWED),
        (allow(Condition=OPEN), allow(), ALLOWED),
        (allow(Action="none:None"), allow(Condition=OPEN), UNKNOWN),
        (allow(Action="none:None"), allow(Action="none:None"), REFUSED),
    ],
)
def test_several_policies_of_one_identity_are_one(
    first: dict[str, Any], second: dict[str, Any], outcome: Outcome
) -> None:
    policies = tuple(parse_policy({"Statement": each}) for each in (first, second))
    request = AccessRequest("s3:GetObject", OBJECT, is_context_complete=False)

    assert evaluate(role_session(ROLE, "any", policies), request).outcome is outcome


def test_a_boundary_that_may_allow_leaves_it_unknown() -> None:
    allowing, maybe = (parse_policy({"Statement": each}) for each in (allow(), allow(Condition=OPEN)))
    request = AccessRequest("s3:GetObject", OBJECT, is_context_complete=False)

    assert evaluate(role_session(ROLE, "any", (allowing,), maybe), request).outcome is UNKNOWN
    assert evaluate(role_session(ROLE, "any", (maybe,), allowing), request).outcome is UNKNOWN
    assert evaluate(role_session(ROLE, "any", (), maybe), request).outcome is REFUSED
