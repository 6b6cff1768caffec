"""The awsJson1.1 wire protocol: bytes in, bytes out.

Owns targets, JSON and headers. Pure, so that the gateway and an in-process transport share it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.errors import ServiceError, serialization, unknown_operation
from local_cloud.sagemaker.protocol.api_model import sagemaker_service_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.ports import Caller

_TARGET_PREFIX = "SageMaker."
_CONTENT_TYPE = "application/x-amz-json-1.1"


def handle(
    control_plane: ControlPlane, *, target: str, body: bytes, caller: Caller
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request.

    Args:
        control_plane: The control plane.
        target: The X-Amz-Target header, such as `SageMaker.CreateModel`.
        body: The request's body; empty counts as `{}`.
        caller: The caller.

    Returns:
        Status, headers and body; an error's body has `__type` and `message`.
    """
    return respond(
        lambda operation, request: control_plane.call(operation, request, caller),
        prefix=_TARGET_PREFIX,
        target=target,
        body=body,
        request_id=control_plane.next_request_id(),
        has_output=lambda operation: "output" in sagemaker_service_model()["operations"][operation],
    )


def respond(
    call: Callable[[str, dict[str, Any]], dict[str, Any]],
    *,
    prefix: str,
    target: str,
    body: bytes,
    request_id: str,
    has_output: Callable[[str], bool] = lambda _operation: True,
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request of any service with this protocol.

    Args:
        call: Answers an operation, or raises a `ServiceError`.
        prefix: The prefix of the service's targets.
        target: The X-Amz-Target header.
        body: The request's body; empty counts as `{}`.
        request_id: For the response's header.
        has_output: Tells whether an operation has an output.
    """
    headers = {"x-amzn-requestid": request_id, "Content-Type": _CONTENT_TYPE}
    operation = target.removeprefix(prefix)
    try:
        if not target.startswith(prefix):
            raise unknown_operation(target)
        response = call(operation, _document(body))
    except ServiceError as error:
        content = json.dumps({"__type": error.code, "message": error.message}).encode()
        return error.status, headers, content
    if not has_output(operation):
        return 200, headers, b""
    return 200, headers, json.dumps(response, default=_epoch_seconds, separators=(",", ":")).encode()


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise serialization(f"The request body is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise serialization("The request body is no JSON object.")
    return document


def _no_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python reads but JSON does not have."""
    raise ValueError(f"{name} is no JSON value")


def _epoch_seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no JSON form")
