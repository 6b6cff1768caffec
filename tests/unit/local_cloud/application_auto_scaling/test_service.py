"""Application Auto Scaling through boto3: registrations, and the changes that they forbid SageMaker."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.application_auto_scaling.service import ApplicationAutoScaling
from local_cloud.sagemaker.switch_settings import Answer
from local_cloud.sagemaker.switches import Switches
from local_cloud.testing.in_process import InProcessCloud
from tests.unit.local_cloud.sagemaker.virtual_cloud import (
    ACCOUNT,
    OTHER_ACCOUNT,
    REGION,
    VirtualCloud,
    serverless,
    variant,
)

INSTANCES = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
VARIANT = "endpoint/churn/variant/AllTraffic"
NAMED: Any = {"ServiceNamespace": "sagemaker", "ResourceId": VARIANT, "ScalableDimension": INSTANCES}
OF_VARIANT = f"for service namespace: sagemaker, resource ID: {VARIANT}, scalable dimension: {INSTANCES}"
TRACKING: Any = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    "ScaleInCooldown": 600,
    "ScaleOutCooldown": 300,
}


class Scene:
    """An endpoint of two instances, config-2 to go to, and boto3's client of Application Auto Scaling."""

    def __init__(self, **switches: Any) -> None:
        self.cloud = VirtualCloud(switches=Switches(**switches))
        for number in (1, 2):
            self.cloud.model(f"model-{number}")
            self.cloud.config(
                f"config-{number}", variant(ModelName=f"model-{number}", InitialInstanceCount=2)
            )
        self.cloud.endpoint()
        self.client = self.client_of(ACCOUNT)
        self.service = ApplicationAutoScaling(self.cloud.control_plane)

    def client_of(self, account_id: str, region: str = REGION) -> Any:
        cloud = InProcessCloud(self.cloud.control_plane, account_id=account_id, region=region)
        return cloud.client("application-autoscaling")

    def register(self, low: int = 1, high: int = 4, **members: Any) -> str:
        request = {**NAMED, "MinCapacity": low, "MaxCapacity": high, **members}
        arn: str = self.client.register_scalable_target(**request)["ScalableTargetARN"]
        return arn

    def targets(self, **members: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.describe_scalable_targets(
            ServiceNamespace="sagemaker", **members
        )["ScalableTargets"]
        return found

    def instances(self) -> tuple[int, int]:
        (summary,) = self.cloud.describe()["ProductionVariants"]
        return summary["CurrentInstanceCount"], summary["DesiredInstanceCount"]

    def refused(self, operation: str, **request: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            getattr(self.client, operation)(**request)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]


def test_a_registered_target_is_described_with_the_service_linked_role() -> None:
    scene = Scene()
    arn = scene.register(Tags={"team": "risk"})
    (target,) = scene.targets()
    assert arn.startswith(f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/")
    assert target["ScalableTargetARN"] == arn
    assert (target["ResourceId"], target["ScalableDimension"]) == (VARIANT, INSTANCES)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert target["RoleARN"].endswith("/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
    assert target["SuspendedState"] == {
        "DynamicScalingInSuspended": False,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": False,
    }
    assert scene.client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "risk"}
    assert scene.cloud.status() == "InService"


def test_registering_again_changes_what_is_given_and_keeps_the_rest() -> None:
    scene = Scene()
    first = scene.register()
    suspended = {"DynamicScalingInSuspended": True}
    scene.client.register_scalable_target(**NAMED, MaxCapacity=9, SuspendedState=suspended)
    (target,) = scene.targets()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 9)
    assert target["SuspendedState"]["DynamicScalingInSuspended"] is True
    assert target["ScalableTargetARN"] == first


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(1, 4, (2, 2)), (3, 4, (2, 3)), (0, 1, (2, 1)), (2, 2, (2, 2))]
)
def test_registering_moves_the_capacity_into_the_bounds(
    low: int, high: int, expected: tuple[int, int]
) -> None:
    scene = Scene()
    scene.register(low, high)
    assert scene.instances() == expected
    scene.cloud.settle()
    assert scene.instances() == (expected[1], expected[1])


def test_a_quota_that_forbids_the_move_does_not_forbid_the_registration() -> None:
    scene = Scene()
    scene.cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.large", 2)
    scene.register(3, 4)
    assert scene.instances() == (2, 2)
    assert len(scene.targets()) == 1


@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        ({"MinCapacity": 5}, "not greater than MaxCapacity (4)"),
        ({"MinCapacity": -1}, "must be at least 0"),
        ({"ResourceId": "endpoint/other/variant/AllTraffic"}, "endpoint/other/variant/AllTraffic could not"),
        ({"ResourceId": "endpoint/churn/variant/Other"}, "could not be found"),
        ({"ResourceId": "endpoint/churn"}, "Unsupported service namespace, resource type"),
        ({"ServiceNamespace": "ecs"}, "Unsupported service namespace, resource type"),
        ({"ScalableDimension": "ecs:service:DesiredCount"}, "Unsupported service namespace, resource type"),
        ({"ScalableDimension": CONCURRENCY}, "runs on instances"),
        ({"ScalableDimension": "nope"}, "Member must satisfy enum value set"),
    ],
)
def test_what_cannot_be_registered_is_refused(members: dict[str, Any], fragment: str) -> None:
    scene = Scene()
    request = {**NAMED, "MinCapacity": 1, "MaxCapacity": 4, **members}
    code, message = scene.refused("register_scalable_target", **request)
    assert code == "ValidationException"
    assert fragment in message
    assert scene.targets() == []


def test_a_new_target_needs_both_bounds() -> None:
    scene = Scene()
    _, message = scene.refused("register_scalable_target", **NAMED, MaxCapacity=3)
    assert message == "MinCapacity must be given for a new scalable target."


@pytest.mark.parametrize("answer", Answer)
def test_a_variant_whose_endpoint_changes_is_refused_or_registered_without_a_move(answer: Answer) -> None:
    scene = Scene(busy_scalable_target=answer)
    scene.cloud.update()
    request = {**NAMED, "MinCapacity": 3, "MaxCapacity": 4}
    if answer is Answer.REFUSE:
        assert "is not InService" in scene.refused("register_scalable_target", **request)[1]
        assert scene.targets() == []
        return
    scene.client.register_scalable_target(**request)
    scene.cloud.settle()
    assert scene.instances() == (2, 2)


@pytest.mark.parametrize("answer", Answer)
def test_tags_on_a_target_that_exists_are_refused_or_added(answer: Answer) -> None:
    scene = Scene(retagged_scalable_target=answer)
    arn = scene.register(Tags={"a": "1"})
    request = {**NAMED, "MaxCapacity": 9, "Tags": {"b": "2"}}
    if answer is Answer.REFUSE:
        assert "Use TagResource" in scene.refused("register_scalable_target", **request)[1]
        assert scene.targets()[0]["MaxCapacity"] == 4
    else:
        scene.client.register_scalable_target(**request)
        assert scene.client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"a": "1", "b": "2"}


def test_tags_can_be_changed_by_the_target_s_arn() -> None:
    scene = Scene()
    arn = scene.register(Tags={"a": "1", "b": "2"})
    scene.client.tag_resource(ResourceARN=arn, Tags={"c": "3"})
    scene.client.untag_resource(ResourceARN=arn, TagKeys=["a", "missing"])
    assert scene.client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"b": "2", "c": "3"}
    code, _ = scene.refused("list_tags_for_resource", ResourceARN=f"{arn}0")
    assert code == "ResourceNotFoundException"


def test_targets_are_kept_per_account_and_region() -> None:
    scene = Scene()
    scene.register()
    for other in (scene.client_of(OTHER_ACCOUNT), scene.client_of(ACCOUNT, "us-east-1")):
        assert other.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_targets_are_found_by_resource_and_dimension() -> None:
    scene = Scene()
    scene.register()
    assert len(scene.targets(ResourceIds=[VARIANT], ScalableDimension=INSTANCES)) == 1
    assert scene.targets(ResourceIds=["endpoint/other/variant/AllTraffic"]) == []
    assert scene.targets(ResourceIds=[VARIANT], ScalableDimension=CONCURRENCY) == []


def test_a_policy_is_put_replaced_described_and_deleted() -> None:
    scene = Scene()
    scene.register()
    put = {**NAMED, "PolicyName": "calls", "PolicyType": "TargetTrackingScaling"}
    arn = scene.client.put_scaling_policy(**put, TargetTrackingScalingPolicyConfiguration=TRACKING)[
        "PolicyARN"
    ]
    changed = {**TRACKING, "TargetValue": 50.0}
    scene.client.put_scaling_policy(**put, TargetTrackingScalingPolicyConfiguration=changed)
    (policy,) = scene.client.describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=VARIANT, PolicyNames=["calls"]
    )["ScalingPolicies"]
    assert (policy["PolicyARN"], policy["PolicyType"]) == (arn, "TargetTrackingScaling")
    assert arn.endswith(f":resource/sagemaker/{VARIANT}:policyName/calls")
    assert policy["TargetTrackingScalingPolicyConfiguration"] == changed
    assert (
        "type of an existing"
        in (
            scene.refused(
                "put_scaling_policy",
                **{**put, "PolicyType": "StepScaling"},
                StepScalingPolicyConfiguration={"AdjustmentType": "ChangeInCapacity"},
            )[1]
        )
    )
    scene.client.delete_scaling_policy(**NAMED, PolicyName="calls")
    assert scene.refused("delete_scaling_policy", **NAMED, PolicyName="calls") == (
        "ObjectNotFoundException",
        f"No scaling policy found {OF_VARIANT}, policy name: calls",
    )


@pytest.mark.parametrize(
    ("members", "fragment"),
    [
        ({"PolicyType": "TargetTrackingScaling"}, "requires TargetTrackingScalingPolicyConfiguration"),
        ({"TargetTrackingScalingPolicyConfiguration": TRACKING}, "requires StepScalingPolicyConfiguration"),
        ({"PolicyType": "PredictiveScaling"}, "does not model policies of type PredictiveScaling"),
        (
            {
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 1.0},
            },
            "exactly one of PredefinedMetricSpecification",
        ),
        (
            {
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 1.0,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"
                    },
                },
            },
            f"Scalable dimension {INSTANCES} only supports the following predefined metric types:",
        ),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(members: dict[str, Any], fragment: str) -> None:
    scene = Scene()
    scene.register()
    code, message = scene.refused("put_scaling_policy", **NAMED, PolicyName="calls", **members)
    assert code == "ValidationException"
    assert fragment in message


def test_a_scheduled_action_is_put_changed_described_and_deleted() -> None:
    scene = Scene()
    scene.register()
    put = {**NAMED, "ScheduledActionName": "night"}
    scene.client.put_scheduled_action(
        **put,
        Schedule="cron(0 22 * * ? *)",
        ScalableTargetAction={"MinCapacity": 1},
        Timezone="Europe/Berlin",
    )
    scene.client.put_scheduled_action(**put, ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 2})
    (action,) = scene.client.describe_scheduled_actions(
        ServiceNamespace="sagemaker", ScheduledActionNames=["night"]
    )["ScheduledActions"]
    assert (action["Schedule"], action["Timezone"]) == ("cron(0 22 * * ? *)", "Europe/Berlin")
    assert action["ScalableTargetAction"] == {"MinCapacity": 1, "MaxCapacity": 2}
    for schedule in ("every night", "rate(0 minutes)", "cron(0 22 * *)"):
        assert "must be at(" in scene.refused("put_scheduled_action", **put, Schedule=schedule)[1]
    action_request = {**NAMED, "ScheduledActionName": "other", "Schedule": "rate(5 minutes)"}
    assert "must have MinCapacity" in scene.refused("put_scheduled_action", **action_request)[1]
    bounds = {"MinCapacity": 3, "MaxCapacity": 2}
    assert (
        "cannot be greater"
        in (scene.refused("put_scheduled_action", **action_request, ScalableTargetAction=bounds)[1])
    )
    scene.client.delete_scheduled_action(**put)
    assert scene.refused("delete_scheduled_action", **put)[0] == "ObjectNotFoundException"


def test_nothing_can_be_put_on_a_variant_that_is_not_registered() -> None:
    scene = Scene()
    assert scene.refused(
        "put_scaling_policy",
        **NAMED,
        PolicyName="calls",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    ) == (
        "ObjectNotFoundException",
        f"No scalable target registered {OF_VARIANT}",
    )


def test_deregistering_deletes_policies_and_actions_and_keeps_the_capacity() -> None:
    scene = Scene()
    scene.register(3, 4)
    scene.cloud.settle()
    scene.client.put_scaling_policy(
        **NAMED,
        PolicyName="calls",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )
    scene.client.put_scheduled_action(
        **NAMED,
        ScheduledActionName="night",
        Schedule="rate(1 day)",
        ScalableTargetAction={"MinCapacity": 1},
    )
    scene.client.deregister_scalable_target(**NAMED)
    assert scene.instances() == (3, 3)
    code, message = scene.refused("deregister_scalable_target", **NAMED)
    assert code == "ObjectNotFoundException"
    assert message.startswith("No scalable target found for service namespace: sagemaker")
    scene.register()
    assert scene.client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    assert scene.client.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"] == []


def test_lists_come_in_pages() -> None:
    scene = Scene()
    scene.register()
    for number in range(5):
        scene.client.put_scheduled_action(
            **NAMED,
            ScheduledActionName=f"action-{number}",
            Schedule="rate(1 day)",
            ScalableTargetAction={"MinCapacity": 1},
        )
    pages = list(
        scene.client.get_paginator("describe_scheduled_actions").paginate(
            ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["ScheduledActions"]) for page in pages] == [2, 2, 1]
    names = [action["ScheduledActionName"] for page in pages for action in page["ScheduledActions"]]
    assert names == [f"action-{number}" for number in range(5)]
    for token in ("bm9uc2Vuc2U=", "%"):
        code, _ = scene.refused("describe_scalable_targets", ServiceNamespace="sagemaker", NextToken=token)
        assert code == "InvalidNextTokenException"
    assert (
        "MaxResults"
        in (scene.refused("describe_scalable_targets", ServiceNamespace="sagemaker", MaxResults=51)[1])
    )


def test_an_operation_that_is_not_modelled_is_refused_by_name() -> None:
    code, message = Scene().refused("describe_scaling_activities", ServiceNamespace="sagemaker")
    assert code == "UnknownOperationException"
    assert "'DescribeScalingActivities'" in message


# A registration's effect on SageMaker


def test_an_update_that_changes_the_instance_type_needs_a_deregistration_first() -> None:
    scene = Scene()
    scene.cloud.config("config-3", variant(InstanceType="ml.m5.xlarge"))
    scene.register()
    error = scene.cloud.refused("UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-3")
    assert error.code == "ValidationException"
    assert "deregister" in error.message
    assert '"AllTraffic"' in error.message
    assert scene.cloud.status() == "InService"
    scene.client.deregister_scalable_target(**NAMED)
    scene.cloud.update("config-3")
    scene.cloud.settle()
    assert scene.cloud.describe()["EndpointConfigName"] == "config-3"


def test_an_update_that_removes_a_registered_variant_is_refused_and_of_another_is_not() -> None:
    scene = Scene()
    scene.cloud.config("config-3", variant(), variant(VariantName="Extra"))
    scene.cloud.update("config-3")
    scene.cloud.settle()
    scene.register()
    scene.cloud.update("config-2")
    scene.cloud.settle()
    scene.cloud.config("config-4", variant(VariantName="Renamed"))
    error = scene.cloud.refused("UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-4")
    assert "deregister" in error.message


def test_an_update_of_the_model_keeps_the_registration() -> None:
    scene = Scene()
    scene.register()
    scene.cloud.update()
    scene.cloud.settle()
    assert scene.cloud.describe()["EndpointConfigName"] == "config-2"
    assert len(scene.targets()) == 1


def test_deleting_the_endpoint_deregisters_its_variants() -> None:
    scene = Scene()
    scene.register()
    scene.cloud.call("DeleteEndpoint", EndpointName="churn")
    assert scene.targets() == []
    scene.cloud.settle()


# Scaling


def test_scaling_stays_within_the_bounds() -> None:
    scene = Scene()
    scene.register(1, 4)
    assert scene.service.scale(ACCOUNT, REGION, "churn", "AllTraffic", 9) == 4
    scene.cloud.settle()
    assert scene.instances() == (4, 4)
    assert scene.service.scale(ACCOUNT, REGION, "churn", "AllTraffic", 5) is None


def test_scaling_is_blocked_while_the_endpoint_changes_and_when_nothing_is_registered() -> None:
    scene = Scene()
    assert scene.service.scale(ACCOUNT, REGION, "churn", "AllTraffic", 3) is None
    scene.register()
    scene.cloud.update()
    assert scene.service.scale(ACCOUNT, REGION, "churn", "AllTraffic", 3) is None
    scene.cloud.settle()
    assert scene.service.scale(ACCOUNT, REGION, "churn", "AllTraffic", 3) == 3


@pytest.mark.parametrize(("direction", "capacity"), [("In", 1), ("Out", 3)])
def test_a_suspended_direction_does_not_scale(direction: str, capacity: int) -> None:
    scene = Scene()
    scene.register(SuspendedState={f"DynamicScaling{direction}Suspended": True})
    assert scene.service.scale(ACCOUNT, REGION, "churn", "AllTraffic", capacity) is None
    other = 4 - capacity
    assert scene.service.scale(ACCOUNT, REGION, "churn", "AllTraffic", other) == other


def test_a_serverless_variant_scales_by_provisioned_concurrency() -> None:
    cloud = VirtualCloud()
    cloud.model()
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 10, "ProvisionedConcurrency": 2}
    cloud.config("config-1", serverless(ServerlessConfig=config))
    cloud.endpoint()
    client = InProcessCloud(cloud.control_plane, account_id=ACCOUNT, region=REGION).client(
        "application-autoscaling"
    )
    request = {**NAMED, "MinCapacity": 3, "MaxCapacity": 8}
    with pytest.raises(ClientError, match="is serverless"):
        client.register_scalable_target(**request)
    client.register_scalable_target(**{**request, "ScalableDimension": CONCURRENCY})
    cloud.settle()
    (summary,) = cloud.describe()["ProductionVariants"]
    assert summary["CurrentServerlessConfig"]["ProvisionedConcurrency"] == 3


def test_burstable_instances_cannot_be_registered() -> None:
    scene = Scene()
    scene.cloud.config("bursting", variant(InstanceType="ml.t2.medium", ModelName="model-1"))
    scene.cloud.update("bursting")
    scene.cloud.settle()
    code, message = scene.refused("register_scalable_target", **NAMED, MinCapacity=1, MaxCapacity=4)
    assert code == "ValidationException"
    assert "ml.t2.medium" in message
