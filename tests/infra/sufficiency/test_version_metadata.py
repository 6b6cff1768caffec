"""With one account as with stages, the registry shows how a version fares; that write approves nothing."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.ports import Caller
from local_cloud.testing.in_process import do_nothing
from tests.unit.deployer.builders import ENDPOINT, GROUP
from tests.unit.deployer.pipeline import REGION, Pipeline

OTHER = "fraud"
LEAD = "lead"
FOUR_EYES = {"FourEyes": True}
APPROVERS = {"Approvers": [f"arn:aws:iam::*:user/{LEAD}"]}


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline()
    manage(made)
    return made


def manage(pipeline: Pipeline, **changes: Any) -> None:
    """Deploy the stack with settings as they are by default."""
    pipeline.manage(**{"VersionMetadata": True, **changes})


def properties(pipeline: Pipeline, arn: str) -> dict[str, str]:
    version = pipeline.sagemaker.describe_model_package(ModelPackageName=arn)
    found: dict[str, str] = version.get("CustomerMetadataProperties", {})
    return found


def shown(pipeline: Pipeline, arn: str, endpoint_name: str = ENDPOINT) -> str | None:
    """Return what the registry shows of a version on an endpoint."""
    return properties(pipeline, arn).get(f"greenlight:endpoint:{endpoint_name}")


def approved(pipeline: Pipeline) -> str:
    """Approve a version, and return its ARN once it serves."""
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    return arn


def approve_as(pipeline: Pipeline, arn: str, user: str, **members: Any) -> None:
    caller = Caller(pipeline.account_id, REGION, f"arn:aws:iam::{pipeline.account_id}:user/{user}")
    request = {"ModelPackageArn": arn, **(members or {"ModelApprovalStatus": "Approved"})}
    pipeline.control_plane.call("UpdateModelPackage", request, caller)


def writes(pipeline: Pipeline) -> int:
    return pipeline.sagemaker_calls().count("UpdateModelPackage")


def test_the_registry_shows_since_when_a_version_serves_and_until_when_it_did(pipeline: Pipeline) -> None:
    first = approved(pipeline)
    assert str(shown(pipeline, first)).startswith("serving since 20")

    second = approved(pipeline)
    assert str(shown(pipeline, second)).startswith("serving since 20")
    assert str(shown(pipeline, first)).startswith("served until 20")


def test_the_registry_shows_why_a_version_failed(pipeline: Pipeline) -> None:
    arn = pipeline.register()
    pipeline.break_model_of(arn)
    pipeline.approve(arn)
    pipeline.run()

    told = str(shown(pipeline, arn))
    assert told.startswith("failed 20")
    assert "did not pass the ping health check" in told


def test_what_a_deployment_writes_to_the_registry_is_written_once_and_leads_to_nothing(
    pipeline: Pipeline,
) -> None:
    """Its own event names metadata alone, and costs no call; nor is a version approved by it."""
    arn = approved(pipeline)
    assert writes(pipeline) == 1
    known = pipeline.history.approvals
    for _ in range(3):
        pipeline.pass_time(900)
        pipeline.sweep()
        pipeline.run()

    assert writes(pipeline) == 1
    assert pipeline.history.approvals == known
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_with_the_setting_off_nothing_is_written_to_the_registry(pipeline: Pipeline) -> None:
    manage(pipeline, VersionMetadata=False)
    arn = approved(pipeline)

    assert (pipeline.serving(), shown(pipeline, arn), writes(pipeline)) == ("v1", None, 0)


def test_a_group_that_is_named_by_its_arn_is_not_written_to(pipeline: Pipeline) -> None:
    group = f"arn:aws:sagemaker:{REGION}:{pipeline.account_id}:model-package-group/churn-models"
    manage(pipeline, ModelPackageGroupName=group)
    arn = approved(pipeline)

    assert (pipeline.serving(), shown(pipeline, arn), writes(pipeline)) == ("v1", None, 0)


def test_each_endpoint_of_a_group_says_for_itself_how_a_version_fares(pipeline: Pipeline) -> None:
    manage(pipeline, EndpointName=OTHER)
    arn = approved(pipeline)

    for name in (ENDPOINT, OTHER):
        assert str(shown(pipeline, arn, name)).startswith("serving since 20")
    assert writes(pipeline) == 2


# Who approved -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [APPROVERS, FOUR_EYES], ids=["approvers", "four eyes"])
def test_an_endpoint_that_comes_later_knows_who_approved_what_the_deployer_has_written_to_since(
    pipeline: Pipeline, policy: dict[str, Any]
) -> None:
    arn = pipeline.register()
    approve_as(pipeline, arn, LEAD)
    pipeline.run()
    assert shown(pipeline, arn) is not None

    manage(pipeline, EndpointName=OTHER, ApprovalPolicy=policy)
    pipeline.look_at_settings()
    pipeline.run()

    [approval] = pipeline.journal.read(OTHER).approvals
    assert (approval.approved_by.rpartition("/")[2], approval.objection) == (LEAD, None)
    assert approval.approved_at == pipeline.history.approvals[0].approved_at
    assert str(shown(pipeline, arn, OTHER)).startswith("serving since 20")


@pytest.mark.parametrize("policy", [APPROVERS, FOUR_EYES], ids=["approvers", "four eyes"])
def test_an_approval_that_did_not_count_does_not_count_by_the_deployers_write(
    pipeline: Pipeline, policy: dict[str, Any]
) -> None:
    """Who registered it approved it, and the endpoint that asks for nobody serves it."""
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    assert shown(pipeline, arn) is not None

    manage(pipeline, EndpointName=OTHER, ApprovalPolicy=policy)
    pipeline.look_at_settings()
    pipeline.run()

    [approval] = pipeline.journal.read(OTHER).approvals
    assert approval.objection is not None
    assert shown(pipeline, arn, OTHER) is None


@pytest.mark.parametrize("policy", [APPROVERS, FOUR_EYES], ids=["approvers", "four eyes"])
def test_where_nobody_knows_the_approver_any_more_the_deployer_is_none(
    pipeline: Pipeline, policy: dict[str, Any]
) -> None:
    """Somebody changed the content since, so what the other endpoint knows is of another content."""
    arn = pipeline.register()
    approve_as(pipeline, arn, LEAD)
    pipeline.run()
    pipeline.unmanage()
    manage(pipeline, EndpointName=OTHER, ApprovalPolicy=policy)
    pipeline.look_at_settings()
    pipeline.run()

    [approval] = pipeline.journal.read(OTHER).approvals
    assert approval.approved_by == "unknown"
    assert "Approve it again" in str(approval.objection)

    approve_as(pipeline, arn, LEAD)
    pipeline.run()
    assert str(shown(pipeline, arn, OTHER)).startswith("serving since 20")


def test_another_installations_deployer_is_nobodys_approver(pipeline: Pipeline) -> None:
    """Two stacks in an account: the other one wrote to the version, and the approval's event was lost."""
    manage(pipeline, ApprovalPolicy=FOUR_EYES)
    arn = pipeline.register("Approved")
    pipeline.undelivered()
    role = "Greenlight-eu-DeployerRole36024D4B-AbCdEf012345"
    session = f"arn:aws:sts::{pipeline.account_id}:assumed-role/{role}/Greenlight-eu-DeployerFunction"
    note = {"ModelPackageArn": arn, "CustomerMetadataProperties": {"greenlight:endpoint:theirs": "x"}}
    pipeline.control_plane.call("UpdateModelPackage", note, Caller(pipeline.account_id, REGION, session))
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() is None
    assert pipeline.told(arn) == ["ignored"]


def test_an_approval_that_nobody_heard_of_is_journalled_before_the_deployer_writes_over_it(
    pipeline: Pipeline,
) -> None:
    """The event of the second approval is lost, and then the version's own end is written."""
    manage(pipeline, ApprovalPolicy=APPROVERS)
    first = pipeline.register()
    approve_as(pipeline, first, LEAD)
    pipeline.run()
    approve_as(pipeline, first, LEAD, ModelApprovalStatus="Rejected")
    pipeline.run()
    second = pipeline.register()
    approve_as(pipeline, second, LEAD)
    pipeline.deliver()
    approve_as(pipeline, first, LEAD)
    pipeline.undelivered()
    pipeline.run()

    assert str(shown(pipeline, first)).startswith("served until 20")
    known = [each for each in pipeline.history.approvals if each.version_arn == first]
    assert [(each.approved_by.rpartition("/")[2], each.objection) for each in known] == [(LEAD, None)]


# Room -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("own", "is_shown"), [(1, True), (41, True), (42, False), (50, False)])
def test_a_version_keeps_its_own_metadata_and_room_for_more(
    pipeline: Pipeline, own: int, *, is_shown: bool
) -> None:
    notes = {f"note-{number}": "ours" for number in range(own)}
    arn = pipeline.register()
    approve_as(pipeline, arn, LEAD, CustomerMetadataProperties=notes)
    pipeline.approve(arn)
    pipeline.run()

    found = properties(pipeline, arn)
    assert pipeline.serving() == "v1"
    assert notes.items() <= found.items()
    assert (shown(pipeline, arn) is not None, len(found)) == (is_shown, own + is_shown)


def test_where_somebody_fills_a_version_up_meanwhile_the_registry_refuses_and_nothing_waits(
    pipeline: Pipeline,
) -> None:
    arn = pipeline.register()
    notes = {f"note-{number}": "theirs" for number in range(50)}

    def fill_up(_: str, operation: str) -> None:
        if operation == "UpdateModelPackage" and not properties(pipeline, arn):
            approve_as(pipeline, arn, LEAD, CustomerMetadataProperties=notes)

    pipeline.deployer_cloud.before_call = fill_up
    pipeline.approve(arn)
    pipeline.run()
    pipeline.pass_time(900)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert properties(pipeline, arn) == notes
    assert writes(pipeline) == 1
    assert pipeline.told(arn) == ["started", "succeeded"]


# Refusals ---------------------------------------------------------------------------------------------


def deny_writes(pipeline: Pipeline) -> list[str]:
    """Deny the deployer its writes to the registry; return the list to which each try is added."""
    tried: list[str] = []

    def deny(_: str, operation: str) -> None:
        if operation == "UpdateModelPackage":
            tried.append(operation)
            error: Any = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
            raise ClientError(error, operation)

    pipeline.deployer_cloud.before_call = deny
    return tried


def make_group_again(pipeline: Pipeline) -> None:
    """Delete the group with its version, and make it again."""
    pipeline.registry.delete_model_package(ModelPackageName=f"{GROUP}/1")
    pipeline.registry.delete_model_package_group(ModelPackageGroupName=GROUP)
    pipeline.run()
    pipeline.pass_time(60)
    pipeline.registry.create_model_package_group(ModelPackageGroupName=GROUP)


def test_a_version_of_a_group_that_was_made_again_does_not_show_how_the_one_before_it_ended(
    pipeline: Pipeline,
) -> None:
    deny_writes(pipeline)
    served = approved(pipeline)
    make_group_again(pipeline)
    assert pipeline.register() == served
    pipeline.deployer_cloud.before_call = do_nothing
    for _ in range(3):
        pipeline.pass_time(900)
        pipeline.sweep()
        pipeline.run()

    assert pipeline.serving() == "v1"
    assert shown(pipeline, served) is None


def test_a_version_of_a_group_that_was_made_again_does_not_show_until_when_the_one_before_it_served(
    pipeline: Pipeline,
) -> None:
    served = approved(pipeline)
    make_group_again(pipeline)
    assert pipeline.register() == served
    second = approved(pipeline)

    assert str(shown(pipeline, second)).startswith("serving since 20")
    assert shown(pipeline, served) is None


def test_a_denied_write_is_told_once_and_made_once_it_may_be(pipeline: Pipeline) -> None:
    tried = deny_writes(pipeline)
    arn = approved(pipeline)
    for _ in range(8):
        pipeline.pass_time(900)
        pipeline.sweep()
        pipeline.run()

    assert pipeline.serving() == "v1"
    told = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    [hindered] = [each for each in told if "does not show what happened to it here" in each]
    assert "version_metadata: false" in hindered
    assert 2 <= len(tried) < 8

    pipeline.deployer_cloud.before_call = do_nothing
    pipeline.pass_time(24 * 3600)
    pipeline.sweep()
    assert str(shown(pipeline, arn)).startswith("serving since 20")
