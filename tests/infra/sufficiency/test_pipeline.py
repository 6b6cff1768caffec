"""The whole deployer against the control plane: what approvals, rejects and faults lead to."""

from __future__ import annotations

import dataclasses
import itertools
import json
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from deployer.decisions.judgement import STALE_READ_LIMIT
from deployer.decisions.retries import RETRY_DELAYS
from deployer.dispatcher import PART_SIZE, PassesFailedError
from deployer.endpoint_pass.attempts import LEASE
from deployer.model.attempt import AttemptStatus, CleanUp
from deployer.model.trigger import EndpointChanged, SweepPart
from deployer.operations import OPERATIONS
from deployer.triggers import read_trigger
from iam_evaluator.policies import parse_policy
from local_cloud.sagemaker.ports import Key
from local_cloud.sagemaker.switch_settings import MissingGroupListing, SearchedGroupNames, SearchIndex
from local_cloud.sagemaker.switches import Switches
from tests.unit.deployer.builders import ENDPOINT, GROUP, settings_document
from tests.unit.deployer.foretelling import FORETELLS
from tests.unit.deployer.pipeline import REGION, SCHEDULED, Pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping

MANY = 100

WRITES = frozenset(
    operation
    for operation in OPERATIONS["sagemaker"]
    if operation.startswith(("Add", "Create", "Delete", "Update"))
)


def writes(pipeline: Pipeline) -> list[str]:
    return [operation for operation in pipeline.sagemaker_calls() if operation in WRITES]


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline()
    made.manage()
    return made


def deployed(pipeline: Pipeline, count: int = 1) -> list[str]:
    """Approve and deploy so many versions, one after another."""
    arns = []
    for _ in range(count):
        arn = pipeline.register()
        pipeline.approve(arn)
        pipeline.run()
        pipeline.pass_time(60)
        arns.append(arn)
    return arns


# Approvals -------------------------------------------------------------------------------------------


def test_an_approved_version_is_serving(pipeline: Pipeline) -> None:
    (arn,) = deployed(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.endpoint["EndpointStatus"] == "InService"
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_version_whose_card_is_encrypted_takes_no_permission_for_its_key(pipeline: Pipeline) -> None:
    """Refused where IAM is enforced, if the card's content is asked for: the key admits nobody."""
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    key_arn = f"arn:aws:kms:{REGION}:{pipeline.account_id}:key/1"
    pipeline.keys.keys["alias/cards"] = Key(key_arn, ("alias/cards",), parse_policy({"Statement": nobody}))
    arn = pipeline.register(
        ModelCard={"ModelCardContent": "{}", "ModelCardStatus": "Draft"},
        SecurityConfig={"KmsKeyId": "alias/cards"},
    )
    pipeline.approve(arn)
    pipeline.run()
    pipeline.sweep()

    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_first_deployment_makes_at_most_three_writes_and_eight_reads(pipeline: Pipeline) -> None:
    """Two of the reads ask once for the versions approved before, and for the one that serves."""
    deployed(pipeline)

    made = pipeline.sagemaker_calls()
    assert writes(pipeline) == ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]
    assert len(made) - 3 <= 8


def test_everything_made_carries_our_tags(pipeline: Pipeline) -> None:
    deployed(pipeline)
    arn = pipeline.endpoint["EndpointArn"]

    tags = pipeline.sagemaker.list_tags(ResourceArn=arn)["Tags"]

    assert {each["Key"]: each["Value"] for each in tags} == {
        "greenlight:stack": "Greenlight",
        "greenlight:endpoint": ENDPOINT,
        "team": "growth",
    }


def test_a_config_carries_its_version_its_approver_and_when_that_was(pipeline: Pipeline) -> None:
    """They cost no call: a config's tags go with its creation. An update of an endpoint takes no tags."""
    deployed(pipeline)
    name = pipeline.endpoint["EndpointConfigName"]
    arn = pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=name)["EndpointConfigArn"]
    [approval] = pipeline.history.approvals

    tags = {each["Key"]: each["Value"] for each in pipeline.sagemaker.list_tags(ResourceArn=arn)["Tags"]}

    assert {key: value for key, value in tags.items() if "approved" in key or "version" in key} == {
        "greenlight:version": "1",
        "greenlight:approved-by": approval.approved_by,
        "greenlight:approved-at": approval.approved_at.isoformat(),
    }


def test_a_version_that_nobody_approved_is_never_deployed(pipeline: Pipeline) -> None:
    pipeline.register()
    pipeline.run()
    pipeline.sweep()

    looked = ["ListModelPackages", "ListEndpoints", "Search", "ListModelPackages"]
    # A journal that was lost may have known alarms of an endpoint that is gone: it is asked for once.
    assert pipeline.sagemaker_calls() == [*looked, "DescribeEndpoint"]
    pipeline.sweep()
    assert pipeline.sagemaker_calls().count("DescribeEndpoint") == 1


def test_a_version_registered_as_approved_is_deployed(pipeline: Pipeline) -> None:
    pipeline.register("Approved")
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_the_next_version_updates_the_same_endpoint(pipeline: Pipeline) -> None:
    deployed(pipeline)
    created = pipeline.endpoint["CreationTime"]
    deployed(pipeline)

    assert pipeline.serving() == "v2"
    assert pipeline.endpoint["CreationTime"] == created
    assert writes(pipeline)[-1] == "UpdateEndpoint"


def test_approving_an_older_version_deploys_that_one(pipeline: Pipeline) -> None:
    first, second = pipeline.register(), pipeline.register()
    pipeline.approve(second)
    pipeline.run()
    pipeline.approve(first)
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_approvals_during_a_rollout_wait_and_only_the_newest_goes_out(pipeline: Pipeline) -> None:
    arns = [pipeline.register() for _ in range(3)]
    for arn in arns:
        pipeline.approve(arn)
        pipeline.pass_time(1)
        pipeline.deliver()
    pipeline.run()

    assert pipeline.serving() == "v3"
    assert pipeline.told(arns[1]) == []


def test_the_approver_is_kept_with_the_approval(pipeline: Pipeline) -> None:
    deployed(pipeline)

    (approval,) = pipeline.history.approvals
    assert approval.approved_by == f"arn:aws:iam::{pipeline.account_id}:root"


def test_one_correlation_id_runs_from_the_approval_to_its_outcomes(pipeline: Pipeline) -> None:
    deployed(pipeline)

    (event,) = [
        each
        for each in pipeline.events.events
        if each["detail"].get("UpdatedModelPackageFields") == ["ModelApprovalStatus"]
    ]
    assert {each["CorrelationId"] for each in pipeline.outcomes} == {event["id"]}


def test_a_change_of_metadata_is_no_approval(pipeline: Pipeline) -> None:
    first, _ = deployed(pipeline, 2)
    pipeline.sagemaker.update_model_package(ModelPackageArn=first, CustomerMetadataProperties={"note": "old"})
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert len(pipeline.history.approvals) == 2


# Events ----------------------------------------------------------------------------------------------


def test_an_event_that_changes_nothing_makes_no_write(pipeline: Pipeline) -> None:
    deployed(pipeline)
    before = len(writes(pipeline))
    for event in list(pipeline.events.events):
        pipeline.dispatch(read_trigger(event))
    pipeline.sweep()

    assert len(writes(pipeline)) == before
    assert len(pipeline.outcomes) == 2


def test_an_old_event_never_overrides_a_newer_approval(pipeline: Pipeline) -> None:
    first, second = pipeline.register(), pipeline.register()
    pipeline.approve(first)
    late = pipeline.undelivered()
    pipeline.pass_time(60)
    pipeline.approve(second)
    pipeline.run()
    for event in late:
        pipeline.dispatch(read_trigger(event))
    pipeline.run()

    assert pipeline.serving() == "v2"


def test_a_lost_approval_is_found_by_the_sweep(pipeline: Pipeline) -> None:
    pipeline.approve(pipeline.register())
    pipeline.undelivered()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_a_lost_state_change_is_found_by_the_sweep(pipeline: Pipeline) -> None:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deliver()
    pipeline.pass_time(3600)
    pipeline.undelivered()
    pipeline.sweep()

    assert pipeline.told(arn) == ["started", "succeeded"]


def test_an_endpoint_added_after_the_approval_gets_its_version_with_its_settings() -> None:
    pipeline = Pipeline()
    pipeline.approve(pipeline.register())
    pipeline.run()
    pipeline.manage()
    pipeline.look_at_settings()
    pipeline.run()

    assert pipeline.serving() == "v1"


@pytest.mark.parametrize("listing", list(MissingGroupListing))
def test_an_endpoint_may_be_deployed_before_its_group_exists(listing: MissingGroupListing) -> None:
    pipeline = Pipeline(Switches(missing_group_listing=listing))
    pipeline.manage(ModelPackageGroupName="not-yet")
    pipeline.sweep()

    assert pipeline.sagemaker_calls() == ["ListEndpoints", "Search", "ListModelPackages", "DescribeEndpoint"]


def test_events_of_others_cost_no_call_to_sagemaker(pipeline: Pipeline) -> None:
    pipeline.sagemaker.create_model_package_group(ModelPackageGroupName="somebody-elses")
    pipeline.register("Approved", group="somebody-elses")
    pipeline.register_unversioned()
    pipeline.run()
    pipeline.dispatch(EndpointChanged("somebody-elses", "e"))
    pipeline.dispatch(read_trigger({"nonsense": True}))

    assert pipeline.sagemaker_calls() == []


def test_an_event_that_names_another_groups_version_deploys_nothing(pipeline: Pipeline) -> None:
    pipeline.sagemaker.create_model_package_group(ModelPackageGroupName="somebody-elses")
    foreign = pipeline.register("Approved", group="somebody-elses")
    (event,) = pipeline.undelivered()
    event["detail"]["ModelPackageGroupName"] = GROUP
    pipeline.dispatch(read_trigger(event))

    assert foreign.endswith("somebody-elses/1")
    assert writes(pipeline) == []
    assert pipeline.history.approvals == ()


def test_the_same_groups_version_of_another_account_deploys_nothing(pipeline: Pipeline) -> None:
    pipeline.register("Approved")
    (event,) = pipeline.undelivered()
    event["detail"]["ModelPackageArn"] = event["detail"]["ModelPackageArn"].replace(
        pipeline.account_id, "999999999999"
    )
    pipeline.dispatch(read_trigger(event))

    assert pipeline.sagemaker_calls() == []


def test_a_version_approved_long_ago_is_no_news_when_its_metadata_changes(pipeline: Pipeline) -> None:
    first = pipeline.register()
    pipeline.approve(first)
    pipeline.run()
    for _ in range(MANY):
        pipeline.register("Approved")
    pipeline.run()
    live = pipeline.serving()
    pipeline.sagemaker.update_model_package(ModelPackageArn=first, CustomerMetadataProperties={"note": "old"})
    pipeline.run()
    pipeline.sweep()
    pipeline.run()

    assert live == f"v{MANY + 1}"
    assert pipeline.serving() == live


def test_what_sagemaker_does_not_see_yet_is_tried_again_by_lambda(pipeline: Pipeline) -> None:
    pipeline.control_plane.timings = dataclasses.replace(
        pipeline.control_plane.timings, endpoint_config_visible_seconds=5
    )
    arn = pipeline.register()
    pipeline.approve(arn)
    with pytest.raises(PassesFailedError, match="Could not find endpoint configuration"):
        pipeline.deliver()
    pipeline.pass_time(60)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "succeeded"]


# Rejects ---------------------------------------------------------------------------------------------


def test_rejecting_the_live_version_goes_back_to_the_one_before(pipeline: Pipeline) -> None:
    first, second = deployed(pipeline, 2)
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(first) == ["started", "succeeded", "started", "rolled_back"]


def test_rejecting_a_version_that_is_not_live_changes_nothing(pipeline: Pipeline) -> None:
    first, _ = deployed(pipeline, 2)
    before = writes(pipeline)
    pipeline.reject(first)
    pipeline.run()

    assert writes(pipeline) == before


def test_rejecting_everything_keeps_serving_and_says_so(pipeline: Pipeline) -> None:
    (arn,) = deployed(pipeline)
    pipeline.reject(arn)
    pipeline.run()
    pipeline.sweep()

    assert pipeline.serving() == "v1"
    assert [each["Outcome"] for each in pipeline.outcomes] == ["started", "succeeded", "needs_attention"]
    assert "No approved version" in pipeline.outcomes[-1]["Message"]
    pipeline.sweep()
    assert len(pipeline.outcomes) == 3, "it is said once"


def test_a_reject_just_before_the_write_is_still_seen(pipeline: Pipeline) -> None:
    arn = pipeline.register()
    pipeline.approve(arn)

    def reject_late(_service: str, operation: str) -> None:
        if operation == "CreateEndpointConfig":
            pipeline.reject(arn)

    pipeline.deployer_cloud.before_call = reject_late
    pipeline.run()

    assert writes(pipeline) == [
        "CreateModel",
        "CreateEndpointConfig",
        "DeleteEndpointConfig",
        "DeleteModel",
    ]
    assert pipeline.attempts[-1].status is AttemptStatus.WITHDRAWN
    assert pipeline.outcomes == []


def test_approving_a_rejected_version_again_is_found_although_its_event_is_lost(pipeline: Pipeline) -> None:
    first, second = deployed(pipeline, 2)
    pipeline.reject(first)
    pipeline.run()
    pipeline.pass_time(60)
    pipeline.approve(first)
    pipeline.undelivered()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert second


def test_an_endpoint_of_the_same_name_in_other_letter_case_is_told_once_and_left_alone() -> None:
    pipeline = Pipeline(Switches.from_document({"name_lookup": "case_sensitive"}))
    pipeline.manage()
    deployed(pipeline)
    pipeline.manage(EndpointName="Churn")
    for _ in range(2):
        with pytest.raises(PassesFailedError, match="already existing"):
            pipeline.look_at_settings()
    pipeline.pass_time(STALE_READ_LIMIT.total_seconds())
    pipeline.look_at_settings()

    assert writes(pipeline).count("CreateEndpoint") == 4
    assert [each["Outcome"] for each in pipeline.outcomes].count("needs_attention") == 1
    assert "another letter case" in pipeline.outcomes[-1]["Message"]


def test_an_endpoint_that_is_busy_and_seen_at_rest_is_waited_for_however_long(pipeline: Pipeline) -> None:
    """The read is stale. No report of another letter case: the endpoint exists."""
    deployed(pipeline)
    second = pipeline.register()
    pipeline.approve(second)

    def refuse(_service: str, operation: str) -> None:
        if operation == "UpdateEndpoint":
            message = 'Cannot update in-progress endpoint "churn".'
            raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, operation)

    pipeline.deployer_cloud.before_call = refuse
    with pytest.raises(PassesFailedError, match="in-progress"):
        pipeline.deliver()
    for _ in range(2):
        pipeline.pass_time(STALE_READ_LIMIT.total_seconds())
        with pytest.raises(PassesFailedError, match="in-progress"):
            pipeline.sweep()

    assert "needs_attention" not in [each["Outcome"] for each in pipeline.outcomes]
    assert pipeline.attempts[0].status is AttemptStatus.OPEN
    pipeline.deployer_cloud.before_call = lambda *_: None
    pipeline.pass_time(1800)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.serving() == "v2"
    assert pipeline.told(second) == ["started", "succeeded"]


def test_a_version_deleted_from_the_registry_no_longer_stands(pipeline: Pipeline) -> None:
    _, second = deployed(pipeline, 2)
    pipeline.sagemaker.delete_model_package(ModelPackageName=second)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"


# Failures --------------------------------------------------------------------------------------------


def test_a_broken_update_is_reported_and_the_endpoint_keeps_its_version(pipeline: Pipeline) -> None:
    deployed(pipeline)
    broken = pipeline.register()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(broken) == ["started", "failed"]
    assert "did not pass the ping health check" in pipeline.outcomes[-1]["Reason"]
    assert pipeline.outcomes[-1]["ServingEndpointConfigName"] == pipeline.endpoint["EndpointConfigName"]


def test_a_version_that_failed_is_not_tried_again(pipeline: Pipeline) -> None:
    deployed(pipeline)
    broken = pipeline.register()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.run()
    before = writes(pipeline)
    for _ in range(3):
        pipeline.pass_time(900)
        pipeline.sweep()
        pipeline.run()

    assert writes(pipeline) == before
    assert len(pipeline.outcomes) == 4


def test_approving_a_failed_version_again_tries_it_again(pipeline: Pipeline) -> None:
    deployed(pipeline)
    broken = pipeline.register()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.run()
    pipeline.pass_time(60)
    pipeline.approve(broken)
    pipeline.run()

    assert pipeline.told(broken) == ["started", "failed", "started", "failed"]


def test_a_failed_first_deployment_is_left_for_diagnosis_when_nothing_else_stands(pipeline: Pipeline) -> None:
    broken = pipeline.register()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.run()
    pipeline.sweep()

    assert pipeline.endpoint["EndpointStatus"] == "Failed"
    assert pipeline.told(broken) == ["started", "failed"]
    assert "The endpoint serves nothing" in pipeline.outcomes[1]["Message"]
    assert pipeline.outcomes[-1]["Outcome"] == "needs_attention"
    assert len(pipeline.outcomes) == 3


def test_a_failed_first_deployment_makes_way_for_the_next_approval(pipeline: Pipeline) -> None:
    broken = pipeline.register()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.run()
    mended = pipeline.register()
    pipeline.approve(mended)
    pipeline.run()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(mended) == ["started", "succeeded"]
    assert writes(pipeline).count("DeleteEndpoint") == 1


def test_a_failed_first_deployment_falls_back_to_an_older_approval_once_that_is_given_again(
    pipeline: Pipeline,
) -> None:
    """Nobody saw when the older one was given, and it never served."""
    older, broken = pipeline.register(), pipeline.register()
    pipeline.approve(older)
    pipeline.undelivered()
    pipeline.pass_time(60)
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.sweep()
    pipeline.run()
    pipeline.sweep()
    pipeline.run()
    assert pipeline.serving() is None

    pipeline.approve(older)
    pipeline.run()
    assert pipeline.serving() == "v1"


def short_of_instances(pipeline: Pipeline, count: int | None) -> None:
    pipeline.control_plane.limits.set_instance_capacity(
        pipeline.account_id, "eu-central-1", "ml.m5.large", count
    )


def test_a_shortage_of_instances_is_tried_again_until_there_are_some(pipeline: Pipeline) -> None:
    deployed(pipeline)
    arn = pipeline.register()
    short_of_instances(pipeline, 1)
    pipeline.approve(arn)
    pipeline.run()
    assert pipeline.told(arn) == ["started", "failed"]
    assert "InsufficientInstanceCapacity" in pipeline.outcomes[-1]["Reason"]
    assert pipeline.outcomes[-1]["RetryAt"]
    before = writes(pipeline)
    pipeline.sweep()
    assert writes(pipeline) == before, "not before its time"
    short_of_instances(pipeline, None)
    pipeline.pass_time(RETRY_DELAYS[0].total_seconds())
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(arn) == ["started", "failed", "started", "succeeded"]


def test_a_shortage_that_lasts_ends_in_failure_after_five_retries(pipeline: Pipeline) -> None:
    deployed(pipeline)
    arn = pipeline.register()
    short_of_instances(pipeline, 1)
    pipeline.approve(arn)
    pipeline.run()
    for _ in range(20):
        pipeline.pass_time(RETRY_DELAYS[-1].total_seconds())
        pipeline.sweep()
        pipeline.run()

    assert pipeline.told(arn).count("failed") == 1 + len(RETRY_DELAYS)
    assert "not tried again" in pipeline.outcomes[-1]["Message"]
    assert pipeline.serving() == "v1"


def test_a_quota_is_tried_again_and_named(pipeline: Pipeline) -> None:
    pipeline.control_plane.limits.set_instance_quota(pipeline.account_id, "eu-central-1", "ml.m5.large", 0)
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    assert "ml.m5.large for endpoint usage" in pipeline.outcomes[-1]["Reason"]
    pipeline.control_plane.limits.set_instance_quota(pipeline.account_id, "eu-central-1", "ml.m5.large", None)
    pipeline.pass_time(RETRY_DELAYS[0].total_seconds())
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_a_failed_rollback_is_repaired_by_the_approval_before(pipeline: Pipeline) -> None:
    deployed(pipeline)
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deliver()
    pipeline.control_plane.incidents.fail_work(
        pipeline.account_id, "eu-central-1", ENDPOINT, "ping", rollback_fails=True
    )
    pipeline.run()

    assert pipeline.endpoint["EndpointStatus"] == "InService"
    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "failed"]


def test_an_endpoint_out_of_service_is_reported_once_and_left_alone(pipeline: Pipeline) -> None:
    deployed(pipeline)
    pipeline.control_plane.incidents.take_out_of_service(pipeline.account_id, "eu-central-1", ENDPOINT)
    before = writes(pipeline)
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    pipeline.sweep()

    assert writes(pipeline) == before
    assert [each["Outcome"] for each in pipeline.outcomes].count("needs_attention") == 1
    pipeline.control_plane.incidents.return_to_service(pipeline.account_id, "eu-central-1", ENDPOINT)
    pipeline.run()
    assert pipeline.serving() == "v2"


def test_a_refused_model_is_told_with_sagemakers_words(pipeline: Pipeline) -> None:
    arn = pipeline.register()
    pipeline.artifacts.s3_urls.clear()
    pipeline.approve(arn)
    pipeline.run()

    assert pipeline.told(arn) == ["needs_attention"]
    assert "Could not access model data" in pipeline.outcomes[-1]["Reason"]
    assert set(writes(pipeline)) == {"CreateModel"}


def test_a_change_by_somebody_else_in_between_is_waited_for(pipeline: Pipeline) -> None:
    deployed(pipeline)
    arn = pipeline.register()
    pipeline.approve(arn)

    def maintain(_service: str, operation: str) -> None:
        if operation == "UpdateEndpoint":
            pipeline.deployer_cloud.before_call = lambda _service, _operation: None
            pipeline.control_plane.incidents.begin_system_update(
                pipeline.account_id, "eu-central-1", ENDPOINT
            )

    pipeline.deployer_cloud.before_call = maintain
    pipeline.run()

    assert [each.status for each in pipeline.attempts[:2]] == [
        AttemptStatus.SUCCEEDED,
        AttemptStatus.WITHDRAWN,
    ]
    assert pipeline.serving() == "v2"
    assert pipeline.told(arn) == ["started", "succeeded"]


# Settings --------------------------------------------------------------------------------------------


def two_instances() -> dict[str, Any]:
    (variant,) = settings_document()["CreateEndpointConfig"]["ProductionVariants"]
    return {"CreateEndpointConfig": {"ProductionVariants": [{**variant, "InitialInstanceCount": 2}]}}


def test_changed_settings_roll_out(pipeline: Pipeline) -> None:
    deployed(pipeline)
    pipeline.manage(**two_instances())
    pipeline.look_at_settings()
    pipeline.run()

    assert pipeline.endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 2


def test_settings_that_fail_leave_the_endpoint_on_the_last_that_worked(pipeline: Pipeline) -> None:
    _, second = deployed(pipeline, 2)
    worked = pipeline.endpoint["EndpointConfigName"]
    changes = {"CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "nonsense"}}]}}
    pipeline.break_model_of(second, **changes)
    pipeline.manage(**changes)
    pipeline.look_at_settings()
    pipeline.run()
    pipeline.sweep()

    assert pipeline.endpoint["EndpointConfigName"] == worked
    assert pipeline.serving() == "v2"
    assert pipeline.outcomes[-1]["Outcome"] == "failed"


def test_changed_tags_reach_the_endpoint_without_a_rollout(pipeline: Pipeline) -> None:
    deployed(pipeline)
    before = pipeline.endpoint["EndpointConfigName"]
    pipeline.manage(Tags={"cost-center": "42"})
    pipeline.sweep()
    made = writes(pipeline)
    pipeline.sweep()

    tags = pipeline.sagemaker.list_tags(ResourceArn=pipeline.endpoint["EndpointArn"])["Tags"]
    assert {each["Key"] for each in tags} == {"cost-center", "greenlight:stack", "greenlight:endpoint"}
    assert pipeline.endpoint["EndpointConfigName"] == before
    assert writes(pipeline) == made


def test_settings_that_are_removed_leave_the_endpoint_serving(pipeline: Pipeline) -> None:
    deployed(pipeline)
    pipeline.sweep()
    pipeline.unmanage()
    before = pipeline.sagemaker_calls()
    pipeline.look_at_settings()
    pipeline.sweep()

    # The sweep's list may show a test endpoint of the removed one.
    assert pipeline.sagemaker_calls() == [*before, "DescribeEndpoint", "ListTags", "ListEndpoints"]
    assert pipeline.serving() == "v1"


def test_settings_that_are_not_what_was_deployed_cost_the_others_nothing(pipeline: Pipeline) -> None:
    pipeline.manage(EndpointName="broken")
    pipeline.files["endpoints/broken.json"] += b" "
    pipeline.approve(pipeline.register())
    for event in pipeline.undelivered():
        if event["detail"].get("ModelApprovalStatus") == "Approved":
            with pytest.raises(PassesFailedError, match=r"endpoints/broken\.json .* Deploy the stack"):
                pipeline.dispatch(read_trigger(event))
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_more_endpoints_than_a_page_all_follow_their_group(pipeline: Pipeline) -> None:
    for number in range(11):
        pipeline.manage(EndpointName=f"churn-{number}")
    deployed(pipeline)

    names = pipeline.sagemaker.list_endpoints(MaxResults=100)["Endpoints"]
    assert len(names) == 12


def kinds_told(pipeline: Pipeline) -> list[str]:
    return [each["Outcome"] for each in pipeline.outcomes]


@pytest.mark.parametrize("event_is_lost", [False, True])
def test_removed_settings_are_told_once(pipeline: Pipeline, *, event_is_lost: bool) -> None:
    deployed(pipeline)
    pipeline.sweep()
    pipeline.unmanage()
    for _ in range(2):
        if not event_is_lost:
            pipeline.look_at_settings()
        pipeline.sweep()
        pipeline.pass_time(15 * 60)

    assert kinds_told(pipeline) == ["started", "succeeded", "unmanaged"]
    assert pipeline.outcomes[-1]["EndpointName"] == ENDPOINT
    pipeline.sweep()
    assert pipeline.journal.fleet.records() == {}


def test_a_removal_is_told_although_an_older_invocation_makes_the_endpoint_only_afterwards(
    pipeline: Pipeline,
) -> None:
    pipeline.sweep()
    older = pipeline.files
    pipeline.unmanage()
    pipeline.look_at_settings()
    assert kinds_told(pipeline) == []

    newer, pipeline.files = pipeline.files, older
    pipeline.approve(pipeline.register())
    pipeline.deliver()
    pipeline.files = newer
    pipeline.run()
    for _ in range(2):
        pipeline.pass_time(15 * 60)
        pipeline.sweep()

    assert kinds_told(pipeline) == ["started", "succeeded", "unmanaged"]
    assert pipeline.journal.fleet.records() == {}


def test_each_removal_has_an_id_of_its_own_and_a_repeated_word_of_it_the_same(pipeline: Pipeline) -> None:
    deployed(pipeline)
    document = settings_document()
    for _ in range(2):
        pipeline.manage(**document)
        pipeline.sweep()
        noted = pipeline.journal.fleet.records()[ENDPOINT]
        pipeline.unmanage()
        pipeline.sweep()
        # A crash before the report was noted: the next sweep makes it again.
        left = pipeline.journal.fleet.records()[ENDPOINT]
        pipeline.journal.fleet.begin_again(ENDPOINT, left)
        pipeline.journal.fleet.note_look(ENDPOINT, replace(noted, rests=False))
        pipeline.sweep()
        pipeline.pass_time(120)

    ids = [each["OutcomeId"] for each in pipeline.outcomes if each["Outcome"] == "unmanaged"]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_an_endpoint_of_newer_settings_is_not_told_as_removed_by_an_invocation_with_older_ones(
    pipeline: Pipeline,
) -> None:
    deployed(pipeline)
    older = pipeline.files
    pipeline.manage(EndpointName="new")
    pipeline.look_at_settings()
    pipeline.files = older
    pipeline.sweep()
    pipeline.deploy_settings()
    pipeline.sweep()

    assert "unmanaged" not in kinds_told(pipeline)
    assert {*pipeline.noted_settings()} == {ENDPOINT, "new"}


def test_settings_are_looked_at_once_and_only_those_that_changed(pipeline: Pipeline) -> None:
    pipeline.manage(EndpointName="other", ModelPackageGroupName="others")
    deployed(pipeline)
    pipeline.sweep()
    pipeline.manage(**two_instances())
    before = len(pipeline.sagemaker_calls())
    pipeline.look_at_settings()
    looked_at = pipeline.sagemaker_calls()[before:]
    pipeline.run()
    pipeline.look_at_settings()
    before = len(pipeline.sagemaker_calls())
    pipeline.look_at_settings()

    assert looked_at.count("ListModelPackages") == looked_at.count("UpdateEndpoint") == 1
    assert pipeline.sagemaker_calls()[before:] == []


def test_a_look_that_did_not_end_is_repeated(pipeline: Pipeline) -> None:
    deployed(pipeline)
    pipeline.sweep()
    noted = pipeline.noted_settings()
    pipeline.manage(Tags={"team": "risk"})

    def fail(_service: str, operation: str) -> None:
        if operation == "AddTags":
            raise ConnectionError

    pipeline.deployer_cloud.before_call = fail
    with pytest.raises(PassesFailedError):
        pipeline.look_at_settings()
    assert pipeline.noted_settings() == noted
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    pipeline.look_at_settings()

    tags = pipeline.sagemaker.list_tags(ResourceArn=pipeline.endpoint["EndpointArn"])["Tags"]
    assert {"Key": "team", "Value": "risk"} in tags
    assert pipeline.noted_settings() != noted


def test_settings_that_wait_for_a_rollout_under_way_are_noted_when_they_have_had_their_turn(
    pipeline: Pipeline,
) -> None:
    pipeline.approve(pipeline.register())
    pipeline.deliver()
    pipeline.look_at_settings()
    assert pipeline.noted_settings() == {}
    pipeline.run()
    pipeline.sweep()

    assert {*pipeline.noted_settings()} == {ENDPOINT}


def test_many_changed_settings_are_looked_at_in_parts(pipeline: Pipeline) -> None:
    for number in range(PART_SIZE):
        pipeline.manage(EndpointName=f"churn-{number}")
    pipeline.look_at_settings()

    named = [part["detail"]["EndpointNames"] for part in pipeline.parts]
    assert [len(names) for names in named] == [PART_SIZE, 1]
    for part in pipeline.parts:
        pipeline.dispatch(read_trigger(part))
    assert sorted(name for names in named for name in names) == sorted(pipeline.noted_settings())


def test_an_approval_costs_no_call_for_its_settings(pipeline: Pipeline) -> None:
    pipeline.approve(pipeline.register())
    pipeline.run()

    assert {service for service, _ in pipeline.deployer_cloud.calls}.isdisjoint({"ssm"})
    assert pipeline.serving() == "v1"


def test_a_rollout_whose_settings_are_removed_is_still_told_to_its_end(pipeline: Pipeline) -> None:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deliver()
    pipeline.unmanage()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "succeeded"]


def test_an_update_keeps_the_count_that_autoscaling_chose(pipeline: Pipeline) -> None:
    deployed(pipeline)
    pipeline.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=ENDPOINT,
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 4}],
    )
    pipeline.run()
    deployed(pipeline)

    assert pipeline.serving() == "v2"
    assert pipeline.endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 4


# Who may approve ---------------------------------------------------------------------------------------


def test_an_approval_by_somebody_else_is_ignored_with_the_reason(pipeline: Pipeline) -> None:
    deployed(pipeline)
    pipeline.manage(ApprovalPolicy={"Approvers": ["arn:aws:iam::*:role/ml-leads"]})
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    pipeline.sweep()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["ignored"]
    assert "is none of this endpoint's approvers" in pipeline.outcomes[-1]["Reason"]


def test_four_eyes_stop_who_approves_their_own_version(pipeline: Pipeline) -> None:
    pipeline.manage(ApprovalPolicy={"FourEyes": True})
    arn = pipeline.register("Approved")
    pipeline.run()

    assert pipeline.told(arn) == ["ignored"]
    assert writes(pipeline) == []


def test_an_approver_who_is_named_is_heard(pipeline: Pipeline) -> None:
    pipeline.manage(ApprovalPolicy={"Approvers": [f"arn:aws:iam::{pipeline.account_id}:root"]})
    deployed(pipeline)

    assert pipeline.serving() == "v1"


@pytest.mark.parametrize("policy", [{"Approvers": ["*"]}, {"FourEyes": True}], ids=["approvers", "four eyes"])
def test_an_editor_does_not_pass_for_the_approver(pipeline: Pipeline, policy: dict[str, Any]) -> None:
    """If a change follows the approval, the person who last changed the version is not its approver."""
    pipeline.manage(ApprovalPolicy=policy)
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.pass_time(1)
    pipeline.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"note": "1"})
    pipeline.run()

    assert pipeline.told(arn) == ["ignored"]
    assert "Approve it again" in pipeline.outcomes[-1]["Reason"]
    assert pipeline.outcomes[-1]["ApprovedBy"] == "unknown"


def approved_and_repeated(pipeline: Pipeline, arn: str) -> dict[str, Any]:
    """Approve a version, let it go live, and return the event of its approval once more."""
    pipeline.approve(arn)
    event = pipeline.events.events[-1]
    pipeline.run()
    return event


def test_a_repeated_event_takes_nothing_back_that_was_approved_properly(pipeline: Pipeline) -> None:
    """The version was edited since, so that nobody could tell from it any more who approved it."""
    pipeline.manage(ApprovalPolicy={"Approvers": ["*"]})
    deployed(pipeline)
    arn = pipeline.register()
    event = approved_and_repeated(pipeline, arn)
    pipeline.pass_time(2)
    pipeline.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"note": "1"})
    pipeline.dispatch(read_trigger(event))
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_repeated_event_of_an_approval_that_another_one_followed_says_nothing_new(
    pipeline: Pipeline,
) -> None:
    """The version was approved once more since, so that nobody could tell any more who did so first."""
    pipeline.manage(ApprovalPolicy={"Approvers": ["*"]})
    arn = pipeline.register()
    event = approved_and_repeated(pipeline, arn)
    pipeline.pass_time(60)
    approved_and_repeated(pipeline, arn)
    before = pipeline.history
    pipeline.dispatch(read_trigger(event))

    assert pipeline.history.approvals == before.approvals
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_repeated_event_that_waited_for_its_version_is_not_waited_for_any_longer(
    pipeline: Pipeline,
) -> None:
    """A later approval decides as much, so nothing takes the place of what was heard."""
    pipeline.manage(ApprovalPolicy={"Approvers": ["arn:aws:iam::*:role/ml-leads"]})
    arn = pipeline.register()
    event = approved_and_repeated(pipeline, arn)
    pipeline.pass_time(60)
    approved_and_repeated(pipeline, arn)
    pipeline.hidden.add(arn)
    pipeline.dispatch(read_trigger(event))
    assert [each.version_arn for each in pipeline.history.heard] == [arn]
    pipeline.hidden.clear()
    pipeline.sweep()

    assert pipeline.history.heard == ()
    assert pipeline.told(arn) == ["ignored", "ignored"]


def test_an_approval_that_another_invocation_journals_first_counts_as_it_was_read_there(
    pipeline: Pipeline,
) -> None:
    """Two events tell of one approval. The slower invocation reads the version after an edit."""
    pipeline.manage(ApprovalPolicy={"Approvers": ["*"]})
    arn = pipeline.register()
    pipeline.undelivered()
    pipeline.approve(arn)
    [event] = pipeline.undelivered()

    def overtake(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "DescribeModelPackage"):
            pipeline.deployer_cloud.before_call = lambda *_: None
            pipeline.dispatch(read_trigger(event))
            pipeline.pass_time(2)
            pipeline.sagemaker.update_model_package(
                ModelPackageArn=arn, CustomerMetadataProperties={"note": "1"}
            )

    pipeline.deployer_cloud.before_call = overtake
    pipeline.dispatch(read_trigger(event))
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_without_a_policy_a_change_after_the_approval_costs_only_the_approvers_name(
    pipeline: Pipeline,
) -> None:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.pass_time(1)
    pipeline.sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"note": "1"})
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.history.approvals[0].approved_by == "unknown"


# Cleaning up -------------------------------------------------------------------------------------------


def left(pipeline: Pipeline) -> tuple[int, int]:
    """Return how many models and endpoint configs there are."""
    return (
        len(pipeline.sagemaker.list_models(MaxResults=100)["Models"]),
        len(pipeline.sagemaker.list_endpoint_configs(MaxResults=100)["EndpointConfigs"]),
    )


def test_the_live_release_and_the_last_three_stay(pipeline: Pipeline) -> None:
    deployed(pipeline, 6)

    assert left(pipeline) == (4, 4)
    assert pipeline.serving() == "v6"


def test_what_a_reject_would_bring_back_stays(pipeline: Pipeline) -> None:
    pipeline.manage(Keep=0)
    first, *others = deployed(pipeline, 3)
    for arn in others[:-1]:
        pipeline.reject(arn)
    pipeline.run()
    deployed(pipeline)
    names = [each["ModelName"] for each in pipeline.sagemaker.list_models()["Models"]]

    assert sorted(name.split("-")[1] for name in names) == ["v3", "v4"]
    assert first


def test_a_broken_versions_model_does_not_stay(pipeline: Pipeline) -> None:
    deployed(pipeline)
    broken = pipeline.register()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.run()

    assert left(pipeline) == (1, 1)


def test_a_resource_without_our_tag_stays_whatever_its_name(pipeline: Pipeline) -> None:
    pipeline.manage(Keep=0)
    arns = deployed(pipeline)
    name = pipeline.release(arns[0]).model_name
    model_arn = pipeline.sagemaker.describe_model(ModelName=name)["ModelArn"]
    pipeline.sagemaker.delete_tags(ResourceArn=model_arn, TagKeys=["greenlight:stack"])
    deployed(pipeline, 2)

    names = [each["ModelName"] for each in pipeline.sagemaker.list_models()["Models"]]
    assert name in names
    assert len(names) == 3


def test_a_clean_up_is_in_the_journal_and_told_to_nobody(pipeline: Pipeline) -> None:
    pipeline.manage(Keep=0)
    deployed(pipeline, 3)

    clean_ups = [each for each in pipeline.attempts if isinstance(each, CleanUp)]
    assert [each.status for each in clean_ups] == [AttemptStatus.SUCCEEDED]
    assert [each["Outcome"] for each in pipeline.outcomes] == ["started", "succeeded"] * 3


def test_what_a_reject_of_a_version_that_is_not_live_frees_is_cleaned_up_by_the_sweep(
    pipeline: Pipeline,
) -> None:
    pipeline.manage(Keep=0)
    first, _ = deployed(pipeline, 2)
    assert left(pipeline) == (2, 2)
    pipeline.reject(first)
    pipeline.undelivered()
    pipeline.sweep()

    assert left(pipeline) == (1, 1)
    assert pipeline.serving() == "v2"


def test_an_approval_during_a_clean_up_is_not_left_lying(pipeline: Pipeline) -> None:
    pipeline.manage(Keep=0)
    deployed(pipeline, 2)
    third, fourth = pipeline.register(), pipeline.register()

    def approve_another(_service: str, operation: str) -> None:
        if operation == "DeleteEndpointConfig":
            pipeline.deployer_cloud.before_call = lambda _service, _operation: None
            pipeline.approve(fourth)
            pipeline.deliver()

    pipeline.deployer_cloud.before_call = approve_another
    pipeline.approve(third)
    pipeline.run()

    assert pipeline.serving() == "v4"


# The sweep ---------------------------------------------------------------------------------------------


def resting(pipeline: Pipeline, endpoints: int = 5) -> None:
    """Bring so many endpoints to rest, long after anybody approved anything."""
    for number in range(endpoints - 1):
        pipeline.manage(EndpointName=f"churn-{number}")
    deployed(pipeline)
    pipeline.pass_time(4 * 3600)
    for _ in range(2):
        pipeline.sweep()


def managed(**switches: Any) -> Pipeline:
    made = Pipeline(Switches(**switches))
    made.manage()
    return made


def calls_of_a_sweep(pipeline: Pipeline) -> list[tuple[str, str]]:
    before = len(pipeline.deployer_cloud.calls)
    pipeline.sweep()
    return pipeline.deployer_cloud.calls[before:]


IN_SYNC = [
    ("dynamodb", "Query"),
    ("sagemaker", "ListEndpoints"),
    ("sagemaker", "Search"),
    ("dynamodb", "Query"),
]
"""The fleet's partition, what is there, which versions changed, and what operators ask for."""


def test_endpoints_in_sync_cost_a_sweep_no_call_of_their_own(pipeline: Pipeline) -> None:
    resting(pipeline)

    assert calls_of_a_sweep(pipeline) == IN_SYNC


def test_each_endpoint_is_checked_once_a_day_and_looked_at_once_a_week(pipeline: Pipeline) -> None:
    resting(pipeline, 1)
    costs = []
    for _ in range(14 * 24):
        pipeline.pass_time(3600)
        costs.append(calls_of_a_sweep(pipeline)[len(IN_SYNC) :])

    noted = ("dynamodb", "TransactWriteItems")
    check = [("sagemaker", "ListModelPackages"), noted]
    look = [
        ("dynamodb", "Query"),
        ("sagemaker", "ListModelPackages"),
        ("sagemaker", "DescribeEndpointConfig"),
        ("cloudwatch", "DescribeAlarms"),
        noted,
    ]
    days = [each for each in costs if each]
    assert len(days) == 14
    assert (days.count(check), days.count(look)) == (12, 2)
    assert days[:7] == days[7:]


def test_checks_cost_one_note_whatever_their_number_and_one_list_of_a_group(pipeline: Pipeline) -> None:
    resting(pipeline, 5)
    pipeline.pass_time(24 * 3600)
    calls = calls_of_a_sweep(pipeline)

    weekly = calls.count(("sagemaker", "DescribeEndpointConfig"))
    assert weekly < 5, "some have a check alone"
    assert calls.count(("sagemaker", "ListModelPackages")) == weekly + 1
    assert calls.count(("dynamodb", "TransactWriteItems")) == 1


@pytest.mark.parametrize("index", list(SearchIndex))
def test_a_lost_approval_is_found_as_soon_as_search_shows_it_or_within_a_day(index: SearchIndex) -> None:
    pipeline = managed(search_index=index)
    resting(pipeline, 1)
    pipeline.approve(pipeline.register())
    pipeline.undelivered()
    hours = 0
    while pipeline.serving() == "v1":
        pipeline.sweep()
        pipeline.run()
        pipeline.pass_time(3600)
        hours += 1

    assert pipeline.serving() == "v2"
    assert hours <= {SearchIndex.AT_ONCE: 1, SearchIndex.LATE: 2, SearchIndex.NEVER: 25}[index]


def test_a_group_is_found_by_the_arn_if_search_shows_no_name_of_it() -> None:
    pipeline = managed(search_group_names=SearchedGroupNames.ABSENT)
    resting(pipeline, 1)
    pipeline.approve(pipeline.register())
    pipeline.undelivered()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"


def test_an_endpoint_that_somebody_deleted_is_made_again_by_the_next_sweep(pipeline: Pipeline) -> None:
    resting(pipeline, 1)
    pipeline.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    pipeline.pass_time(600)
    pipeline.undelivered()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_a_former_release_is_made_again_with_our_tags_if_the_endpoint_is_gone(pipeline: Pipeline) -> None:
    """Nothing serves, and the present settings fail: the release as it served creates the endpoint."""
    [arn] = deployed(pipeline)
    variant = {
        **settings_document()["CreateEndpointConfig"]["ProductionVariants"][0],
        "InitialInstanceCount": 3,
    }
    changed = {
        "CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]},
        "CreateEndpointConfig": {"ProductionVariants": [variant]},
    }
    pipeline.break_model_of(arn, **changed)
    pipeline.manage(**changed)
    pipeline.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    pipeline.pass_time(600)
    for _ in range(4):
        pipeline.sweep()
        pipeline.run()
        pipeline.pass_time(600)

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn)[-3:] == ["failed", "started", "rolled_back"]
    tags = pipeline.sagemaker.list_tags(ResourceArn=pipeline.endpoint["EndpointArn"])["Tags"]
    assert {"Key": "greenlight:stack", "Value": "Greenlight"} in tags


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "Search"),
        ConnectTimeoutError(endpoint_url="https://sagemaker"),
    ],
)
def test_a_search_that_fails_costs_no_endpoint_its_turn_and_is_a_failure(
    pipeline: Pipeline, error: Exception
) -> None:
    pipeline.approve(pipeline.register())
    pipeline.undelivered()

    def refuse(_service: str, operation: str) -> None:
        if operation == "Search":
            raise error

    pipeline.deployer_cloud.before_call = refuse
    with pytest.raises(PassesFailedError, match=f"^Search: {type(error).__name__}"):
        pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_a_note_of_what_rests_that_the_journal_denies_hides_no_other_failure(pipeline: Pipeline) -> None:
    resting(pipeline, 1)
    pipeline.pass_time(86_400)

    def refuse(_service: str, operation: str) -> None:
        if operation in {"Search", "TransactWriteItems"}:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, operation)

    pipeline.deployer_cloud.before_call = refuse
    with pytest.raises(PassesFailedError, match=r"^The journal of the fleet: .*; Search: "):
        pipeline.sweep()


def test_a_pass_that_journals_something_and_dies_is_taken_up_by_the_next_sweep() -> None:
    """Also when Search shows nothing: what is journalled says that the endpoint does not rest."""
    pipeline = managed(search_index=SearchIndex.NEVER)
    resting(pipeline, 1)
    pipeline.approve(pipeline.register())
    written = itertools.count()

    def die(_service: str, operation: str) -> None:
        if operation == "TransactWriteItems" and next(written) == 1:
            raise CrashError

    pipeline.deployer_cloud.before_call = die
    with pytest.raises(CrashError):
        pipeline.deliver()
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    pipeline.undelivered()
    pipeline.pass_time(900)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"


def test_an_endpoint_that_fails_is_left_alone_for_longer_and_longer(pipeline: Pipeline) -> None:
    resting(pipeline, 1)
    pipeline.approve(pipeline.register())
    pipeline.undelivered()
    tried: list[float] = []

    def fail(_service: str, operation: str) -> None:
        if operation == "ListModelPackages":
            tried.append(minutes)
            raise ClientError({"Error": {"Code": "InternalFailure", "Message": "no"}}, operation)

    pipeline.deployer_cloud.before_call = fail
    for minutes in range(0, 48 * 60, 15):  # noqa: B007 - read by the fault
        with suppress(PassesFailedError):
            pipeline.sweep()
        pipeline.pass_time(900)

    assert tried == [0, 15, 45, 105, 225, 465, 945, 1905]
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    pipeline.pass_time(24 * 3600)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.serving() == "v2"
    assert pipeline.journal.fleet.records()[ENDPOINT].failures == 0


def test_a_check_that_a_sweep_has_no_time_for_is_made_by_the_next_one(pipeline: Pipeline) -> None:
    resting(pipeline, 1)
    pipeline.pass_time(24 * 3600)
    pipeline.remaining_seconds = lambda: 1.0
    assert calls_of_a_sweep(pipeline) == IN_SYNC
    pipeline.remaining_seconds = lambda: 300.0

    assert len(calls_of_a_sweep(pipeline)) > len(IN_SYNC)


def test_checks_end_when_the_time_does_and_the_next_sweep_goes_on_where_they_ended(
    pipeline: Pipeline,
) -> None:
    """Each sweep has time for one endpoint, by a group of its own: its list tells which."""
    names = [ENDPOINT, "fraud", "spam"]
    for name in names:
        if name != ENDPOINT:
            pipeline.registry.create_model_package_group(ModelPackageGroupName=f"{name}-models")
        pipeline.manage(EndpointName=name, ModelPackageGroupName=f"{name}-models")
        pipeline.approve(pipeline.register(group=f"{name}-models"))
    pipeline.run()
    pipeline.pass_time(4 * 3600)
    for _ in range(2):
        pipeline.sweep()
    pipeline.pass_time(24 * 3600)
    listed = []
    for _ in names:
        pipeline.remaining_seconds = itertools.chain([300.0], itertools.repeat(1.0)).__next__
        listed.append(calls_of_a_sweep(pipeline).count(("sagemaker", "ListModelPackages")))
    pipeline.remaining_seconds = lambda: 300.0

    assert listed == [1, 1, 1]
    assert calls_of_a_sweep(pipeline) == IN_SYNC
    assert pipeline.parts == []


def test_a_part_makes_its_passes_also_if_sagemaker_does_not_describe_an_endpoint(pipeline: Pipeline) -> None:
    pipeline.approve(pipeline.register())
    pipeline.undelivered()
    described = itertools.count()

    def throttle(_service: str, operation: str) -> None:
        if operation == "DescribeEndpoint" and next(described) == 0:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)

    pipeline.deployer_cloud.before_call = throttle
    pipeline.dispatch(SweepPart((ENDPOINT, "nobodys"), event_id="part"))
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_search_is_read_to_the_end_of_its_hours_and_shows_more_than_versions(pipeline: Pipeline) -> None:
    resting(pipeline, 1)
    pipeline.register_unversioned()
    pipeline.approve(pipeline.register())
    for _ in range(MANY):
        pipeline.register()
    pipeline.undelivered()
    calls = calls_of_a_sweep(pipeline)
    pipeline.run()

    assert calls.count(("sagemaker", "Search")) == 2
    assert pipeline.serving() == "v2"


def test_a_part_stays_small_whatever_its_endpoints_names_are() -> None:
    """EventBridge takes 256 KB an entry, and no more in one call ("eb-putevents")."""
    part = SweepPart(tuple(f"{number:063d}" for number in range(PART_SIZE)))

    assert 10 * len(json.dumps(part.detail())) < 256 * 1024


def test_a_sweep_of_many_endpoints_splits_itself(pipeline: Pipeline) -> None:
    for number in range(2 * PART_SIZE):
        pipeline.manage(EndpointName=f"churn-{number}")
    pipeline.approve(pipeline.register())
    pipeline.undelivered()
    pipeline.sweep()
    assert [len(part["detail"]["EndpointNames"]) for part in pipeline.parts] == [PART_SIZE, PART_SIZE, 1]
    for part in pipeline.parts:
        pipeline.dispatch(read_trigger(part))

    endpoints = pipeline.sagemaker.list_endpoints(MaxResults=100, StatusEquals="Creating")
    assert len(endpoints["Endpoints"]) == 100
    assert "NextToken" in endpoints


def test_a_part_that_runs_out_of_time_leaves_the_rest_to_another(pipeline: Pipeline) -> None:
    for number in range(3):
        pipeline.manage(EndpointName=f"churn-{number}")
    pipeline.approve(pipeline.register())
    pipeline.undelivered()
    pipeline.remaining_seconds = lambda: 1.0
    pipeline.sweep()
    while pipeline.parts:
        pipeline.dispatch(read_trigger(pipeline.parts.pop()))
    pipeline.run()

    assert len(pipeline.sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"]) == 4


def test_a_journal_that_cannot_be_read_costs_no_other_endpoint_of_a_part_its_turn(pipeline: Pipeline) -> None:
    pipeline.manage(EndpointName="churn-2")
    pipeline.approve(pipeline.register())
    pipeline.undelivered()
    failed = itertools.count()

    def fail_once(_service: str, operation: str) -> None:
        # The first two ask what was noted of both, and what operators ask for.
        if operation == "Query" and next(failed) == 2:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, operation)

    pipeline.deployer_cloud.before_call = fail_once
    part = SweepPart((ENDPOINT, "churn-2"), event_id="part")

    with pytest.raises(PassesFailedError, match=f"^{ENDPOINT}: ClientError"):
        pipeline.dispatch(part)
    listed = pipeline.sagemaker.list_endpoints()["Endpoints"]
    assert [each["EndpointName"] for each in listed] == ["churn-2"]


def test_an_approval_that_had_no_turn_is_journalled_as_superseded(pipeline: Pipeline) -> None:
    arns = [pipeline.register() for _ in range(3)]
    for arn in arns:
        pipeline.approve(arn)
        pipeline.pass_time(1)
        pipeline.deliver()
    pipeline.run()

    assert [(each.version, each.superseded_by) for each in pipeline.history.approvals] == [
        (3, None),
        (2, 3),
        (1, None),
    ]


# Faults ----------------------------------------------------------------------------------------------


class CrashError(BaseException):
    """The function's process ends here: nothing after it runs."""


def crash_before(pipeline: Pipeline, number: int) -> None:
    """Let the deployer's process end just before its call of that number."""
    count = itertools.count()

    def crash(_service: str, _operation: str) -> None:
        if next(count) >= number:
            raise CrashError

    pipeline.deployer_cloud.before_call = crash


CALLS_OF_A_FIRST_DEPLOYMENT = 19
"""From the approval's event until SageMaker accepted; a fault before the call of that number hits none."""


def approved(pipeline: Pipeline) -> str:
    """Register and approve a version; only the approval's event is still to be delivered."""
    arn = pipeline.register()
    pipeline.undelivered()
    pipeline.approve(arn)
    return arn


def test_the_cases_below_reach_every_call_of_a_first_deployment(pipeline: Pipeline) -> None:
    approved(pipeline)
    pipeline.deliver()

    assert len(pipeline.deployer_cloud.calls) == CALLS_OF_A_FIRST_DEPLOYMENT


@pytest.mark.parametrize("number", range(CALLS_OF_A_FIRST_DEPLOYMENT + 1))
def test_a_crash_between_any_two_calls_is_healed(pipeline: Pipeline, number: int) -> None:
    arn = approved(pipeline)
    crash_before(pipeline, number)
    try:
        pipeline.deliver()
    except CrashError:
        pipeline.undelivered()
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    pipeline.pass_time(LEASE.total_seconds())
    pipeline.sweep()
    pipeline.run()
    pipeline.pass_time(60)
    pipeline.sweep()

    assert pipeline.serving() == "v1"
    assert set(pipeline.told(arn)) >= {"succeeded"}
    assert pipeline.told(arn).count("succeeded") == 1
    assert writes(pipeline).count("CreateEndpoint") == 1


@pytest.mark.parametrize("took_effect", [False, True])
@pytest.mark.parametrize("number", range(CALLS_OF_A_FIRST_DEPLOYMENT + 1))
def test_a_call_that_times_out_is_made_again(pipeline: Pipeline, number: int, *, took_effect: bool) -> None:
    """Whether it took effect or not: botocore repeats it, and the repetition finds its own work."""
    arn = approved(pipeline)
    count = itertools.count()

    def time_out(_service: str, _operation: str) -> None:
        if next(count) == number:
            raise ConnectTimeoutError(endpoint_url="https://example.com")

    if took_effect:
        pipeline.deployer_cloud.after_call = time_out
    else:
        pipeline.deployer_cloud.before_call = time_out
    pipeline.deliver()
    pipeline.run()
    pipeline.pass_time(60)
    pipeline.sweep()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn).count("succeeded") == 1


@pytest.mark.parametrize("number", range(CALLS_OF_A_FIRST_DEPLOYMENT + 1))
def test_a_second_invocation_between_any_two_calls_does_no_harm(pipeline: Pipeline, number: int) -> None:
    arn = approved(pipeline)
    count = itertools.count()

    def run_another(_service: str, _operation: str) -> None:
        if next(count) == number:
            pipeline.deployer_cloud.before_call = lambda _service, _operation: None
            pipeline.sweep()

    pipeline.deployer_cloud.before_call = run_another
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "succeeded"]
    assert writes(pipeline).count("CreateEndpoint") == 1


def test_one_endpoints_trouble_does_not_cost_the_others_their_turn(pipeline: Pipeline) -> None:
    pipeline.manage(EndpointName="another")
    pipeline.approve(pipeline.register())
    troubled = itertools.count()

    def trouble(_service: str, operation: str) -> None:
        if operation == "CreateModel" and next(troubled) == 0:
            raise ZeroDivisionError

    pipeline.deployer_cloud.before_call = trouble
    with pytest.raises(PassesFailedError, match="another: ZeroDivisionError"):
        pipeline.deliver()

    assert pipeline.endpoint["EndpointStatus"] == "Creating"


def test_an_outcome_that_could_not_be_put_is_put_later(pipeline: Pipeline) -> None:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.deliver()

    def refuse(_service: str, operation: str) -> None:
        if operation == "PutEvents":
            raise ZeroDivisionError

    pipeline.deployer_cloud.before_call = refuse
    pipeline.outcomes.clear()
    with pytest.raises(PassesFailedError):
        pipeline.run()
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    pipeline.outcomes.clear()
    pipeline.pass_time(60)
    pipeline.sweep()
    pipeline.sweep()

    assert pipeline.told(arn) == ["succeeded"]


# What nobody could establish about AWS ----------------------------------------------------------------


UNKNOWN: dict[str, tuple[StrEnum, ...]] = {
    name: (default, *(value for value in type(default) if value != default))
    for name, default in ((each.name, each.default) for each in dataclasses.fields(Switches))
    if isinstance(default, StrEnum)
}
"""The settings of each switch, its default first; every other story runs with the defaults."""

TURNS = max(map(len, UNKNOWN.values()))


def approve_fail_and_reject(settings: Mapping[str, StrEnum]) -> None:
    """Tell the main job's story under these settings of switches."""
    pipeline = Pipeline(Switches.from_document(settings))
    pipeline.manage()
    first, second = deployed(pipeline, 2)
    assert pipeline.serving() == "v2"
    broken = pipeline.register("Approved")
    pipeline.break_model_of(broken)
    pipeline.run()
    assert pipeline.serving() == "v2"
    assert pipeline.told(broken) == ["started", "failed"]
    pipeline.pass_time(60)
    pipeline.reject(second)
    pipeline.run()
    assert pipeline.serving() == "v1"
    assert pipeline.told(first)[-1] == "rolled_back"
    pipeline.sweep()
    before = writes(pipeline)
    pipeline.sweep()
    assert writes(pipeline) == before


@pytest.mark.parametrize("turn", range(1, TURNS))
def test_whatever_is_not_known_about_aws_approve_reject_and_failure_work(turn: int) -> None:
    """No switch has its default, and every other setting has its turn."""
    approve_fail_and_reject({name: values[1:][turn % (len(values) - 1)] for name, values in UNKNOWN.items()})


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in UNKNOWN.items() for value in values],
    ids=str,
)
def test_whichever_single_thing_is_otherwise_approve_reject_and_failure_work(
    name: str, value: StrEnum
) -> None:
    # `make foretold` leaves out what is long.
    FORETELLS.set(True)
    approve_fail_and_reject({name: value})


def test_the_schedule_is_understood_as_aws_documents_it() -> None:
    assert read_trigger(SCHEDULED).event_id == SCHEDULED["id"]  # type: ignore[union-attr]


# What others may do to an endpoint's neighbours ---------------------------------------------------------


def test_a_version_that_cannot_be_read_costs_no_other_its_turn_and_is_told_once(pipeline: Pipeline) -> None:
    deployed(pipeline)
    hidden, shown = pipeline.register(), pipeline.register()
    pipeline.hidden.add(hidden)
    for arn in (shown, hidden):
        pipeline.approve(arn)
        pipeline.pass_time(60)
    pipeline.undelivered()
    for _ in range(3):
        pipeline.sweep()
        pipeline.run()

    assert pipeline.serving() == "v3"
    told = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert len(told) == 1
    assert f"{hidden} is approved and cannot be read: AccessDeniedException: no kms:Decrypt" in told[0]


def test_an_approval_of_what_cannot_be_read_counts_once_it_can(pipeline: Pipeline) -> None:
    """The version was approved before, so that the registry's list has no news of it."""
    first, second = deployed(pipeline, 2)
    pipeline.hidden.add(first)
    pipeline.approve(first)
    given = pipeline.clock.now().replace(microsecond=0)
    pipeline.deliver()
    pipeline.pass_time(24 * 3600)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.serving() == "v2"
    assert [each.version_arn for each in pipeline.history.heard] == [first]
    pipeline.hidden.clear()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.history.heard == ()
    newest = pipeline.history.approvals[0]
    assert (newest.version_arn, newest.approved_at) == (first, given)
    assert second in {each.version_arn for each in pipeline.history.approvals}


def test_an_approval_of_what_cannot_be_read_is_nothing_if_it_is_taken_back_meanwhile(
    pipeline: Pipeline,
) -> None:
    first, _ = deployed(pipeline, 2)
    pipeline.hidden.add(first)
    pipeline.approve(first)
    pipeline.deliver()
    pipeline.reject(first)
    pipeline.undelivered()
    pipeline.hidden.clear()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.history.heard == ()


def test_a_first_approval_of_what_cannot_be_read_keeps_its_time(pipeline: Pipeline) -> None:
    deployed(pipeline)
    hidden = pipeline.register()
    pipeline.hidden.add(hidden)
    pipeline.approve(hidden)
    given = pipeline.clock.now().replace(microsecond=0)
    pipeline.deliver()
    pipeline.pass_time(3600)
    pipeline.registry.update_model_package(
        ModelPackageArn=hidden, CustomerMetadataProperties={"note": "later"}
    )
    pipeline.undelivered()
    pipeline.hidden.clear()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.history.approvals[0].approved_at == given


def test_a_version_that_can_no_longer_be_read_serves_on_and_is_not_withdrawn(pipeline: Pipeline) -> None:
    [arn] = deployed(pipeline)
    pipeline.hidden.add(arn)
    for _ in range(2):
        pipeline.pass_time(900)
        pipeline.sweep()
    pipeline.manage(CreateModel={"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]})
    pipeline.run()
    pipeline.sweep()

    assert pipeline.serving() == "v1"
    assert [each.version_arn for each in pipeline.history.approvals] == [arn]
    [told] = [each for each in pipeline.outcomes if each["Outcome"] == "ignored"]
    assert "The registry does not show it" in told["Message"]
