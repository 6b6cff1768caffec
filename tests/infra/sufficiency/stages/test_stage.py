"""A stage deploys versions that its gate admits, and promotes those that served well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from deployer.decisions import version_metadata
from deployer.model.attempt import AttemptStatus, Promotion
from deployer.model.life_cycle import Gate, LifeCycle
from local_cloud.sagemaker.ports import Caller
from tests.infra.sufficiency.test_companions import AB_TEST
from tests.unit.deployer.builders import NOW, deployment
from tests.unit.deployer.pipeline import REGION, TABLE, Pipeline, change_artifact

if TYPE_CHECKING:
    from collections.abc import Callable

SOAK = 3600
STAGING: dict[str, Any] = {
    "StageName": "staging",
    "Promotion": {"SoakSeconds": SOAK, "Stage": "Production", "StageStatus": "PendingApproval"},
}
PRODUCTION: dict[str, Any] = {
    "StageName": "production",
    "Gate": {"Stage": "Production", "StageStatus": "Approved", "LaterStages": ["Archive"]},
}
PENDING = LifeCycle("Production", "PendingApproval")


def life_cycle(pipeline: Pipeline, arn: str) -> LifeCycle | None:
    return LifeCycle.parse(
        pipeline.sagemaker.describe_model_package(ModelPackageName=arn).get("ModelLifeCycle")
    )


def set_life_cycle(pipeline: Pipeline, arn: str, stage: str, status: str) -> None:
    pipeline.sagemaker.update_model_package(
        ModelPackageArn=arn, ModelLifeCycle={"Stage": stage, "StageStatus": status}
    )


def metadata(pipeline: Pipeline, arn: str) -> dict[str, str]:
    answer = pipeline.sagemaker.describe_model_package(ModelPackageName=arn)
    return dict(answer.get("CustomerMetadataProperties") or {})


def staging(**changes: Any) -> Pipeline:
    pipeline = Pipeline()
    pipeline.manage(**{**STAGING, **changes})
    return pipeline


def production(**changes: Any) -> Pipeline:
    pipeline = Pipeline()
    pipeline.manage(**{**PRODUCTION, **changes})
    return pipeline


def deployed(pipeline: Pipeline) -> str:
    """Return a version that was approved just now and serves."""
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    return arn


def after(pipeline: Pipeline, seconds: float) -> None:
    """Let time pass, and the schedule come."""
    pipeline.pass_time(seconds)
    pipeline.sweep()
    pipeline.run()


def test_a_version_is_promoted_though_its_metadata_is_full_of_other_things() -> None:
    """Fifty endpoints of one stage fill a version's metadata, and users have properties of their own."""
    pipeline = staging()
    arn = pipeline.register()
    properties = {f"team-{number}": "x" for number in range(45)}
    pipeline.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties=properties)
    pipeline.approve(arn)
    pipeline.run()
    after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, arn) == PENDING
    assert metadata(pipeline, arn).keys() - properties.keys() == {
        "greenlight:staging:digest",
        "greenlight:staging:promoted",
    }


def test_a_change_of_metadata_costs_no_pass() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    before = len(pipeline.deployer_cloud.calls)
    pipeline.sagemaker.update_model_package(
        ModelPackageArn=arn, CustomerMetadataProperties={"note": "checked"}
    )
    pipeline.deliver()

    assert len(pipeline.deployer_cloud.calls) == before


# The gate ---------------------------------------------------------------------------------------------


def test_a_gate_admits_what_it_asks_for_and_what_is_beyond() -> None:
    gate = Gate(LifeCycle("Staging", "Approved"), frozenset({"Production"}))

    assert gate.admits(LifeCycle("Staging", "Approved"))
    assert gate.admits(LifeCycle("Production", "Rejected"))
    assert not gate.admits(LifeCycle("Staging", "PendingApproval"))
    assert not gate.admits(None)


def test_a_gated_stage_waits_for_its_life_cycle_also_if_a_version_is_approved() -> None:
    pipeline = production()
    arn = deployed(pipeline)
    assert pipeline.serving() is None

    set_life_cycle(pipeline, arn, "Production", "PendingApproval")
    pipeline.run()
    assert pipeline.serving() is None

    set_life_cycle(pipeline, arn, "Production", "Approved")
    pipeline.run()
    assert pipeline.serving() == "v1"


def test_a_life_cycle_without_an_approval_is_not_enough() -> None:
    pipeline = production()
    arn = pipeline.register()
    set_life_cycle(pipeline, arn, "Production", "Approved")
    pipeline.run()

    assert pipeline.serving() is None


def test_a_sweep_finds_what_the_gate_admits_and_nothing_else() -> None:
    pipeline = production()
    first, second = pipeline.register("Approved"), pipeline.register("Approved")
    set_life_cycle(pipeline, first, "Production", "Approved")
    set_life_cycle(pipeline, second, "Staging", "Approved")
    pipeline.undelivered()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"


@pytest.mark.parametrize("taken_back", ["Rejected", "PendingApproval"])
def test_a_life_cycle_that_is_taken_back_takes_the_version_back(taken_back: str) -> None:
    pipeline = production()
    versions = [deployed(pipeline), deployed(pipeline)]
    for arn in versions:
        set_life_cycle(pipeline, arn, "Production", "Approved")
        pipeline.run()
    assert pipeline.serving() == "v2"

    set_life_cycle(pipeline, versions[1], "Production", taken_back)
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_a_version_that_goes_on_to_a_later_stage_is_not_approved_once_more_for_this_one() -> None:
    pipeline = production()
    first, second = deployed(pipeline), deployed(pipeline)
    for arn in (first, second):
        set_life_cycle(pipeline, arn, "Production", "Approved")
        pipeline.run()
    set_life_cycle(pipeline, first, "Archive", "Approved")
    pipeline.run()

    assert pipeline.serving() == "v2"


def test_a_rejected_version_is_taken_back_in_a_gated_stage_too() -> None:
    pipeline = production()
    first, second = deployed(pipeline), deployed(pipeline)
    for arn in (first, second):
        set_life_cycle(pipeline, arn, "Production", "Approved")
        pipeline.run()
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"


# Promotion --------------------------------------------------------------------------------------------


def test_a_version_is_promoted_once_it_served_for_its_soak() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    after(pipeline, SOAK - 60)
    assert life_cycle(pipeline, arn) is None

    after(pipeline, 120)

    assert life_cycle(pipeline, arn) == PENDING
    last = pipeline.outcomes[-1]
    assert (last["Outcome"], last["ModelLifeCycle"]["stage"]) == ("promoted", "Production")


def test_a_version_is_promoted_once_whoever_looks_again() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    after(pipeline, SOAK + 60)
    set_life_cycle(pipeline, arn, "Development", "Approved")
    pipeline.run()
    for _ in range(3):
        after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, arn) == LifeCycle("Development", "Approved")
    assert [each["Outcome"] for each in pipeline.outcomes].count("promoted") == 1


@pytest.mark.parametrize("stands", [("Production", "Rejected"), ("Archive", "Approved")])
def test_what_a_person_decided_for_a_later_stage_is_not_overruled(stands: tuple[str, str]) -> None:
    pipeline = staging(Promotion={**STAGING["Promotion"], "LaterStages": ["Archive"]})
    arn = deployed(pipeline)
    set_life_cycle(pipeline, arn, *stands)
    after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, arn) == LifeCycle(*stands)
    assert "/".join(stands) in pipeline.outcomes[-1]["Message"]


def test_a_version_that_is_rejected_before_its_soak_is_over_is_not_promoted() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    pipeline.pass_time(SOAK + 60)
    pipeline.reject(arn)
    pipeline.undelivered()
    pipeline.sweep()
    pipeline.run()

    assert life_cycle(pipeline, arn) is None


def test_a_reject_is_seen_until_the_last_moment_before_a_promotion() -> None:
    pipeline = staging()
    arn = deployed(pipeline)

    def reject(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "DescribeModelPackage"):
            pipeline.deployer_cloud.before_call = lambda *_: None
            pipeline.reject(arn)

    pipeline.deployer_cloud.before_call = reject
    pipeline.pass_time(SOAK + 60)
    pipeline.sweep()

    assert life_cycle(pipeline, arn) is None


def test_a_version_that_gave_way_is_not_promoted_but_the_one_that_serves() -> None:
    pipeline = staging()
    first, second = deployed(pipeline), deployed(pipeline)
    after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, first) is None
    assert life_cycle(pipeline, second) == PENDING


def test_a_version_whose_new_settings_fail_is_not_promoted() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    changes = {"CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]}}
    pipeline.break_model_of(arn, **STAGING, **changes)
    pipeline.manage(**STAGING, **changes)
    pipeline.sweep()
    pipeline.run()
    after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, arn) is None


ALARM = "errors"


def guarded() -> Pipeline:
    pipeline = staging(
        DeploymentConfig={"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]}},
    )
    pipeline.make_alarm(ALARM)
    return pipeline


def set_alarm(pipeline: Pipeline, state: str) -> None:
    pipeline.cloud.client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="test")


def held_back(pipeline: Pipeline) -> list[str]:
    return [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]


def test_a_version_is_not_promoted_while_an_alarm_is_on() -> None:
    """People hear of it once, as soon as the alarm delays the promotion."""
    pipeline = guarded()
    arn = deployed(pipeline)
    set_alarm(pipeline, "ALARM")
    after(pipeline, SOAK - 60)
    assert held_back(pipeline) == []

    after(pipeline, 120)
    pipeline.sweep()

    assert life_cycle(pipeline, arn) is None
    [told] = held_back(pipeline)
    assert "is not promoted to Production/PendingApproval, as each of these rollback alarms is on" in told
    assert ": errors. It is promoted once" in told


def test_nobody_is_told_of_alarms_that_keep_a_version_from_where_it_is_already() -> None:
    pipeline = guarded()
    arn = deployed(pipeline)
    set_alarm(pipeline, "ALARM")
    set_life_cycle(pipeline, arn, *PENDING)
    after(pipeline, SOAK + 60)

    assert held_back(pipeline) == []


def test_a_version_whose_alarm_was_deleted_is_not_promoted() -> None:
    """People hear of it, because a deleted alarm never returns by itself."""
    pipeline = guarded()
    arn = deployed(pipeline)
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])
    after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, arn) is None
    [told] = held_back(pipeline)
    assert "cannot be seen" in told


def test_a_version_that_alarms_disturbed_is_promoted_once_they_are_quiet() -> None:
    pipeline = guarded()
    arn = deployed(pipeline)
    set_alarm(pipeline, "ALARM")
    after(pipeline, SOAK + 60)
    set_alarm(pipeline, "OK")
    # MiniStack uses the time of day: move the pipeline's clock to it first.
    pipeline.pass_time((datetime.now(UTC) - pipeline.clock.now()).total_seconds() + SOAK - 60)
    pipeline.sweep()
    assert life_cycle(pipeline, arn) is None

    after(pipeline, 120)
    pipeline.sweep()

    assert life_cycle(pipeline, arn) == PENDING
    assert len(held_back(pipeline)) == 1
    assert pipeline.history.last_observed.reported == ()


def test_a_version_whose_endpoint_is_out_of_service_is_not_promoted() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    pipeline.control_plane.incidents.take_out_of_service(pipeline.account_id, REGION, "churn")
    after(pipeline, SOAK + 60)

    assert pipeline.endpoint["EndpointStatus"] == "OutOfService"
    assert life_cycle(pipeline, arn) is None


@pytest.mark.parametrize(
    ("gate", "stands", "outcome"),
    [
        (None, None, "promoted"),
        (None, ("Staging", "Approved"), "promoted"),
        (None, ("Staging", "Rejected"), "failed"),
        (None, ("Archived", "Retired"), "failed"),
        (("Staging", "Approved"), ("Staging", "Approved"), "promoted"),
        (("Staging", "Approved"), ("Archive", "Approved"), "failed"),
    ],
)
def test_a_version_is_promoted_from_where_its_stage_took_it_and_from_nowhere_else(
    gate: tuple[str, str] | None, stands: tuple[str, str] | None, outcome: str
) -> None:
    asked = {"Gate": dict(zip(("Stage", "StageStatus"), gate, strict=True))} if gate else {}
    pipeline = staging(**{key: {**value, "LaterStages": ["Archive"]} for key, value in asked.items()})
    arn = pipeline.register()
    if gate is not None:
        set_life_cycle(pipeline, arn, *gate)
    pipeline.approve(arn)
    pipeline.run()
    if stands is not None:
        set_life_cycle(pipeline, arn, *stands)
    pipeline.run()
    after(pipeline, SOAK + 60)

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn)[2:] == [outcome]
    assert (life_cycle(pipeline, arn) == PENDING) is (outcome == "promoted")


def stamp(pipeline: Pipeline, arn: str, **properties: str) -> None:
    """Write what another endpoint of the stage, or another stage, wrote."""
    stamped = {f"greenlight:{key.replace('__', ':')}": value for key, value in properties.items()}
    pipeline.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties=stamped)


def test_what_another_endpoint_of_the_stage_found_broken_is_not_promoted_until_it_serves_there() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    stamp(pipeline, arn, staging__endpoint__other="failed 2026-05-04T12:00:00+00:00: ping")
    after(pipeline, SOAK + 60)
    assert life_cycle(pipeline, arn) is None

    stamp(pipeline, arn, staging__endpoint__other="serving since 2026-05-04T12:00:00+00:00")
    after(pipeline, 60)
    assert life_cycle(pipeline, arn) == PENDING


def test_what_another_endpoint_of_the_stage_promoted_is_not_promoted_again() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    stamp(pipeline, arn, staging__promoted="to Production/PendingApproval 2026-05-04T12:00:00+00:00")
    set_life_cycle(pipeline, arn, "Staging", "Approved")
    after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, arn) == LifeCycle("Staging", "Approved")
    assert "nothing was written" in pipeline.outcomes[-1]["Message"]


def test_a_promotion_shows_what_it_passes_on_in_the_same_write() -> None:
    pipeline = staging()
    refusing(pipeline, "ConflictException")
    arn = deployed(pipeline)
    pipeline.deployer_cloud.before_call = lambda *_: None
    after(pipeline, SOAK + 60)

    stamped = metadata(pipeline, arn)
    assert stamped["greenlight:staging:promoted"].startswith("to Production/PendingApproval 20")
    assert len(stamped["greenlight:staging:digest"]) == len("1.") + 64
    assert pipeline.sagemaker_calls().count("UpdateModelPackage") == 1


def test_a_reject_after_a_promotion_that_was_cut_short_need_not_wait() -> None:
    pipeline = staging()
    first, second = deployed(pipeline), deployed(pipeline)
    refusing(pipeline, "ThrottlingException")
    with pytest.raises(Exception, match="Throttling"):
        after(pipeline, SOAK + 60)
    pipeline.deployer_cloud.before_call = lambda *_: None
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert life_cycle(pipeline, first) is None


def refusing(pipeline: Pipeline, code: str) -> Callable[[str, str], None]:
    def refuse(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "UpdateModelPackage"):
            response: Any = {"Error": {"Code": code, "Message": "not authorized"}}
            raise ClientError(response, operation)

    pipeline.deployer_cloud.before_call = refuse
    return refuse


def test_a_promotion_that_is_refused_is_told_once_and_tried_again_on_approval() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    refusing(pipeline, "ValidationException")
    after(pipeline, SOAK + 60)
    after(pipeline, SOAK + 60)
    failed = [each for each in pipeline.outcomes if each["Outcome"] == "failed"]
    assert len(failed) == 1
    assert "was not promoted to Production/PendingApproval" in failed[0]["Message"]
    assert pipeline.serving() == "v1"

    pipeline.deployer_cloud.before_call = lambda *_: None
    pipeline.approve(arn)
    pipeline.run()
    after(pipeline, 60)

    assert life_cycle(pipeline, arn) == PENDING


@pytest.mark.parametrize("is_asked_for", [True, False])
def test_a_denied_promotion_is_told_once_and_made_once_it_may_be(*, is_asked_for: bool) -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    refusing(pipeline, "AccessDeniedException")
    for _ in range(4):
        after(pipeline, SOAK + 60)
    promotions = [each for each in pipeline.attempts if isinstance(each, Promotion)]
    assert {each.status for each in promotions} == {AttemptStatus.WITHDRAWN}, "nothing stays open"
    [told] = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert "is not promoted to Production/PendingApproval: AccessDeniedException" in told
    assert pipeline.told(arn) == ["started", "succeeded"]

    pipeline.deployer_cloud.before_call = lambda *_: None
    if is_asked_for:
        pipeline.pass_time(60)
        pipeline.approve(arn)
        pipeline.run()
    else:
        after(pipeline, 24 * 3600)
    assert life_cycle(pipeline, arn) == PENDING
    pipeline.sweep()
    assert pipeline.history.last_observed.reported == ()
    assert pipeline.history.last_observed.put_off == {}


def test_a_fault_of_the_registry_is_retried_by_the_next_pass() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    refusing(pipeline, "InternalFailure")
    with pytest.raises(Exception, match="InternalFailure"):
        after(pipeline, SOAK + 60)
    pipeline.deployer_cloud.before_call = lambda *_: None
    after(pipeline, 900)

    assert life_cycle(pipeline, arn) == PENDING
    assert [each.status for each in pipeline.attempts if isinstance(each, Promotion)] == [
        AttemptStatus.SUCCEEDED,
        AttemptStatus.WITHDRAWN,
    ]


# Stamps -----------------------------------------------------------------------------------------------


def test_the_registry_shows_where_a_version_serves_and_what_was_deployed() -> None:
    pipeline = staging()
    first = deployed(pipeline)
    stamped = metadata(pipeline, first)

    assert stamped["greenlight:staging:endpoint:churn"].startswith("serving since 20")
    assert len(stamped["greenlight:staging:digest"]) == len("1.") + 64

    deployed(pipeline)

    assert metadata(pipeline, first)["greenlight:staging:endpoint:churn"].startswith("served until 20")


def test_the_registry_shows_where_a_version_failed_and_why() -> None:
    pipeline = staging()
    deployed(pipeline)
    arn = pipeline.register()
    pipeline.break_model_of(arn, **STAGING)
    pipeline.approve(arn)
    pipeline.run()

    stamped = metadata(pipeline, arn)["greenlight:staging:endpoint:churn"]
    assert stamped.startswith("failed 20")
    assert "did not pass the ping health check" in stamped
    assert len(stamped) <= version_metadata.LONGEST_VALUE


def test_a_stamp_is_written_once_and_leads_to_nothing() -> None:
    pipeline = staging()
    deployed(pipeline)
    writes = pipeline.sagemaker_calls().count("UpdateModelPackage")
    for _ in range(3):
        after(pipeline, 60)

    assert writes == 1
    assert pipeline.sagemaker_calls().count("UpdateModelPackage") == 1


def test_what_never_served_is_not_stamped_as_if_it_had() -> None:
    pipeline = staging()
    first, second = pipeline.register(), pipeline.register()
    pipeline.break_model_of(first, **STAGING)
    pipeline.approve(first)
    pipeline.run()
    pipeline.approve(second)
    pipeline.run()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert metadata(pipeline, first)["greenlight:staging:endpoint:churn"].startswith("failed ")


def test_a_version_whose_endpoint_was_deleted_is_not_stamped_as_serving_for_ever() -> None:
    pipeline = staging()
    first, second = deployed(pipeline), pipeline.register()
    pipeline.sagemaker.delete_endpoint(EndpointName="churn")
    pipeline.reject(first)
    pipeline.approve(second)
    pipeline.run()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert metadata(pipeline, first)["greenlight:staging:endpoint:churn"].startswith("served until ")


def test_what_a_version_is_stamped_with_already_is_not_written_again() -> None:
    pipeline = staging()
    deployed(pipeline)
    forget_stamps(pipeline)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.sagemaker_calls().count("UpdateModelPackage") == 1
    assert pipeline.history.last_observed.metadata_written == 1


def forget_stamps(pipeline: Pipeline) -> None:
    """Set the journal back to its state between a stamp and the note about it."""
    rest = pipeline.history.last_observed
    pipeline.journal.record_last_observed("churn", rest, replace(rest, metadata_written=0))


def test_a_stamp_that_is_refused_costs_nothing_else() -> None:
    pipeline = staging()
    refusing(pipeline, "ValidationException")
    arn = deployed(pipeline)

    assert pipeline.told(arn) == ["started", "succeeded"]
    assert pipeline.history.last_observed.metadata_written == 1


def test_a_denied_stamp_is_told_once_and_written_once_it_may_be() -> None:
    pipeline = staging()
    refusing(pipeline, "AccessDeniedException")
    arn = deployed(pipeline)
    for _ in range(4):
        after(pipeline, 900)
    assert pipeline.told(arn) == ["started", "succeeded"]
    told = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert len([each for each in told if "does not show what happened to it here" in each]) == 1

    pipeline.deployer_cloud.before_call = lambda *_: None
    after(pipeline, 24 * 3600)
    assert metadata(pipeline, arn)["greenlight:staging:endpoint:churn"].startswith("serving since 20")
    assert pipeline.history.last_observed.put_off == {}


def test_what_nobody_knows_the_digest_of_is_stamped_without_one() -> None:
    """S3 did not show its artifacts when it went out."""
    pipeline = staging()
    refusing(pipeline, "ValidationException")
    arn = deployed(pipeline)
    pipeline.deployer_cloud.before_call = lambda *_: None
    pipeline.cloud.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"endpoint": {"S": "churn"}, "item": {"S": "fact#attempt"}},
        UpdateExpression="REMOVE artifact_digest",
    )
    forget_stamps(pipeline)
    pipeline.sweep()

    assert list(metadata(pipeline, arn)) == ["greenlight:staging:endpoint:churn"]


def test_a_version_that_is_deleted_is_stamped_nowhere() -> None:
    pipeline = staging()
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deliver()
    pipeline.sagemaker.delete_model_package(ModelPackageName=arn)
    pipeline.run()

    assert pipeline.history.last_observed.metadata_written == 1


def test_a_version_that_may_not_be_read_any_more_costs_nothing_else() -> None:
    """A stage that follows another group than before has no access to the one that it followed."""
    pipeline = staging()
    first = deployed(pipeline)

    def deny(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "DescribeModelPackage"):
            response: Any = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
            raise ClientError(response, operation)

    forget_stamps(pipeline)
    pipeline.deployer_cloud.before_call = deny
    pipeline.sweep()

    assert pipeline.history.last_observed.metadata_written == 1
    assert metadata(pipeline, first)["greenlight:staging:endpoint:churn"].startswith("serving since ")


def test_the_registry_shows_what_serves_and_shadows_beside_what_was_approved() -> None:
    pipeline = Pipeline()
    pipeline.manage(**AB_TEST, **STAGING)
    first = pipeline.register("Approved")
    second = deployed(pipeline)
    assert metadata(pipeline, first)["greenlight:staging:endpoint:churn"].startswith(
        "serving as Champion since 20"
    )
    assert metadata(pipeline, second)["greenlight:staging:endpoint:churn"].startswith("serving since 20")
    writes = pipeline.sagemaker_calls().count("UpdateModelPackage")

    deployed(pipeline)
    # A version that now serves beside another one is not stamped again.
    assert pipeline.sagemaker_calls().count("UpdateModelPackage") == writes + 2

    pipeline.reject(first)
    pipeline.run()

    assert metadata(pipeline, first)["greenlight:staging:endpoint:churn"].startswith("served until 20")
    assert pipeline.sagemaker_calls().count("UpdateModelPackage") == writes + 4


def test_a_version_that_is_pinned_and_approved_is_shown_as_what_was_approved() -> None:
    """And not, as it serves beside itself, as a companion."""
    pipeline = Pipeline()
    pipeline.manage(**AB_TEST, **STAGING)

    pinned = deployed(pipeline)

    assert metadata(pipeline, pinned)["greenlight:staging:endpoint:churn"].startswith("serving since 20")


def test_a_stage_that_the_registry_does_not_let_in_yet_says_so_once() -> None:
    pipeline = staging()
    pipeline.register("Approved")
    pipeline.undelivered()

    def deny(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "ListModelPackages"):
            response: Any = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
            raise ClientError(response, operation)

    pipeline.deployer_cloud.before_call = deny
    pipeline.sweep()
    pipeline.sweep()
    [told] = pipeline.outcomes
    assert told["Outcome"] == "needs_attention"
    assert "Deploy the registry's stack" in told["Message"]

    pipeline.deployer_cloud.before_call = lambda *_: None
    pipeline.sweep()
    pipeline.run()
    assert pipeline.serving() == "v1"

    pipeline.deployer_cloud.before_call = deny
    pipeline.sweep()
    pipeline.sweep()
    *_, told = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert told["Message"].startswith("The registry does not list the approved versions")
    assert [each["Message"] for each in pipeline.outcomes].count(told["Message"]) == 1


def test_outside_of_stages_nothing_is_written_to_the_registry() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    arn = deployed(pipeline)

    assert metadata(pipeline, arn) == {}


def test_a_stamp_keeps_to_the_marks_that_the_registry_takes() -> None:
    failed = deployment(
        status=AttemptStatus.FAILED, settled_at=NOW, reason='no "ping" (see logs);\n' + "x" * 300
    )
    [(key, value)] = version_metadata.of_attempt(failed, "staging").items()

    assert key == "greenlight:staging:endpoint:churn"
    assert value.startswith("failed 2026-05-04T12:00:00+00:00: no ping see logs - x")
    assert len(value) == version_metadata.LONGEST_VALUE


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("[0] > `0` to be true", "0 above 0 to be true"),
        ("a.b >= `1` && !c", "a.b at least 1 and not c"),
        ("a < `1` || b <= `2` || c != 'x'", "a below 1 or b at most 2 or c is not x"),
        ("95 % of 20 calls within 300 ms; the answer", "95 percent of 20 calls within 300 ms - the answer"),
    ],
)
def test_an_expectation_says_the_same_in_the_marks_that_a_stamp_may_have(expected: str, told: str) -> None:
    failed = deployment(status=AttemptStatus.FAILED, settled_at=NOW, reason=expected)
    [value] = version_metadata.of_attempt(failed, "staging").values()

    assert value == f"failed 2026-05-04T12:00:00+00:00: {told}"


# Digests ----------------------------------------------------------------------------------------------


def test_a_version_that_is_no_longer_what_an_earlier_stage_deployed_is_refused() -> None:
    pipeline = production()
    arn = deployed(pipeline)
    pipeline.sagemaker.update_model_package(
        ModelPackageArn=arn, CustomerMetadataProperties={"greenlight:staging:digest": f"1.{'0' * 64}"}
    )
    set_life_cycle(pipeline, arn, "Production", "Approved")
    pipeline.run()

    assert pipeline.serving() is None
    assert pipeline.told(arn) == ["ignored"]
    assert "not what stage staging deployed" in pipeline.outcomes[-1]["Message"]


def test_the_same_digest_passes_and_a_stages_own_is_no_obstacle() -> None:
    digest = "a" * 64
    own_and_other = {"greenlight:staging:digest": digest, "greenlight:production:digest": "b" * 64}

    assert version_metadata.stage_with_another_digest(own_and_other, "production", None, digest) is None
    assert version_metadata.stage_with_another_digest(own_and_other, "archive", None, digest) == "production"
    assert version_metadata.stage_with_another_digest({"digest": "x"}, "production", None, digest) is None


def test_an_inference_specification_is_compared_with_its_like() -> None:
    stamped = version_metadata.of_digest("a" * 64, "staging", "compiled")

    assert version_metadata.stage_with_another_digest(stamped, "production", None, "b" * 64) is None
    assert (
        version_metadata.stage_with_another_digest(stamped, "production", "compiled", "b" * 64) == "staging"
    )


def test_a_version_that_went_through_the_stages_as_it_is_goes_live() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    after(pipeline, SOAK + 60)
    pipeline.manage(**PRODUCTION)
    set_life_cycle(pipeline, arn, "Production", "Approved")
    pipeline.run()

    stamped = metadata(pipeline, arn)
    assert stamped["greenlight:staging:digest"]
    assert pipeline.serving() == "v1"


def test_a_stage_stamps_what_it_deployed_and_not_what_the_version_is_by_now() -> None:
    """Otherwise the next stage would take what this one never tried."""
    pipeline = staging()
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deliver()
    deployed_digest = pipeline.history.deployments[0].artifact_digest
    change_artifact(pipeline, arn)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert metadata(pipeline, arn)["greenlight:staging:digest"] == deployed_digest


def test_what_is_out_of_service_is_not_promoted() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    pipeline.control_plane.incidents.take_out_of_service(pipeline.account_id, REGION, "churn")
    after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, arn) is None

    pipeline.control_plane.incidents.return_to_service(pipeline.account_id, REGION, "churn")
    after(pipeline, 60)

    assert life_cycle(pipeline, arn) == PENDING


def test_what_is_no_longer_what_it_served_is_not_promoted() -> None:
    pipeline = staging()
    arn = deployed(pipeline)
    # In a bucket that the stage may list: else it would not be promoted for lack of a look at it.
    change_artifact(pipeline, arn, f"s3://{pipeline.bucket}/churn/other/model.tar.gz")
    after(pipeline, SOAK + 60)

    assert life_cycle(pipeline, arn) is None
    assert "is not what served here any more" in pipeline.outcomes[-1]["Message"]


# Who may approve --------------------------------------------------------------------------------------

DEPLOYERS = ["arn:aws:sts::*:assumed-role/greenlight-*-deployer/*"]


def written_by_a_stage(pipeline: Pipeline, arn: str, **members: Any) -> None:
    role = f"arn:aws:sts::{pipeline.account_id}:assumed-role/greenlight-staging-deployer/x"
    caller = Caller(pipeline.account_id, REGION, role)
    pipeline.control_plane.call("UpdateModelPackage", {"ModelPackageArn": arn, **members}, caller)


@pytest.mark.parametrize(
    "policy", [{"Approvers": ["arn:*"]}, {"FourEyes": True}], ids=["approvers", "four eyes"]
)
def test_a_stages_stamp_makes_nobody_an_approver(policy: dict[str, Any]) -> None:
    """The approval's own event is lost, and a sweep finds the version as the stage left it."""
    pipeline = Pipeline()
    pipeline.manage(ApprovalPolicy={**policy, "Deployers": DEPLOYERS})
    arn = pipeline.register("Approved")
    written_by_a_stage(pipeline, arn, CustomerMetadataProperties={"greenlight:staging:digest": "x"})
    pipeline.undelivered()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() is None
    assert pipeline.told(arn) == ["ignored"]
    assert "a stage's deployer" in pipeline.outcomes[-1]["Reason"]


def test_a_promotion_is_nobodys_approval_where_four_eyes_are_asked_for() -> None:
    pipeline = production(ApprovalPolicy={"FourEyes": True, "Deployers": DEPLOYERS})
    arn = pipeline.register("Approved")
    passed = {"Stage": "Production", "StageStatus": "Approved"}
    written_by_a_stage(pipeline, arn, ModelLifeCycle=passed)
    pipeline.run()

    assert pipeline.serving() is None
    assert pipeline.told(arn) == ["ignored"]


def test_an_editor_does_not_pass_for_the_approver_of_a_gated_stage_either() -> None:
    """The approval comes last, and its event names no life cycle."""
    pipeline = production(ApprovalPolicy={"FourEyes": True})
    arn = pipeline.register()
    set_life_cycle(pipeline, arn, "Production", "Approved")
    pipeline.undelivered()
    pipeline.approve(arn)
    pipeline.pass_time(60)
    caller = Caller(pipeline.account_id, REGION, f"arn:aws:iam::{pipeline.account_id}:user/editor")
    note = {"ModelPackageArn": arn, "CustomerMetadataProperties": {"note": "1"}}
    pipeline.control_plane.call("UpdateModelPackage", note, caller)
    pipeline.run()

    assert pipeline.serving() is None
    assert pipeline.told(arn) == ["ignored"]


# Settings ---------------------------------------------------------------------------------------------


def test_what_another_stage_found_broken_keeps_nothing_back_here() -> None:
    metadata = {
        "greenlight:staging:endpoint:other": "failed 2026-01-01: x",
        "greenlight:production:endpoint:third": "failed 2026-01-01: x",
        "greenlight:staging:endpoint:churn": "failed 2026-01-01: x",
        "greenlight:staging:endpoint:well": "serving since 2026-01-01",
    }

    assert version_metadata.broken_on(metadata, "staging", besides="churn") == ["other"]
