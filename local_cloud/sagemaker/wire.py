"""The awsJson1.1 wire protocol: bytes in, bytes out.

Owns targets, JSON and headers. It is pure, so that the gateway and an in-process transport share it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.errors import ServiceError, serialization, unknown_operation
from local_cloud.sagemaker.service_model import sagemaker_service_model

if TYPE_CHECKING:
    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.ports import Caller

_TARGET_PREFIX = "SageMaker."
_CONTENT_TYPE = "application/x-amz-json-1.1"


def handle(
    control_plane: ControlPlane, *, target: str, body: bytes, caller: Caller
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request.

    Args:
        control_plane: What answers.
        target: The X-Amz-Target header, such as `SageMaker.CreateModel`.
        body: The request's body; empty counts as `{}`.
        caller: Who calls.

    Returns:
        Status, headers and body; an error's body has `__type` and `message`.
    """
    headers = {"x-amzn-requestid": control_plane.next_request_id(), "Content-Type": _CONTENT_TYPE}
    operation = target.removeprefix(_TARGET_PREFIX)
    try:
        if not target.startswith(_TARGET_PREFIX):
            raise unknown_operation(target)
        response = control_plane.call(operation, _document(body), caller)
    except ServiceError as error:
        content = json.dumps({"__type": error.code, "message": error.message}).encode()
        return error.status, headers, content
    if "output" not in sagemaker_service_model()["operations"][operation]:
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
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is no JSON value")


def _epoch_seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no JSON form")
