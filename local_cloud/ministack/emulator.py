"""Run MiniStack inside this process; no other part of the project knows MiniStack's internals.

MiniStack keeps its state in modules and reads its settings from the environment when it is imported, so there
is one of it per process and `enter_environment` comes first. The other modules of this folder change it, too:
for IAM, policies, signatures, events' targets, models' roles and objects' keys. What is changed here and why:

`lambda_svc.invoke_async_with_retry` and `lambda_svc._execute_function` become `_WaitingForCapacity`'s
    Lambda keeps a throttled asynchronous event in its queue, up to its maximum age. MiniStack counts a
    throttle as a function error, so that reserved concurrency 1 would fail what merely has to wait.
`lambda_runtime._detect_runtime_binary` becomes `isolated_interpreter`
    Python functions ran with this virtual environment, whose packages hide a dependency that a bundle lacks.
`ssm._put_parameter`, `ssm._delete_parameter`, `ssm._delete_parameters` are followed by an event
    MiniStack emits no `Parameter Store Change`; its CloudFormation calls these functions without HTTP.
`cloudwatch._evaluate_alarm` becomes `_evaluate`
    MiniStack adds up a metric over all its dimensions, and knows neither periods nor missing data nor metric
    math; `cloudwatch/alarm_evaluation.py` does. `evaluate_alarms` does it for all alarms, again and again.
`cloudwatch._put_metric_alarm` and `provisioners._cw_metric_alarm_record` keep `Metrics`
    Alarms on metric math lost their expressions, or were refused by CloudFormation.
`cloudwatch_logs._filter_log_events` and its like take `cloudwatch/filter_patterns.py`'s patterns, or refuse
    MiniStack takes every JSON pattern for a match, and a phrase for its words.
`eventbridge._parse_rate_seconds` multiplies by `schedule_scale`, and `_SCHEDULER_TICK_INTERVAL` is a second
    No rate is shorter than a minute, and MiniStack runs a rule up to ten seconds late.
`router._is_aws_service_name` always agrees
    To tell what nobody implements, MiniStack loads every service model of botocore: seconds, and 400 MB.
`lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS` becomes `retry_base_seconds`
    AWS waits one minute before the first retry, then two; locally a second, then two.

Everything else in `RELIED_ON` is only read or called.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import json
import logging
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from local_cloud.cloudwatch import alarm_evaluation
from local_cloud.cloudwatch.filter_patterns import UnsupportedPatternError, compile_pattern
from local_cloud.ministack import (
    enforcement,
    execution_roles,
    iam,
    identities,
    policy_grammar,
    resource_policies,
    rule_targets,
    s3_keys,
    signatures,
)
from local_cloud.ministack.enforcement import Enforcement
from local_cloud.ministack.execution_roles import ExecutionRoles, bucket_and_key, encrypted_with
from local_cloud.ministack.iam import MiniStackIam
from local_cloud.ministack.policy_grammar import PolicyGrammar
from local_cloud.ministack.rule_targets import RuleTargets
from local_cloud.ministack.s3_keys import Encryption
from local_cloud.ministack.signatures import Signatures
from local_cloud.sagemaker_runtime.asynchronous import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from local_cloud.sagemaker.ports import EventSink

_LOGGER = logging.getLogger("local_cloud.ministack")
_SECONDS_BETWEEN_SCHEDULES = 1.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.app", "SERVICE_HANDLERS"),
    ("ministack.app", "app"),
    ("ministack.core.iam_evaluator", "resolve_caller_identity"),
    ("ministack.core.lambda_runtime", "_PYTHON_WORKER_SCRIPT"),
    ("ministack.core.lambda_runtime", "_detect_runtime_binary"),
    ("ministack.core.lambda_runtime", "reset"),
    ("ministack.core.responses", "error_response_json"),
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "get_region"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.core.responses", "set_request_account_id"),
    ("ministack.core.router", "_is_aws_service_name"),
    ("ministack.core.router", "detect_service"),
    ("ministack.services.cloudformation.provisioners", "_cw_metric_alarm_record"),
    ("ministack.services.cloudwatch", "_alarms"),
    ("ministack.services.cloudwatch", "_calc_stats"),
    ("ministack.services.cloudwatch", "_composite_alarms"),
    ("ministack.services.cloudwatch", "_dims_key"),
    ("ministack.services.cloudwatch", "_dispatch_alarm_actions"),
    ("ministack.services.cloudwatch", "_evaluate_alarm"),
    ("ministack.services.cloudwatch", "_evaluate_parent_alarms"),
    ("ministack.services.cloudwatch", "_metrics"),
    ("ministack.services.cloudwatch", "_put_metric_alarm"),
    ("ministack.services.cloudwatch", "_record_history"),
    ("ministack.services.cloudwatch", "_stat_value"),
    ("ministack.services.cloudwatch", "_store_datum"),
    ("ministack.services.cloudwatch_logs", "_compile_filter_pattern"),
    ("ministack.services.cloudwatch_logs", "_create_log_group"),
    ("ministack.services.cloudwatch_logs", "_create_log_stream"),
    ("ministack.services.cloudwatch_logs", "_filter_log_events"),
    ("ministack.services.cloudwatch_logs", "_log_groups"),
    ("ministack.services.cloudwatch_logs", "_put_log_events"),
    ("ministack.services.cloudwatch_logs", "_put_subscription_filter"),
    ("ministack.services.cloudwatch_logs", "_start_live_tail"),
    ("ministack.services.cloudwatch_logs", "_subscription_pattern_matches"),
    ("ministack.services.eventbridge", "_SCHEDULER_TICK_INTERVAL"),
    ("ministack.services.eventbridge", "_archive_event"),
    ("ministack.services.eventbridge", "_dispatch_event"),
    ("ministack.services.eventbridge", "_ensure_default_bus"),
    ("ministack.services.eventbridge", "_events_log_list"),
    ("ministack.services.eventbridge", "_parse_rate_seconds"),
    ("ministack.services.lambda_svc", "_LAMBDA_ASYNC_RETRY_BASE_SECONDS"),
    ("ministack.services.lambda_svc", "_execute_function"),
    ("ministack.services.lambda_svc", "invoke_async_with_retry"),
    ("ministack.services.s3", "_get_object_data"),
    ("ministack.services.s3", "handle_request"),
    ("ministack.services.sqs", "_queues"),
    ("ministack.services.sqs", "_refresh_counts"),
    ("ministack.services.ssm", "_delete_parameter"),
    ("ministack.services.ssm", "_delete_parameters"),
    ("ministack.services.ssm", "_lookup_parameter"),
    ("ministack.services.ssm", "_put_parameter"),
    *s3_keys.RELIED_ON,
    *execution_roles.RELIED_ON,
    *enforcement.RELIED_ON,
    *iam.RELIED_ON,
    *identities.RELIED_ON,
    *resource_policies.RELIED_ON,
    *policy_grammar.RELIED_ON,
    *rule_targets.RELIED_ON,
    *signatures.RELIED_ON,
)

# What a process of the local cloud keeps of the host's environment: nothing that selects an AWS account, a
# Python environment or a MiniStack setting.
_KEPT_FROM_HOST = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT")


_QUEUE_METRICS = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}
"""SQS's metrics in CloudWatch, and the attributes of a queue that they are (SQS developer guide)."""


class IncompatibleMiniStackError(Exception):
    """The installed MiniStack lacks something that the local cloud relies on."""


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Who an access key belongs to."""

    account_id: str
    principal_arn: str


def missing_internals() -> list[str]:
    """Return the names in `RELIED_ON` that the installed MiniStack does not have."""
    return [
        f"{module}.{name}" for module, name in RELIED_ON if not hasattr(importlib.import_module(module), name)
    ]


def settings(port: int, *, enforce_iam: bool = True) -> dict[str, str]:
    """Return the environment that makes MiniStack listen nowhere, start no container and keep no file."""
    return {
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "BIND_HOST": "127.0.0.1",
        "AUTH": str(enforce_iam).lower(),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        # A socket that does not exist: MiniStack neither imports the Docker SDK nor sweeps for containers.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "LOG_LEVEL": "INFO",
    }


def enter_environment(port: int, state_dir: Path, *, secret: str, enforce_iam: bool = True) -> None:
    """Replace this process's environment by what MiniStack and its child processes may see.

    `secret` is the secret access key of every account's root user. Temporary files go below `state_dir`, so
    that its owner can remove them all at once.
    """
    kept = {name: os.environ[name] for name in _KEPT_FROM_HOST if name in os.environ}
    os.environ.clear()
    os.environ.update(kept | settings(port, enforce_iam=enforce_iam) | {"AWS_SECRET_ACCESS_KEY": secret})
    temporary = state_dir / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(temporary)
    tempfile.tempdir = str(temporary)


class MiniStack:
    """The one MiniStack of this process, after `enter_environment`."""

    def __init__(
        self,
        *,
        port: int,
        state_dir: Path,
        secret: str,
        enforce_iam: bool = True,
        retry_base_seconds: float = 1.0,
    ) -> None:
        """Import MiniStack and change it as the module's table says.

        `announce_parameter_changes` does the part that needs somebody to tell.

        Raises `IncompatibleMiniStackError` if the installed version lacks something in `RELIED_ON`.
        """
        if missing := missing_internals():
            raise IncompatibleMiniStackError(
                "The installed MiniStack is not the one the local cloud was written for: it has no "
                + ", ".join(missing)
                + ". Install the pinned version (make setup), or adapt local_cloud/ministack/emulator.py."
            )
        self.app: AsgiApp = importlib.import_module("ministack.app").app
        self._handlers: dict[str, Any] = importlib.import_module("ministack.app").SERVICE_HANDLERS
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._lambda_runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
        self._ssm: Any = importlib.import_module("ministack.services.ssm")
        self._s3: Any = importlib.import_module("ministack.services.s3")
        self._router: Any = importlib.import_module("ministack.core.router")
        self._cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
        self._provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
        self._logs: Any = importlib.import_module("ministack.services.cloudwatch_logs")
        self._sqs: Any = importlib.import_module("ministack.services.sqs")
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._interpreter = _write_isolated_interpreter(state_dir, hidden=sorted(settings(port)))
        self.enforces_iam = enforce_iam
        self.iam = MiniStackIam()
        self.execution_roles = ExecutionRoles(self.iam)
        self.signatures = Signatures(secret, enforce_iam=enforce_iam)
        self.signatures.install()
        if enforce_iam:
            Enforcement(self.iam).install()
        RuleTargets(self.iam, enforce_iam=enforce_iam).install()
        Encryption().install()
        PolicyGrammar().install()
        self._change(retry_base_seconds)

    # What is changed

    def _change(self, retry_base_seconds: float) -> None:
        self.retry_base_seconds = retry_base_seconds
        self._router._is_aws_service_name = lambda _name: True
        waiting = _WaitingForCapacity(self._lambda.invoke_async_with_retry, self._lambda._execute_function)
        self._lambda.invoke_async_with_retry = waiting.invoke
        self._lambda._execute_function = waiting.execute
        original = self._lambda_runtime._detect_runtime_binary
        script = self._lambda_runtime._PYTHON_WORKER_SCRIPT

        def isolated_interpreter(runtime: str) -> tuple[str, str]:
            if runtime.startswith("python"):
                return str(self._interpreter), script
            binary: tuple[str, str] = original(runtime)
            return binary

        self._lambda_runtime._detect_runtime_binary = isolated_interpreter
        self.alarm_period_scale = 1.0
        self._cloudwatch._evaluate_alarm = self._evaluate
        self._cloudwatch._put_metric_alarm = self._keeping_metrics(self._cloudwatch._put_metric_alarm)
        self._provisioners._cw_metric_alarm_record = self._reading_metrics(
            self._provisioners._cw_metric_alarm_record
        )

        self._filter_logs()
        self._scale_schedules()

    def _scale_schedules(self) -> None:
        self.schedule_scale: Callable[[], float] = lambda: 1.0
        seconds_of: Callable[[str], int | None] = self._eventbridge._parse_rate_seconds

        def scaled(expression: str) -> float | None:
            seconds = seconds_of(expression)
            return None if seconds is None else seconds * self.schedule_scale()

        self._eventbridge._parse_rate_seconds = scaled
        self._eventbridge._SCHEDULER_TICK_INTERVAL = _SECONDS_BETWEEN_SCHEDULES

    def _filter_logs(self) -> None:
        error = self._responses.error_response_json

        def checking(handle: Callable[[Any], Any], member: str) -> Callable[[Any], Any]:
            def handler(data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response triple
                try:
                    compile_pattern(data.get(member) or "")
                except UnsupportedPatternError as refused:
                    message = f"The local cloud cannot apply this filter pattern: {refused}."
                    return error("InvalidParameterException", message, 400)
                return handle(data)

            return handler

        self._logs._compile_filter_pattern = compile_pattern
        self._logs._subscription_pattern_matches = lambda pattern, message: compile_pattern(pattern)(
            message or ""
        )
        self._logs._filter_log_events = checking(self._logs._filter_log_events, "filterPattern")
        self._logs._put_subscription_filter = checking(self._logs._put_subscription_filter, "filterPattern")
        self._logs._start_live_tail = checking(self._logs._start_live_tail, "logEventFilterPattern")

    def _keeping_metrics(self, put: Callable[..., Any]) -> Callable[..., Any]:
        def put_metric_alarm(params: Any, document: Any, *protocol: bool) -> Any:  # noqa: ANN401 - MiniStack's own types
            response = put(params, document, *protocol)
            alarm = self._cloudwatch._alarms.get(document.get("AlarmName", "")) if document else None
            if response[0] < 300 and alarm is not None and document.get("Metrics"):  # noqa: PLR2004
                _make_metric_math(alarm, document["Metrics"])
                self._evaluate(alarm)
            return response

        return put_metric_alarm

    def _reading_metrics(self, record: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
        def alarm_record(name: str, properties: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's alarm
            metrics = properties.get("Metrics")
            if not metrics:
                return record(name, properties)
            named = {"MetricName": "-", "Namespace": "-"}
            alarm = record(name, {**properties, **named, "Metrics": None})
            _make_metric_math(alarm, metrics)
            return alarm

        return alarm_record

    def _evaluate(self, alarm: dict[str, Any]) -> None:
        """Give an alarm of the present account and region the state that its data demand."""
        evaluation = alarm_evaluation.evaluate(
            alarm, self._statistic, time.time(), period_scale=self.alarm_period_scale
        )
        old = alarm["StateValue"]
        if evaluation is None or evaluation.state == old:
            return
        new = str(evaluation.state)
        now = int(time.time())
        alarm.update(StateValue=new, StateReason=evaluation.reason, StateUpdatedTimestamp=now)
        self._cloudwatch._record_history(alarm["AlarmName"], old, new, evaluation.reason)
        self._cloudwatch._dispatch_alarm_actions(alarm, old, new, evaluation.reason)
        self._cloudwatch._evaluate_parent_alarms(alarm)

    def _statistic(
        self, metric: alarm_evaluation.Metric, statistic: str, start: float, end: float
    ) -> float | None:
        dimensions = self._cloudwatch._dims_key(dict(metric.dimensions))
        points = self._cloudwatch._metrics.get((metric.namespace, metric.name, dimensions)) or ()
        chosen = [point for point in points if start < point["Timestamp"] <= end]
        stats = self._cloudwatch._calc_stats(chosen)
        if not stats:
            return None
        value: float | None = self._cloudwatch._stat_value(stats, statistic, chosen)
        return value

    def announce_parameter_changes(self, events: EventSink) -> None:
        """Emit `Parameter Store Change` for every parameter that is written or deleted from now on."""
        ssm = self._ssm
        ssm._put_parameter = self._announcing_put(ssm._put_parameter, events)
        ssm._delete_parameter = self._announcing_delete(ssm._delete_parameter, events)
        ssm._delete_parameters = self._announcing_deletes(ssm._delete_parameters, events)

    @property
    def retry_base_seconds(self) -> float:
        """How long Lambda waits before it retries a failed asynchronous invocation; then twice as long."""
        seconds: float = self._lambda._LAMBDA_ASYNC_RETRY_BASE_SECONDS
        return seconds

    @retry_base_seconds.setter
    def retry_base_seconds(self, seconds: float) -> None:
        self._lambda._LAMBDA_ASYNC_RETRY_BASE_SECONDS = seconds

    def _announcing_put(self, put: Callable[[Any], Any], events: EventSink) -> Callable[[Any], Any]:
        def put_parameter(data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response triple
            existed = bool(data.get("Name")) and self._parameter(data["Name"]) is not None
            response = put(data)
            if response[0] < 300:  # noqa: PLR2004
                self._announce(events, "Update" if existed else "Create", self._parameter(data["Name"]))
            return response

        return put_parameter

    def _announcing_delete(self, delete: Callable[[Any], Any], events: EventSink) -> Callable[[Any], Any]:
        def delete_parameter(data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response triple
            parameter = self._parameter(data.get("Name"))
            response = delete(data)
            if response[0] < 300:  # noqa: PLR2004
                self._announce(events, "Delete", parameter)
            return response

        return delete_parameter

    def _announcing_deletes(self, delete: Callable[[Any], Any], events: EventSink) -> Callable[[Any], Any]:
        def delete_parameters(data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response triple
            parameters = {name: self._parameter(name) for name in data.get("Names", ())}
            response = delete(data)
            if response[0] < 300:  # noqa: PLR2004
                for name in json.loads(response[2])["DeletedParameters"]:
                    self._announce(events, "Delete", parameters[name])
            return response

        return delete_parameters

    def _parameter(self, name: object) -> dict[str, Any] | None:
        if not isinstance(name, str):
            return None
        parameter: dict[str, Any] | None = self._ssm._lookup_parameter(name)[1]
        return parameter

    def _announce(self, events: EventSink, operation: str, parameter: dict[str, Any] | None) -> None:
        """Emit `Parameter Store Change` in the shape of AWS's sysman-paramstore-cwe page."""
        if parameter is None:
            return
        detail = {"operation": operation, "name": parameter["Name"], "type": parameter["Type"]}
        if parameter["Description"]:
            detail["description"] = parameter["Description"]
        events.emit(
            {
                "version": "0",
                "id": self._responses.new_uuid(),
                "detail-type": "Parameter Store Change",
                "source": "aws.ssm",
                "account": self._responses.get_account_id(),
                "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": self._responses.get_region(),
                "resources": [parameter["ARN"]],
                "detail": detail,
            }
        )

    # What is offered to the rest of the local cloud

    def put_event(self, event: dict[str, Any]) -> None:
        """Put a complete envelope on the default bus of its account and region, as an AWS service does.

        PutEvents would refuse `aws.*` sources, and give the event another id and time.
        """
        record = {
            "EventId": event["id"],
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "EventBusName": "default",
            "Time": _epoch_seconds(event["time"]),
            "Resources": event["resources"],
            "Account": event["account"],
            "Region": event["region"],
        }
        with self._responses.request_scope(event["account"], event["region"]):
            self._eventbridge._ensure_default_bus()
            self._eventbridge._events_log_list().append(record)
            self._eventbridge._dispatch_event(record)
            self._eventbridge._archive_event(record)

    def identify(self, access_key_id: str) -> CallerIdentity:
        """Return the account and principal of an access key: a 12-digit one is an account's root."""
        with self._responses.request_scope("", ""):
            self._responses.set_request_account_id(access_key_id)
            account_id: str = self._responses.get_account_id()
            identity = self._evaluator.resolve_caller_identity(access_key_id)
        arn = identity["userArn"] if identity and identity["userArn"] else f"arn:aws:iam::{account_id}:root"
        return CallerIdentity(account_id=account_id, principal_arn=arn)

    def serves(self, scope_service: str) -> bool:
        """Tell whether MiniStack implements the service that a request's credential scope names."""
        authorization = f"AWS4-HMAC-SHA256 Credential=x/20000101/us-east-1/{scope_service}/aws4_request"
        service = self._router.detect_service("POST", "/", {"authorization": authorization}, {})
        served: bool = service in importlib.import_module("ministack.app").SERVICE_HANDLERS
        return served

    def read_object(self, s3_url: str, *, account_id: str) -> bytes | None:
        """Return an object's bytes, or None if there is none; permissions are the matter of `may_read`."""
        bucket, key = bucket_and_key(s3_url)
        owner = self.execution_roles.bucket_owner(bucket, preferred=account_id)
        if owner is None:
            return None
        with self._responses.request_scope(owner, ""):
            content: bytes | None = self._s3._get_object_data(bucket, key)
        return content

    async def write_object(
        self,
        s3_url: str,
        content: bytes,
        *,
        content_type: str,
        account_id: str,
        region: str,
        kms_key_id: str = "",
    ) -> None:
        """Write an object as a client would; permissions are the matter of `refusal_to_write`.

        Raises `StorageError` if there is no such bucket.
        """
        bucket, key = bucket_and_key(s3_url)
        owner = self.execution_roles.bucket_owner(bucket, preferred=account_id)
        headers = {"content-type": content_type, "host": "s3.amazonaws.com", **encrypted_with(kms_key_id)}
        status, body = await self._ask(
            "s3", "PUT", f"/{bucket}/{key}", headers, content, owner or account_id, region
        )
        if status >= 300:  # noqa: PLR2004
            raise StorageError(f"{s3_url} could not be written: {body.decode(errors='replace')}")

    async def publish(self, topic_arn: str, message: str, *, account_id: str, region: str) -> None:
        """Publish a message to an SNS topic; permissions are the matter of `refusal_to_publish`.

        Raises `StorageError` if there is no such topic.
        """
        parameters = {"Action": "Publish", "TopicArn": topic_arn, "Message": message}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        form = urlencode(parameters).encode()
        status, body = await self._ask("sns", "POST", "/", headers, form, account_id, region)
        if status >= 300:  # noqa: PLR2004
            raise StorageError(f"{topic_arn} could not be told: {body.decode(errors='replace')}")

    async def _ask(
        self,
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        account_id: str,
        region: str,
    ) -> tuple[int, bytes]:
        """Return the status and body with which one of MiniStack's services answers."""
        handler = self._handlers[service]
        if service == "s3":
            # For S3, a call without a signature is an anonymous one unless it comes from inside.
            handler = partial(self._s3.handle_request, internal=True)
        with self._responses.request_scope(account_id, region):
            status, _, content = await handler(method, path, headers, body, {})
        return status, content if isinstance(content, bytes) else str(content).encode()

    def alarm_state(self, account_id: str, region: str, alarm_name: str) -> str | None:
        """Return the state of a metric or composite alarm; None if there is none of that name."""
        for kept in (self._cloudwatch._alarms, self._cloudwatch._composite_alarms):
            alarm = kept.get_scoped(account_id, region, alarm_name)
            if alarm is not None:
                state: str = alarm["StateValue"]
                return state
        return None

    def evaluate_alarms(self) -> None:
        """Evaluate every metric alarm of every account and region now."""
        for (account_id, region, name), alarm in list(self._cloudwatch._alarms._data.items()):
            with self._responses.request_scope(account_id, region):
                try:
                    self._evaluate(alarm)
                except Exception:
                    # A malformed alarm must not keep the others from being evaluated.
                    _LOGGER.exception("Could not evaluate the alarm %s of account %s", name, account_id)

    def put_metric_values(
        self,
        account_id: str,
        region: str,
        metric: alarm_evaluation.Metric,
        unit: str,
        values: Mapping[float, int],
    ) -> None:
        """Add values, each with how often it was seen, to a metric, as PutMetricData does.

        To be called on the event loop: MiniStack's own handlers use its metrics there without a lock.
        """
        with self._responses.request_scope(account_id, region):
            self._cloudwatch._store_datum(
                metric.namespace,
                metric.name,
                dict(metric.dimensions),
                time.time(),
                unit,
                None,
                list(values),
                list(values.values()),
                None,
            )

    def queues(self) -> Iterator[tuple[str, str, str, dict[str, int]]]:
        """Yield every queue's account, region, name, and numbers of messages by their metric's name."""
        for (account_id, region, _), queue in list(self._sqs._queues.all_items()):
            self._sqs._refresh_counts(queue)
            counts = {name: int(queue["attributes"][attribute]) for name, attribute in _QUEUE_METRICS.items()}
            yield account_id, region, queue["name"], counts

    def write_logs(
        self, account_id: str, region: str, *, group: str, stream: str, lines: Sequence[str]
    ) -> None:
        """Append lines to a CloudWatch log stream; the group and the stream are created when needed."""
        now = int(time.time() * 1000)
        names = {"logGroupName": group, "logStreamName": stream}
        with self._responses.request_scope(account_id, region):
            if group not in self._logs._log_groups:
                self._logs._create_log_group({"logGroupName": group})
            self._logs._create_log_stream(names)  # "already exists" is as good
            events = [{"timestamp": now, "message": line} for line in lines]
            self._logs._put_log_events(names | {"logEvents": events})

    def stop(self) -> None:
        """End the processes that run Lambda functions."""
        self._lambda_runtime.reset()


def _make_metric_math(alarm: dict[str, Any], metrics: Sequence[dict[str, Any]]) -> None:
    """Let an alarm be about these queries instead of a metric; CloudFormation's numbers may be texts."""
    for member in (
        "MetricName",
        "Namespace",
        "Statistic",
        "ExtendedStatistic",
        "Period",
        "Dimensions",
        "Unit",
    ):
        alarm.pop(member, None)
    alarm["Metrics"] = [_typed_query(query) for query in metrics]


def _typed_query(query: dict[str, Any]) -> dict[str, Any]:
    typed = dict(query)
    if "ReturnData" in typed:
        typed["ReturnData"] = str(typed["ReturnData"]).lower() != "false"
    if "Period" in typed:
        typed["Period"] = int(typed["Period"])
    if "MetricStat" in typed:
        typed["MetricStat"] = {**typed["MetricStat"], "Period": int(typed["MetricStat"]["Period"])}
    return typed


class _WaitingForCapacity:
    """Lambda's queue of asynchronous events: a throttled one waits (LAM/invocation-async-error-handling)."""

    _DEFAULT_MAX_AGE_SECONDS = 21_600
    _LONGEST_WAIT_SECONDS = 1.0

    def __init__(
        self, invoke: Callable[[Any, Any], None], execute: Callable[[Any, Any], dict[str, Any]]
    ) -> None:
        self._invoke = invoke
        self._execute = execute
        self._is_asynchronous: ContextVar[bool] = ContextVar("is_asynchronous", default=False)

    def invoke(self, function: Any, event: Any) -> None:  # noqa: ANN401 - MiniStack's records
        """Start an asynchronous invocation; MiniStack runs it on a thread with a copy of this context."""
        token = self._is_asynchronous.set(True)
        try:
            self._invoke(function, event)
        finally:
            self._is_asynchronous.reset(token)

    def execute(self, function: Any, event: Any) -> dict[str, Any]:  # noqa: ANN401 - MiniStack's records
        """Run a function; an asynchronous event that is throttled waits for capacity until it is too old."""
        result = self._execute(function, event)
        settings = (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
        deadline = time.monotonic() + settings.get("MaximumEventAgeInSeconds", self._DEFAULT_MAX_AGE_SECONDS)
        wait_seconds = 0.05
        while self._is_asynchronous.get() and result.get("throttle") and time.monotonic() < deadline:
            time.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, self._LONGEST_WAIT_SECONDS)
            result = self._execute(function, event)
        return result


def _write_isolated_interpreter(state_dir: Path, *, hidden: Iterable[str]) -> Path:
    """Write the program that stands in for Lambda's Python: the base interpreter without packages.

    `-I` ignores `PYTHON*` and the user's packages, `-S` the interpreter's own site-packages. There is no
    HOME, so that no `~/.aws` of the host configures a function.
    """
    launcher = state_dir / "lambda-python"
    interpreter = getattr(sys, "_base_executable", None) or sys.executable
    unset = " ".join(f"-u {name}" for name in hidden)
    launcher.write_text(
        f'#!/bin/sh\nexec env {unset} HOME=/nonexistent TZ=:UTC {shlex.quote(interpreter)} -I -S "$@"\n'
    )
    launcher.chmod(0o755)
    return launcher


def _epoch_seconds(time_text: str) -> int | str:
    """Return the form in which MiniStack keeps, renders and replays an event's time."""
    try:
        return int(datetime.fromisoformat(time_text).timestamp())
    except ValueError:
        return time_text
