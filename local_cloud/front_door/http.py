"""HTTP on top of ASGI for the gateway: read a whole request, send a whole response."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class ClientDisconnectedError(Exception):
    """The client went away before its request was complete."""


@dataclass(frozen=True, slots=True)
class Request:
    """A complete request; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response; `error_code` is the service's code if the status is an error."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    error_code: str | None = None


def json_response(document: object, *, status: int = 200) -> Response:
    """Return a response whose body is the document as JSON."""
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


def service_error(
    code: str, message: str, *, status: int = 400, members: Mapping[str, Any] | None = None
) -> Response:
    """Return an error in the form of AWS's JSON services: the code in a header and in `__type`.

    It has both spellings of "message", because services' error shapes use one or the other.
    """
    document = {"__type": code, "message": message, "Message": message, **(members or {})}
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    return Response(status, json.dumps(document).encode(), headers, error_code=code)


def request_head(scope: Scope) -> Request:
    """Return everything in an ASGI scope about a request, except its body."""
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True)),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
    )


def raw_path(scope: Scope) -> str:
    """Return the path as it was sent, which the signature covers."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.decode("latin-1")


async def read_body(receive: Receive) -> bytes:
    """Return the request's body; raise `ClientDisconnectedError` if it is never complete."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first returns a body that was already read, then the client's messages."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> MutableMapping[str, Any]:
        return messages.pop() if messages else await receive()

    return receiving


async def send_response(send: Send, response: Response, *, request_id: str) -> None:
    """Send a response, with `request_id` unless it already has an id."""
    headers = {**response.headers, "Content-Length": str(len(response.body))}
    if not any(name.lower() == "x-amzn-requestid" for name in headers):
        headers["x-amzn-RequestId"] = request_id
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": response.body})
