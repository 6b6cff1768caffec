from __future__ import annotations

from typing import Any

import pytest

from iam_evaluator.grammar import MalformedPolicyError
from iam_evaluator.policies import parse_policy

STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("{", "it is not JSON"),
        ("[]", "no JSON object"),
        ({"Version": "2026-01-01", "Statement": [STATEMENT]}, "Version"),
        ({"Statement": []}, "no Statement"),
        ({"Statement": ["Allow"]}, "no object"),
        ({"Statement": {**STATEMENT, "Effect": "allow"}}, "Effect"),
        ({"Statement": {**STATEMENT, "Actions": "s3:*"}}, "Actions"),
        ({"Statement": {**STATEMENT, "NotAction": "s3:*"}}, "both Action and NotAction"),
        ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "neither Action nor NotAction"),
        ({"Statement": {**STATEMENT, "Action": 1}}, "Action cannot be 1"),
        ({"Statement": {**STATEMENT, "Resource": []}}, "Resource cannot be"),
        ({"Statement": {**STATEMENT, "Principal": "111122223333"}}, "Principal cannot be"),
        ({"Statement": {**STATEMENT, "Principal": {"Role": "x"}}}, "Principal cannot be"),
        ({"Statement": {**STATEMENT, "Condition": ["Bool"]}}, "Condition cannot be"),
        ({"Statement": {**STATEMENT, "Condition": {"Bool": "true"}}}, "Condition cannot be"),
    ],
)
def test_what_iam_would_refuse_is_no_policy(document: Any, why: str) -> None:
    with pytest.raises(MalformedPolicyError, match=why):
        parse_policy(document)


def test_one_and_several_are_read_alike() -> None:
    several = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}

    assert parse_policy({"Statement": STATEMENT}) == parse_policy({"Statement": [several]})


def test_text_and_object_are_read_alike() -> None:
    text = '{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}'

    assert parse_policy(text) == parse_policy({"Statement": STATEMENT})
