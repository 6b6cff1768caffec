"""What the journal knows after a long time: the serving version, and which approved versions failed."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.dispatcher import PassesFailedError
from deployer.model.attempt import AttemptStatus, CleanUp, Deployment
from deployer.model.cause import Cause
from deployer.model.trigger import EndpointChanged
from local_cloud.sagemaker.ports import Health
from local_cloud.testing.scripted_hosting import Outcome
from tests.infra.sufficiency.stages.test_stage import SOAK, STAGING, metadata
from tests.infra.sufficiency.test_companions import AB_TEST, Shadowing
from tests.infra.sufficiency.test_trial import BAD, GOOD, Trying
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import TABLE, Pipeline, change_artifact

FEW = 9

STAMP = "greenlight:staging:endpoint:churn"


def managed(pipeline: Pipeline | None = None, **settings: Any) -> Pipeline:
    pipeline = pipeline or Pipeline()
    if not isinstance(pipeline, Shadowing):
        pipeline.manage(**settings)
    return pipeline


def deploy(pipeline: Pipeline, *, breaks: bool = False, **settings: Any) -> str:
    arn = pipeline.register()
    if breaks:
        pipeline.break_model_of(arn, **settings)
    pipeline.approve(arn)
    pipeline.run()
    pipeline.pass_time(3600)
    return arn


def quiet_sweeps(pipeline: Pipeline, count: int, *, seconds: float = 900) -> None:
    for _ in range(count):
        pipeline.pass_time(seconds)
        try:
            pipeline.sweep()
        except PassesFailedError:
            continue
        pipeline.run()


def rollouts(pipeline: Pipeline) -> int:
    calls = pipeline.sagemaker_calls()
    return calls.count("UpdateEndpoint") + calls.count("CreateEndpoint")


def models(pipeline: Pipeline) -> set[str]:
    return {each["ModelName"] for each in pipeline.sagemaker.list_models(MaxResults=100)["Models"]}


def serving_models(pipeline: Pipeline) -> set[str]:
    name = pipeline.endpoint["EndpointConfigName"]
    config = pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    variants = (*config["ProductionVariants"], *config.get("ShadowProductionVariants", ()))
    return {each["ModelName"] for each in variants}


# Failures ---------------------------------------------------------------------------------------------


@pytest.mark.timeout(900)
@pytest.mark.parametrize("failing", [FEW, pytest.param(120, marks=pytest.mark.long)])
def test_what_failed_is_not_tried_again_however_much_failed_since(failing: int) -> None:
    pipeline = managed()
    deploy(pipeline)
    for _ in range(failing):
        deploy(pipeline, breaks=True)
    assert rollouts(pipeline) == failing + 1

    quiet_sweeps(pipeline, 6, seconds=43_200)

    assert rollouts(pipeline) == failing + 1
    assert pipeline.serving() == "v1"


def test_a_version_that_failed_long_ago_is_tried_again_once_it_is_approved_again() -> None:
    pipeline = managed()
    deploy(pipeline)
    first = deploy(pipeline, breaks=True)
    for _ in range(FEW):
        deploy(pipeline, breaks=True)
    before = rollouts(pipeline)
    pipeline.approve(first)
    pipeline.run()

    assert rollouts(pipeline) == before + 1


def denying_deletions(pipeline: Pipeline) -> None:
    def deny(_service: str, operation: str) -> None:
        if operation in {"DeleteModel", "DeleteEndpointConfig"}:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "SCP"}}, operation)

    pipeline.deployer_cloud.before_call = deny


def hide_config(_service: str, operation: str) -> None:
    if operation == "DescribeEndpointConfig":
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)


def test_a_clean_up_that_is_denied_is_told_once_and_made_once_it_may_be() -> None:
    pipeline = managed()
    pipeline.manage(Keep=0)
    deploy(pipeline)
    denying_deletions(pipeline)
    arn = pipeline.register()
    config = pipeline.break_model_of(arn)
    pipeline.approve(arn)
    pipeline.run()
    for _ in range(30):
        pipeline.pass_time(3600)
        pipeline.sweep()

    tries = [each for each in pipeline.attempts if isinstance(each, CleanUp)]
    # Ten minutes, doubled each time, at sweeps an hour apart: after 1, 2, 3, 5, 8, 14, 25 hours.
    assert len(tries) == 8
    assert {(each.status, each.cause) for each in tries} == {(AttemptStatus.FAILED, Cause.SURROUNDINGS)}
    [told] = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert "cannot be deleted: AccessDeniedException: SCP" in told["Message"]
    assert rollouts(pipeline) == 2

    pipeline.deployer_cloud.before_call = lambda *_: None
    for _ in range(24):
        pipeline.pass_time(3600)
        pipeline.sweep()

    assert pipeline.attempts[0].status is AttemptStatus.SUCCEEDED
    assert config not in str(pipeline.sagemaker.list_endpoint_configs())
    assert pipeline.history.last_observed.reported == ()


def clean_ups(pipeline: Pipeline) -> int:
    return sum(isinstance(each, CleanUp) for each in pipeline.attempts)


def test_a_denied_clean_up_waits_longer_although_more_is_to_be_deleted_by_then() -> None:
    changed = {"CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]}}
    pipeline = managed(Keep=0)
    deploy(pipeline)
    denying_deletions(pipeline)
    deploy(pipeline, breaks=True, Keep=0)
    assert clean_ups(pipeline) == 1
    # What the version that serves had with the settings before is not needed any more.
    pipeline.manage(Keep=0, **changed)
    pipeline.sweep()
    pipeline.run()
    assert rollouts(pipeline) == 3
    assert clean_ups(pipeline) == 2
    quiet_sweeps(pipeline, 1, seconds=660)
    after_ten_minutes = clean_ups(pipeline)
    quiet_sweeps(pipeline, 1, seconds=660)

    assert (after_ten_minutes, clean_ups(pipeline)) == (2, 3)


def test_a_denied_clean_up_waits_longer_also_after_a_release_waited_for_its_retry() -> None:
    pipeline = managed(Keep=0)
    deploy(pipeline)
    refused = {"DeleteModel", "DeleteEndpointConfig"}

    def deny(_service: str, operation: str) -> None:
        if operation in refused:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "SCP"}}, operation)

    pipeline.deployer_cloud.before_call = deny
    deploy(pipeline, breaks=True, Keep=0)
    refused.add("UpdateEndpoint")
    pipeline.approve(pipeline.register())
    pipeline.run()
    quiet_sweeps(pipeline, 1, seconds=60)
    refused.remove("UpdateEndpoint")
    quiet_sweeps(pipeline, 1)
    assert pipeline.serving() == "v3"
    assert clean_ups(pipeline) == 3
    quiet_sweeps(pipeline, 1, seconds=30 * 60)
    after_half_an_hour = clean_ups(pipeline)
    quiet_sweeps(pipeline, 1, seconds=30 * 60)

    assert (after_half_an_hour, clean_ups(pipeline)) == (3, 4)


def test_a_clean_up_that_nothing_needs_any_more_is_withdrawn() -> None:
    pipeline = managed()
    deploy(pipeline)

    def crash(_service: str, operation: str) -> None:
        if operation == "DeleteEndpointConfig":
            raise ZeroDivisionError

    pipeline.deployer_cloud.before_call = crash
    arn = pipeline.register()
    config = pipeline.break_model_of(arn)
    pipeline.approve(arn)
    with pytest.raises(PassesFailedError):
        pipeline.run()
    pipeline.deployer_cloud.before_call = hide_config
    pipeline.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    pipeline.manage(Tags={"team": "other"})
    quiet_sweeps(pipeline, 1)

    assert pipeline.attempts[0].status is AttemptStatus.WITHDRAWN


def test_what_serves_stays_the_floor_for_settings_that_fail_however_old_it_is() -> None:
    pipeline = managed()
    deploy(pipeline)
    deploy(pipeline)
    for _ in range(FEW):
        deploy(pipeline, breaks=True)
    changed = {"CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]}}
    for newer in pipeline.history.approvals[:-1]:
        pipeline.break_model_of(newer.version_arn, **changed)
    pipeline.manage(**changed)
    quiet_sweeps(pipeline, 10)

    assert pipeline.serving() == "v2"


def test_a_version_that_is_deleted_while_it_cannot_be_read_gives_way_at_the_sweep_that_sees_it() -> None:
    """Only the registry's list showed it, and that was compared while the version could not be read."""

    def hide(_service: str, operation: str) -> None:
        if operation == "DescribeModelPackage":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)

    pipeline = managed()
    deploy(pipeline)
    second = deploy(pipeline)
    pipeline.deployer_cloud.before_call = hide
    pipeline.sagemaker.delete_model_package(ModelPackageName=second)
    pipeline.undelivered()
    quiet_sweeps(pipeline, 2)
    assert pipeline.serving() == "v2", "it may stand"
    # Search does not show that a version was deleted.
    pipeline.deployer_cloud.before_call = lambda *_: None
    quiet_sweeps(pipeline, 1)

    assert pipeline.serving() == "v1"


# Deletions --------------------------------------------------------------------------------------------


def test_a_live_versions_model_is_not_deleted_for_its_failing_shadows() -> None:
    pipeline = Shadowing()
    managed(pipeline)
    pipeline.approved_by("lead", pipeline.register())
    for _ in range(FEW):
        arn = pipeline.register()
        model = pipeline.release(arn).model_name
        pipeline.hosting.script(model, Outcome(Health.UNHEALTHY))
        pipeline.approved_by("scientist", arn)
        assert serving_models(pipeline) <= models(pipeline)
    before = rollouts(pipeline)
    quiet_sweeps(pipeline, 4)

    assert serving_models(pipeline) <= models(pipeline)
    assert rollouts(pipeline) == before


def test_a_pinned_champions_model_is_not_deleted_for_its_failing_challengers() -> None:
    pipeline = managed()
    pipeline.manage(**AB_TEST)
    for _ in range(2):
        deploy(pipeline)
    for _ in range(FEW):
        deploy(pipeline, breaks=True, **AB_TEST)
        assert serving_models(pipeline) <= models(pipeline)


def items(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Return the journal as it is: nothing here has more than a page of it."""
    page = pipeline.cloud.client("dynamodb").scan(TableName=TABLE)
    return list(page["Items"])


def restore(pipeline: Pipeline, before: list[dict[str, Any]]) -> None:
    """Let the journal be as it was."""
    table = pipeline.cloud.client("dynamodb")
    for item in items(pipeline):
        table.delete_item(TableName=TABLE, Key={key: item[key] for key in ("endpoint", "item")})
    for item in before:
        table.put_item(TableName=TABLE, Item=item)


def test_a_journal_that_was_restored_deletes_nothing_that_serves() -> None:
    pipeline = managed()
    pipeline.manage(Keep=0)
    deploy(pipeline)
    before = items(pipeline)
    changed: dict[str, Any] = {
        "CreateEndpointConfig": {
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "InstanceType": "ml.m5.xlarge",
                    "InitialInstanceCount": 1,
                    "InitialVariantWeight": 1.0,
                }
            ]
        }
    }
    pipeline.manage(Keep=0, **changed)
    pipeline.sweep()
    pipeline.run()
    restore(pipeline, before)
    quiet_sweeps(pipeline, 4)

    assert serving_models(pipeline) <= models(pipeline)
    assert pipeline.endpoint["EndpointStatus"] == "InService"


@pytest.mark.parametrize("event", ["of the endpoint", "of a version", "of an approval"])
def test_an_event_after_a_journal_was_restored_brings_no_older_version_back(event: str) -> None:
    """The journal does not know the version that serves. It is found before anything goes out."""
    pipeline = managed()
    deploy(pipeline)
    before = items(pipeline)
    second = deploy(pipeline)
    restore(pipeline, before)
    if event == "of the endpoint":
        pipeline.dispatch(EndpointChanged(ENDPOINT, event_id="e"))
    elif event == "of a version":
        pipeline.register()
    else:
        pipeline.sagemaker.update_model_package(
            ModelPackageArn=second, CustomerMetadataProperties={"note": "new"}
        )
    count = rollouts(pipeline)
    pipeline.run()
    quiet_sweeps(pipeline, 4)

    assert pipeline.serving() == "v2"
    assert rollouts(pipeline) == count


@pytest.mark.parametrize("reason", ["deleted", "denied"])
def test_nothing_is_deleted_while_the_config_that_serves_cannot_be_read(reason: str) -> None:
    pipeline = managed()
    pipeline.manage(Keep=0)
    deploy(pipeline)
    config = pipeline.endpoint["EndpointConfigName"]
    second = pipeline.register()
    pipeline.break_model_of(second)
    pipeline.approve(second)
    pipeline.deliver()
    while pipeline.endpoint["EndpointStatus"] != "InService":
        pipeline.pass_time(60)
    before = models(pipeline)
    if reason == "deleted":
        pipeline.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    else:
        pipeline.deployer_cloud.before_call = hide_config
    pipeline.run()

    assert "DeleteModel" not in pipeline.sagemaker_calls()
    assert models(pipeline) == before


def test_what_comes_to_serve_while_a_clean_up_begins_is_not_deleted() -> None:
    pipeline = managed()
    deploy(pipeline)
    second = pipeline.register()
    failed = pipeline.break_model_of(second)

    def go_back(_service: str, operation: str) -> None:
        if operation != "TransactWriteItems":
            return
        # The rest is noted: the next write is the clean-up's.
        noted = pipeline.history.last_observed.last_modified_time
        if noted == pipeline.endpoint["LastModifiedTime"]:
            pipeline.deployer_cloud.before_call = lambda *_: None
            pipeline.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=failed)

    pipeline.approve(second)
    pipeline.deliver()
    while pipeline.endpoint["EndpointStatus"] != "InService":
        pipeline.pass_time(60)
    pipeline.deployer_cloud.before_call = go_back
    pipeline.deliver()

    assert isinstance(pipeline.attempts[0], CleanUp)
    assert pipeline.attempts[0].status is AttemptStatus.WITHDRAWN
    assert "DeleteModel" not in pipeline.sagemaker_calls()


def test_what_could_not_be_put_back_is_not_put_back_again_however_much_failed_since() -> None:
    """The journal remembers the failure of a version's previous release, like any release's."""
    pipeline = Trying()
    managed(pipeline, **pipeline.settings)
    arn = pipeline.deploy(GOOD)
    former = pipeline.break_model_of(arn, **pipeline.settings)
    tested, *others = ({"CreateModel": {"Containers": [{"Environment": {"NAME": each}}]}} for each in "abcde")
    pipeline.script(arn, BAD, **tested)
    for each in others:
        pipeline.break_model_of(arn, **pipeline.settings, **each)
    for each in (tested, *others):
        pipeline.manage(**pipeline.settings, **each)
        quiet_sweeps(pipeline, 1)

    tried = [each for each in pipeline.attempts if isinstance(each, Deployment)]
    ends = [each.status for each in tried if each.endpoint_config_name == former]
    assert ends == [AttemptStatus.FAILED, AttemptStatus.SUCCEEDED]


# Stages -----------------------------------------------------------------------------------------------


def test_what_served_until_now_is_stamped_so_however_much_failed_meanwhile() -> None:
    pipeline = managed(Pipeline(), **STAGING)
    first = deploy(pipeline)
    for _ in range(3):
        deploy(pipeline, breaks=True, **STAGING)
    assert metadata(pipeline, first)[STAMP].startswith("serving since ")

    second = deploy(pipeline)

    assert metadata(pipeline, second)[STAMP].startswith("serving since ")
    assert metadata(pipeline, first)[STAMP].startswith("served until ")


def test_what_served_until_a_failed_smoke_test_is_stamped_so_however_much_failed_before() -> None:
    """The previous release may not serve again, so an older version comes back."""
    pipeline = Trying(**STAGING)
    managed(pipeline, **pipeline.settings)
    first, second = pipeline.deploy(GOOD), pipeline.deploy(GOOD)
    third, fourth = pipeline.register(), pipeline.register()
    pipeline.break_model_of(third, **pipeline.settings)
    pipeline.script(fourth, BAD)
    pipeline.approve(third)
    pipeline.deliver()
    # Its approval is for another artifact than the serving one, and then it is changed once more.
    change_artifact(pipeline, second)
    pipeline.approve(second)
    pipeline.deliver()
    change_artifact(pipeline, second, "s3://models/yet/another/model.tar.gz")
    pipeline.approve(fourth)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert metadata(pipeline, first)[STAMP].startswith("serving since ")
    assert metadata(pipeline, second)[STAMP].startswith("served until ")


def test_what_served_until_a_deployment_that_others_followed_at_once_is_stamped_so() -> None:
    """Stamps are written at rest: by then others have been tried."""
    pipeline = managed(Pipeline(), **STAGING)
    first = deploy(pipeline)
    second, third, fourth = (pipeline.register() for _ in range(3))
    for arn in (third, fourth):
        pipeline.break_model_of(arn, **STAGING)
    for arn in (second, third, fourth):
        pipeline.approve(arn)
        pipeline.deliver()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert metadata(pipeline, first)[STAMP].startswith("served until ")
    assert metadata(pipeline, second)[STAMP].startswith("serving since ")
    assert metadata(pipeline, fourth)[STAMP].startswith("failed ")


def test_what_was_promoted_is_not_journalled_as_promoted_again_with_other_settings() -> None:
    pipeline = managed(Pipeline(), **STAGING)
    first = deploy(pipeline)
    quiet_sweeps(pipeline, 3, seconds=SOAK)
    assert pipeline.told(first).count("promoted") == 1

    for level in ("debug", "warning", "error"):
        container = {"Environment": {"LOG_LEVEL": level}}
        pipeline.manage(**STAGING, CreateModel={"Containers": [container]})
        quiet_sweeps(pipeline, 3, seconds=SOAK)

    assert pipeline.told(first).count("promoted") == 1


def test_a_journal_that_was_restored_uses_no_id_of_an_outcome_twice() -> None:
    """A consumer that drops copies by their id would drop a real outcome."""
    pipeline = managed()
    deploy(pipeline)
    before = items(pipeline)
    for _ in range(2):
        deploy(pipeline)
        restore(pipeline, before)

    ids = [each["OutcomeId"] for each in pipeline.outcomes if each["Outcome"] == "started"]
    assert len([each for each in ids if each.startswith("churn/2/")]) == 2
    assert len(ids) == len(set(ids))
