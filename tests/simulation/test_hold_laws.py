"""Breaks the law on holds, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.laws import LawBrokenError
from tests.simulation.rogues import Deployed, ask_of, deployed, only_law, update
from tests.simulation.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE, ALL = 0, 1
"""How people pause: the endpoint, or all; both without an end."""


@pytest.fixture
def scene() -> Iterator[Deployed]:
    """The first of two versions served before the second, which serves."""
    made = deployed(Schedule(head_start=2))
    only_law(made, 32)
    yield made
    made.world.end()


def update_to(scene: Deployed, version: int) -> None:
    """Put a version on the endpoint, after a look at the journal."""
    arn = scene.world.people.versions[version - 1].arn

    def act() -> None:
        ask_of("churn")
        update(arn)

    scene.do(act)


def paused_with_a_third(scene: Deployed, how: int) -> None:
    """Pause, and let a third version come, which the deployer leaves waiting."""
    scene.world.people.holds.pause("churn", how)
    scene.world.people.register("Approved")
    scene.world.run_until_quiet()


@pytest.mark.parametrize("how", [ONE, ALL])
def test_a_new_version_does_not_go_out_in_a_pause(scene: Deployed, how: int) -> None:
    paused_with_a_third(scene, how)

    with pytest.raises(LawBrokenError, match="rollouts are held back until None"):
        update_to(scene, 3)


def test_a_new_version_goes_out_after_a_pause(scene: Deployed) -> None:
    paused_with_a_third(scene, ONE)
    scene.world.people.holds.end_pause("churn", ONE)
    update_to(scene, 3)


def test_a_pause_of_another_endpoint_holds_nothing(scene: Deployed) -> None:
    paused_with_a_third(scene, ONE)
    [held] = scene.world.people.holds.all
    held.endpoint_name = "churn-v2"
    update_to(scene, 3)


def test_going_back_is_nothing_new(scene: Deployed) -> None:
    scene.world.people.holds.pause("churn", ALL)
    update_to(scene, 1)
