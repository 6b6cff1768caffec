"""Edits are known after a while, in their order."""

from __future__ import annotations

import json
from time import time as wall_clock
from typing import TYPE_CHECKING, Any

import pytest
from ministack.core.responses import request_scope

from local_cloud.ministack.iam import MiniStackIam
from local_cloud.ministack.propagation import Propagation
from local_cloud.ministack.role_permissions import ExecutionRoles
from local_cloud.testing.in_process import InProcessCloud
from tests.unit.deployer.pipeline import PATH_STYLE
from tests.unit.local_cloud.sagemaker.virtual_cloud import VirtualCloud

if TYPE_CHECKING:
    from collections.abc import Iterator


class Time:
    def __init__(self) -> None:
        self.seconds, self.now = 10.0, 1000.0
        self.propagation = Propagation(seconds=lambda: self.seconds, now=lambda: self.now)

    def known(self, value: str, made_at: float | None = None) -> str:
        return self.propagation.known("role", value, before="nothing", made_at=made_at)


@pytest.fixture
def time() -> Time:
    return Time()


def test_without_a_delay_all_is_known_at_once(time: Time) -> None:
    time.seconds = 0

    assert [time.known(value) for value in ("a", "b")] == ["a", "b"]
    assert time.known("c", made_at=time.now) == "c"


def test_an_edit_is_known_after_a_while(time: Time) -> None:
    assert time.known("a") == "a", "what was there before anybody looked"
    assert time.known("b") == "a"
    time.now += 9
    assert time.known("b") == "a"
    time.now += 1
    assert time.known("b") == "b"


def test_edits_are_known_one_after_the_other(time: Time) -> None:
    time.known("a")
    time.known("b")
    time.now += 6
    assert time.known("c") == "a"
    time.now += 4
    assert time.known("c") == "b"
    time.now += 6
    assert time.known("c") == "c"


def test_what_is_taken_back_in_time_was_never_known(time: Time) -> None:
    time.known("a")
    time.known("b")
    time.now += 3
    time.known("a")
    time.now += 20

    assert time.known("a") == "a"


def test_what_was_just_made_is_known_after_a_while(time: Time) -> None:
    assert time.known("a", made_at=time.now - 4) == "nothing"
    time.now += 6
    assert time.known("a", made_at=time.now - 10) == "a"


def test_a_delay_that_is_turned_on_hides_nothing_that_was_known(time: Time) -> None:
    time.seconds = 0
    time.known("a")
    time.seconds = 10

    assert time.known("a") == "a"
    assert time.propagation.known("old", "b", before="nothing", made_at=time.now - 60) == "b"


# MiniStack's policies -----------------------------------------------------------------------------------

ACCOUNT, REGION = "700000000001", "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/models"
BUCKET = "arn:aws:s3:::models-700000000001"
OBJECT = f"{BUCKET}/churn/model.tar.gz"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    )


TRUST = policy({"Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"})


@pytest.fixture
def account(time: Time) -> Iterator[tuple[MiniStackIam, Any, Any]]:
    """IAM with a role that is a minute old, and clients of IAM and S3."""
    time.now = wall_clock()
    cloud = InProcessCloud(VirtualCloud().control_plane, account_id=ACCOUNT, region=REGION)
    iam, s3 = cloud.client("iam"), cloud.client("s3", PATH_STYLE)
    iam.create_role(RoleName="models", AssumeRolePolicyDocument=TRUST)
    s3.create_bucket(Bucket="models-700000000001", CreateBucketConfiguration={"LocationConstraint": REGION})
    time.now += 60
    decides = MiniStackIam()
    decides.propagation = time.propagation
    yield decides, iam, s3
    for name in iam.list_role_policies(RoleName="models")["PolicyNames"]:
        iam.delete_role_policy(RoleName="models", PolicyName=name)
    iam.delete_role(RoleName="models")
    s3.delete_bucket(Bucket="models-700000000001")


def may(decides: MiniStackIam, action: str) -> bool:
    session = decides.session_of(ROLE, "SageMaker")
    assert session is not None
    with request_scope(ACCOUNT, REGION):
        return decides.decide(session, action, OBJECT, region=REGION).is_allowed


def test_what_is_added_to_a_role_is_allowed_after_a_while(
    time: Time, account: tuple[MiniStackIam, Any, Any]
) -> None:
    decides, iam, _ = account
    assert not may(decides, "s3:GetObject")
    reading = policy({"Action": "s3:GetObject", "Resource": "*"})
    iam.put_role_policy(RoleName="models", PolicyName="reading", PolicyDocument=reading)

    assert not may(decides, "s3:GetObject")
    time.now += 10
    assert may(decides, "s3:GetObject")
    iam.delete_role_policy(RoleName="models", PolicyName="reading")
    assert may(decides, "s3:GetObject")
    time.now += 10
    assert not may(decides, "s3:GetObject")


def test_what_is_added_to_a_bucket_s_policy_is_allowed_after_a_while(
    time: Time, account: tuple[MiniStackIam, Any, Any]
) -> None:
    decides, _, s3 = account
    assert not may(decides, "s3:GetObject")
    admitting = {"Principal": {"AWS": ROLE}, "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"}
    s3.put_bucket_policy(Bucket="models-700000000001", Policy=policy(admitting))

    assert not may(decides, "s3:GetObject")
    time.now += 10
    assert may(decides, "s3:GetObject")
    s3.delete_bucket_policy(Bucket="models-700000000001")


def test_a_new_role_has_no_permissions_and_no_trust_for_a_while(
    time: Time, account: tuple[MiniStackIam, Any, Any]
) -> None:
    decides, iam, _ = account
    reading = policy({"Action": "s3:GetObject", "Resource": "*"})
    iam.put_role_policy(RoleName="models", PolicyName="reading", PolicyDocument=reading)
    time.now -= 59
    trusts = ExecutionRoles(decides).trusts

    assert not may(decides, "s3:GetObject")
    assert not trusts(ROLE, "sagemaker.amazonaws.com")
    time.now += 10
    assert may(decides, "s3:GetObject")
    assert trusts(ROLE, "sagemaker.amazonaws.com")
