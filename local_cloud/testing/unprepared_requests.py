"""Spares calls that stay in this process what only a socket needs; that takes a third of a call's time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest

if TYPE_CHECKING:
    from botocore.model import OperationModel


def leave_unprepared(client: Any) -> None:  # noqa: ANN401 - any of boto3's
    """Let a client of a JSON service send its requests as it serialised them.

    Botocore would work out the URL again for each call, then sign the request and copy its headers twice.
    Other services have a part of their request in the URL, or encode the body at the end.
    """
    if client.meta.service_model.resolved_protocol == "json":
        client._ruleset_resolver = None  # noqa: SLF001 - no setting leaves it out
        client._endpoint.create_request = _as_serialised  # noqa: SLF001 - likewise


def _as_serialised(
    params: dict[str, Any], _operation_model: OperationModel | None = None
) -> AWSPreparedRequest:
    return AWSPreparedRequest(
        params["method"],
        params["url"],
        params["headers"],
        params["body"],
        stream_output=False,
        context=params["context"],
    )
