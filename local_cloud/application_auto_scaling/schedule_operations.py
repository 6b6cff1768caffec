"""Operations on scheduled actions; no schedule runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_cloud.application_auto_scaling.lookup import (
    arn_of,
    key_of,
    named,
    not_found,
    only,
    page,
    registered,
    targets,
)
from local_cloud.sagemaker.errors import validation
from local_cloud.sagemaker.scaling_registrations import ScheduledAction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.ports import Caller

_SCHEDULE = re.compile(
    r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)|rate\([1-9]\d* (minute|hour|day)s?\)|cron\(\S+( \S+){5}\)"
)


def put_scheduled_action(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Put a scheduled action on a registered variant, or change the one of that name."""
    target = registered(control_plane.scalable_targets, key_of(caller, request))
    name = request["ScheduledActionName"]
    present = target.scheduled_actions.get(name)
    merged = {**(present.request if present else {}), **request}
    _check_scheduled_action(merged)
    target.scheduled_actions[name] = ScheduledAction(
        name=name,
        arn=arn_of(target.key, "scheduledAction", f":scheduledActionName/{name}"),
        creation_time=present.creation_time if present else control_plane.now(),
        request=merged,
    )
    return {}


def describe_scheduled_actions(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe scheduled actions."""
    names = request.get("ScheduledActionNames")
    found = [
        {
            **{
                member: action.request[member]
                for member in ("Schedule", "Timezone", "StartTime", "EndTime", "ScalableTargetAction")
                if member in action.request
            },
            "ScheduledActionName": action.name,
            "ScheduledActionARN": action.arn,
            **named(target.key),
            "CreationTime": action.creation_time,
        }
        for target in targets(control_plane.scalable_targets, caller, request, only(request))
        for action in target.scheduled_actions.values()
        if names is None or action.name in names or action.arn in names
    ]
    return page("ScheduledActions", found, request)


def delete_scheduled_action(
    control_plane: ControlPlane, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Delete a scheduled action."""
    key = key_of(caller, request)
    name = request["ScheduledActionName"]
    target = control_plane.scalable_targets.targets.get(key)
    if target is None or target.scheduled_actions.pop(name, None) is None:
        raise not_found("No scheduled action found", key, f", scheduled action name: {name}")
    return {}


OPERATIONS = {
    "PutScheduledAction": put_scheduled_action,
    "DescribeScheduledActions": describe_scheduled_actions,
    "DeleteScheduledAction": delete_scheduled_action,
}


def _check_scheduled_action(request: Mapping[str, Any]) -> None:
    schedule = request.get("Schedule")
    if schedule is None or _SCHEDULE.fullmatch(schedule) is None:
        raise validation(
            f"Schedule {schedule!r} must be at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(six fields)."
        )
    action = request.get("ScalableTargetAction", {})
    if not action:
        raise validation("ScalableTargetAction must have MinCapacity, MaxCapacity or both.")
    if action.get("MinCapacity", 0) > action.get("MaxCapacity", action.get("MinCapacity", 0)):
        raise validation("MinCapacity of ScalableTargetAction cannot be greater than its MaxCapacity.")
