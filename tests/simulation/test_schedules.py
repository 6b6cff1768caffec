"""The laws hold: for schedules of fixed seeds, and for those that Hypothesis thinks of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from tests.simulation.__main__ import replay_command
from tests.simulation.runner import schedule_of
from tests.simulation.simulation import simulate
from tests.simulation.strategies import schedules

if TYPE_CHECKING:
    from tests.simulation.schedule import Schedule

BATCHES, BATCH = 12, 15
"""So many schedules run in every build."""


def judge(schedule: Schedule) -> None:
    result = simulate(schedule)
    assert result.violation is None, (
        f"{result.violation}\n\n{result.story}\n\nReplay it: {replay_command(schedule)}"
    )


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_laws_hold_for_a_fixed_series_of_schedules(batch: int) -> None:
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        judge(schedule_of("build", number))


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(schedules())
def test_the_laws_hold_for_whatever_hypothesis_thinks_of(schedule: Schedule) -> None:
    judge(schedule)
