"""What IAM must allow for each operation of Application Auto Scaling on SageMaker's variants.

Owns the table, and the calls that a registration tries for the caller. Source: service authorization
reference, "Application Auto Scaling"; user guide, "security_iam_permission_validation"; SageMaker developer
guide, "endpoint-auto-scaling-prerequisites".
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from local_cloud.sagemaker import arns
from local_cloud.sagemaker.authorization.iam_checks import Check, allows, require_check
from local_cloud.sagemaker.errors import validation
from local_cloud.sagemaker.scaling_registrations import TargetKey, condition_keys
from local_cloud.sagemaker.switch_settings import TriedAlarm, TriedEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from iam_evaluator.request_context import Values
    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.scaling_registrations import ScalingRegistrations
    from local_cloud.sagemaker.switches import Switches

Rule: TypeAlias = "Callable[[ScalingRegistrations, Caller, str, Mapping[str, Any]], Iterable[Check]]"

LINKED_SERVICE: Final = "sagemaker.application-autoscaling.amazonaws.com"
LINKED_ROLE: Final = (
    f"role/aws-service-role/{LINKED_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)


def require(
    registry: ScalingRegistrations,
    caller: Caller,
    operation: str,
    request: Mapping[str, Any],
    *,
    now: datetime,
    switches: Switches,
) -> None:
    """Refuse a call that IAM does not allow to the caller; without a principal nothing is refused.

    Raises:
        ServiceError: AccessDeniedException for the first action that is not allowed; a ValidationException
            that lists the missing permissions of a registration.
    """
    if caller.principal is None:
        return
    for check in RULES[operation](registry, caller, f"application-autoscaling:{operation}", request):
        require_check(now, caller.region, caller.principal, check)
    if operation == "RegisterScalableTarget":
        tried = _tried(caller, request, switches)
        missing = [check for check in tried if not allows(now, caller.region, caller.principal, check)]
        if missing:
            # Seen: terraform-provider-aws #46385 (2026-02), aws-auto-scaling-custom-resource #25.
            names = ", ".join(dict.fromkeys(check.action for check in missing))
            raise validation(f"User is missing the following permissions: {names}")


def _on_target(
    registry: ScalingRegistrations, caller: Caller, action: str, request: Mapping[str, Any]
) -> Iterator[Check]:
    key = TargetKey(
        caller.account_id,
        caller.region,
        request["ServiceNamespace"],
        request["ResourceId"],
        request["ScalableDimension"],
    )
    target = registry.targets.get(key)
    keys: dict[str, Values] = {**condition_keys(key), **_tags(request)}
    if target is None:
        # A new target has no identifier yet.
        partition = arns.partition(caller.region)
        place = f"{caller.region}:{caller.account_id}"
        arn = f"arn:{partition}:application-autoscaling:{place}:scalable-target/*"
    else:
        arn = target.arn
        keys |= {f"aws:resourcetag/{name.lower()}": value for name, value in target.tags.items()}
    yield Check(action, arn, keys)


def _register(
    registry: ScalingRegistrations, caller: Caller, action: str, request: Mapping[str, Any]
) -> Iterator[Check]:
    [check] = _on_target(registry, caller, action, request)
    yield check
    if request.get("Tags"):
        yield Check("application-autoscaling:TagResource", check.resource_arn, check.keys)
    if caller.account_id not in registry.linked_accounts:
        yield Check(
            "iam:CreateServiceLinkedRole",
            f"arn:{arns.partition(caller.region)}:iam::{caller.account_id}:{LINKED_ROLE}",
            {"iam:awsservicename": LINKED_SERVICE},
        )


def _tried(caller: Caller, request: Mapping[str, Any], switches: Switches) -> Iterator[Check]:
    """Yield the calls that a registration tries for the caller.

    The user guide tries alarms without parameters, and DescribeAlarms for one record at most. For SageMaker,
    a missing name was seen (aws-controllers-k8s/community #2110, 2024-07: CloudTrail has
    `endpoint-config/<UUID>`), so nothing tried has tags.
    """
    place = f"{caller.region}:{caller.account_id}"
    partition = arns.partition(caller.region)
    endpoint = request["ResourceId"].partition("/variant/")[0].lower()
    sagemaker, nobodys = f"arn:{partition}:sagemaker:{place}", _nobodys_name(request["ResourceId"])
    on_its_own = switches.tried_endpoint is TriedEndpoint.REGISTERED
    endpoint_arn = f"{sagemaker}:{endpoint}" if on_its_own else f"{sagemaker}:endpoint/{nobodys}"
    yield Check("sagemaker:DescribeEndpoint", endpoint_arn)
    yield Check("sagemaker:DescribeEndpointConfig", f"{sagemaker}:endpoint-config/{nobodys}")
    yield Check("sagemaker:UpdateEndpointWeightsAndCapacities", endpoint_arn)
    alarm = f"arn:{partition}:cloudwatch:{place}:alarm"
    unnamed = f"{alarm}:" if switches.tried_alarm is TriedAlarm.EMPTY_NAME else f"{alarm}:*"
    yield Check("cloudwatch:PutMetricAlarm", unnamed)
    yield Check("cloudwatch:DescribeAlarms", f"{alarm}:*")
    yield Check("cloudwatch:DeleteAlarms", unnamed)


def _nobodys_name(resource_id: str) -> str:
    """Return a UUID that names nothing; the same for the same variant, so that runs are repeatable."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, resource_id))


def _put_policy(
    registry: ScalingRegistrations, caller: Caller, action: str, request: Mapping[str, Any]
) -> Iterator[Check]:
    yield from _on_target(registry, caller, action, request)
    if "TargetTrackingScalingPolicyConfiguration" in request:
        # The caller also needs permission to make a target tracking policy's alarms.
        place = f"{arns.partition(caller.region)}:cloudwatch:{caller.region}:{caller.account_id}"
        alarm = f"arn:{place}:alarm:TargetTracking-{request['ResourceId']}-AlarmHigh"
        for alarm_action in ("cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"):
            yield Check(alarm_action, alarm)


def _anything(
    _registry: ScalingRegistrations, _caller: Caller, action: str, _request: Mapping[str, Any]
) -> Iterator[Check]:
    yield Check(action, "*")


def _on_arn(
    registry: ScalingRegistrations, caller: Caller, action: str, request: Mapping[str, Any]
) -> Iterator[Check]:
    arn = request["ResourceARN"]
    keys: dict[str, Values] = dict(_tags(request))
    for key, target in registry.targets.items():
        if target.arn == arn and key[:2] == (caller.account_id, caller.region):
            keys |= condition_keys(key)
            keys |= {f"aws:resourcetag/{name.lower()}": value for name, value in target.tags.items()}
    yield Check(action, arn, keys)


def _tags(request: Mapping[str, Any]) -> dict[str, Values]:
    given = request.get("Tags", {})
    keys: dict[str, Values] = {f"aws:requesttag/{name.lower()}": value for name, value in given.items()}
    names = (*given, *request.get("TagKeys", ()))
    return {**keys, "aws:tagkeys": names} if names else keys


RULES: dict[str, Rule] = {
    "RegisterScalableTarget": _register,
    "DescribeScalableTargets": _anything,
    "DeregisterScalableTarget": _on_target,
    "PutScalingPolicy": _put_policy,
    "DescribeScalingPolicies": _anything,
    "DeleteScalingPolicy": _on_target,
    "PutScheduledAction": _on_target,
    "DescribeScheduledActions": _anything,
    "DeleteScheduledAction": _on_target,
    "TagResource": _on_arn,
    "UntagResource": _on_arn,
    "ListTagsForResource": _on_arn,
}
"""What each operation needs; `require` asks it."""
