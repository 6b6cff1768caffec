"""Application Auto Scaling for SageMaker variants: its API, and its effect on variants.

Owns the dispatch of calls; the `*_operations` modules answer them. Nothing scales by itself here: no alarms
are made for target tracking policies, and no schedule runs. `ApplicationAutoScaling.scale` replaces both.
Source: botocore's model of `application-autoscaling` (2016-02-06); texts were seen on AWS where marked.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.loaders import Loader

from local_cloud.application_auto_scaling import (
    authorization,
    policy_operations,
    schedule_operations,
    target_operations,
)
from local_cloud.sagemaker.errors import unknown_operation
from local_cloud.sagemaker.protocol.validation import RequestValidator
from local_cloud.sagemaker.scaling_registrations import endpoint_and_variant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.ports import Caller


_PATTERNS = {
    r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*": (
        r"[\u0020-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF\r\n\t]*"
    ),
    r"\p{Print}+": r"[\x20-\x7E]+",
}
"""Patterns that only Java can read (surrogates, POSIX classes), and their meaning in Python."""


Operation: TypeAlias = "Callable[[ControlPlane, Caller, Mapping[str, Any]], dict[str, Any]]"

OPERATIONS: dict[str, Operation] = {
    **target_operations.OPERATIONS,
    **policy_operations.OPERATIONS,
    **schedule_operations.OPERATIONS,
}
"""Every modelled operation; all others are refused by name."""


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
        control_plane: The control plane with the variants, clock, switches and registry.
    """

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._registry = control_plane.scalable_targets

    def call(self, operation: str, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer a call.

        Args:
            operation: An operation's name, such as `RegisterScalableTarget`.
            request: Its members.
            caller: The caller, with account and region.

        Returns:
            The response's members; timestamps are aware datetimes.

        Raises:
            ServiceError: AWS's error.
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
        return handler(self._control_plane, caller, validated)

    def scale(
        self, account_id: str, region: str, endpoint_name: str, variant_name: str, capacity: int
    ) -> int | None:
        """Scale a registered variant as a policy would, within its bounds.

        Scaling is blocked while the endpoint changes (developer guide, "Update endpoints that use auto
        scaling"), while the direction is suspended, and for an unregistered variant.

        Returns:
            The new capacity, or None if nothing changed.
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
        return wanted if target_operations.move(self._control_plane, target.key, wanted) else None
