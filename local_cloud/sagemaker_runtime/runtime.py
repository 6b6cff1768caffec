"""Answer invocations in the runtime's own protocol; the hosting chooses the fleet.

Source: botocore's `sagemaker-runtime` model (headers, limits, error shapes). It has no texts: ours are
recognisable, not verbatim.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from local_cloud.front_door.http import Request, Response, service_error
from local_cloud.hosting.fleets import NoSuchEndpointError, NoSuchVariantError, NotReadyError
from local_cloud.hosting.variant_fleet import InvocationTimeoutError, UnreachableError
from local_cloud.sagemaker_runtime.asynchronous import AsyncInvocations
from local_cloud.sagemaker_runtime.data_capture import Captures

if TYPE_CHECKING:
    from local_cloud.hosting.fleets import Invocation
    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker_runtime.runtime_ports import HostedEndpoints, ModelRoles, Storage

_PREFIX = "x-amzn-sagemaker-"
_TARGET_VARIANT = f"{_PREFIX}target-variant"
_CUSTOM_ATTRIBUTES = f"{_PREFIX}custom-attributes"
_UNSUPPORTED = {
    f"{_PREFIX}target-model": "TargetModel",
    f"{_PREFIX}target-container-hostname": "TargetContainerHostname",
    f"{_PREFIX}enable-explanations": "EnableExplanations",
    f"{_PREFIX}inference-component": "InferenceComponentName",
    f"{_PREFIX}session-id": "SessionId",
}
_MAX_BODY_BYTES = 6_291_456
_MAX_CONCURRENT_INVOCATIONS = 32
_CLIENT_ERRORS = range(400, 500)
_ERRORS = range(400, 600)


class Runtime:
    """The SageMaker runtime service in front of the hosted endpoints.

    `roles` knows the permissions of models' execution roles; without it, they may do everything.
    """

    def __init__(self, fleets: HostedEndpoints, storage: Storage, roles: ModelRoles | None = None) -> None:
        self._fleets = fleets
        # Separate threads: slow models must not delay control-plane calls or Lambda functions.
        self._threads = ThreadPoolExecutor(_MAX_CONCURRENT_INVOCATIONS, thread_name_prefix="invocation")
        self._asynchronous = AsyncInvocations(fleets, storage, self._threads, roles)
        self._captures = Captures(fleets, storage, roles)
        self._capturing: set[asyncio.Task[None]] = set()

    async def invoke(self, request: Request, *, endpoint_name: str, caller: Caller) -> Response:
        """Answer one `POST /endpoints/<name>/invocations`."""
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(
            self._threads, answer_invocation, self._fleets, request, endpoint_name, caller
        )
        # Nobody waits for it: on AWS a call is captured some minutes later.
        task = loop.create_task(
            self._captures.keep(request, response, endpoint_name=endpoint_name, caller=caller)
        )
        self._capturing.add(task)
        task.add_done_callback(self._capturing.discard)
        return response

    def invoke_async(self, request: Request, *, endpoint_name: str, caller: Caller) -> Response:
        """Answer one `POST /endpoints/<name>/async-invocations`; call it on the event loop."""
        return self._asynchronous.accept(request, endpoint_name=endpoint_name, caller=caller)

    def stop(self) -> None:
        """Accept no more invocations; current ones end with their containers."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def answer_invocation(
    fleets: HostedEndpoints, request: Request, endpoint_name: str, caller: Caller
) -> Response:
    """Answer one synchronous invocation, and wait for it.

    Args:
        fleets: The hosting.
        request: The `POST /endpoints/<name>/invocations`.
        endpoint_name: The endpoint.
        caller: The owner of the endpoint.
    """
    for header, member in _UNSUPPORTED.items():
        if header in request.headers:
            return service_error("ValidationError", f"The local cloud does not support {member}.")
    if len(request.body) > _MAX_BODY_BYTES:
        return service_error(
            "ValidationError",
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_MAX_BODY_BYTES}",
        )
    variant = request.headers.get(_TARGET_VARIANT)
    try:
        if fleets.async_inference(caller.account_id, caller.region, endpoint_name) is not None:
            message = f"Endpoint {endpoint_name} is an asynchronous endpoint. Use InvokeEndpointAsync."
            return service_error("ValidationError", message)
        invocation = fleets.invoke(
            caller.account_id,
            caller.region,
            endpoint_name,
            target_variant=variant,
            body=request.body,
            headers=_passed_on(request),
        )
    except NoSuchEndpointError:
        message = f"Endpoint {endpoint_name} of account {caller.account_id} not found."
        return service_error("ValidationError", message)
    except NoSuchVariantError:
        what = f"Variant {variant}" if variant else "A variant with traffic"
        return service_error("ValidationError", f"{what} of endpoint {endpoint_name} not found.")
    except NotReadyError as error:
        message = f"Variant {error} of endpoint {endpoint_name} is still starting. Try again."
        return service_error("ModelNotReadyException", message, status=429)
    except UnreachableError as error:
        message = f"No container of endpoint {endpoint_name} accepts invocations ({error}). Check its logs."
        return service_error("ServiceUnavailable", message, status=503)
    except InvocationTimeoutError:
        return service_error(
            "ModelError",
            'Received server error (0) from primary with message "Your invocation timed out while '
            'waiting for a response from container primary."',
            status=424,
            members={"OriginalStatusCode": 0, "OriginalMessage": "", "LogStreamArn": ""},
        )
    return _response(invocation, caller)


def _passed_on(request: Request) -> dict[str, str]:
    """Return the headers that reach the container (how inference code interacts with InvokeEndpoint)."""
    return {
        name: request.headers[name]
        for name in ("content-type", "accept", _CUSTOM_ATTRIBUTES)
        if name in request.headers
    }


def _response(invocation: Invocation, caller: Caller) -> Response:
    answer = invocation.answer
    if answer.status in _ERRORS:
        return _model_error(invocation, caller)
    headers = {
        "Content-Type": answer.content_type,
        "x-Amzn-Invoked-Production-Variant": invocation.variant_name,
    }
    if answer.custom_attributes is not None:
        headers["X-Amzn-SageMaker-Custom-Attributes"] = answer.custom_attributes
    return Response(200, answer.body, headers)


def _model_error(invocation: Invocation, caller: Caller) -> Response:
    answer = invocation.answer
    text = answer.body.decode(errors="replace")
    side = "client" if answer.status in _CLIENT_ERRORS else "server"
    console = f"https://{caller.region}.console.aws.amazon.com/cloudwatch/home?region={caller.region}"
    return service_error(
        "ModelError",
        f'Received {side} error ({answer.status}) from primary with message "{text}". '
        f"See {console}#logEventViewer:group={invocation.log_group} in account {caller.account_id} "
        "for more information.",
        status=424,
        members={
            "OriginalStatusCode": answer.status,
            "OriginalMessage": text,
            "LogStreamArn": f"arn:aws:logs:{caller.region}:{caller.account_id}"
            f":log-group:{invocation.log_group}:log-stream:{invocation.log_stream}",
        },
    )
