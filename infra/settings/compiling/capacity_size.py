"""Owns the meaning of SageMaker's CapacitySize: a share of the instances, and steps."""

from __future__ import annotations

from math import ceil
from typing import Final, NamedTuple

PERCENT: Final = "CAPACITY_PERCENT"


class Instances(NamedTuple):
    """Return how many instances a variant may have when a rollout begins."""

    least: int
    most: int


def share_of(size: object, instances: int) -> float | None:
    """Return a CapacitySize in percent of the instances; None if it is invalid."""
    value = size.get("Value") if isinstance(size, dict) else None
    if not isinstance(size, dict) or not isinstance(value, int) or isinstance(value, bool) or value < 1:
        return None
    return float(value) if size.get("Type") == PERCENT else 100 * value / max(instances, 1)


def steps_of(size: object, instances: int) -> int:
    """Return how many steps of a CapacitySize cover all instances."""
    share = share_of(size, instances)
    return 1 if share is None else ceil(100 / share)
