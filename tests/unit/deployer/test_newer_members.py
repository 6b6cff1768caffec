"""Settings reach SageMaker unchanged, even if the installed botocore does not know them."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.gateways.model_registry import ModelRegistry
from deployer.gateways.models_and_configs import ModelsAndConfigs
from deployer.gateways.tags import Tags
from local_cloud.sagemaker.ports import Caller
from local_cloud.sagemaker.switch_settings import ApiVersion
from local_cloud.sagemaker.switches import Switches
from tests.unit.deployer.pipeline import Pipeline

NEWER: dict[str, Any] = {
    "CreateModel": {"Containers": [{"Environment": {"A": "b"}, "Sidecar": {"Image": "x", "Ports": [1, 2]}}]},
    "CreateEndpointConfig": {
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "InstanceType": "ml.m9.large",
                "InitialInstanceCount": 1,
                "InitialVariantWeight": 1.0,
                "AcceleratorPartitionLayouts": [{"Profiles": ["mig-3g.40gb"]}],
                "RoutingConfig": {"RoutingStrategy": "KV_AWARE", "KvAwareConfig": {"Depth": 3}},
            }
        ],
        "CrossRegionTrafficConfig": {"MaxCrossRegionPercentPerEndpoint": 5},
    },
    "DeploymentConfig": {"PauseConfig": {"Seconds": 9}},
}


def deployed(version: ApiVersion) -> Pipeline:
    pipeline = Pipeline(Switches(api_version=version))
    pipeline.manage(**NEWER)
    for _ in range(2):
        pipeline.approve(pipeline.register(instance_types=()))
        pipeline.run()
    return pipeline


def described(pipeline: Pipeline, operation: str, **request: str) -> dict[str, Any]:
    caller = Caller(pipeline.account_id, "eu-central-1", f"arn:aws:iam::{pipeline.account_id}:root")
    return pipeline.control_plane.call(operation, request, caller)


def test_newer_members_and_values_reach_sagemaker_by_creation_and_by_update() -> None:
    pipeline = deployed(ApiVersion.NEWER)

    endpoint = described(pipeline, "DescribeEndpoint", EndpointName="churn")
    config = described(pipeline, "DescribeEndpointConfig", EndpointConfigName=endpoint["EndpointConfigName"])
    [variant] = config["ProductionVariants"]
    model = described(pipeline, "DescribeModel", ModelName=variant["ModelName"])

    assert endpoint["EndpointStatus"] == "InService"
    assert "-v2-" in endpoint["EndpointConfigName"]
    assert endpoint["LastDeploymentConfig"] == NEWER["DeploymentConfig"]
    assert config["CrossRegionTrafficConfig"] == NEWER["CreateEndpointConfig"]["CrossRegionTrafficConfig"]
    [wanted] = NEWER["CreateEndpointConfig"]["ProductionVariants"]
    assert {name: variant[name] for name in wanted} == wanted
    [container] = model["Containers"]
    assert container["Sidecar"] == {"Image": "x", "Ports": [1, 2]}
    assert container["Environment"] == {"A": "b"}
    assert container["ModelPackageName"].endswith("/2")


def test_what_is_there_already_is_recognised_less_what_nobody_here_can_read() -> None:
    pipeline = deployed(ApiVersion.NEWER)
    made = pipeline.release(pipeline.register("Approved", instance_types=()), **NEWER)
    gateway = ModelsAndConfigs(pipeline.newer, ModelRegistry(pipeline.newer), Tags(pipeline.newer))

    for may_exist in (False, False, True):
        gateway.create_model(made.create_models[0], may_exist=may_exist)
        gateway.create_endpoint_config(made.create_endpoint_config, may_exist=may_exist)


def test_an_api_that_is_no_newer_refuses_the_values_and_the_outcome_says_so() -> None:
    pipeline = deployed(ApiVersion.INSTALLED)

    outcome = pipeline.outcomes[-1]

    assert outcome["Outcome"] == "failed"
    assert "ml.m9.large" in outcome["Message"]


@pytest.mark.parametrize("version", ApiVersion)
def test_a_limit_that_was_raised_is_left_to_sagemaker(version: ApiVersion) -> None:
    pipeline = Pipeline(Switches(api_version=version))
    [variant] = NEWER["CreateEndpointConfig"]["ProductionVariants"]
    none = {**variant, "InstanceType": "ml.m5.large", "InitialInstanceCount": 0}
    pipeline.manage(CreateEndpointConfig={"ProductionVariants": [none]})
    pipeline.approve(pipeline.register(instance_types=()))
    pipeline.run()

    assert "greater than or equal to 1" in pipeline.outcomes[-1]["Message"]
