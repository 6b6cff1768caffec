"""Decides which of an endpoint's alarms are made, changed or deleted. Pure.

The deployer keeps the alarms of the settings in CloudWatch as long as the endpoint exists. It touches only
alarms that carry the stack's tag. Alarms that a person names in the YAML belong to that person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.contract import ENDPOINT_TAG, STACK_TAG
from deployer.decisions.retries import write_retry_at
from deployer.model.alarm import definition, digest
from deployer.model.steps import DeleteAlarms, PutAlarm
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from deployer.model.alarm import ObservedAlarm
    from deployer.model.history import LastObserved
    from deployer.model.settings import EndpointSettings

SEARCH: Final = "SearchAlarms"
"""What a search for alarms is known by that nobody wants, if CloudWatch denied it."""


@value
class AlarmPlan:
    """What to do about an endpoint's alarms.

    Attributes:
        steps: The changes.
        noted: The journal's note before the changes: alarm name to digest, empty where a change is due. None
            if CloudWatch was not asked.
        unusable: Alarms of the settings that an update cannot rely on. They are not this stack's, or nobody
            knows whether they exist.
        trouble: What a person must do about those.
    """

    steps: tuple[PutAlarm | DeleteAlarms, ...] = ()
    noted: Mapping[str, str] | None = None
    unusable: tuple[str, ...] = ()
    trouble: str | None = None

    @property
    def puts(self) -> tuple[PutAlarm, ...]:
        """The steps that an update needs."""
        return tuple(each for each in self.steps if isinstance(each, PutAlarm))


def wanted_alarms(settings: EndpointSettings) -> dict[str, str]:
    """Return the digests of the settings' alarms by their names."""
    return {each["AlarmName"]: digest(each) for each in settings.alarms}


def are_current(settings: EndpointSettings, last: LastObserved) -> bool:
    """Tell from the journal whether the alarms are as they should be.

    Nobody tells of an alarm that somebody deleted: the daily check finds it. Every update reads the alarms,
    too. So a deleted alarm is missing for a day at most, and never while it is needed. An endpoint without
    alarms has one look, at its first rest: a journal that was lost knows none.
    """
    return last.alarms == wanted_alarms(settings) and last.alarms_seen_at is not None


def searched_again_at(last: LastObserved) -> datetime | None:
    """Return when a search for alarms is repeated that CloudWatch denied; None if it denied none."""
    denied = last.put_off.get(SEARCH)
    return write_retry_at(denied) if denied is not None else None


def are_as_wanted(wanted: Sequence[Mapping[str, Any]], seen: Mapping[str, ObservedAlarm]) -> bool:
    """Tell whether all alarms exist as the settings ask for them, among those that CloudWatch showed.

    Their tags are not read: only somebody who made the very same alarm again would have left them out.
    """
    return all(
        (found := seen.get(each["AlarmName"])) is not None and found.definition == definition(each)
        for each in wanted
    )


def plan_alarms(
    wanted: Sequence[Mapping[str, Any]],
    noted: Mapping[str, str],
    observed: Mapping[str, ObservedAlarm],
    *,
    endpoint_name: str,
    stack_name: str,
) -> AlarmPlan:
    """Return what makes an endpoint's alarms those of its settings.

    Args:
        wanted: The settings' alarms; none for an endpoint that is gone.
        noted: The alarms that the journal knows of.
        observed: Those of both that exist, with their tags.
        endpoint_name: The endpoint.
        stack_name: The tag's value on the stack's alarms.
    """
    tags = [
        {"Key": STACK_TAG, "Value": stack_name},
        {"Key": ENDPOINT_TAG, "Value": endpoint_name},
    ]
    steps: list[PutAlarm | DeleteAlarms] = []
    kept: dict[str, str] = {}
    foreign: list[str] = []
    for request in wanted:
        name, found = request["AlarmName"], observed.get(request["AlarmName"])
        if found is not None and not found.is_of(stack_name):
            foreign.append(name)
            continue
        is_due = found is None or found.definition != definition(request)
        kept[name] = "" if is_due else digest(request)
        if is_due:
            step = PutAlarm({**request, "Tags": tags}, digest(request), exists=found is not None)
            steps.append(step)
    needed = {request["AlarmName"] for request in wanted}
    gone = [name for name in sorted(noted) if name not in needed and name in observed]
    unwanted = [name for name in gone if observed[name].is_of(stack_name)]
    if unwanted:
        kept |= {name: noted[name] for name in unwanted}
        steps.append(DeleteAlarms(tuple(unwanted)))
    return AlarmPlan(
        tuple(steps), kept, tuple(foreign), _describe_foreign(foreign, endpoint_name, stack_name)
    )


def _describe_foreign(foreign: Sequence[str], endpoint_name: str, stack_name: str) -> str | None:
    if not foreign:
        return None
    several = len(foreign) > 1
    return (
        f"The alarm{'s' if several else ''} {', '.join(foreign)} of endpoint {endpoint_name} "
        f"{'are' if several else 'is'} not of stack {stack_name}: the tag {STACK_TAG} is missing, or names "
        "another stack. Nothing is done to them, and nothing is guarded by them. Delete "
        f"{'them' if several else 'it'}, and the next sweep makes {'them' if several else 'it'} again."
    )
