"""Run many schedules in parallel processes, and sum their results."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from tests.progress import progress
from tests.simulation.aims import AIMS_APART, STAGE_AIMS, aim_of, aimed
from tests.simulation.schedule import (
    Schedule,
    draw,
    draw_companions,
    draw_failing,
    draw_life,
    draw_staged,
    possible,
    with_alarms,
    with_denials,
    with_gaps,
    with_holds,
    with_meddling,
    with_recoveries,
    with_remakes,
    with_repetitions,
    with_retries,
    with_rollbacks,
    with_shapes,
)
from tests.simulation.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from tests.simulation.counting import Counts


def schedule_of(seed: str, number: int) -> Schedule:
    """Return one schedule of a series; the same in every run, on every machine.

    Every other one is drawn freely; of ten of these, three have stages, one has companions, in one more
    many versions fail in a row, in two a journal is lost or restored, and in another one an action is denied
    or a message to people fails. Those in between are aimed, at one pair of the coverage after another. One
    of a hundred is a long life.
    """
    random = Random(f"{seed}/{number}")  # noqa: S311 - equal seeds must give equal schedules
    if number % _LIVES == _LIVES - 2:
        return draw_life(random)
    if number % 2:
        return possible(aimed(aim_of(seed, number // 2), random))
    special = _SPECIAL.get(number % 20)
    return possible(special(seed, number, random) if special is not None else _with_more(draw(random)))


_LIVES: Final = 100
"""Of so many schedules, one is a long life: it takes as long as twenty others."""


def _with_more(schedule: Schedule) -> Schedule:
    """Add what has random streams of its own."""
    drawn = with_meddling(with_denials(with_holds(with_gaps(with_alarms(with_shapes(schedule))))))
    return with_retries(with_remakes(with_rollbacks(with_repetitions(drawn))))


def _staged(_: str, __: int, random: Random) -> Schedule:
    return _with_more(draw_staged(random))


def _aimed_at_stages(seed: str, number: int, random: Random) -> Schedule:
    return aimed(aim_of(seed, number // 20, aims=STAGE_AIMS), random)


def _aimed_apart(seed: str, number: int, random: Random) -> Schedule:
    return aimed(aim_of(seed, number // 20, aims=AIMS_APART), random)


def _with_companions(_: str, __: int, random: Random) -> Schedule:
    return _with_more(draw_companions(random))


def _failing(_: str, __: int, random: Random) -> Schedule:
    return with_retries(draw_failing(random))


def _recovering(_: str, __: int, random: Random) -> Schedule:
    return with_recoveries(_with_more(draw(random)))


_SPECIAL: Final[dict[int, Callable[[str, int, Random], Schedule]]] = {
    4: _failing,
    6: _recovering,
    8: _with_companions,
    10: _recovering,
    12: _staged,
    14: _aimed_at_stages,
    16: _aimed_apart,
    18: _staged,
}
"""Which of twenty schedules in a row are not drawn or aimed as the others are."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that a schedule broke."""

    number: int
    schedule: Schedule
    law: str
    told: str


@dataclass(slots=True)
class Totals:
    """The summed results of a series of schedules."""

    schedules: int = 0
    calls: int = 0
    seconds: float = 0.0
    violations: list[Violation] = field(default_factory=list)
    coverage: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: Counts = field(default_factory=Counter)

    def add(self, other: Totals) -> None:
        """Add another part of the series."""
        self.schedules += other.schedules
        self.calls += other.calls
        self.violations += other.violations
        self.coverage += other.coverage
        self.counts += other.counts


CHUNK = 25
"""Schedules between two reports of a process."""


def run(seed: str, schedules: int, jobs: int, console: Console, *, most_violations: int = 20) -> Totals:
    """Run a series of schedules.

    Args:
        seed: Decides the series.
        schedules: How many.
        jobs: In how many processes.
        console: Where to show how far it is.
        most_violations: After so many, the series ends early.
    """
    totals = Totals()
    begun = time.monotonic()
    parts = [(seed, first, min(first + CHUNK, schedules)) for first in range(0, schedules, CHUNK)]
    with progress(f"Schedules, {CHUNK} at a time", len(parts), console) as one_more:
        for part in _parts(parts, jobs):
            totals.add(part)
            one_more()
            if len(totals.violations) >= most_violations:
                break
    totals.seconds = time.monotonic() - begun
    return totals


def _parts(parts: list[tuple[str, int, int]], jobs: int) -> Iterator[Totals]:
    if jobs == 1:
        yield from map(run_part, parts)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(run_part, parts)


def run_part(part: tuple[str, int, int]) -> Totals:
    """Run the schedules of a series from one number to before another."""
    seed, first, last = part
    totals = Totals()
    for number in range(first, last):
        schedule = schedule_of(seed, number)
        result = simulate(schedule)
        totals.schedules += 1
        totals.calls += result.calls
        totals.coverage.update(result.coverage)
        totals.counts.update(result.counts)
        if result.violation is not None:
            assert result.law is not None, "a violation names its law"
            totals.violations.append(Violation(number, schedule, result.law, result.violation))
    return totals
