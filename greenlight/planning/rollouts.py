"""Words how an update rolls out: its kind, and how long it waits. Pure.

Sources: botocore's `DeploymentConfig`; for the order of shifts, bakes and the end of the old fleet, the
developer guide, "deployment-guardrails".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from greenlight.planning.instances import batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.steps import UpdateEndpoint

_PERCENT = 100


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """How an update rolls out.

    Attributes:
        kind: `all at once`, `canary`, `linear` or `rolling`, with its size.
        waits_seconds: The settings' waits together. Launching and ending instances comes on top.
    """

    kind: str
    waits_seconds: int


def rollout_of(update: UpdateEndpoint, count: int) -> RolloutPlan:
    """Return how an update rolls out that leads to so many instances; none for serverless."""
    config: Mapping[str, Any] = update.request.get("DeploymentConfig", {})
    rolling = config.get("RollingUpdatePolicy")
    if rolling is not None:
        batches = math.ceil((count or 1) / batch(rolling["MaximumBatchSize"], count or 1))
        waits = batches * rolling.get("WaitIntervalInSeconds", 0)
        return RolloutPlan(f"rolling, {_size(rolling['MaximumBatchSize'])} at a time", waits)
    policy = config.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {})
    wait, ending = routing.get("WaitIntervalInSeconds", 0), policy.get("TerminationWaitInSeconds", 0)
    match routing.get("Type", "ALL_AT_ONCE"):
        case "CANARY":
            kind, bakes = f"canary, {_size(routing['CanarySize'])} first", 2
        case "LINEAR":
            step = routing["LinearStepSize"]
            kind, bakes = f"linear, {_size(step)} a step", _steps(step, count or 1)
        case _:
            kind, bakes = "all at once", 1
    return RolloutPlan(kind, bakes * wait + ending)


def _steps(size: Mapping[str, Any], count: int) -> int:
    if size["Type"] == "CAPACITY_PERCENT":
        return math.ceil(_PERCENT / int(size["Value"]))
    return math.ceil(count / int(size["Value"]))


def _size(size: Mapping[str, Any]) -> str:
    value = size["Value"]
    return f"{value} %" if size["Type"] == "CAPACITY_PERCENT" else f"{value} instance{'s' * (value != 1)}"
