"""Breaks the laws on the way back, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulation import clients
from tests.simulation.laws import LawBrokenError
from tests.simulation.people import ADA, deployment_config
from tests.simulation.rogues import NOTHING, Deployed, Rogue, ask_of, deployed, only_law, update
from tests.simulation.schedule import RolloutKind, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 0,
    }
}


@pytest.fixture
def guarded() -> Iterator[Deployed]:
    """The first of two versions served before the second; updates are canaries with alarms."""
    made = deployed(Schedule(head_start=2, rollout=RolloutKind.CANARY))
    only_law(made, 27)
    yield made
    made.world.end()


@pytest.fixture
def untried() -> Iterator[Deployed]:
    """The second of two versions serves, and the journal does not say that the first one ever did."""
    made = deployed(Schedule(head_start=2))
    only_law(made, 28)
    forget(made, "attempt#000000001")
    yield made
    made.world.end()


def update_to(guarded: Deployed, version: int, config: dict[str, Any]) -> None:
    """Put a version on the endpoint, after a look at the journal."""
    arn = guarded.world.people.versions[version - 1].arn

    def act() -> None:
        ask_of("churn")
        update(arn, instances=2, DeploymentConfig=config)

    guarded.do(act)


def forget(guarded: Deployed, *items: str) -> None:
    """Take items out of the journal."""
    for item in items:
        key = {"endpoint": {"S": "churn"}, "item": {"S": item}}
        guarded.world.memory.table.delete_item({"TableName": "journal", "Key": key})


def test_law_27_what_served_well_does_not_come_back_through_a_canary(guarded: Deployed) -> None:
    with pytest.raises(LawBrokenError, match="Law27BackAtOnce: churn goes back to rogue by "):
        update_to(guarded, 1, deployment_config("churn", RolloutKind.CANARY))


@pytest.mark.parametrize("kept", ["AutoRollbackConfiguration", "TerminationWaitInSeconds"])
def test_law_27_what_served_well_comes_back_without_alarms_and_waits(guarded: Deployed, kept: str) -> None:
    config: dict[str, Any] = {**AT_ONCE}
    if kept == "AutoRollbackConfiguration":
        config[kept] = deployment_config("churn", RolloutKind.CANARY)[kept]
    else:
        config["BlueGreenUpdatePolicy"] = {**AT_ONCE["BlueGreenUpdatePolicy"], kept: 60}

    with pytest.raises(LawBrokenError, match="Law27BackAtOnce: churn goes back to rogue by "):
        update_to(guarded, 1, config)


def test_law_27_what_goes_back_in_one_shift_is_no_offence(guarded: Deployed) -> None:
    update_to(guarded, 1, AT_ONCE)
    for _ in range(60):
        guarded.world.pass_time(10)
        guarded.world.observe_changes()


def test_law_27_a_version_that_never_served_does_not_go_out_all_at_once(guarded: Deployed) -> None:
    forget(guarded, "attempt#000000001")

    with pytest.raises(LawBrokenError, match="Law27BackAtOnce: churn goes forward to rogue all at once"):
        update_to(guarded, 1, AT_ONCE)


def test_law_27_other_settings_of_the_version_that_serves_do_not_go_out_all_at_once(
    guarded: Deployed,
) -> None:
    with pytest.raises(LawBrokenError, match="Law27BackAtOnce: churn goes forward to rogue all at once"):
        update_to(guarded, 2, AT_ONCE)


def test_law_27_callers_do_not_reach_two_fleets_on_the_way_back(guarded: Deployed) -> None:
    world, arn = guarded.world, guarded.world.people.versions[0].arn

    def act() -> None:
        ask_of("churn")
        update(arn, instances=2, DeploymentConfig=AT_ONCE)

    world.begin(Rogue("rogue1", "rogue1", NOTHING, 9, world.clock.now(), world, script=act))
    while len(world.hosting.fleets) < 2:
        world.pass_time(1)
    world.observe_changes()
    [(place, [route])] = world.hosting.routes.items()
    other = next(name for name in world.hosting.fleets if name != route.fleet_id)
    world.hosting.routes[place] = (route, replace(route, fleet_id=other))

    with pytest.raises(LawBrokenError, match="Law27BackAtOnce: callers of churn reach "):
        world.observe_changes()


def test_law_27_what_somebody_else_put_there_gives_way_at_once(guarded: Deployed) -> None:
    live = guarded.live_config
    laws, guarded.judge.laws = guarded.judge.laws, ()
    update_to(guarded, 1, AT_ONCE)
    guarded.world.run_until_quiet()
    guarded.judge.laws = laws
    forget(guarded, "attempt#000000009", "fact#attempt")

    def repair(config: dict[str, Any]) -> None:
        ask_of("churn")
        clients.client("sagemaker").update_endpoint(
            EndpointName="churn", EndpointConfigName=live, DeploymentConfig=config
        )

    with pytest.raises(LawBrokenError, match=f"Law27BackAtOnce: churn goes back to {live} by "):
        guarded.do(lambda: repair(deployment_config("churn", RolloutKind.CANARY)))


def test_law_27_what_goes_back_as_forward_does_not_go_back_all_at_once() -> None:
    careful = deployed(Schedule(head_start=2, rollout=RolloutKind.CANARY, as_forward=True))
    only_law(careful, 27)

    with pytest.raises(LawBrokenError, match="Law27BackAtOnce: churn gets rogue all at once"):
        update_to(careful, 1, AT_ONCE)

    careful.world.end()


def put(scene: Deployed, version: int) -> None:
    """Put a version on the endpoint, after a look at the journal."""
    arn = scene.world.people.versions[version - 1].arn

    def act() -> None:
        ask_of("churn")
        update(arn)

    scene.do(act)


def journal_approval(item: str, arn: str, version: str) -> None:
    texts = {"endpoint": "churn", "item": item, "version_arn": arn, "approved_at": item.split("#")[1]}
    clients.client("dynamodb").put_item(
        TableName="journal",
        Item={**{name: {"S": text} for name, text in texts.items()}, "version": {"N": version}},
    )


def supersede(item: str) -> None:
    clients.client("dynamodb").update_item(
        TableName="journal",
        Key={"endpoint": {"S": "churn"}, "item": {"S": item}},
        UpdateExpression="SET #superseded_by = :superseded_by",
        ExpressionAttributeNames={"#superseded_by": "superseded_by"},
        ExpressionAttributeValues={":superseded_by": {"N": "2"}},
    )


def test_law_28_what_was_superseded_does_not_go_out_while_what_served_well_stands(untried: Deployed) -> None:
    with pytest.raises(LawBrokenError, match=r"Law28\w+: churn gets .*/1, the last resort; .*/2 served"):
        put(untried, 1)


def test_law_28_what_was_superseded_may_go_out_if_nothing_that_served_well_stands(untried: Deployed) -> None:
    people = untried.world.people
    laws, untried.judge.laws = untried.judge.laws, ()
    people.call(
        "UpdateModelPackage", by=ADA, ModelPackageArn=people.versions[1].arn, ModelApprovalStatus="Rejected"
    )
    untried.judge.laws = laws

    put(untried, 1)


@pytest.mark.parametrize("is_read", [True, False])
def test_law_28_what_was_superseded_after_the_last_read_may_go_out(
    untried: Deployed, *, is_read: bool
) -> None:
    arn, item = untried.world.people.versions[0].arn, "approval#2026-01-01T09:00:00.000000+00:00#000000001"
    untried.do(lambda: journal_approval(item, arn, "1"))

    def act() -> None:
        if is_read:
            supersede(item)
        ask_of("churn")
        if not is_read:
            supersede(item)
        update(arn)

    refused = pytest.raises(LawBrokenError, match=r"Law28\w+: churn gets .*/1, the last resort; .*/2 served")
    with refused if is_read else nullcontext():
        untried.do(act)


def test_law_28_what_served_well_may_go_out(untried: Deployed) -> None:
    put(untried, 2)


def test_law_28_nothing_is_called_superseded_by_an_older_approval(untried: Deployed) -> None:
    untried.judge.check_rest()
    newest = max(untried.world.memory.table.items("churn", "approval#"), key=lambda each: each["item"]["S"])
    newest["superseded_by"] = {"N": "1"}

    with pytest.raises(LawBrokenError, match=r"Law28\w+: churn: .*/2 counts as superseded by 1, untrue"):
        untried.judge.check_rest()
