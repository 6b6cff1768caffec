"""Owns turning the key `rollout` into SageMaker's DeploymentConfig."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.settings.keys.rollout_options import Rollout


def deployment_config(rollout: Rollout, alarm_names: Sequence[str]) -> dict[str, Any]:
    """Turn a rollout into SageMaker's DeploymentConfig, with all its alarms."""
    config: dict[str, Any] = {
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarm_names]}
    }
    size = size_of(rollout)
    limit = {"MaximumExecutionTimeoutInSeconds": rollout.time_limit_seconds}
    if rollout.kind == "rolling":
        back = _capacity(rollout.rollback_size_percent, rollout.rollback_size_instances)
        config["RollingUpdatePolicy"] = _given(
            MaximumBatchSize=size, WaitIntervalInSeconds=rollout.wait, RollbackMaximumBatchSize=back, **limit
        )
        return config
    # SageMaker requires a wait for every kind, and ignores it for ALL_AT_ONCE.
    traffic = _given(
        Type=rollout.kind.upper(),
        WaitIntervalInSeconds=0 if rollout.kind == "all_at_once" else rollout.wait,
        CanarySize=size if rollout.kind == "canary" else None,
        LinearStepSize=size if rollout.kind == "linear" else None,
    )
    config["BlueGreenUpdatePolicy"] = _given(
        TrafficRoutingConfiguration=traffic, TerminationWaitInSeconds=rollout.termination_wait, **limit
    )
    return config


def size_of(rollout: Rollout) -> dict[str, Any] | None:
    """Turn a step's size into a CapacitySize; None if there is no size."""
    return _capacity(rollout.size_percent, rollout.size_instances)


def _capacity(percent: int | None, instances: int | None) -> dict[str, Any] | None:
    if percent is not None:
        return {"Type": "CAPACITY_PERCENT", "Value": percent}
    return None if instances is None else {"Type": "INSTANCE_COUNT", "Value": instances}


def _given(**members: object) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
