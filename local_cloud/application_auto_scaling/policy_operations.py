"""Operations on scaling policies; policies do not scale by themselves here."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from local_cloud.application_auto_scaling.lookup import (
    METRICS,
    arn_of,
    key_of,
    named,
    not_found,
    only,
    page,
    registered,
    targets,
)
from local_cloud.sagemaker import arns
from local_cloud.sagemaker.errors import validation
from local_cloud.sagemaker.scaling_registrations import ScalingPolicy, TargetKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.ports import Caller

_CONFIGURATIONS = {
    "StepScaling": "StepScalingPolicyConfiguration",
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
}


def put_scaling_policy(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Put a policy on a registered variant, or replace the one of that name."""
    target = registered(control_plane.scalable_targets, key_of(caller, request))
    _check_policy(target.key.scalable_dimension, request)
    name = request["PolicyName"]
    present = target.policies.get(name)
    if present is not None and _policy_type(present.request) != _policy_type(request):
        raise validation("You cannot change the policy type of an existing scaling policy.")
    policy = ScalingPolicy(
        name=name,
        arn=arn_of(target.key, "scalingPolicy", f":policyName/{name}"),
        creation_time=present.creation_time if present else control_plane.now(),
        request=request,
    )
    target.policies[name] = policy
    return {"PolicyARN": policy.arn, "Alarms": _alarms(target.key, policy)}


def describe_scaling_policies(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe policies."""
    names = request.get("PolicyNames")
    found = [
        {
            "PolicyARN": policy.arn,
            "PolicyName": policy.name,
            **named(target.key),
            "PolicyType": _policy_type(policy.request),
            **{
                member: policy.request[member]
                for member in _CONFIGURATIONS.values()
                if member in policy.request
            },
            "Alarms": _alarms(target.key, policy),
            "CreationTime": policy.creation_time,
        }
        for target in targets(control_plane.scalable_targets, caller, request, only(request))
        for policy in target.policies.values()
        if names is None or policy.name in names or policy.arn in names
    ]
    return page("ScalingPolicies", found, request)


def delete_scaling_policy(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Delete a policy."""
    key = key_of(caller, request)
    target = control_plane.scalable_targets.targets.get(key)
    if target is None or target.policies.pop(request["PolicyName"], None) is None:
        raise not_found("No scaling policy found", key, f", policy name: {request['PolicyName']}")
    return {}


OPERATIONS = {
    "PutScalingPolicy": put_scaling_policy,
    "DescribeScalingPolicies": describe_scaling_policies,
    "DeleteScalingPolicy": delete_scaling_policy,
}


def _policy_type(request: Mapping[str, Any]) -> str:
    policy_type: str = request.get("PolicyType", "StepScaling")
    return policy_type


def _alarms(key: TargetKey, policy: ScalingPolicy) -> list[dict[str, str]]:
    """Return a target tracking policy's alarm names in the form that was seen (boto3 #2839).

    No alarms are made here.
    """
    if _policy_type(policy.request) != "TargetTrackingScaling":
        return []
    alarms = []
    for side in ("AlarmHigh", "AlarmLow"):
        identifier = uuid.uuid5(uuid.NAMESPACE_URL, f"{policy.arn}/{side}")
        name = f"TargetTracking-{key.resource_id}-{side}-{identifier}"
        place = f"{arns.partition(key.region)}:cloudwatch:{key.region}:{key.account_id}"
        alarms.append({"AlarmName": name, "AlarmARN": f"arn:{place}:alarm:{name}"})
    return alarms


def _check_policy(dimension: str, request: Mapping[str, Any]) -> None:
    policy_type = _policy_type(request)
    member = _CONFIGURATIONS.get(policy_type)
    if member is None:
        raise validation(f"The local cloud does not model policies of type {policy_type}.")
    if member not in request or any(
        other in request for other in _CONFIGURATIONS.values() if other != member
    ):
        raise validation(f"A policy of type {policy_type} requires {member}, and no other configuration.")
    if policy_type == "StepScaling":
        return
    tracking = request[member]
    if ("PredefinedMetricSpecification" in tracking) == ("CustomizedMetricSpecification" in tracking):
        raise validation(
            f"{member} must have exactly one of PredefinedMetricSpecification and "
            "CustomizedMetricSpecification."
        )
    metric = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if metric is not None and metric not in METRICS[dimension]:
        # Seen (aws-cdk #29065).
        raise validation(
            f"Scalable dimension {dimension} only supports the following predefined metric types: "
            f"{', '.join(METRICS[dimension])}"
        )
