"""Asynchronous invocations: accepted requests, written objects, and notifications."""

from __future__ import annotations

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.front_door.http import Request, Response
from local_cloud.hosting.fleets import Invocation, NoSuchEndpointError
from local_cloud.hosting.variant_fleet import Answer, InvocationTimeoutError, UnreachableError
from local_cloud.sagemaker.ports import Caller, FleetSpec
from local_cloud.sagemaker_runtime.asynchronous import AsyncInvocations
from local_cloud.sagemaker_runtime.runtime_ports import StorageError
from tests.unit.local_cloud.sagemaker_runtime.test_data_capture import spec

if TYPE_CHECKING:
    from collections.abc import Mapping

CALLER = Caller("111122223333", "eu-central-1", "arn:aws:iam::111122223333:root")
INPUT = "s3://data/in/rows.csv"
SUCCESS, ERROR = "arn:aws:sns:eu-central-1:111122223333:good", "arn:aws:sns:eu-central-1:111122223333:bad"
OUTPUT: dict[str, Any] = {
    "S3OutputPath": "s3://data/out/",
    "S3FailurePath": "s3://data/failed",
    "NotificationConfig": {"SuccessTopic": SUCCESS, "ErrorTopic": ERROR},
}


class Endpoints:
    """One asynchronous endpoint that answers, or raises, the same to everybody."""

    def __init__(self, outcome: Answer | Exception, output: Mapping[str, Any] | None) -> None:
        self._outcome = outcome
        self._output = output
        self.asked: list[tuple[bytes, dict[str, str], float | None]] = []

    def async_inference(self, account_id: str, region: str, endpoint_name: str) -> Mapping[str, Any] | None:
        assert (account_id, region) == (CALLER.account_id, CALLER.region)
        if endpoint_name != "churn":
            raise NoSuchEndpointError
        return None if self._output is None else {"OutputConfig": self._output}

    def serving(self, account_id: str, region: str, endpoint_name: str) -> FleetSpec:
        return spec(account_id=account_id, region=region, endpoint_name=endpoint_name)

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
        assert (account_id, region, endpoint_name) == (CALLER.account_id, CALLER.region, "churn")
        assert target_variant is None
        self.asked.append((body, dict(headers), timeout_seconds))
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return Invocation("AllTraffic", "group", "stream", self._outcome)


class Storage:
    """Objects and messages in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {INPUT: (b"1,2", "text/csv")}
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.keys: dict[str, str] = {}
        self.is_full = False

    def read_object(self, s3_url: str, *, account_id: str) -> bytes | None:
        assert account_id == CALLER.account_id
        found = self.objects.get(s3_url)
        return None if found is None else found[0]

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
        assert (account_id, region) == (CALLER.account_id, CALLER.region)
        if self.is_full:
            raise StorageError("there is no such bucket")
        self.objects[s3_url] = (content, content_type)
        self.keys[s3_url] = kms_key_id

    async def publish(self, topic_arn: str, message: str, *, account_id: str, region: str) -> None:
        assert (account_id, region) == (CALLER.account_id, CALLER.region)
        self.messages.append((topic_arn, json.loads(message)))


class Roles:
    """A role that may do everything except the refused actions, and records all questions."""

    def __init__(self, *refused: str) -> None:
        self._refused = refused
        self.asked: list[tuple[Any, ...]] = []

    def refusal_to_read(self, s3_url: str, *, role_arn: str, region: str) -> str | None:
        return self._answer("read", s3_url, role_arn, region)

    def refusal_to_write(
        self, s3_url: str, *, role_arn: str, region: str, kms_key_id: str | None
    ) -> str | None:
        return self._answer("write", s3_url, role_arn, region, kms_key_id)

    def refusal_to_publish(self, topic_arn: str, *, role_arn: str, region: str) -> str | None:
        return self._answer("publish", topic_arn, role_arn, region)

    def _answer(self, verb: str, name: str, *more: Any) -> str | None:
        self.asked.append((verb, name, *more))
        return f"not authorized to {verb}" if any(each in name for each in self._refused) else None


class Scene:
    """One invocation from request to notification."""

    def __init__(
        self,
        outcome: Answer | Exception | None = None,
        output: Mapping[str, Any] | None = OUTPUT,
        roles: Roles | None = None,
    ) -> None:
        self.roles = roles
        self.endpoints = Endpoints(outcome or Answer(200, "text/csv", b"0.5"), output)
        self.storage = Storage()

    def invoke(
        self, headers: Mapping[str, str] | None = None, *, body: bytes = b"", endpoint_name: str = "churn"
    ) -> Response:
        prefixed = {
            f"x-amzn-sagemaker-{name}": value
            for name, value in ({"inputlocation": INPUT} if headers is None else headers).items()
        }
        request = Request("POST", f"/endpoints/{endpoint_name}/async-invocations", {}, prefixed, body)

        async def until_done() -> Response:
            with ThreadPoolExecutor(1) as threads:
                invocations = AsyncInvocations(self.endpoints, self.storage, threads, self.roles)
                response = invocations.accept(request, endpoint_name=endpoint_name, caller=CALLER)
                others = asyncio.all_tasks() - {asyncio.current_task()}
                await asyncio.gather(*others)
            return response

        return asyncio.run(until_done())


def test_an_invocation_is_accepted_and_its_answer_is_written_where_it_says() -> None:
    scene = Scene()
    response = scene.invoke(
        {"inputlocation": INPUT, "content-type": "text/csv", "accept": "text/csv", "inference-id": "mine"}
    )
    assert response.status == 202
    assert json.loads(response.body) == {"InferenceId": "mine"}
    location = response.headers["X-Amzn-SageMaker-OutputLocation"]
    assert location.startswith("s3://data/out/")
    assert location.endswith(".out")
    assert response.headers["X-Amzn-SageMaker-FailureLocation"].startswith("s3://data/failed/")
    assert scene.storage.objects[location] == (b"0.5", "text/csv")
    assert scene.endpoints.asked == [(b"1,2", {"content-type": "text/csv", "accept": "text/csv"}, 900.0)]


def test_the_success_topic_is_told_in_the_documented_shape() -> None:
    scene = Scene()
    response = scene.invoke({"inputlocation": INPUT, "content-type": "text/csv"})
    ((topic, message),) = scene.storage.messages
    assert topic == SUCCESS
    assert message["awsRegion"] == "eu-central-1"
    assert message["invocationStatus"] == "Completed"
    assert message["requestParameters"] == {
        "endpointName": "churn",
        "inputLocation": INPUT,
        "contentType": "text/csv",
    }
    assert message["responseParameters"] == {
        "contentType": "text/csv",
        "outputLocation": response.headers["X-Amzn-SageMaker-OutputLocation"],
    }
    assert message["inferenceId"] == json.loads(response.body)["InferenceId"]
    assert (message["eventSource"], message["eventName"]) == ("aws:sagemaker", "InferenceResult")
    assert message["receivedTime"] <= message["eventTime"]
    assert "responseBody" not in message


@pytest.mark.parametrize(
    ("outcome", "reason", "written"),
    [
        (
            Answer(500, "text/plain", b"ValueError"),
            "ClientError: Received server error (500) from model.",
            b"ValueError",
        ),
        (Answer(415, "text/plain", b"no"), "ClientError: Received client error (415) from model.", b"no"),
        (InvocationTimeoutError(), "did not answer within 900 seconds", b"did not answer"),
        (UnreachableError("gone"), "No container of the endpoint accepts invocations (gone)", b"gone"),
    ],
)
def test_a_failure_is_written_to_the_failure_path_and_told_to_the_error_topic(
    outcome: Answer | Exception, reason: str, written: bytes
) -> None:
    scene = Scene(outcome)
    response = scene.invoke()
    content, _ = scene.storage.objects[response.headers["X-Amzn-SageMaker-FailureLocation"]]
    assert written in content
    assert response.headers["X-Amzn-SageMaker-OutputLocation"] not in scene.storage.objects
    ((topic, message),) = scene.storage.messages
    assert (topic, message["invocationStatus"]) == (ERROR, "Failed")
    assert reason in message["failureReason"]
    assert message["failureLocation"] == response.headers["X-Amzn-SageMaker-FailureLocation"]


def test_an_input_that_is_not_there_fails_after_it_was_accepted() -> None:
    scene = Scene()
    response = scene.invoke({"inputlocation": "s3://data/missing"})
    assert response.status == 202
    ((_, message),) = scene.storage.messages
    assert "s3://data/missing" in message["failureReason"]
    assert scene.endpoints.asked == []


def test_a_body_in_the_request_needs_no_input_location() -> None:
    scene = Scene()
    scene.invoke({"custom-attributes": "trace=1"}, body=b"3,4")
    expected = {
        "content-type": "application/octet-stream",
        "x-amzn-sagemaker-custom-attributes": "trace=1",
    }
    assert scene.endpoints.asked == [(b"3,4", expected, 900.0)]


def test_the_output_s_name_and_folder_can_be_chosen() -> None:
    scene = Scene()
    headers = {"inputlocation": INPUT, "s3outputpathextension": "/day/1", "filename": "rows.json"}
    response = scene.invoke(headers)
    assert response.headers["X-Amzn-SageMaker-OutputLocation"] == "s3://data/out/day/1/rows.json"


def test_without_failure_path_and_topics_a_failure_leaves_no_trace() -> None:
    scene = Scene(Answer(500, "text/plain", b"no"), {"S3OutputPath": "s3://data/out"})
    response = scene.invoke()
    assert "X-Amzn-SageMaker-FailureLocation" not in response.headers
    assert list(scene.storage.objects) == [INPUT]
    assert scene.storage.messages == []


def test_the_response_is_in_the_notification_if_the_config_asks_for_it_and_it_is_small() -> None:
    notifications = {"SuccessTopic": SUCCESS, "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"]}
    output = {**OUTPUT, "NotificationConfig": notifications}
    scene = Scene(output=output)
    scene.invoke()
    ((_, message),) = scene.storage.messages
    assert base64.b64decode(message["responseBody"]["content"]) == b"0.5"
    scene = Scene(Answer(200, "text/csv", b"0" * (128 * 1024 + 1)), output)
    scene.invoke()
    ((_, message),) = scene.storage.messages
    assert "responseBody" not in message


def test_a_bucket_that_is_not_there_is_logged_and_nobody_is_told(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    scene.storage.is_full = True
    scene.invoke()
    assert "there is no such bucket" in caplog.text
    assert scene.storage.messages == []


@pytest.mark.parametrize(
    ("headers", "body", "fragment"),
    [
        ({}, b"", "Either InputLocation or Body"),
        ({"inputlocation": INPUT}, b"1", "cannot be given together"),
        ({"inputlocation": "https://data/rows"}, b"", "must be the S3 URI"),
        ({"inputlocation": INPUT, "invocationtimeoutseconds": "3601"}, b"", "from 1 to 3600"),
        ({"inputlocation": INPUT, "requestttlseconds": "soon"}, b"", "from 60 to 21600"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    headers: dict[str, str], body: bytes, fragment: str
) -> None:
    scene = Scene()
    response = scene.invoke(headers, body=body)
    assert (response.status, response.error_code) == (400, "ValidationError")
    assert fragment in json.loads(response.body)["message"]
    assert scene.endpoints.asked == []


@pytest.mark.parametrize(
    ("output", "endpoint_name", "fragment"),
    [
        (None, "churn", "is not an asynchronous endpoint"),
        (OUTPUT, "other", "Endpoint other of account 111122223333 not found"),
        ({}, "churn", "needs S3OutputPath"),
    ],
)
def test_an_endpoint_that_takes_no_asynchronous_invocation_refuses_it(
    output: dict[str, Any] | None, endpoint_name: str, fragment: str
) -> None:
    response = Scene(output=output).invoke(endpoint_name=endpoint_name)
    assert response.status == 400
    assert fragment in json.loads(response.body)["message"]


ROLE = "arn:aws:iam::111122223333:role/models"


def test_the_models_role_reads_the_request_writes_the_answer_and_tells_the_topic() -> None:
    scene = Scene(output={**OUTPUT, "KmsKeyId": "alias/answers"}, roles=Roles())
    location = scene.invoke().headers["X-Amzn-SageMaker-OutputLocation"]

    assert scene.roles is not None
    assert scene.roles.asked == [
        ("read", INPUT, ROLE, "eu-central-1"),
        ("write", location, ROLE, "eu-central-1", "alias/answers"),
        ("publish", SUCCESS, ROLE, "eu-central-1"),
    ]
    assert scene.storage.keys == {location: "alias/answers"}


def test_a_request_that_the_role_may_not_read_fails_and_says_so_where_failures_go() -> None:
    scene = Scene(roles=Roles("/in/"))
    failure = scene.invoke().headers["X-Amzn-SageMaker-FailureLocation"]

    assert b"not authorized to read" in scene.storage.objects[failure][0]
    ((topic, message),) = scene.storage.messages
    assert (topic, message["invocationStatus"]) == (ERROR, "Failed")
    assert scene.endpoints.asked == []


@pytest.mark.parametrize("refused", ["/out/", ":good"])
def test_what_the_role_may_not_write_or_tell_is_lost(refused: str) -> None:
    scene = Scene(roles=Roles(refused))
    location = scene.invoke().headers["X-Amzn-SageMaker-OutputLocation"]

    assert (location in scene.storage.objects) is (refused != "/out/")
    assert scene.storage.messages == []
