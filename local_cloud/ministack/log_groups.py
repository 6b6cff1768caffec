"""Log groups of MiniStack's CloudWatch Logs: writing, and filtering.

Only `emulator.py` creates one. Changes to MiniStack, and reasons:

`cloudwatch_logs._filter_log_events` and similar functions use `cloudwatch/filter_patterns.py`, or refuse
    In MiniStack every JSON pattern matches everything, and a phrase matches its single words.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any

from local_cloud.cloudwatch.filter_patterns import UnsupportedPatternError, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "error_response_json"),
    ("ministack.core.responses", "request_scope"),
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

    def write_logs(
        self, account_id: str, region: str, *, group: str, stream: str, lines: Sequence[str]
    ) -> None:
        """Append lines to a CloudWatch log stream; the group and the stream are created when needed."""
        now = int(time.time() * 1000)
        names = {"logGroupName": group, "logStreamName": stream}
        with self._responses.request_scope(account_id, region):
            if group not in self._logs._log_groups:
                self._logs._create_log_group({"logGroupName": group})
            self._logs._create_log_stream(names)  # "already exists" is fine
            events = [{"timestamp": now, "message": line} for line in lines]
            self._logs._put_log_events(names | {"logEvents": events})
