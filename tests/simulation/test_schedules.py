"""The laws hold for a series of schedules that is the same in each build."""

from __future__ import annotations

import pytest

from tests.simulation.judging import judge
from tests.simulation.runner import schedule_of

BATCHES, BATCH = 12, 15
SHORT = 1
"""So many batches of schedules run in `make test`, and all in `make test-all`."""


@pytest.mark.parametrize(
    "batch",
    [*range(SHORT), *(pytest.param(batch, marks=pytest.mark.long) for batch in range(SHORT, BATCHES))],
)
def test_the_laws_hold_for_a_fixed_series_of_schedules(batch: int) -> None:
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        judge(schedule_of("build", number))
