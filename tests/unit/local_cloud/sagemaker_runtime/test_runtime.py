import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from local_cloud.front_door.http import Request, Response
from local_cloud.hosting.fleets import Invocation, NoSuchEndpointError, NoSuchVariantError, NotReadyError
from local_cloud.hosting.variant_fleet import Answer, InvocationTimeoutError, UnreachableError
from local_cloud.sagemaker.ports import Caller, FleetSpec
from local_cloud.sagemaker_runtime.runtime import Runtime
from tests.unit.local_cloud.sagemaker_runtime.test_data_capture import spec

CALLER = Caller("111122223333", "eu-central-1", "arn:aws:iam::111122223333:root")


class Endpoints:
    """Hosted endpoints with a fixed answer or error, which record all invocations."""

    def __init__(self, outcome: Answer | Exception) -> None:
        self._outcome = outcome
        self.asked: list[tuple[Any, ...]] = []
        self.config: Mapping[str, Any] | None = None

    def invoke(
        self,
        account_id: str,
        region: str,
        endpoint_name: str,
        *,
        target_variant: str | None,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float | None = None,
    ) -> Invocation:
        assert timeout_seconds is None
        self.asked.append((account_id, region, endpoint_name, target_variant, body, dict(headers)))
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return Invocation("AllTraffic", "/aws/sagemaker/Endpoints/churn", "AllTraffic/i-1", self._outcome)

    def async_inference(self, account_id: str, region: str, endpoint_name: str) -> Mapping[str, Any] | None:
        del account_id, region, endpoint_name
        return self.config

    def serving(self, account_id: str, region: str, endpoint_name: str) -> FleetSpec:
        return spec(account_id=account_id, region=region, endpoint_name=endpoint_name)


class NoStorage:
    """Nothing is read or written by a synchronous invocation."""

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
        raise AssertionError((s3_url, content, content_type, account_id, region, kms_key_id))

    async def publish(self, topic_arn: str, message: str, *, account_id: str, region: str) -> None:
        raise AssertionError((topic_arn, message, account_id, region))


def invoke(endpoints: Endpoints, headers: Mapping[str, str] | None = None, body: bytes = b"1") -> Response:
    runtime = Runtime(endpoints, NoStorage())
    request = Request("POST", "/endpoints/churn/invocations", {}, headers or {}, body)
    try:
        return asyncio.run(runtime.invoke(request, endpoint_name="churn", caller=CALLER))
    finally:
        runtime.stop()


def test_container_gets_the_body_and_the_headers_that_are_meant_for_it() -> None:
    endpoints = Endpoints(Answer(200, "text/csv", b"0.5"))
    passed_on = {
        "content-type": "application/json",
        "accept": "text/csv",
        "x-amzn-sagemaker-custom-attributes": "trace=1",
    }

    response = invoke(
        endpoints,
        {
            **passed_on,
            "x-amzn-sagemaker-target-variant": "AllTraffic",
            "authorization": "AWS4-HMAC-SHA256 secret",
        },
    )

    assert endpoints.asked == [("111122223333", "eu-central-1", "churn", "AllTraffic", b"1", passed_on)]
    assert (response.status, response.body) == (200, b"0.5")
    assert response.headers == {"Content-Type": "text/csv", "x-Amzn-Invoked-Production-Variant": "AllTraffic"}


@pytest.mark.parametrize(
    ("outcome", "status", "code", "said"),
    [
        (NoSuchEndpointError(), 400, "ValidationError", "Endpoint churn of account 111122223333 not found."),
        (NoSuchVariantError(), 400, "ValidationError", "of endpoint churn not found."),
        (
            NotReadyError("AllTraffic"),
            429,
            "ModelNotReadyException",
            "Variant AllTraffic of endpoint churn is still",
        ),
        (UnreachableError("refused"), 503, "ServiceUnavailable", "Check its logs."),
        (InvocationTimeoutError(), 424, "ModelError", "Your invocation timed out"),
        (
            Answer(400, "text/plain", b"no"),
            424,
            "ModelError",
            'client error (400) from primary with message "no"',
        ),
        (
            Answer(503, "text/plain", b"no"),
            424,
            "ModelError",
            'server error (503) from primary with message "no"',
        ),
    ],
)
def test_every_way_to_fail_has_its_own_error(
    outcome: Answer | Exception, status: int, code: str, said: str
) -> None:
    response = invoke(Endpoints(outcome))

    assert (response.status, response.error_code) == (status, code)
    assert response.headers["x-amzn-ErrorType"] == code
    assert said in json.loads(response.body)["Message"]


@pytest.mark.parametrize(
    ("header", "member"),
    [
        ("x-amzn-sagemaker-target-model", "TargetModel"),
        ("x-amzn-sagemaker-inference-component", "InferenceComponentName"),
        ("x-amzn-sagemaker-session-id", "SessionId"),
    ],
)
def test_unsupported_option_is_refused_by_name(header: str, member: str) -> None:
    endpoints = Endpoints(Answer(200, "text/csv", b""))

    response = invoke(endpoints, {header: "x"})

    assert response.error_code == "ValidationError"
    assert member in json.loads(response.body)["Message"]
    assert endpoints.asked == []


def test_body_over_six_mebibytes_is_refused() -> None:
    endpoints = Endpoints(Answer(200, "text/csv", b""))

    assert invoke(endpoints, body=b"x" * 6_291_457).error_code == "ValidationError"
    assert invoke(endpoints, body=b"x" * 6_291_456).status == 200


def test_asynchronous_endpoint_answers_no_synchronous_invocation() -> None:
    endpoints = Endpoints(Answer(200, "text/csv", b"0.5"))
    endpoints.config = {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}

    response = invoke(endpoints)

    assert (response.status, response.error_code) == (400, "ValidationError")
    assert "Use InvokeEndpointAsync" in json.loads(response.body)["message"]
    assert endpoints.asked == []
