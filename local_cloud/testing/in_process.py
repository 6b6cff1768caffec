"""Answer botocore's clients inside this process: the same cloud without sockets, threads or wall clock.

Unmodified clients keep their serialisers, parsers, retries and error types; the socket is replaced, with what
only a socket needs. So the deployer's real gateways run against the real state machine, in virtual time, at
full speed. SageMaker is the given control plane, with Application Auto Scaling for its variants. Every other
service is MiniStack's, whose state is per account: use a separate account for each test.
"""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.hooks import HierarchicalEmitter
from ministack.app import SERVICE_HANDLERS
from ministack.core.responses import request_scope
from ministack.services import kms

from local_cloud.application_auto_scaling import wire as auto_scaling_wire
from local_cloud.application_auto_scaling.service import ApplicationAutoScaling
from local_cloud.front_door.http import Request, service_error
from local_cloud.ministack.cloudwatch_metrics import CloudWatchMetrics
from local_cloud.ministack.enforcement import Enforcement
from local_cloud.ministack.iam import MiniStackIam
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import AlarmState, Caller
from local_cloud.sagemaker.protocol import wire
from local_cloud.sagemaker_runtime.runtime import answer_invocation
from local_cloud.testing import dynamodb_in_a_hurry
from local_cloud.testing.unprepared_requests import leave_unprepared

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.hooks import EventAliaser

    from iam_evaluator.principals import Principal
    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker_runtime.runtime_ports import HostedEndpoints

_HANDLER_NAMES = {"cloudwatch": "monitoring"}
"""MiniStack's names of services that boto3 names differently."""

_INVOCATION = re.compile(r"/endpoints/(?P<name>[^/]+)/invocations")

CallHook = Callable[[str, str], None]
"""Called with service and operation. If it raises an error, the error replaces the answer."""


def do_nothing(_service: str, _operation: str) -> None:
    """Let a call be made as it is."""


class InProcessCloud:
    """One account and region, seen through botocore's clients.

    Attributes:
        calls: Every answered call, as (service, operation), in order.
        before_call: A hook for faults, or for others to act in between.
        after_call: Likewise, after the call has taken effect and before the caller gets its answer.
    """

    def __init__(
        self,
        control_plane: ControlPlane,
        *,
        account_id: str,
        region: str,
        endpoints: HostedEndpoints | None = None,
        caller_arn: str | None = None,
        principal: Principal | None = None,
    ) -> None:
        """See a control plane, as the account's root unless a principal is given.

        `endpoints` answers InvokeEndpoint, which is refused without it. IAM is enforced on a `principal`.
        """
        self._control_plane = control_plane
        self._endpoints = endpoints
        arn = principal.arn if principal else caller_arn or f"arn:aws:iam::{account_id}:root"
        self._caller = Caller(account_id, region, arn, principal)
        self._clients: dict[tuple[str, Config | None], Any] = {}
        self.calls: list[tuple[str, str]] = []
        self.before_call: CallHook = do_nothing
        self.after_call: CallHook = do_nothing

    def client(self, service: str, config: Config | None = None) -> Any:  # noqa: ANN401 - any of boto3's
        """Return the one client of a service with a configuration: making it takes longer than its calls."""
        made = self._clients.get((service, config))
        if made is None:
            made = self._clients[service, config] = self._new_client(service, config)
        return made

    def make_key(self, key_id: str) -> None:
        """Make a KMS key with an id of the caller's choice; KMS would choose the id itself."""
        made = self.client("kms").create_key()["KeyMetadata"]
        with request_scope(self._caller.account_id, self._caller.region):
            record = kms._keys.pop(made["KeyId"])  # noqa: SLF001 - no API renames a key
            arn = made["Arn"].replace(made["KeyId"], key_id)
            kms._keys[key_id] = {**record, "KeyId": key_id, "Arn": arn}  # noqa: SLF001 - likewise

    def _new_client(self, service: str, config: Config | None) -> Any:  # noqa: ANN401 - likewise
        client = _with_own_events(_prototype(service, self._caller.region, config))
        client.meta.events.register("before-send", partial(self._send, service))
        return client

    def _send(self, service: str, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
        operation = event_name.rsplit(".", 1)[-1]
        self.before_call(service, operation)
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        body = _bytes(request.body)
        if service == "sagemaker":
            status, answered, content = wire.handle(
                self._control_plane, target=headers["x-amz-target"], body=body, caller=self._caller
            )
        elif service == "sagemaker-runtime":
            status, answered, content = self._invoke(request, headers, body)
        elif service == "application-autoscaling":
            status, answered, content = auto_scaling_wire.handle(
                ApplicationAutoScaling(self._control_plane),
                target=headers["x-amz-target"],
                body=body,
                caller=self._caller,
                request_id=self._control_plane.next_request_id(),
            )
        else:
            status, answered, content = self._ministack(service, request, headers, body)
        self.calls.append((service, operation))
        self.after_call(service, operation)
        return AWSResponse(request.url, status, _headers(answered), _Raw(content))

    def _invoke(
        self, request: AWSPreparedRequest, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        path = urlsplit(request.url).path
        match = _INVOCATION.fullmatch(path)
        if match is None or self._endpoints is None:
            raise NotImplementedError(f"Nobody answers {path} in this process: give it `endpoints`.")
        try:
            self._control_plane.authorize("InvokeEndpoint", {"EndpointName": match["name"]}, self._caller)
        except ServiceError as error:
            refused = service_error(error.code, error.message, status=error.status)
            return refused.status, dict(refused.headers), refused.body
        received = Request("POST", path, {}, headers, body)
        answer = answer_invocation(self._endpoints, received, match["name"], self._caller)
        return answer.status, dict(answer.headers), answer.body

    def _ministack(
        self, service: str, request: AWSPreparedRequest, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(request.url)
        with request_scope(self._caller.account_id, self._caller.region):
            query = parse_qs(url.query, keep_blank_values=True)
            path = url.path or "/"
            principal, name = self._caller.principal, _HANDLER_NAMES.get(service, service)
            iam, enforcement = _iam()
            iam.switches = lambda: self._control_plane.switches
            refused = principal and enforcement.refusal(
                principal,
                name,
                request.method,
                path,
                headers,
                body,
                {**parse_qs(_form(headers, body)), **query},
            )
            return refused or _answered(service, request.method, path, headers, body, query)


class InProcessAlarms:
    """`Alarms` in this process's MiniStack; set them by SetAlarmState through a client."""

    def state(self, account_id: str, region: str, alarm_name: str) -> AlarmState | None:
        """Return the alarm's state; None if there is no such alarm."""
        request = {"AlarmNames": [alarm_name], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
        headers = {
            "x-amz-target": "GraniteServiceVersion20100801.DescribeAlarms",
            "content-type": "application/x-amz-json-1.0",
        }
        with request_scope(account_id, region):
            _, _, content = _answered("monitoring", "POST", "/", headers, json.dumps(request).encode(), {})
        document = json.loads(content)
        found = [*document["MetricAlarms"], *document["CompositeAlarms"]]
        return AlarmState(found[0]["StateValue"]) if found else None


def _answered(
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, list[str]],
) -> tuple[int, dict[str, str], bytes]:
    """Return MiniStack's answer; the caller has set account and region."""
    answer = SERVICE_HANDLERS[_HANDLER_NAMES.get(service, service)](method, path, headers, body, query)
    try:
        answer.send(None)
    except StopIteration as done:
        status, answered, content = done.value
        return status, answered, _bytes(content)
    raise NotImplementedError(
        f"MiniStack's {service} waits for something: it needs the gateway's event loop."
    )


class _Raw(io.BytesIO):
    """A response body as urllib3 returns it."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


@cache
def _iam() -> tuple[MiniStackIam, Enforcement]:
    """Return this process's IAM with all its data, and the enforcement that asks it."""
    iam = MiniStackIam()
    enforcement = Enforcement(iam)
    enforcement.hide_composite_alarms()
    CloudWatchMetrics().keep_metric_math()
    dynamodb_in_a_hurry.hurry()
    return iam, enforcement


def _form(headers: dict[str, str], body: bytes) -> str:
    return body.decode() if "x-www-form-urlencoded" in headers.get("content-type", "") else ""


@cache
def _prototype(service: str, region: str, config: Config | None) -> Any:  # noqa: ANN401 - any of boto3's
    """Return a client that is never called; all others of its kind are copies of it."""
    made = _session().client(service, region_name=region, config=config)  # type: ignore[call-overload] # the name is not a literal
    leave_unprepared(made)
    return made


class _OwnEvents(HierarchicalEmitter):
    """Calls botocore's own handlers first, which all copies of a client share, then this copy's handlers.

    A call is repeated at once: time is virtual here, and botocore would sleep for as long as a handler asks.
    """

    def __init__(self, common: EventAliaser) -> None:
        super().__init__()
        self._common = common

    def emit(self, event_name: str, **kwargs: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - as botocore has it
        answers = [*self._common.emit(event_name, **kwargs), *super().emit(event_name, **kwargs)]
        if event_name.startswith("needs-retry."):
            return [(handler, seconds and 0) for handler, seconds in answers]
        return answers

    def emit_until_response(self, event_name: str, **kwargs: Any) -> tuple[Any, Any]:  # noqa: ANN401 - likewise
        answered: tuple[Any, Any] = self._common.emit_until_response(event_name, **kwargs)
        return answered if answered[1] is not None else super().emit_until_response(event_name, **kwargs)


def _with_own_events(prototype: Any) -> Any:  # noqa: ANN401 - any of boto3's
    """Return a copy of a client whose handlers see only its own calls.

    Building a client takes six milliseconds, and copying one a tenth of a millisecond.
    """
    client, endpoint = object.__new__(type(prototype)), copy.copy(prototype._endpoint)  # noqa: SLF001 - botocore copies no client
    vars(client).update(vars(prototype), meta=copy.copy(prototype.meta), _endpoint=endpoint)
    client.meta.events = endpoint._event_emitter = _OwnEvents(prototype.meta.events)  # noqa: SLF001 - likewise
    return client


@cache
def _session() -> boto3.Session:
    """Return the one session: it reads each service's model once, which takes longer than most tests."""
    core = botocore.session.Session()
    # botocore's own user agent and signatures take a large part of a call's time. Nobody checks them in this
    # process: the caller is known.
    core.set_default_client_config(Config(user_agent="greenlight-in-process", signature_version=UNSIGNED))
    return boto3.Session(botocore_session=core)


def _headers(named: dict[str, str]) -> HTTPHeaders:
    headers = HTTPHeaders()
    for name, value in named.items():
        headers[name] = value
    return headers


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, io.IOBase):
        return bytes(value.read())
    return bytes(value) if isinstance(value, bytes | bytearray) else b""
