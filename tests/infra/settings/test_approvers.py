from __future__ import annotations

import re

import pytest

from infra.settings.keys.approvers import APPROVER, with_sessions

PROFILE = "arn:aws:sagemaker:eu-central-1:111122223333:user-profile/d-abcdefghijkl/alice"


@pytest.mark.parametrize(
    "pattern",
    [
        "arn:aws:iam::111122223333:user/alice@example.com",
        "arn:aws:iam::111122223333:user/ml/approvers/*",
        "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole-20260101T000000",
        "arn:aws:iam::*:role/ml-approver-?",
        "arn:aws-us-gov:sts::111122223333:assumed-role/AWSReservedSSO_Approver_*/alice",
        "arn:*:sts::1111*:assumed-role/*/release-bot",
        PROFILE,
        "arn:aws:sagemaker:*:111122223333:user-profile/d-*/*",
    ],
)
def test_these_are_patterns_of_identities(pattern: str) -> None:
    assert re.search(APPROVER, pattern)


@pytest.mark.parametrize(
    ("role", "sessions"),
    [
        ("arn:aws:iam::111122223333:role/approver", "arn:aws:sts::111122223333:assumed-role/approver/*"),
        (
            "arn:aws-cn:iam::111122223333:role/service-role/team/a",
            "arn:aws-cn:sts::111122223333:assumed-role/a/*",
        ),
        ("arn:*:iam::*:role/ml-*", "arn:*:sts::*:assumed-role/ml-*/*"),
    ],
)
def test_whoever_acts_with_a_role_is_meant_by_its_arn(role: str, sessions: str) -> None:
    assert with_sessions([role, PROFILE, role]) == [role, sessions, PROFILE]
    assert re.search(APPROVER, sessions)


@pytest.mark.parametrize(
    "pattern",
    [PROFILE, "arn:aws:iam::111122223333:user/role/a", "arn:aws:sts::111122223333:assumed-role/a/role"],
)
def test_what_is_no_role_stands_for_itself_alone(pattern: str) -> None:
    assert with_sessions([pattern]) == [pattern]
