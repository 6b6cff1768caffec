"""Operations on scalable targets and their tags, and moving a variant's capacity into its bounds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from local_cloud.application_auto_scaling.lookup import (
    PROVISIONED_CONCURRENCY,
    key_of,
    named,
    not_found,
    page,
    targets,
)
from local_cloud.sagemaker.errors import ServiceError, validation
from local_cloud.sagemaker.scaling_registrations import ScalableTarget, TargetKey, endpoint_and_variant
from local_cloud.sagemaker.switch_settings import Answer
from service_model.hosting import is_burstable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.endpoints.endpoint_state import ScalableVariant
    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.scaling_registrations import ScalingRegistrations

_NOT_SUSPENDED = dict.fromkeys(
    ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
)


def register_scalable_target(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Register a variant, or change its bounds; its capacity moves into the bounds at once."""
    key = key_of(caller, request)
    variant = _variant(control_plane, key)
    target = control_plane.scalable_targets.targets.get(key)
    if target is None:
        target = _new_target(control_plane, key, request)
    elif request.get("Tags") and control_plane.switches.retagged_scalable_target is Answer.REFUSE:
        raise validation(
            "Tags can be given only when a scalable target is created. Use TagResource for an old one."
        )
    low = request.get("MinCapacity", target.min_capacity)
    high = request.get("MaxCapacity", target.max_capacity)
    if low < 0 or low > high:
        raise validation(f"MinCapacity ({low}) must be at least 0 and not greater than MaxCapacity ({high}).")
    target.min_capacity, target.max_capacity = low, high
    target.role_arn = request.get("RoleARN", target.role_arn)
    target.suspended_state = {**target.suspended_state, **request.get("SuspendedState", {})}
    target.tags = {**target.tags, **request.get("Tags", {})}
    control_plane.scalable_targets.targets[key] = target
    control_plane.scalable_targets.linked_accounts.add(key.account_id)
    wanted = min(max(variant.capacity, low), high)
    if variant.is_in_service and wanted != variant.capacity:
        move(control_plane, key, wanted)
    return {"ScalableTargetARN": target.arn}


def describe_scalable_targets(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe scalable targets; omit resource ids that are not registered."""
    found = [
        {
            **named(target.key),
            "MinCapacity": target.min_capacity,
            "MaxCapacity": target.max_capacity,
            "RoleARN": target.role_arn,
            "CreationTime": target.creation_time,
            "SuspendedState": target.suspended_state,
            "ScalableTargetARN": target.arn,
        }
        for target in targets(control_plane.scalable_targets, caller, request, request.get("ResourceIds"))
    ]
    return page("ScalableTargets", found, request)


def deregister_scalable_target(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Deregister a variant, with its policies and scheduled actions; its capacity stays."""
    key = key_of(caller, request)
    if key not in control_plane.scalable_targets.targets:
        raise not_found("No scalable target found", key)
    del control_plane.scalable_targets.targets[key]
    return {}


def tag_resource(control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Add tags to a scalable target."""
    _target_of_arn(control_plane.scalable_targets, caller, request).tags.update(request["Tags"])
    return {}


def untag_resource(control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Remove tags from a scalable target."""
    target = _target_of_arn(control_plane.scalable_targets, caller, request)
    for key in request["TagKeys"]:
        target.tags.pop(key, None)
    return {}


def list_tags_for_resource(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """List a scalable target's tags."""
    return {"Tags": dict(_target_of_arn(control_plane.scalable_targets, caller, request).tags)}


OPERATIONS = {
    "RegisterScalableTarget": register_scalable_target,
    "DescribeScalableTargets": describe_scalable_targets,
    "DeregisterScalableTarget": deregister_scalable_target,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}


def move(control_plane: ControlPlane, key: TargetKey, capacity: int) -> bool:
    """Change a variant's capacity; return whether SageMaker accepted it (a quota may be too low)."""
    endpoint_name, variant_name = endpoint_and_variant(key.resource_id)
    try:
        control_plane.scale_variant(key.account_id, key.region, endpoint_name, variant_name, capacity)
    except ServiceError:
        return False
    return True


def _variant(control_plane: ControlPlane, key: TargetKey) -> ScalableVariant:
    """Return the variant to register; it must exist, be of the right kind, and not be changing."""
    endpoint_name, variant_name = endpoint_and_variant(key.resource_id)
    variant = control_plane.scalable_variant(key.account_id, key.region, endpoint_name, variant_name)
    if variant is None:
        raise validation(f"The SageMaker endpoint variant {key.resource_id} could not be found.")
    if variant.is_serverless != (key.scalable_dimension == PROVISIONED_CONCURRENCY):
        kind = "is serverless" if variant.is_serverless else "runs on instances"
        raise validation(
            f"The variant {key.resource_id} {kind}: it cannot be scaled by {key.scalable_dimension}."
        )
    bursting = [name for name in variant.instance_types if is_burstable(name)]
    if bursting:
        # Documented in other words (developer guide, "endpoint-auto-scaling-add-console").
        raise validation(
            f"The variant {key.resource_id} runs on burstable instances ({', '.join(bursting)}), which "
            "automatic scaling does not support."
        )
    is_refused = control_plane.switches.busy_scalable_target is Answer.REFUSE
    if not variant.is_in_service and is_refused:
        raise validation(f"The endpoint of {key.resource_id} is not InService. Register it when it is.")
    return variant


def _new_target(control_plane: ControlPlane, key: TargetKey, request: Mapping[str, Any]) -> ScalableTarget:
    missing = [member for member in ("MinCapacity", "MaxCapacity") if member not in request]
    if missing:
        raise validation(f"{' and '.join(missing)} must be given for a new scalable target.")
    role = (
        f"arn:aws:iam::{key.account_id}:role/aws-service-role/sagemaker.application-autoscaling."
        "amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    )
    return ScalableTarget(
        key=key,
        arn=_target_arn(key),
        role_arn=role,
        creation_time=control_plane.now(),
        min_capacity=request["MinCapacity"],
        max_capacity=request["MaxCapacity"],
        suspended_state=dict(_NOT_SUSPENDED),
    )


def _target_of_arn(
    registry: ScalingRegistrations, caller: Caller, request: Mapping[str, Any]
) -> ScalableTarget:
    arn = request["ResourceARN"]
    for key, target in registry.targets.items():
        if target.arn == arn and key[:2] == (caller.account_id, caller.region):
            return target
    raise ServiceError("ResourceNotFoundException", f"The specified resource {arn} doesn't exist.")


def _target_arn(key: TargetKey) -> str:
    identifier = hashlib.sha256("/".join(key).encode()).hexdigest()[:40]
    return f"arn:aws:application-autoscaling:{key.region}:{key.account_id}:scalable-target/{identifier}"
