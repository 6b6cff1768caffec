"""Application Auto Scaling for SageMaker variants: its API, and what scaling does to a variant.

Owns the checks and the answers. Nothing scales by itself here: no alarm is made for a target tracking policy
and no schedule runs; `ApplicationAutoScaling.scale` does what a policy would do.
Source: botocore's model of `application-autoscaling` (2016-02-06); texts as they were seen on AWS where said
so.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.loaders import Loader

from local_cloud.application_auto_scaling import authorization
from local_cloud.application_auto_scaling.registrations import (
    ScalableTarget,
    ScalingPolicy,
    ScheduledAction,
    TargetKey,
    endpoint_and_variant,
)
from local_cloud.sagemaker import arns
from local_cloud.sagemaker.errors import ServiceError, unknown_operation, validation
from local_cloud.sagemaker.protocol.validation import RequestValidator
from local_cloud.sagemaker.switch_settings import Answer
from service_model.hosting import is_burstable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.endpoints.endpoint_state import ScalableVariant
    from local_cloud.sagemaker.ports import Caller

INSTANCE_COUNT = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED_CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"

_METRICS = {
    INSTANCE_COUNT: (
        "SageMakerVariantInvocationsPerInstance",
        "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    ),
    PROVISIONED_CONCURRENCY: ("SageMakerVariantProvisionedConcurrencyUtilization",),
}
"""The predefined metrics that each dimension supports."""

_SCHEDULE = re.compile(
    r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)|rate\([1-9]\d* (minute|hour|day)s?\)|cron\(\S+( \S+){5}\)"
)
_CONFIGURATIONS = {
    "StepScaling": "StepScalingPolicyConfiguration",
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
}
_PATTERNS = {
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*": (
        r"[\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF\r\n\t]*"
    ),
    r"\p{Print}+": r"[\x20-\x7E]+",
}
"""Patterns that only Java can read (surrogates, POSIX classes), and what they mean in Python."""

_MAX_PAGE_SIZE = 50
_NOT_SUSPENDED = dict.fromkeys(
    ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
)

Handler: TypeAlias = "Callable[[ApplicationAutoScaling, Caller, Mapping[str, Any]], dict[str, Any]]"


@cache
def service_model() -> dict[str, Any]:
    """Return botocore's model of the service."""
    model: dict[str, Any] = Loader().load_service_model("application-autoscaling", "service-2")
    shapes = {
        name: {**shape, "pattern": _PATTERNS[shape["pattern"]]}
        if shape.get("pattern") in _PATTERNS
        else shape
        for name, shape in model["shapes"].items()
    }
    return {**model, "shapes": shapes}


@cache
def _validator() -> RequestValidator:
    return RequestValidator(service_model())


class ApplicationAutoScaling:
    """Answer the API for the variants of a control plane; several of these share its registry.

    Args:
        control_plane: Whose variants are scaled, and whose clock, switches and registry hold.
    """

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._registry = control_plane.scalable_targets

    def call(self, operation: str, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer a call.

        Args:
            operation: An operation's name, such as `RegisterScalableTarget`.
            request: Its members.
            caller: Who calls, and in which account and region.

        Returns:
            The response's members; timestamps are aware datetimes.

        Raises:
            ServiceError: What AWS would answer instead.
        """
        handler = OPERATIONS.get(operation)
        if handler is None:
            raise unknown_operation(operation)
        validated = _validator().validate(operation, request)
        authorization.require(
            self._registry,
            caller,
            operation,
            validated,
            now=self._control_plane.now(),
            switches=self._control_plane.switches,
        )
        return handler(self, caller, validated)

    def scale(
        self, account_id: str, region: str, endpoint_name: str, variant_name: str, capacity: int
    ) -> int | None:
        """Scale a registered variant as a policy would, within its bounds.

        Scaling is blocked while the endpoint changes (developer guide, "Update endpoints that use auto
        scaling"), while the direction is suspended, and for a variant that is not registered.

        Returns:
            The capacity that it is scaled to, or None if nothing was done.
        """
        variant = self._control_plane.scalable_variant(account_id, region, endpoint_name, variant_name)
        target = next(
            (
                target
                for key, target in self._registry.targets.items()
                if key[:3] == (account_id, region, "sagemaker")
                and endpoint_and_variant(key.resource_id) == (endpoint_name, variant_name)
            ),
            None,
        )
        if target is None or variant is None or not variant.is_in_service:
            return None
        wanted = min(max(capacity, target.min_capacity), target.max_capacity)
        direction = "Out" if wanted > variant.capacity else "In"
        if wanted == variant.capacity or target.suspended_state[f"DynamicScaling{direction}Suspended"]:
            return None
        return wanted if self._move(target.key, wanted) else None

    # Scalable targets

    def register_scalable_target(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Register a variant, or change its bounds; its capacity moves into them at once."""
        key = _key(caller, request)
        variant = self._variant(key)
        target = self._registry.targets.get(key)
        if target is None:
            target = self._new_target(key, request)
        elif request.get("Tags") and self._control_plane.switches.retagged_scalable_target is Answer.REFUSE:
            raise validation(
                "Tags can be given only when a scalable target is created. Use TagResource for an old one."
            )
        low = request.get("MinCapacity", target.min_capacity)
        high = request.get("MaxCapacity", target.max_capacity)
        if low < 0 or low > high:
            raise validation(
                f"MinCapacity ({low}) must be at least 0 and not greater than MaxCapacity ({high})."
            )
        target.min_capacity, target.max_capacity = low, high
        target.role_arn = request.get("RoleARN", target.role_arn)
        target.suspended_state = {**target.suspended_state, **request.get("SuspendedState", {})}
        target.tags = {**target.tags, **request.get("Tags", {})}
        self._registry.targets[key] = target
        self._registry.linked_accounts.add(key.account_id)
        wanted = min(max(variant.capacity, low), high)
        if variant.is_in_service and wanted != variant.capacity:
            self._move(key, wanted)
        return {"ScalableTargetARN": target.arn}

    def describe_scalable_targets(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Describe scalable targets; resource ids that are not registered are left out."""
        found = [
            {
                **_named(target.key),
                "MinCapacity": target.min_capacity,
                "MaxCapacity": target.max_capacity,
                "RoleARN": target.role_arn,
                "CreationTime": target.creation_time,
                "SuspendedState": target.suspended_state,
                "ScalableTargetARN": target.arn,
            }
            for target in self._targets(caller, request, request.get("ResourceIds"))
        ]
        return _page("ScalableTargets", found, request)

    def deregister_scalable_target(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Deregister a variant, with its policies and scheduled actions; its capacity stays."""
        key = _key(caller, request)
        if key not in self._registry.targets:
            raise _not_found("No scalable target found", key)
        del self._registry.targets[key]
        return {}

    # Policies

    def put_scaling_policy(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Put a policy on a registered variant, or replace the one of that name."""
        target = self._registered(_key(caller, request))
        _check_policy(target.key.scalable_dimension, request)
        name = request["PolicyName"]
        present = target.policies.get(name)
        if present is not None and _policy_type(present.request) != _policy_type(request):
            raise validation("You cannot change the policy type of an existing scaling policy.")
        policy = ScalingPolicy(
            name=name,
            arn=self._arn(target.key, "scalingPolicy", f":policyName/{name}"),
            creation_time=present.creation_time if present else self._control_plane.now(),
            request=request,
        )
        target.policies[name] = policy
        return {"PolicyARN": policy.arn, "Alarms": _alarms(target.key, policy)}

    def describe_scaling_policies(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Describe policies."""
        names = request.get("PolicyNames")
        found = [
            {
                "PolicyARN": policy.arn,
                "PolicyName": policy.name,
                **_named(target.key),
                "PolicyType": _policy_type(policy.request),
                **{
                    member: policy.request[member]
                    for member in _CONFIGURATIONS.values()
                    if member in policy.request
                },
                "Alarms": _alarms(target.key, policy),
                "CreationTime": policy.creation_time,
            }
            for target in self._targets(caller, request, _only(request))
            for policy in target.policies.values()
            if names is None or policy.name in names or policy.arn in names
        ]
        return _page("ScalingPolicies", found, request)

    def delete_scaling_policy(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a policy."""
        key = _key(caller, request)
        target = self._registry.targets.get(key)
        if target is None or target.policies.pop(request["PolicyName"], None) is None:
            raise _not_found("No scaling policy found", key, f", policy name: {request['PolicyName']}")
        return {}

    # Scheduled actions

    def put_scheduled_action(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Put a scheduled action on a registered variant, or change the one of that name."""
        target = self._registered(_key(caller, request))
        name = request["ScheduledActionName"]
        present = target.scheduled_actions.get(name)
        merged = {**(present.request if present else {}), **request}
        _check_scheduled_action(merged)
        target.scheduled_actions[name] = ScheduledAction(
            name=name,
            arn=self._arn(target.key, "scheduledAction", f":scheduledActionName/{name}"),
            creation_time=present.creation_time if present else self._control_plane.now(),
            request=merged,
        )
        return {}

    def describe_scheduled_actions(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Describe scheduled actions."""
        names = request.get("ScheduledActionNames")
        found = [
            {
                **{
                    member: action.request[member]
                    for member in ("Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction")
                    if member in action.request
                },
                "ScheduledActionName": action.name,
                "ScheduledActionARN": action.arn,
                **_named(target.key),
                "CreationTime": action.creation_time,
            }
            for target in self._targets(caller, request, _only(request))
            for action in target.scheduled_actions.values()
            if names is None or action.name in names or action.arn in names
        ]
        return _page("ScheduledActions", found, request)

    def delete_scheduled_action(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a scheduled action."""
        key = _key(caller, request)
        name = request["ScheduledActionName"]
        target = self._registry.targets.get(key)
        if target is None or target.scheduled_actions.pop(name, None) is None:
            raise _not_found("No scheduled action found", key, f", scheduled action name: {name}")
        return {}

    # Tags

    def tag_resource(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Add tags to a scalable target."""
        self._target_of_arn(caller, request).tags.update(request["Tags"])
        return {}

    def untag_resource(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """Remove tags from a scalable target."""
        target = self._target_of_arn(caller, request)
        for key in request["TagKeys"]:
            target.tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
        """List a scalable target's tags."""
        return {"Tags": dict(self._target_of_arn(caller, request).tags)}

    # What several need

    def _variant(self, key: TargetKey) -> ScalableVariant:
        """Return the variant that is to be registered; it must be there, of the right kind, and at rest."""
        endpoint_name, variant_name = endpoint_and_variant(key.resource_id)
        variant = self._control_plane.scalable_variant(
            key.account_id, key.region, endpoint_name, variant_name
        )
        if variant is None:
            raise validation(f"The SageMaker endpoint variant {key.resource_id} could not be found.")
        if variant.is_serverless != (key.scalable_dimension == PROVISIONED_CONCURRENCY):
            kind = "is serverless" if variant.is_serverless else "runs on instances"
            raise validation(
                f"The variant {key.resource_id} {kind}: it cannot be scaled by {key.scalable_dimension}."
            )
        bursting = [name for name in variant.instance_types if is_burstable(name)]
        if bursting:
            # Documented, not in these words (developer guide, "endpoint-auto-scaling-add-console").
            raise validation(
                f"The variant {key.resource_id} runs on burstable instances ({', '.join(bursting)}), which "
                "automatic scaling does not support."
            )
        is_refused = self._control_plane.switches.busy_scalable_target is Answer.REFUSE
        if not variant.is_in_service and is_refused:
            raise validation(f"The endpoint of {key.resource_id} is not InService. Register it when it is.")
        return variant

    def _new_target(self, key: TargetKey, request: Mapping[str, Any]) -> ScalableTarget:
        missing = [member for member in ("MinCapacity", "MaxCapacity") if member not in request]
        if missing:
            raise validation(f"{' and '.join(missing)} must be given for a new scalable target.")
        role = (
            f"arn:aws:iam::{key.account_id}:role/aws-service-role/sagemaker.application-autoscaling."
            "amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        )
        return ScalableTarget(
            key=key,
            arn=self._target_arn(key),
            role_arn=role,
            creation_time=self._control_plane.now(),
            min_capacity=request["MinCapacity"],
            max_capacity=request["MaxCapacity"],
            suspended_state=dict(_NOT_SUSPENDED),
        )

    def _move(self, key: TargetKey, capacity: int) -> bool:
        """Change a variant's capacity; tell whether SageMaker accepted it (a quota may not allow it)."""
        endpoint_name, variant_name = endpoint_and_variant(key.resource_id)
        try:
            self._control_plane.scale_variant(
                key.account_id, key.region, endpoint_name, variant_name, capacity
            )
        except ServiceError:
            return False
        return True

    def _registered(self, key: TargetKey) -> ScalableTarget:
        target = self._registry.targets.get(key)
        if target is None:
            raise _not_found("No scalable target registered", key)
        return target

    def _targets(
        self, caller: Caller, request: Mapping[str, Any], resource_ids: Iterable[str] | None
    ) -> list[ScalableTarget]:
        dimension = request.get("ScalableDimension")
        return [
            target
            for key, target in self._registry.targets.items()
            if key[:3] == (caller.account_id, caller.region, request["ServiceNamespace"])
            and (resource_ids is None or key.resource_id in resource_ids)
            and dimension in (None, key.scalable_dimension)
        ]

    def _target_of_arn(self, caller: Caller, request: Mapping[str, Any]) -> ScalableTarget:
        arn = request["ResourceARN"]
        for key, target in self._registry.targets.items():
            if target.arn == arn and key[:2] == (caller.account_id, caller.region):
                return target
        raise ServiceError("ResourceNotFoundException", f"The specified resource {arn} doesn't exist.")

    def _target_arn(self, key: TargetKey) -> str:
        identifier = hashlib.sha256("/".join(key).encode()).hexdigest()[:40]
        return f"arn:aws:application-autoscaling:{key.region}:{key.account_id}:scalable-target/{identifier}"

    def _arn(self, key: TargetKey, kind: str, suffix: str) -> str:
        identifier = hashlib.sha256("/".join((*key, kind, suffix)).encode()).hexdigest()[:32]
        return (
            f"arn:aws:autoscaling:{key.region}:{key.account_id}:{kind}:{identifier}"
            f":resource/sagemaker/{key.resource_id}{suffix}"
        )


OPERATIONS: dict[str, Handler] = {
    "RegisterScalableTarget": ApplicationAutoScaling.register_scalable_target,
    "DescribeScalableTargets": ApplicationAutoScaling.describe_scalable_targets,
    "DeregisterScalableTarget": ApplicationAutoScaling.deregister_scalable_target,
    "PutScalingPolicy": ApplicationAutoScaling.put_scaling_policy,
    "DescribeScalingPolicies": ApplicationAutoScaling.describe_scaling_policies,
    "DeleteScalingPolicy": ApplicationAutoScaling.delete_scaling_policy,
    "PutScheduledAction": ApplicationAutoScaling.put_scheduled_action,
    "DescribeScheduledActions": ApplicationAutoScaling.describe_scheduled_actions,
    "DeleteScheduledAction": ApplicationAutoScaling.delete_scheduled_action,
    "TagResource": ApplicationAutoScaling.tag_resource,
    "UntagResource": ApplicationAutoScaling.untag_resource,
    "ListTagsForResource": ApplicationAutoScaling.list_tags_for_resource,
}
"""Every operation that is modelled; all others are refused by name."""


def _key(caller: Caller, request: Mapping[str, Any]) -> TargetKey:
    """Return what a request names; only variants of SageMaker endpoints can be scaled here."""
    key = TargetKey(
        caller.account_id,
        caller.region,
        request["ServiceNamespace"],
        request["ResourceId"],
        request["ScalableDimension"],
    )
    is_variant = all(endpoint_and_variant(key.resource_id))
    if key.service_namespace != "sagemaker" or key.scalable_dimension not in _METRICS or not is_variant:
        # Seen for combinations that do not exist; here it also answers for those that are not modelled.
        raise validation("Unsupported service namespace, resource type or scalable dimension")
    return key


def _named(key: TargetKey) -> dict[str, Any]:
    return {
        "ServiceNamespace": key.service_namespace,
        "ResourceId": key.resource_id,
        "ScalableDimension": key.scalable_dimension,
    }


def _only(request: Mapping[str, Any]) -> list[str] | None:
    return [request["ResourceId"]] if "ResourceId" in request else None


def _policy_type(request: Mapping[str, Any]) -> str:
    policy_type: str = request.get("PolicyType", "StepScaling")
    return policy_type


def _alarms(key: TargetKey, policy: ScalingPolicy) -> list[dict[str, str]]:
    """Return the alarms that a target tracking policy has, by the names that were seen (boto3 #2839).

    They are names only: no alarm is made here.
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
    if metric is not None and metric not in _METRICS[dimension]:
        # Seen (aws-cdk #29065).
        raise validation(
            f"Scalable dimension {dimension} only supports the following predefined metric types: "
            f"{', '.join(_METRICS[dimension])}"
        )


def _check_scheduled_action(request: Mapping[str, Any]) -> None:
    schedule = request.get("Schedule")
    if schedule is None or _SCHEDULE.fullmatch(schedule) is None:
        raise validation(
            f"Schedule {schedule!r} must be at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(six fields)."
        )
    action = request.get("ScalableTargetAction", {})
    if not action:
        raise validation("ScalableTargetAction must have MinCapacity, MaxCapacity or both.")
    if action.get("MinCapacity", 0) > action.get("MaxCapacity", action.get("MinCapacity", 0)):
        raise validation("MinCapacity of ScalableTargetAction cannot be greater than its MaxCapacity.")


def _page(member: str, found: list[dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page; the token is the place in the list, good for the same request only."""
    size = request.get("MaxResults", _MAX_PAGE_SIZE)
    if not 1 <= size <= _MAX_PAGE_SIZE:
        raise validation(f"MaxResults must be from 1 to {_MAX_PAGE_SIZE}.")
    start = _place(request.get("NextToken"))
    page: dict[str, Any] = {member: found[start : start + size]}
    if start + size < len(found):
        page["NextToken"] = base64.urlsafe_b64encode(f"after:{start + size}".encode()).decode()
    return page


def _place(token: str | None) -> int:
    if token is None:
        return 0
    try:
        prefix, _, number = base64.b64decode(token.encode(), altchars=b"-_", validate=True).partition(b":")
        if prefix == b"after":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise ServiceError("InvalidNextTokenException", "The next token supplied was invalid.")


def _not_found(what: str, key: TargetKey, suffix: str = "") -> ServiceError:
    """Answer for something that is not registered. Seen."""
    return ServiceError(
        "ObjectNotFoundException",
        f"{what} for service namespace: {key.service_namespace}, resource ID: {key.resource_id}, scalable "
        f"dimension: {key.scalable_dimension}{suffix}",
    )
