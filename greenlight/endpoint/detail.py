"""Holds everything that `greenlight status ENDPOINT` tells of one endpoint, made of what was read. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from greenlight.fleet.state import State, hold_of, standing_of, waits
from greenlight.words import duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment
    from deployer.model.history import History
    from deployer.model.hold import Hold
    from greenlight.endpoint.measuring import Measured
    from greenlight.fleet.state import Seen, Standing
    from greenlight.timeline.entries import Entry


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant.

    Attributes:
        name: Its name.
        version: The version in it; None if the journal does not know it.
        is_shadow: Whether it gets copies of the calls only.
        instance_type: Its instances' type; None if it is serverless, or unknown.
        is_serverless: Whether it is serverless.
        count: How many instances it has; None if it is serverless.
        wanted_count: How many it is to have.
        share_percent: Its share of the calls; None of a shadow.
        scales: Its least and most instances; None if it does not scale.
    """

    name: str
    version: int | None
    is_shadow: bool
    instance_type: str | None
    is_serverless: bool
    count: int | None
    wanted_count: int | None
    share_percent: int | None
    scales: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One endpoint.

    Attributes:
        standing: How it stands.
        group: The group that it follows; None if nobody manages it.
        variants: Its variants.
        alarms: The state of each alarm that rolls an update back, by its name; None if it does not exist.
        measured: What alarms measure, by their names, as far as there is a value.
        rollout: The settings' rollout, in words; None if they have none.
        hold: What holds rollouts back now.
        waiting: The approval that waits; None if none does.
        lately: The last entries of its timeline, newest first.
    """

    standing: Standing
    group: str | None
    variants: tuple[Variant, ...]
    alarms: Mapping[str, str | None]
    measured: Mapping[str, Measured]
    rollout: str | None
    hold: Hold | None
    waiting: Approval | None
    lately: Sequence[Entry]


def detail_of(
    seen: Seen,
    described: Mapping[str, Any] | None,
    alarms: Mapping[str, str | None],
    measured: Mapping[str, Measured],
    lately: Sequence[Entry],
    now: datetime,
) -> Detail:
    """Return all that the command says of one endpoint.

    Args:
        seen: What was read of it.
        described: What DescribeEndpoint answered; None if there is none.
        alarms: The alarms' states.
        measured: What they measure.
        lately: The last entries of its timeline.
        now: The time.
    """
    standing, settings = standing_of(seen, now), seen.settings
    waiting = waits(seen, standing.serves) if standing.state is not State.ROLLOUT else None
    return Detail(
        standing=standing,
        group=settings.group_name if settings is not None else None,
        variants=variants_of(described, seen),
        alarms=alarms,
        measured=measured,
        rollout=rollout_words(settings.deployment_config) if settings is not None else None,
        hold=hold_of(seen, now),
        waiting=waiting,
        lately=lately,
    )


def variants_of(described: Mapping[str, Any] | None, seen: Seen) -> tuple[Variant, ...]:
    """Return the variants that serve."""
    if described is None:
        return ()
    shown = described.get("ProductionVariants") or ()
    total = sum(float(each.get("CurrentWeight") or 0) for each in shown)
    deployment = seen.history.latest_on(seen.serving_config)
    request = (deployment.config_request if deployment is not None else None) or {}
    asked = {
        each["VariantName"]: each
        for member in ("ProductionVariants", "ShadowProductionVariants")
        for each in request.get(member) or ()
    }
    found = [(each, False) for each in shown]
    found += [(each, True) for each in described.get("ShadowProductionVariants") or ()]
    return tuple(
        _variant(
            each, asked.get(each["VariantName"], {}), deployment, seen.history, total, is_shadow=is_shadow
        )
        for each, is_shadow in found
    )


def _variant(
    shown: Mapping[str, Any],
    asked: Mapping[str, Any],
    deployment: Deployment | None,
    history: History,
    total: float,
    *,
    is_shadow: bool,
) -> Variant:
    name = shown["VariantName"]
    scaling = history.last_observed.scaling.get(name)
    is_serverless = "CurrentServerlessConfig" in shown or "ServerlessConfig" in asked
    weight = float(shown.get("CurrentWeight") or 0)
    return Variant(
        name=name,
        version=_version_in(name, deployment, is_shadow=is_shadow),
        is_shadow=is_shadow,
        instance_type=asked.get("InstanceType"),
        is_serverless=is_serverless,
        count=None if is_serverless else shown.get("CurrentInstanceCount"),
        wanted_count=None if is_serverless else shown.get("DesiredInstanceCount"),
        share_percent=None if is_shadow else round(100 * weight / total) if total else 0,
        scales=(int(scaling["MinCapacity"]), int(scaling["MaxCapacity"])) if scaling else None,
    )


def _version_in(name: str, deployment: Deployment | None, *, is_shadow: bool) -> int | None:
    if deployment is None:
        return None
    beside = {each.variant_name: each.version for each in deployment.companions}
    return beside.get(name, None if is_shadow else deployment.version)


def rollout_words(config: Mapping[str, Any] | None) -> str | None:
    """Return a DeploymentConfig in words; None if there is none."""
    if config is None:
        return None
    if rolling := config.get("RollingUpdatePolicy"):
        size = _size(rolling["MaximumBatchSize"])
        return f"rolling, {size} at a time, {duration(rolling['WaitIntervalInSeconds'])} each"
    policy = config.get("BlueGreenUpdatePolicy")
    if policy is None:
        return None
    routing, end = policy["TrafficRoutingConfiguration"], policy.get("TerminationWaitInSeconds", 0)
    after = f", then {duration(end)} with all calls" if end else ""
    wait = duration(routing["WaitIntervalInSeconds"])
    match routing["Type"]:
        case "CANARY":
            return f"canary {_size(routing['CanarySize'])} for {wait}{after}"
        case "LINEAR":
            return f"linear in steps of {_size(routing['LinearStepSize'])}, {wait} each{after}"
        case _:
            return f"all at once{after}"


def _size(size: Mapping[str, Any]) -> str:
    unit = " %" if size["Type"] == "CAPACITY_PERCENT" else " instances"
    return f"{size['Value']}{unit}"
