"""A refusal beside a deployment (tags, scaling, alarms) affects nothing else, and is reported once."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from deployer.decisions.retries import LONGEST_RETRY_DELAYS
from deployer.dispatcher import PassesFailedError
from deployer.gateways.refusals import Refusal
from deployer.gateways.scalable_targets import ScalableTargets
from deployer.model.attempt import AttemptStatus
from deployer.model.cause import Cause
from local_cloud.sagemaker.switch_settings import AlarmAtStart
from tests.infra.sufficiency.stages.test_stage import (
    PENDING,
    SOAK,
    STAGING,
    after,
    life_cycle,
    metadata,
    staging,
)
from tests.infra.sufficiency.test_aborting import ALARM as ABORT
from tests.infra.sufficiency.test_aborting import alarm_state
from tests.infra.sufficiency.test_guardrails import ERRORS, watched
from tests.infra.sufficiency.test_scaling import scaling, targets, variants
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MISSING = "User is missing the following permissions: cloudwatch:PutMetricAlarm, cloudwatch:DeleteAlarms"
"""As Application Auto Scaling refuses it. Seen: hashicorp/terraform-provider-aws #46385."""

DENIED = (
    "User: arn:aws:sts::1:assumed-role/deployer/f is not authorized to perform: sagemaker:AddTags on "
    "resource: arn:aws:sagemaker:eu-central-1:1:endpoint/churn because no policy allows it"
)


def error(code: str, message: str = "…", status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Operation")


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def refuse(pipeline: Pipeline, operations: set[str], fault: Callable[[], Exception]) -> None:
    """Refuse the deployer these operations, until `pipeline.deployer_cloud.before_call` is another."""

    def before(_service: str, operation: str) -> None:
        if operation in operations:
            raise fault()

    pipeline.deployer_cloud.before_call = before


def allow(pipeline: Pipeline) -> None:
    """Refuse nothing any more, and let the longest delay pass until what was refused is tried again."""
    pipeline.deployer_cloud.before_call = lambda *_: None
    pipeline.pass_time(LONGEST_RETRY_DELAYS[-1].total_seconds())


def attention(pipeline: Pipeline) -> list[str]:
    return [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]


def deploy(pipeline: Pipeline) -> str:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    pipeline.pass_time(60)
    return arn


# What an answer says -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "cause", "permissions"),
    [
        (error("ValidationException", MISSING), Cause.SURROUNDINGS, 2),
        (error("ValidationException", MISSING.replace("s:", ":", 1)), Cause.SURROUNDINGS, 2),
        (error("AccessDeniedException", DENIED), Cause.SURROUNDINGS, 1),
        (error("AccessDenied", "Access is denied"), Cause.SURROUNDINGS, 0),
        (error("ValidationException", "MinCapacity 5 is larger than MaxCapacity 2"), Cause.SETTINGS, 0),
        (error("LimitExceededException"), Cause.SETTINGS, 0),
        (error("ResourceNotFound"), Cause.SETTINGS, 0),
        (error("ConcurrentUpdateException"), Cause.PASSING, 0),
        (error("ThrottlingException"), Cause.PASSING, 0),
        (error("SomethingNew", status=503), Cause.PASSING, 0),
        (ConnectTimeoutError(endpoint_url="https://autoscaling"), Cause.PASSING, 0),
    ],
)
def test_an_answer_says_whose_trouble_it_is(answer: Any, cause: Cause, permissions: int) -> None:
    refusal = Refusal.read(answer)

    assert refusal.cause is cause
    assert len(refusal.permissions) == permissions


# Scaling -----------------------------------------------------------------------------------------------


def test_a_missing_permission_is_named_and_told_once_and_forgotten_once_it_is_there(
    pipeline: Pipeline,
) -> None:
    """AWS tries a random name each time; a new name alone is no news."""
    names = iter(f"{number:08x}-0000-4000-8000-000000000000" for number in range(99))
    refuse(
        pipeline,
        {"RegisterScalableTarget"},
        lambda: error("ValidationException", f"{MISSING} on endpoint-config/{next(names)}"),
    )
    pipeline.manage(AutoScaling=scaling(), CreateEndpointConfig=variants())
    arn = deploy(pipeline)
    pipeline.sweep()
    pipeline.sweep()

    assert pipeline.told(arn) == ["started", "succeeded"]
    [told] = attention(pipeline)
    assert "Allow cloudwatch:PutMetricAlarm, cloudwatch:DeleteAlarms to the deployer's role" in told
    assert "YAML" not in told
    allow(pipeline)
    pipeline.sweep()
    assert targets(pipeline) == [(1, 4)]
    assert pipeline.history.last_observed.reported == ()


def test_trouble_that_passes_is_told_nobody_and_tried_again(pipeline: Pipeline) -> None:
    refuse(pipeline, {"RegisterScalableTarget"}, lambda: error("ConcurrentUpdateException"))
    pipeline.manage(AutoScaling=scaling(), CreateEndpointConfig=variants())
    deploy(pipeline)
    assert attention(pipeline) == []
    allow(pipeline)
    pipeline.sweep()

    assert targets(pipeline) == [(1, 4)]


@pytest.mark.parametrize("operations", [{"RegisterScalableTarget"}, {"AddTags", "DeleteTags"}])
def test_what_is_refused_beside_keeps_nothing_from_being_cleaned_up(
    pipeline: Pipeline, operations: set[str]
) -> None:
    refuse(pipeline, operations, lambda: error("AccessDeniedException", DENIED))
    settings: dict[str, Any] = {"CreateEndpointConfig": variants(), "Keep": 1, "AutoScaling": scaling()}
    for number in range(4):
        pipeline.manage(**settings, Tags={"number": str(number)})
        deploy(pipeline)
    pipeline.sweep()

    assert pipeline.serving() == "v4"
    assert len(pipeline.sagemaker.list_models(MaxResults=100)["Models"]) == 2


def test_scaling_that_cannot_be_ended_blames_no_version(pipeline: Pipeline) -> None:
    """Another instance type takes the registration away, and that is refused."""
    pipeline.manage(AutoScaling=scaling(), CreateEndpointConfig=variants())
    arn = deploy(pipeline)
    refuse(pipeline, {"DeregisterScalableTarget"}, lambda: error("AccessDeniedException", "…"))
    pipeline.manage(AutoScaling=scaling(), CreateEndpointConfig=variants("ml.m5.xlarge"))
    pipeline.run()
    pipeline.sweep()

    assert pipeline.told(arn) == ["started", "succeeded"]
    [told] = attention(pipeline)
    assert "is not deployed to churn yet" in told
    assert f"Automatic scaling of variant AllTraffic of {ENDPOINT} cannot be ended" in told
    allow(pipeline)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.endpoint["ProductionVariants"][0]["VariantName"] == "AllTraffic"
    assert pipeline.told(arn) == ["started", "succeeded", "started", "succeeded"]
    assert targets(pipeline) == [(1, 4)]


def test_scaling_that_cannot_be_ended_adds_nothing_to_the_journal_with_each_sweep(pipeline: Pipeline) -> None:
    pipeline.manage(AutoScaling=scaling(), CreateEndpointConfig=variants())
    deploy(pipeline)
    asked: list[datetime] = []

    def deny() -> ClientError:
        asked.append(pipeline.clock.now())
        return error("AccessDeniedException", "…")

    refuse(pipeline, {"DeregisterScalableTarget"}, deny)
    pipeline.manage(AutoScaling=scaling(), CreateEndpointConfig=variants("ml.m5.xlarge"))
    pipeline.run()
    pipeline.sweep()
    attempts = len(pipeline.attempts)
    for _ in range(4 * 5):
        pipeline.pass_time(900)
        pipeline.sweep()

    assert len(pipeline.attempts) == attempts
    minutes = [round((later - at).total_seconds() / 60) for at, later in pairwise(asked)]
    # The attempt, the first sweep, and after growing delays.
    assert minutes == [15, 15, 30, 45, 90]
    assert len(attention(pipeline)) == 1
    allow(pipeline)
    pipeline.sweep()
    pipeline.run()
    assert targets(pipeline) == [(1, 4)]
    pipeline.manage(AutoScaling=scaling(), CreateEndpointConfig=variants("ml.m5.xlarge"), Tags={"a": "b"})
    pipeline.run()
    config = pipeline.endpoint["EndpointConfigName"]
    served = pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=config)
    assert served["ProductionVariants"][0]["InstanceType"] == "ml.m5.xlarge"
    assert targets(pipeline) == [(1, 4)]


@pytest.mark.parametrize(
    ("operation", "told"), [("RegisterScalableTarget", "scal"), ("AddTags", "tags"), (None, "")]
)
def test_a_stage_stamps_and_promotes_whatever_is_refused_beside(operation: str | None, told: str) -> None:
    pipeline = staging(AutoScaling=scaling(), CreateEndpointConfig=variants(), Tags={"team": "growth"})
    arn = deploy(pipeline)
    if operation is not None:
        refuse(pipeline, {operation}, lambda: error("AccessDeniedException", "…"))
    pipeline.manage(
        **STAGING,
        AutoScaling=scaling(most=9),
        CreateEndpointConfig=variants(),
        Tags={"team": "risk"},
    )
    pipeline.sweep()
    after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, arn) == PENDING
    assert pipeline.told(arn) == ["started", "succeeded", "promoted"]
    assert metadata(pipeline, arn)
    assert [told in each for each in attention(pipeline)] == ([True] if operation else [])


def test_a_variant_that_others_registered_blames_no_version(pipeline: Pipeline) -> None:
    pipeline.manage(CreateEndpointConfig=variants())
    arn = deploy(pipeline)
    (theirs,) = scaling().values()
    gateway = ScalableTargets(lambda: pipeline.cloud.client("application-autoscaling"))
    gateway.register(ENDPOINT, "AllTraffic", theirs, {})
    pipeline.manage(CreateEndpointConfig=variants("ml.m5.xlarge"))
    pipeline.sweep()
    pipeline.sweep()

    assert pipeline.told(arn) == ["started", "succeeded", "needs_attention"]
    [told] = attention(pipeline)
    assert "Somebody else registered its variants" in told
    assert "Deregister them" in told
    gateway.deregister(ENDPOINT, "AllTraffic", theirs)
    pipeline.pass_time(900)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.told(arn) == ["started", "succeeded", "needs_attention", "succeeded"]


def test_a_variant_that_others_registered_leaves_no_attempt_open_and_is_told_once(
    pipeline: Pipeline,
) -> None:
    """It is tried again after growing delays, and gives way to everything else that is wanted."""
    pipeline.manage(CreateEndpointConfig=variants())
    first = deploy(pipeline)
    (theirs,) = scaling().values()
    gateway = ScalableTargets(lambda: pipeline.cloud.client("application-autoscaling"))
    gateway.register(ENDPOINT, "AllTraffic", theirs, {})
    pipeline.manage(CreateEndpointConfig=variants("ml.m5.xlarge"))
    pipeline.sweep()
    for _ in range(4 * 3):
        pipeline.pass_time(900)
        pipeline.sweep()

    failed = [each for each in pipeline.attempts if each.cause is Cause.SURROUNDINGS]
    assert len(failed) == 5
    assert [each.status for each in pipeline.attempts] == [AttemptStatus.FAILED] * 5 + [
        AttemptStatus.SUCCEEDED
    ]
    assert len(attention(pipeline)) == 1
    pipeline.manage(CreateEndpointConfig=variants())
    pipeline.sweep()
    assert pipeline.told(first) == ["started", "succeeded", "needs_attention"]
    assert pipeline.history.last_observed.reported == ()


def test_scaling_that_nobody_wants_and_that_cannot_be_ended_is_ended_later(pipeline: Pipeline) -> None:
    pipeline.manage(AutoScaling=scaling(), CreateEndpointConfig=variants())
    deploy(pipeline)
    refuse(pipeline, {"DeregisterScalableTarget"}, lambda: error("AccessDeniedException", "…"))
    pipeline.manage(CreateEndpointConfig=variants())
    pipeline.sweep()
    assert targets(pipeline) == [(1, 4)]
    allow(pipeline)
    pipeline.sweep()

    assert targets(pipeline) == []
    assert len(attention(pipeline)) == 1


def test_one_variants_trouble_is_not_the_others(pipeline: Pipeline) -> None:
    both = [{**variants()["ProductionVariants"][0], "VariantName": name} for name in ("a", "b")]
    (wanted,) = scaling().values()
    pipeline.manage(
        AutoScaling={"a": {**wanted, "MinCapacity": 5, "MaxCapacity": 2}, "b": wanted},
        CreateEndpointConfig={"ProductionVariants": both},
    )
    deploy(pipeline)

    assert targets(pipeline) == [(1, 4)]
    assert "Variant a of" in attention(pipeline)[0]


# Tags --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["AddTags", "DeleteTags"])
def test_refused_tags_are_told_once_and_put_on_later(pipeline: Pipeline, operation: str) -> None:
    pipeline.manage(Tags={"old": "1"})
    deploy(pipeline)
    refuse(pipeline, {operation}, lambda: error("AccessDeniedException", DENIED))
    pipeline.manage(Tags={"new": "1"})
    pipeline.run()
    pipeline.sweep()

    [told] = attention(pipeline)
    assert "Allow sagemaker:AddTags to the deployer's role" in told
    allow(pipeline)
    pipeline.sweep()
    found = pipeline.sagemaker.list_tags(ResourceArn=pipeline.endpoint["EndpointArn"])["Tags"]
    assert {each["Key"] for each in found} >= {"new"}
    assert "old" not in {each["Key"] for each in found}
    assert pipeline.history.last_observed.reported == ()


# Alarms ------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded() -> Pipeline:
    return watched(AlarmAtStart.ROLL_BACK)


def test_alarms_that_cannot_be_read_stop_no_deployment_and_are_told_once(guarded: Pipeline) -> None:
    refuse(guarded, {"DescribeAlarms"}, lambda: error("AccessDenied", DENIED))
    arn = deploy(guarded)

    assert guarded.told(arn) == ["started", "succeeded"]
    [told] = attention(guarded)
    assert "cannot be read" in told
    assert "guarded by all of them" in told
    last = guarded.endpoint["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert {each["AlarmName"] for each in last} == {ABORT, ERRORS}
    # The first look at rest cannot check the alarms, either.
    for _ in range(2):
        guarded.sweep()
        [_, unchecked] = attention(guarded)
        assert "cannot be read" in unchecked
    guarded.deployer_cloud.before_call = lambda *_: None
    guarded.sweep()
    assert guarded.history.last_observed.reported == ()


def test_a_version_that_goes_back_for_an_alarm_that_nobody_saw_is_tried_again(guarded: Pipeline) -> None:
    refuse(guarded, {"DescribeAlarms"}, lambda: error("AccessDenied", DENIED))
    guarded.cloud.client("cloudwatch").set_alarm_state(AlarmName=ERRORS, StateValue="ALARM", StateReason="x")
    arn = deploy(guarded)
    assert guarded.told(arn) == ["started", "failed"]
    assert guarded.outcomes[-1]["RetryAt"] is not None
    guarded.cloud.client("cloudwatch").set_alarm_state(AlarmName=ERRORS, StateValue="OK", StateReason="x")
    guarded.pass_time(11 * 60)
    guarded.sweep()
    guarded.run()

    assert guarded.serving() == "v2"


@pytest.mark.parametrize("code", ["ResourceNotFound", "AccessDenied"])
def test_an_abort_alarm_that_cannot_be_set_does_not_guard(guarded: Pipeline, code: str) -> None:
    refuse(guarded, {"SetAlarmState"}, lambda: error(code))
    arn = deploy(guarded)

    assert guarded.told(arn) == ["started", "succeeded"]
    [started] = [each for each in guarded.outcomes if each["Outcome"] == "started"][1:]
    assert started["AlarmsLeftOut"] == [ABORT]
    last = guarded.endpoint["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert [each["AlarmName"] for each in last] == [ERRORS]


def test_a_rollout_that_cannot_be_stopped_is_told_and_goes_back_when_it_is_over(guarded: Pipeline) -> None:
    arn = guarded.register()
    guarded.approve(arn)
    guarded.deliver()
    refuse(guarded, {"SetAlarmState"}, lambda: error("ResourceNotFound"))
    guarded.reject(arn)
    guarded.deliver()

    assert any("cannot be stopped" in each for each in attention(guarded))
    guarded.run()
    guarded.sweep()
    guarded.run()
    assert guarded.serving() == "v1"


def test_an_abort_alarm_that_may_not_be_cleared_is_told_once_and_cleared_later(guarded: Pipeline) -> None:
    """No update follows that would clear it, and nobody looks at the attempt again: it is settled."""
    arn = guarded.register()
    guarded.approve(arn)
    guarded.deliver()
    for version in (arn, guarded.history.approvals[-1].version_arn):
        guarded.reject(version)
    guarded.deliver()
    assert alarm_state(guarded) == "ALARM"
    refuse(guarded, {"SetAlarmState"}, lambda: error("AccessDenied", DENIED))
    guarded.run()
    guarded.sweep()
    assert guarded.told(arn) == ["started", "aborted"]
    [told] = [each for each in attention(guarded) if f"{ABORT}, by which rollouts are stopped" in each]
    assert "cannot be set to OK" in told
    assert alarm_state(guarded) == "ALARM"
    allow(guarded)
    guarded.sweep()

    assert alarm_state(guarded) == "OK"
    assert not guarded.history.last_observed.abort_alarm_set


def test_an_abort_alarm_that_went_with_its_rollout_is_not_cleared_for_ever(guarded: Pipeline) -> None:
    arn = guarded.register()
    guarded.approve(arn)
    guarded.deliver()
    guarded.reject(arn)
    guarded.deliver()
    refuse(guarded, {"SetAlarmState"}, lambda: error("ResourceNotFound"))
    guarded.run()
    assert guarded.history.last_observed.abort_alarm_set
    guarded.manage()
    for _ in range(2):
        guarded.sweep()
        guarded.run()

    assert guarded.history.last_observed.reported == ()
    assert not guarded.history.last_observed.abort_alarm_set


def test_an_alarm_that_cannot_be_set_at_the_moment_is_set_by_the_next_try(guarded: Pipeline) -> None:
    refuse(guarded, {"SetAlarmState"}, lambda: error("Throttling"))
    with pytest.raises(PassesFailedError):
        deploy(guarded)
    allow(guarded)
    guarded.sweep()
    guarded.run()

    assert guarded.serving() == "v2"
    last = guarded.endpoint["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert len(last) == 2
