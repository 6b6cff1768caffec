"""What the deployer made and somebody deleted is made again, and is no failure of any version."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from deployer.dispatcher import PassesFailedError
from deployer.gateways.model_registry import ModelRegistry
from deployer.model.cause import Cause
from deployer.model.model_version import Hidden
from tests.unit.deployer.builders import GROUP
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable


def deployed(**settings: Any) -> tuple[Pipeline, str]:
    pipeline = Pipeline()
    pipeline.manage(**settings)
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    pipeline.pass_time(1800)
    pipeline.sweep()
    return pipeline, arn


def delete_config(pipeline: Pipeline) -> str:
    name: str = pipeline.endpoint["EndpointConfigName"]
    pipeline.client_of("sagemaker").delete_endpoint_config(EndpointConfigName=name)
    return name


def config_names(pipeline: Pipeline) -> set[str]:
    listed = pipeline.client_of("sagemaker").list_endpoint_configs()
    return {each["EndpointConfigName"] for each in listed["EndpointConfigs"]}


def test_a_version_goes_out_though_somebody_deleted_the_config_that_serves() -> None:
    pipeline, _ = deployed()
    delete_config(pipeline)
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()

    assert pipeline.told(arn) == ["started", "succeeded"]
    assert pipeline.serving() == "v2"


def test_a_reject_takes_a_version_off_though_somebody_deleted_its_config() -> None:
    pipeline, _ = deployed()
    pipeline.approve(arn := pipeline.register())
    pipeline.run()
    delete_config(pipeline)
    pipeline.reject(arn)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert not [each for each in pipeline.attempts if each.cause is Cause.VERSION]


@pytest.mark.parametrize("settings_changed", [False, True])
def test_a_config_that_was_deleted_while_it_serves_is_made_again_within_a_week(
    *, settings_changed: bool
) -> None:
    pipeline, arn = deployed()
    name = delete_config(pipeline)
    before = pipeline.told(arn)
    if settings_changed:
        pipeline.manage(Tags={"team": "churn"})
    for _ in range(7 * 4 + 1):
        pipeline.pass_time(6 * 3600)
        pipeline.sweep()

    assert name in config_names(pipeline)
    assert pipeline.told(arn) == before


def test_a_config_whose_model_was_deleted_as_well_is_told_once_and_waits_without_end() -> None:
    pipeline, _ = deployed()
    client = pipeline.client_of("sagemaker")
    [model] = client.list_models()["Models"]
    made = client.describe_model(ModelName=model["ModelName"])
    tags = client.list_tags(ResourceArn=model["ModelArn"])["Tags"]
    delete_config(pipeline)
    client.delete_model(ModelName=model["ModelName"])
    second = pipeline.register()
    pipeline.approve(second)
    for _ in range(3):
        pipeline.run()
        pipeline.pass_time(900)
        pipeline.sweep()

    assert pipeline.told(second) == ["needs_attention"]
    [told] = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert "Could not find model" in told
    assert "Create the deleted model again" in told
    assert not [each for each in pipeline.attempts if each.unsettled]

    client.create_model(
        ModelName=model["ModelName"],
        ExecutionRoleArn=made["ExecutionRoleArn"],
        Containers=made["Containers"],
        Tags=tags,
    )
    pipeline.pass_time(24 * 3600)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.serving() == "v2"


def test_a_config_that_cannot_be_made_again_is_told_once_and_made_once_it_can() -> None:
    pipeline, _ = deployed()
    name = delete_config(pipeline)
    denied = [True]

    def before(_service: str, operation: str) -> None:
        if operation == "CreateEndpointConfig" and denied:
            answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": "is not authorized"}}
            raise ClientError(answer, operation)

    pipeline.deployer_cloud.before_call = before
    for _ in range(7 * 4 + 1):
        pipeline.pass_time(6 * 3600)
        pipeline.sweep()
    [told] = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert f"The endpoint config that serves, {name}, was deleted" in told["Message"]

    denied.clear()
    pipeline.pass_time(24 * 3600)
    pipeline.sweep()
    assert name in config_names(pipeline)
    assert pipeline.history.last_observed.reported == ()


@pytest.mark.parametrize("status", ["Approved", "PendingManualApproval"])
@pytest.mark.parametrize("is_event_lost", [True, False])
def test_a_version_of_a_group_that_was_made_again_is_another_version(
    status: str, *, is_event_lost: bool
) -> None:
    pipeline, arn = deployed()
    served = pipeline.endpoint["EndpointConfigName"]
    pipeline.registry.delete_model_package(ModelPackageName=arn)
    pipeline.registry.delete_model_package_group(ModelPackageGroupName=GROUP)
    pipeline.run()
    pipeline.pass_time(60)
    pipeline.registry.create_model_package_group(ModelPackageGroupName=GROUP)
    again = pipeline.register(status)
    assert again == arn
    if status != "Approved":
        assert pipeline.serving() == "v1"
        pipeline.approve(again)
    if is_event_lost:
        pipeline.events.events.clear()
    for _ in range(3):
        pipeline.run()
        pipeline.pass_time(900)
        pipeline.sweep()

    assert pipeline.endpoint["EndpointConfigName"] != served
    assert pipeline.told(arn) == ["started", "succeeded"] * 2


@pytest.mark.parametrize("is_event_lost", [False, True])
def test_what_did_not_count_for_a_version_says_nothing_of_the_next_one_with_its_arn(
    *, is_event_lost: bool
) -> None:
    pipeline, first = deployed(ApprovalPolicy={"Approvers": ["*"]})
    pipeline.approve(second := pipeline.register())
    pipeline.pass_time(1)
    pipeline.registry.update_model_package(ModelPackageArn=second, CustomerMetadataProperties={"note": "1"})
    pipeline.run()
    assert pipeline.told(second) == ["ignored"]
    for arn in (first, second):
        pipeline.registry.delete_model_package(ModelPackageName=arn)
    pipeline.registry.delete_model_package_group(ModelPackageGroupName=GROUP)
    pipeline.pass_time(60)
    pipeline.registry.create_model_package_group(ModelPackageGroupName=GROUP)
    for arn in (first, second):
        assert pipeline.register("Approved") == arn
    if is_event_lost:
        pipeline.events.events.clear()
    for _ in range(3):
        pipeline.run()
        pipeline.pass_time(900)
        pipeline.sweep()

    assert pipeline.told(second)[-2:] == ["started", "succeeded"]


def denying(operations: set[str]) -> Callable[[str, str], None]:
    def before(_service: str, operation: str) -> None:
        if operation in operations:
            told = f"User: x is not authorized to perform: sagemaker:{operation}"
            answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": told}}
            raise ClientError(answer, operation)

    return before


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DescribeEndpointConfig", "ListTags"])
def test_a_read_that_is_denied_is_told_once_with_what_to_allow(operation: str) -> None:
    pipeline, _ = deployed()
    denied = {operation}
    pipeline.deployer_cloud.before_call = denying(denied)
    pipeline.approve(arn := pipeline.register())
    for _ in range(4):
        with suppress(PassesFailedError):
            pipeline.run()
        with pytest.raises(PassesFailedError):
            pipeline.sweep()
        pipeline.pass_time(24 * 3600)

    [told] = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert told["Message"].startswith(f"churn cannot be looked after. {operation} is denied: AccessDenied")
    assert f"Allow sagemaker:{operation} to the deployer's role" in told["Message"]

    denied.clear()
    pipeline.sweep()
    pipeline.run()
    pipeline.sweep()
    assert pipeline.told(arn)[-1] == "succeeded"
    assert pipeline.history.last_observed.reported == ()


def test_a_registry_that_does_not_list_versions_costs_none_its_turn_and_is_told_once() -> None:
    pipeline, _ = deployed()
    denied = {"ListModelPackages"}
    pipeline.deployer_cloud.before_call = denying(denied)
    for _ in range(3):
        pipeline.pass_time(24 * 3600)
        pipeline.sweep()
    pipeline.approve(arn := pipeline.register())
    pipeline.run()
    pipeline.sweep()

    assert pipeline.told(arn) == ["started", "succeeded"]
    [told] = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert told["Message"].startswith("The registry does not list the approved versions of churn-models")

    denied.clear()
    pipeline.pass_time(900)
    pipeline.sweep()
    assert pipeline.history.last_observed.reported == ()


class Describing:
    """A client of SageMaker that answers every description alike."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def describe_model_package(self, **_: Any) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def refused(code: str, message: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}}
    return ClientError(answer, "DescribeModelPackage")


@pytest.mark.parametrize(
    ("answer", "is_denied"),
    [
        (refused("AccessDeniedException", "no kms:Decrypt"), True),
        (refused("ValidationException", "1 validation error detected"), False),
        (ValueError('Invalid timestamp "whenever"'), False),
        ({"ModelPackageGroupName": GROUP, "ModelPackageVersion": 1}, False),
        ({"ModelPackageGroupName": GROUP, "ModelPackageVersion": 1, "CreationTime": None}, False),
    ],
)
def test_what_the_registry_does_not_describe_is_hidden_and_stops_nobody(
    answer: Any, *, is_denied: bool
) -> None:
    registry = ModelRegistry(cast("Any", Describing(answer)))

    found = registry.describe_version("arn")

    assert isinstance(found, Hidden)
    assert found.is_denied == is_denied


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure"])
def test_trouble_of_the_registry_that_passes_is_no_matter_of_one_version(code: str) -> None:
    registry = ModelRegistry(cast("Any", Describing(refused(code, "Later."))))

    with pytest.raises(ClientError):
        registry.describe_version("arn")
