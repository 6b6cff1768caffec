"""Follows the local cloud's calls and events, and gives a timeline a line for each that matters."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import BotoCoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from demo.timeline import Timeline
    from local_cloud.child_process import LocalCloud

_SECONDS_BETWEEN_LOOKS: Final = 0.1
_QUIET: Final = frozenset({"InvokeEndpoint", "InvokeEndpointAsync"})
"""A background caller makes hundreds of these: count them, do not list them."""

_READS: Final = ("BatchDescribe", "Describe", "Get", "List", "Search")

_DECISIONS: Final = frozenset({"started", "held", "ignored"})
_GOOD: Final = frozenset({"succeeded", "rolled_back", "promoted", "aborted"})


class Follower:
    """Prints the local cloud's writes while the context lasts; with `reads`, reads and AWS's events as well.

    With `accounts` (names by account), it prints only those accounts' calls, with the name. `others` returns
    further lines that have come since. Lines wait for `settle_seconds`, so that late ones find their place.
    """

    def __init__(
        self,
        cloud: LocalCloud,
        timeline: Timeline,
        accounts: Mapping[str, str] | None = None,
        *,
        reads: bool = False,
        others: Callable[[], list[Line]] = list,
        settle_seconds: float = 0.0,
    ) -> None:
        self._cloud = cloud
        self._others = others
        self._settling = timedelta(seconds=settle_seconds)
        # A line that waits anyway need not be looked for ten times a second.
        self._between = max(_SECONDS_BETWEEN_LOOKS, settle_seconds / 3)
        self._waiting: list[Line] = []
        self._timeline = timeline
        self._accounts = accounts
        self._reads = reads
        self._after_call = 0
        self._after_event = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="timeline", daemon=True)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._timeline.catch_up = self.catch_up
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timeline.catch_up = lambda: None
        self._stop.set()
        self._thread.join()

    def catch_up(self) -> None:
        """Print everything since the last look, in order."""
        with self._lock:
            settled = datetime.now(UTC) - self._settling
            news = [line for ask in (self._calls, self._events, self._others) for line in _if_it_answers(ask)]
            lines = sorted([*self._waiting, *news], key=lambda each: each.at)
            self._waiting = [line for line in lines if self._settling and line.at > settled]
            for line in lines[: len(lines) - len(self._waiting)]:
                self._timeline.line(line.text, who=line.who, style=line.style, at=line.at)

    def _calls(self) -> list[Line]:
        calls = self._cloud.calls(after=self._after_call)
        self._after_call = max((call["seq"] for call in calls), default=self._after_call)
        return [
            call_line(call, self._whose(call["account"], _caller(call)))
            for call in calls
            if self._shows(call["account"])
            and (is_write(call) or (self._reads and call["operation"] not in _QUIET))
        ]

    def _events(self) -> list[Line]:
        if not self._reads:
            return []
        events = self._cloud.events(after=self._after_event)
        self._after_event = max((event["seq"] for event in events), default=self._after_event)
        return [
            event_line(event, self._whose(event["event"]["account"], "event"))
            for event in events
            if self._shows(event["event"]["account"])
        ]

    def _shows(self, account_id: str) -> bool:
        return self._accounts is None or account_id in self._accounts

    def _whose(self, account_id: str, otherwise: str) -> str:
        return otherwise if self._accounts is None else self._accounts[account_id]

    def _follow(self) -> None:
        while not self._stop.wait(self._between):
            self.catch_up()


def _if_it_answers(ask: Callable[[], list[Line]]) -> list[Line]:
    """Return the news; none from a cloud that is too busy, which has them later, or that has gone."""
    try:
        return ask()
    except (OSError, BotoCoreError):
        return []


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a timeline."""

    at: datetime
    who: str
    text: str
    style: str


def is_write(call: Mapping[str, Any]) -> bool:
    """Tell whether a call may have changed something."""
    return not call["operation"].startswith(_READS) and call["operation"] not in _QUIET


def _caller(call: Mapping[str, Any]) -> str:
    return "deployer" if "greenlight/" in call["user_agent"] else "you"


def call_line(call: Mapping[str, Any], who: str) -> Line:
    """Describe a call when it ended. A refusal is yellow: red is for a promise that does not hold."""
    ended = datetime.fromisoformat(call["time"]) + timedelta(milliseconds=call["duration_ms"])
    if call["error_code"]:
        text = f"{call['operation']} {_names(call['request_summary'])}  {call['error_code']}"
        return Line(ended, who, text, "yellow")
    request = call["request_summary"]
    decision = request.get("ModelApprovalStatus") if call["operation"] == "UpdateModelPackage" else None
    if decision is not None:
        return Line(ended, who, f"{decision} {_names(request)}", "bold")
    return Line(ended, who, f"{call['operation']:<23} {_names(request)}", "")


def _names(request: Mapping[str, Any]) -> str:
    """Summarise a request: `churn → v3-1f2e` for an endpoint and its config `churn-v3-1f2e`."""
    first, *more = [
        str(value).rsplit(":", 1)[-1].removeprefix("model-package/")
        for key, value in request.items()
        if key.endswith(("Name", "PackageArn"))
    ] or [""]
    return " → ".join([first, *(each.removeprefix(f"{first}-") for each in more)])


def outcome_line(outcome: Mapping[str, Any]) -> Line:
    """Describe an outcome: a decision of the deployer's, or how one ended."""
    kind, at = outcome["Outcome"], datetime.fromisoformat(outcome["Time"])
    if kind in _DECISIONS:
        return Line(at, "decision", outcome["Message"], "cyan")
    if kind in _GOOD:
        return Line(at, "outcome", f"✓ {outcome['Message']}", "green")
    return Line(at, "outcome", f"✗ {outcome['Message']}", "yellow")


def event_line(event: Mapping[str, Any], who: str) -> Line:
    """Describe an event that AWS emitted."""
    envelope = event["event"]
    detail = envelope["detail"]
    about = detail.get("EndpointName") or detail.get("name") or detail["ModelPackageArn"].rsplit(":", 1)[-1]
    state = detail.get("EndpointStatus") or detail.get("ModelApprovalStatus") or detail.get("operation")
    life_cycle = detail.get("ModelLifeCycle")
    if life_cycle:
        state = f"{state}, {life_cycle['Stage']}/{life_cycle['StageStatus']}"
    text = f"{envelope['detail-type']}: {about} {state}"
    return Line(datetime.fromisoformat(event["time"]), who, text, "dim")
