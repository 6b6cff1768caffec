"""Judges one schedule in a test, and says which sabotages this build runs.

A schedule that breaks a law is shown with its story, and with a command that replays it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.simulation.__main__ import replay_command
from tests.simulation.hunting import ROOT
from tests.simulation.sabotages import SABOTAGES
from tests.simulation.simulation import simulate
from tests.simulation.turns import changed_files, of_every_build

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from tests.simulation.schedule import Schedule


def judge(schedule: Schedule) -> None:
    result = simulate(schedule)
    assert result.violation is None, (
        f"{result.violation}\n\n{result.story}\n\nReplay it: {replay_command(schedule)}"
    )


def sabotages_in(*folders: str, elsewhere: bool = False) -> list[ParameterSet]:
    """Return the sabotages of some folders of the deployer, or of everything else, as parameters of a test.

    Those that this build leaves out are marked `long`.
    """
    build = of_every_build(datetime.now(UTC).date(), changed_files(ROOT))
    return [
        pytest.param(each, marks=() if each in build else pytest.mark.long, id=each.name)
        for each in SABOTAGES
        if each.file.startswith(folders) is not elsewhere
    ]
