"""Calls that are captured: which, as what, where, and in whose name."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import Any

import pytest

from local_cloud.front_door.http import Request, Response
from local_cloud.hosting.fleets import NoSuchEndpointError
from local_cloud.sagemaker.ports import Caller, FleetSpec
from local_cloud.sagemaker_runtime.data_capture import Captures
from local_cloud.sagemaker_runtime.runtime_ports import StorageError

ACCOUNT, REGION = "111122223333", "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/models"
CONFIG: dict[str, Any] = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://calls/credit/",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}


def spec(**changes: Any) -> FleetSpec:
    return FleetSpec(
        **{
            "account_id": ACCOUNT,
            "region": REGION,
            "endpoint_name": "churn",
            "endpoint_config_name": "config-1",
            "variant_name": "AllTraffic",
            "model_name": "model-1",
            "containers": (),
            "execution_role_arn": ROLE,
            "instance_type": "ml.m5.large",
            "instance_count": 1,
            **changes,
        }
    )


class Endpoints:
    def __init__(self, config: dict[str, Any] | None) -> None:
        self.config = config

    def serving(self, account_id: str, region: str, endpoint_name: str) -> FleetSpec:
        if endpoint_name != "churn":
            raise NoSuchEndpointError
        return spec(account_id=account_id, region=region, data_capture=self.config)


class Storage:
    """Objects in memory, or a bucket that is not there."""

    def __init__(self, *, is_there: bool = True) -> None:
        self.objects: dict[str, tuple[dict[str, Any], str]] = {}
        self._is_there = is_there

    def read_object(self, s3_url: str, *, account_id: str) -> bytes | None:
        raise AssertionError((s3_url, account_id))

    async def write_object(
        self,
        s3_url: str,
        content: bytes,
        *,
        content_type: str,
        account_id: str,
        region: str,
        kms_key_id: str = "",
    ) -> None:
        assert (account_id, region, content_type) == (ACCOUNT, REGION, "application/jsonlines")
        if not self._is_there:
            raise StorageError("there is no such bucket")
        self.objects[s3_url] = (json.loads(content), kms_key_id)

    async def publish(self, topic_arn: str, message: str, *, account_id: str, region: str) -> None:
        raise AssertionError((topic_arn, message, account_id, region))


class Roles:
    def __init__(self, refused: str | None) -> None:
        self._refused = refused
        self.asked: list[tuple[str, str, str, str | None]] = []

    def refusal_to_read(self, s3_url: str, *, role_arn: str, region: str) -> str | None:
        raise AssertionError((s3_url, role_arn, region))

    def refusal_to_write(
        self, s3_url: str, *, role_arn: str, region: str, kms_key_id: str | None
    ) -> str | None:
        self.asked.append((s3_url, role_arn, region, kms_key_id))
        return self._refused

    def refusal_to_publish(self, topic_arn: str, *, role_arn: str, region: str) -> str | None:
        raise AssertionError((topic_arn, role_arn, region))


def captured(
    config: dict[str, Any] | None,
    *,
    roles: Roles | None = None,
    storage: Storage | None = None,
    status: int = 200,
    endpoint_name: str = "churn",
) -> dict[str, tuple[dict[str, Any], str]]:
    storage = storage or Storage()
    request = Request("POST", "/endpoints/churn/invocations", {}, {"content-type": "text/csv"}, b"1,2")
    headers = {"Content-Type": "application/json", "x-Amzn-Invoked-Production-Variant": "AllTraffic"}
    captures = Captures(Endpoints(config), storage, roles)
    caller = Caller(ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:root")
    asyncio.run(
        captures.keep(
            request, Response(status, b"[0.5]", headers), endpoint_name=endpoint_name, caller=caller
        )
    )
    return storage.objects


def test_a_call_is_kept_below_its_endpoint_variant_and_hour() -> None:
    [(url, (record, key))] = captured(CONFIG).items()

    assert re.fullmatch(r"s3://calls/credit/churn/AllTraffic/\d{4}/\d\d/\d\d/\d\d/[-0-9a-f]+\.jsonl", url)
    assert key == ""
    assert record["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "1,2",
        "encoding": "CSV",
    }
    output = record["captureData"]["endpointOutput"]
    assert (output["encoding"], base64.b64decode(output["data"])) == ("BASE64", b"[0.5]")


@pytest.mark.parametrize(("mode", "sides"), [("Input", ["endpointInput"]), ("Output", ["endpointOutput"])])
def test_only_the_side_that_is_asked_for_is_kept(mode: str, sides: list[str]) -> None:
    [(record, _)] = captured({**CONFIG, "CaptureOptions": [{"CaptureMode": mode}]}).values()

    assert list(record["captureData"]) == sides


@pytest.mark.parametrize(
    "config",
    [None, {**CONFIG, "EnableCapture": False}, {**CONFIG, "InitialSamplingPercentage": 0}],
)
def test_an_endpoint_that_captures_nothing_keeps_nothing(config: dict[str, Any] | None) -> None:
    assert captured(config) == {}


def test_a_call_that_failed_or_whose_endpoint_is_gone_is_not_kept() -> None:
    assert captured(CONFIG, status=424) == {}
    assert captured(CONFIG, endpoint_name="gone") == {}


def test_the_models_role_writes_with_the_key_that_the_config_names() -> None:
    roles = Roles(None)
    [(url, (_, key))] = captured({**CONFIG, "KmsKeyId": "alias/calls"}, roles=roles).items()

    assert roles.asked == [(url, ROLE, REGION, "alias/calls")]
    assert key == "alias/calls"


def test_a_call_that_may_not_be_written_is_lost_and_nobody_is_told() -> None:
    assert captured(CONFIG, roles=Roles("not authorized to perform: kms:GenerateDataKey")) == {}
    assert captured(CONFIG, storage=Storage(is_there=False)) == {}
