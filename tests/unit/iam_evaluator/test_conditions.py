"""Condition operators, in the words of IAM's user guide: one row a comparison."""

from __future__ import annotations

from typing import Any

import pytest

from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from iam_evaluator.grammar import MalformedPolicyError
from iam_evaluator.policies import parse_policy
from iam_evaluator.principals import Principal, PrincipalKind

USER = "arn:aws:iam::111122223333:user/ann"


def holds(condition: dict[str, Any], keys: dict[str, Any], *, effect: str = "Allow") -> bool:
    """Tell whether a statement with this condition fits a request with these keys."""
    statements = [{"Effect": effect, "Action": "*", "Resource": "*", "Condition": condition}]
    if effect == "Deny":
        statements.append({"Effect": "Allow", "Action": "*", "Resource": "*"})
    policy = parse_policy({"Version": "2012-10-17", "Statement": statements})
    principal = Principal(PrincipalKind.USER, USER, "111122223333", USER, (policy,))
    decision = evaluate(principal, AccessRequest("s3:GetObject", "*", context=keys))
    return decision.is_allowed if effect == "Allow" else not decision.is_allowed


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "truth"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", "b", False),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", "a", None, True),
        ("StringEqualsIgnoreCase", "Ab", "aB", True),
        ("StringNotEqualsIgnoreCase", "Ab", "aB", False),
        ("StringLike", "gr*n?", "green1", True),
        ("StringLike", "gr*n?", "green", False),
        ("StringLike", "GR*", "green", False),
        ("StringLike", "a${*}", "ab", False),
        ("StringLike", "a${*}", "a*", True),
        ("StringNotLike", "gr*", "green", False),
        ("NumericEquals", "1", "1.0", True),
        ("NumericNotEquals", "1", "1.0", False),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "ten", False),
        ("NumericLessThan", "NaN", "9", False),
        ("NumericNotEquals", ["1", "2"], "2", False),
        ("NumericNotEquals", "1", None, True),
        ("NumericLessThanIfExists", "10", None, True),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "10", False),
        ("NumericGreaterThanEquals", 10, "10", True),
        ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("DateGreaterThan", "1767225600", "2026-01-02T00:00:00Z", True),
        ("DateEquals", "2026-01-01T00:00:00Z", "soon", False),
        ("DateEquals", "2026-01-01", "2026-01-01T01:00:00+01:00", True),
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", True),
        ("DateLessThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", False),
        ("DateNotEquals", "2026-01-01", "2026-01-02", True),
        ("DateLessThan", "1e30", "2026-01-01", False),
        ("Bool", "true", "True", True),
        ("Bool", True, "false", False),
        # A variable is none in an operator that takes neither texts nor ARNs.
        ("Bool", "${aws:Key}", "true", False),
        ("NumericEquals", "${aws:Key}", "1", False),
        ("DateEquals", "${aws:Key}", "2026-01-01", False),
        ("IpAddress", "${aws:Key}", "10.0.0.1", False),
        ("ArnLike", "${aws:Key}", "arn:aws:sns:eu-west-1:111122223333:topic", True),
        ("StringEquals", "${aws:KEY}", "value", True),
        ("BinaryEquals", "QQ==", "QQ==", True),
        ("BinaryEquals", "QQ==", "no base64", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "11.1.2.3", False),
        ("IpAddress", "10.0.0.0/8", "somewhere", False),
        ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", True),
        ("NotIpAddress", ["10.0.0.0/8", "11.0.0.0/8"], "11.1.2.3", False),
        ("IpAddress", "10.1.2.3", "10.1.2.3", True),
        ("IpAddress", ["10.0.0.0/8", "2001:db8::/32"], "2001:DB8::1", True),
        ("IpAddress", "10.0.0.0/8", "2001:db8::1", False),
        ("ArnLike", "arn:aws:sns:*:111122223333:*", "arn:aws:sns:eu-west-1:111122223333:topic", True),
        ("ArnEquals", "arn:aws:sns:*:111122223333:*", "arn:aws:sns:eu-west-1:111122223333:topic", True),
        ("ArnLike", "arn:aws:sns:*:111122223333:T*", "arn:aws:sns:eu-west-1:111122223333:topic", False),
        ("ArnNotEquals", ["arn:aws:sns:*:*:*", "arn:aws:sqs:*:*:*"], "arn:aws:sqs:r:1:queue", False),
        ("ArnNotLike", "arn:aws:sns:*:*:*", None, True),
        # A wildcard stays in its field; one of a text does not (IAM user guide's own example).
        (
            "ArnLike",
            "arn:aws:someservice:*:111122223333:finance/*",
            "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
            False,
        ),
        (
            "StringLike",
            "arn:aws:someservice:*:111122223333:finance/*",
            "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt",
            True,
        ),
        ("ArnLike", "arn:aws:sns:*:topic", "arn:aws:sns:eu-west-1:111122223333:topic", False),
        ("ArnNotLike", "arn:aws:sns:*:*:*", "arn:aws:sqs:eu-west-1:111122223333:queue", True),
        ("Null", "true", None, True),
        ("Null", "true", "a", False),
        ("Null", "false", "a", True),
        ("Null", False, None, False),
    ],
)
def test_an_operator_compares_one_value(
    operator: str, wanted: object, value: str | None, *, truth: bool
) -> None:
    keys = {} if value is None else {"aws:key": value}

    assert holds({operator: {"aws:Key": wanted}}, keys) is truth


@pytest.mark.parametrize(
    ("operator", "wanted", "values", "truth"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], ("a",), True),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), False),
        ("ForAllValues:StringEquals", ["a"], None, True),
        ("ForAllValues:StringNotLike", ["greenlight:*"], ("team",), True),
        ("ForAllValues:StringNotLike", ["greenlight:*"], ("team", "greenlight:stack"), False),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c", "b"), True),
        ("ForAnyValue:StringEquals", ["a"], ("c",), False),
        ("ForAnyValue:StringEquals", ["a"], None, False),
        ("ForAnyValue:StringNotEquals", ["a"], None, False),
        ("ForAnyValue:StringNotEquals", ["a"], ("a", "b"), True),
        ("ForAnyValue:StringEqualsIfExists", ["a"], None, True),
        ("ForAllValues:StringNotEquals", ["a", "b"], ("c", "b"), False),
        ("ForAnyValue:StringNotEquals", ["a", "b"], ("a", "b"), False),
        ("ForAllValues:ArnLike", ["arn:aws:sns:*:*:*"], ("arn:aws:sns:r:1:a", "arn:aws:sns:r:1:b"), True),
        # No values at all, and an empty text alone, are as a key that is absent.
        ("ForAllValues:StringEquals", ["a"], (), True),
        ("ForAnyValue:StringEquals", ["a"], (), False),
        ("ForAllValues:StringEquals", ["a"], ("",), True),
        ("ForAnyValue:StringEquals", [""], ("",), False),
        ("StringEquals", "a", (), False),
        ("StringNotEquals", "a", (), True),
        ("Null", "true", (), True),
        ("Null", "false", (), False),
        ("Null", "false", ("a", "b"), True),
    ],
)
def test_an_operator_for_sets_compares_all_values(
    operator: str, wanted: str | list[str], values: tuple[str, ...] | None, *, truth: bool
) -> None:
    keys = {} if values is None else {"aws:tagkeys": values}

    assert holds({operator: {"aws:TagKeys": wanted}}, keys) is truth


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_an_operator_for_one_value_on_many_opens_nothing(effect: str) -> None:
    """AWS does not document this: an Allow needs all of them, a Deny one."""
    condition = {"StringEquals": {"aws:TagKeys": "a"}}

    assert holds(condition, {"aws:tagkeys": ("a", "b")}, effect=effect) is (effect == "Deny")
    assert holds(condition, {"aws:tagkeys": ("a", "a")}, effect=effect)


def test_every_operator_and_every_key_has_to_hold() -> None:
    condition = {"StringEquals": {"aws:a": "1", "aws:b": "2"}, "Bool": {"aws:c": "true"}}
    keys = {"aws:a": "1", "aws:b": "2", "aws:c": "true"}

    assert holds(condition, keys)
    for key in keys:
        assert not holds(condition, keys | {key: "other"})


def test_the_case_of_a_key_does_not_matter_and_that_of_a_tags_value_does() -> None:
    condition = {"StringEquals": {"AWS:resourcetag/Owner": "Ann"}}

    assert holds(condition, {"aws:resourcetag/owner": "Ann"})
    assert not holds(condition, {"aws:resourcetag/owner": "ann"})


@pytest.mark.parametrize(
    ("wanted", "keys", "truth"),
    [
        ("${aws:PrincipalTag/team}", {"aws:principaltag/team": "ml", "aws:resourcetag/team": "ml"}, True),
        ("${aws:PrincipalTag/team}", {"aws:principaltag/team": "*", "aws:resourcetag/team": "ml"}, False),
        ("${aws:PrincipalTag/team}", {"aws:resourcetag/team": "ml"}, False),
        ("${aws:PrincipalTag/team, 'ml'}", {"aws:resourcetag/team": "ml"}, True),
        ("x-${aws:PrincipalTag/team}", {"aws:principaltag/team": "ml", "aws:resourcetag/team": "x-ml"}, True),
    ],
)
@pytest.mark.parametrize("operator", ["StringEquals", "StringLike"])
def test_a_variable_stands_for_the_requests_value_as_it_is(
    operator: str, wanted: str, keys: dict[str, str], *, truth: bool
) -> None:
    assert holds({operator: {"aws:ResourceTag/team": wanted}}, keys) is truth


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("tags", [{}, {"aws:principaltag/team": ("ml", "bi")}])
@pytest.mark.parametrize(
    ("operator", "truth"),
    [
        ("StringEquals", False),
        ("StringLike", False),
        ("StringNotEquals", True),
        ("StringNotLike", True),
        ("StringEqualsIfExists", False),
    ],
)
def test_a_variable_without_one_value_equals_nothing(
    effect: str, tags: dict[str, Any], operator: str, *, truth: bool
) -> None:
    """IAM user guide, "Policy variables with no value"; keys with many values are no variables."""
    condition = {operator: {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}

    assert holds(condition, {"aws:resourcetag/team": "ml", **tags}, effect=effect) is truth


def test_a_variable_without_a_value_takes_nothing_from_the_values_beside_it() -> None:
    condition = {"StringEquals": {"aws:ResourceTag/team": ["${aws:PrincipalTag/team}", "ml"]}}

    assert holds(condition, {"aws:resourcetag/team": "ml"})


@pytest.mark.parametrize(
    "operator", ["StringIs", "ForSomeValues:StringEquals", "ForAllValues:Null", "NullIfExists", ":Bool"]
)
def test_an_operator_that_iam_does_not_know_makes_no_policy(operator: str) -> None:
    with pytest.raises(MalformedPolicyError, match="is no condition operator"):
        holds({operator: {"aws:key": "a"}}, {})
