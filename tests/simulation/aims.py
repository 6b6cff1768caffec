"""Schedules that are aimed: each leads to one pair of the coverage, so that rare ones are not left to chance.

Owns what leads where: to each call, to each event, and an endpoint into each status. It runs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random
from typing import Final, TypeAlias

from tests.simulation import coverage
from tests.simulation.schedule import (
    ALARM_LASTS,
    BAKE_EVENT,
    CHOICES,
    DELAYS,
    DENIED_FOR,
    EVENTS,
    GAPS,
    MEANWHILE,
    REGISTRY_WRITE,
    STAGE_EVENTS,
    STAGE_MEANWHILE,
    STATUSES,
    TELLING,
    VARIANT_CALL,
    Companions,
    Denial,
    Disturbance,
    EventFault,
    EventFaultKind,
    Fault,
    FaultKind,
    Gap,
    Kind,
    RolloutEnd,
    RolloutKind,
    RolloutStart,
    Schedule,
    Stages,
    draw,
)
from tests.simulation.world import DENIED, GAP, PARTS_PUT

Aim: TypeAlias = tuple[str, str]
"""A pair of what there is to hit and what hits it, as `coverage` names both."""

AIMS: Final[tuple[Aim, ...]] = tuple(
    pair for pair in coverage.everywhere() if coverage.impossible(*pair) is None
)
"""Every pair that there is in every world."""

STAGE_AIMS: Final[tuple[Aim, ...]] = tuple(
    pair for pair in coverage.in_stages() if coverage.impossible(*pair) is None
)
"""Every pair that there is only where versions pass through stages."""

AIMS_APART: Final[tuple[Aim, ...]] = tuple(
    pair for pair in coverage.apart() if coverage.impossible(*pair) is None
)
"""Every pair that is aimed at apart from the others."""

_ROLLOUT: Final = (
    Disturbance(Kind.REGISTER_APPROVED),
    Disturbance(Kind.SWEEP, when="Updating"),
    Disturbance(Kind.SWEEP, when="InService"),
    Disturbance(Kind.SWEEP, wait=8),
)
_DEPLOYED: Final = Schedule(head_start=1)
_UPDATED: Final = Schedule(head_start=1, disturbances=_ROLLOUT)
_CLEANED_UP: Final = Schedule(head_start=2, keep=0, disturbances=_ROLLOUT)
_LOOKED_AT: Final = Schedule(
    head_start=1, disturbances=(Disturbance(Kind.SYSTEM_UPDATE), Disturbance(Kind.SWEEP, wait=6))
)
_APPROVED: Final = Schedule(
    head_start=1,
    disturbances=(
        Disturbance(Kind.REGISTER, wait=8),
        Disturbance(Kind.APPROVE_NEWEST, wait=6),
        Disturbance(Kind.SWEEP, wait=5),
    ),
)
_CONFIGURED: Final = Schedule(
    head_start=1,
    disturbances=(Disturbance(Kind.CHANGE_SETTINGS, how=4), Disturbance(Kind.SWEEP, wait=8)),
)
_REMOVED: Final = Schedule(
    head_start=1,
    disturbances=(
        Disturbance(Kind.SWEEP, wait=8),
        Disturbance(Kind.REMOVE_SETTINGS, wait=10),
        Disturbance(Kind.SWEEP, wait=8),
        Disturbance(Kind.SWEEP, wait=11),
    ),
)
_UNTAGGED: Final = Schedule(
    head_start=1,
    disturbances=(Disturbance(Kind.CHANGE_SETTINGS, how=6), Disturbance(Kind.SWEEP, wait=8)),
)
_CREATED: Final = Schedule(
    disturbances=(Disturbance(Kind.APPROVE), Disturbance(Kind.SWEEP, when="Creating"), *_ROLLOUT[2:])
)
_CREATED_ANEW: Final = Schedule(
    disturbances=(
        Disturbance(Kind.REGISTER_BROKEN_APPROVED),
        Disturbance(Kind.REGISTER_APPROVED, when="Failed"),
        Disturbance(Kind.SWEEP, wait=8),
    )
)
_IN_PARTS: Final = Schedule(
    endpoints=2,
    part_size=1,
    head_start=1,
    disturbances=(Disturbance(Kind.SWEEP), Disturbance(Kind.SWEEP, wait=8)),
)

_BROKEN: Final = replace(_DEPLOYED, disturbances=(Disturbance(Kind.REGISTER_BROKEN_APPROVED), *_ROLLOUT[1:]))
_GUARDED: Final = replace(_UPDATED, rollout=RolloutKind.CANARY)
_TESTED: Final = replace(_UPDATED, smoke_test=True)
_SCALED: Final = replace(_CREATED, scaling=True)
_WITHOUT_ALARM: Final = replace(
    _GUARDED, disturbances=(Disturbance(Kind.DELETE_ALARM, how=1), *_GUARDED.disturbances)
)
_UNWATCHED: Final = replace(
    _GUARDED,
    disturbances=(Disturbance(Kind.CHANGE_SETTINGS, wait=11, how=6), Disturbance(Kind.SWEEP, wait=11)),
)
_SCALED_OTHERWISE: Final = Schedule(
    head_start=1,
    scaling=True,
    disturbances=(Disturbance(Kind.CHANGE_SETTINGS, how=1), *_ROLLOUT[1:]),
)
_RESIZED: Final = replace(
    _SCALED_OTHERWISE, disturbances=(Disturbance(Kind.CHANGE_SETTINGS, how=5), *_ROLLOUT[1:])
)

_SET_LATER: Final = Schedule(
    head_start=2,
    companions=Companions.PINNED,
    disturbances=(Disturbance(Kind.CHANGE_SETTINGS, how=8), *_ROLLOUT[1:]),
)

_REJECTED: Final = Schedule(
    head_start=2, disturbances=(Disturbance(Kind.REJECT_LIVE), Disturbance(Kind.SWEEP, wait=10))
)
_TAKEN_BACK: Final = Schedule(
    head_start=2,
    disturbances=(Disturbance(Kind.RETURN_TO_PENDING, which=1), Disturbance(Kind.SWEEP, wait=10)),
)

_PROMOTED: Final = Schedule(
    stages=Stages.PENDING,
    soak=1,
    disturbances=(Disturbance(Kind.APPROVE), *(Disturbance(Kind.SWEEP, wait=11),) * 2),
)

_TO_A_CALL: Final[dict[str, Schedule]] = {
    "AddTags": _CONFIGURED,
    "CreateEndpoint": _CREATED,
    "CreateEndpointConfig": _UPDATED,
    "CreateModel": _UPDATED,
    "DeleteEndpoint": _CREATED_ANEW,
    "DeleteEndpointConfig": _CLEANED_UP,
    "DeleteModel": _CLEANED_UP,
    "DeleteTags": _UNTAGGED,
    "DescribeEndpoint": _LOOKED_AT,
    "DescribeEndpointConfig": _UPDATED,
    "DescribeModel": _CLEANED_UP,
    "DescribeModelPackage": _UPDATED,
    "ListEndpoints": _LOOKED_AT,
    "Search": _LOOKED_AT,
    "ListModelPackages": _LOOKED_AT,
    "ListTags": _CLEANED_UP,
    "UpdateEndpoint": _UPDATED,
    VARIANT_CALL: _SET_LATER,
    REGISTRY_WRITE: _PROMOTED,
    "ListObjectsV2": _PROMOTED,
    "DeleteScalingPolicy": _SCALED_OTHERWISE,
    "DeleteScheduledAction": _SCALED_OTHERWISE,
    "DeregisterScalableTarget": _RESIZED,
    "PutScalingPolicy": _SCALED,
    "PutScheduledAction": _SCALED,
    "RegisterScalableTarget": _SCALED,
    "DescribeAlarms": _GUARDED,
    "SetAlarmState": _GUARDED,
    "ListTagsForResource": _GUARDED,
    "PutMetricAlarm": _WITHOUT_ALARM,
    "PutMetricData": _GUARDED,
    "DeleteAlarms": _UNWATCHED,
    "InvokeEndpoint": _TESTED,
    "GetObject": _TESTED,
    "DescribeLogStreams": _BROKEN,
    "GetLogEvents": _BROKEN,
    "PutItem": _UPDATED,
    "Query": _LOOKED_AT,
    "UpdateItem": _UPDATED,
    "DeleteItem": _REMOVED,
    "PutEvents": _UPDATED,
    PARTS_PUT: _IN_PARTS,
}
"""Schedules in which the deployer makes a call."""

_OF_THE_REGISTRY: Final = frozenset({"DescribeModelPackage", "ListModelPackages"})
"""Reads that are stale only after a version changed."""

_PASSED_ON: Final = replace(
    _PROMOTED,
    disturbances=(*_PROMOTED.disturbances, Disturbance(Kind.PASS_ON_LIVE), Disturbance(Kind.SWEEP, wait=11)),
)
_TAKEN_OUT: Final = replace(
    _PASSED_ON,
    disturbances=(
        *_PASSED_ON.disturbances,
        Disturbance(Kind.TAKE_BACK_LIVE, how=2),
        Disturbance(Kind.SWEEP, wait=11),
    ),
)

_TO_AN_EVENT: Final = dict(
    zip(
        (*EVENTS, BAKE_EVENT, *STAGE_EVENTS),
        (
            *(_UPDATED, _REJECTED, _TAKEN_BACK, _LOOKED_AT, _CONFIGURED, _IN_PARTS),
            replace(_TESTED, rollout=RolloutKind.ALL_AT_ONCE),
            *(_PASSED_ON, _PROMOTED, _TAKEN_OUT),
        ),
        strict=True,
    )
)
"""Schedules in which an event is delivered."""

_TO_A_STATUS: Final[dict[str, Schedule]] = {
    "absent": Schedule(),
    "Creating": Schedule(disturbances=(Disturbance(Kind.APPROVE),)),
    "InService": _DEPLOYED,
    "Updating": replace(_DEPLOYED, disturbances=_ROLLOUT[:1]),
    "SystemUpdating": replace(_DEPLOYED, disturbances=(Disturbance(Kind.SYSTEM_UPDATE),)),
    "RollingBack": replace(
        # A failed rollout says Updating until it is over; a failed rescaling says that it goes back.
        _DEPLOYED,
        disturbances=(Disturbance(Kind.RESCALE, how=1), Disturbance(Kind.FAIL_SERVICE, when="Updating")),
    ),
    "Failed": Schedule(disturbances=(Disturbance(Kind.REGISTER_BROKEN_APPROVED),)),
    "Deleting": replace(_DEPLOYED, disturbances=(Disturbance(Kind.DELETE_ENDPOINT),)),
    "OutOfService": replace(_DEPLOYED, disturbances=(Disturbance(Kind.OUT_OF_SERVICE),)),
    "UpdateRollbackFailed": replace(
        _DEPLOYED, disturbances=(*_ROLLOUT[:1], Disturbance(Kind.FAIL_ROLLBACK, when="Updating"))
    ),
}
"""Schedules in which the first endpoint comes into a status."""


_TO_A_START: Final[dict[RolloutStart, Schedule]] = {
    RolloutStart.ONE_INSTANCE: replace(
        _DEPLOYED,
        instances=1,
        disturbances=(
            Disturbance(Kind.RESCALE),
            Disturbance(Kind.SWEEP, when="Updating"),
            Disturbance(Kind.REGISTER_APPROVED, when="InService"),
        ),
    ),
    RolloutStart.ALARM_ON: replace(_DEPLOYED, disturbances=(Disturbance(Kind.RAISE_ALARM), *_ROLLOUT)),
}
"""Schedules in which an update is asked for while something is in its way."""

_ABORTED_LATER: Final = (
    Disturbance(Kind.REGISTER_APPROVED),
    Disturbance(Kind.REJECT, which=1, when="Updating"),
    Disturbance(Kind.SWEEP, when="InService"),
)

_TO_AN_END: Final[dict[RolloutEnd, Schedule]] = {
    RolloutEnd.SUCCEEDED: _UPDATED,
    RolloutEnd.ABORTED: replace(_DEPLOYED, disturbances=_ABORTED_LATER),
    RolloutEnd.ALARMED: replace(
        _DEPLOYED, disturbances=(Disturbance(Kind.REGISTER_ALARMING_APPROVED), *_ROLLOUT[1:])
    ),
    RolloutEnd.FAILED: _BROKEN,
}
"""Schedules in which the rollout of an update ends so, if it has alarms where that takes any."""


def lead(aim: Aim, random: Random) -> Schedule:
    """Return a schedule that leads to a pair, and does little else."""
    what, how = aim
    if what == TELLING or what in _TO_A_CALL:
        schedule = _UPDATED if what == TELLING else _TO_A_CALL[what]
        if how == DENIED:
            denial = Denial(what, lasts=random.randrange(len(DENIED_FOR)), elsewhere=random.random() < 0.5)
            return replace(schedule, denials=(denial,))
        if how == GAP:
            return replace(schedule, gaps=(Gap(what, times=2, lacks=random.randrange(len(GAPS))),))
        if how == FaultKind.STALE and what in _OF_THE_REGISTRY:
            schedule = _APPROVED
        return replace(schedule, faults=(_fault(what, how, random),))
    event, status = what.removeprefix("event "), what.removeprefix("endpoint ")
    if event in _TO_AN_EVENT:
        # Every stage hears the registry's two pieces of news in order.
        nth = random.randrange(2) if event in STAGE_EVENTS else 0
        fault = EventFault(event, nth, EventFaultKind(how), random.randrange(len(DELAYS)))
        return replace(_TO_AN_EVENT[event], event_faults=(fault,))
    if what.startswith("begin "):
        kind = RolloutKind(what.removeprefix("begin "))
        return replace(_TO_A_START[RolloutStart(how)], rollout=kind, alarm_lasts=3)
    if what.startswith("rollout "):
        kind = RolloutKind(what.removeprefix("rollout "))
        lasts, more = random.randrange(len(ALARM_LASTS)), random.randrange(3)
        return replace(_TO_AN_END[RolloutEnd(how)], rollout=kind, alarm_lasts=lasts, instances=more)
    schedule = _TO_A_STATUS[status]
    choices = {"which": random.randrange(CHOICES), "how": random.randrange(CHOICES)}
    if aim in STAGE_AIMS:
        # The schedule alone decides the first endpoint's status, independent of draws.
        choices["which"] = 0
        schedule = replace(schedule, stages=Stages.PENDING)
    done = Disturbance(Kind(how), when=status, **choices)
    return replace(schedule, disturbances=(*schedule.disturbances, done))


def _fault(call: str, how: str, random: Random) -> Fault:
    operation = "PutEvents" if call == PARTS_PUT else call
    kind, _, meanwhile = how.partition(" ") if how.startswith(FaultKind.MEANWHILE) else (how, "", "")
    if kind == FaultKind.MEANWHILE:
        happens = Disturbance(
            Kind(meanwhile)
            if meanwhile
            else random.choice(STAGE_MEANWHILE if call == REGISTRY_WRITE else MEANWHILE),
            which=random.randrange(CHOICES),
            how=random.randrange(CHOICES),
        )
        return Fault(operation, 0, FaultKind.MEANWHILE, meanwhile=happens)
    # An attempt has two notifications: its beginning and its end. A stage first stamps a version, then passes
    # it on.
    nth = random.randrange(2) if call in {TELLING, "PutEvents", REGISTRY_WRITE} else 0
    times = 4 if kind == FaultKind.STALE else random.choice((1, 1, 2, 3, 4))
    return Fault(operation, nth, FaultKind(kind), times, random.randrange(len(DELAYS)))


def aimed(aim: Aim, random: Random) -> Schedule:
    """Draw a schedule that leads to a pair, with a few other things going wrong on the way and after it."""
    drawn, schedule = draw(random), lead(aim, random)
    return replace(
        schedule,
        seed=drawn.seed,
        skew=drawn.skew,
        switches=drawn.switches,
        config_visible_seconds=drawn.config_visible_seconds,
        disturbances=(*schedule.disturbances, *drawn.disturbances[: random.choice((0, 0, 2, 4))]),
        # The last one counts of several faults of one call.
        faults=(*drawn.faults[: random.choice((0, 0, 1, 2))], *schedule.faults),
        event_faults=(*drawn.event_faults[: random.choice((0, 0, 1))], *schedule.event_faults),
    )


def aim_of(seed: str, number: int, *, aims: tuple[Aim, ...] = AIMS) -> Aim:
    """Return one of a series of aims; any `len(aims)` in a row are all of them."""
    order = _order(seed, aims)
    return order[number % len(order)]


@cache
def _order(seed: str, aims: tuple[Aim, ...]) -> tuple[Aim, ...]:
    # Equal seeds must give equal series; nothing here is a secret.
    return tuple(Random(f"{seed}/aims").sample(aims, len(aims)))  # noqa: S311


assert _TO_A_STATUS.keys() == set(STATUSES)
assert _TO_A_CALL.keys() == set(coverage.CALLS)
