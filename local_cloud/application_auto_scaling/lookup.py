"""Find what requests name, and return results in pages."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.errors import ServiceError, validation
from local_cloud.sagemaker.scaling_registrations import TargetKey, endpoint_and_variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.scaling_registrations import ScalableTarget, ScalingRegistrations

INSTANCE_COUNT = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED_CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"

METRICS = {
    INSTANCE_COUNT: (
        "SageMakerVariantInvocationsPerInstance",
        "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    ),
    PROVISIONED_CONCURRENCY: ("SageMakerVariantProvisionedConcurrencyUtilization",),
}
"""The predefined metrics that each dimension supports."""

_MAX_PAGE_SIZE = 50


def key_of(caller: Caller, request: Mapping[str, Any]) -> TargetKey:
    """Return the resource of a request; only variants of SageMaker endpoints can be scaled here."""
    key = TargetKey(
        caller.account_id,
        caller.region,
        request["ServiceNamespace"],
        request["ResourceId"],
        request["ScalableDimension"],
    )
    is_variant = all(endpoint_and_variant(key.resource_id))
    if key.service_namespace != "sagemaker" or key.scalable_dimension not in METRICS or not is_variant:
        # Seen for combinations that do not exist; here also for those that are not modelled.
        raise validation("Unsupported service namespace, resource type or scalable dimension")
    return key


def named(key: TargetKey) -> dict[str, Any]:
    """Return the members that name a variant in answers."""
    return {
        "ServiceNamespace": key.service_namespace,
        "ResourceId": key.resource_id,
        "ScalableDimension": key.scalable_dimension,
    }


def only(request: Mapping[str, Any]) -> list[str] | None:
    """Return the resource of a request as a list; None if it names none."""
    return [request["ResourceId"]] if "ResourceId" in request else None


def registered(registry: ScalingRegistrations, key: TargetKey) -> ScalableTarget:
    """Return the scalable target of a variant.

    Raises:
        ServiceError: The variant is not registered.
    """
    target = registry.targets.get(key)
    if target is None:
        raise not_found("No scalable target registered", key)
    return target


def targets(
    registry: ScalingRegistrations,
    caller: Caller,
    request: Mapping[str, Any],
    resource_ids: Iterable[str] | None,
) -> list[ScalableTarget]:
    """Return the caller's scalable targets that a request selects."""
    dimension = request.get("ScalableDimension")
    return [
        target
        for key, target in registry.targets.items()
        if key[:3] == (caller.account_id, caller.region, request["ServiceNamespace"])
        and (resource_ids is None or key.resource_id in resource_ids)
        and dimension in (None, key.scalable_dimension)
    ]


def arn_of(key: TargetKey, kind: str, suffix: str) -> str:
    """Return the ARN of a policy or a scheduled action of a scalable target."""
    identifier = hashlib.sha256("/".join((*key, kind, suffix)).encode()).hexdigest()[:32]
    return (
        f"arn:aws:autoscaling:{key.region}:{key.account_id}:{kind}:{identifier}"
        f":resource/sagemaker/{key.resource_id}{suffix}"
    )


def page(member: str, found: list[dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page; its token is the position in the list, valid for the same request only."""
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


def not_found(what: str, key: TargetKey, suffix: str = "") -> ServiceError:
    """Return the error for a target that is not registered. Seen."""
    return ServiceError(
        "ObjectNotFoundException",
        f"{what} for service namespace: {key.service_namespace}, resource ID: {key.resource_id}, scalable "
        f"dimension: {key.scalable_dimension}{suffix}",
    )
