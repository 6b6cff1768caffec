"""A deployment's way back: restore the old fleet's instances and traffic, or leave a mix of both."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from local_cloud.sagemaker.endpoints.deployment_stages import Stage
from local_cloud.sagemaker.endpoints.deployment_traffic import count_new, route, terminate
from local_cloud.sagemaker.endpoints.endpoint_state import (
    EndpointStatus,
    instances_by_type,
    instances_in_use,
)
from local_cloud.sagemaker.endpoints.rollout_plan import ALL

if TYPE_CHECKING:
    from local_cloud.sagemaker.endpoints.deployments import Deployment
    from local_cloud.sagemaker.state import State


_NONE = Fraction(0)


def has_lost_instances(deployment: Deployment) -> bool:
    """Tell whether a rolling update has already ended old instances."""
    return any(
        old.current_instance_count < old.desired_instance_count
        for old in deployment.endpoint.variants.values()
    )


def leave_new_fleet(deployment: Deployment, state: State) -> None:
    """Give the old fleet all traffic, and end the new one."""
    route(deployment, state, _NONE)
    terminate(state, deployment.new_variants)
    deployment.is_rolled_back = True
    deployment.enter(state, Stage.ROLLING_BACK, state.timings.rolling_back_seconds)


def roll_back(deployment: Deployment, state: State) -> None:
    """Restore a batch of the old fleet with its traffic; rest when all of it is there."""
    if deployment.rollback_fails:
        _strand(deployment, state)
    elif deployment.is_rolled_back:
        _finish_rollback(deployment, state)
    elif _lacks_capacity_for_old(deployment):
        deployment.rollback_fails = True
        _strand(deployment, state)
    else:
        _bring_back_batch(deployment, state)


def _bring_back_batch(deployment: Deployment, state: State) -> None:
    share = _NONE
    for old in deployment.endpoint.variants.values():
        whole = old.desired_instance_count
        batch = max(1, math.floor(deployment.rollout.rollback_batch * whole))
        old.current_instance_count = min(whole, old.current_instance_count + batch)
        if old.fleet_id is not None:
            state.hosting.scale(old.fleet_id, old.current_instance_count)
        share = max(share, ALL - Fraction(old.current_instance_count, whole))
    if share == _NONE:
        leave_new_fleet(deployment, state)
        return
    count_new(deployment, share)
    route(deployment, state, share)
    for variant in deployment.new_variants:
        if variant.fleet_id is not None:
            state.hosting.scale(variant.fleet_id, variant.current_instance_count)
    deployment.enter(state, Stage.ROLLING_BACK, state.timings.provisioning_seconds)


def _lacks_capacity_for_old(deployment: Deployment) -> bool:
    scope = deployment.endpoint.scope
    return any(
        instances_in_use(scope, instance_type) > scope.instance_capacity[instance_type]
        for instance_type in instances_by_type(deployment.endpoint.variants.values())
        if instance_type in scope.instance_capacity
    )


def _strand(deployment: Deployment, state: State) -> None:
    """Leave a mix of old and new, as AWS does when a rollback fails."""
    stranded = [item for item in deployment.new_variants if item.fleet_id is not None]
    for variant in stranded:
        variant.reserved_instance_count = variant.current_instance_count
    deployment.endpoint.stranded_variants += stranded
    deployment.rest(state, EndpointStatus.UPDATE_ROLLBACK_FAILED)


def _finish_rollback(deployment: Deployment, state: State) -> None:
    # Instances that an earlier rollback left get no more traffic: only the old fleet serves.
    terminate(state, deployment.endpoint.stranded_variants)
    deployment.endpoint.stranded_variants = []
    deployment.rest(state, EndpointStatus.IN_SERVICE)
