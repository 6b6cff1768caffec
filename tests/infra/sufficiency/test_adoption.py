"""An endpoint that a person handed over with `greenlight adopt` stays as it is until something changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.contract import ADOPTED_TAG, STACK_TAG
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline, change_artifact

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANGES = frozenset({"CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint"})
BY_HAND = "made-by-hand"
ENVIRONMENT = {"LOG_LEVEL": "info"}


def make_by_hand(
    pipeline: Pipeline, version_arn: str, *, of: str = "artifact", config: Mapping[str, Any] | None = None
) -> None:
    """Make an endpoint of a version, as a person does: of its artifact, or by its name."""
    described = pipeline.sagemaker.describe_model_package(ModelPackageName=version_arn)
    [brought] = described["InferenceSpecification"]["Containers"]
    content = {"Image": brought["Image"], "ModelDataUrl": brought["ModelDataUrl"]}
    container = content if of == "artifact" else {"ModelPackageName": version_arn}
    pipeline.sagemaker.create_model(
        ModelName=BY_HAND,
        ExecutionRoleArn=pipeline.role_arn,
        PrimaryContainer={**container, "Environment": ENVIRONMENT},
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": BY_HAND,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    }
    pipeline.sagemaker.create_endpoint_config(
        EndpointConfigName=BY_HAND, ProductionVariants=[variant], **(config or {})
    )
    pipeline.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=BY_HAND)
    settle(pipeline)


def adopt(pipeline: Pipeline, version_arn: str, **settings: Any) -> None:
    """Tag the endpoint as the command does, and deploy its settings."""
    tags = {STACK_TAG: "Greenlight", ADOPTED_TAG: pipeline.release(version_arn).endpoint_config_name}
    pipeline.sagemaker.add_tags(
        ResourceArn=pipeline.endpoint["EndpointArn"],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    pipeline.manage(**settings)
    pipeline.look_at_settings()
    settle(pipeline)


def settle(pipeline: Pipeline) -> None:
    """Let everything happen that may deploy something."""
    for _ in range(3):
        pipeline.run()
        pipeline.pass_time(900)
        pipeline.sweep()


def pause(pipeline: Pipeline) -> None:
    """Hold back everything new."""
    texts = {"endpoint": "greenlight:pauses", "item": "*", "reason": "incident 4711", "by": "ada"}
    pipeline.cloud.client("dynamodb").put_item(
        TableName=pipeline.table, Item={name: {"S": text} for name, text in texts.items()}
    )


def told(pipeline: Pipeline) -> list[str]:
    """Return what people heard after the first look, which said which of the versions it took."""
    first, *others = (each["Outcome"] for each in pipeline.outcomes)
    assert first == "needs_attention"
    return others


def changes(pipeline: Pipeline) -> list[str]:
    return [each for each in pipeline.sagemaker_calls() if each in CHANGES]


def two_approved(pipeline: Pipeline) -> tuple[str, str]:
    """Return two versions that were approved before anybody looked."""
    first, second = pipeline.register("Approved"), pipeline.register("Approved")
    pipeline.undelivered()
    return first, second


@pytest.mark.parametrize("of", ["artifact", "name"])
def test_the_first_deployment_changes_nothing(of: str) -> None:
    pipeline = Pipeline()
    first, _ = two_approved(pipeline)
    make_by_hand(pipeline, first, of=of)
    adopt(pipeline, first)

    assert changes(pipeline) == []
    assert pipeline.endpoint["EndpointConfigName"] == BY_HAND
    [approval] = pipeline.history.approvals
    assert (approval.version, approval.served_with) == (1, pipeline.release(first).endpoint_config_name)
    assert pipeline.history.last_observed.endpoint_config_name == BY_HAND


def test_without_the_tag_of_the_command_the_highest_version_goes_out() -> None:
    """Nobody said what the endpoint serves, and its model does not."""
    pipeline = Pipeline()
    first, _ = two_approved(pipeline)
    make_by_hand(pipeline, first)
    tags = [{"Key": STACK_TAG, "Value": "Greenlight"}]
    pipeline.sagemaker.add_tags(ResourceArn=pipeline.endpoint["EndpointArn"], Tags=tags)
    pipeline.manage()
    settle(pipeline)

    assert pipeline.serving() == "v2"


def test_a_later_version_goes_out_and_after_its_rejection_the_adopted_one_comes_back() -> None:
    pipeline = Pipeline()
    first, _ = two_approved(pipeline)
    make_by_hand(pipeline, first)
    adopt(pipeline, first)
    third = pipeline.register()
    pipeline.approve(third)
    settle(pipeline)
    assert pipeline.serving() == "v3"
    pipeline.reject(third)
    settle(pipeline)

    assert pipeline.serving() == "v1"
    assert pipeline.endpoint["EndpointConfigName"] == pipeline.release(first).endpoint_config_name
    assert pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=BY_HAND), "nobody deletes it"


def test_changed_settings_go_out_with_the_adopted_version() -> None:
    pipeline = Pipeline()
    first, _ = two_approved(pipeline)
    make_by_hand(pipeline, first)
    adopt(pipeline, first)
    pipeline.manage(Restart="2026-11-30")
    pipeline.look_at_settings()
    settle(pipeline)

    assert pipeline.serving() == "v1"
    assert changes(pipeline) == ["CreateModel", "CreateEndpointConfig", "UpdateEndpoint"]


def test_changed_settings_that_fail_leave_the_adopted_version_in_service() -> None:
    pipeline = Pipeline()
    first, _ = two_approved(pipeline)
    make_by_hand(pipeline, first)
    adopt(pipeline, first)
    pipeline.break_model_of(first, Restart="2026-11-30")
    pipeline.manage(Restart="2026-11-30")
    pipeline.look_at_settings()
    settle(pipeline)

    assert pipeline.endpoint["EndpointConfigName"] == BY_HAND
    assert changes(pipeline).count("UpdateEndpoint") == 1
    assert told(pipeline) == ["started", "failed"]


@pytest.mark.parametrize(
    "slipped_in",
    [
        {
            "DataCaptureConfig": {
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": "s3://elsewhere/calls",
                "CaptureOptions": [{"CaptureMode": "Input"}],
            }
        },
        {"KmsKeyId": "somebody-elses"},
    ],
    ids=["capture", "key"],
)
def test_a_tag_does_not_make_a_config_pass_that_has_more_than_the_settings_say(
    slipped_in: dict[str, Any],
) -> None:
    pipeline = Pipeline()
    first, _ = two_approved(pipeline)
    if "KmsKeyId" in slipped_in:
        pipeline.cloud.make_key("somebody-elses")
    make_by_hand(pipeline, first, config=slipped_in)
    adopt(pipeline, first)

    assert pipeline.serving() == "v1"
    assert pipeline.endpoint["EndpointConfigName"] == pipeline.release(first).endpoint_config_name


def test_a_tag_does_not_make_a_model_pass_that_has_another_artifact() -> None:
    pipeline = Pipeline()
    first, second = two_approved(pipeline)
    make_by_hand(pipeline, second)
    adopt(pipeline, first)

    assert pipeline.endpoint["EndpointConfigName"] == pipeline.release(second).endpoint_config_name


def test_an_artifact_that_is_replaced_and_approved_again_goes_out() -> None:
    pipeline = Pipeline()
    first, _ = two_approved(pipeline)
    make_by_hand(pipeline, first)
    adopt(pipeline, first)
    change_artifact(pipeline, first)
    pipeline.reject(first)
    pipeline.approve(first)
    settle(pipeline)

    assert pipeline.endpoint["EndpointConfigName"] == pipeline.release(first).endpoint_config_name


def test_an_adopted_version_that_is_approved_again_stays_as_it_is() -> None:
    pipeline = Pipeline()
    first, _ = two_approved(pipeline)
    make_by_hand(pipeline, first)
    adopt(pipeline, first)
    pipeline.approve(first)
    settle(pipeline)

    assert changes(pipeline) == []


def test_what_another_person_puts_in_the_place_of_the_adopted_config_is_replaced_at_once() -> None:
    """A pause holds back what is new, and the adopted version is not."""
    pipeline = Pipeline()
    first, second = two_approved(pipeline)
    make_by_hand(pipeline, first)
    adopt(pipeline, first)
    pause(pipeline)
    release = pipeline.release(second)
    [request] = release.create_models
    pipeline.sagemaker.create_model(**{**request, "ModelName": "other"})
    variants = [
        {**each, "ModelName": "other"} for each in release.create_endpoint_config["ProductionVariants"]
    ]
    pipeline.sagemaker.create_endpoint_config(EndpointConfigName="other", ProductionVariants=variants)
    pipeline.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="other")
    settle(pipeline)

    assert pipeline.serving() == "v1"


def test_a_pause_holds_a_new_version_back_and_leaves_the_adopted_one_alone() -> None:
    pipeline = Pipeline()
    first, second = two_approved(pipeline)
    make_by_hand(pipeline, first)
    adopt(pipeline, first)
    pause(pipeline)
    pipeline.approve(second)
    settle(pipeline)

    assert changes(pipeline) == []
    assert told(pipeline) == ["held"]
