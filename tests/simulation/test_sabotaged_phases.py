"""Schedules soon catch a deployer whose phases, gateways or dispatcher are broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.hunting import catch_one
from tests.simulation.judging import judge, sabotages_in

if TYPE_CHECKING:
    from tests.simulation.sabotages import Sabotage

HERE = sabotages_in("decisions/", "model/", elsewhere=True)


@pytest.mark.parametrize("sabotage", HERE)
def test_what_catches_a_sabotage_is_no_fault_of_the_deployer_itself(sabotage: Sabotage) -> None:
    assert sabotage.known is not None
    judge(sabotage.known)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sabotage", HERE)
def test_a_broken_deployer_is_caught(sabotage: Sabotage) -> None:
    assert catch_one(sabotage, seed="none", schedules=0, first=sabotage.known) is not None
