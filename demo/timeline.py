"""Shows what happens while it happens: chapters, checks, and every call and event of the local cloud."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.process import LocalCloud

_SECONDS_BETWEEN_LOOKS: Final = 0.1
_QUIET: Final = frozenset({"InvokeEndpoint"})
"""The background caller makes hundreds: they are counted, not listed."""


@dataclass(slots=True)
class Timeline:
    """A running account on the console.

    Attributes:
        console: Where it goes.
        results: Each check that held: what, measured, expected.
    """

    console: Console = field(default_factory=lambda: Console(highlight=False))
    results: list[tuple[str, str, str]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _chapter: int = 0

    def chapter(self, title: str) -> None:
        """Begin the next chapter."""
        self._chapter += 1
        self.console.print()
        self.console.rule(Text(f"{self._chapter}. {title}", style="bold"), align="left")

    def say(self, text: str, *, who: str = "demo", style: str = "") -> None:
        """Print one line: seconds since the start, who, what."""
        line = Text(f"{time.monotonic() - self._began:7.1f}s  ", style="dim")
        line.append(f"{who:<10}", style="cyan" if who == "demo" else "magenta")
        line.append(text, style=style)
        self.console.print(line, soft_wrap=True)

    def held(self, what: str, measured: str, expected: str) -> None:
        """Note a check that held."""
        self.results.append((what, measured, expected))
        self.say(f"✓ {what}: {measured}", style="green")

    def summary(self) -> None:
        """Print every check, in a table."""
        table = Table(title="What was shown", title_justify="left", expand=False)
        for column in ("check", "measured", "expected"):
            table.add_column(column)
        for row in self.results:
            table.add_row(*row)
        self.console.print()
        self.console.print(table)


class Follower:
    """Prints the local cloud's calls and events, as they come, while the context lasts."""

    def __init__(self, cloud: LocalCloud, timeline: Timeline) -> None:
        self._cloud = cloud
        self._timeline = timeline
        self._after = {"calls": 0, "events": 0}
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
        """Print what has come since the last look."""
        with self._lock:
            self._print_new("calls", self._cloud.calls, _call_line)
            self._print_new("events", self._cloud.events, _event_line)

    def _follow(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
            self.catch_up()

    def _print_new(
        self,
        kind: str,
        read: Callable[..., list[dict[str, Any]]],
        line: Callable[[dict[str, Any]], tuple[str, str, str] | None],
    ) -> None:
        for entry in read(after=self._after[kind]):
            self._after[kind] = entry["seq"]
            if (told := line(entry)) is not None:
                who, text, style = told
                self._timeline.say(text, who=who, style=style)


def _call_line(call: dict[str, Any]) -> tuple[str, str, str] | None:
    if call["operation"] in _QUIET:
        return None
    who = "deployer" if "greenlight/" in call["user_agent"] else "you"
    text = f"{call['operation']} {call['request_summary']}  {call['duration_ms']:.0f} ms"
    return (who, f"{text}  {call['error_code']}", "red") if call["error_code"] else (who, text, "")


def _event_line(event: dict[str, Any]) -> tuple[str, str, str] | None:
    envelope = event["event"]
    detail = envelope["detail"]
    state = detail.get("EndpointStatus") or detail.get("ModelApprovalStatus") or detail.get("operation") or ""
    return ("event", f"{envelope['detail-type']}  {state}", "yellow")
