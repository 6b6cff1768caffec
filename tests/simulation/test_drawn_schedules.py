"""The laws hold for schedules that Hypothesis thinks of; and the product accepts what is drawn."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings

from tests.simulation.judging import judge
from tests.simulation.runner import schedule_of
from tests.simulation.sabotages import SABOTAGES
from tests.simulation.schedule import Schedule, possible
from tests.simulation.strategies import schedules


def test_no_schedule_has_settings_that_are_refused() -> None:
    drawn = (schedule_of("possible", number) for number in range(400))
    known = (each.known for each in SABOTAGES if each.known is not None)
    for schedule in (*drawn, *known):
        assert possible(schedule) == schedule


DRAWN: Final = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@settings(DRAWN, max_examples=12)
@given(schedules())
def test_the_laws_hold_for_whatever_hypothesis_thinks_of(schedule: Schedule) -> None:
    judge(schedule)


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(DRAWN, max_examples=150)
@given(schedules())
def test_the_laws_hold_for_whatever_hypothesis_thinks_of_when_it_may_think_longer(schedule: Schedule) -> None:
    judge(schedule)
