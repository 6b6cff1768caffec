"""Decides how an update treats rollback alarms that are on before it begins. Pure.

Whether SageMaker rolls back an update that begins under such an alarm is not documented. If it does, a good
version would fail for a bad one's alarm, or could never replace the version that raises it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from deployer.decisions.endpoint_changes import Answer, changes_between, refused, unguardable
from deployer.decisions.plan import CannotChange, WaitForAlarms
from deployer.model.attempt import Action, AttemptStatus, Deployment
from deployer.model.steps import ClearAbortAlarm, UpdateEndpoint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from deployer.decisions.plan import Deploy
    from deployer.model.endpoint import Endpoint
    from deployer.model.endpoint_config import Shape
    from deployer.model.history import History

SETTLING: Final = timedelta(minutes=15)
"""How long an alarm may stay on after the rollout that raised it was rolled back. Longer than most alarms
look back; an alarm that is still on then has another cause."""


ABORT_ENDS: Final = timedelta(minutes=5)
"""How long CloudWatch may take to see that an abort is over. Until then, the abort alarm may go on again.
That is not documented: five minutes are assumed."""


def rollback_alarms(deploy: Deploy) -> tuple[str, ...]:
    """Return the names of the alarms that would stop an update; none for any other change."""
    change = deploy.change
    return change.alarm_names if isinstance(change, UpdateEndpoint) else ()


def guard_after_abort(
    deploy: Deploy,
    history: History,
    endpoint: Endpoint,
    *,
    abort_alarm_name: str | None,
    now: datetime,
) -> Deploy | WaitForAlarms:
    """Return what to do about the abort alarm shortly after an abort: CloudWatch may not have seen its end.

    The update waits for that, whatever CloudWatch shows, and also if another version went back at once since.
    If the rollout ended before the abort took effect, a version serves that may not. Then the update goes out
    at once, without that alarm.

    Args:
        deploy: An update.
        history: The endpoint's.
        endpoint: The endpoint at rest.
        abort_alarm_name: The abort alarm; None if there is none.
        now: The time.
    """
    aborted = next((each for each in history.deployments if each.abort_asked_at is not None), None)
    settled_at = aborted.settled_at if aborted is not None else None
    ends = (settled_at, history.last_observed.abort_ended_at)
    ended_at = max((each for each in ends if each is not None), default=None)
    if ended_at is None or abort_alarm_name not in rollback_alarms(deploy):
        return deploy
    over_at = ended_at + ABORT_ENDS
    if now >= over_at:
        return deploy
    if aborted is not None and endpoint.endpoint_config_name == aborted.endpoint_config_name:
        return without(deploy, (abort_alarm_name,))
    return WaitForAlarms((abort_alarm_name,), over_at)


def guard_with_alarms(
    deploy: Deploy,
    alarms_on: Collection[str],
    deployments: Iterable[Deployment],
    endpoint: Endpoint,
    *,
    now: datetime,
) -> Deploy | WaitForAlarms:
    """Return what to do about rollback alarms that are on: wait for them, or update without them.

    An alarm that a rollout raised ends soon after the rollback, so the update waits for it. Any other alarm
    comes from the version that serves, or from a cause outside all versions. The update may be the cure, so
    it goes out, guarded by the alarms that are off.

    Args:
        deploy: An update.
        alarms_on: The rollback alarms that are on, without the abort alarm: the deployer clears that one.
        deployments: Those of the endpoint, newest first.
        endpoint: The endpoint at rest.
        now: The time.
    """
    change = deploy.change
    assert isinstance(change, UpdateEndpoint)
    on = tuple(name for name in change.alarm_names if name in alarms_on)
    if not on:
        return deploy
    rolled_back_at = _rolled_back_at(deployments, endpoint)
    if rolled_back_at is not None and now < rolled_back_at + SETTLING:
        return WaitForAlarms(on, rolled_back_at + SETTLING)
    return replace(deploy, change=without_alarms(change, on))


def guard_change(
    deploy: Deploy, serving: Shape, wanted: Shape, *, refused_before: bool
) -> Deploy | CannotChange:
    """Return what to do about a change that SageMaker refuses, or refuses with guardrails.

    Args:
        deploy: An update.
        serving: What the endpoint is.
        wanted: What it is to be.
        refused_before: Whether SageMaker refused the same change already.
    """
    change = deploy.change
    assert isinstance(change, UpdateEndpoint)
    rows = changes_between(serving, wanted, guarded="DeploymentConfig" in change.request)
    unknown = [each for each in rows if each.answer is Answer.UNKNOWN]
    if (row := refused(rows)) is not None:
        return CannotChange(row.name)
    if refused_before and unknown:
        return CannotChange(unknown[0].name)
    if (row := unguardable(rows)) is not None:
        request = {key: value for key, value in change.request.items() if key != "DeploymentConfig"}
        change = replace(change, request=request, unguarded=row.name)
        unknown = [each for each in unknown if each in changes_between(serving, wanted, guarded=False)]
    return replace(deploy, change=replace(change, unknown_changes=tuple(each.name for each in unknown)))


def with_alarms_unread(deploy: Deploy) -> Deploy:
    """Return an update that goes out although the states of its rollback alarms could not be read.

    The alarms still guard it. If one of them ends it, the cause may be older than the version.
    """
    change = deploy.change
    assert isinstance(change, UpdateEndpoint)
    return replace(deploy, change=replace(change, alarms_unread=True))


def without_alarms(update: UpdateEndpoint, alarm_names: Collection[str]) -> UpdateEndpoint:
    """Return an update without these rollback alarms."""
    left_out = tuple(name for name in update.alarm_names if name in alarm_names)
    if not left_out:
        return update
    return replace(
        update,
        request=_without(update.request, left_out),
        alarms_left_out=(*update.alarms_left_out, *left_out),
    )


def without(deploy: Deploy, alarm_names: Collection[str]) -> Deploy:
    """Return a deployment whose update does without these rollback alarms, and touches none of them."""
    change = deploy.change
    if not alarm_names or not isinstance(change, UpdateEndpoint):
        return deploy
    guards = tuple(
        each
        for each in deploy.guards
        if not (isinstance(each, ClearAbortAlarm) and each.alarm_name in alarm_names)
    )
    return replace(deploy, change=without_alarms(change, alarm_names), guards=guards)


def _rolled_back_at(deployments: Iterable[Deployment], endpoint: Endpoint) -> datetime | None:
    """Return when the last rollout was rolled back, as far as the journal and the endpoint show."""
    if endpoint.status != "InService":
        # A failed rollback leaves instances of the new version, so the alarm does not end by itself.
        return None
    for attempt in deployments:
        serves = attempt.endpoint_config_name == endpoint.endpoint_config_name
        if attempt.status is AttemptStatus.SUCCEEDED or serves:
            return None
        if attempt.accepted_at is not None:
            return attempt.settled_at
        # The journal does not say that it was accepted. If it was accepted and rolled back, the endpoint has
        # changed since.
        touched = endpoint.last_modified_time != attempt.endpoint_last_modified_time
        if touched and attempt.action is Action.UPDATE_ENDPOINT:
            return endpoint.last_modified_time
    return None


def _without(request: Mapping[str, Any], alarm_names: Collection[str]) -> dict[str, Any]:
    """Return a request without some of its rollback alarms, and without members that are empty then."""
    config = dict(request["DeploymentConfig"])
    alarms = config.pop("AutoRollbackConfiguration")["Alarms"]
    if left := [alarm for alarm in alarms if alarm["AlarmName"] not in alarm_names]:
        config["AutoRollbackConfiguration"] = {"Alarms": left}
    others = {key: value for key, value in request.items() if key != "DeploymentConfig"}
    return {**others, "DeploymentConfig": config} if config else others
