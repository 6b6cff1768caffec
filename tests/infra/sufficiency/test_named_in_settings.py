"""The real gateways read resources that only the synthesised settings name, and no other story does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.gateways.alarms import Alarms
from deployer.gateways.s3 import S3
from tests.unit.deployer.pipeline import PATH_STYLE, REGION, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture(params=["checks", "sagemaker-{region}-{account}"])
def bucket(pipeline: Pipeline, request: pytest.FixtureRequest) -> Iterator[str]:
    """The bucket of a smoke test's body, and the one of versions' own samples."""
    name = str(request.param).format(region=REGION, account=pipeline.account_id)
    s3 = pipeline.cloud.client("s3", PATH_STYLE)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=name, Key="one.csv", Body=b"3,4")
    yield name
    s3.delete_object(Bucket=name, Key="one.csv")
    s3.delete_bucket(Bucket=name)


def test_the_bodies_of_smoke_tests_are_read(pipeline: Pipeline, bucket: str) -> None:
    s3 = S3(lambda: pipeline.deployer_cloud.client("s3", PATH_STYLE))

    assert s3.read(f"s3://{bucket}/one.csv") == b"3,4"


@pytest.mark.parametrize("name", ["theirs", "Greenlight.churn.error-ratio"])
def test_the_states_of_rollback_alarms_are_read(pipeline: Pipeline, name: str) -> None:
    pipeline.make_alarm(name)
    pipeline.cloud.client("cloudwatch").set_alarm_state(
        AlarmName=name, StateValue="ALARM", StateReason="test"
    )
    alarms = Alarms(lambda: pipeline.deployer_cloud.client("cloudwatch"))

    assert alarms.look((), [name])[name].is_on
