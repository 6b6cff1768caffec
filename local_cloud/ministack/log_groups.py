"""Log groups of MiniStack's CloudWatch Logs: writing, filtering, and saved queries.

Only `emulator.py` creates one. Changes to MiniStack, and reasons:

`cloudwatch_logs._filter_log_events` and similar functions use `cloudwatch/filter_patterns.py`, or refuse
    In MiniStack every JSON pattern matches everything, and a phrase matches its single words.
`provisioners._RESOURCE_HANDLERS` gets a query definition
    MiniStack's CloudFormation has no `AWS::Logs::QueryDefinition`. It is kept by nobody, as nothing runs it.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import threading
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from local_cloud.cloudwatch.filter_patterns import UnsupportedPatternError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "error_response_json"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS"),
    ("ministack.services.cloudwatch_logs", "_compile_filter_pattern"),
    ("ministack.services.cloudwatch_logs", "_create_log_group"),
    ("ministack.services.cloudwatch_logs", "_create_log_stream"),
    ("ministack.services.cloudwatch_logs", "_filter_log_events"),
    ("ministack.services.cloudwatch_logs", "_log_groups"),
    ("ministack.services.cloudwatch_logs", "_put_log_events"),
    ("ministack.services.cloudwatch_logs", "_put_subscription_filter"),
    ("ministack.services.cloudwatch_logs", "_start_live_tail"),
    ("ministack.services.cloudwatch_logs", "_subscription_pattern_matches"),
)


class LogGroups:
    """The log groups of every account and region."""

    def __init__(self) -> None:
        self._logs: Any = importlib.import_module("ministack.services.cloudwatch_logs")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self.delivery_seconds: Callable[[], float] = lambda: 0.0
        """How long a line takes to be shown."""

    def install(self) -> None:
        """Filter as CloudWatch Logs does from now on."""
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
        provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
        provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
            "create": lambda _logical_id, properties, _stack_name: self._save_query(properties),
            "update": lambda _physical_id, _old, new, _stack_name: self._save_query(new),
            "delete": lambda _physical_id, _properties: None,
        }

    def _save_query(self, properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Take a query definition whose log groups exist."""
        missing = [each for each in properties.get("LogGroupNames", ()) if each not in self._logs._log_groups]
        if missing:
            raise ValueError(f"AWS::Logs::QueryDefinition: no log group {', '.join(missing)}")
        # An id from the name, so that an update keeps it.
        name = f"{self._responses.get_account_id()}/{properties['Name']}"
        query_id = str(uuid.uuid5(uuid.NAMESPACE_OID, name))
        return query_id, {"QueryDefinitionId": query_id}

    def write_logs(
        self, account_id: str, region: str, *, group: str, stream: str, lines: Sequence[str]
    ) -> None:
        """Append lines to a CloudWatch log stream; the group and the stream are created when needed."""
        now = int(time.time() * 1000)
        write = partial(self._write, account_id, region, group, stream, lines, now)
        seconds = self.delivery_seconds()
        if not seconds:
            write()
            return
        later = threading.Timer(seconds, write)
        later.daemon = True
        later.start()

    def _write(
        self, account_id: str, region: str, group: str, stream: str, lines: Sequence[str], now: int
    ) -> None:
        names = {"logGroupName": group, "logStreamName": stream}
        with self._responses.request_scope(account_id, region):
            if group not in self._logs._log_groups:
                self._logs._create_log_group({"logGroupName": group})
            self._logs._create_log_stream(names)  # "already exists" is fine
            events = [{"timestamp": now, "message": line} for line in lines]
            self._logs._put_log_events(names | {"logEvents": events})
