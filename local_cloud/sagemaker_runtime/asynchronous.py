"""Answer InvokeEndpointAsync: accept at once, then read from S3, invoke, write to S3 and notify topics.

Owns the names of outputs, the notifications and the order. The hosting chooses the fleet; the emulator has S3
and SNS. Source: botocore's `sagemaker-runtime` model; developer guide, "Invoke an Asynchronous Endpoint" and
"Check prediction results" (the notification's shape); a failure's notification was seen.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from local_cloud.front_door.http import Request, Response, json_response, service_error
from local_cloud.hosting.fleets import NoSuchEndpointError, NoSuchVariantError, NotReadyError
from local_cloud.hosting.variant_fleet import InvocationTimeoutError, UnreachableError
from local_cloud.sagemaker_runtime.runtime_ports import ModelRoles, Storage, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from local_cloud.hosting.variant_fleet import Answer
    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker_runtime.runtime_ports import HostedEndpoints

_LOGGER = logging.getLogger("local_cloud.asynchronous")

_PREFIX = "x-amzn-sagemaker-"
_CUSTOM_ATTRIBUTES = f"{_PREFIX}custom-attributes"
_CONTENT_TYPE = f"{_PREFIX}content-type"
_INPUT_LOCATION = re.compile(r"s3://[^/]+/.+")
_DEFAULT_TIMEOUT_SECONDS = 900
_BOUNDS_SECONDS = {"invocationtimeoutseconds": (1, 3600), "requestttlseconds": (60, 21_600)}
_LARGEST_INCLUDED_BYTES = 128 * 1024
_OK = range(200, 300)
_CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True, slots=True)
class _Inference:
    """One accepted invocation."""

    caller: Caller
    endpoint_name: str
    inference_id: str
    input_location: str | None
    body: bytes
    headers: Mapping[str, str]
    output_location: str
    failure_location: str | None
    timeout_seconds: float
    received: datetime
    notifications: Mapping[str, Any]
    kms_key_id: str | None
    role_arn: str


class AsyncInvocations:
    """Asynchronous invocations in progress; use it on the event loop.

    `roles` checks every read, write and notification in the name of the model's execution role; without it,
    nothing is checked.
    """

    def __init__(
        self,
        fleets: HostedEndpoints,
        storage: Storage,
        threads: Executor,
        roles: ModelRoles | None = None,
    ) -> None:
        self._fleets = fleets
        self._storage = storage
        self._threads = threads
        self._roles = roles
        self._running: set[asyncio.Task[None]] = set()

    def accept(self, request: Request, *, endpoint_name: str, caller: Caller) -> Response:
        """Answer one `POST /endpoints/<name>/async-invocations`, and start the work."""
        try:
            config = self._fleets.async_inference(caller.account_id, caller.region, endpoint_name)
        except NoSuchEndpointError:
            message = f"Endpoint {endpoint_name} of account {caller.account_id} not found."
            return service_error("ValidationError", message)
        if config is None:
            return service_error(
                "ValidationError",
                f"Endpoint {endpoint_name} is not an asynchronous endpoint. Use InvokeEndpoint.",
            )
        mistake = _mistake(request)
        output_path = config["OutputConfig"].get("S3OutputPath")
        if mistake is None and output_path is None:
            mistake = "The local cloud needs S3OutputPath in AsyncInferenceConfig."
        if mistake is not None:
            return service_error("ValidationError", mistake)
        role_arn = (
            self._fleets.serving(caller.account_id, caller.region, endpoint_name).execution_role_arn
            if self._roles
            else ""
        )
        inference = _inference(request, endpoint_name, caller, config["OutputConfig"], role_arn)
        task = asyncio.get_running_loop().create_task(self._work(inference))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        headers = {"X-Amzn-SageMaker-OutputLocation": inference.output_location}
        if inference.failure_location is not None:
            headers["X-Amzn-SageMaker-FailureLocation"] = inference.failure_location
        answer = json_response({"InferenceId": inference.inference_id}, status=202)
        return Response(202, answer.body, {**answer.headers, **headers})

    async def _work(self, inference: _Inference) -> None:
        try:
            answer, failure = await self._infer(inference)
            await self._store(inference, answer, failure)
        except StorageError as error:
            _LOGGER.warning("Asynchronous inference %s: %s", inference.inference_id, error)

    async def _infer(self, inference: _Inference) -> tuple[Answer | None, str | None]:
        """Return the model's answer, or why there is no good one (with the bad one)."""
        body: bytes | None = inference.body
        account_id, region = inference.caller.account_id, inference.caller.region
        if inference.input_location is not None:
            refused = self._roles and self._roles.refusal_to_read(
                inference.input_location, role_arn=inference.role_arn, region=region
            )
            if refused:
                return None, (
                    f"ClientError: Failed to download the input from {inference.input_location}: {refused}"
                )
            body = self._storage.read_object(inference.input_location, account_id=account_id)
        if body is None:
            return None, f"ClientError: Failed to download the input from {inference.input_location}."

        def invoke() -> Answer:
            return self._fleets.invoke(
                account_id,
                region,
                inference.endpoint_name,
                target_variant=None,
                body=body,
                headers=inference.headers,
                timeout_seconds=inference.timeout_seconds,
            ).answer

        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, invoke)
        except InvocationTimeoutError:
            return (
                None,
                f"ClientError: The model did not answer within {inference.timeout_seconds:g} seconds.",
            )
        except (NoSuchEndpointError, NoSuchVariantError, NotReadyError, UnreachableError) as error:
            return None, f"ServiceUnavailable: No container of the endpoint accepts invocations ({error})."
        if answer.status in _OK:
            return answer, None
        side = "client" if answer.status in _CLIENT_ERRORS else "server"
        return answer, (
            f"ClientError: Received {side} error ({answer.status}) from model. See the SageMaker Endpoint "
            "logs in your account for more information."
        )

    async def _store(self, inference: _Inference, answer: Answer | None, failure: str | None) -> None:
        """Write the output or the failure, then notify the topic for it."""
        caller = inference.caller
        location = inference.output_location if failure is None else inference.failure_location
        if location is not None:
            self._refuse_to_write(inference, location)
            content = answer.body if answer is not None else (failure or "").encode()
            key = {"kms_key_id": inference.kms_key_id} if inference.kms_key_id else {}
            await self._storage.write_object(
                location,
                content,
                content_type=answer.content_type if answer is not None else "text/plain",
                account_id=caller.account_id,
                region=caller.region,
                **key,
            )
        name = "SuccessTopic" if failure is None else "ErrorTopic"
        topic_arn = inference.notifications.get(name)
        if topic_arn is not None:
            refused = self._roles and self._roles.refusal_to_publish(
                topic_arn, role_arn=inference.role_arn, region=caller.region
            )
            if refused:
                raise StorageError(refused)
            message = json.dumps(_notification(inference, answer, failure))
            await self._storage.publish(
                topic_arn, message, account_id=caller.account_id, region=caller.region
            )

    def _refuse_to_write(self, inference: _Inference, location: str) -> None:
        refused = self._roles and self._roles.refusal_to_write(
            location,
            role_arn=inference.role_arn,
            region=inference.caller.region,
            kms_key_id=inference.kms_key_id,
        )
        if refused:
            raise StorageError(refused)


def _mistake(request: Request) -> str | None:
    """Return what is wrong with a request, or None."""
    location = request.headers.get(f"{_PREFIX}inputlocation")
    if location is None and not request.body:
        return "Either InputLocation or Body must be given."
    if location is not None and request.body:
        return "InputLocation and Body cannot be given together."
    if location is not None and _INPUT_LOCATION.fullmatch(location) is None:
        return f"InputLocation {location!r} must be the S3 URI of an object, such as s3://bucket/key."
    for name, (low, high) in _BOUNDS_SECONDS.items():
        text = request.headers.get(f"{_PREFIX}{name}")
        if text is not None and not (text.isdecimal() and low <= int(text) <= high):
            return f"{name} is {text}. It is a whole number from {low} to {high}."
    return None


def _inference(
    request: Request, endpoint_name: str, caller: Caller, output_config: Mapping[str, Any], role_arn: str
) -> _Inference:
    headers = request.headers
    unique = str(uuid.uuid4())
    extension = headers.get(f"{_PREFIX}s3outputpathextension", "").strip("/")
    name = headers.get(f"{_PREFIX}filename", f"{unique}.out")
    folder = "/".join(filter(None, (output_config["S3OutputPath"].rstrip("/"), extension)))
    failure_path = output_config.get("S3FailurePath")
    passed_on = {"content-type": headers.get(_CONTENT_TYPE, "application/octet-stream")}
    if f"{_PREFIX}accept" in headers:
        passed_on["accept"] = headers[f"{_PREFIX}accept"]
    if _CUSTOM_ATTRIBUTES in headers:
        passed_on[_CUSTOM_ATTRIBUTES] = headers[_CUSTOM_ATTRIBUTES]
    return _Inference(
        caller=caller,
        endpoint_name=endpoint_name,
        inference_id=headers.get(f"{_PREFIX}inference-id", unique),
        input_location=headers.get(f"{_PREFIX}inputlocation"),
        body=request.body,
        headers=passed_on,
        output_location=f"{folder}/{name}",
        failure_location=None if failure_path is None else f"{failure_path.rstrip('/')}/{unique}-error.out",
        timeout_seconds=float(headers.get(f"{_PREFIX}invocationtimeoutseconds", _DEFAULT_TIMEOUT_SECONDS)),
        received=datetime.now(UTC),
        notifications=output_config.get("NotificationConfig", {}),
        kms_key_id=output_config.get("KmsKeyId"),
        role_arn=role_arn,
    )


def _notification(inference: _Inference, answer: Answer | None, failure: str | None) -> dict[str, Any]:
    """Return the message for a topic."""
    parameters: dict[str, Any] = {
        "contentType": inference.headers["content-type"],
        "endpointName": inference.endpoint_name,
    }
    if inference.input_location is not None:
        parameters["inputLocation"] = inference.input_location
    message: dict[str, Any] = {
        "awsRegion": inference.caller.region,
        "eventTime": _iso(datetime.now(UTC)),
        "receivedTime": _iso(inference.received),
        "invocationStatus": "Completed" if failure is None else "Failed",
        "requestParameters": parameters,
        "inferenceId": inference.inference_id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if failure is not None:
        message["failureReason"] = failure
        if inference.failure_location is not None:
            message["failureLocation"] = inference.failure_location
    elif answer is not None:
        message["responseParameters"] = {
            "contentType": answer.content_type,
            "outputLocation": inference.output_location,
        }
    case = "SUCCESS_NOTIFICATION_TOPIC" if failure is None else "ERROR_NOTIFICATION_TOPIC"
    is_included = case in inference.notifications.get("IncludeInferenceResponseIn", ())
    if is_included and answer is not None and len(answer.body) <= _LARGEST_INCLUDED_BYTES:
        content = base64.b64encode(answer.body).decode()
        message["responseBody"] = {"content": content, "encoding": "BASE64"}
    return message


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"
