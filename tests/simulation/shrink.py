"""Makes a schedule that breaks a law shorter, for as long as it breaks the same law."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation.schedule import Schedule
from tests.simulation.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAIN = Schedule()


def shrunk(schedule: Schedule, law: str, *, most_runs: int = 400) -> Schedule:
    """Return the shortest schedule found that breaks the law; deterministic.

    Args:
        schedule: One that breaks it.
        law: The law's name.
        most_runs: How many simulations the search may cost.
    """
    runs = 0

    def breaks(candidate: Schedule) -> bool:
        nonlocal runs
        runs += 1
        return simulate(candidate).law == law

    return _smallest(schedule, lambda candidate: runs < most_runs and breaks(candidate))


def _smallest(schedule: Schedule, breaks: Callable[[Schedule], bool]) -> Schedule:
    improved = True
    while improved:
        improved = False
        for candidate in _simpler(schedule):
            if breaks(candidate):
                schedule, improved = candidate, True
                break
    return schedule


def _simpler(schedule: Schedule) -> Iterator[Schedule]:
    """Yield schedules that are a little simpler, the boldest first."""
    for name in ("faults", "event_faults", "denials", "gaps", "disturbances"):
        parts = getattr(schedule, name)
        size = len(parts)
        while size:
            for first in range(0, len(parts), size):
                yield replace(schedule, **{name: parts[:first] + parts[first + size :]})
            size //= 2
    for name in (
        *(
            "switches",
            "endpoints",
            "policy",
            "rollout",
            "as_forward",
            "instances",
            "alarm_lasts",
            "scaling",
            "smoke_test",
            "before_rollout",
            "every_seconds",
            "fades_after",
        ),
        *(
            "stages",
            "soak",
            "companions",
            "keep",
            "part_size",
            "skew",
            "event_lag",
            "handed_over",
            "most_writes",
            "page_bytes",
        ),
        *("config_visible_seconds", "head_start", "seed"),
    ):
        plain = getattr(PLAIN, name)
        if getattr(schedule, name) != plain:
            yield replace(schedule, **{name: plain})
    for life in (0, schedule.life // 2, schedule.life * 3 // 4, schedule.life - 1):
        if 0 <= life < schedule.life:
            yield replace(schedule, life=life)
    for index, disturbance in enumerate(schedule.disturbances):
        for name in ("wait", "how", "which"):
            if getattr(disturbance, name):
                simpler = replace(disturbance, **{name: 0})  # type: ignore[arg-type] # all three are numbers
                before, after = schedule.disturbances[:index], schedule.disturbances[index + 1 :]
                yield replace(schedule, disturbances=(*before, simpler, *after))
