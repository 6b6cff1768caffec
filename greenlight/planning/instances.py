"""Counts the instances that run while a rollout is under way, and holds them against quotas. Pure.

Source: the general reference, "Amazon SageMaker endpoints and quotas": each instance type has a quota "for
endpoint usage". SageMaker counts old and new instances during an update (`W:quota-text`).
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from deployer.model.variant_properties import COUNT
from greenlight.doctor.facts import Found, Unreadable
from greenlight.planning.checks import Check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.model.endpoint import Endpoint
    from deployer.model.steps import UpdateEndpoint
    from greenlight.doctor.facts import Quota, Reading

_PERCENT: Final = 100


def of_config(config: Mapping[str, Any], endpoint: Endpoint | None = None) -> Counter[str]:
    """Count the instances of a request of CreateEndpointConfig by type; serverless variants have none.

    Args:
        config: The request.
        endpoint: The endpoint, where its variants run as many as it says.
    """
    running = endpoint.variant_properties if endpoint is not None else {}
    found: Counter[str] = Counter()
    for kind in ("ProductionVariants", "ShadowProductionVariants"):
        for variant in config.get(kind, ()):
            if variant.get("InstanceType"):
                asked = variant.get("InitialInstanceCount", 1)
                count = running.get(variant["VariantName"], {}).get(COUNT, asked)
                found[variant["InstanceType"]] += int(count)
    return found


def during(update: UpdateEndpoint, before: Counter[str], after: Counter[str]) -> Counter[str]:
    """Count the instances that run during an update at the most, by type.

    Args:
        update: The update.
        before: The instances that run now.
        after: The instances that are to run.
    """
    rolling = update.request.get("DeploymentConfig", {}).get("RollingUpdatePolicy")
    if rolling is None:
        return before + after
    size = rolling["MaximumBatchSize"]
    return (before | after) + Counter({each: batch(size, count) for each, count in after.items()})


def batch(size: Mapping[str, Any], count: int) -> int:
    """Return how many instances a step of a rollout has."""
    if size["Type"] == "CAPACITY_PERCENT":
        return max(1, math.floor(count * int(size["Value"]) / _PERCENT))
    return int(size["Value"])


def check_quotas(
    needed: Mapping[str, int], others: Iterable[Counter[str]], quotas: Mapping[str, Reading[Quota]]
) -> Check:
    """Hold what one endpoint needs, beside the stack's other endpoints, against the account's quotas.

    Args:
        needed: The endpoint's instances at the most, by type.
        others: The instances of each other endpoint by type, as its settings ask for them.
        quotas: Each type's quota.
    """
    beside = sum(others, Counter[str]())
    lacking: list[str] = []
    unknown: list[str] = []
    for instance_type, own in sorted(needed.items()):
        match quotas[instance_type]:
            case Found(quota):
                if own + beside[instance_type] > quota.value:
                    with_others = f", and the stack's other endpoints have {beside[instance_type]}"
                    lacking.append(
                        f"{instance_type}: {own} are needed meanwhile"
                        f"{with_others if beside[instance_type] else ''}. The quota is {quota.value:g}."
                    )
            case Unreadable(reason):
                unknown.append(f"{instance_type}: {reason}.")
            case _:
                lacking.append(f"{instance_type}: Service Quotas knows no endpoints of this type.")
    passed = False if lacking else None if unknown else True
    return Check("quota", passed, " ".join([*lacking, *unknown]) or None)
