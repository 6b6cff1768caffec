"""Print chapters, checks, and every call and event of the local cloud, as they happen."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.child_process import LocalCloud

_SECONDS_BETWEEN_LOOKS: Final = 0.1
_QUIET: Final = frozenset({"InvokeEndpoint"})
"""The background caller makes hundreds of these: count them, do not list them."""
_BAR_CELLS: Final = 40
_BLOCKS: Final = (("█", "green"), ("▒", "yellow"))
"""What fills a bar for the version that served before, and for the new one: also without colours."""
_READS: Final = ("Describe", "Get", "List")


@dataclass(slots=True)
class Timeline:
    """The console's account of a run.

    Attributes:
        console: The console.
        results: Each check that held: what, measured, expected.
    """

    console: Console = field(default_factory=lambda: Console(highlight=False))
    results: list[tuple[str, str, str]] = field(default_factory=list)
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _chapter: int = 0

    def chapter(self, title: str) -> None:
        """Begin the next chapter."""
        self._chapter += 1
        self.console.print()
        self.console.rule(Text(f"{self._chapter}. {title}", style="bold"), align="left")

    def say(
        self,
        text: str,
        *,
        who: str = "demo",
        style: str = "",
        at: datetime | None = None,
        more: Text | None = None,
    ) -> None:
        """Print one line: seconds since the start, who, what.

        Args:
            text: What happened.
            who: Who did it.
            style: Rich's name of a style.
            at: When; by default now.
            more: What follows in styles of its own.
        """
        seconds = ((at or datetime.now(UTC)) - self._began).total_seconds()
        line = Text(f"{seconds:7.1f}s  ", style="dim")
        line.append(f"{who:<11}", style="cyan" if who == "demo" else "magenta")
        line.append(text, style=style)
        if more is not None:
            line.append_text(more)
        self.console.print(line, soft_wrap=True)

    def traffic(self, shares: Mapping[str, int]) -> None:
        """Print who gets which share of the calls, as one bar.

        Args:
            shares: Percent of the calls, by who gets them; the version that served before comes first.
        """
        line = Text()
        for (name, percent), (block, style) in zip(shares.items(), _BLOCKS, strict=False):
            line.append(block * round(percent * _BAR_CELLS / 100), style=style)
            line.append(f" {name} {percent} %  ", style=style)
        self.say("", who="traffic", more=line)

    def held(self, what: str, measured: str, expected: str) -> None:
        """Note a check that held."""
        self.results.append((what, measured, expected))
        self.say(f"✓ {what}: {measured}", style="green")

    def summary(self) -> None:
        """Print every check, in a table."""
        table = Table(title="What was shown", title_justify="left", expand=False)
        for column in ("check", "measured", "expected"):
            table.add_column(column, overflow="fold")
        for row in self.results:
            table.add_row(*row)
        self.console.print()
        self.console.print(table)


class Follower:
    """Print the local cloud's calls and events while the context lasts.

    With `accounts` (names by account), print only those accounts' calls, with the name. Of reads, print only
    refused ones: several deployers and a doctor read a lot.
    """

    def __init__(
        self, cloud: LocalCloud, timeline: Timeline, accounts: Mapping[str, str] | None = None
    ) -> None:
        self._cloud = cloud
        self._timeline = timeline
        self._accounts = accounts
        self._after_call = 0
        self._after_event = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="timeline", daemon=True)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.catch_up()

    def catch_up(self) -> None:
        """Print everything since the last look, in order."""
        with self._lock:
            calls = self._cloud.calls(after=self._after_call)
            events = self._cloud.events(after=self._after_event)
            self._after_call = max((call["seq"] for call in calls), default=self._after_call)
            self._after_event = max((event["seq"] for event in events), default=self._after_event)
            lines = [
                _call_line(call, self._whose(call["account"], _caller(call)))
                for call in calls
                if call["operation"] not in _QUIET and self._shows_call(call)
            ]
            lines += [
                _event_line(event, self._whose(event["event"]["account"], "event"))
                for event in events
                if self._shows(event["event"]["account"])
            ]
            for line in sorted(lines, key=lambda each: each.at):
                self._timeline.say(line.text, who=line.who, style=line.style, at=line.at)

    def _shows(self, account_id: str) -> bool:
        return self._accounts is None or account_id in self._accounts

    def _shows_call(self, call: dict[str, Any]) -> bool:
        is_quiet = self._accounts is not None and call["operation"].startswith(_READS)
        return self._shows(call["account"]) and (call["error_code"] is not None or not is_quiet)

    def _whose(self, account_id: str, otherwise: str) -> str:
        return otherwise if self._accounts is None else self._accounts[account_id]

    def _follow(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            self.catch_up()


@dataclass(frozen=True, slots=True)
class _Line:
    at: datetime
    who: str
    text: str
    style: str


def _caller(call: dict[str, Any]) -> str:
    return "deployer" if "greenlight/" in call["user_agent"] else "you"


def _call_line(call: dict[str, Any], who: str) -> _Line:
    text = f"{call['operation']:<24} {_names(call['request_summary'])}  {call['duration_ms']:.0f} ms"
    if call["error_code"]:
        text += f"  {call['error_code']}"
    return _Line(datetime.fromisoformat(call["time"]), who, text, "red" if call["error_code"] else "")


def _names(request: dict[str, Any]) -> str:
    """Summarise a request in a few words."""
    named = {key: value for key, value in request.items() if key.endswith(("Name", "PackageArn"))}
    return ", ".join(str(value).rsplit(":", 1)[-1].removeprefix("model-package/") for value in named.values())


def _event_line(event: dict[str, Any], who: str) -> _Line:
    envelope = event["event"]
    detail = envelope["detail"]
    about = detail.get("EndpointName") or detail.get("name") or detail["ModelPackageArn"].rsplit(":", 1)[-1]
    state = detail.get("EndpointStatus") or detail.get("ModelApprovalStatus") or detail.get("operation")
    life_cycle = detail.get("ModelLifeCycle")
    if life_cycle:
        state = f"{state}, {life_cycle['Stage']}/{life_cycle['StageStatus']}"
    text = f"{envelope['detail-type']}: {about} {state}"
    return _Line(datetime.fromisoformat(event["time"]), who, text, "yellow")
