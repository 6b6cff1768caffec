"""What must hold of the alarms that the deployer keeps: one class a law, whose docstring is the rule."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.contract import STACK_TAG
from local_cloud.sagemaker.ports import AlarmState
from tests.simulation.laws import Law, alarms_of
from tests.simulation.people import STACK, abort_alarm
from tests.simulation.schedule import ALARM_READ
from tests.simulation.world import DENIED

if TYPE_CHECKING:
    from tests.simulation.alarms import Made
    from tests.simulation.laws import Facts
    from tests.simulation.people import Removal
    from tests.simulation.world import Call, Invocation, World

EFFECT: Final = timedelta(minutes=2)
"""How long an abort may take: an evaluation of CloudWatch, a look of SageMaker, and some seconds."""


class Law22AlarmsAreThere(Law):
    """A guarded endpoint's alarms exist when an update names them, and at rest are those of its settings.

    No update that SageMaker accepts names one of the deployer's alarms that does not exist, or that is
    another's. Left out are an alarm that a person took away after the invocation had looked, and looks that
    were denied or answered late.

    Nothing that does not carry the stack's tag is changed, deleted or set, once any invocation was told of
    its tags. Left out is an alarm that a person made after the invocation had looked, or that CloudWatch
    showed only later. An invocation whose look was denied knows what the journal told it: what one noted that
    was told and over before it began.

    At rest an endpoint in service has exactly the alarms of its settings. An endpoint that is gone has none,
    and neither has one whose settings were removed, unless its journal was lost or restored after that, or
    before, and no look noted the endpoint in between. An alarm that a journal forgot, as it was put back
    since, goes with the weekly look: rest does not wait for that.
    """

    def check_call(self, call: Call) -> None:
        if not call.accepted:
            return
        match call.operation:
            case "UpdateEndpoint":
                self._check_update(call)
            case "SetAlarmState":
                self._check_touched(call, [call.request["AlarmName"]])
            case "PutMetricAlarm":
                self._check_made(call)
            case "DeleteAlarms":
                self._check_touched(call, call.request["AlarmNames"])

    def _check_update(self, call: Call) -> None:
        named = alarms_of(dict(call.request.get("DeploymentConfig", {})))
        alarms = self.world.alarms
        for name in sorted(named):
            made = alarms.made.get(name)
            if made is not None and not made.is_foreign:
                continue
            taken = alarms.deleted_at.get(name)
            looks = _looks(call.invocation)
            if not looks or not (
                looks[-1].stale
                or looks[-1].fault == DENIED
                or _was_denied_tags(call.invocation, since=looks[-1])
                or (taken is not None and taken >= looks[-1].time)
            ):
                raise self.broken(
                    f"{call.request['EndpointName']} is updated under {name}, which is not there"
                )

    def _check_made(self, call: Call) -> None:
        name, tags = call.request["AlarmName"], call.request["Tags"]
        if {"Key": STACK_TAG, "Value": STACK} not in tags:
            raise self.broken(f"{name} is made without the stack's tag")
        self._check_touched(call, [name])

    def _check_touched(self, call: Call, names: list[str]) -> None:
        for name in names:
            made = self.world.alarms.last(name)
            if made is not None and made.is_foreign and self._was_known(call, name):
                raise self.broken(f"{call.operation} by {call.invocation.name} touches {name}, a person's")

    def _was_known(self, call: Call, name: str) -> bool:
        """Tell whether somebody read the tags of a foreign alarm since a person made it."""
        since = self.world.alarms.deleted_at[name]
        reads = [
            each
            for each in self.world.calls
            if each.operation == "ListTagsForResource"
            and each.accepted
            and each.request["ResourceARN"].endswith(f":alarm:{name}")
        ]
        own = [each for each in reads if each.invocation is call.invocation]
        looks = [*_looks(call.invocation), *own]
        if looks and not own and all(each.fault == DENIED for each in looks):
            return any(self._was_journalled(each, call, name) for each in reads if each.time > since)
        # CloudWatch's writes take no condition, and a stale look shows what was there before.
        may_know = not looks or any(each.time > since and not each.stale for each in looks)
        return may_know and any(each.time > since for each in reads)

    def _was_journalled(self, read: Call, call: Call, alarm_name: str) -> bool:
        """Tell whether an invocation found in the journal whose alarm it is, as another one had read it."""
        other, endpoint_name = read.invocation, alarm_name.split(".")[1]
        return (
            not other.faulty
            and other.calls[-1].time < call.invocation.started
            and not self.facts.recovered(endpoint_name, read.time)
        )

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            settings = self.world.people.settings.get(name)
            endpoint = self.world.describe(name)
            if endpoint is not None and endpoint["EndpointStatus"] != "InService":
                continue
            if (
                settings is not None
                and endpoint is not None
                and not self.facts.attempts(name)
                and all("withdrawn" in each for each in self.world.journal(name, "approval#"))
            ):
                # Nothing that the journal knows is approved for it, or ever went out.
                continue
            removals = self.world.people.removals.get(name, [])
            if settings is None and removals and self._was_lost(name, removals[-1]):
                # Nothing knows of the endpoint any more, or whether its alarms were deleted.
                continue
            kept = settings.get("RollbackAlarms", ()) if endpoint is not None and settings is not None else ()
            wanted = {each["AlarmName"]: each for each in kept}
            found = self._of(name)
            more = found.keys() - wanted.keys() if wanted else frozenset()
            forgotten = {each for each in more if self._is_forgotten(name, each)}
            if found.keys() - forgotten != wanted.keys():
                raise self.broken(f"{name} has the alarms {sorted(found)}, not {sorted(wanted)}")
            for alarm_name, request in wanted.items():
                if found[alarm_name].request != request:
                    raise self.broken(f"{alarm_name} is not as the settings have it")

    def _is_forgotten(self, endpoint_name: str, alarm_name: str) -> bool:
        """Tell whether the journal forgot that an alarm was made."""
        made = [
            each.time
            for each in self.world.calls
            if each.operation == "PutMetricAlarm"
            and each.accepted
            and each.request["AlarmName"] == alarm_name
        ]
        return self.facts.is_forgotten(endpoint_name, made[-1])

    def _was_lost(self, endpoint_name: str, removal: Removal) -> bool:
        """Tell whether the journal did not know of an endpoint any more when or after its settings went."""
        is_known = removal.is_noted or not self.facts.recovered(endpoint_name, self.world.start)
        return not is_known or self.facts.recovered(endpoint_name, removal.time)

    def _of(self, endpoint_name: str) -> dict[str, Made]:
        """Return the alarms that the deployer made for an endpoint."""
        return {
            name: made
            for name, made in self.world.alarms.made.items()
            if name.startswith(f"{STACK}.{endpoint_name}.") and not made.is_foreign
        }


class Law23AbortsTakeEffect(Law):
    """A rollout that the deployer aborts does not succeed, unless it is over within two minutes.

    That holds whether CloudWatch keeps a state that was set or takes it back. Left out are aborts by an
    invocation with a failed or denied call, and alarms that a person took away.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._seen: set[int] = set()

    def check_change(self) -> None:
        for rollout in self.facts.rollouts:
            if rollout.ended is None or rollout.call.number in self._seen:
                continue
            self._seen.add(rollout.call.number)
            name = abort_alarm(rollout.endpoint_name)
            if not rollout.succeeded or name not in alarms_of(
                dict(rollout.call.request.get("DeploymentConfig", {}))
            ):
                continue
            taken = self.world.alarms.deleted_at.get(name)
            for call in self.world.calls:
                if (
                    call.operation == "SetAlarmState"
                    and call.accepted
                    and call.request["AlarmName"] == name
                    and call.request["StateValue"] == AlarmState.ALARM
                    and rollout.call.time < call.time < rollout.ended - EFFECT
                    and not call.invocation.faulty
                    and not (taken is not None and taken >= rollout.call.time)
                ):
                    raise self.broken(
                        f"{rollout.endpoint_name} was rolled out though {call.invocation.name} aborted that"
                    )


ALARM_LAWS: Final[tuple[type[Law], ...]] = (Law22AlarmsAreThere, Law23AbortsTakeEffect)


def _looks(invocation: Invocation) -> list[Call]:
    """Return an invocation's calls that show alarms, as far as they were answered."""
    return [each for each in invocation.calls if each.operation == ALARM_READ]


def _was_denied_tags(invocation: Invocation, *, since: Call) -> bool:
    """Tell whether an invocation's look was denied half-way: it saw a list, and not all tags."""
    return any(
        each.operation == "ListTagsForResource" and each.fault == DENIED and each.time >= since.time
        for each in invocation.calls
    )
