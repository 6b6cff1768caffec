"""Rollback alarms and the time limit: they end a deployment early, or refuse it at the call."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from local_cloud.sagemaker import errors
from local_cloud.sagemaker.ports import AlarmState
from local_cloud.sagemaker.switch_settings import (
    AlarmAtStart,
    AlarmRollbackReason,
    MissingAlarm,
)

if TYPE_CHECKING:
    from local_cloud.sagemaker.endpoints.deployments import Deployment
    from local_cloud.sagemaker.endpoints.endpoint_state import Endpoint
    from local_cloud.sagemaker.endpoints.rollout_plan import Rollout
    from local_cloud.sagemaker.state import State


def is_stopped(deployment: Deployment, state: State) -> bool:
    """Start a rollback if an alarm or the time limit requires it; return whether it did."""
    reason = _why_alarming(deployment, state)
    timeout = deployment.rollout.timeout_seconds
    if reason is not None:
        deployment.fail(state, reason or None)
        return True
    if timeout is not None and state.time >= deployment.start_time + timedelta(seconds=timeout):
        deployment.fail(
            state,
            f"The deployment did not complete within the {timeout} seconds of "
            "MaximumExecutionTimeoutInSeconds.",
        )
        return True
    return False


def _why_alarming(deployment: Deployment, state: State) -> str | None:
    """Return the FailureReason for an alarm, "" for one that AWS may leave out, or None."""
    states = {name: _alarm_state(state, deployment.endpoint, name) for name in deployment.rollout.alarm_names}
    deployment.ignored_alarms &= {name for name, seen in states.items() if seen is AlarmState.ALARM}
    missing = [name for name, seen in states.items() if seen is None]
    if missing and state.switches.missing_alarm is MissingAlarm.FAIL:
        return f"The rollback alarm(s) {', '.join(missing)} of the deployment could not be found."
    tripped = [
        name
        for name, seen in states.items()
        if seen is AlarmState.ALARM and name not in deployment.ignored_alarms
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


def refuse_because_of_alarms(state: State, endpoint: Endpoint, rollout: Rollout) -> None:
    """Refuse an update whose rollback alarms are missing or in ALARM, if the switches say so.

    Raises:
        ServiceError: They are.
    """
    missing = alarms_in(state, endpoint, rollout, None)
    if missing and state.switches.missing_alarm is MissingAlarm.REFUSE:
        raise errors.missing_alarms(missing)
    tripped = alarms_in(state, endpoint, rollout, AlarmState.ALARM)
    if tripped and state.switches.alarm_at_start is AlarmAtStart.REFUSE:
        raise errors.alarms_in_alarm(tripped)


def alarms_in(state: State, endpoint: Endpoint, rollout: Rollout, sought: AlarmState | None) -> list[str]:
    """Return the rollback alarms in a state; None selects missing alarms."""
    return [name for name in rollout.alarm_names if _alarm_state(state, endpoint, name) is sought]


def _alarm_state(state: State, endpoint: Endpoint, name: str) -> AlarmState | None:
    """Return an alarm's state as the models' roles see it; None if one may not see it."""
    scope = endpoint.scope
    for variant in endpoint.variants.values():
        role_arn = None if variant.model is None else variant.model.execution_role_arn
        if role_arn is not None and not state.execution_roles.may_watch(
            name, role_arn=role_arn, region=scope.region
        ):
            return None
    return state.alarms.state(scope.account_id, scope.region, name)
