from __future__ import annotations

import re
from typing import Any

from tests.witnesses.observed_cloud import (
    ACCOUNT,
    ObservedCloud,
    allow,
    arn_of,
    refusal,
    serverless,
    target,
    variant,
)
from tests.witnesses.witness import Observed, witness

_TERRAFORM = "hashicorp/terraform-provider-aws@cd3a8a7b:internal/service/appautoscaling/target.go"
_OUTPUT = {"OutputConfig": {"S3OutputPath": "s3://bucket/output/"}}


def _tracking(metric: str, value: float = 70.0) -> dict[str, Any]:
    return {
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": value,
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
        },
    }


@witness(
    "scaling-serverless-metric",
    source="aws/aws-cdk#29065",
    date="2024-02-10",
    observed=Observed.REPORT,
    fact="Provisioned concurrency has only one predefined metric; a refusal of others names it.",
)
def test_provisioned_concurrency_has_one_predefined_metric(cloud: ObservedCloud) -> None:
    cloud.serving(serverless(ProvisionedConcurrency=1))
    named = {**target(), "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency"}
    cloud.auto_scaling.register_scalable_target(**named, MinCapacity=1, MaxCapacity=2)
    code, message = refusal(
        cloud.auto_scaling.put_scaling_policy,
        PolicyName="calls",
        **named,
        **_tracking("SageMakerVariantInvocationsPerInstance"),
    )
    assert code == "ValidationException"
    assert message == (
        "Scalable dimension sagemaker:variant:DesiredProvisionedConcurrency only supports the following "
        "predefined metric types: SageMakerVariantProvisionedConcurrencyUtilization"
    )


@witness(
    "scaling-alarm-names",
    source="boto/boto3#2839",
    date="2021-04-29",
    observed=Observed.REPORT,
    fact="A target tracking policy answers with two alarms. Their names have the resource's id, AlarmHigh or"
    " AlarmLow, and an identifier.",
)
def test_a_target_tracking_policy_has_two_alarms(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.register()
    policy = {"PolicyName": "calls", **target(), **_tracking("SageMakerVariantInvocationsPerInstance")}
    answer = cloud.auto_scaling.put_scaling_policy(**policy)
    identifier = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    for alarm, side in zip(answer["Alarms"], ("AlarmHigh", "AlarmLow"), strict=True):
        name = f"TargetTracking-endpoint/endpoint/variant/variant-1-{side}-{identifier}"
        assert re.fullmatch(name, alarm["AlarmName"])
        assert alarm["AlarmARN"] == f"arn:aws:cloudwatch:us-west-2:{ACCOUNT}:alarm:{alarm['AlarmName']}"
    [shown] = cloud.auto_scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert shown["Alarms"] == answer["Alarms"]


@witness(
    "scaling-burstable",
    source="aws-controllers-k8s/community#1633",
    date="2023-01-17",
    observed=Observed.REPORT,
    fact="Endpoints on T2 instances can no longer be scaled.",
)
def test_burstable_instances_are_not_scaled(cloud: ObservedCloud) -> None:
    cloud.serving(variant(InstanceType="ml.t2.medium"))
    code, _ = refusal(cloud.auto_scaling.register_scalable_target, **target(), MinCapacity=1, MaxCapacity=2)
    assert code == "ValidationException"
    assert cloud.auto_scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


@witness(
    "scaling-deletion-denied",
    source="awslabs/stable-diffusion-aws-extension#161",
    date="2023-08-17",
    observed=Observed.REPORT,
    fact="A caller who may delete endpoints, but not deregister scalable targets, cannot delete a scaled "
    "endpoint.",
)
def test_a_scaled_endpoint_is_deleted_only_by_those_who_may_deregister_it(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.register()
    limited = cloud.acting(allow("sagemaker:*")).client("sagemaker")
    code, message = refusal(limited.delete_endpoint, EndpointName="endpoint")
    assert code == "ValidationException"
    assert message == (
        "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity "
        "used to invoke DeleteEndpoint does not have application-autoscaling:DeregisterScalableTarget "
        "permission to deregister the scalable target."
    )
    both = allow("sagemaker:*", "application-autoscaling:DeregisterScalableTarget")
    cloud.acting(both).client("sagemaker").delete_endpoint(EndpointName="endpoint")
    assert cloud.auto_scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


@witness(
    "scaling-to-zero",
    source="aws-samples/amazon-textract-transformer-pipeline#13",
    date="2022-04-14",
    observed=Observed.REPORT,
    fact="An asynchronous endpoint can be registered with a minimum of 0, and scaled to no instances.",
)
def test_an_asynchronous_endpoint_is_scaled_to_nothing(cloud: ObservedCloud) -> None:
    cloud.serving(AsyncInferenceConfig=_OUTPUT)
    cloud.register(low=0, high=1)
    cloud.settle()
    cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="endpoint",
        DesiredWeightsAndCapacities=[{"VariantName": "variant-1", "DesiredInstanceCount": 0}],
    )
    cloud.settle()
    [shown] = cloud.describe()["ProductionVariants"]
    assert (cloud.status(), shown["CurrentInstanceCount"]) == ("InService", 0)


@witness(
    "scaling-deregistered",
    source=f"{_TERRAFORM}:Delete",
    date="2022",
    observed=Observed.HANDLED,
    fact="Deregistering an unregistered target is an ObjectNotFoundException.",
)
def test_a_target_is_deregistered_once(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.register()
    cloud.auto_scaling.deregister_scalable_target(**target())
    code, _ = refusal(cloud.auto_scaling.deregister_scalable_target, **target())
    assert code == "ObjectNotFoundException"


@witness(
    "scaling-described",
    source=f"{_TERRAFORM}:FindTargetByThreePartKey",
    date="2022",
    observed=Observed.HANDLED,
    fact="Targets are found by id and dimension; for an unregistered one the answer is empty, not an error.",
)
def test_a_target_that_is_not_registered_is_no_error(cloud: ObservedCloud) -> None:
    cloud.serving()
    wanted = {
        "ServiceNamespace": "sagemaker",
        "ResourceIds": [target()["ResourceId"]],
        "ScalableDimension": target()["ScalableDimension"],
    }
    assert cloud.auto_scaling.describe_scalable_targets(**wanted)["ScalableTargets"] == []
    cloud.register()
    [found] = cloud.auto_scaling.describe_scalable_targets(**wanted)["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 4)


@witness(
    "scaling-two-metrics",
    source="aws-controllers-k8s/applicationautoscaling-controller#105",
    date="2023-06-29",
    observed=Observed.REPORT,
    fact="One variant scales by two metrics on one dimension, with a policy for each; PolicyNames selects "
    "one.",
)
def test_a_variant_may_have_two_policies(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.register()
    for name, metric in (
        ("calls", "SageMakerVariantInvocationsPerInstance"),
        ("requests", "SageMakerVariantConcurrentRequestsPerModelHighResolution"),
    ):
        cloud.auto_scaling.put_scaling_policy(PolicyName=name, **target(), **_tracking(metric))
    describe = cloud.auto_scaling.describe_scaling_policies
    both = describe(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert {policy["PolicyName"] for policy in both} == {"calls", "requests"}
    one = describe(ServiceNamespace="sagemaker", PolicyNames=["calls"])["ScalingPolicies"]
    assert [policy["PolicyName"] for policy in one] == ["calls"]


@witness(
    "scaling-survives-an-update",
    source="hashicorp/terraform-provider-aws#48990",
    date="2026-07-16",
    observed=Observed.REPORT,
    fact="An update of a scaled-out endpoint scales it in, unless RetainAllVariantProperties is set.",
)
def test_an_update_keeps_what_scaling_did_only_if_asked_to(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.register(low=4, high=8)
    cloud.settle()
    counts = []
    for name, retain in (("kept", True), ("reset", False)):
        cloud.config(name)
        cloud.update(name, RetainAllVariantProperties=retain)
        cloud.settle()
        counts.append(cloud.describe()["ProductionVariants"][0]["CurrentInstanceCount"])
    assert counts == [4, 2]


@witness(
    "scaling-registration-tried",
    source="aws-controllers-k8s/community#2110",
    date="2024-07-12",
    observed=Observed.REPORT,
    fact="Registering a variant tries DescribeEndpointConfig for the caller on a missing config, named by a "
    "UUID. So a permission on the endpoint's own config is not enough.",
)
def test_registering_tries_what_has_no_name(cloud: ObservedCloud) -> None:
    cloud.serving()
    rest = allow("application-autoscaling:*", "cloudwatch:*", "iam:CreateServiceLinkedRole")
    endpoint = allow("sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities")
    named = allow("sagemaker:DescribeEndpointConfig", resource=arn_of("endpoint-config/config"))
    client = cloud.acting(rest, endpoint, named).client("application-autoscaling")
    code, message = refusal(client.register_scalable_target, **target(), MinCapacity=1, MaxCapacity=2)
    assert (code, message) == (
        "ValidationException",
        "User is missing the following permissions: sagemaker:DescribeEndpointConfig",
    )
    every = allow("sagemaker:DescribeEndpointConfig", resource=arn_of("endpoint-config/*"))
    client = cloud.acting(rest, endpoint, every).client("application-autoscaling")
    client.register_scalable_target(**target(), MinCapacity=1, MaxCapacity=2)


@witness(
    "scaling-missing-permissions",
    source="aws/aws-auto-scaling-custom-resource#25",
    date="2020-02-04",
    observed=Observed.REPORT,
    fact="A caller without the permissions that Application Auto Scaling tries gets a ValidationException "
    "that lists all missing ones: `User is missing the following permissions: …, …`.",
)
def test_a_registration_lists_all_that_is_missing(cloud: ObservedCloud) -> None:
    cloud.serving()
    rest = allow("application-autoscaling:*", "cloudwatch:*", "iam:CreateServiceLinkedRole")
    client = cloud.acting(rest).client("application-autoscaling")
    code, message = refusal(client.register_scalable_target, **target(), MinCapacity=1, MaxCapacity=2)
    assert code == "ValidationException"
    start, _, names = message.partition(": ")
    assert start == "User is missing the following permissions"
    assert len(names.split(", ")) > 1
    assert all(name.startswith("sagemaker:") for name in names.split(", "))
