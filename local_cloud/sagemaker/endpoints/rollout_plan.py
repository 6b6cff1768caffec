"""Turn a deployment config into steps: the shares of traffic, the waits, the batches, the alarms.

Owns parsing a DeploymentConfig, and refusing one that contradicts itself or does not fit the variants. It
changes nothing and has no clock: `deployments.py` carries a rollout out. Sources: botocore's
BlueGreenUpdatePolicy, RollingUpdatePolicy and CapacitySize; the developer guide's pages on deployment
guardrails ("Exclusions", "Use rolling deployments", "Use canary traffic shifting").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import errors
from local_cloud.sagemaker.switch_settings import ShadowSizes, UndersizedGuardrail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from local_cloud.sagemaker.endpoints.endpoint_state import LiveVariant
    from local_cloud.sagemaker.switches import Switches

_HALF = Fraction(1, 2)
ALL = Fraction(1)
_LEAST_LINEAR_STEP = Fraction(10, 100)
_LEAST_ROLLING_BATCH = Fraction(5, 100)


class _UndersizedError(Exception):
    """A guardrail does not fit a variant, whatever its size."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of traffic: the new fleet's share, and how long to bake after it.

    In a rolling update it is also the share of the new fleet's instances.
    """

    share: Fraction
    wait_seconds: int


@dataclass(frozen=True, slots=True)
class Rollout:
    """A parsed deployment config.

    Attributes:
        steps: The steps of traffic, the last one to the whole new fleet.
        is_rolling: Whether instances are exchanged batch by batch, instead of fleet for fleet.
        rollback_batch: The share of the old fleet that each step of a rolling rollback restores.
        timeout_seconds: The longest time of the whole rollout; None without a limit.
        alarm_names: The CloudWatch alarms that count from the start until the old fleet may end.
        is_announced: Whether it emits deployment state change events; excluded endpoints emit none.
        flaw: Why it is accepted and then fails; None if it does not.
    """

    steps: tuple[Step, ...] = (Step(ALL, 0),)
    is_rolling: bool = False
    rollback_batch: Fraction = ALL
    timeout_seconds: int | None = None
    alarm_names: tuple[str, ...] = ()
    is_announced: bool = True
    flaw: str | None = None

    @property
    def waits_seconds(self) -> int:
        """The sum of its waits."""
        return sum(step.wait_seconds for step in self.steps)


def plan_rollout(
    deployment_config: Mapping[str, Any] | None,
    new_variants: Sequence[LiveVariant],
    old_variants: Iterable[LiveVariant],
    switches: Switches,
) -> Rollout:
    """Return the rollout for a deployment config; without one, blue/green and all at once.

    Args:
        deployment_config: A DeploymentConfig, or None.
        new_variants: The variants to deploy.
        old_variants: The variants to replace; nothing for a new endpoint.
        switches: What happens to guardrails on a single instance.

    Raises:
        ServiceError: The deployment config contradicts itself or does not fit the variants.
    """
    config = deployment_config or {}
    blue_green, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    if blue_green is not None and rolling is not None:
        raise errors.validation(
            "DeploymentConfig can have only one update policy: BlueGreenUpdatePolicy or RollingUpdatePolicy."
        )
    alarm_names = tuple(
        alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", ())
    )
    try:
        if rolling is not None:
            rollout = _rolling(rolling, new_variants, switches, alarm_names)
        elif blue_green is not None:
            rollout = _blue_green(blue_green, new_variants, switches, alarm_names)
        else:
            rollout = Rollout(alarm_names=alarm_names)
    except _UndersizedError as error:
        if switches.undersized_guardrail is UndersizedGuardrail.REFUSE:
            raise errors.validation(str(error)) from None
        rollout = Rollout(alarm_names=alarm_names, flaw=str(error))
    if rollout.timeout_seconds is not None and rollout.timeout_seconds <= rollout.waits_seconds:
        raise errors.validation(
            f"MaximumExecutionTimeoutInSeconds ({rollout.timeout_seconds}) must be greater than the sum of "
            f"the wait intervals ({rollout.waits_seconds})."
        )
    if not has_guardrails((*new_variants, *old_variants)):
        # "will fall back to using a blue/green deployment with all at once traffic shifting and no final
        # baking period" (Exclusions); such endpoints have no deployment events either.
        return Rollout(is_announced=False)
    return rollout


def has_guardrails(variants: Iterable[LiveVariant]) -> bool:
    """Tell whether deployment guardrails apply: not to Inf1 instances (developer guide, "Exclusions")."""
    return not any((variant.instance_type or "").startswith("ml.inf1.") for variant in variants)


def _blue_green(
    policy: Mapping[str, Any],
    new_variants: Sequence[LiveVariant],
    switches: Switches,
    alarm_names: tuple[str, ...],
) -> Rollout:
    routing = policy["TrafficRoutingConfiguration"]
    kind, wait = routing["Type"], routing["WaitIntervalInSeconds"]
    step = ALL
    if kind != "ALL_AT_ONCE":
        name = "CanarySize" if kind == "CANARY" else "LinearStepSize"
        if name not in routing:
            raise errors.validation(f"TrafficRoutingConfiguration of type {kind} requires {name}.")
        least = _LEAST_LINEAR_STEP if kind == "LINEAR" else Fraction(0)
        step = _share(routing[name], new_variants, name, least, switches)
    steps: list[Step] = []
    share = step
    while share < ALL:
        steps.append(Step(share, wait))
        share = ALL if kind == "CANARY" else share + step
    steps.append(Step(ALL, policy.get("TerminationWaitInSeconds", 0)))
    return Rollout(
        steps=tuple(steps),
        timeout_seconds=policy.get("MaximumExecutionTimeoutInSeconds"),
        alarm_names=alarm_names,
    )


def _rolling(
    policy: Mapping[str, Any],
    new_variants: Sequence[LiveVariant],
    switches: Switches,
    alarm_names: tuple[str, ...],
) -> Rollout:
    if len(new_variants) > 1 or any(variant.serverless_config is not None for variant in new_variants):
        # Excluded from rolling (documented): all at once, without a final bake.
        return Rollout(is_announced=False)
    (variant,) = new_variants
    name = "RollingUpdatePolicy.MaximumBatchSize"
    size = _share(policy["MaximumBatchSize"], new_variants, name, _LEAST_ROLLING_BATCH, switches)
    timeout = policy.get("MaximumExecutionTimeoutInSeconds")
    if size == ALL:
        return Rollout(timeout_seconds=timeout, alarm_names=alarm_names)
    count = variant.desired_instance_count
    batch = max(1, math.floor(size * count))
    wait = policy["WaitIntervalInSeconds"]
    # Every batch bakes, the last one too: "baking period … for each batch on the new fleet".
    steps = [Step(Fraction(done, count), wait) for done in (*range(batch, count, batch), count)]
    return Rollout(
        steps=tuple(steps),
        is_rolling=True,
        rollback_batch=_rollback_batch(policy.get("RollbackMaximumBatchSize"), count),
        timeout_seconds=timeout,
        alarm_names=alarm_names,
    )


def _rollback_batch(size: Mapping[str, Any] | None, count: int) -> Fraction:
    """Return the share of the old fleet that each rollback step restores; all of it by default."""
    if size is None:
        return ALL
    if size["Type"] == "INSTANCE_COUNT":
        return min(ALL, Fraction(size["Value"], count))
    return min(ALL, Fraction(size["Value"], 100))


def _share(
    size: Mapping[str, Any],
    new_variants: Sequence[LiveVariant],
    name: str,
    least: Fraction,
    switches: Switches,
) -> Fraction:
    """Return a CapacitySize as a share of the smallest variant that bounds it.

    botocore counts "the variant's" instances, and does not say if a shadow is one: `Switches.shadow_sizes`.
    """
    is_free = switches.shadow_sizes is ShadowSizes.FREE
    bounding = [variant for variant in new_variants if not (variant.is_shadow and is_free)]
    if any(variant.serverless_config is not None for variant in bounding):
        raise errors.validation(f"{name} is not supported for serverless variants.")
    smallest = min((variant.desired_instance_count for variant in bounding), default=1)
    is_count = size["Type"] == "INSTANCE_COUNT"
    share = Fraction(size["Value"], max(1, smallest)) if is_count else Fraction(size["Value"], 100)
    if smallest <= 1:
        if switches.undersized_guardrail is UndersizedGuardrail.ALL_AT_ONCE:
            return ALL
        raise _UndersizedError(
            f"{name} must be at most 50 percent of a variant's instances, which a variant with one instance "
            "cannot satisfy."
        )
    if share > _HALF:
        raise errors.validation(f"{name} must be at most 50 percent of each variant's instances.")
    if share < least:
        raise errors.validation(
            f"{name} must be at least {float(100 * least):g} percent of each variant's instances."
        )
    return share
