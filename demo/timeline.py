"""Prints a run's account of itself: chapters, checks, and what happens, each in a line."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import RenderableType

_BAR_CELLS: Final = 40
_BLOCKS: Final = (("█", "green"), ("▒", "yellow"))
"""What fills a bar for the version that served before, and for the new one: also without colours."""

_FRAMES_PER_SECOND: Final = 8
_WIDEST_TABLE: Final = 110


@dataclass(slots=True)
class Timeline:
    """The console's account of a run.

    Attributes:
        console: The console.
        results: Each check that held: what, measured, expected.
        catch_up: Prints what others did until now, so that no line comes before its causes.
    """

    console: Console = field(default_factory=lambda: Console(highlight=False))
    results: list[tuple[str, str, str]] = field(default_factory=list)
    catch_up: Callable[[], None] = lambda: None
    in_local_time: bool = False
    """Whether lines begin with the time of day; otherwise with the seconds since the start."""

    _began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _chapter: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return (datetime.now(UTC) - self._began).total_seconds()

    def chapter(self, title: str) -> None:
        """Begin the next chapter."""
        self.catch_up()
        self._chapter += 1
        self.console.print()
        self.console.rule(Text(f"{self._chapter}. {title}", style="bold"), align="left")

    def say(self, text: str, *, who: str = "demo", style: str = "", more: Text | None = None) -> None:
        """Print one line about now, after everything that happened before.

        Args:
            text: What happened.
            who: Who did it.
            style: Rich's name of a style.
            more: What follows in styles of its own.
        """
        self.catch_up()
        self.line(text, who=who, style=style, at=datetime.now(UTC), more=more)

    def line(self, text: str, *, who: str, style: str, at: datetime, more: Text | None = None) -> None:
        """Print one line: when, who, what."""
        # The first part of a text must not lend its style to the rest: each part has its own.
        begin = Text.assemble(
            (self._stamp(at), "dim"), (f"{who:<11}", "cyan" if who == "demo" else "magenta")
        )
        rest = Text.assemble((text, style), more or "")
        with self._lock:
            if self.console.is_terminal:
                # A long sentence goes on below its own beginning.
                columns = Table.grid()
                columns.add_column(no_wrap=True, width=begin.cell_len)
                columns.add_column(overflow="fold")
                columns.add_row(begin, rest)
                self.console.print(columns)
            else:
                self.console.print(begin.append_text(rest), soft_wrap=True)

    def _stamp(self, at: datetime) -> str:
        if self.in_local_time:
            return f"{at.astimezone():%H:%M:%S}  "
        return f"{(at - self._began).total_seconds():6.1f}s  "

    @contextmanager
    def waiting(self, what: str, *, about_seconds: float | None = None) -> Iterator[None]:
        """Show a bar on a terminal while the context lasts; nothing of it stays.

        Args:
            what: What is waited for.
            about_seconds: How long that usually takes; None if nobody knows.
        """
        if not self.console.is_terminal:
            yield
            return
        began = time.monotonic()

        def bar() -> RenderableType:
            passed = time.monotonic() - began
            known = about_seconds is not None and passed < about_seconds
            shown = ProgressBar(
                total=about_seconds if known else None,
                completed=passed,
                width=_BAR_CELLS,
                complete_style="cyan",
                pulse_style="cyan",
            )
            row = Table.grid(padding=(0, 1))
            words = Text(f"{passed:3.0f} s  {what}")
            row.add_row(" " * 8, shown, words)
            return row

        with Live(
            get_renderable=bar, console=self.console, transient=True, refresh_per_second=_FRAMES_PER_SECOND
        ):
            yield

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

    def summary(self, *next_steps: tuple[str, str]) -> None:
        """Print every check, how long all took, and what to do now.

        Args:
            next_steps: Commands, each with what it does.
        """
        self.catch_up()
        width = min(self.console.width, _WIDEST_TABLE)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", width=width)
        table.add_column("what was promised", ratio=5)
        table.add_column("measured", ratio=3)
        table.add_column("expected", ratio=2)
        for what, measured, expected in self.results:
            # A result that is what was expected needs no second mention.
            bound = "" if measured.startswith(expected) else expected
            table.add_row(Text.assemble(("✓ ", "green"), what), Text(measured), Text(bound, style="dim"))
        self.console.print()
        self.console.rule(Text("What held", style="bold"), align="left")
        self.console.print(table)
        self.console.print()
        minutes, seconds = divmod(round(self.seconds), 60)
        took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        self.console.print(Text(f"All {len(self.results)} checks held. It took {took}.", style="bold green"))
        if next_steps:
            steps = Table.grid(padding=(0, 2))
            for command, what in next_steps:
                steps.add_row(Text(f"  {command}", style="bold"), what)
            self.console.print("Now:")
            self.console.print(steps)
