"""botocore's clients for the deployer, whose requests go to whichever simulation's task makes them.

Owns serialisation's other end: bytes in, bytes out, by botocore's own code except for the socket. Clients are
built once a process, since building one takes longer than a whole schedule. Repeating a request is botocore's
policy in production; here the simulation decides it, in virtual time.
"""

from __future__ import annotations

import io
import json
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from greenlet import getcurrent  # type: ignore[import-untyped] # it publishes no types

from local_cloud.testing.unprepared_requests import leave_unprepared
from tests.simulation import rest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSPreparedRequest

REGION = "eu-central-1"


class Network(Protocol):
    """The services behind the clients of one task."""

    def send(self, service: str, operation: str, body: bytes) -> tuple[int, bytes]:
        """Answer a request, or raise what botocore's HTTP session would."""
        ...

    def wait_to_repeat(self, attempts: int) -> bool:
        """Tell whether to make a failed request again, after having waited."""
        ...


NEWER_MEMBER = "NewerMember"
"""A member of a version's containers that botocore will know one day. Until then nothing shows it."""

_TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
_THROTTLING_CODES = frozenset(
    {"ThrottlingException", "ProvisionedThroughputExceededException", "ThrottledException", "SlowDown"}
)


@cache
def client(service: str) -> Any:
    """Return this process's client of a service."""
    config = Config(
        signature_version=UNSIGNED,
        retries={"mode": "standard", "total_max_attempts": 1},
        # Composing botocore's own user agent takes as long as everything else of a call.
        user_agent="greenlight-simulation",
        parameter_validation=True,
    )
    session = _session()
    # One wire format is enough: for CloudWatch, JSON instead of CBOR.
    loader = session._session.get_component("data_loader")  # noqa: SLF001 - boto3 hides botocore's session
    model = loader.load_service_model(service, "service-2")
    if service == "sagemaker":
        model["shapes"]["ModelPackageContainerDefinition"]["members"][NEWER_MEMBER] = {"shape": "String"}
    metadata = model["metadata"]
    if "json" in metadata.get("protocols", ()):
        metadata.update(protocol="json", protocols=["json"])
    made = session.client(service, region_name=REGION, config=config)  # type: ignore[call-overload]
    leave_unprepared(made)
    made.meta.events.register("before-send", partial(_send, service))
    if service != "sagemaker-runtime":
        # In production the smoke test alone repeats a call of an endpoint.
        made.meta.events.register("needs-retry", _repeat)
    return made


@cache
def _session() -> boto3.Session:
    """Return the one session: each looks for all services' models by itself."""
    return boto3.Session()


def _network() -> Network:
    network: Network = getcurrent().network
    return network


def _send(service: str, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
    operation = event_name.rsplit(".", 1)[-1]
    if service in rest.SERVICES:
        document = json.dumps(rest.document_of(service, request)).encode()
        status, content = _network().send(service, operation, document)
        named, content = rest.response_of(service, status, content)
        answered = HTTPHeaders()
        for name, value in named.items():
            answered[name] = value
        return AWSResponse(request.url, status, answered, _Raw(content))
    body = request.body
    assert isinstance(body, str | bytes), "the deployer streams nothing"
    status, content = _network().send(service, operation, body.encode() if isinstance(body, str) else body)
    headers = HTTPHeaders()
    headers["Content-Type"] = "application/x-amz-json-1.1"
    return AWSResponse(request.url, status, headers, _Raw(content))


def _repeat(
    response: Any,
    attempts: int,
    caught_exception: Exception | None,
    **_: object,
) -> float | None:
    """Repeat what botocore's standard mode would: throttling, service faults and lost answers."""
    if caught_exception is None:
        code = response[1].get("Error", {}).get("Code")
        if response[0].status_code not in _TRANSIENT_STATUSES and code not in _THROTTLING_CODES:
            return None
    return 0.0 if _network().wait_to_repeat(attempts) else None


class _Raw(io.BytesIO):
    """A response body as urllib3 gives it."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


def answer(status: int, document: dict[str, Any]) -> tuple[int, bytes]:
    """Return an answer on the wire."""
    return status, json.dumps(document).encode()
