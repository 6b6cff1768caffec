"""The deployer leaves other stacks' resources alone, and reports them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Sequence

WRITES = frozenset({"CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "AddTags"})
BY_HAND = "made-by-hand"


def let_happen(*installations: Pipeline) -> None:
    """Let everything happen that may deploy something, in every installation."""
    for _ in range(3):
        for each in installations:
            each.run()
            each.sweep()


def made_by_hand(pipeline: Pipeline, tags: Sequence[dict[str, str]] = ()) -> None:
    """Create an endpoint of the name that the settings have, as somebody else does."""
    version = pipeline.register("Approved", group="churn-models")
    pipeline.reject(version)
    role, sagemaker = pipeline.role_arn, pipeline.sagemaker
    [container] = sagemaker.describe_model_package(ModelPackageName=version)["InferenceSpecification"][
        "Containers"
    ]
    sagemaker.create_model(
        ModelName=BY_HAND,
        ExecutionRoleArn=role,
        Containers=[{"Image": container["Image"], "ModelDataUrl": container["ModelDataUrl"]}],
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=BY_HAND,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": BY_HAND,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=BY_HAND, Tags=tags)
    pipeline.run()


def told(pipeline: Pipeline) -> list[str]:
    return [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ([], "somebody made it by hand"),
        ([{"Key": "greenlight:stack", "Value": "Other"}], "its tag greenlight:stack is Other"),
    ],
)
def test_an_endpoint_of_somebody_else_is_found_before_anything_is_made_and_told_once(
    tags: list[dict[str, str]], owner: str
) -> None:
    pipeline = Pipeline()
    made_by_hand(pipeline, tags)
    before = pipeline.endpoint
    pipeline.manage(
        AutoScaling={
            "AllTraffic": {
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "MinCapacity": 1,
                "MaxCapacity": 2,
            }
        }
    )
    pipeline.approve(pipeline.register())
    let_happen(pipeline)

    assert WRITES.isdisjoint(pipeline.sagemaker_calls())
    services = {service for service, _ in pipeline.deployer_cloud.calls}
    assert "application-autoscaling" not in services
    assert {**pipeline.endpoint, "ResponseMetadata": None} == {**before, "ResponseMetadata": None}
    [message] = told(pipeline)
    assert owner in message
    assert pipeline.history.latest_attempt is None


def test_what_the_message_says_hands_the_endpoint_over() -> None:
    pipeline = Pipeline()
    made_by_hand(pipeline)
    pipeline.manage()
    pipeline.approve(pipeline.register())
    let_happen(pipeline)
    [message] = told(pipeline)
    arn, key, value = (
        message.partition(before)[2].partition(after)[0]
        for before, after in (("--resource-arn ", " "), ("Key=", ","), ("Value=", "."))
    )

    pipeline.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": key, "Value": value}])
    let_happen(pipeline)

    assert pipeline.serving() == "v2"
    assert told(pipeline) == [message]
    assert pipeline.history.last_observed.reported == ()


def test_who_takes_our_tag_off_takes_the_endpoint_out_of_our_hands() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    pipeline.approve(pipeline.register())
    let_happen(pipeline)
    pipeline.sagemaker.delete_tags(ResourceArn=pipeline.endpoint["EndpointArn"], TagKeys=["greenlight:stack"])
    before = len(pipeline.sagemaker_calls())
    pipeline.approve(pipeline.register())
    let_happen(pipeline)

    assert pipeline.serving() == "v1"
    assert WRITES.isdisjoint(pipeline.sagemaker_calls()[before:])
    assert len(told(pipeline)) == 1


def test_two_installations_in_one_account_take_none_of_each_others_endpoints() -> None:
    first = Pipeline()
    second = first.beside("Second")
    first.manage()
    second.manage(EndpointName="fraud")
    version = first.register()
    first.approve(version)
    let_happen(first, second)

    owners = {
        name: {each["Key"]: each["Value"] for each in first.sagemaker.list_tags(ResourceArn=arn)["Tags"]}[
            "greenlight:stack"
        ]
        for name, arn in endpoint_arns(first).items()
    }
    assert owners == {ENDPOINT: "Greenlight", "fraud": "Second"}
    assert told(first) == told(second) == []

    # One of them removes its settings, which does not concern the other.
    second.unmanage("fraud")
    for each in (first, second):
        each.outcomes.clear()
        each.look_at_settings()
    assert first.outcomes == []
    assert [each["Outcome"] for each in second.outcomes] == ["unmanaged"]


def test_an_endpoint_that_was_never_ours_leaves_the_settings_without_a_word() -> None:
    pipeline = Pipeline()
    made_by_hand(pipeline, [{"Key": "greenlight:stack", "Value": "Other"}])
    pipeline.manage()
    let_happen(pipeline)
    pipeline.outcomes.clear()
    pipeline.unmanage()
    let_happen(pipeline)
    pipeline.pass_time(15 * 60)
    let_happen(pipeline)

    assert pipeline.outcomes == []
    assert pipeline.noted_settings() == {}


def endpoint_arns(pipeline: Pipeline) -> dict[str, str]:
    listed = pipeline.sagemaker.list_endpoints()["Endpoints"]
    return {each["EndpointName"]: each["EndpointArn"] for each in listed}
