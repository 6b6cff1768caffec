"""Tells how far a rollout is, by what DescribeEndpoint shows and the times that the settings give. Pure.

Sources: botocore's `PendingDeploymentSummary` and `ProductionVariantStatus`; for the messages, the developer
guide, "Automating SageMaker with EventBridge".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_CAPACITY: Final = re.compile(r"(?P<kind>full|canary) capacity of (?P<count>\d+) instance")


class Stage(Enum):
    """What a rollout is at."""

    CREATING = "creating the endpoint"
    LAUNCHING = "launching instances"
    SHIFTING = "shifting calls"
    BAKING = "watching"
    ENDING = "ending old instances"
    UPDATING = "updating"
    ROLLING_BACK = "rolling back"
    DELETING = "deleting the endpoint"


_STAGES: Final = {
    "Creating": Stage.LAUNCHING,
    "ActivatingTraffic": Stage.SHIFTING,
    "Baking": Stage.BAKING,
    "Deleting": Stage.ENDING,
    "Updating": Stage.UPDATING,
}
"""By `VariantStatus.Status`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollout is.

    Attributes:
        stage: What it is at.
        kind: How it shifts calls: `canary`, `linear`, `rolling` or `all at once`.
        share_percent: The calls on the new version; None if SageMaker does not show it.
        began_at: When the stage began; None if SageMaker does not show it.
        lasts_seconds: How long the stage lasts by the settings; None if nothing limits it.
    """

    stage: Stage
    kind: str
    share_percent: int | None = None
    began_at: datetime | None = None
    lasts_seconds: int | None = None

    def elapsed_seconds(self, now: datetime) -> float | None:
        """Return how long the stage lasts already; no longer than it may, as clocks differ."""
        if self.began_at is None:
            return None
        elapsed = max(0.0, (now - self.began_at).total_seconds())
        return elapsed if self.lasts_seconds is None else min(elapsed, float(self.lasts_seconds))


def progress_of(
    described: Mapping[str, Any], deployment_config: Mapping[str, Any] | None, *, at_once: bool
) -> Progress | None:
    """Return how far a rollout is; None if the endpoint rests.

    Args:
        described: What DescribeEndpoint answered.
        deployment_config: The settings' rollout, if they have one.
        at_once: Whether the update goes without the settings' steps and waits.
    """
    pending = described.get("PendingDeploymentSummary") or {}
    began = pending.get("StartTime")
    config = {} if at_once else (deployment_config or {})
    kind = _kind(config)
    match described["EndpointStatus"]:
        case "Creating":
            return Progress(Stage.CREATING, "first", began_at=described["CreationTime"])
        case "RollingBack":
            return Progress(Stage.ROLLING_BACK, kind)
        case "Deleting":
            return Progress(Stage.DELETING, kind, began_at=described["LastModifiedTime"])
        case "Updating" | "SystemUpdating":
            variants = pending.get("ProductionVariants") or []
            return _of_variants(variants, config, kind) or Progress(Stage.UPDATING, kind, began_at=began)
        case _:
            return None


def _of_variants(
    variants: Sequence[Mapping[str, Any]], config: Mapping[str, Any], kind: str
) -> Progress | None:
    """Return the progress that the variants show: of several, the one that is behind."""
    shown = [(status, each) for each in variants for status in (each.get("VariantStatus") or ())[:1]]
    order = list(_STAGES)
    known = [pair for pair in shown if pair[0]["Status"] in _STAGES]
    if not known:
        return None
    status, variant = min(known, key=lambda pair: order.index(pair[0]["Status"]))
    stage = _STAGES[status["Status"]]
    share = _share(stage, status.get("StatusMessage") or "", variant, config)
    lasts = _wait(config, is_last=share == _ALL) if stage is Stage.BAKING else None
    return Progress(stage, kind, share, status.get("StartTime"), lasts)


_ALL: Final = 100


def _share(stage: Stage, message: str, variant: Mapping[str, Any], config: Mapping[str, Any]) -> int | None:
    found = _CAPACITY.search(message)
    if found and found["kind"] == "full":
        return _ALL
    wanted = variant.get("DesiredInstanceCount")
    if found and wanted:
        return round(100 * int(found["count"]) / int(wanted))
    if stage is Stage.LAUNCHING:
        return 0
    if stage is Stage.ENDING or _kind(config) == "all at once":
        return _ALL
    return None


def _kind(config: Mapping[str, Any]) -> str:
    if "RollingUpdatePolicy" in config:
        return "rolling"
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    return str(routing.get("Type", "ALL_AT_ONCE")).lower().replace("_", " ")


def _wait(config: Mapping[str, Any], *, is_last: bool) -> int | None:
    if rolling := config.get("RollingUpdatePolicy"):
        return int(rolling["WaitIntervalInSeconds"])
    policy = config.get("BlueGreenUpdatePolicy")
    if policy is None:
        return None
    if is_last:
        return int(policy.get("TerminationWaitInSeconds", 0))
    return int(policy["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"])
