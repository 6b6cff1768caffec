"""Store a share of an endpoint's calls and answers in S3, by its DataCaptureConfig.

Owns the choice of calls, the records and the names of their objects. AWS collects calls in a file; here each
call has a file and is written at once. A denied write is lost, and the caller does not notice. Source:
botocore, `DataCaptureConfig`; developer guide, "model-monitor-data-capture-endpoint" (names) and
"model-monitor-interpreting-results" (records).
"""

from __future__ import annotations

import base64
import json
import logging
import random
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from local_cloud.hosting.fleets import NoSuchEndpointError
from local_cloud.sagemaker_runtime.runtime_ports import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.front_door.http import Request, Response
    from local_cloud.sagemaker.ports import Caller, FleetSpec
    from local_cloud.sagemaker_runtime.runtime_ports import ModelRoles, Storage

_LOGGER = logging.getLogger("local_cloud.data_capture")
_VARIANT = "x-Amzn-Invoked-Production-Variant"
_OK = range(200, 300)


class ServedEndpoints(Protocol):
    """The part of the hosting that knows the fleets."""

    def serving(self, account_id: str, region: str, endpoint_name: str) -> FleetSpec:
        """Return the fleet that answers for an endpoint."""
        ...


class Captures:
    """Captured calls."""

    def __init__(self, fleets: ServedEndpoints, storage: Storage, roles: ModelRoles | None) -> None:
        self._fleets = fleets
        self._storage = storage
        self._roles = roles
        self._random = random.Random()  # noqa: S311 - a sample, no secret

    async def keep(self, request: Request, response: Response, *, endpoint_name: str, caller: Caller) -> None:
        """Write a successful call to S3, if its endpoint captures it."""
        if response.status not in _OK:
            return
        try:
            spec = self._fleets.serving(caller.account_id, caller.region, endpoint_name)
        except NoSuchEndpointError:
            return
        config = spec.data_capture
        if not config or not config.get("EnableCapture", True) or not self._is_drawn(config):
            return
        url = _url(config["DestinationS3Uri"], endpoint_name, response.headers.get(_VARIANT, ""))
        try:
            await self._write(url, _record(config, request, response), spec, config.get("KmsKeyId"))
        except StorageError as error:
            _LOGGER.warning("A call of %s is not captured: %s", endpoint_name, error)

    def _is_drawn(self, config: Mapping[str, Any]) -> bool:
        percentage: int = config["InitialSamplingPercentage"]
        return self._random.random() * 100 < percentage

    async def _write(self, url: str, record: dict[str, Any], spec: FleetSpec, key_id: str | None) -> None:
        role_arn = spec.execution_role_arn
        refused = self._roles and self._roles.refusal_to_write(
            url, role_arn=role_arn, region=spec.region, kms_key_id=key_id
        )
        if refused:
            raise StorageError(refused)
        await self._storage.write_object(
            url,
            f"{json.dumps(record)}\n".encode(),
            content_type="application/jsonlines",
            account_id=spec.account_id,
            region=spec.region,
            **({"kms_key_id": key_id} if key_id else {}),
        )


def _url(destination: str, endpoint_name: str, variant_name: str) -> str:
    hour = f"{datetime.now(UTC):%Y/%m/%d/%H}"
    return f"{destination.rstrip('/')}/{endpoint_name}/{variant_name}/{hour}/{uuid.uuid4()}.jsonl"


def _record(config: Mapping[str, Any], request: Request, response: Response) -> dict[str, Any]:
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    both = "InputAndOutput" in modes
    data: dict[str, Any] = {}
    if both or "Input" in modes:
        content_type = request.headers.get("content-type", "application/octet-stream")
        data["endpointInput"] = _part(config, "INPUT", content_type, request.body)
    if both or "Output" in modes:
        content_type = response.headers.get("Content-Type", "application/octet-stream")
        data["endpointOutput"] = _part(config, "OUTPUT", content_type, response.body)
    return {
        "captureData": data,
        "eventMetadata": {
            "eventId": str(uuid.uuid4()),
            "inferenceTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        },
        "eventVersion": "0",
    }


def _part(config: Mapping[str, Any], mode: str, content_type: str, body: bytes) -> dict[str, Any]:
    """Return one side of a call; only listed content types are stored as text."""
    listed = config.get("CaptureContentTypeHeader", {})
    for encoding, member in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if content_type in listed.get(member, ()):
            return {
                "observedContentType": content_type,
                "mode": mode,
                "data": body.decode(errors="replace"),
                "encoding": encoding,
            }
    return {
        "observedContentType": content_type,
        "mode": mode,
        "data": base64.b64encode(body).decode(),
        "encoding": "BASE64",
    }
