"""A deployment: an endpoint config on its way onto an endpoint, for CreateEndpoint and UpdateEndpoint.

Owns the rollout from the first instance to the last one terminated, and the way back. It is one explicit
state: the stage says what happens when `due` comes. Alarms are not consulted here; `fail` is how a rollback
begins, whatever its cause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import errors
from local_cloud.sagemaker.endpoint_state import (
    Endpoint,
    EndpointStatus,
    LiveVariant,
    instances_by_type,
    instances_in_use,
    routes,
)
from local_cloud.sagemaker.models import refuse_unapproved_packages
from local_cloud.sagemaker.ports import FleetSpec, Health
from local_cloud.sagemaker.switches import UnapprovedPackage, UndersizedGuardrail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_cloud.sagemaker.endpoint_configs import EndpointConfig
    from local_cloud.sagemaker.switches import Switches
    from local_cloud.sagemaker.world import World

_HALF = Fraction(1, 2)
_ALL = Fraction(1)

INSUFFICIENT_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please "
    "retry using a different ML instance type or after some time."
)


class Stage(Enum):
    """Where a deployment is."""

    PROVISIONING = "waits for instances"
    HEALTH_CHECKING = "waits until every new fleet answers its ping"
    SHIFTING = "moves traffic, and bakes"
    TERMINATING = "lets the old fleet end its requests"
    ROLLING_BACK = "returns to the old fleet"


@dataclass(frozen=True, slots=True)
class Shift:
    """A step of traffic: the new fleets' share from now on, and how long to bake before the next."""

    share: Fraction
    wait_seconds: int


@dataclass(slots=True, eq=False)
class Deployment:
    """A config on its way onto an endpoint."""

    endpoint: Endpoint
    config: EndpointConfig
    new_variants: list[LiveVariant]
    shifts: tuple[Shift, ...]
    start_time: datetime
    due: datetime | None
    stage: Stage = Stage.PROVISIONING
    stage_start_time: datetime = field(init=False)
    shifts_done: int = 0
    failure_reason: str | None = None
    rollback_fails: bool = False

    def __post_init__(self) -> None:
        self.stage_start_time = self.start_time

    @property
    def is_creation(self) -> bool:
        """Whether nothing served before."""
        return not self.endpoint.variants

    def advance(self, world: World) -> None:
        """Make the step that is due."""
        match self.stage:
            case Stage.PROVISIONING:
                self._launch(world)
            case Stage.HEALTH_CHECKING:
                self._check_health(world)
            case Stage.SHIFTING:
                self._shift(world)
            case Stage.TERMINATING:
                self._finish(world)
            case Stage.ROLLING_BACK:
                self._finish_rollback(world)

    def fail(self, world: World, reason: str, *, rollback_fails: bool = False) -> None:
        """Begin the way back: a new endpoint is Failed at once, another returns to its old config.

        Args:
            world: All state.
            reason: The FailureReason.
            rollback_fails: Whether the way back fails as well (UpdateRollbackFailed).
        """
        self.failure_reason = reason
        self.rollback_fails = rollback_fails
        if self.is_creation:
            self._route(world, Fraction(0))
            self._terminate(world, self.new_variants)
            self._rest(world, EndpointStatus.FAILED)
            return
        if not rollback_fails:
            self._route(world, Fraction(0))
            self._terminate(world, self.new_variants)
        self._enter(world, Stage.ROLLING_BACK, world.timings.rolling_back_seconds)

    def describe(self) -> dict[str, Any]:
        """Return the PendingDeploymentSummary."""
        summary: dict[str, Any] = {"EndpointConfigName": self.config.name, "StartTime": self.start_time}
        for member, is_shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True)):
            variants = [
                {**variant.summary(), "VariantStatus": [self._variant_status(variant)]}
                for variant in self.new_variants
                if variant.is_shadow is is_shadow
            ]
            if variants:
                summary[member] = variants
        return summary

    def _variant_status(self, variant: LiveVariant) -> dict[str, Any]:
        """Return a variant's status in the words of the deployment state change event."""
        count = variant.desired_instance_count
        match self.stage:
            case Stage.PROVISIONING | Stage.HEALTH_CHECKING:
                status, message = "Creating", f"Launching {count} instance(s)."
            case Stage.SHIFTING if self.shifts_done < len(self.shifts):
                status = "ActivatingTraffic"
                message = f"Activating traffic on canary capacity of {count} instance(s)."
            case Stage.SHIFTING:
                status = "Baking"
                message = (
                    f"Baking for {self.shifts[-1].wait_seconds} seconds (TerminationWaitInSeconds) with "
                    f"traffic enabled on full capacity of {count} instance(s)."
                )
            case Stage.TERMINATING | Stage.ROLLING_BACK:
                status, message = "Deleting", f"Terminating {count} instance(s)."
        return {"Status": status, "StatusMessage": message, "StartTime": self.stage_start_time}

    def _launch(self, world: World) -> None:
        reason = self._cannot_launch(world)
        if reason is not None:
            self.fail(world, reason)
            return
        for variant in self.new_variants:
            if variant.model is not None:
                variant.fleet_id = world.hosting.launch(self._fleet_spec(variant))
            variant.started = world.time
            variant.current_instance_count = variant.desired_instance_count
        self._enter(world, Stage.HEALTH_CHECKING, world.timings.health_poll_seconds)

    def _cannot_launch(self, world: World) -> str | None:
        """Return why the fleets cannot be launched, or None."""
        scope = self.endpoint.scope
        for instance_type in instances_by_type(self.new_variants):
            capacity = scope.instance_capacity.get(instance_type)
            if capacity is not None and instances_in_use(scope, instance_type) > capacity:
                return INSUFFICIENT_CAPACITY
        for variant in self.new_variants:
            if variant.model is None:
                continue
            try:
                refuse_unapproved_packages(world, variant.model, UnapprovedPackage.DEPLOYMENT)
            except errors.ServiceError as error:
                return error.message
            role_arn = variant.model.execution_role_arn or ""
            for index, container in enumerate(variant.model.containers, 1):
                url = container.model_data_url
                if url is not None and not world.artifacts.is_readable(
                    url, role_arn=role_arn, region=scope.region
                ):
                    return (
                        f'Failed to download model data for container "container_{index}" from URL: '
                        f'"{url}". Please '
                        "ensure that there is an object located at the URL and that the role passed to "
                        "CreateModel has permissions to download the object."
                    )
        return None

    def _fleet_spec(self, variant: LiveVariant) -> FleetSpec:
        assert variant.model is not None, variant.name
        return FleetSpec(
            account_id=self.endpoint.scope.account_id,
            region=self.endpoint.scope.region,
            endpoint_name=self.endpoint.name,
            endpoint_config_name=self.config.name,
            variant_name=variant.name,
            model_name=variant.model.name,
            containers=variant.model.containers,
            execution_role_arn=variant.model.execution_role_arn or "",
            instance_type=variant.instance_type,
            # A serverless variant starts with one worker: what scales it is not modelled.
            instance_count=max(1, variant.desired_instance_count),
        )

    def _check_health(self, world: World) -> None:
        are_healthy = True
        for variant in self.new_variants:
            if variant.fleet_id is None:
                continue
            health = world.hosting.health(variant.fleet_id)
            if health is Health.HEALTHY:
                variant.unhealthy_since = None
                continue
            are_healthy = False
            if self._is_given_up(world, variant, health):
                self.fail(
                    world,
                    f"The primary container for production variant {variant.name} did not pass the ping "
                    "health check. Please check CloudWatch logs for this endpoint.",
                )
                return
        if are_healthy:
            self._enter(world, Stage.SHIFTING, 0)
        else:
            self.due = world.time + timedelta(seconds=world.timings.health_poll_seconds)
            world.agenda.put(self)

    def _is_given_up(self, world: World, variant: LiveVariant, health: Health) -> bool:
        assert variant.started is not None, variant.name
        timeout = variant.variant.get(
            "ContainerStartupHealthCheckTimeoutInSeconds", world.timings.health_check_timeout_seconds
        )
        if world.time - variant.started >= timedelta(seconds=timeout):
            return True
        if health is Health.STARTING:
            variant.unhealthy_since = None
            return False
        variant.unhealthy_since = variant.unhealthy_since or world.time
        patience = timedelta(seconds=world.timings.unhealthy_patience_seconds)
        return world.time - variant.unhealthy_since >= patience

    def _shift(self, world: World) -> None:
        if self.shifts_done == len(self.shifts):
            self._enter(
                world, Stage.TERMINATING, 0 if self.is_creation else world.timings.terminating_seconds
            )
            return
        shift = self.shifts[self.shifts_done]
        self.shifts_done += 1
        self._route(world, shift.share)
        wait = 0 if self.is_creation else shift.wait_seconds * world.timings.wait_scale
        self._enter(world, Stage.SHIFTING, wait)

    def _finish(self, world: World) -> None:
        endpoint = self.endpoint
        self._terminate(
            world,
            [*endpoint.variants.values(), *endpoint.shadow_variants.values(), *endpoint.stranded_variants],
        )
        endpoint.config = self.config
        endpoint.variants = {item.name: item for item in self.new_variants if not item.is_shadow}
        endpoint.shadow_variants = {item.name: item for item in self.new_variants if item.is_shadow}
        endpoint.stranded_variants = []
        self._rest(world, EndpointStatus.IN_SERVICE)

    def _finish_rollback(self, world: World) -> None:
        endpoint = self.endpoint
        if self.rollback_fails:
            endpoint.stranded_variants += [item for item in self.new_variants if item.fleet_id is not None]
            self._rest(world, EndpointStatus.UPDATE_ROLLBACK_FAILED)
            return
        # What an earlier rollback left running gets no traffic any more: the old fleet serves alone.
        self._terminate(world, endpoint.stranded_variants)
        endpoint.stranded_variants = []
        self._rest(world, EndpointStatus.IN_SERVICE)

    def _rest(self, world: World, status: EndpointStatus) -> None:
        self.due = None
        self.endpoint.work = None
        self.endpoint.failure_reason = self.failure_reason
        self.endpoint.enter(world, status)

    def _route(self, world: World, share: Fraction) -> None:
        """Give the new fleets a share of the traffic, and the old ones the rest."""
        new = [item for item in self.new_variants if not item.is_shadow]
        for variant in new:
            variant.current_weight = variant.desired_weight if share else 0.0
        old = list(self.endpoint.variants.values())
        new_share = float(share) if old else float(bool(share))
        chosen = [
            *(routes(new, new_share) if new_share else ()),
            *(routes(old, 1 - new_share) if new_share < 1 else ()),
        ]
        scope = self.endpoint.scope
        world.hosting.route(scope.account_id, scope.region, self.endpoint.name, tuple(chosen))

    def _terminate(self, world: World, variants: Sequence[LiveVariant]) -> None:
        for variant in variants:
            if variant.fleet_id is not None:
                world.hosting.terminate(variant.fleet_id)
                variant.fleet_id = None

    def _enter(self, world: World, stage: Stage, seconds: float) -> None:
        if stage is not self.stage:
            self.stage = stage
            self.stage_start_time = world.time
        self.due = world.time + timedelta(seconds=seconds)
        world.agenda.put(self)


def begin(
    world: World,
    endpoint: Endpoint,
    config: EndpointConfig,
    new_variants: list[LiveVariant],
    shifts: tuple[Shift, ...],
) -> None:
    """Start a deployment; the caller has checked everything."""
    endpoint.work = Deployment(
        endpoint=endpoint,
        config=config,
        new_variants=new_variants,
        shifts=shifts,
        start_time=world.time,
        due=world.time + timedelta(seconds=world.timings.provisioning_seconds),
    )
    world.agenda.put(endpoint.work)


def plan_shifts(
    deployment_config: Mapping[str, Any] | None, new_variants: Sequence[LiveVariant], switches: Switches
) -> tuple[Shift, ...]:
    """Return the steps of traffic that a deployment config asks for; without one, all at once.

    A rolling update moves traffic in its batches; that its fleets are exchanged batch by batch is not
    modelled.

    Raises:
        ServiceError: The deployment config contradicts itself or does not fit the variants.
    """
    if not deployment_config:
        return (Shift(_ALL, 0),)
    blue_green = deployment_config.get("BlueGreenUpdatePolicy")
    rolling = deployment_config.get("RollingUpdatePolicy")
    if blue_green is not None and rolling is not None:
        raise errors.validation(
            "DeploymentConfig can have only one update policy: BlueGreenUpdatePolicy or RollingUpdatePolicy."
        )
    if rolling is not None:
        size, kind, wait, last_wait = (
            rolling["MaximumBatchSize"],
            "LINEAR",
            rolling["WaitIntervalInSeconds"],
            0,
        )
        name = "RollingUpdatePolicy.MaximumBatchSize"
        timeout = rolling.get("MaximumExecutionTimeoutInSeconds")
    elif blue_green is not None:
        routing = blue_green["TrafficRoutingConfiguration"]
        kind, wait = routing["Type"], routing["WaitIntervalInSeconds"]
        last_wait = blue_green.get("TerminationWaitInSeconds", 0)
        name = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(kind, "")
        size = routing.get(name)
        timeout = blue_green.get("MaximumExecutionTimeoutInSeconds")
        if name and size is None:
            raise errors.validation(f"TrafficRoutingConfiguration of type {kind} requires {name}.")
    else:
        return (Shift(_ALL, 0),)
    step = _ALL if size is None or kind == "ALL_AT_ONCE" else _fraction(size, new_variants, name, switches)
    shifts: list[Shift] = []
    share = step
    while share < _ALL:
        shifts.append(Shift(share, wait))
        share = _ALL if kind == "CANARY" else share + step
    shifts.append(Shift(_ALL, last_wait))
    waits = sum(shift.wait_seconds for shift in shifts)
    if timeout is not None and timeout <= waits:
        raise errors.validation(
            f"MaximumExecutionTimeoutInSeconds ({timeout}) must be greater than the sum of the wait "
            f"intervals ({waits})."
        )
    return tuple(shifts)


def _fraction(
    size: Mapping[str, Any], new_variants: Sequence[LiveVariant], name: str, switches: Switches
) -> Fraction:
    """Return a CapacitySize as a share of the smallest variant."""
    if any(variant.serverless_config is not None for variant in new_variants):
        raise errors.validation(f"{name} is not supported for serverless variants.")
    smallest = min((variant.desired_instance_count for variant in new_variants), default=1)
    is_count = size["Type"] == "INSTANCE_COUNT"
    share = Fraction(size["Value"], max(1, smallest)) if is_count else Fraction(size["Value"], 100)
    if smallest <= 1:
        if switches.undersized_guardrail is UndersizedGuardrail.ALL_AT_ONCE:
            return _ALL
        raise errors.validation(
            f"{name} must be at most 50 percent of a variant's instances, which a variant with one instance "
            "cannot satisfy."
        )
    if share > _HALF:
        raise errors.validation(f"{name} must be at most 50 percent of each variant's instances.")
    return share
