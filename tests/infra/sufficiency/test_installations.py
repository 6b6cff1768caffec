"""The deployer leaves other stacks' resources alone, also below one settings path, and reports them once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deployer.model.settings import EndpointSettings, InvalidSettingsError
from deployer.triggers import read_trigger
from tests.unit.deployer.builders import ENDPOINT, settings_document
from tests.unit.deployer.pipeline import PREFIX, REGION, Pipeline

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
            # Another execution environment has another memory.
            each.parameters._foreign.clear()  # noqa: SLF001 - as a new one has none


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
    assert pipeline.history.last_observed.reported is None


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


def test_two_installations_below_one_path_take_none_of_each_others_endpoints() -> None:
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
    [in_first], [in_second] = told(first), told(second)
    assert "The settings of endpoint fraud are of stack Second" in in_first
    assert f"The settings of endpoint {ENDPOINT} are of stack Greenlight" in in_second
    assert all("settings_prefix" in each for each in (in_first, in_second))

    # One of them takes its settings out: that is the affair of neither.
    first.ssm.delete_parameter(Name=f"{PREFIX}fraud")
    for each in (first, second):
        each.outcomes.clear()
        each.dispatch(read_trigger(deleted("fraud", first.account_id)))
    assert first.outcomes == []
    assert [each["Outcome"] for each in second.outcomes] == ["unmanaged"]


def endpoint_arns(pipeline: Pipeline) -> dict[str, str]:
    listed = pipeline.sagemaker.list_endpoints()["Endpoints"]
    return {each["EndpointName"]: each["EndpointArn"] for each in listed}


def deleted(endpoint_name: str, account_id: str) -> dict[str, Any]:
    """Return the event of a parameter's deletion (Systems Manager user guide, event patterns)."""
    return {
        "id": "7f6c2a1e-0000-4000-8000-000000000001",
        "source": "aws.ssm",
        "detail-type": "Parameter Store Change",
        "account": account_id,
        "region": REGION,
        "time": "2026-05-04T12:00:00Z",
        "resources": [],
        "detail": {"operation": "Delete", "name": f"{PREFIX}{endpoint_name}", "type": "String"},
    }


@pytest.mark.parametrize("name", [None, "", 7])
def test_settings_that_do_not_say_whose_they_are_cannot_be_used(name: object) -> None:
    document = settings_document(StackName=name)
    if name is None:
        del document["StackName"]

    with pytest.raises(InvalidSettingsError, match="StackName, which says whose settings they are"):
        EndpointSettings.parse(ENDPOINT, json.dumps(document))
