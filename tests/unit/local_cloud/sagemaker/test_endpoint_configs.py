"""Endpoint configs: their descriptions, and settings that exclude each other."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.sagemaker.switch_settings import Answer, SameConfigUpdate, UndersizedGuardrail
from local_cloud.sagemaker.switches import Switches
from local_cloud.sagemaker.timings import Timings
from local_cloud.testing.virtual_clock import START
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    DATA,
    IMAGE,
    PREFIX,
    ROLE,
    VirtualCloud,
    serverless,
    specification,
    variant,
)

ASYNCHRONOUS = {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}
CAPTURE = {
    "InitialSamplingPercentage": 50,
    "DestinationS3Uri": "s3://b/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
VPC = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
POOLS = [{"InstanceType": "ml.g5.xlarge", "Priority": 2}, {"InstanceType": "ml.g6.xlarge", "Priority": 1}]
WITHOUT_MODEL = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def _without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def test_a_config_is_described_as_it_was_created_with_a_default_weight(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config("Config-1", Tags=[{"Key": "a", "Value": "b"}], KmsKeyId="key")
    assert cloud.call("DescribeEndpointConfig", EndpointConfigName="Config-1") == {
        "EndpointConfigName": "Config-1",
        "EndpointConfigArn": f"{PREFIX}:endpoint-config/config-1",
        "ProductionVariants": [{**variant(), "InitialVariantWeight": 1.0}],
        "KmsKeyId": "key",
        "MetricsConfig": {"EnableDetailedObservability": True},
        "CreationTime": START,
    }


def test_detailed_observability_is_on_unless_a_config_turns_it_off(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config("enhanced", MetricsConfig={"EnableEnhancedMetrics": True})
    cloud.config("off", MetricsConfig={"EnableDetailedObservability": False})
    shown = {
        name: cloud.call("DescribeEndpointConfig", EndpointConfigName=name)["MetricsConfig"]
        for name in ("enhanced", "off")
    }
    assert shown == {
        "enhanced": {"EnableDetailedObservability": True, "EnableEnhancedMetrics": True},
        "off": {"EnableDetailedObservability": False},
    }


@pytest.mark.parametrize(
    ("variants", "members", "fragment"),
    [
        ([variant(), variant()], {}, 'The variant name "AllTraffic" is used more than once'),
        ([variant()], {"ShadowProductionVariants": [variant()]}, "is used more than once"),
        (
            [variant()],
            {"ShadowProductionVariants": [variant(VariantName="s1"), variant(VariantName="s2")]},
            "exactly one production variant and one shadow variant",
        ),
        (
            [variant(), variant(VariantName="b")],
            {"ShadowProductionVariants": [variant(VariantName="s")]},
            "exactly one production variant and one shadow variant",
        ),
        (
            [variant(), variant(VariantName="b")],
            {"AsyncInferenceConfig": ASYNCHRONOUS},
            "exactly one production variant",
        ),
        ([serverless()], {"AsyncInferenceConfig": ASYNCHRONOUS}, "cannot be used with ServerlessConfig"),
        (
            [serverless(InstanceType="ml.m5.large", InitialInstanceCount=1)],
            {},
            "InstanceType, InitialInstanceCount cannot be specified together with ServerlessConfig",
        ),
        ([serverless(), serverless(VariantName="b")], {}, "exactly one production variant"),
        ([serverless()], {"DataCaptureConfig": CAPTURE}, "DataCaptureConfig is not supported for serverless"),
        ([serverless()], {"KmsKeyId": "key"}, "KmsKeyId is not supported for serverless"),
        ([serverless()], {"EnableNetworkIsolation": True}, "EnableNetworkIsolation is not supported"),
        (
            [serverless(ServerlessConfig={"MemorySizeInMB": 1500, "MaxConcurrency": 1})],
            {},
            "must be one of 1024, 2048, 3072, 4096, 5120, 6144",
        ),
        (
            [
                serverless(
                    ServerlessConfig={
                        "MemorySizeInMB": 1024,
                        "MaxConcurrency": 1,
                        "ProvisionedConcurrency": 2,
                    }
                )
            ],
            {},
            "ProvisionedConcurrency cannot exceed MaxConcurrency",
        ),
        (
            [_without(variant(), "InstanceType")],
            {},
            "exactly one of InstanceType, InstancePools and Serverless",
        ),
        ([variant(InstancePools=POOLS)], {}, "exactly one of InstanceType, InstancePools and Serverless"),
        ([_without(variant(), "InitialInstanceCount")], {}, "InitialInstanceCount is required"),
        ([variant(AcceleratorType="ml.eia2.medium")], {}, "AcceleratorType is no longer supported"),
        (
            [variant(ManagedInstanceScaling={"Status": "ENABLED"})],
            {},
            "ManagedInstanceScaling is only supported for inference component endpoints.",
        ),
        ([WITHOUT_MODEL], {}, "must specify ModelName"),
        ([variant()], {"ExecutionRoleArn": ROLE}, "is for inference component endpoints"),
        ([variant(InstanceType="ml.g5.xlarge", VolumeSizeInGB=9)], {}, "VolumeSize parameter is not allowed"),
        ([variant(RoutingConfig={"RoutingStrategy": "PREFIX_AWARE"})], {}, "PREFIX_AWARE requires"),
        (
            [
                variant(
                    RoutingConfig={
                        "RoutingStrategy": "RANDOM",
                        "PrefixAwareRoutingConfig": {"PrefixLength": 1024, "ConcurrencyThreshold": 9},
                    }
                )
            ],
            {},
            "for PREFIX_AWARE only",
        ),
        ([variant()], {"MetricsConfig": {"MetricPublishFrequencyInSeconds": 20}}, "must be one of 10"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(
    cloud: VirtualCloud, variants: list[dict[str, Any]], members: dict[str, Any], fragment: str
) -> None:
    cloud.model()
    error = cloud.refused(
        "CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=variants, **members
    )
    assert error.code == "ValidationException"
    assert fragment in error.message
    assert cloud.call("ListEndpointConfigs") == {"EndpointConfigs": []}


@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        (
            {
                "PrimaryContainer": {
                    "Image": IMAGE,
                    "ModelDataSource": {
                        "S3DataSource": {"S3Uri": DATA, "S3DataType": "S3Object", "CompressionType": "Gzip"}
                    },
                }
            },
            "Model with containers that use ModelDataSource",
        ),
        ({"Containers": [{"Image": IMAGE}, {"Image": IMAGE}]}, "has several containers"),
        ({"PrimaryContainer": {"Image": IMAGE, "Mode": "MultiModel"}}, "multi-model"),
        ({"VpcConfig": VPC}, "has a VpcConfig"),
        ({"EnableNetworkIsolation": True}, "network isolation"),
    ],
)
def test_models_that_serverless_endpoints_cannot_run_are_refused(
    cloud: VirtualCloud, members: dict[str, Any], fragment: str
) -> None:
    cloud.model(**members)
    error = cloud.refused("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[serverless()])
    assert fragment in error.message
    cloud.config("c", variant())


@pytest.mark.parametrize(
    ("members", "instance_type", "fragment"),
    [
        ({"Containers": [{"Image": IMAGE}, {"Image": IMAGE}]}, "ml.m5.large", "several containers or models"),
        (
            {"PrimaryContainer": {"Image": IMAGE, "Mode": "MultiModel"}},
            "ml.m5.large",
            "several containers or",
        ),
        ({}, "ml.inf1.xlarge", "Inf1 instances"),
    ],
)
@pytest.mark.parametrize("is_shadow", [True, False])
def test_what_shadow_tests_cannot_have_is_refused_on_either_side(
    cloud: VirtualCloud, members: dict[str, Any], instance_type: str, fragment: str, *, is_shadow: bool
) -> None:
    cloud.model("plain")
    cloud.model(**members)
    pair = [variant(InstanceType=instance_type), variant(VariantName="other", ModelName="plain")]
    production, shadow = reversed(pair) if is_shadow else pair
    error = cloud.refused(
        "CreateEndpointConfig",
        EndpointConfigName="c",
        ProductionVariants=[production],
        ShadowProductionVariants=[shadow],
    )
    assert error.code == "ValidationException"
    assert fragment in error.message
    cloud.config("c", variant(InstanceType=instance_type))


def test_a_model_without_a_role_cannot_be_hosted(cloud: VirtualCloud) -> None:
    cloud.call("CreateModel", ModelName="model-1", PrimaryContainer={"Image": IMAGE})
    error = cloud.refused("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant()])
    assert "has no ExecutionRoleArn" in error.message


def test_instance_pools_count_as_their_first_choice(cloud: VirtualCloud) -> None:
    cloud.model()
    pooled = {**_without(variant(), "InstanceType"), "InstancePools": POOLS}
    cloud.config("config-1", pooled)
    cloud.endpoint()
    (fleet,) = cloud.hosting.fleets.values()
    assert fleet.spec.instance_type == "ml.g6.xlarge"


def test_a_new_config_may_be_invisible_to_endpoints_for_a_moment() -> None:
    cloud = VirtualCloud(timings=Timings(endpoint_config_visible_seconds=3))
    cloud.model()
    cloud.config()
    error = cloud.refused("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
    assert error.message.startswith("Could not find endpoint configuration")
    cloud.call("DescribeEndpointConfig", EndpointConfigName="config-1")
    cloud.advance(3)
    cloud.endpoint()


@pytest.mark.parametrize("setting", Answer)
def test_whether_the_package_s_instance_types_bind_is_a_switch(setting: Answer) -> None:
    cloud = VirtualCloud(switches=Switches(supported_instance_types=setting))
    cloud.group()
    arn = cloud.version(
        InferenceSpecification=specification(SupportedRealtimeInferenceInstanceTypes=["ml.m5.xlarge"])
    )
    cloud.model(Containers=[{"ModelPackageName": arn}])
    cloud.config("supported", variant(InstanceType="ml.m5.xlarge"))
    request = {"EndpointConfigName": "unsupported", "ProductionVariants": [variant()]}
    if setting is Answer.ACCEPT:
        cloud.call("CreateEndpointConfig", **request)
    else:
        error = cloud.refused("CreateEndpointConfig", **request)
        assert "ml.m5.large is not among the SupportedRealtimeInferenceInstanceTypes" in error.message


@pytest.mark.parametrize("setting", SameConfigUpdate)
def test_an_update_to_the_same_config_is_a_switch(setting: SameConfigUpdate) -> None:
    cloud = VirtualCloud(switches=Switches(same_config_update=setting))
    cloud.serving()
    events = len(cloud.sink.events)
    if setting is SameConfigUpdate.REFUSE:
        error = cloud.refused("UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
        assert "already uses" in error.message
    else:
        cloud.update("config-1")
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-1"
    is_redeployed = setting is SameConfigUpdate.REDEPLOY
    assert cloud.hosting.terminated == (["fleet-1"] if is_redeployed else [])
    assert (len(cloud.sink.events) > events) is is_redeployed


def _guardrail(kind: str, name: str, size: dict[str, Any], **members: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": 10, name: size}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **members}}


QUARTER = {"Type": "CAPACITY_PERCENT", "Value": 25}


@pytest.mark.parametrize(
    ("deployment_config", "fragment"),
    [
        (
            {
                **_guardrail("CANARY", "CanarySize", QUARTER),
                "RollingUpdatePolicy": {"MaximumBatchSize": QUARTER, "WaitIntervalInSeconds": 0},
            },
            "only one update policy",
        ),
        (
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 0}
                }
            },
            "of type CANARY requires CanarySize",
        ),
        (_guardrail("CANARY", "CanarySize", {"Type": "CAPACITY_PERCENT", "Value": 51}), "at most 50 percent"),
        (
            _guardrail("LINEAR", "LinearStepSize", {"Type": "INSTANCE_COUNT", "Value": 3}),
            "at most 50 percent",
        ),
        (
            _guardrail(
                "CANARY",
                "CanarySize",
                QUARTER,
                TerminationWaitInSeconds=600,
                MaximumExecutionTimeoutInSeconds=600,
            ),
            "must be greater than the sum of the wait intervals (610)",
        ),
    ],
)
def test_deployment_configs_that_contradict_themselves_are_refused(
    cloud: VirtualCloud, deployment_config: dict[str, Any], fragment: str
) -> None:
    cloud.model()
    for name in ("config-1", "config-2"):
        cloud.config(name, variant(InitialInstanceCount=4))
    cloud.endpoint()
    request = {"EndpointConfigName": "config-2", "DeploymentConfig": deployment_config}
    assert fragment in cloud.refused("UpdateEndpoint", EndpointName="churn", **request).message
    assert fragment in cloud.refused("CreateEndpoint", EndpointName="other", **request).message
    assert cloud.status() == "InService"


@pytest.mark.parametrize("setting", UndersizedGuardrail)
@pytest.mark.parametrize(
    "deployment_config",
    [
        _guardrail("CANARY", "CanarySize", QUARTER),
        _guardrail("LINEAR", "LinearStepSize", {"Type": "INSTANCE_COUNT", "Value": 1}),
        {"RollingUpdatePolicy": {"MaximumBatchSize": QUARTER, "WaitIntervalInSeconds": 10}},
    ],
)
def test_a_guardrail_on_one_instance_is_a_switch(
    setting: UndersizedGuardrail, deployment_config: dict[str, Any]
) -> None:
    cloud = VirtualCloud(switches=Switches(undersized_guardrail=setting))
    cloud.serving()
    request = {
        "EndpointName": "churn",
        "EndpointConfigName": "config-2",
        "DeploymentConfig": deployment_config,
    }
    if setting is UndersizedGuardrail.REFUSE:
        assert "a variant with one instance" in cloud.refused("UpdateEndpoint", **request).message
        return
    cloud.call("UpdateEndpoint", **request)
    cloud.advance(5)
    fails = setting is UndersizedGuardrail.FAIL
    described = cloud.describe()
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == ("config-1" if fails else "config-2")
    assert ("a variant with one instance" in described.get("FailureReason", "")) is fails


def test_guardrails_want_the_same_variant_names_and_instances(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config("config-1", variant(InitialInstanceCount=4))
    cloud.config("config-2", variant(VariantName="Other", InitialInstanceCount=4))
    cloud.config("serverless", serverless())
    cloud.endpoint()
    cloud.endpoint("small", "serverless")
    canary = _guardrail("CANARY", "CanarySize", QUARTER)
    error = cloud.refused(
        "UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-2", DeploymentConfig=canary
    )
    assert "variant names of the present one: AllTraffic" in error.message
    error = cloud.refused(
        "CreateEndpoint", EndpointName="other", EndpointConfigName="serverless", DeploymentConfig=canary
    )
    assert "not supported for serverless" in error.message
    cloud.update("config-2")
    cloud.settle()
    assert cloud.describe()["ProductionVariants"][0]["VariantName"] == "Other"


@pytest.mark.parametrize(
    ("instance_type", "is_refused"),
    [
        ("ml.m5.large", False),
        ("ml.c7i.large", False),
        ("ml.inf2.xlarge", False),
        ("ml.m5d.large", True),
        ("ml.c6gd.large", True),
        ("ml.g4dn.xlarge", True),
        ("ml.p4d.24xlarge", True),
        ("ml.g6e.xlarge", True),
    ],
)
def test_a_volume_size_needs_an_instance_without_local_storage(
    cloud: VirtualCloud, instance_type: str, *, is_refused: bool
) -> None:
    cloud.model()
    with_key = {"EndpointConfigName": "c", "ProductionVariants": [variant(InstanceType=instance_type)]}
    cloud.call("CreateEndpointConfig", **with_key, KmsKeyId="key")
    sized = [variant(InstanceType=instance_type, VolumeSizeInGB=100)]
    request = {"EndpointConfigName": "sized", "ProductionVariants": sized}
    if is_refused:
        error = cloud.refused("CreateEndpointConfig", **request)
        expected = f"VolumeSize parameter is not allowed for the selected Instance type {instance_type}"
        assert error.message == expected
    else:
        cloud.call("CreateEndpointConfig", **request)


@pytest.mark.parametrize("answer", Answer)
def test_what_no_text_speaks_of_is_accepted_or_refused_as_the_switch_says(answer: Answer) -> None:
    cloud = VirtualCloud(switches=Switches(undocumented_combinations=answer))
    cloud.model()
    explainer: dict[str, Any] = {"ClarifyExplainerConfig": {"ShapConfig": {"ShapBaselineConfig": {}}}}
    combinations: list[tuple[list[dict[str, Any]], dict[str, Any]]] = [
        ([variant()], {"VpcConfig": VPC}),
        ([variant()], {"EnableNetworkIsolation": True}),
        ([serverless()], {"ExplainerConfig": explainer}),
    ]
    for number, (variants, members) in enumerate(combinations):
        request = {"EndpointConfigName": f"c{number}", "ProductionVariants": variants, **members}
        if answer is Answer.ACCEPT:
            cloud.call("CreateEndpointConfig", **request)
        else:
            assert cloud.refused("CreateEndpointConfig", **request).code == "ValidationException"
