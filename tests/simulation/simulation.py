"""Runs one schedule from its first second to its judgement."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.contract import FLEET
from deployer.decisions.sweep import last_check_due
from deployer.gateways.fleet import CHECKS
from tests.simulation.alarm_laws import ALARM_LAWS
from tests.simulation.back_laws import BACK_LAWS
from tests.simulation.bake_laws import BAKE_LAWS
from tests.simulation.before_laws import BEFORE_LAWS
from tests.simulation.cause_laws import CAUSE_LAWS, DELAY_MINUTES
from tests.simulation.counting import counts_of
from tests.simulation.history_laws import HISTORY_LAWS
from tests.simulation.hold_laws import HOLD_LAWS
from tests.simulation.laws import LAWS, SETTLED, Facts, Law, Law4NoLoop, LawBrokenError
from tests.simulation.repair_laws import REPAIR_LAWS
from tests.simulation.repeat_laws import REPEAT_LAWS
from tests.simulation.retry_laws import RETRY_LAWS
from tests.simulation.rollback_laws import ROLLBACK_LAWS
from tests.simulation.schedule import Kind, Stages
from tests.simulation.stage_laws import STAGE_LAWS
from tests.simulation.unreadable_laws import UNREADABLE_LAWS
from tests.simulation.why_laws import WHY_LAWS
from tests.simulation.world import WRITES, EndlessError, World

if TYPE_CHECKING:
    from tests.simulation.counting import Counts
    from tests.simulation.people import Recovery
    from tests.simulation.schedule import Schedule
    from tests.simulation.world import Call

PATIENCE_SECONDS: Final = 25 * 3600.0
"""Longer than every lease (6 minutes), stale read (15 minutes) and retry delay (160 minutes), and than a day:
then each endpoint has its full look."""


ALARM_SECONDS: Final = 30 * 60.0
"""Longer than the deployer waits for an alarm (15 minutes), longer than every alarm and every soak."""


STILL_SECONDS: Final = 900.0
"""From the last look at the world until the last sweep."""

A_DAY: Final = 24 * 60 * 60.0
"""After this long, the deployer reads the alarms of an endpoint at rest again."""

EVERY_LAW: Final = (
    *LAWS,
    *STAGE_LAWS,
    *ALARM_LAWS,
    *HISTORY_LAWS,
    *BACK_LAWS,
    *CAUSE_LAWS,
    *BAKE_LAWS,
    *REPEAT_LAWS,
    *HOLD_LAWS,
    *BEFORE_LAWS,
    *WHY_LAWS,
    *ROLLBACK_LAWS,
    *UNREADABLE_LAWS,
    *REPAIR_LAWS,
    *RETRY_LAWS,
)


@dataclass(frozen=True, slots=True)
class Result:
    """A simulation's result.

    Attributes:
        calls: How many API calls took effect.
        violation: The broken law's message; None if all held.
        law: The broken law's name.
        story: The trace; empty unless requested, or a law was broken.
        coverage: Pairs of a target and what hit it.
        counts: What was done for each cause.
    """

    calls: int
    violation: str | None
    law: str | None
    story: str
    coverage: frozenset[tuple[str, str]]
    counts: Counts


class Judge:
    """Lets every law look at everything that happens in a world."""

    def __init__(self, world: World) -> None:
        self.facts = Facts(world)
        self.laws: tuple[Law, ...] = tuple(law(world, self.facts) for law in EVERY_LAW)
        world.observers.append(self._see_call)
        world.change_observers.append(self._see_change)
        world.recovery_observers.append(self._see_recovery)

    def _see_call(self, call: Call) -> None:
        self.facts.note_test_endpoint(call)
        is_of_test = self.facts.is_of_test_endpoint(call)
        if not is_of_test:
            self.facts.note_call(call)
        for law in self.laws:
            if law.sees_tests or not is_of_test:
                law.check_call(call)

    def _see_change(self) -> None:
        self.facts.note_change()
        for law in self.laws:
            law.check_change()

    def _see_recovery(self, recovery: Recovery) -> None:
        for law in self.laws:
            law.check_recovery(recovery)

    def check_rest(self) -> None:
        """Let every law look at the world at rest."""
        for law in self.laws:
            law.check_rest()


def simulate(schedule: Schedule, *, tell: bool = False) -> Result:
    """Run a schedule and judge it; equal schedules give equal results, byte for byte.

    Args:
        schedule: What happens.
        tell: Whether to keep the story of a run in which all laws held.
    """
    violation: str | None = None
    law: str | None = None
    world = World(schedule)
    # Metrics are lines on the function's standard output; nobody reads them here.
    with contextlib.redirect_stdout(io.StringIO()):
        judge = Judge(world)
        try:
            _run(world, judge)
        except LawBrokenError as error:
            violation, law = str(error), error.law
        except EndlessError:
            violation, law = f"{Law4NoLoop.__name__}: call after call, and no end", Law4NoLoop.__name__
        finally:
            world.end()
    if violation is not None:
        world.tell("LAW", violation)
    return Result(
        calls=len(world.calls),
        violation=violation,
        law=law,
        story=world.story() if tell or violation is not None else "",
        coverage=frozenset(world.coverage),
        counts=counts_of(world),
    )


def _run(world: World, judge: Judge) -> None:
    world.people.begin()
    world.run_disturbances()
    world.calm()
    world.run_until_quiet()
    world.pass_time(PATIENCE_SECONDS)
    if world.alarms.deleted_at:
        # Nobody tells of a deleted alarm: the daily look finds it.
        world.pass_time(A_DAY)
    before: tuple[int, ...] | None = None
    while before != (now := _done(world, judge.facts)):
        # No event announces the end of a deletion, an alarm or a soak: then another sweep is needed.
        before = now
        world.sweep()
        world.run_until_quiet()
        world.pass_time(ALARM_SECONDS)
    world.tell("-", "at rest")
    judge.check_rest()
    _check_stillness(world, judge)


def _done(world: World, facts: Facts) -> tuple[int, ...]:
    """Count what a sweep may have to follow up.

    That is whatever was journalled, endpoints that are noted to rest, deletions of endpoints, new alarms and
    those that went on, rollbacks under an alarm that was already on, possible promotions, and configs: one
    that serves may have been made again.
    """
    # An attempt may wait for a deletion, and end well only after a sweep: then its soak begins.
    served = sum(
        1 + (attempt["status"] in SETTLED)
        for name in world.people.endpoints
        for attempt in world.journal(name, "attempt#")
    )
    is_staged = world.schedule.stages is not Stages.NONE
    return (
        world.failed_endpoints_deleted,
        sum(len(world.noted_settings(site)) for site in world.sites),
        *(count for site in world.sites for count in world.fleet_counts(site)),
        len(world.alarms.raised) + world.alarms.puts,
        facts.rolled_back_under_alarms,
        served if is_staged else 0,
        sum(call.operation == "CreateEndpointConfig" and call.accepted for call in world.calls),
    )


def _notes_checks(call: Call) -> bool:
    """Tell whether a sweep noted how far the daily checks came, some of which fell into it."""
    if call.operation != "PutItem":
        return False
    key = call.request["Item"]
    since_last_sweep = timedelta(seconds=ALARM_SECONDS + STILL_SECONDS + 60)
    return (
        key["endpoint"]["S"] == FLEET
        and key["item"]["S"] == CHECKS
        and any(
            call.time - last_check_due(name, call.time) < since_last_sweep
            for name in call.invocation.settings.digests
        )
    )


def _notes_refusal(world: World, call: Call) -> bool:
    """Tell whether a pass noted that SageMaker refused a write again, which the pass tried at its time.

    No more is left to do at rest than to try such a write again, after growing delays and without end.
    """
    refused = _refused_before(call)
    if refused is None:
        return False
    tries = [
        each
        for other in world.ended
        if other is not call.invocation
        for note in other.calls
        if (each := _refused_before(note)) is not None and each.request == refused.request
    ]
    if not tries:
        return False
    delay = timedelta(minutes=DELAY_MINUTES[min(len(tries), len(DELAY_MINUTES)) - 1])
    return refused.time >= max(each.time for each in tries) + delay


def _refused_before(note: Call) -> Call | None:
    """Return the write that SageMaker refused right before a note in an endpoint's facts."""
    if note.operation != "UpdateItem" or note.request["Key"]["item"]["S"] != "fact#endpoint":
        return None
    calls = note.invocation.calls
    before = calls[calls.index(note) - 1]
    is_refused = before.operation in WRITES and not before.accepted and before.fault is None
    return before if is_refused else None


def _hint(world: World) -> None:
    """Tell the deployer once of each managed endpoint, so that it looks."""
    for name in world.people.endpoints:
        if world.people.settings.get(name) is not None:
            world.hint(name)
    world.run_until_quiet()


def _check_stillness(world: World, judge: Judge) -> None:
    """Let nothing but sweeps and hints happen any more: nothing may be written, but what is refused again.

    A check reads no objects, so an artifact that was overwritten is first seen by a look.
    """
    if any(
        each.kind in {Kind.OVERWRITE_ARTIFACT, Kind.OVERWRITE_LIVE} for each in world.schedule.disturbances
    ):
        _hint(world)
        # The look may clean up, after which a sweep notes that the endpoint rests.
        world.sweep()
        world.run_until_quiet()
    before = len(world.calls)
    world.pass_time(STILL_SECONDS)
    world.sweep()
    world.run_until_quiet()
    _hint(world)
    written = [
        call
        for call in world.calls[before:]
        if call.changes_anything and not _notes_checks(call) and not _notes_refusal(world, call)
    ]
    if written:
        told = ", ".join(f"{call.operation} by {call.invocation.name}" for call in written)
        law = next(each for each in judge.laws if isinstance(each, Law4NoLoop))
        raise law.broken(f"although all is in sync: {told}")
