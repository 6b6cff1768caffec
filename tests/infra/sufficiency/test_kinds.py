"""SageMaker refuses to make an endpoint on instances serverless; the deployer says so and does not ask."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.sufficiency.test_trial import BAD, GOOD, TESTED, Trying
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline

SERVERLESS: dict[str, Any] = {
    "ProductionVariants": [
        {"VariantName": "AllTraffic", "ServerlessConfig": {"MaxConcurrency": 1, "MemorySizeInMB": 2048}}
    ]
}


@pytest.fixture
def pipeline() -> Pipeline:
    """Return an endpoint that serves v1 on an instance."""
    made = Pipeline()
    made.manage()
    made.approve(made.register())
    made.run()
    made.outcomes.clear()
    return made


def sweep(pipeline: Pipeline) -> None:
    pipeline.sweep()
    pipeline.run()


def test_a_change_to_serverless_is_told_once_and_not_asked_for(pipeline: Pipeline) -> None:
    pipeline.manage(CreateEndpointConfig=SERVERLESS)
    pipeline.deployer_cloud.calls.clear()
    for _ in range(3):
        sweep(pipeline)

    (told,) = pipeline.outcomes
    assert told["Outcome"] == "needs_attention"
    assert "Delete the endpoint" in told["Message"]
    assert not {"CreateModel", "CreateEndpointConfig", "UpdateEndpoint"} & set(pipeline.sagemaker_calls())
    assert pipeline.serving() == "v1"
    assert [each.version for each in pipeline.history.deployments] == [1]


def test_the_next_version_is_told_of_as_well(pipeline: Pipeline) -> None:
    pipeline.manage(CreateEndpointConfig=SERVERLESS)
    sweep(pipeline)
    pipeline.approve(pipeline.register())
    pipeline.run()

    assert [each["Outcome"] for each in pipeline.outcomes] == ["needs_attention"] * 2
    assert pipeline.outcomes[1]["Message"].startswith("Version 2 of churn-models is not deployed to churn")


def test_the_newest_version_serves_once_the_endpoint_is_deleted(pipeline: Pipeline) -> None:
    pipeline.approve(pipeline.register())
    pipeline.run()
    pipeline.manage(CreateEndpointConfig=SERVERLESS)
    sweep(pipeline)
    pipeline.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    pipeline.run()
    sweep(pipeline)

    assert pipeline.serving() == "v2"
    assert pipeline.outcomes[-1]["Outcome"] == "succeeded"


def test_settings_for_instances_again_are_in_sync_again(pipeline: Pipeline) -> None:
    pipeline.manage(CreateEndpointConfig=SERVERLESS)
    sweep(pipeline)
    pipeline.manage()
    sweep(pipeline)

    assert pipeline.history.last_observed.reported == ()
    assert [each["Outcome"] for each in pipeline.outcomes] == ["needs_attention"]


def test_an_attempt_left_behind_is_withdrawn(pipeline: Pipeline) -> None:
    def die(_service: str, operation: str) -> None:
        if operation == "CreateModel":
            raise SystemExit

    pipeline.deployer_cloud.before_call = die
    pipeline.approve(pipeline.register())
    with pytest.raises(SystemExit):
        pipeline.deliver()
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    pipeline.pass_time(600)
    pipeline.manage(CreateEndpointConfig=SERVERLESS)
    sweep(pipeline)

    assert not any(each.unsettled for each in pipeline.attempts)
    assert pipeline.outcomes[-1]["Outcome"] == "needs_attention"


def test_the_other_way_is_an_update_like_any_other() -> None:
    pipeline = Pipeline()
    pipeline.manage(CreateEndpointConfig=SERVERLESS)
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    pipeline.manage(
        CreateEndpointConfig={
            "ProductionVariants": [
                {
                    **SERVERLESS["ProductionVariants"][0],
                    "ServerlessConfig": {"MaxConcurrency": 2, "MemorySizeInMB": 2048},
                }
            ]
        }
    )
    sweep(pipeline)
    pipeline.manage()
    sweep(pipeline)

    assert pipeline.told(arn) == ["started", "succeeded"] * 3


def test_a_serving_config_that_somebody_deleted_is_made_again_and_then_judged(pipeline: Pipeline) -> None:
    pipeline.sagemaker.delete_endpoint_config(EndpointConfigName=pipeline.endpoint["EndpointConfigName"])
    pipeline.manage(CreateEndpointConfig=SERVERLESS)
    sweep(pipeline)

    assert [each["Outcome"] for each in pipeline.outcomes] == ["needs_attention"]
    assert (
        "cannot become" in pipeline.outcomes[0]["Message"] or "serverless" in pipeline.outcomes[0]["Message"]
    )


def test_what_fails_its_smoke_test_on_instances_cannot_be_put_back_to_serverless() -> None:
    pipeline = Trying(CreateEndpointConfig=SERVERLESS)
    arn = pipeline.deploy(GOOD)
    pipeline.settings = TESTED
    pipeline.script(arn, BAD)
    pipeline.manage(**TESTED)
    for _ in range(3):
        sweep(pipeline)

    assert pipeline.told(arn) == ["started", "succeeded", "started", "failed"]
    assert [each["Outcome"] for each in pipeline.outcomes].count("needs_attention") == 1
    assert pipeline.serving() == "v1"
