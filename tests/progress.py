"""Shows how far a command is that runs for minutes, and how long the rest takes.

A bar on a terminal; in a log, where a bar cannot move, a line for each tenth of the work.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console


@contextmanager
def progress(
    of: str, total: int, console: Console, now: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[], None]]:
    """Show the progress of some work; yield the function to call after each piece of it.

    Args:
        of: The name of the pieces.
        total: How many there are.
        console: Where to show it.
        now: Seconds of a monotonic clock.
    """
    if not console.is_terminal:
        yield _lines(of, total, console, now)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    # No drawing thread: a process that forks while it runs would copy its locks.
    with Progress(*columns, console=console, auto_refresh=False) as bar:
        task = bar.add_task(of, total=total)
        bar.refresh()
        yield lambda: bar.update(task, advance=1, refresh=True)


def _lines(of: str, total: int, console: Console, now: Callable[[], float]) -> Callable[[], None]:
    began, done = now(), 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done * 10 // total > (done - 1) * 10 // total:
            left = (now() - began) / done * (total - done)
            console.print(f"{of}: {done} of {total}, {left:.0f} s left", highlight=False)

    return advance
