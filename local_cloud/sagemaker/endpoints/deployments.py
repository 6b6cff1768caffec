"""A deployment: an endpoint config on its way onto an endpoint, for CreateEndpoint and UpdateEndpoint.

Owns the rollout from the first instance to the last one terminated, and the way back. It is one explicit
state: the stage says what happens when its time is over. Until the old fleet may end, alarms and the time
limit are watched; `fail` is how a rollback begins, whatever its cause.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import errors, events
from local_cloud.sagemaker.endpoints.endpoint_state import (
    Endpoint,
    EndpointStatus,
    LiveVariant,
    instances_by_type,
    instances_in_use,
    routes,
    shadow_routes,
)
from local_cloud.sagemaker.endpoints.rollout_plan import ALL
from local_cloud.sagemaker.models import refuse_unapproved_packages
from local_cloud.sagemaker.ports import AlarmState, FleetSpec, Health
from local_cloud.sagemaker.switch_settings import (
    AlarmAtStart,
    AlarmRollbackReason,
    MissingAlarm,
    UnapprovedPackage,
    UnpulledImage,
    UpdateRollbackStatus,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.sagemaker.endpoint_configs.endpoint_config import EndpointConfig
    from local_cloud.sagemaker.endpoints.rollout_plan import Rollout, Step
    from local_cloud.sagemaker.models import Model
    from local_cloud.sagemaker.state import State

_NONE = Fraction(0)
_SHORTEST_POLL = 0.05

INSUFFICIENT_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please "
    "retry using a different ML instance type or after some time."
)


class Stage(Enum):
    """Where a deployment is."""

    PROVISIONING = "waits for instances"
    HEALTH_CHECKING = "waits until every new fleet answers its ping"
    ACTIVATING = "turns traffic on"
    BAKING = "watches the alarms, with traffic on"
    TERMINATING = "lets old instances end their requests"
    ROLLING_BACK = "returns to the old fleet"


@dataclass(slots=True, eq=False)
class Deployment:
    """A config on its way onto an endpoint."""

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
    """When the instances that are waited for were launched."""
    steps_done: int = 0
    """Steps whose traffic is on."""
    failure_reason: str | None = None
    rollback_fails: bool = False
    is_rolled_back: bool = False
    ignored_alarms: set[str] = field(default_factory=set)
    """Alarms that were in ALARM before the update, and count only once they were not."""

    def __post_init__(self) -> None:
        self.stage_start_time = self.batch_start_time = self.start_time
        self.stage_end_time = self.due or self.start_time

    @property
    def is_creation(self) -> bool:
        """Whether nothing served before."""
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
        """Make the step that is due, unless an alarm or the time limit ends the deployment."""
        if self.is_watched and self._is_stopped(state):
            return
        if state.time < self.stage_end_time:
            self._wake_up_in_time(state)
            return
        match self.stage:
            case Stage.PROVISIONING:
                self._launch(state)
            case Stage.HEALTH_CHECKING:
                self._check_health(state)
            case Stage.ACTIVATING:
                self._activate(state)
            case Stage.BAKING:
                self._end_step(state)
            case Stage.TERMINATING:
                self._terminate_old(state)
            case Stage.ROLLING_BACK:
                self._roll_back(state)

    def fail(self, state: State, reason: str | None, *, rollback_fails: bool = False) -> None:
        """Begin the way back: a new endpoint is Failed at once, another returns to its old config.

        Args:
            state: What the control plane keeps.
            reason: The FailureReason; None leaves it out.
            rollback_fails: Whether the way back fails as well (UpdateRollbackFailed).
        """
        self.failure_reason = reason
        self.rollback_fails = rollback_fails
        if self.is_creation:
            self._route(state, _NONE)
            self._terminate(state, self.new_variants)
            self._rest(state, EndpointStatus.FAILED)
            return
        if (
            state.switches.update_rollback_status is UpdateRollbackStatus.ROLLING_BACK
            and self.endpoint.status is not EndpointStatus.ROLLING_BACK
        ):
            self.endpoint.enter(state, EndpointStatus.ROLLING_BACK)
        if rollback_fails:
            self._enter(state, Stage.ROLLING_BACK, state.timings.rolling_back_seconds)
        elif self._has_lost_instances():
            # A rolling update has ended old instances: traffic returns when they are there again.
            self._enter(state, Stage.ROLLING_BACK, state.timings.provisioning_seconds)
        else:
            self._leave_new_fleet(state)

    def describe(self) -> dict[str, Any]:
        """Return the PendingDeploymentSummary."""
        summary: dict[str, Any] = {"EndpointConfigName": self.config.name, "StartTime": self.start_time}
        for member, is_shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True)):
            variants = [
                {**variant.summary(), "VariantStatus": [self._status_of(variant)]}
                for variant in self.new_variants
                if variant.is_shadow is is_shadow
            ]
            if variants:
                summary[member] = variants
        return summary

    def _status_of(self, variant: LiveVariant) -> dict[str, Any]:
        """Return a variant's status in the words of the deployment state change event."""
        status, message = self._status_and_message(variant)
        shown: dict[str, Any] = {"Status": status, "StartTime": self.stage_start_time}
        if variant.serverless_config is None:
            # All documented messages count instances; a serverless variant has none.
            shown["StatusMessage"] = message
        return shown

    def _status_and_message(self, variant: LiveVariant) -> tuple[str, str]:
        match self.stage:
            case Stage.PROVISIONING | Stage.HEALTH_CHECKING:
                launching = self._wanted_count(variant) - variant.current_instance_count
                return "Creating", f"Launching {launching} instance(s)."
            case Stage.ACTIVATING:
                return "ActivatingTraffic", f"Activating traffic on {self._capacity(variant)}."
            case Stage.BAKING:
                # The documentation's sample names TerminationWaitInSeconds for a canary's wait as well.
                return "Baking", (
                    f"Baking for {self.step.wait_seconds} seconds (TerminationWaitInSeconds) with traffic "
                    f"enabled on {self._capacity(variant)}."
                )
            case Stage.TERMINATING:
                old = self.endpoint.variants.get(variant.name)
                ending = 0 if old is None else old.current_instance_count - self._remaining_count(old)
                return "Deleting", f"Terminating {ending} instance(s)."
            case Stage.ROLLING_BACK:
                return "Deleting", f"Terminating {variant.current_instance_count} instance(s)."

    def _capacity(self, variant: LiveVariant) -> str:
        kind = "full" if self.step.share == ALL else "canary"
        return f"{kind} capacity of {self._share_of(variant, self.step.share)} instance(s)"

    def _share_of(self, variant: LiveVariant, share: Fraction) -> int:
        """Return how many instances a share of a variant is, rounded up."""
        return math.ceil(share * variant.desired_instance_count)

    def _wanted_count(self, variant: LiveVariant) -> int:
        """Return how many instances the new fleet has for the present step."""
        share = self.step.share if self.rollout.is_rolling else ALL
        return self._share_of(variant, share)

    def _remaining_count(self, old: LiveVariant) -> int:
        """Return how many instances of an old variant outlive the present step."""
        return self._share_of(old, ALL - self.step.share)

    # Forwards

    def _launch(self, state: State) -> None:
        reason = self._cannot_launch(state)
        if reason is not None:
            self.fail(state, reason)
            return
        for variant in self.new_variants:
            count = self._wanted_count(variant)
            if variant.fleet_id is not None:
                state.hosting.scale(variant.fleet_id, count)
                continue
            variant.started = state.time
            if variant.model is not None:
                variant.fleet_id = state.hosting.launch(self._fleet_spec(variant, count))
        self.batch_start_time = state.time
        self._enter(state, Stage.HEALTH_CHECKING, state.timings.health_poll_seconds)

    def _cannot_launch(self, state: State) -> str | None:
        """Return why the instances cannot be launched, or None."""
        if self.rollout.flaw is not None:
            return self.rollout.flaw
        scope = self.endpoint.scope
        for instance_type in instances_by_type(self.new_variants):
            capacity = scope.instance_capacity.get(instance_type)
            if capacity is not None and instances_in_use(scope, instance_type) > capacity:
                return INSUFFICIENT_CAPACITY
        for variant in self.new_variants:
            if variant.model is None:
                continue
            try:
                refuse_unapproved_packages(state, variant.model, UnapprovedPackage.DEPLOYMENT)
            except errors.ServiceError as error:
                return error.message
            reason = _cannot_fetch(state, variant.model, variant.name, scope.region)
            if reason is not None:
                return reason
        return None

    def _fleet_spec(self, variant: LiveVariant, instance_count: int) -> FleetSpec:
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
            instance_count=max(1, instance_count),
            async_inference=self.config.request.get("AsyncInferenceConfig"),
            data_capture=self.config.request.get("DataCaptureConfig"),
        )

    def _check_health(self, state: State) -> None:
        are_healthy = True
        for variant in self.new_variants:
            if variant.fleet_id is None:
                continue
            health = state.hosting.health(variant.fleet_id)
            if health is Health.HEALTHY:
                variant.unhealthy_since = None
                continue
            are_healthy = False
            if self._is_given_up(state, variant, health):
                self.fail(
                    state,
                    f"The primary container for production variant {variant.name} did not pass the ping "
                    "health check. Please check CloudWatch logs for this endpoint.",
                )
                return
        if not are_healthy:
            self._enter(state, Stage.HEALTH_CHECKING, state.timings.health_poll_seconds)
        elif self.is_creation:
            self._count_new(ALL)
            self._route(state, ALL)
            self._finish(state)
        else:
            self._enter(state, Stage.ACTIVATING, state.timings.activating_seconds)

    def _is_given_up(self, state: State, variant: LiveVariant, health: Health) -> bool:
        timeout = variant.variant.get(
            "ContainerStartupHealthCheckTimeoutInSeconds", state.timings.health_check_timeout_seconds
        )
        if state.time - self.batch_start_time >= timedelta(seconds=timeout):
            return True
        if health is Health.STARTING:
            variant.unhealthy_since = None
            return False
        variant.unhealthy_since = variant.unhealthy_since or state.time
        patience = timedelta(seconds=state.timings.unhealthy_patience_seconds)
        return state.time - variant.unhealthy_since >= patience

    def _activate(self, state: State) -> None:
        step = self.step
        self._count_new(step.share)
        self._route(state, step.share)
        self.steps_done += 1
        self._enter(state, Stage.BAKING, step.wait_seconds * state.timings.wait_scale)

    def _end_step(self, state: State) -> None:
        if self.rollout.is_rolling or self.steps_done == len(self.rollout.steps):
            self._enter(state, Stage.TERMINATING, state.timings.terminating_seconds)
        else:
            self._enter(state, Stage.ACTIVATING, state.timings.activating_seconds)

    def _terminate_old(self, state: State) -> None:
        if self.steps_done == len(self.rollout.steps):
            self._finish(state)
            return
        for old in self.endpoint.variants.values():
            old.current_instance_count = self._remaining_count(old)
            if old.fleet_id is not None:
                state.hosting.scale(old.fleet_id, old.current_instance_count)
        self._enter(state, Stage.PROVISIONING, state.timings.provisioning_seconds)

    def _finish(self, state: State) -> None:
        endpoint = self.endpoint
        self._terminate(
            state,
            [*endpoint.variants.values(), *endpoint.shadow_variants.values(), *endpoint.stranded_variants],
        )
        for variant in self.new_variants:
            variant.reserved_instance_count = None
        endpoint.config = self.config
        endpoint.variants = {item.name: item for item in self.new_variants if not item.is_shadow}
        endpoint.shadow_variants = {item.name: item for item in self.new_variants if item.is_shadow}
        endpoint.stranded_variants = []
        self._rest(state, EndpointStatus.IN_SERVICE)

    # What ends a deployment early

    def _is_stopped(self, state: State) -> bool:
        """Begin the way back if an alarm or the time limit demands it; tell whether it did."""
        reason = self._why_alarming(state)
        timeout = self.rollout.timeout_seconds
        if reason is not None:
            self.fail(state, reason or None)
            return True
        if timeout is not None and state.time >= self.start_time + timedelta(seconds=timeout):
            self.fail(
                state,
                f"The deployment did not complete within the {timeout} seconds of "
                "MaximumExecutionTimeoutInSeconds.",
            )
            return True
        return False

    def _why_alarming(self, state: State) -> str | None:
        """Return the FailureReason that an alarm causes, "" for one that AWS may leave out, or None."""
        states = {name: _alarm_state(state, self.endpoint, name) for name in self.rollout.alarm_names}
        self.ignored_alarms &= {name for name, seen in states.items() if seen is AlarmState.ALARM}
        missing = [name for name, seen in states.items() if seen is None]
        if missing and state.switches.missing_alarm is MissingAlarm.FAIL:
            return f"The rollback alarm(s) {', '.join(missing)} of the deployment could not be found."
        tripped = [
            name
            for name, seen in states.items()
            if seen is AlarmState.ALARM and name not in self.ignored_alarms
        ]
        if not tripped:
            return None
        match state.switches.alarm_rollback_reason:
            case AlarmRollbackReason.NAMED:
                return f"The deployment was rolled back because of alarm(s) in ALARM: {', '.join(tripped)}."
            case AlarmRollbackReason.UNNAMED:
                return "The deployment was rolled back because at least one of its alarms is in ALARM."
            case AlarmRollbackReason.ABSENT:
                return ""

    # Back

    def _has_lost_instances(self) -> bool:
        return any(
            old.current_instance_count < old.desired_instance_count for old in self.endpoint.variants.values()
        )

    def _leave_new_fleet(self, state: State) -> None:
        self._route(state, _NONE)
        self._terminate(state, self.new_variants)
        self.is_rolled_back = True
        self._enter(state, Stage.ROLLING_BACK, state.timings.rolling_back_seconds)

    def _roll_back(self, state: State) -> None:
        """Bring a batch of the old fleet back, and give it its traffic; rest when all of it is there."""
        if self.rollback_fails:
            self._strand(state)
        elif self.is_rolled_back:
            self._finish_rollback(state)
        elif self._lacks_capacity_for_old():
            self.rollback_fails = True
            self._strand(state)
        else:
            self._bring_back_batch(state)

    def _bring_back_batch(self, state: State) -> None:
        share = _NONE
        for old in self.endpoint.variants.values():
            whole = old.desired_instance_count
            batch = max(1, math.floor(self.rollout.rollback_batch * whole))
            old.current_instance_count = min(whole, old.current_instance_count + batch)
            if old.fleet_id is not None:
                state.hosting.scale(old.fleet_id, old.current_instance_count)
            share = max(share, ALL - Fraction(old.current_instance_count, whole))
        if share == _NONE:
            self._leave_new_fleet(state)
            return
        self._count_new(share)
        self._route(state, share)
        for variant in self.new_variants:
            if variant.fleet_id is not None:
                state.hosting.scale(variant.fleet_id, variant.current_instance_count)
        self._enter(state, Stage.ROLLING_BACK, state.timings.provisioning_seconds)

    def _lacks_capacity_for_old(self) -> bool:
        scope = self.endpoint.scope
        return any(
            instances_in_use(scope, instance_type) > scope.instance_capacity[instance_type]
            for instance_type in instances_by_type(self.endpoint.variants.values())
            if instance_type in scope.instance_capacity
        )

    def _strand(self, state: State) -> None:
        """Leave a mix of old and new behind, as AWS does when the way back fails."""
        stranded = [item for item in self.new_variants if item.fleet_id is not None]
        for variant in stranded:
            variant.reserved_instance_count = variant.current_instance_count
        self.endpoint.stranded_variants += stranded
        self._rest(state, EndpointStatus.UPDATE_ROLLBACK_FAILED)

    def _finish_rollback(self, state: State) -> None:
        # What an earlier rollback left running gets no traffic any more: the old fleet serves alone.
        self._terminate(state, self.endpoint.stranded_variants)
        self.endpoint.stranded_variants = []
        self._rest(state, EndpointStatus.IN_SERVICE)

    # What every direction needs

    def _rest(self, state: State, status: EndpointStatus) -> None:
        self.due = None
        self.endpoint.work = None
        self.endpoint.failure_reason = self.failure_reason
        self.endpoint.enter(state, status)

    def _count_new(self, share: Fraction) -> None:
        """Show as many new instances as traffic is on for, as the documentation's sample does."""
        for variant in self.new_variants:
            variant.current_instance_count = self._share_of(variant, share)

    def _route(self, state: State, share: Fraction) -> None:
        """Give the new fleets a share of the traffic, and the old ones the rest."""
        new = [item for item in self.new_variants if not item.is_shadow]
        for variant in self.new_variants:
            variant.current_weight = variant.desired_weight if share else 0.0
        new_shadows = [item for item in self.new_variants if item.is_shadow]
        old = list(self.endpoint.variants.values())
        old_shadows = self.endpoint.shadow_variants.values()
        new_share = float(share) if old else float(bool(share))
        chosen = [
            *(routes(new, new_share) if new_share else ()),
            *(routes(old, 1 - new_share) if new_share < 1 else ()),
            *(shadow_routes(new_shadows, new, new_share) if new_share else ()),
            *(shadow_routes(old_shadows, old, 1 - new_share) if new_share < 1 else ()),
        ]
        scope = self.endpoint.scope
        state.hosting.route(scope.account_id, scope.region, self.endpoint.name, tuple(chosen))

    def _terminate(self, state: State, variants: Sequence[LiveVariant]) -> None:
        for variant in variants:
            if variant.fleet_id is not None:
                state.hosting.terminate(variant.fleet_id)
                variant.fleet_id = None

    def _enter(self, state: State, stage: Stage, seconds: float) -> None:
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
            events.emit_endpoint_deployment_state_change(state, self.endpoint, self.describe())


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
        deployment.ignored_alarms = set(_alarms_in(state, endpoint, rollout, AlarmState.ALARM))
    endpoint.work = deployment
    endpoint.enter(state, EndpointStatus.CREATING if deployment.is_creation else EndpointStatus.UPDATING)
    deployment.announce(state)
    # The first look at the alarms is at the start.
    deployment.due = state.time if rollout.alarm_names else deployment.due
    state.timers.put(deployment)


def refuse_because_of_alarms(state: State, endpoint: Endpoint, rollout: Rollout) -> None:
    """Refuse an update whose rollback alarms are missing or in ALARM, if the switches say that AWS does.

    Raises:
        ServiceError: They are.
    """
    missing = _alarms_in(state, endpoint, rollout, None)
    if missing and state.switches.missing_alarm is MissingAlarm.REFUSE:
        raise errors.missing_alarms(missing)
    tripped = _alarms_in(state, endpoint, rollout, AlarmState.ALARM)
    if tripped and state.switches.alarm_at_start is AlarmAtStart.REFUSE:
        raise errors.alarms_in_alarm(tripped)


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


def _cannot_fetch(state: State, model: Model, variant_name: str, region: str) -> str | None:
    """Return why a model cannot join its VPC, or its image or data not be fetched, in its role's name."""
    role_arn = model.execution_role_arn or ""
    vpc = model.request.get("VpcConfig")
    if vpc:
        refused = state.execution_roles.refusal_to_join(
            vpc["Subnets"], vpc["SecurityGroupIds"], role_arn=role_arn, region=region
        )
        if refused is not None:
            return f"Failed to create network interfaces in the VPC of the model: {refused}"
    for index, container in enumerate(model.containers, 1):
        if not state.execution_roles.may_pull(container.image, role_arn=role_arn):
            return _not_pulled(state, container.image, variant_name, role_arn)
        url = container.model_data_url
        if url is not None and not state.artifacts.is_readable(url, role_arn=role_arn, region=region):
            return (
                f'Failed to download model data for container "container_{index}" from URL: "{url}". Please '
                "ensure that there is an object located at the URL and that the role passed to CreateModel "
                "has permissions to download the object."
            )
    return None


def _not_pulled(state: State, image: str, variant_name: str, role_arn: str) -> str:
    named = f"The role '{role_arn}' does not have BatchGetImage permission for the image: '{image}'."
    match state.switches.unpulled_image:
        case UnpulledImage.NAMED:
            return named
        case UnpulledImage.NAMED_AFTER_SPACE:
            return f" {named}"
        case UnpulledImage.UNNAMED:
            return (
                "Please make sure all images included in the model for the production variant "
                f"{variant_name} exist, and that the execution role used to create the model has permissions "
                "to access them."
            )


def _alarms_in(state: State, endpoint: Endpoint, rollout: Rollout, sought: AlarmState | None) -> list[str]:
    return [name for name in rollout.alarm_names if _alarm_state(state, endpoint, name) is sought]


def _alarm_state(state: State, endpoint: Endpoint, name: str) -> AlarmState | None:
    """Return an alarm's state as SageMaker sees it in the name of the models' roles; None if it does not."""
    scope = endpoint.scope
    for variant in endpoint.variants.values():
        role_arn = None if variant.model is None else variant.model.execution_role_arn
        if role_arn is not None and not state.execution_roles.may_watch(
            name, role_arn=role_arn, region=scope.region
        ):
            return None
    return state.alarms.state(scope.account_id, scope.region, name)
