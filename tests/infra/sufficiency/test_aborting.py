"""A reject rolls back the update under way at once, where the endpoint's updates are guarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from deployer.gateways.alarms import LONGEST_REASON, Alarms
from deployer.model.attempt import AttemptStatus
from infra.settings.compiling.alarm_definitions import Watched, abort_alarm
from local_cloud.sagemaker.switch_settings import AlarmAtStart
from local_cloud.sagemaker.switches import Switches
from tests.unit.deployer.builders import minutes
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from datetime import datetime

ALARM = "Greenlight.churn.abort"
ABORT = abort_alarm(Watched("Greenlight", "churn", "AllTraffic")).request()

GUARDED: dict[str, Any] = {
    "AbortAlarmName": ALARM,
    "RollbackAlarms": [ABORT],
    "CreateEndpointConfig": {
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 2,
                "InitialVariantWeight": 1.0,
            }
        ]
    },
    "DeploymentConfig": {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
                "WaitIntervalInSeconds": 1800,
            }
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]},
    },
}

ONE_REQUEST: dict[str, Any] = {
    "Name": "one",
    "Body": "1,2",
    "ContentType": "text/csv",
    "Status": 200,
    "Calls": 1,
}


def guarded(switches: Switches | None = None) -> Pipeline:
    """Return an endpoint that serves v1, and whose updates bake for half an hour."""
    pipeline = Pipeline(switches)
    pipeline.manage(**GUARDED)
    pipeline.approve(pipeline.register())
    pipeline.run()
    assert pipeline.serving() == "v1"
    return pipeline


@pytest.fixture
def pipeline() -> Pipeline:
    return guarded()


def alarm_state(pipeline: Pipeline) -> str:
    alarms = pipeline.cloud.client("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    return str(alarms[0]["StateValue"])


def in_canary(pipeline: Pipeline) -> str:
    """Approve the next version, and stop in the middle of its canary."""
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deliver()
    pipeline.pass_time(900)
    pipeline.deliver()
    assert pipeline.endpoint["EndpointStatus"] == "Updating"
    return arn


def test_a_reject_in_mid_canary_brings_the_old_version_back_at_once(pipeline: Pipeline) -> None:
    arn = in_canary(pipeline)
    rejected = pipeline.clock.now()
    pipeline.reject(arn)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "aborted"]
    assert (pipeline.clock.now() - rejected).total_seconds() < 300
    assert "was taken back" in pipeline.outcomes[-1]["Reason"]


def test_an_aborted_rollout_is_no_failure_of_the_version(pipeline: Pipeline) -> None:
    arn = in_canary(pipeline)
    pipeline.reject(arn)
    pipeline.run()
    pipeline.approve(arn)
    pipeline.deliver()
    pipeline.pass_time(300)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(arn) == ["started", "aborted", "started", "succeeded"]


@pytest.mark.parametrize("late", [False, True])
def test_the_end_of_an_abort_that_is_seen_late_fails_no_version(pipeline: Pipeline, *, late: bool) -> None:
    """Nobody documents how soon CloudWatch sees it: until then the alarm goes on again."""
    cloudwatch = pipeline.cloud.client("cloudwatch")
    arn = in_canary(pipeline)
    pipeline.reject(arn)
    pipeline.run()
    next_one = pipeline.register()
    pipeline.approve(next_one)
    pipeline.deliver()
    if late:
        cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="late")
        pipeline.pass_time(120)
        cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="late")
    pipeline.run()
    pipeline.pass_time(900)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.told(next_one) == ["started", "succeeded"]
    assert pipeline.serving() == "v3"


def test_the_alarm_is_reset_as_soon_as_the_endpoint_rests(pipeline: Pipeline) -> None:
    arn = in_canary(pipeline)
    pipeline.reject(arn)
    pipeline.deliver()
    assert alarm_state(pipeline) == "ALARM"
    pipeline.run()

    assert alarm_state(pipeline) == "OK"


@pytest.mark.parametrize("at_start", list(AlarmAtStart))
def test_an_alarm_that_somebody_left_set_does_not_stop_the_next_rollout(at_start: AlarmAtStart) -> None:
    pipeline = guarded(Switches(alarm_at_start=at_start))
    pipeline.cloud.client("cloudwatch").set_alarm_state(
        AlarmName=ALARM, StateValue="ALARM", StateReason="by hand"
    )
    pipeline.approve(pipeline.register())
    pipeline.run()

    assert pipeline.serving() == "v2"


def test_a_lost_reject_aborts_with_the_next_sweep(pipeline: Pipeline) -> None:
    arn = in_canary(pipeline)
    pipeline.reject(arn)
    pipeline.undelivered()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "aborted"]


def test_another_sweep_while_sagemaker_rolls_back_changes_nothing(pipeline: Pipeline) -> None:
    arn = in_canary(pipeline)
    pipeline.reject(arn)
    pipeline.deliver()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "aborted"]


def test_a_version_approved_again_before_the_abort_goes_on(pipeline: Pipeline) -> None:
    arn = in_canary(pipeline)
    pipeline.reject(arn)
    pipeline.approve(arn)
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(arn)[:2] == ["started", "succeeded"]


def test_a_newer_approval_aborts_nothing_and_waits_its_turn(pipeline: Pipeline) -> None:
    first = in_canary(pipeline)
    second = pipeline.register()
    pipeline.approve(second)
    pipeline.run()

    assert pipeline.told(first) == ["started", "succeeded"]
    assert pipeline.serving() == "v3"


def finish_before_the_alarm(pipeline: Pipeline) -> None:
    """Let the rollout end between the deployer's decision to abort it and the alarm."""

    def finish(service: str, _operation: str) -> None:
        if service == "cloudwatch":
            pipeline.deployer_cloud.before_call = lambda _service, _operation: None
            while pipeline.endpoint["EndpointStatus"] != "InService":
                pipeline.pass_time(60)

    pipeline.deployer_cloud.before_call = finish
    pipeline.deliver()
    pipeline.run()


def test_a_rollout_that_ends_just_before_the_abort_is_rolled_back_like_any_other(pipeline: Pipeline) -> None:
    arn = in_canary(pipeline)
    pipeline.reject(arn)
    finish_before_the_alarm(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "succeeded"]
    assert alarm_state(pipeline) == "OK"
    assert [each.status for each in pipeline.attempts][-2] is AttemptStatus.SUCCEEDED


def test_an_abort_that_came_too_late_leaves_no_alarm_set(pipeline: Pipeline) -> None:
    """Also where no other update follows that would clear it."""
    arn = in_canary(pipeline)
    for version in (arn, pipeline.history.approvals[-1].version_arn):
        pipeline.reject(version)
    finish_before_the_alarm(pipeline)

    assert pipeline.serving() == "v2"
    assert alarm_state(pipeline) == "OK"


def test_an_abort_that_came_too_late_for_what_is_still_to_be_tried_leaves_no_alarm_set() -> None:
    pipeline = guarded()
    pipeline.manage(**GUARDED, SmokeTest={"TimeLimitSeconds": 60, "Requests": [ONE_REQUEST]})
    arn = in_canary(pipeline)
    for version in (arn, pipeline.history.approvals[-1].version_arn):
        pipeline.reject(version)
    finish_before_the_alarm(pipeline)

    assert pipeline.told(arn)[:2] == ["started", "aborted"]
    assert pipeline.endpoints.invoked == []
    assert alarm_state(pipeline) == "OK"


def test_an_invocation_that_dies_once_the_abort_is_settled_leaves_no_alarm_set(pipeline: Pipeline) -> None:
    """Nobody looks at an attempt again that is settled, and no other update follows that would clear it."""
    arn = in_canary(pipeline)
    for version in (arn, pipeline.history.approvals[-1].version_arn):
        pipeline.reject(version)
    pipeline.deliver()
    assert alarm_state(pipeline) == "ALARM"

    def die(service: str, _operation: str) -> None:
        if service == "events":
            raise SystemExit

    pipeline.deployer_cloud.before_call = die
    with pytest.raises(SystemExit):
        pipeline.run()
    assert pipeline.attempts[0].status is AttemptStatus.ABORTED
    assert alarm_state(pipeline) == "OK"


def test_an_abort_whose_endpoint_is_deleted_before_anybody_looks_is_no_failure(pipeline: Pipeline) -> None:
    arn = in_canary(pipeline)
    pipeline.reject(arn)
    pipeline.deliver()
    pipeline.pass_time(600)
    pipeline.sagemaker.delete_endpoint(EndpointName="churn")
    pipeline.pass_time(1200)
    pipeline.undelivered()
    pipeline.sweep()

    assert pipeline.told(arn) == ["started", "aborted"]
    assert alarm_state(pipeline) == "OK"


def test_an_invocation_that_dies_before_setting_the_alarm_is_made_up_for(pipeline: Pipeline) -> None:
    arn = in_canary(pipeline)

    def die(service: str, _operation: str) -> None:
        if service == "cloudwatch":
            raise SystemExit

    pipeline.reject(arn)
    pipeline.deployer_cloud.before_call = die
    with pytest.raises(SystemExit):
        pipeline.deliver()
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "aborted"]


def test_an_endpoint_without_the_alarm_finishes_its_rollout_first(pipeline: Pipeline) -> None:
    pipeline.manage(CreateEndpointConfig=GUARDED["CreateEndpointConfig"])
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deliver()
    pipeline.reject(arn)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_long_reason_is_cut_to_what_cloudwatch_takes(pipeline: Pipeline) -> None:
    Alarms(lambda: pipeline.cloud.client("cloudwatch")).set_off(
        ALARM, "churn", at=pipeline.clock.now(), reason="x" * 2000
    )

    alarm = pipeline.cloud.client("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"][0]
    assert alarm["StateReason"] == "x" * LONGEST_REASON


def test_alarms_disturb_that_are_on_or_changed_or_are_not_seen() -> None:
    """Nobody knows an alarm's state before its last change: it may have been on until then."""

    class Client:
        def __init__(self, *alarms: dict[str, Any]) -> None:
            self.alarms = list(alarms)

        def describe_alarms(self, **_: Any) -> dict[str, Any]:
            return {"MetricAlarms": self.alarms[:1], "CompositeAlarms": self.alarms[1:]}

    ok = {
        "AlarmName": "a",
        "StateValue": "OK",
        "StateTransitionedTimestamp": minutes(3),
        "StateUpdatedTimestamp": minutes(5),
    }
    older = {"AlarmName": "b", "StateValue": "INSUFFICIENT_DATA", "StateUpdatedTimestamp": minutes(4)}

    def disturbed_since(time: datetime, *alarms: dict[str, Any]) -> list[str]:
        return Alarms(lambda: cast("Any", Client(*alarms))).disturbed_since(time, ["b", "a"])

    assert disturbed_since(minutes(4), ok, older) == []
    assert disturbed_since(minutes(3), ok, older) == ["b"]
    assert disturbed_since(minutes(2), ok, older) == ["a", "b"]
    assert disturbed_since(minutes(4), ok, {**older, "StateValue": "ALARM"}) == ["b"]
    assert disturbed_since(minutes(4), ok) == ["b"], "an alarm that is not seen may well be on"
    assert disturbed_since(minutes(4), {"AlarmName": "a", "StateValue": "OK"}, older) == []
    assert Alarms(lambda: cast("Any", Client())).disturbed_since(minutes(0), []) == []


def on(alarms: Alarms, *names: str) -> set[str]:
    return {name for name, each in alarms.look((), names).items() if each.is_on}


def test_a_composite_alarm_is_seen_like_any_other(pipeline: Pipeline) -> None:
    pipeline.make_alarm("errors")
    cloudwatch = pipeline.cloud.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName="anything", AlarmRule="ALARM(errors)")
    alarms = Alarms(lambda: pipeline.deployer_cloud.client("cloudwatch"))
    assert on(alarms, "anything", "errors") == set()

    for name in ("anything", "errors"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")

    assert on(alarms, "anything", "errors", "gone") == {"anything", "errors"}
    assert alarms.disturbed_since(minutes(0), ["anything", "gone"]) == ["anything", "gone"]
