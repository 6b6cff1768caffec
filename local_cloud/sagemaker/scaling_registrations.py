"""Registrations at Application Auto Scaling: scalable targets, their policies and scheduled actions.

Owns only state. SageMaker reads the registered variants, and the service changes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_PARTS = 4


class TargetKey(NamedTuple):
    """The key of a scalable target."""

    account_id: str
    region: str
    service_namespace: str
    resource_id: str
    scalable_dimension: str


@dataclass(slots=True, eq=False)
class ScalingPolicy:
    """A scaling policy, as last sent."""

    name: str
    arn: str
    creation_time: datetime
    request: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class ScheduledAction:
    """A scheduled action, as last sent."""

    name: str
    arn: str
    creation_time: datetime
    request: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class ScalableTarget:
    """A scalable resource, its limits, and how it scales."""

    key: TargetKey
    arn: str
    role_arn: str
    creation_time: datetime
    min_capacity: int
    max_capacity: int
    suspended_state: dict[str, bool]
    tags: dict[str, str] = field(default_factory=dict)
    policies: dict[str, ScalingPolicy] = field(default_factory=dict)
    scheduled_actions: dict[str, ScheduledAction] = field(default_factory=dict)


class ScalingRegistrations:
    """Every scalable target of every account and region.

    Attributes:
        targets: By key, in the order of their registration.
        linked_accounts: Accounts with the service-linked role, which the first registration makes.
    """

    def __init__(self) -> None:
        self.targets: dict[TargetKey, ScalableTarget] = {}
        self.linked_accounts: set[str] = set()

    def registered_variants(self, account_id: str, region: str, endpoint_name: str) -> frozenset[str]:
        """Return the names of an endpoint's registered variants."""
        return frozenset(
            variant
            for key in self.of_endpoint(account_id, region, endpoint_name)
            if (variant := endpoint_and_variant(key.resource_id)[1])
        )

    def forget_endpoint(self, account_id: str, region: str, endpoint_name: str) -> None:
        """Deregister all variants of an endpoint, with policies and scheduled actions."""
        for key in self.of_endpoint(account_id, region, endpoint_name):
            del self.targets[key]

    def of_endpoint(self, account_id: str, region: str, endpoint_name: str) -> list[TargetKey]:
        """Return the targets that are variants of an endpoint."""
        return [
            key
            for key in self.targets
            if (key.account_id, key.region, key.service_namespace) == (account_id, region, "sagemaker")
            and endpoint_and_variant(key.resource_id)[0].lower() == endpoint_name.lower()
        ]


def condition_keys(key: TargetKey) -> dict[str, str]:
    """Return the condition keys that name a target (service authorization reference), in lower case."""
    return {
        "application-autoscaling:service-namespace": key.service_namespace,
        "application-autoscaling:scalable-dimension": key.scalable_dimension,
    }


def endpoint_and_variant(resource_id: str) -> tuple[str, str]:
    """Return the names in `endpoint/<name>/variant/<name>`; two empty texts for anything else."""
    parts = resource_id.split("/")
    if len(parts) == _PARTS and (parts[0], parts[2]) == ("endpoint", "variant"):
        return parts[1], parts[3]
    return "", ""
