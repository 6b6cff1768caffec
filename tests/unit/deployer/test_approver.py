"""Who approved a version is the person, also if a deployer wrote to the version's metadata since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployer.decisions.approver import Given, given, given_before
from deployer.model.approval import Approval, ApprovalSource, HeardApproval
from deployer.model.identity import UNKNOWN, Identity
from deployer.model.model_version import ModelVersion
from deployer.model.stack_identity import StackIdentity

ARN = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/churn-models/7"
ROLE = "arn:aws:sts::111122223333:assumed-role/{role}/session"
DEPLOYER = Identity(iam_arn=ROLE.format(role="deployer"))
LEAD = Identity(
    "arn:aws:sagemaker:eu-central-1:111122223333:user-profile/d-1/lead", ROLE.format(role="studio")
)
ANN = Identity(iam_arn="arn:aws:iam::111122223333:user/ann")
REGISTERED, APPROVED, WRITTEN = (datetime(2026, 5, 4, hour, tzinfo=UTC) for hour in (8, 9, 10))
SECOND = timedelta(seconds=1)

VERSION = ModelVersion(
    arn=ARN,
    group_name="churn-models",
    version=7,
    status="Completed",
    approval_status="Approved",
    registered_by=ANN,
    last_modified_by=DEPLOYER,
    last_modified_time=WRITTEN,
    creation_time=REGISTERED,
)
KNOWN = Approval(
    endpoint_name="fraud",
    version_arn=ARN.upper(),
    version=7,
    group_name="churn-models",
    approved_at=APPROVED,
    approved_by=LEAD.name,
    approved_with=LEAD.iam_arn,
    source=ApprovalSource.EVENT,
    correlation_id="e",
    artifact_digest="d",
)


def heard(changed_at: datetime | None) -> HeardApproval:
    return HeardApproval("churn", ARN, "churn-models", APPROVED, "e", changed_at=changed_at)


def test_the_last_change_is_the_approval_unless_its_event_names_an_earlier_second() -> None:
    version = replace(VERSION, last_modified_by=ANN, last_modified_time=APPROVED)

    assert given(version, None) == Given(ANN, APPROVED)
    assert given(version, heard(None)) == Given(ANN, APPROVED)
    assert given(version, heard(APPROVED)) == Given(ANN, APPROVED)
    assert given(version, heard(APPROVED - SECOND)) == Given(None, APPROVED)


@pytest.mark.parametrize("event", [None, heard(None), heard(APPROVED)], ids=["list", "edit", "approval"])
def test_what_another_endpoint_journalled_is_who_approved_and_when(event: HeardApproval | None) -> None:
    assert given_before(VERSION, event, "d", [KNOWN]) == Given(LEAD, APPROVED)


@pytest.mark.parametrize(
    ("known", "event"),
    [
        (KNOWN, heard(APPROVED + SECOND)),
        (replace(KNOWN, artifact_digest="another"), None),
        (replace(KNOWN, artifact_digest=None), None),
        (replace(KNOWN, approved_by=UNKNOWN, approved_with=None), None),
        (replace(KNOWN, version_arn=ARN.replace("/7", "/8")), None),
        (replace(KNOWN, approved_at=REGISTERED - SECOND), None),
    ],
    ids=[
        "of another second",
        "of other content",
        "of unread content",
        "of nobody",
        "of another",
        "of a former",
    ],
)
def test_another_approval_says_nothing(known: Approval, event: HeardApproval | None) -> None:
    at = APPROVED if event is not None else WRITTEN
    assert given_before(VERSION, event, "d", [known]) == Given(None, at)


def test_content_that_nobody_read_is_nobodys() -> None:
    assert given_before(VERSION, None, None, [replace(KNOWN, artifact_digest=None)]).by is None


def test_of_several_approvals_the_newest_counts() -> None:
    newer = replace(KNOWN, approved_at=APPROVED + SECOND, approved_by=ANN.name, approved_with=None)

    assert given_before(VERSION, None, "d", [newer, KNOWN]) == Given(ANN, APPROVED + SECOND)
    assert given_before(VERSION, None, "d", [KNOWN, newer]) == Given(ANN, APPROVED + SECOND)


@pytest.mark.parametrize(
    ("role", "is_one"),
    [
        ("deployer", True),
        ("Greenlight-eu-DeployerRole36024D4B-AbCdEf012345", True),
        ("deployers", False),
        ("DataScience", False),
        ("Greenlight-DeployerRole-lead", False),
    ],
)
def test_deployers_are_known_by_their_roles(role: str, *, is_one: bool) -> None:
    stack = StackIdentity("arn:aws:iam::111122223333:role/models", "Greenlight", "deployer")

    assert stack.is_deployer(Identity(iam_arn=ROLE.format(role=role))) is is_one
    assert (
        stack.is_deployer(Identity("arn:aws:sagemaker:x:1:user-profile/d/p", ROLE.format(role=role)))
        is is_one
    )
    assert not stack.is_deployer(Identity())
