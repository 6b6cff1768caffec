"""What the deployer made and somebody deleted is made again, and is no failure of any version."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.model.cause import Cause
from tests.unit.deployer.builders import GROUP
from tests.unit.deployer.pipeline import Pipeline


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
def test_a_config_that_was_deleted_while_it_serves_is_made_again_within_a_day(
    *, settings_changed: bool
) -> None:
    pipeline, arn = deployed()
    name = delete_config(pipeline)
    before = pipeline.told(arn)
    if settings_changed:
        pipeline.manage(Tags={"team": "churn"})
    for _ in range(26):
        pipeline.pass_time(3600)
        pipeline.sweep()

    assert name in config_names(pipeline)
    assert pipeline.told(arn) == before


def test_a_config_that_cannot_be_made_again_is_told_once_and_made_once_it_can() -> None:
    pipeline, _ = deployed()
    name = delete_config(pipeline)
    denied = [True]

    def before(_service: str, operation: str) -> None:
        if operation == "CreateEndpointConfig" and denied:
            answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": "is not authorized"}}
            raise ClientError(answer, operation)

    pipeline.deployer_cloud.before_call = before
    for _ in range(30):
        pipeline.pass_time(3600)
        pipeline.sweep()
    [told] = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert f"Endpoint config {name}, which serves, was deleted" in told["Message"]

    denied.clear()
    pipeline.pass_time(900)
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
