"""Keep the log of SageMaker calls for the admin API."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.ports import Caller

_KEPT_CALLS = 50_000
_LONGEST_VALUE = 256


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call to the control plane, or one invocation, and its result; `time` is when it began."""

    seq: int
    time: str
    account: str
    region: str
    operation: str
    user_agent: str
    principal: str
    request_summary: dict[str, Any]
    status: int
    error_code: str | None
    duration_ms: float


class CallLog:
    """The most recent calls, numbered from 1 in the order in which they ended."""

    def __init__(self) -> None:
        self._calls: deque[LoggedCall] = deque(maxlen=_KEPT_CALLS)
        self._sequence = count(1)
        self._lock = threading.Lock()

    def add(
        self,
        *,
        caller: Caller,
        operation: str,
        user_agent: str,
        request: Mapping[str, Any],
        status: int,
        error_code: str | None,
        began: datetime,
    ) -> None:
        """Log a call that just ended."""
        duration = datetime.now(UTC) - began
        with self._lock:
            self._calls.append(
                LoggedCall(
                    seq=next(self._sequence),
                    time=began.isoformat(timespec="milliseconds"),
                    account=caller.account_id,
                    region=caller.region,
                    operation=operation,
                    user_agent=user_agent,
                    principal=caller.principal_arn,
                    request_summary=summarise(request),
                    status=status,
                    error_code=error_code,
                    duration_ms=round(duration.total_seconds() * 1000, 1),
                )
            )

    def calls(self, *, after: int = 0) -> list[LoggedCall]:
        """Return the logged calls whose sequence number is greater than `after`."""
        with self._lock:
            return [call for call in self._calls if call.seq > after]


def summarise(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's top-level names and flags: enough to distinguish calls, without the bulk."""
    return {
        name: value[:_LONGEST_VALUE] if isinstance(value, str) else value
        for name, value in request.items()
        if isinstance(value, str | int | float | bool)
    }
