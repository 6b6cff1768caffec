"""Which policies of a type AWS refuses, and which it accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iam_evaluator.grammar import PolicyType, violation

ROLE = "arn:aws:iam::111122223333:role/models"
IDENTITY: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*"}
TRUST: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
RESOURCE: dict[str, Any] = {**IDENTITY, "Principal": {"AWS": ROLE}}
OF_TYPE: dict[PolicyType, dict[str, Any]] = {
    PolicyType.IDENTITY: IDENTITY,
    PolicyType.TRUST: TRUST,
    **dict.fromkeys(set(PolicyType) - {PolicyType.IDENTITY, PolicyType.TRUST}, RESOURCE),
}
RESOURCES = sorted(set(PolicyType) - {PolicyType.IDENTITY, PolicyType.TRUST}, key=lambda each: each.value)


def document(*statements: dict[str, Any], **elements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements], **elements}


def without(statement: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name not in names}


@pytest.mark.parametrize("policy_type", PolicyType)
@pytest.mark.parametrize("version", ["2012-10-17", "2008-10-17"])
def test_a_policy_of_each_type_is_kept(policy_type: PolicyType, version: str) -> None:
    statement = OF_TYPE[policy_type]

    assert violation(document({**statement, "Sid": "One"}, Version=version, Id="mine"), policy_type) is None
    assert violation({"Statement": statement}, policy_type) is None


@pytest.mark.parametrize("policy_type", PolicyType)
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Actions": "s3:*"}, "Actions"),
        ({"Effect": "allow"}, "Effect"),
        ({"Effect": None}, "Effect"),
        ({"NotAction": "s3:*"}, "both Action and NotAction"),
        ({"NotPrincipal": {"AWS": ROLE}, "Principal": "*"}, "Principal"),
        ({"Action": "GetObject"}, "must be prefaced by a vendor"),
        ({"Action": ["s3:GetObject", "GetObject"]}, "must be prefaced by a vendor"),
        ({"Action": "s3:Get:Object"}, "only one colon"),
        ({"Action": "*:GetObject"}, "not valid"),
        ({"Action": ":GetObject"}, "not valid"),
        ({"Action": "s3:"}, "none of its actions"),
        ({"Action": []}, "Action cannot be"),
        ({"Action": {"s3": "GetObject"}}, "Action cannot be"),
        ({"Condition": {"StringIs": {"aws:PrincipalArn": ROLE}}}, "no condition operator"),
        ({"Condition": {"StringEquals": {"aws:PrincipalArn": []}}}, "cannot be"),
        ({"Condition": {"StringEquals": {"aws:PrincipalArn": {}}}}, "cannot be"),
        ({"Condition": {"StringEquals": {"PrincipalArn": ROLE}}}, "must be prefaced by a vendor"),
        ({"Condition": {"StringEquals": ROLE}}, "Condition cannot be"),
        ({"Condition": []}, "Condition cannot be"),
        ({"Sid": 1}, "Sid cannot be"),
    ],
)
def test_no_type_has_a_statement_like_this(
    policy_type: PolicyType, changes: dict[str, Any], why: str
) -> None:
    found = violation(document({**OF_TYPE[policy_type], **changes}), policy_type)

    assert found is not None
    assert why in found


@pytest.mark.parametrize(
    ("resource", "is_kept"),
    [
        ("*", True),
        ("arn:aws:s3:::models/*", True),
        ("arn:*:s3:::models", True),
        ("arn:aws:sqs", True),  # the end is completed with wildcards
        ("arn:aws:sqs:eu-west-1:111122223333:jobs-${aws:PrincipalTag/team}", True),
        ("models/*", False),
        ("", False),
        ("arn", False),
        ("arn:aws:*:::models", False),
        ("arn:aws:s?:::models", False),
        ("arn:aws::::models", False),
        ("s3:::models", False),
        ("**", False),
    ],
)
@pytest.mark.parametrize("policy_type", [PolicyType.IDENTITY, *RESOURCES])
@pytest.mark.parametrize("element", ["Resource", "NotResource"])
def test_a_resource_is_an_arn_or_everything(
    policy_type: PolicyType, element: str, resource: str, *, is_kept: bool
) -> None:
    statement = without(OF_TYPE[policy_type], "Resource") | {element: [resource]}

    assert (violation(document(statement), policy_type) is None) is is_kept


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        (json.dumps({"Version": "2026-01-01", "Statement": [IDENTITY]}), "Version"),
        (json.dumps({"Version": "2012-10-17"}), "no Statement"),
        (json.dumps({"Version": "2012-10-17", "Statement": []}), "no Statement"),
        (json.dumps({"Version": "2012-10-17", "Statement": ["Allow"]}), "no object"),
        (json.dumps({"Version": "2012-10-17", "Statement": [IDENTITY], "Statements": []}), "Statements"),
        (json.dumps({"Version": "2012-10-17", "Statement": [IDENTITY], "Id": 1}), "Id"),
        ('{"Statement": [], "Statement": []}', "twice"),
        (json.dumps(document(IDENTITY)).replace('"Effect"', '"Effect": "Deny", "Effect"'), "Effect twice"),
    ],
)
def test_no_type_has_a_document_like_this(text: str, why: str) -> None:
    for policy_type in PolicyType:
        found = violation(text, policy_type)

        assert found is not None
        assert why in found


def test_an_identitys_policy_names_no_principal_and_needs_a_resource() -> None:
    for element in ("Principal", "NotPrincipal"):
        named = document({**IDENTITY, element: {"AWS": ROLE}})
        assert violation(named, PolicyType.IDENTITY) == "Policy document should not specify a principal."

    found = violation(document(without(IDENTITY, "Resource")), PolicyType.IDENTITY)
    assert found is not None
    assert found.startswith("Policy statement must contain resources")


def test_a_trust_policy_names_principals_and_no_resource() -> None:
    def found(statement: dict[str, Any]) -> str:
        return violation(document(statement), PolicyType.TRUST) or ""

    assert found(without(TRUST, "Principal")).startswith("Missing required field Principal")
    assert found({**TRUST, "Resource": "*"}) == "Has prohibited field Resource"
    assert found({**TRUST, "NotResource": "*"}) == "Has prohibited field Resource"
    excluding = without(TRUST, "Principal") | {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}}
    assert found(excluding) == "AssumeRole policy must not contain NotPrincipal field."


@pytest.mark.parametrize("policy_type", RESOURCES)
def test_a_resources_policy_names_principals_and_excludes_some_only_from_a_denial(
    policy_type: PolicyType,
) -> None:
    def found(statement: dict[str, Any]) -> str:
        return violation(document(statement), policy_type) or ""

    excluding = without(RESOURCE, "Principal") | {"NotPrincipal": {"AWS": ROLE}}
    assert found(without(RESOURCE, "Principal")).startswith("Missing required field Principal")
    assert found(excluding).startswith("NotPrincipal goes with Deny only")
    assert not found({**excluding, "Effect": "Deny"})


@pytest.mark.parametrize(
    "principal",
    ["111122223333", [], {}, {"Role": ROLE}, {"AWS": []}, {"AWS": [1]}, {"AWS": None}],
)
def test_a_principal_is_everybody_or_named_by_its_kind(principal: Any) -> None:
    for policy_type in (PolicyType.TRUST, *RESOURCES):
        found = violation(document({**OF_TYPE[policy_type], "Principal": principal}), policy_type)

        assert found is not None
        assert "Principal cannot be" in found


@pytest.mark.parametrize("policy_type", [PolicyType.IDENTITY, PolicyType.TRUST])
def test_iam_wants_sids_of_letters_and_digits_each_once(policy_type: PolicyType) -> None:
    def found(*sids: str) -> str:
        statements = [{**OF_TYPE[policy_type], "Sid": sid} for sid in sids]
        return violation(document(*statements), policy_type) or ""

    assert not found("One1", "Two")
    assert not found("", "")
    for sid in ("read-models", "read models", "read_models", "lé"):
        assert found(sid).startswith("Statement IDs (SID) must be alpha-numeric.")
    assert "must be unique: One" in found("One", "Two", "One")


@pytest.mark.parametrize("policy_type", RESOURCES)
def test_other_services_take_other_sids(policy_type: PolicyType) -> None:
    assert violation(document({**RESOURCE, "Sid": "Allow use of the key"}), policy_type) is None


def test_which_services_want_a_resource() -> None:
    kept = {each for each in RESOURCES if not violation(document(without(RESOURCE, "Resource")), each)}

    assert kept == {PolicyType.KEY, PolicyType.REPOSITORY}


def test_kms_alone_keeps_a_statement_without_actions() -> None:
    kept = {each for each in RESOURCES if not violation(document(without(RESOURCE, "Action")), each)}

    assert kept == {PolicyType.KEY}
