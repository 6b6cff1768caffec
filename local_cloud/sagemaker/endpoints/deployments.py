"""A deployment: puts an endpoint config onto an endpoint, for CreateEndpoint and UpdateEndpoint.

Owns one explicit state: its stage says what happens when its time is over, and `deployment_forward` or
`deployment_rollback` does it. Alarms and the time limit count until the old fleet may end. Every rollback
begins with `fail`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from local_cloud.sagemaker import events
from local_cloud.sagemaker.endpoints.deployment_alarms import alarms_in, is_stopped
from local_cloud.sagemaker.endpoints.deployment_forward import (
    activate,
    check_health,
    end_step,
    launch,
    terminate_old,
)
from local_cloud.sagemaker.endpoints.deployment_rollback import has_lost_instances, leave_new_fleet, roll_back
from local_cloud.sagemaker.endpoints.deployment_stages import Stage
from local_cloud.sagemaker.endpoints.deployment_summary import describe
from local_cloud.sagemaker.endpoints.deployment_traffic import route, terminate
from local_cloud.sagemaker.endpoints.endpoint_state import EndpointStatus
from local_cloud.sagemaker.endpoints.rollout_plan import ALL
from local_cloud.sagemaker.ports import AlarmState
from local_cloud.sagemaker.switch_settings import AlarmAtStart, UpdateRollbackStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import EndpointConfig
    from local_cloud.sagemaker.endpoints.endpoint_state import Endpoint, LiveVariant
    from local_cloud.sagemaker.endpoints.rollout_plan import Rollout, Step
    from local_cloud.sagemaker.state import State

_NONE = Fraction(0)
_SHORTEST_POLL = 0.05


@dataclass(slots=True, eq=False)
class Deployment:
    """A config being put onto an endpoint."""

    endpoint: Endpoint
    config: EndpointConfig
    new_variants: list[LiveVariant]
    rollout: Rollout
    start_time: datetime
    due: datetime | None
    stage: Stage = Stage.PROVISIONING
    stage_start_time: datetime = field(init=False)
    stage_end_time: datetime = field(init=False)
    batch_start_time: datetime = field(init=False)
    """When the awaited instances were launched."""
    steps_done: int = 0
    """Steps that have traffic."""
    failure_reason: str | None = None
    rollback_fails: bool = False
    is_rolled_back: bool = False
    ignored_alarms: set[str] = field(default_factory=set)
    """Alarms that were in ALARM before the update; they count only after they were not."""

    def __post_init__(self) -> None:
        self.stage_start_time = self.batch_start_time = self.start_time
        self.stage_end_time = self.due or self.start_time

    @property
    def is_creation(self) -> bool:
        """Whether the endpoint is new."""
        return not self.endpoint.variants

    @property
    def step(self) -> Step:
        """The step of traffic that is being prepared or bakes."""
        is_on = self.stage in (Stage.BAKING, Stage.TERMINATING)
        return self.rollout.steps[self.steps_done - 1 if is_on else self.steps_done]

    @property
    def is_watched(self) -> bool:
        """Whether alarms and the time limit still count: until the old fleet may end."""
        match self.stage:
            case Stage.ROLLING_BACK:
                return False
            case Stage.TERMINATING:
                return self.steps_done < len(self.rollout.steps)
            case _:
                return not self.is_creation

    def advance(self, state: State) -> None:
        """Make the due step, unless an alarm or the time limit ends the deployment."""
        if self.is_watched and is_stopped(self, state):
            return
        if state.time < self.stage_end_time:
            self._wake_up_in_time(state)
            return
        match self.stage:
            case Stage.PROVISIONING:
                launch(self, state)
            case Stage.HEALTH_CHECKING:
                check_health(self, state)
            case Stage.ACTIVATING:
                activate(self, state)
            case Stage.BAKING:
                end_step(self, state)
            case Stage.TERMINATING:
                terminate_old(self, state)
            case Stage.ROLLING_BACK:
                roll_back(self, state)

    def fail(self, state: State, reason: str | None, *, rollback_fails: bool = False) -> None:
        """Start the rollback: a new endpoint is Failed at once, another returns to its old config.

        Args:
            state: The control plane's state.
            reason: The FailureReason; None leaves it out.
            rollback_fails: Whether the rollback fails too (UpdateRollbackFailed).
        """
        self.failure_reason = reason
        self.rollback_fails = rollback_fails
        if self.is_creation:
            route(self, state, _NONE)
            terminate(state, self.new_variants)
            self.rest(state, EndpointStatus.FAILED)
            return
        if (
            state.switches.update_rollback_status is UpdateRollbackStatus.ROLLING_BACK
            and self.endpoint.status is not EndpointStatus.ROLLING_BACK
        ):
            self.endpoint.enter(state, EndpointStatus.ROLLING_BACK)
        if rollback_fails:
            self.enter(state, Stage.ROLLING_BACK, state.timings.rolling_back_seconds)
        elif has_lost_instances(self):
            # A rolling update has ended old instances: traffic returns once they are back.
            self.enter(state, Stage.ROLLING_BACK, state.timings.provisioning_seconds)
        else:
            leave_new_fleet(self, state)

    def share_of(self, variant: LiveVariant, share: Fraction) -> int:
        """Return how many instances a share of a variant is, rounded up."""
        return math.ceil(share * variant.desired_instance_count)

    def wanted_count(self, variant: LiveVariant) -> int:
        """Return how many instances the new fleet has for the present step."""
        share = self.step.share if self.rollout.is_rolling else ALL
        return self.share_of(variant, share)

    def remaining_count(self, old: LiveVariant) -> int:
        """Return how many instances of an old variant outlive the present step."""
        return self.share_of(old, ALL - self.step.share)

    def rest(self, state: State, status: EndpointStatus) -> None:
        """End the deployment in a status."""
        self.due = None
        self.endpoint.work = None
        self.endpoint.failure_reason = self.failure_reason
        self.endpoint.enter(state, status)

    def enter(self, state: State, stage: Stage, seconds: float) -> None:
        """Go to a stage for some seconds, and announce it if it is new and has a status."""
        is_new = stage is not self.stage
        self.stage = stage
        self.stage_end_time = state.time + timedelta(seconds=seconds)
        if is_new:
            self.stage_start_time = state.time
            # Launching and the health check are one status: it is told when it begins.
            # A bake of no seconds is none.
            is_told = stage is not Stage.BAKING or self.step.wait_seconds > 0
            if stage is not Stage.HEALTH_CHECKING and is_told:
                self.announce(state)
        self._wake_up_in_time(state)

    def _wake_up_in_time(self, state: State) -> None:
        """Be due when the stage is over, or before that to look at the alarms and the time limit."""
        times = [self.stage_end_time]
        if self.is_watched:
            if self.rollout.alarm_names:
                poll_seconds = max(_SHORTEST_POLL, state.timings.alarm_poll_seconds)
                times.append(state.time + timedelta(seconds=poll_seconds))
            if self.rollout.timeout_seconds is not None:
                times.append(self.start_time + timedelta(seconds=self.rollout.timeout_seconds))
        self.due = min(times)
        state.timers.put(self)

    def announce(self, state: State) -> None:
        """Emit the deployment state change, unless there is none for such a deployment."""
        if self.rollout.is_announced and not self.is_creation:
            events.emit_endpoint_deployment_state_change(state, self.endpoint, describe(self))


def begin(
    state: State,
    endpoint: Endpoint,
    config: EndpointConfig,
    new_variants: list[LiveVariant],
    rollout: Rollout,
) -> None:
    """Start a deployment, and announce the endpoint's new status; the caller has checked everything."""
    deployment = Deployment(
        endpoint=endpoint,
        config=config,
        new_variants=new_variants,
        rollout=rollout,
        start_time=state.time,
        due=state.time + timedelta(seconds=state.timings.provisioning_seconds),
    )
    if state.switches.alarm_at_start is AlarmAtStart.IGNORE_UNTIL_OK:
        deployment.ignored_alarms = set(alarms_in(state, endpoint, rollout, AlarmState.ALARM))
    endpoint.work = deployment
    endpoint.enter(state, EndpointStatus.CREATING if deployment.is_creation else EndpointStatus.UPDATING)
    deployment.announce(state)
    # The first look at the alarms is at the start.
    deployment.due = state.time if rollout.alarm_names else deployment.due
    state.timers.put(deployment)


def reserve_instances(rollout: Rollout, new_variants: Sequence[LiveVariant], endpoint: Endpoint) -> None:
    """Let a rolling update count its batch against quotas and capacity, instead of a whole second fleet."""
    if not rollout.is_rolling:
        return
    (new,) = new_variants
    old = endpoint.variants[new.name]
    if old.instance_type != new.instance_type:
        return
    most, remaining = 0, old.desired_instance_count
    for step in rollout.steps:
        most = max(most, math.ceil(step.share * new.desired_instance_count) + remaining)
        remaining = math.ceil((ALL - step.share) * old.desired_instance_count)
    new.reserved_instance_count = max(0, most - old.desired_instance_count)
