"""Aimed schedules reach their aims, so that no hole in the coverage is left to chance."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.simulation import coverage
from tests.simulation.aims import AIMS, AIMS_APART, STAGE_AIMS, Aim, aim_of, lead
from tests.simulation.runner import schedule_of
from tests.simulation.schedule import (
    BAKE_EVENT,
    EVENTS,
    LISTS,
    REGISTRY_WRITE,
    STAGE_EVENTS,
    STAGE_MEANWHILE,
    STALE_READS,
    STATUSES,
    TELLING,
    EventFaultKind,
    FaultKind,
    Kind,
    RolloutEnd,
    RolloutKind,
    RolloutStart,
)
from tests.simulation.simulation import simulate
from tests.simulation.world import DENIED, DEPLOYER_WRITES, GAP

if TYPE_CHECKING:
    from tests.simulation.schedule import Schedule

FAULTS = [kind.value for kind in FaultKind if kind is not FaultKind.STALE]
KINDS = [kind.value for kind in Kind]
EVENT_FAULTS = [kind.value for kind in EventFaultKind]

SAMPLE: list[Aim] = [
    # Each call, each fault, each event, each status and each kind of disturbance at least once.
    *((call, FAULTS[number % len(FAULTS)]) for number, call in enumerate(coverage.CALLS)),
    *((call, "stale") for call in STALE_READS),
    *((call, GAP) for call in LISTS),
    *((TELLING, kind) for kind in FAULTS),
    *(
        (f"event {event}", EVENT_FAULTS[number % len(EVENT_FAULTS)])
        for number, event in enumerate((*EVENTS, BAKE_EVENT))
    ),
    *((f"endpoint {STATUSES[number % len(STATUSES)]}", kind) for number, kind in enumerate(KINDS)),
]
LONG_SAMPLE: list[Aim] = [
    # Each denied call, each write beside another change, each event of stages, and each beginning and end of
    # each kind of rollout.
    *((call, DENIED) for call in coverage.DENIABLE),
    *((call, f"meanwhile {Kind.SYSTEM_UPDATE}") for call in DEPLOYER_WRITES),
    *((REGISTRY_WRITE, f"meanwhile {kind}") for kind in STAGE_MEANWHILE),
    *((f"event {event}", how) for event in STAGE_EVENTS for how in EVENT_FAULTS),
    *(
        (what, start.value)
        for what in (f"begin {kind}" for kind in RolloutKind)
        for start in RolloutStart
        if coverage.impossible(what, start) is None
    ),
    *(
        (what, end.value)
        for what in (f"rollout {kind}" for kind in RolloutKind)
        for end in RolloutEnd
        if coverage.impossible(what, end) is None
    ),
]


def plain(aim: Aim) -> Schedule:
    return lead(aim, Random(0))  # noqa: S311 - equal tests must give equal schedules


@pytest.mark.parametrize(
    "aim",
    [*SAMPLE, *(pytest.param(aim, marks=pytest.mark.long) for aim in LONG_SAMPLE)],
    ids=lambda aim: f"{aim[1]} x {aim[0]}",
)
def test_an_aimed_schedule_reaches_its_pair_and_breaks_no_law(aim: Aim) -> None:
    result = simulate(plain(aim))

    assert aim in result.coverage
    assert result.violation is None, result.story


def test_every_pair_that_can_be_reached_is_aimed_at() -> None:
    every = (*AIMS, *STAGE_AIMS, *AIMS_APART)
    assert len(set(every)) == len(every)
    assert set(every) == {pair for pair in coverage.everything() if coverage.impossible(*pair) is None}
    for aims in (AIMS, STAGE_AIMS, AIMS_APART):
        assert {aim_of("any", number, aims=aims) for number in range(len(aims))} == set(aims)
    assert {*SAMPLE, *LONG_SAMPLE} <= set(every)


def test_a_schedule_can_be_made_for_every_aim() -> None:
    for aim in (*AIMS, *STAGE_AIMS, *AIMS_APART):
        made = plain(aim)
        assert made.faults or made.denials or made.event_faults or made.disturbances or made.gaps


def test_series_of_different_seeds_aim_in_different_orders() -> None:
    assert [aim_of("one", number) for number in range(9)] != [aim_of("two", number) for number in range(9)]


@pytest.mark.long
def test_every_other_schedule_of_a_series_is_aimed() -> None:
    aims = [aim_of("series", number // 2) for number in range(1, 60, 2)]
    reached = [
        aim in simulate(schedule_of("series", number)).coverage
        for aim, number in zip(aims, range(1, 60, 2), strict=True)
    ]

    assert sum(reached) >= 24, "what else goes wrong seldom keeps a schedule from its aim"
