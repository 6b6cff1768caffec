"""An endpoint's transitions except deployments: rescaling, maintenance and deletion.

Owns these three as explicit states. Each is the endpoint's `work` until it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import events, resource_tags
from local_cloud.sagemaker.endpoints.deployment_launch import INSUFFICIENT_CAPACITY
from local_cloud.sagemaker.endpoints.endpoint_state import (
    Endpoint,
    EndpointStatus,
    LiveVariant,
    instances_in_use,
    traffic,
)
from local_cloud.sagemaker.endpoints.rollout_plan import has_guardrails

if TYPE_CHECKING:
    from local_cloud.sagemaker.state import State

_NONE: tuple[LiveVariant, ...] = ()


@dataclass(slots=True, eq=False)
class Rescaling:
    """A change of weights and capacities; the variants' desired values are the goal."""

    endpoint: Endpoint
    due: datetime | None
    start_time: datetime
    new_variants: tuple[LiveVariant, ...] = _NONE
    failure_reason: str | None = None

    def advance(self, state: State) -> None:
        """Apply the desired values, or fail and roll back."""
        if self.failure_reason is None:
            if self._lacks_capacity():
                self.fail(state, INSUFFICIENT_CAPACITY)
                return
            for variant in self.endpoint.variants.values():
                variant.current_weight = variant.desired_weight
                if variant.desired_serverless_config is not None:
                    serverless_config = variant.desired_serverless_config
                    variant.variant = {**variant.variant, "ServerlessConfig": serverless_config}
                    variant.desired_serverless_config = None
                if variant.current_instance_count != variant.desired_instance_count:
                    variant.current_instance_count = variant.desired_instance_count
                    if variant.fleet_id is not None:
                        state.hosting.scale(variant.fleet_id, variant.desired_instance_count)
            scope = self.endpoint.scope
            state.hosting.route(scope.account_id, scope.region, self.endpoint.name, traffic(self.endpoint))
        self.due = None
        self.endpoint.work = None
        self.endpoint.failure_reason = self.failure_reason
        self.endpoint.enter(state, EndpointStatus.IN_SERVICE)

    def announce(self, state: State) -> None:
        """Emit the deployment state change for a change of capacity; a change of weights has none."""
        statuses = {
            name: status
            for name, variant in self.endpoint.variants.items()
            if (status := self.status_of(variant)) is not None
        }
        if statuses and has_guardrails(self.endpoint.variants.values()):
            events.emit_endpoint_deployment_state_change(state, self.endpoint, None, statuses)

    def status_of(self, variant: LiveVariant) -> dict[str, Any] | None:
        """Return a variant's status in the deployment state change event's words; None if it rests."""
        wanted, present = variant.desired_instance_count, variant.current_instance_count
        if wanted == present:
            return None
        # "Scaling out" is documented; scaling in is by analogy.
        direction = "out" if wanted > present else "in"
        message = f"Scaling {direction} desired instance count to {wanted}."
        return {"Status": "Updating", "StatusMessage": message, "StartTime": self.start_time}

    def fail(self, state: State, reason: str) -> None:
        """Give up the desired values; the endpoint is RollingBack for a while, then InService as before."""
        self.failure_reason = reason
        for variant in self.endpoint.variants.values():
            variant.desired_weight = variant.current_weight
            variant.desired_serverless_config = None
            variant.desired_instance_count = variant.current_instance_count
        self.due = state.time + timedelta(seconds=state.timings.rolling_back_seconds)
        state.timers.put(self)
        self.endpoint.enter(state, EndpointStatus.ROLLING_BACK)

    def _lacks_capacity(self) -> bool:
        scope = self.endpoint.scope
        return any(
            variant.desired_instance_count > variant.current_instance_count
            and variant.instance_type in scope.instance_capacity
            and instances_in_use(scope, variant.instance_type)
            > scope.instance_capacity[variant.instance_type]
            for variant in self.endpoint.variants.values()
        )


@dataclass(slots=True, eq=False)
class SystemUpdate:
    """Maintenance, which AWS starts by itself: the endpoint serves, and nobody can change it."""

    endpoint: Endpoint
    due: datetime | None
    new_variants: tuple[LiveVariant, ...] = _NONE

    def advance(self, state: State) -> None:
        """End the maintenance; an earlier FailureReason stays."""
        self.due = None
        self.endpoint.work = None
        self.endpoint.enter(state, EndpointStatus.IN_SERVICE)

    def fail(self, state: State, reason: str) -> None:
        """End a failed maintenance: the endpoint serves as before, with a FailureReason."""
        self.endpoint.failure_reason = reason
        self.advance(state)


@dataclass(slots=True, eq=False)
class Deletion:
    """A deletion: the endpoint no longer serves, but its name is still taken."""

    endpoint: Endpoint
    due: datetime | None
    new_variants: tuple[LiveVariant, ...] = _NONE

    def advance(self, state: State) -> None:
        """Free everything, including the name."""
        self.due = None
        for variant in self.endpoint.running_variants():
            if variant.fleet_id is not None:
                state.hosting.terminate(variant.fleet_id)
                variant.fleet_id = None
        scope = self.endpoint.scope
        del scope.endpoints[self.endpoint.name.lower()]
        resource_tags.forget(scope, self.endpoint.arn)
