"""A deployment's way forward, one function per stage: launch, health check, traffic, bake, end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from local_cloud.sagemaker.endpoints.deployment_launch import cannot_launch, fleet_spec
from local_cloud.sagemaker.endpoints.deployment_stages import Stage
from local_cloud.sagemaker.endpoints.deployment_traffic import count_new, route, terminate
from local_cloud.sagemaker.endpoints.endpoint_state import (
    EndpointStatus,
)
from local_cloud.sagemaker.endpoints.rollout_plan import ALL
from local_cloud.sagemaker.ports import Health

if TYPE_CHECKING:
    from local_cloud.sagemaker.endpoints.deployments import Deployment
    from local_cloud.sagemaker.endpoints.endpoint_state import LiveVariant
    from local_cloud.sagemaker.state import State


def launch(deployment: Deployment, state: State) -> None:
    """Launch the step's instances, if possible."""
    reason = cannot_launch(deployment, state)
    if reason is not None:
        deployment.fail(state, reason)
        return
    for variant in deployment.new_variants:
        count = deployment.wanted_count(variant)
        if variant.fleet_id is not None:
            state.hosting.scale(variant.fleet_id, count)
            continue
        variant.started = state.time
        if variant.model is not None:
            variant.fleet_id = state.hosting.launch(fleet_spec(deployment, variant, count))
    deployment.batch_start_time = state.time
    deployment.enter(state, Stage.HEALTH_CHECKING, state.timings.health_poll_seconds)


def check_health(deployment: Deployment, state: State) -> None:
    """Continue when every new fleet is healthy; fail if one is not in time."""
    are_healthy = True
    for variant in deployment.new_variants:
        if variant.fleet_id is None:
            continue
        health = state.hosting.health(variant.fleet_id)
        if health is Health.HEALTHY:
            variant.unhealthy_since = None
            continue
        are_healthy = False
        if _is_given_up(deployment, state, variant, health):
            deployment.fail(
                state,
                f"The primary container for production variant {variant.name} did not pass the ping "
                "health check. Please check CloudWatch logs for this endpoint.",
            )
            return
    if not are_healthy:
        deployment.enter(state, Stage.HEALTH_CHECKING, state.timings.health_poll_seconds)
    elif deployment.is_creation:
        count_new(deployment, ALL)
        route(deployment, state, ALL)
        _finish(deployment, state)
    else:
        deployment.enter(state, Stage.ACTIVATING, state.timings.activating_seconds)


def _is_given_up(deployment: Deployment, state: State, variant: LiveVariant, health: Health) -> bool:
    timeout = variant.variant.get(
        "ContainerStartupHealthCheckTimeoutInSeconds", state.timings.health_check_timeout_seconds
    )
    if state.time - deployment.batch_start_time >= timedelta(seconds=timeout):
        return True
    if health is Health.STARTING:
        variant.unhealthy_since = None
        return False
    variant.unhealthy_since = variant.unhealthy_since or state.time
    patience = timedelta(seconds=state.timings.unhealthy_patience_seconds)
    return state.time - variant.unhealthy_since >= patience


def activate(deployment: Deployment, state: State) -> None:
    """Shift the step's traffic."""
    step = deployment.step
    count_new(deployment, step.share)
    route(deployment, state, step.share)
    deployment.steps_done += 1
    deployment.enter(state, Stage.BAKING, step.wait_seconds * state.timings.wait_scale)


def end_step(deployment: Deployment, state: State) -> None:
    """Continue from a bake to the next step, or to the old fleet's end."""
    if deployment.rollout.is_rolling or deployment.steps_done == len(deployment.rollout.steps):
        deployment.enter(state, Stage.TERMINATING, state.timings.terminating_seconds)
    else:
        deployment.enter(state, Stage.ACTIVATING, state.timings.activating_seconds)


def terminate_old(deployment: Deployment, state: State) -> None:
    """End the old instances that the step replaced, or all of them after the last step."""
    if deployment.steps_done == len(deployment.rollout.steps):
        _finish(deployment, state)
        return
    for old in deployment.endpoint.variants.values():
        old.current_instance_count = deployment.remaining_count(old)
        if old.fleet_id is not None:
            state.hosting.scale(old.fleet_id, old.current_instance_count)
    deployment.enter(state, Stage.PROVISIONING, state.timings.provisioning_seconds)


def _finish(deployment: Deployment, state: State) -> None:
    endpoint = deployment.endpoint
    terminate(
        state,
        [*endpoint.variants.values(), *endpoint.shadow_variants.values(), *endpoint.stranded_variants],
    )
    for variant in deployment.new_variants:
        variant.reserved_instance_count = None
    endpoint.config = deployment.config
    endpoint.variants = {item.name: item for item in deployment.new_variants if not item.is_shadow}
    endpoint.shadow_variants = {item.name: item for item in deployment.new_variants if item.is_shadow}
    endpoint.stranded_variants = []
    deployment.rest(state, EndpointStatus.IN_SERVICE)
