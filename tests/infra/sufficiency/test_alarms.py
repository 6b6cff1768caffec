"""The deployer keeps the alarms of a guarded endpoint, and touches nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from deployer.dispatcher import PassesFailedError
from infra.settings.compiling.alarm_definitions import Watched, abort_alarm, rollback_alarms
from infra.settings.keys.rollout_options import RollbackAlarms
from local_cloud.sagemaker.switch_settings import MissingAlarm, SetAlarmState, TagsOfAlarmChanges
from local_cloud.sagemaker.switches import Switches
from tests.infra.sufficiency.test_aborting import ALARM, GUARDED, in_canary
from tests.unit.deployer.builders import GROUP
from tests.unit.deployer.pipeline import TABLE, Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

WATCHED_VARIANT = Watched("Greenlight", "churn", "AllTraffic")
ERRORS = "Greenlight.churn.error-ratio"


def watched(percent: float = 5) -> dict[str, Any]:
    """Return settings with an abort alarm, and one on errors."""
    made = rollback_alarms(WATCHED_VARIANT, RollbackAlarms(error_ratio_percent=percent))
    requests = [each.request() for each in (abort_alarm(WATCHED_VARIANT), *made)]
    named = [{"AlarmName": each["AlarmName"]} for each in requests]
    return {
        **GUARDED,
        "RollbackAlarms": requests,
        "DeploymentConfig": {
            **GUARDED["DeploymentConfig"],
            "AutoRollbackConfiguration": {"Alarms": named},
        },
    }


@pytest.fixture(params=list(TagsOfAlarmChanges))
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    """Return an endpoint that serves v1, and whose rollouts are guarded by two alarms."""
    switches = Switches(tags_of_alarm_changes=request.param, missing_alarm=MissingAlarm.REFUSE)
    pipeline = Pipeline(switches)
    pipeline.manage(**watched())
    approve(pipeline)
    pipeline.run()
    return pipeline


def approve(pipeline: Pipeline) -> str:
    arn = pipeline.register()
    pipeline.approve(arn)
    return arn


def alarms(pipeline: Pipeline) -> dict[str, dict[str, Any]]:
    found = pipeline.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="Greenlight.")
    return {each["AlarmName"]: dict(each) for each in found["MetricAlarms"]}


def tags(pipeline: Pipeline, name: str) -> dict[str, str]:
    arn = alarms(pipeline)[name]["AlarmArn"]
    answer = pipeline.cloud.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)
    return {each["Key"]: each["Value"] for each in answer["Tags"]}


def attention(pipeline: Pipeline) -> list[str]:
    return [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]


def asked(pipeline: Pipeline, operation: str) -> int:
    return pipeline.deployer_cloud.calls.count(("cloudwatch", operation))


def test_alarms_come_with_the_endpoint_and_carry_its_tags(pipeline: Pipeline) -> None:
    assert alarms(pipeline).keys() == {ALARM, ERRORS}
    for name in (ALARM, ERRORS):
        assert tags(pipeline, name) == {"greenlight:stack": "Greenlight", "greenlight:endpoint": "churn"}


def test_an_endpoint_at_rest_costs_no_call_of_cloudwatch_once_a_look_saw_it_there(pipeline: Pipeline) -> None:
    pipeline.sweep()
    pipeline.deployer_cloud.calls.clear()
    pipeline.sweep()

    assert not [call for call in pipeline.deployer_cloud.calls if call[0] == "cloudwatch"]


def test_a_threshold_that_changes_needs_no_rollout(pipeline: Pipeline) -> None:
    pipeline.manage(**watched(percent=9))
    pipeline.sweep()

    assert alarms(pipeline)[ERRORS]["Threshold"] == 9
    assert tags(pipeline, ERRORS)["greenlight:stack"] == "Greenlight"
    assert pipeline.told(approve(pipeline)) == []
    assert pipeline.sagemaker_calls().count("UpdateEndpoint") == 0


def test_what_somebody_deleted_is_there_again_before_an_update(pipeline: Pipeline) -> None:
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ALARM, ERRORS])
    arn = approve(pipeline)
    pipeline.deliver()

    assert alarms(pipeline).keys() == {ALARM, ERRORS}
    pipeline.run()
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_what_somebody_deleted_is_there_again_the_next_day(pipeline: Pipeline) -> None:
    pipeline.sweep()
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ERRORS])
    pipeline.sweep()
    assert alarms(pipeline).keys() == {ALARM}
    pipeline.pass_time(24 * 3600)
    pipeline.sweep()

    assert alarms(pipeline).keys() == {ALARM, ERRORS}


def test_a_check_reads_the_alarms_and_a_whole_look_their_tags_as_well(pipeline: Pipeline) -> None:
    pipeline.sweep()
    looks = []
    for _ in range(14):
        pipeline.pass_time(24 * 3600)
        pipeline.deployer_cloud.calls.clear()
        pipeline.sweep()
        assert asked(pipeline, "DescribeAlarms") == 1
        # The fleet's partition, the requests', and the endpoint's in a whole look.
        looks.append(pipeline.deployer_cloud.calls.count(("dynamodb", "Query")) - 2)
        assert asked(pipeline, "ListTagsForResource") == 2 * looks[-1]

    assert sum(looks) == 2
    assert looks[:7] == looks[7:]


def test_alarms_that_cannot_be_read_in_a_check_are_told_once_by_the_look(pipeline: Pipeline) -> None:
    pipeline.sweep()
    refuse(pipeline, "DescribeAlarms")
    for _ in range(3):
        pipeline.pass_time(24 * 3600)
        pipeline.sweep()

    assert len([each for each in attention(pipeline) if "cannot be read" in each]) == 1


def test_a_settings_file_that_is_damaged_costs_no_other_endpoint_its_check(pipeline: Pipeline) -> None:
    pipeline.manage(EndpointName="fraud", **watched())
    pipeline.run()
    for _ in range(2):
        pipeline.sweep()
        pipeline.run()
    pipeline.pass_time(24 * 3600)
    pipeline.files["endpoints/fraud.json"] = b"{}"
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ERRORS])
    with pytest.raises(PassesFailedError, match="fraud: DamagedSettingsError"):
        pipeline.sweep()

    assert ERRORS in alarms(pipeline)


@pytest.mark.parametrize("has_rollout", [False, True])
def test_a_lost_journal_leaks_no_alarm_that_the_settings_no_longer_have(
    pipeline: Pipeline, *, has_rollout: bool
) -> None:
    pipeline.sweep()
    pipeline.make_alarm("Greenlight.churn.a-persons")
    pipeline.make_alarm("Greenlight.churn-v2.another-endpoints")
    lose_journal(pipeline)
    pipeline.manage(**(GUARDED if has_rollout else {}))
    for _ in range(2):
        pipeline.sweep()
        pipeline.run()

    kept = {"Greenlight.churn.a-persons", "Greenlight.churn-v2.another-endpoints"}
    assert alarms(pipeline).keys() == (kept | {ALARM} if has_rollout else kept)
    assert attention(pipeline) == []
    pipeline.deployer_cloud.calls.clear()
    pipeline.sweep()
    assert asked(pipeline, "DescribeAlarms") == 0, "it is a first look's alone"


def test_alarms_that_a_lost_journal_forgot_go_once_cloudwatch_shows_them_again(pipeline: Pipeline) -> None:
    pipeline.sweep()
    lose_journal(pipeline)
    pipeline.manage()
    refuse(pipeline, "DescribeAlarms")
    for _ in range(3):
        pipeline.sweep()
        pipeline.run()
    assert alarms(pipeline).keys() == {ALARM, ERRORS}
    refuse(pipeline)
    pipeline.pass_time(24 * 3600)
    pipeline.sweep()

    assert alarms(pipeline) == {}
    assert attention(pipeline) == []
    assert pipeline.history.last_observed.put_off == {}


def test_an_alarm_that_a_restored_journal_does_not_know_goes_within_a_week(pipeline: Pipeline) -> None:
    pipeline.manage(**GUARDED)
    for _ in range(2):
        pipeline.sweep()
    items = pipeline.cloud.client("dynamodb").scan(TableName=TABLE)["Items"]
    pipeline.manage(**watched())
    pipeline.sweep()
    lose_journal(pipeline)
    for item in items:
        pipeline.cloud.client("dynamodb").put_item(TableName=TABLE, Item=item)
    pipeline.manage(**GUARDED)
    pipeline.sweep()
    assert alarms(pipeline).keys() == {ALARM, ERRORS}
    pipeline.pass_time(7 * 24 * 3600)
    pipeline.sweep()

    assert alarms(pipeline).keys() == {ALARM}


def test_alarms_go_within_a_week_although_a_restored_journal_has_none(pipeline: Pipeline) -> None:
    pipeline.manage()
    for _ in range(2):
        pipeline.sweep()
        pipeline.run()
    assert alarms(pipeline) == {}
    assert pipeline.history.last_observed.alarms == {}
    items = pipeline.cloud.client("dynamodb").scan(TableName=TABLE)["Items"]
    pipeline.manage(**watched())
    for _ in range(2):
        pipeline.sweep()
        pipeline.run()
    lose_journal(pipeline)
    for item in items:
        pipeline.cloud.client("dynamodb").put_item(TableName=TABLE, Item=item)
    pipeline.manage()
    for _ in range(2):
        pipeline.sweep()
        pipeline.run()
    assert alarms(pipeline).keys() == {ALARM, ERRORS}
    pipeline.pass_time(7 * 24 * 3600)
    pipeline.sweep()

    assert alarms(pipeline) == {}


def lose_journal(pipeline: Pipeline) -> None:
    dynamodb = pipeline.cloud.client("dynamodb")
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        keys = {name: item[name] for name in ("endpoint", "item")}
        dynamodb.delete_item(TableName=TABLE, Key=keys)


def test_an_endpoint_without_alarms_rests_although_cloudwatch_shows_none() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    refuse(pipeline, "DescribeAlarms")
    approve(pipeline)
    pipeline.run()
    for _ in range(3):
        pipeline.pass_time(3600)
        pipeline.sweep()
    # The search was denied again just now, and is due in some hours.
    pipeline.sweep()
    pipeline.deployer_cloud.calls.clear()
    pipeline.sweep()

    assert attention(pipeline) == []
    assert pipeline.deployer_cloud.calls.count(("dynamodb", "Query")) == 2


def test_alarms_go_with_the_rollout_and_with_the_endpoint(pipeline: Pipeline) -> None:
    pipeline.manage(**GUARDED)
    pipeline.sweep()
    assert alarms(pipeline).keys() == {ALARM}

    pipeline.reject(
        pipeline.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"][0][
            "ModelPackageArn"
        ]
    )
    pipeline.sagemaker.delete_endpoint(EndpointName="churn")
    pipeline.run()
    pipeline.sweep()
    assert alarms(pipeline) == {}
    assert pipeline.history.last_observed.alarms == {}


AT_WORK = 11 * 60
"""Seconds after which no invocation can be at work any more that has settings which were removed."""


def removals(pipeline: Pipeline) -> int:
    """Count how often people were told of a removal."""
    return sum(each["Outcome"] == "unmanaged" for each in pipeline.outcomes)


def test_alarms_go_with_the_settings_once_no_update_is_under_way(pipeline: Pipeline) -> None:
    pipeline.sweep()
    approve(pipeline)
    pipeline.deliver()
    pipeline.unmanage()
    pipeline.look_at_settings()
    assert removals(pipeline) == 1
    pipeline.pass_time(AT_WORK)
    approve(pipeline)
    assert pipeline.endpoint["EndpointStatus"] == "Updating"
    pipeline.sweep()
    assert alarms(pipeline).keys() == {ALARM, ERRORS}
    pipeline.run()
    pipeline.sweep()

    assert alarms(pipeline) == {}
    pipeline.sweep()
    assert pipeline.journal.fleet.records() == {}
    assert removals(pipeline) == 1


def with_settings_of(pipeline: Pipeline, files: dict[str, bytes], act: Callable[[], object]) -> None:
    """Let an invocation run that still has settings of before."""
    newer, pipeline.files = pipeline.files, files
    act()
    pipeline.files = newer


def test_what_an_older_invocation_makes_of_an_endpoint_that_left_is_not_forgotten(pipeline: Pipeline) -> None:
    pipeline.sweep()
    older = pipeline.files
    pipeline.unmanage()
    pipeline.look_at_settings()
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ALARM, ERRORS])
    arn = approve(pipeline)
    with_settings_of(pipeline, older, pipeline.deliver)
    with_settings_of(pipeline, older, pipeline.sweep)
    assert alarms(pipeline).keys() == {ALARM, ERRORS}
    pipeline.run()
    for _ in range(3):
        pipeline.pass_time(AT_WORK)
        pipeline.sweep()

    assert alarms(pipeline) == {}
    assert pipeline.journal.fleet.records() == {}
    assert removals(pipeline) == 1
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_an_endpoint_that_leaves_before_its_first_look_ended_is_told_of_and_loses_its_alarms(
    pipeline: Pipeline,
) -> None:
    assert pipeline.noted_settings() == {}
    pipeline.unmanage()
    pipeline.look_at_settings()
    assert removals(pipeline) == 1
    for _ in range(2):
        pipeline.pass_time(AT_WORK)
        pipeline.sweep()

    assert alarms(pipeline) == {}
    assert pipeline.journal.fleet.records() == {}
    assert removals(pipeline) == 1


def test_an_endpoint_that_leaves_during_an_update_loses_the_alarms_that_a_lost_journal_knew(
    pipeline: Pipeline,
) -> None:
    approve(pipeline)
    pipeline.deliver()
    lose_journal(pipeline)
    pipeline.sweep()
    assert pipeline.endpoint["EndpointStatus"] == "Updating"
    pipeline.unmanage()
    pipeline.look_at_settings()
    pipeline.run()
    for _ in range(2):
        pipeline.pass_time(AT_WORK)
        pipeline.sweep()

    assert alarms(pipeline) == {}
    assert pipeline.journal.fleet.records() == {}


def test_an_endpoint_that_is_deleted_as_its_journal_is_lost_keeps_no_alarm(pipeline: Pipeline) -> None:
    """The first look finds the deletion under way. The next one reads less, and looks for the alarms."""
    versions = pipeline.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
    pipeline.reject(versions[0]["ModelPackageArn"])
    pipeline.undelivered()
    lose_journal(pipeline)
    pipeline.sagemaker.delete_endpoint(EndpointName="churn")
    pipeline.sweep()
    assert alarms(pipeline).keys() == {ALARM, ERRORS}
    pipeline.run()
    pipeline.sweep()

    assert alarms(pipeline) == {}


def test_an_endpoint_that_leaves_without_alarms_is_forgotten_although_cloudwatch_shows_none() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    refuse(pipeline, "DescribeAlarms")
    approve(pipeline)
    pipeline.deliver()
    pipeline.unmanage()
    pipeline.look_at_settings()
    pipeline.run()
    for _ in range(2):
        pipeline.pass_time(AT_WORK)
        pipeline.sweep()

    assert attention(pipeline) == []
    assert pipeline.journal.fleet.records() == {}


def test_a_removal_has_one_id_although_an_older_look_ends_after_it(pipeline: Pipeline) -> None:
    pipeline.sweep()
    pipeline.manage(**watched(percent=9))
    older = pipeline.files
    pipeline.unmanage()

    def overtake(_service: str, operation: str) -> None:
        if operation == "DescribeEndpoint":
            pipeline.deployer_cloud.before_call = lambda _service, _operation: None
            pipeline.files = {**newer}
            pipeline.sweep()

    newer = pipeline.files
    pipeline.files = older
    pipeline.deployer_cloud.before_call = overtake
    pipeline.sweep()
    assert removals(pipeline) == 1
    pipeline.files = newer
    for _ in range(3):
        pipeline.pass_time(AT_WORK)
        pipeline.sweep()

    assert removals(pipeline) == 1
    assert pipeline.journal.fleet.records() == {}


@pytest.mark.parametrize("at_once", [False, True])
def test_an_endpoint_that_returns_is_looked_at_and_its_next_removal_told(
    pipeline: Pipeline, *, at_once: bool
) -> None:
    pipeline.sweep()
    pipeline.unmanage()
    pipeline.sweep()
    if not at_once:
        pipeline.pass_time(AT_WORK)
    pipeline.manage(**watched(percent=9))
    pipeline.look_at_settings()
    pipeline.pass_time(61)
    pipeline.sweep()
    pipeline.sweep()
    assert alarms(pipeline)[ERRORS]["Threshold"] == 9
    assert pipeline.noted_settings().keys() == {"churn"}
    pipeline.unmanage()
    pipeline.sweep()

    ids = [each["OutcomeId"] for each in pipeline.outcomes if each["Outcome"] == "unmanaged"]
    assert len(ids) == len(set(ids)) == 2


def test_a_removal_reads_the_journal_once(pipeline: Pipeline) -> None:
    pipeline.sweep()
    pipeline.unmanage()
    pipeline.look_at_settings()
    pipeline.pass_time(AT_WORK)
    pipeline.deployer_cloud.calls.clear()
    pipeline.sweep()

    # The fleet's partition, and the endpoint's.
    assert pipeline.deployer_cloud.calls.count(("dynamodb", "Query")) == 2
    assert alarms(pipeline) == {}


def test_a_persons_alarm_stays_when_the_settings_go(pipeline: Pipeline) -> None:
    pipeline.sweep()
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ERRORS])
    pipeline.make_alarm(ERRORS)
    pipeline.unmanage()
    pipeline.look_at_settings()
    pipeline.pass_time(AT_WORK)
    pipeline.sweep()

    assert alarms(pipeline).keys() == {ERRORS}
    assert pipeline.history.last_observed.alarms == {}
    assert pipeline.outcomes[-1]["Outcome"] == "unmanaged"


@pytest.mark.parametrize("operation", ["DescribeAlarms", "DeleteAlarms"])
def test_alarms_that_may_not_be_deleted_are_told_once_and_deleted_later(
    pipeline: Pipeline, operation: str
) -> None:
    pipeline.sweep()
    refuse(pipeline, operation)
    pipeline.unmanage()
    pipeline.look_at_settings()
    pipeline.pass_time(AT_WORK)
    pipeline.sweep()
    pipeline.sweep()
    assert len(attention(pipeline)) == 1
    assert alarms(pipeline).keys() == {ALARM, ERRORS}
    refuse(pipeline)
    pipeline.pass_time(24 * 3600)
    pipeline.sweep()

    assert alarms(pipeline) == {}
    assert removals(pipeline) == 1


def test_a_foreign_alarm_is_left_alone_and_told_once_and_a_new_version_waits(pipeline: Pipeline) -> None:
    cloudwatch = pipeline.cloud.client("cloudwatch")
    cloudwatch.delete_alarms(AlarmNames=[ERRORS])
    pipeline.make_alarm(ERRORS)
    arn = approve(pipeline)
    pipeline.run()
    pipeline.sweep()
    pipeline.sweep()

    [told] = attention(pipeline)
    assert f"The alarm {ERRORS} of endpoint churn is not of stack Greenlight" in told
    assert pipeline.told(arn) == []
    assert alarms(pipeline)[ERRORS]["MetricName"] == "ByHand"
    cloudwatch.delete_alarms(AlarmNames=[ERRORS])
    pipeline.sweep()
    pipeline.run()
    assert pipeline.told(arn) == ["started", "succeeded"]
    assert pipeline.history.last_observed.reported == ()


def test_a_former_version_comes_back_without_an_alarm_that_is_not_ours(pipeline: Pipeline) -> None:
    pipeline.manage(**watched(), Back="as_forward")
    second = approve(pipeline)
    pipeline.run()
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])
    pipeline.make_alarm(ALARM)
    pipeline.reject(second)
    pipeline.deliver()
    before = alarms(pipeline)[ALARM]["StateUpdatedTimestamp"]
    pipeline.run()

    assert pipeline.serving() == "v1"
    started = [each for each in pipeline.outcomes if each["Outcome"] == "started"][-1]
    assert started["AlarmsLeftOut"] == [ALARM]
    assert alarms(pipeline)[ALARM]["StateUpdatedTimestamp"] == before
    assert any("is not of stack Greenlight" in each for each in attention(pipeline))


def refuse(pipeline: Pipeline, *operations: str) -> None:
    def before_call(_service: str, operation: str) -> None:
        if operation in operations:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)

    pipeline.deployer_cloud.before_call = before_call


def test_an_alarm_that_cannot_be_made_is_told_once_and_tried_again(pipeline: Pipeline) -> None:
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ERRORS])
    refuse(pipeline, "PutMetricAlarm")
    arn = approve(pipeline)
    pipeline.run()
    pipeline.sweep()

    [told] = attention(pipeline)
    assert "is not deployed to churn yet" in told
    assert f"The alarm {ERRORS}, which guards rollouts, cannot be made or changed" in told
    assert pipeline.told(arn) == []
    assert pipeline.history.deployments[0].number == 1, "sweeps add no attempts"
    refuse(pipeline)
    pipeline.pass_time(24 * 3600)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.told(arn) == ["started", "succeeded"]


@pytest.mark.parametrize("back", ["at_once", "as_forward"])
def test_a_former_version_does_not_wait_for_an_alarm_that_cannot_be_made(
    pipeline: Pipeline, back: str
) -> None:
    pipeline.manage(**watched(), Back=back)
    second = approve(pipeline)
    pipeline.run()
    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ERRORS])
    refuse(pipeline, "PutMetricAlarm")
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    started = [each for each in pipeline.outcomes if each["Outcome"] == "started"][-1]
    assert started["AtOnce"] is (back == "at_once")
    assert started["AlarmsLeftOut"] == ([] if back == "at_once" else [ERRORS])


def test_alarms_that_nobody_saw_are_waited_for_unless_they_were_made_before(pipeline: Pipeline) -> None:
    pipeline.manage(**watched(percent=9))
    refuse(pipeline, "DescribeAlarms")
    arn = approve(pipeline)
    pipeline.run()

    assert pipeline.told(arn) == []
    assert any(f"Whether these were made is not known: {ERRORS}" in each for each in attention(pipeline))
    refuse(pipeline)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_crash_after_an_alarm_was_made_leaves_none_that_the_journal_does_not_know(
    pipeline: Pipeline,
) -> None:
    def die(_service: str, operation: str) -> None:
        if operation == "PutMetricAlarm":
            raise SystemExit

    pipeline.cloud.client("cloudwatch").delete_alarms(AlarmNames=[ERRORS])
    pipeline.manage(**watched(percent=9))
    pipeline.deployer_cloud.after_call = die
    with pytest.raises(SystemExit):
        pipeline.sweep()
    pipeline.deployer_cloud.after_call = lambda _service, _operation: None
    assert ERRORS in alarms(pipeline)
    pipeline.manage(**GUARDED)
    pipeline.sweep()

    assert alarms(pipeline).keys() == {ALARM}


@pytest.mark.parametrize("kept", list(SetAlarmState))
def test_a_reject_publishes_what_the_abort_alarm_measures_and_its_end_as_well(kept: SetAlarmState) -> None:
    pipeline = Pipeline(Switches(set_alarm_state=kept))
    pipeline.manage(**GUARDED)
    approve(pipeline)
    pipeline.run()
    arn = in_canary(pipeline)
    pipeline.reject(arn)
    pipeline.run()
    values = pipeline.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="Greenlight",
        MetricName="Abort",
        Dimensions=[{"Name": "EndpointName", "Value": "churn"}],
        StartTime="2000-01-01T00:00:00Z",
        EndTime="2100-01-01T00:00:00Z",
        Period=3600 * 24,
        Statistics=["Maximum", "Minimum", "Sum"],
    )["Datapoints"]

    assert pipeline.told(arn) == ["started", "aborted"]
    [point] = values
    assert point["Maximum"] > 0
    assert point["Maximum"] + point["Minimum"] < 0, "the end came last"
