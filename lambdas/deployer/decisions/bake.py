"""Decides whether all calls are on the new fleet while the old one still waits: the bake. Pure.

A version that fails its smoke test in the bake loses its calls at once: the old fleet takes them back.
Sources: botocore's `PendingDeploymentSummary` and `VariantStatus`; for the messages, the developer guide,
"Automating SageMaker with EventBridge".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from deployer.model.attempt import Bake
from deployer.model.steps import ClearAbortAlarm, UpdateEndpoint

if TYPE_CHECKING:
    from deployer.decisions.plan import Deploy
    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint, VariantStatus

Pending: TypeAlias = "tuple[tuple[VariantStatus, ...], ...]"
"""The stages of each new variant of an update under way."""

_BAKING: Final = "Baking"

_FULL_CAPACITY: Final = "full capacity"
"""In the message of the bake with all calls. A canary's has "canary capacity" there."""


def bake_of(deploy: Deploy) -> Bake | None:
    """Return how an update shows that all calls are on the new fleet; None if the old one cannot take them.

    It can if it waits, and if the abort alarm guards the update. A rolling update ends old instances as it
    goes.
    """
    change = deploy.change
    if not isinstance(change, UpdateEndpoint) or not any(
        isinstance(each, ClearAbortAlarm) for each in deploy.guards
    ):
        return None
    policy = change.request["DeploymentConfig"].get("BlueGreenUpdatePolicy", {})
    if not policy.get("TerminationWaitInSeconds"):
        return None
    is_only = policy["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"
    return Bake.ONLY if is_only else Bake.LAST


def bakes(deployment: Deployment, endpoint: Endpoint) -> bool:
    """Tell whether all calls are on a deployment's new fleet, and the abort alarm would bring them back."""
    return (
        endpoint.status == "Updating"
        and deployment.is_under_way_on(endpoint)
        and _has_all_calls(deployment, endpoint.pending_statuses)
    )


def is_read_before(told: Pending, deployment: Deployment, endpoint: Endpoint) -> bool:
    """Tell whether a read of an endpoint is older than the bake with all calls that an event tells of.

    Args:
        told: What the event says of the new variants.
        deployment: The deployment under way.
        endpoint: What was read.
    """
    return (
        endpoint.status == "Updating"
        and deployment.is_under_way_on(endpoint)
        and _has_all_calls(deployment, told)
        and not bakes(deployment, endpoint)
    )


def _has_all_calls(deployment: Deployment, shown: Pending) -> bool:
    bake = deployment.bake
    return (
        bake is not None
        and bool(shown)
        and all(bool(statuses) and all(_is_on(status, bake) for status in statuses) for statuses in shown)
    )


def _is_on(shown: VariantStatus, bake: Bake) -> bool:
    return shown.status == _BAKING and (bake is Bake.ONLY or _FULL_CAPACITY in shown.message)
