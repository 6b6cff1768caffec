"""Breaks the law on repeated tests, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

import pytest

from tests.simulation.laws import LawBrokenError
from tests.simulation.rogues import Deployed, deployed, only_law, set_status, update
from tests.simulation.schedule import RolloutKind, Schedule
from tests.simulation.test_bake_laws import LINEAR, begin, look, note, test_once, until

PASSED = {"test_passed_at": "2026-01-01T00:00:00.000000+00:00"}
PAST = "2026-01-01T00:00:00.000000+00:00"


def rolled_out(*, every_seconds: int = 30) -> Deployed:
    """Return a world in which a rogue puts a version on the endpoint that never served with its config."""
    scene = deployed(
        Schedule(head_start=2, smoke_test=True, every_seconds=every_seconds, rollout=RolloutKind.LINEAR)
    )
    only_law(scene, 38)
    arn = scene.world.people.versions[0].arn

    def act() -> None:
        update(arn, instances=2, DeploymentConfig=LINEAR)
        set_status(9, "accepted")

    begin(scene, act)
    return scene


def baking() -> Deployed:
    """Let all calls be on the new fleet, and the old one wait."""
    return until(rolled_out(), "rogue")


def test_law_38_nothing_but_the_bake_is_tested_again() -> None:
    scene = until(rolled_out(), "rogue", "old")

    def test_it() -> None:
        note(**PASSED, status="testing", invocation_id="rogue2")
        look()
        test_once()

    with pytest.raises(LawBrokenError, match=r"Law38\w+: attempt 9 of churn is tested again outside of its"):
        begin(scene, test_it)
    scene.world.end()


def test_law_38_what_bakes_may_be_tested_again() -> None:
    scene = baking()

    def test_it() -> None:
        note(**PASSED, status="testing", invocation_id="rogue2")
        look()
        test_once()

    begin(scene, test_it)
    scene.judge.check_rest()
    scene.world.end()


def test_law_38_one_invocation_tests_at_a_time() -> None:
    scene = baking()

    def test_it() -> None:
        note(**PASSED, status="testing", invocation_id="another")
        look()
        test_once()

    with pytest.raises(
        LawBrokenError, match=r"Law38\w+: rogue2 tests churn again, which is the turn of anoth"
    ):
        begin(scene, test_it)
    scene.world.end()


def test_law_38_what_died_is_taken_up() -> None:
    scene = baking()
    begin(scene, lambda: note(**PASSED, status="testing", invocation_id="dead", lease_until=PAST))
    begin(scene, look)

    with pytest.raises(LawBrokenError, match=r"Law38\w+: rogue3 sees a bake whose test nobody repeats"):
        scene.judge.check_rest()
    scene.world.end()


def test_law_38_what_another_one_holds_is_left_to_it() -> None:
    scene = baking()
    begin(scene, lambda: note(**PASSED, status="testing", invocation_id="another"))
    begin(scene, look)
    scene.judge.check_rest()
    scene.world.end()


def test_law_38_nothing_is_live_while_it_may_fail_its_test() -> None:
    scene = baking()
    begin(scene, lambda: note(**PASSED, status="testing", invocation_id="another"))

    with pytest.raises(
        LawBrokenError, match=r"Law38\w+: attempt#000000009 of churn counts as live while anot"
    ):
        begin(scene, lambda: set_status(9, "succeeded"))
    scene.world.end()


def test_law_38_what_answers_badly_later_is_found_out_by_the_next_test() -> None:
    scene = until(rolled_out(every_seconds=10), "rogue")
    begin(scene, lambda: note(**PASSED, status="testing", invocation_id="another"))
    world = scene.world
    # The deployer itself cannot read the rogue's attempt, and fails, also when it is repeated.
    world.pass_time(185)
    world.ended.clear()
    world.hosting.failing_urls.add(world.people.versions[0].model_data_url)
    world.observe_changes()
    world.pass_time(93)

    with pytest.raises(LawBrokenError, match=r"Law38\w+: churn answers badly in its bake since long"):
        world.observe_changes()
    world.end()


def test_law_38_a_failure_that_is_noted_is_no_offence() -> None:
    scene = baking()
    world = scene.world
    world.hosting.failing_urls.add(world.people.versions[0].model_data_url)
    begin(scene, lambda: note(**PASSED, status="testing", invocation_id="another"))
    begin(scene, lambda: note(failed_test="{}"))
    world.ended.clear()
    world.pass_time(200)
    world.observe_changes()
    world.end()
