"""The laws bite: however the deployer is broken, schedules catch it soon."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.simulation.hunting import ROOT, catch_one
from tests.simulation.sabotages import SABOTAGES, Sabotage, StaleSabotageError
from tests.simulation.simulation import simulate

if TYPE_CHECKING:
    from pathlib import Path


def test_there_are_at_least_fifteen_ways_to_break_the_deployer() -> None:
    assert len(SABOTAGES) >= 15
    assert len({each.name for each in SABOTAGES}) == len(SABOTAGES)


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda each: each.name)
def test_what_catches_a_sabotage_is_no_fault_of_the_deployer_itself(sabotage: Sabotage) -> None:
    assert sabotage.known is not None, f"python -m tests.simulation sabotage --keep {sabotage.name!r}"
    assert simulate(sabotage.known).violation is None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda each: each.name)
def test_a_broken_deployer_is_caught(sabotage: Sabotage) -> None:
    assert catch_one(sabotage, seed="none", schedules=0, first=sabotage.known) is not None


def test_a_sabotage_that_does_not_fit_the_deployer_any_more_is_an_error(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "lambdas" / "deployer", tmp_path / "deployer")
    stale = Sabotage("stale", "names.py", "no such text", "")

    with pytest.raises(StaleSabotageError, match="0 times, not once"):
        stale.apply(tmp_path / "deployer")
