"""Breaks the laws on smoke tests in the bake, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.sagemaker.switch_settings import PendingVariantStatus
from tests.simulation import clients
from tests.simulation.laws import LawBrokenError
from tests.simulation.people import SMOKE_TEST, deployment_config
from tests.simulation.rogues import (
    NOTHING,
    Deployed,
    Rogue,
    ask_of,
    deployed,
    only_law,
    sagemaker,
    set_status,
    update,
)
from tests.simulation.schedule import RolloutKind, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINEAR = deployment_config("churn", RolloutKind.LINEAR)


def begin(scene: Deployed, act: Callable[[], object]) -> None:
    """Let a rogue act, and do not wait for what follows."""
    scene.rogues += 1
    name = f"rogue{scene.rogues}"
    world = scene.world
    world.begin(Rogue(name, name, NOTHING, 9, world.clock.now(), world, script=act))
    world.pass_time(5)
    world.observe_changes()


def rolled_out(law: int, config: dict[str, Any], **switches: str) -> Deployed:
    """Return a world in which a rogue puts a version on the endpoint that never served with its config."""
    scene = deployed(
        Schedule(head_start=2, smoke_test=True, rollout=RolloutKind.LINEAR, switches=dict(switches))
    )
    only_law(scene, law)
    arn = scene.world.people.versions[0].arn

    def act() -> None:
        update(arn, instances=2, DeploymentConfig=config)
        set_status(9, "accepted")

    begin(scene, act)
    return scene


def until(scene: Deployed, *configs: str) -> Deployed:
    """Let time pass until callers reach just these configs."""
    world = scene.world
    live = scene.live_config
    wanted = {live if each == "old" else each for each in configs}
    while {spec.endpoint_config_name for spec, _ in world.hosting.receiving("churn")} != wanted:
        world.pass_time(1)
    world.pass_time(1)
    return scene


@pytest.fixture
def baking() -> Iterator[Deployed]:
    """All calls are on the new fleet, and the old one waits."""
    scene = until(rolled_out(29, LINEAR), "rogue")
    yield scene
    scene.world.end()


def look() -> None:
    """Read the journal and the endpoint, as a pass begins."""
    ask_of("churn")
    sagemaker().describe_endpoint(EndpointName="churn")


def test_once() -> None:
    """Make a smoke test's first call."""
    test: dict[str, Any] = SMOKE_TEST
    request = test["Requests"][0]
    clients.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="churn", Body=request["Body"].encode(), ContentType=request["ContentType"]
    )


test_once.__test__ = False  # type: ignore[attr-defined] # pytest takes it for a test


def note(**fields: str) -> None:
    """Write fields of the rogue's attempt."""
    clients.client("dynamodb").update_item(
        TableName="journal",
        Key={"endpoint": {"S": "churn"}, "item": {"S": "attempt#000000009"}},
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in fields),
        ExpressionAttributeValues={f":{name}": {"S": value} for name, value in fields.items()},
    )


def test_law_29_whoever_is_shown_the_bake_tests_the_version(baking: Deployed) -> None:
    begin(baking, look)

    with pytest.raises(LawBrokenError, match="Law29TestedInTheBake: rogue2 sees churn bake, and does not"):
        baking.judge.check_rest()


def test_law_29_a_claimed_test_is_no_offence(baking: Deployed) -> None:
    def claim() -> None:
        look()
        note(tests_begun="1")

    begin(baking, claim)
    baking.judge.check_rest()


@pytest.mark.parametrize("setting", [PendingVariantStatus.WITHOUT_MESSAGE, PendingVariantStatus.ABSENT])
def test_law_29_nobody_must_test_what_sagemaker_does_not_show(setting: PendingVariantStatus) -> None:
    scene = until(rolled_out(29, LINEAR, pending_variant_status=setting.value), "rogue")
    begin(scene, look)
    scene.judge.check_rest()
    scene.world.end()


def test_law_29_nobody_must_test_before_all_calls_have_moved() -> None:
    scene = until(rolled_out(29, LINEAR), "rogue", "old")
    begin(scene, look)
    scene.judge.check_rest()
    scene.world.end()


def test_law_29_nobody_must_test_what_no_alarm_could_stop() -> None:
    unguarded = {key: each for key, each in LINEAR.items() if key != "AutoRollbackConfiguration"}
    scene = until(rolled_out(29, unguarded), "rogue")
    begin(scene, look)
    scene.judge.check_rest()
    scene.world.end()


def test_law_29_a_version_that_failed_in_the_bake_loses_its_calls(baking: Deployed) -> None:
    begin(baking, lambda: note(failed_test=json.dumps({})))
    baking.world.pass_time(100)
    baking.world.observe_changes()
    baking.world.pass_time(20)

    with pytest.raises(
        LawBrokenError, match="Law29TestedInTheBake: callers of churn reach rogue, which failed"
    ):
        baking.world.observe_changes()


def test_law_29_a_rollout_that_ends_meanwhile_is_no_offence(baking: Deployed) -> None:
    baking.world.pass_time(250)
    begin(baking, lambda: note(failed_test=json.dumps({})))
    for _ in range(30):
        baking.world.pass_time(10)
        baking.world.observe_changes()


def test_law_29_no_version_is_tested_while_the_old_one_may_answer() -> None:
    scene = until(rolled_out(29, LINEAR), "rogue", "old")

    def test_it() -> None:
        look()
        test_once()

    with pytest.raises(LawBrokenError, match=r"Law29\w+: attempt 9 of churn is tested while callers reach"):
        begin(scene, test_it)
    scene.world.end()


def test_law_29_what_passed_is_not_tested_again(baking: Deployed) -> None:
    def test_again() -> None:
        note(test_passed_at="2026-01-01T00:00:00.000000+00:00")
        test_once()

    with pytest.raises(LawBrokenError, match=r"Law29\w+: attempt 9 of churn is tested again after it passed"):
        begin(baking, test_again)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"test_passed_at": "2026-01-01T00:00:00.000000+00:00"}, "passed in the bake after 0 good answers"),
        ({"failed_test": "{}"}, "failed a test in the bake that it passed"),
    ],
)
def test_law_14_what_nobody_tested_neither_passes_nor_fails_in_the_bake(
    fields: dict[str, str], told: str
) -> None:
    scene = until(rolled_out(14, LINEAR), "rogue")

    with pytest.raises(LawBrokenError, match=rf"Law14\w+: attempt#000000009 of churn {told}"):
        begin(scene, lambda: note(**fields))
    scene.world.end()
