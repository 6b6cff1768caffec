"""A rollback alarm that is on before an update begins neither fails the version nor keeps it from serving."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.decisions.guardrails import SETTLING, guard_with_alarms, rollback_alarms
from deployer.decisions.plan import Deploy, WaitForAlarms
from deployer.dispatcher import PassesFailedError
from deployer.model.attempt import Action, AttemptStatus, Deployment
from deployer.model.steps import CreateEndpoint, UpdateEndpoint
from local_cloud.sagemaker.switch_settings import AlarmAtStart, MissingAlarm
from local_cloud.sagemaker.switches import Switches
from tests.infra.sufficiency.test_aborting import ALARM, GUARDED, guarded
from tests.infra.sufficiency.test_trial import BAD, GOOD, Trying
from tests.unit.deployer.builders import clean_up, deployment, endpoint, minutes, release, settings

if TYPE_CHECKING:
    from deployer.model.attempt import Attempt
    from deployer.model.endpoint import Endpoint
    from tests.unit.deployer.pipeline import Pipeline

ERRORS = "Greenlight.churn.error-ratio"
THEIRS = "theirs"


def alarms(*names: str) -> dict[str, Any]:
    return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in names]}}


def update(**deployment_config: Any) -> Deploy:
    made = release(2, settings(DeploymentConfig=deployment_config))
    return Deploy((), UpdateEndpoint(made.update_endpoint))


ROLLED_BACK = deployment(
    2,
    status=AttemptStatus.FAILED,
    accepted_at=minutes(-10),
    settled_at=minutes(-5),
    endpoint_last_modified_time=minutes(-60),
)
BACK = endpoint(last_modified_time=minutes(-5))
UNSEEN = replace(ROLLED_BACK, accepted_at=None, settled_at=None)
CLEANED_UP = clean_up(number=2, status=AttemptStatus.SUCCEEDED)


def deployments(attempts: list[Attempt]) -> list[Deployment]:
    return [each for each in attempts if isinstance(each, Deployment)]


# What is decided --------------------------------------------------------------------------------------


def test_an_update_that_no_alarm_hinders_stays_as_it_is() -> None:
    deploy = update(**alarms(ALARM, ERRORS))

    assert guard_with_alarms(deploy, [], [ROLLED_BACK], BACK, now=minutes(0)) is deploy


@pytest.mark.parametrize(
    ("attempts", "rolled_back_at"),
    [
        pytest.param([ROLLED_BACK], -5, id="failed"),
        pytest.param([replace(ROLLED_BACK, status=AttemptStatus.ABORTED)], -5, id="aborted"),
        pytest.param([CLEANED_UP, ROLLED_BACK], -5, id="cleaned up since"),
        pytest.param(
            [replace(UNSEEN, number=2, endpoint_last_modified_time=minutes(-5)), ROLLED_BACK],
            -5,
            id="another one claimed since, and never asked for",
        ),
        pytest.param([replace(UNSEEN, status=AttemptStatus.OPEN)], -5, id="asked for, and nobody saw it"),
        pytest.param(
            [replace(UNSEEN, status=AttemptStatus.WITHDRAWN, settled_at=minutes(-1))],
            -5,
            id="withdrawn, though asked for",
        ),
    ],
)
def test_what_a_rollout_may_have_raised_is_waited_for_after_its_rollback(
    attempts: list[Attempt], rolled_back_at: float
) -> None:
    planned = guard_with_alarms(
        update(**alarms(ALARM, ERRORS)), {ERRORS}, deployments(attempts), BACK, now=minutes(0)
    )

    assert planned == WaitForAlarms((ERRORS,), minutes(rolled_back_at) + SETTLING)


@pytest.mark.parametrize(
    ("attempts", "observed", "now"),
    [
        pytest.param([ROLLED_BACK], BACK, 10, id="a quarter of an hour later"),
        pytest.param([], BACK, 0, id="nothing was attempted"),
        pytest.param([replace(ROLLED_BACK, status=AttemptStatus.SUCCEEDED)], BACK, 0, id="it went live"),
        pytest.param(
            [ROLLED_BACK],
            endpoint(endpoint_config_name=ROLLED_BACK.endpoint_config_name),
            0,
            id="the failed one serves",
        ),
        pytest.param([ROLLED_BACK], endpoint("UpdateRollbackFailed"), 0, id="the rollback failed"),
        pytest.param([UNSEEN], endpoint(last_modified_time=minutes(-60)), 0, id="refused"),
        pytest.param(
            [replace(UNSEEN, action=Action.CREATE_ENDPOINT, endpoint_last_modified_time=None)],
            BACK,
            0,
            id="a creation",
        ),
    ],
)
def test_an_update_goes_out_without_alarms_that_no_rollback_raised(
    attempts: list[Attempt], observed: Endpoint, now: float
) -> None:
    deploy = update(BlueGreenUpdatePolicy={}, **alarms(ALARM, ERRORS, THEIRS))
    planned = guard_with_alarms(deploy, {ERRORS}, deployments(attempts), observed, now=minutes(now))

    request = update(BlueGreenUpdatePolicy={}, **alarms(ALARM, THEIRS)).change
    assert isinstance(request, UpdateEndpoint)
    assert planned == replace(deploy, change=UpdateEndpoint(request.request, (ERRORS,)))


def test_no_empty_list_of_alarms_is_asked_for() -> None:
    planned = guard_with_alarms(
        update(BlueGreenUpdatePolicy={}, **alarms(ERRORS)), {ERRORS}, [], BACK, now=minutes(0)
    )
    bare = guard_with_alarms(update(**alarms(ERRORS)), {ERRORS}, [], BACK, now=minutes(0))

    assert isinstance(planned, Deploy)
    assert isinstance(bare, Deploy)
    assert isinstance(planned.change, UpdateEndpoint)
    assert isinstance(bare.change, UpdateEndpoint)
    assert planned.change.request["DeploymentConfig"] == {"BlueGreenUpdatePolicy": {}}
    assert "DeploymentConfig" not in bare.change.request


@pytest.mark.parametrize(
    ("deploy", "names"),
    [
        pytest.param(update(**alarms(ALARM, ERRORS)), (ALARM, ERRORS), id="guarded"),
        pytest.param(update(), (), id="not guarded"),
        pytest.param(update(AutoRollbackConfiguration={}), (), id="an empty guard"),
        pytest.param(Deploy((), CreateEndpoint(release().create_endpoint)), (), id="a creation"),
    ],
)
def test_the_alarms_of_an_update_are_those_it_asks_for(deploy: Deploy, names: tuple[str, ...]) -> None:
    assert rollback_alarms(deploy) == names


# What becomes of it -----------------------------------------------------------------------------------

WATCHED = {**GUARDED, "DeploymentConfig": {**GUARDED["DeploymentConfig"], **alarms(ALARM, ERRORS)}}


def watched(at_start: AlarmAtStart = AlarmAtStart.ROLL_BACK) -> Pipeline:
    """Return an endpoint that serves v1, whose updates are watched by an alarm beside the abort alarm."""
    pipeline = guarded(Switches(alarm_at_start=at_start, missing_alarm=MissingAlarm.REFUSE))
    pipeline.make_alarm(ERRORS)
    pipeline.manage(**WATCHED)
    return pipeline


def set_state(pipeline: Pipeline, state: str) -> None:
    pipeline.cloud.client("cloudwatch").set_alarm_state(
        AlarmName=ERRORS, StateValue=state, StateReason="by hand"
    )


def approve(pipeline: Pipeline) -> str:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deliver()
    return arn


def roll_back(pipeline: Pipeline) -> str:
    """Approve a version that raises the alarm in its canary, and let it be rolled back."""
    arn = approve(pipeline)
    pipeline.pass_time(900)
    set_state(pipeline, "ALARM")
    pipeline.run()
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.serving() == "v1"
    return arn


def started(pipeline: Pipeline, version_arn: str) -> dict[str, Any]:
    return next(
        each
        for each in pipeline.outcomes
        if each["Outcome"] == "started" and each["ModelPackageArn"] == version_arn
    )


@pytest.mark.parametrize("at_start", list(AlarmAtStart))
def test_what_serves_badly_can_be_replaced_under_its_own_alarm(at_start: AlarmAtStart) -> None:
    pipeline = watched(at_start)
    set_state(pipeline, "ALARM")
    arn = approve(pipeline)
    asked_for = pipeline.endpoint["LastDeploymentConfig"]
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(arn) == ["started", "succeeded"]
    assert asked_for["AutoRollbackConfiguration"] == alarms(ALARM)["AutoRollbackConfiguration"]
    assert started(pipeline, arn)["AlarmsLeftOut"] == [ERRORS]
    assert f"cannot stop it: {ERRORS}." in started(pipeline, arn)["Message"]


@pytest.mark.parametrize("at_start", list(AlarmAtStart))
def test_a_good_version_waits_for_a_bad_ones_alarm_to_end(at_start: AlarmAtStart) -> None:
    pipeline = watched(at_start)
    roll_back(pipeline)
    pipeline.pass_time(60)
    good = approve(pipeline)
    assert pipeline.told(good) == []
    assert not any(each.unsettled for each in pipeline.attempts)

    set_state(pipeline, "OK")
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v3"
    assert pipeline.told(good) == ["started", "succeeded"]
    assert started(pipeline, good)["AlarmsLeftOut"] == []
    assert "alarms" not in started(pipeline, good)["Message"]


@pytest.mark.parametrize("at_start", list(AlarmAtStart))
def test_an_alarm_that_does_not_end_is_waited_for_no_longer_than_a_quarter_of_an_hour(
    at_start: AlarmAtStart,
) -> None:
    pipeline = watched(at_start)
    roll_back(pipeline)
    good = approve(pipeline)
    pipeline.pass_time(SETTLING.total_seconds() - 60)
    pipeline.sweep()
    assert pipeline.told(good) == []

    pipeline.pass_time(60)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v3"
    assert started(pipeline, good)["AlarmsLeftOut"] == [ERRORS]


@pytest.mark.parametrize("back", ["at_once", "as_forward"])
def test_what_failed_its_smoke_test_is_replaced_at_once_though_it_raised_an_alarm(back: str) -> None:
    """It still serves: nobody but the former version ends its alarm."""
    pipeline = Trying(**WATCHED, Back=back)
    pipeline.make_alarm(ERRORS)
    first = pipeline.deploy(GOOD)
    second = pipeline.register()
    pipeline.script(second, BAD)
    pipeline.approve(second)
    pipeline.deliver()
    while pipeline.endpoint["EndpointStatus"] != "InService":
        pipeline.pass_time(60)
    set_state(pipeline, "ALARM")
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "failed"]
    assert pipeline.told(first) == ["started", "succeeded", "started", "rolled_back"]
    put_back = [each for each in pipeline.outcomes if each["Outcome"] == "started"][-1]
    assert put_back["AlarmsLeftOut"] == ([] if back == "at_once" else [ERRORS])


def test_a_missing_alarm_is_sagemakers_to_refuse() -> None:
    pipeline = watched()
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ERRORS])
    arn = approve(pipeline)

    assert pipeline.told(arn) == ["failed"]
    assert ERRORS in pipeline.outcomes[-1]["Reason"]


def test_alarms_left_out_are_also_told_by_a_pass_that_tells_late() -> None:
    pipeline = watched()
    set_state(pipeline, "ALARM")

    def refuse(_service: str, operation: str) -> None:
        if operation == "PutEvents":
            raise ZeroDivisionError

    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deployer_cloud.before_call = refuse
    with pytest.raises(PassesFailedError):
        pipeline.deliver()
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    pipeline.outcomes.clear()
    pipeline.pass_time(60)
    pipeline.sweep()

    assert started(pipeline, arn)["AlarmsLeftOut"] == [ERRORS]


def test_an_attempt_that_is_taken_over_leaves_out_what_is_on_by_then() -> None:
    pipeline = watched()
    set_state(pipeline, "ALARM")

    def die(_service: str, operation: str) -> None:
        if operation == "CreateModel":
            raise SystemExit

    pipeline.deployer_cloud.before_call = die
    with pytest.raises(SystemExit):
        approve(pipeline)
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    assert pipeline.history.deployments[0].alarms_left_out == (ERRORS,)
    set_state(pipeline, "OK")
    pipeline.pass_time(600)
    pipeline.sweep()
    pipeline.run()

    (taken_over, *_) = pipeline.history.deployments
    assert (taken_over.version, taken_over.number, taken_over.alarms_left_out) == (2, 2, ())
    assert pipeline.serving() == "v2"


def test_an_abort_alarm_that_is_on_is_cleared_and_not_waited_for() -> None:
    pipeline = guarded()
    pipeline.cloud.client("cloudwatch").set_alarm_state(
        AlarmName=ALARM, StateValue="ALARM", StateReason="by hand"
    )
    arn = approve(pipeline)

    assert started(pipeline, arn)["AlarmsLeftOut"] == []
