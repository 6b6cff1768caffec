"""The wire: targets, bodies, headers and errors of awsJson1.1."""

from __future__ import annotations

import json

import pytest

from local_cloud.sagemaker.protocol import wire
from tests.unit.local_cloud.sagemaker.virtual_cloud import ALICE, VirtualCloud


def handle(cloud: VirtualCloud, target: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    return wire.handle(cloud.control_plane, target=target, body=body, caller=ALICE)


def test_an_answer_is_json_with_times_as_epoch_seconds(cloud: VirtualCloud) -> None:
    cloud.clock.advance(0.25)
    cloud.group()
    status, headers, body = handle(
        cloud, "SageMaker.DescribeModelPackageGroup", b'{"ModelPackageGroupName": "churn"}'
    )
    assert status == 200
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert json.loads(body)["CreationTime"] == 1767225600.25


def test_times_are_kept_to_the_millisecond(cloud: VirtualCloud) -> None:
    cloud.clock.advance(0.123456)
    cloud.group()
    _, _, body = handle(cloud, "SageMaker.DescribeModelPackageGroup", b'{"ModelPackageGroupName": "churn"}')
    assert json.loads(body)["CreationTime"] == 1767225600.123


def test_an_empty_body_is_an_empty_request(cloud: VirtualCloud) -> None:
    assert handle(cloud, "SageMaker.ListModels", b"")[2] == b'{"Models":[]}'


def test_an_operation_without_output_answers_nothing(cloud: VirtualCloud) -> None:
    cloud.model()
    status, _, body = handle(cloud, "SageMaker.DeleteModel", b'{"ModelName": "model-1"}')
    assert (status, body) == (200, b"")


def test_an_error_carries_its_type_and_message(cloud: VirtualCloud) -> None:
    status, headers, body = handle(cloud, "SageMaker.DescribeEndpoint", b'{"EndpointName": "x"}')
    assert status == 400
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert json.loads(body) == {"__type": "ValidationException", "message": 'Could not find endpoint "x".'}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff",
        b'{"MaxResults": NaN}',
        b"[" * 100_000,
        b'{"MaxResults": -Infinity}',
    ],
)
def test_a_body_that_is_no_json_object_cannot_be_read(cloud: VirtualCloud, body: bytes) -> None:
    status, _, content = handle(cloud, "SageMaker.ListModels", body)
    assert status == 400
    assert json.loads(content)["__type"] == "SerializationException"


@pytest.mark.parametrize(
    "target", ["", "ListModels", "DynamoDB_20120810.ListTables", "SageMaker.", "SageMaker.Nope"]
)
def test_an_unknown_target_is_refused_by_name(cloud: VirtualCloud, target: str) -> None:
    status, _, content = handle(cloud, target, b"{}")
    document = json.loads(content)
    assert (status, document["__type"]) == (400, "UnknownOperationException")
    assert repr(target.removeprefix("SageMaker.")) in document["message"]


def test_every_answer_has_an_identifier_of_its_own(cloud: VirtualCloud) -> None:
    identifiers = {handle(cloud, "SageMaker.ListModels", b"{}")[1]["x-amzn-requestid"] for _ in range(20)}
    assert len(identifiers) == 20
