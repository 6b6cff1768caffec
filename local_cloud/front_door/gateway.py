"""The ASGI application of the local cloud: route each request to the part that answers it.

SageMaker, its runtime, Application Auto Scaling and Service Quotas are answered here, everything else by
MiniStack. An operation that neither implements is refused by name, never answered with an empty success.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from local_cloud.application_auto_scaling import wire as auto_scaling_wire
from local_cloud.application_auto_scaling.service import ApplicationAutoScaling
from local_cloud.front_door import browsers
from local_cloud.front_door.http import (
    ClientDisconnectedError,
    Request,
    Response,
    raw_path,
    read_body,
    replay,
    request_head,
    send_response,
    service_error,
)
from local_cloud.ministack.identities import Refusal
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import Caller
from local_cloud.service_quotas import instance_quotas

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from local_cloud.cloudwatch.publishing import MetricsPublisher
    from local_cloud.front_door.admin import Admin
    from local_cloud.front_door.call_log import CallLog
    from local_cloud.front_door.door import Door
    from local_cloud.front_door.http import Receive, Scope, Send
    from local_cloud.ministack.emulator import MiniStack
    from local_cloud.sagemaker.real_time import RealTimeControlPlane
    from local_cloud.sagemaker_runtime.runtime import Runtime

_LOGGER = logging.getLogger("local_cloud.gateway")

_ADMIN_PREFIX = "/_local_cloud/"
_CREDENTIAL = re.compile(
    r"Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)/aws4_request"
)
_INVOCATIONS = re.compile(r"/endpoints/(?P<name>[^/]+)/(?P<kind>invocations|async-invocations)")
_TARGET_PREFIX = "SageMaker."


class Destination(Enum):
    """The part that answers a request."""

    ADMIN = "admin"
    CONTROL_PLANE = "control plane"
    AUTO_SCALING = "auto scaling"
    QUOTAS = "quotas"
    RUNTIME = "runtime"
    MINISTACK = "ministack"
    UNSIGNED = "unsigned"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class CredentialScope:
    """The signer in a SigV4 `Credential=<key>/<date>/<region>/<service>/…`."""

    access_key_id: str
    region: str
    service: str


def credential_scope(request: Request) -> CredentialScope | None:
    """Return the scope from the Authorization header or a presigned URL; None for an unsigned request."""
    presigned = request.query.get("X-Amz-Credential")
    signature = f"Credential={presigned}" if presigned else request.headers.get("authorization", "")
    match = _CREDENTIAL.search(signature)
    return CredentialScope(match["key"], match["region"], match["service"]) if match else None


def destination(
    request: Request, scope: CredentialScope | None, *, ministack_serves: Callable[[str], bool]
) -> Destination:
    """Choose the part: by path for the admin API, else by the service in the credential scope."""
    if request.path.startswith(_ADMIN_PREFIX):
        return Destination.ADMIN
    target = request.headers.get("x-amz-target", "")
    if scope is None:
        return Destination.UNSIGNED if target.startswith(_TARGET_PREFIX) else Destination.MINISTACK
    if scope.service == "sagemaker":
        if target.startswith(_TARGET_PREFIX):
            return Destination.CONTROL_PLANE
        if request.method == "POST" and _INVOCATIONS.fullmatch(request.path):
            return Destination.RUNTIME
        return Destination.UNSUPPORTED
    if scope.service == "application-autoscaling" and target.startswith(auto_scaling_wire.TARGET_PREFIX):
        return Destination.AUTO_SCALING
    if scope.service == "servicequotas" and target.startswith(instance_quotas.TARGET_PREFIX):
        return Destination.QUOTAS
    return Destination.MINISTACK if ministack_serves(scope.service) else Destination.UNSUPPORTED


def operation_name(request: Request) -> str:
    """Name the operation of an unsupported request, as well as its protocol allows."""
    target = request.headers.get("x-amz-target", "")
    return target.rpartition(".")[2] or request.query.get("Action") or f"{request.method} {request.path}"


class Gateway:
    """The application; MiniStack's lifespan, with the background tasks inside."""

    def __init__(
        self,
        *,
        ministack: MiniStack,
        control_plane: RealTimeControlPlane,
        runtime: Runtime,
        admin: Admin,
        calls: CallLog,
        publisher: MetricsPublisher,
        door: Door,
        when_ready: Callable[[], None],
    ) -> None:
        self._ministack = ministack
        self._control_plane = control_plane
        self._runtime = runtime
        self._admin = admin
        self._calls = calls
        self._publisher = publisher
        self._door = door
        self._when_ready = when_ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["type"] != "http":
            # A page may open a WebSocket to any address, and no part of the local cloud needs one.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        send = browsers.without_cors(send)
        head = request_head(scope)
        if answer := self._door.refuse_head(scope, head) or self._door.welcome(head):
            await send_response(send, answer, request_id=str(uuid.uuid4()))
            return
        try:
            body = await read_body(receive)
        except ClientDisconnectedError:
            return
        request = Request(head.method, head.path, head.query, head.headers, body)
        if refused := self._door.refuse_signature(scope, request):
            await send_response(send, refused, request_id=str(uuid.uuid4()))
            return
        signed = credential_scope(request)
        goes_to = destination(request, signed, ministack_serves=self._ministack.serves)
        if goes_to is Destination.MINISTACK:
            await self._ministack.app(scope, replay(body, receive), send)
            return
        try:
            response = await self._answer(goes_to, request, signed, scope)
        except Exception:
            # Answer a defect of ours as AWS answers its own: clients know how to react.
            _LOGGER.exception("Could not answer %s", operation_name(request))
            message = f"The local cloud failed at {operation_name(request)}. Its log has the reason."
            response = service_error("InternalFailure", message, status=500)
        await send_response(send, response, request_id=str(uuid.uuid4()))

    async def _answer(
        self, goes_to: Destination, request: Request, signed: CredentialScope | None, scope: Scope
    ) -> Response:
        if goes_to is Destination.ADMIN:
            return await self._admin.answer(request)
        if signed is None:
            return service_error("MissingAuthenticationTokenException", "Missing Authentication Token")
        if goes_to is Destination.UNSUPPORTED:
            message = (
                f"The local cloud does not support {operation_name(request)} of the service {signed.service}."
            )
            _LOGGER.warning("%s", message)
            return service_error("UnknownOperationException", message)
        caller = self._caller(request, signed, scope)
        if isinstance(caller, Refusal):
            return service_error(caller.code, caller.message, status=caller.status)
        if goes_to is not Destination.RUNTIME:
            return await self._call(request, caller, goes_to)
        return await self._invoke(request, caller)

    def _caller(self, request: Request, signed: CredentialScope, scope: Scope) -> Caller | Refusal:
        if not self._ministack.enforces_iam:
            identity = self._ministack.identify(signed.access_key_id)
            return Caller(identity.account_id, signed.region, identity.principal_arn)
        principal = self._ministack.iam.authenticate(
            signed.access_key_id,
            region=signed.region,
            method=request.method,
            raw_path=raw_path(scope),
            query=parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True),
            headers=scope["headers"],
            body=request.body,
        )
        if isinstance(principal, Refusal):
            return principal
        return Caller(principal.account_id, signed.region, principal.arn, principal)

    async def _call(self, request: Request, caller: Caller, goes_to: Destination) -> Response:
        began = datetime.now(UTC)
        target = request.headers["x-amz-target"]
        if goes_to is Destination.AUTO_SCALING:
            status, headers, body = await self._control_plane.apply(
                lambda control_plane: auto_scaling_wire.handle(
                    ApplicationAutoScaling(control_plane),
                    target=target,
                    body=request.body,
                    caller=caller,
                    request_id=control_plane.next_request_id(),
                )
            )
        elif goes_to is Destination.QUOTAS:
            status, headers, body = await self._control_plane.apply(
                lambda control_plane: instance_quotas.handle(
                    control_plane, target=target, body=request.body, caller=caller
                )
            )
        else:
            status, headers, body = await self._control_plane.handle(
                target=target, body=request.body, caller=caller
            )
        self._calls.add(
            caller=caller,
            operation=operation_name(request),
            user_agent=request.headers.get("user-agent", ""),
            request=_json_object(request.body),
            status=status,
            error_code=None if status < 400 else _json_object(body).get("__type"),  # noqa: PLR2004
            began=began,
        )
        return Response(status, body, headers)

    async def _invoke(self, request: Request, caller: Caller) -> Response:
        began = datetime.now(UTC)
        match = _INVOCATIONS.fullmatch(request.path)
        endpoint_name = match["name"] if match else ""
        is_asynchronous = match is not None and match["kind"] == "async-invocations"
        operation = "InvokeEndpointAsync" if is_asynchronous else "InvokeEndpoint"
        refused = await self._refusal(operation, endpoint_name, caller)
        if refused is not None:
            response = refused
        elif is_asynchronous:
            response = self._runtime.invoke_async(request, endpoint_name=endpoint_name, caller=caller)
        else:
            response = await self._runtime.invoke(request, endpoint_name=endpoint_name, caller=caller)
        summary = {"EndpointName": endpoint_name, "Bytes": len(request.body)}
        if variant := response.headers.get("x-Amzn-Invoked-Production-Variant"):
            summary["InvokedProductionVariant"] = variant
        self._calls.add(
            caller=caller,
            operation=operation,
            user_agent=request.headers.get("user-agent", ""),
            request=summary,
            status=response.status,
            error_code=response.error_code,
            began=began,
        )
        return response

    async def _refusal(self, operation: str, endpoint_name: str, caller: Caller) -> Response | None:
        """Return the answer to a denied invocation."""
        if caller.principal is None:
            return None
        request = {"EndpointName": endpoint_name}
        try:
            await self._control_plane.apply(lambda it: it.authorize(operation, request, caller))
        except ServiceError as error:
            return service_error(error.code, error.message, status=error.status)
        return None

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.AsyncExitStack() as living:

            async def starting(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "lifespan.startup.complete":
                    for work in (
                        self._control_plane.advance_forever(),
                        self._publisher.publish_forever(lambda: self._control_plane.timings),
                    ):
                        living.push_async_callback(_cancelled, asyncio.create_task(work))
                await send(message)
                if message["type"] == "lifespan.startup.complete":
                    self._when_ready()

            await self._ministack.app(scope, receive, starting)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _json_object(body: bytes) -> dict[str, Any]:
    """Return a body's JSON object; nothing else is worth logging."""
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
