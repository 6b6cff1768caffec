"""Application Auto Scaling's wire protocol, awsJson1.1 as SageMaker's: bytes in, bytes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local_cloud.sagemaker.protocol.wire import respond

if TYPE_CHECKING:
    from local_cloud.application_auto_scaling.service import ApplicationAutoScaling
    from local_cloud.sagemaker.ports import Caller

TARGET_PREFIX: Final = "AnyScaleFrontendService."


def handle(
    service: ApplicationAutoScaling, *, target: str, body: bytes, caller: Caller, request_id: str
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request; see `local_cloud.sagemaker.protocol.wire.handle`."""
    return respond(
        lambda operation, request: service.call(operation, request, caller),
        prefix=TARGET_PREFIX,
        target=target,
        body=body,
        request_id=request_id,
    )
