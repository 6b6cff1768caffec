"""Breaks the laws on alarms, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.switch_settings import MissingAlarm
from tests.simulation import clients
from tests.simulation.laws import LawBrokenError
from tests.simulation.people import STACK, abort_alarm, deployment_config
from tests.simulation.rogues import Deployed, deployed, only_law, update
from tests.simulation.schedule import Denial, RolloutKind, Schedule
from tests.simulation.test_laws import set_alarm

if TYPE_CHECKING:
    from collections.abc import Iterator

ABORT = abort_alarm("churn")
OWN = [{"Key": "greenlight:stack", "Value": STACK}]


@pytest.fixture
def guarded() -> Iterator[Deployed]:
    # SageMaker refuses no update whose alarms are missing.
    switches = {"missing_alarm": MissingAlarm.IGNORE.value}
    made = deployed(Schedule(head_start=2, rollout=RolloutKind.CANARY, switches=switches))
    only_law(made, 22)
    yield made
    made.world.end()


def update_guarded(guarded: Deployed) -> None:
    config = deployment_config("churn", RolloutKind.CANARY)
    update(guarded.world.people.versions[0].arn, instances=2, DeploymentConfig=config)


def look() -> None:
    clients.client("cloudwatch").describe_alarms(AlarmNames=[ABORT])


def read_tags() -> None:
    arn = f"arn:aws:cloudwatch:{clients.REGION}:123456789012:alarm:{ABORT}"
    clients.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)


def put(tags: list[dict[str, str]], **members: Any) -> None:
    clients.client("cloudwatch").put_metric_alarm(
        **{
            "AlarmName": ABORT,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Tags": tags,
            **members,
        }
    )


def test_law_22_no_update_names_an_alarm_that_is_not_there(guarded: Deployed) -> None:
    guarded.world.alarms.delete_by_hand(ABORT)
    guarded.world.pass_time(1)

    def act() -> None:
        look()
        update_guarded(guarded)

    with pytest.raises(LawBrokenError, match=rf"Law22\w+: churn is updated under {ABORT}, which is"):
        guarded.do(act)


def test_law_22_an_alarm_that_a_person_takes_away_meanwhile_is_no_offence(guarded: Deployed) -> None:
    def act() -> None:
        look()
        guarded.world.alarms.delete_by_hand(ABORT)
        update_guarded(guarded)

    guarded.do(act)


def test_law_22_no_update_is_guarded_by_a_persons_alarm(guarded: Deployed) -> None:
    guarded.world.alarms.replace_by_hand(ABORT)
    guarded.world.pass_time(1)

    def act() -> None:
        look()
        update_guarded(guarded)

    with pytest.raises(LawBrokenError, match=r"Law22\w+: churn is updated under"):
        guarded.do(act)


@pytest.mark.parametrize("operation", ["put", "delete", "set"])
def test_law_22_nobody_touches_what_is_known_to_be_a_persons(guarded: Deployed, operation: str) -> None:
    guarded.world.alarms.replace_by_hand(ABORT)
    guarded.world.pass_time(1)

    def act() -> None:
        read_tags()
        match operation:
            case "put":
                put(OWN)
            case "delete":
                clients.client("cloudwatch").delete_alarms(AlarmNames=[ABORT])
            case _:
                set_alarm("OK")

    with pytest.raises(LawBrokenError, match=rf"Law22\w+: \w+ by .* touches {ABORT}, a person's"):
        guarded.do(act)


def test_law_22_what_nobody_could_know_to_be_a_persons_is_no_offence(guarded: Deployed) -> None:
    guarded.world.alarms.replace_by_hand(ABORT)

    guarded.do(lambda: set_alarm("OK"))


@pytest.mark.parametrize("looks_again", [False, True])
def test_law_22_what_a_person_makes_after_the_look_of_an_invocation_is_no_offence(
    guarded: Deployed, *, looks_again: bool
) -> None:
    def act() -> None:
        look()
        guarded.world.alarms.replace_by_hand(ABORT)
        guarded.world.pass_time(1)
        guarded.do(read_tags)
        if looks_again:
            look()
        set_alarm("OK")

    if looks_again:
        with pytest.raises(
            LawBrokenError, match=rf"Law22\w+: SetAlarmState by .* touches {ABORT}, a person's"
        ):
            guarded.do(act)
    else:
        guarded.do(act)


@pytest.mark.parametrize("is_over", [False, True])
def test_law_22_whose_look_is_denied_knows_what_another_invocation_noted_before(
    guarded: Deployed, *, is_over: bool
) -> None:
    def act() -> None:
        with pytest.raises(ClientError, match="not authorized"):
            look()
        if not is_over:
            guarded.do(read_tags)
        set_alarm("OK")

    guarded.world.alarms.replace_by_hand(ABORT)
    guarded.world.pass_time(1)
    guarded.world.deny(Denial("DescribeAlarms"), guarded.world.sites[0])
    if is_over:
        guarded.do(read_tags)
        guarded.world.pass_time(1)
        with pytest.raises(
            LawBrokenError, match=rf"Law22\w+: SetAlarmState by .* touches {ABORT}, a person's"
        ):
            guarded.do(act)
    else:
        guarded.do(act)


def test_law_22_an_alarm_is_made_with_the_stacks_tag(guarded: Deployed) -> None:
    with pytest.raises(LawBrokenError, match=r"Law22\w+: .* is made without the stack's tag"):
        guarded.do(lambda: put([]))


def test_law_22_at_rest_the_alarms_are_those_of_the_settings(guarded: Deployed) -> None:
    guarded.judge.check_rest()
    guarded.do(lambda: put(OWN, Threshold=7))
    with pytest.raises(LawBrokenError, match=rf"Law22\w+: {ABORT} is not as the settings have it"):
        guarded.judge.check_rest()
    guarded.world.alarms.delete_by_hand(ABORT)
    with pytest.raises(LawBrokenError, match=r"Law22\w+: churn has the alarms"):
        guarded.judge.check_rest()
