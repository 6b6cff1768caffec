"""An endpoint config as it was created, and its variants' instance types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.protocol.descriptions import without_empties

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from local_cloud.sagemaker.switches import Switches


Variant = dict[str, Any]

_SERVERLESS_VOLUME_GB = 5


@dataclass(frozen=True, slots=True, eq=False)
class EndpointConfig:
    """An endpoint config as it was created."""

    name: str
    arn: str
    creation_time: datetime
    sequence: int
    request: Mapping[str, Any]
    visible_from: datetime

    @property
    def production_variants(self) -> list[Variant]:
        """The variants that answer requests."""
        variants: list[Variant] = self.request["ProductionVariants"]
        return variants

    @property
    def shadow_variants(self) -> list[Variant]:
        """The variants that get a copy of the requests."""
        variants: list[Variant] = self.request.get("ShadowProductionVariants", [])
        return variants

    @property
    def all_variants(self) -> list[Variant]:
        """Production variants, then shadow variants."""
        return [*self.production_variants, *self.shadow_variants]

    @property
    def is_serverless(self) -> bool:
        """Whether its variants run without instances."""
        return any("ServerlessConfig" in variant for variant in self.production_variants)

    def describe(self, switches: Switches) -> dict[str, Any]:
        """Return the description for DescribeEndpointConfig."""
        shown = {name: value for name, value in self.request.items() if name != "Tags"}
        shown["ProductionVariants"] = [_shown(variant) for variant in self.production_variants]
        shown = without_empties(shown, switches)
        return {**shown, "EndpointConfigArn": self.arn, "CreationTime": self.creation_time}

    def summary(self) -> dict[str, Any]:
        """Return the summary for ListEndpointConfigs."""
        return {
            "EndpointConfigName": self.name,
            "EndpointConfigArn": self.arn,
            "CreationTime": self.creation_time,
        }


def instance_type_of(variant: Mapping[str, Any]) -> str | None:
    """Return a variant's instance type: its own, or its first-choice pool's; None if serverless."""
    instance_type: str | None = variant.get("InstanceType")
    if instance_type is None and "InstancePools" in variant:
        instance_type = min(variant["InstancePools"], key=lambda pool: pool.get("Priority", 1))[
            "InstanceType"
        ]
    return instance_type


def instance_types_of(variant: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every possible instance type of a variant: its own, or its pools'."""
    pools = [pool["InstanceType"] for pool in variant.get("InstancePools", ())]
    return (variant["InstanceType"],) if "InstanceType" in variant else tuple(pools)


def _shown(variant: Variant) -> Variant:
    """Return a variant for DescribeEndpointConfig: a serverless one has a volume that nobody asked for."""
    return {**variant, "VolumeSizeInGB": _SERVERLESS_VOLUME_GB} if "ServerlessConfig" in variant else variant
