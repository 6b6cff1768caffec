"""Turns a trigger into passes: finds its endpoints, and reconciles each."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from deployer.decisions.sweep import departed, last_check_due
from deployer.endpoint_pass.look_notes import LookNotes
from deployer.endpoint_pass.round import Round
from deployer.endpoint_pass.throttling import OutOfTimeError, TimeBudget
from deployer.endpoint_pass.unmanaged_context import UnmanagedContext
from deployer.gateways.sagemaker_errors import ThrottledError
from deployer.model.trigger import (
    EndpointChanged,
    NothingToDecide,
    PackageChanged,
    RequestsMade,
    SettingsDeployed,
    Sweep,
    SweepPart,
    Trigger,
    Unusable,
)
from deployer.phases.leftover_test_endpoints import LeftoverTestEndpoints
from deployer.phases.preflight import Preflight
from deployer.phases.unmanaged import UnmanagedEndpoints
from deployer.reconciler import Reconciler
from deployer.repetitions import Repetitions
from deployer.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from aws_lambda_powertools import Logger

    from deployer.gateways.bus import Bus
    from deployer.gateways.gateways import Gateways
    from deployer.gateways.settings_files import SettingsFiles
    from deployer.model.fleet import FleetRecord, Look
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity

PART_SIZE: Final = 50
"""Endpoints that one invocation sweeps. A slow pass takes seconds: fifty fit into the five minutes."""

SECONDS_FOR_A_PASS: Final = 30.0
"""An invocation with less time left begins no other pass."""


class PassesFailedError(Exception):
    """Some endpoints could not be reconciled; the others were."""


class Dispatcher:
    """Dispatches one trigger to reconcilers. Make a new one for each invocation.

    Args:
        settings: The endpoints' settings.
        gateways: The services that reconcilers call.
        bus: Takes the parts of a sweep.
        identity: The stack's names and tags.
        logger: Logs passes.
        invocation_id: The id of this invocation. Lambda's retries may share it.
        remaining_seconds: How long the invocation may still run.
        part_size: How many endpoints one invocation sweeps.
    """

    def __init__(
        self,
        settings: SettingsFiles,
        gateways: Gateways,
        bus: Bus,
        identity: StackIdentity,
        logger: Logger,
        *,
        invocation_id: str,
        remaining_seconds: Callable[[], float],
        part_size: int = PART_SIZE,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._bus = bus
        self._identity = identity
        self._logger = logger
        self._invocation_id = invocation_id
        self._remaining_seconds = remaining_seconds
        self._part_size = part_size
        self._started = gateways.now()
        self._correlation_id = invocation_id
        context = UnmanagedContext(gateways, identity, logger, invocation_id, remaining_seconds)
        self._unmanaged = UnmanagedEndpoints(context)
        self._leftovers = LeftoverTestEndpoints(context)
        self._failures: dict[str, Exception] = {}
        self._left_over: list[str] = []
        self._look_notes = LookNotes(gateways, settings, began=self._started)
        time_budget = TimeBudget(remaining_seconds, gateways.pause)
        self._reconciler_for = partial(
            Reconciler,
            gateways=gateways,
            identity=identity,
            logger=logger,
            invocation_id=invocation_id,
            time_budget=time_budget,
            followers=settings.followers,
        )
        self._repetitions = Repetitions(
            bus, time_budget, gateways.sleep, self._reconciler_for, self._kept_apart, logger
        )
        self._survey = Survey(settings, gateways, logger, account_id=identity.account_id, now=self._started)

    def dispatch(self, trigger: Trigger) -> None:
        """Reconcile every endpoint that the trigger is about.

        Raises:
            PassesFailedError: Some passes failed. Lambda's retry repeats them.
        """
        if not isinstance(trigger, Unusable):
            self._correlation_id = trigger.event_id
            # A pass that continues an attempt takes the approval's correlation id, and this key the event's.
            self._logger.append_keys(event_id=trigger.event_id)
        self._gateways.reporter.take_refusals()  # of an invocation before, if it was cut short
        self._follow(trigger)
        self._failures = {**self._gateways.reporter.take_refusals(), **self._failures}
        if self._left_over:
            # A failure would leave them to Lambda's retries, which come late and are few.
            self._bus.put_parts([SweepPart(tuple(self._left_over))])
        self._repetitions.make(may_wait=not self._failures)
        self._failures = {**self._gateways.reporter.take_refusals(), **self._failures}
        if self._failures:
            told = "; ".join(
                f"{name}: {type(error).__name__}: {error}" for name, error in self._failures.items()
            )
            raise PassesFailedError(told) from next(iter(self._failures.values()))

    def _follow(self, trigger: Trigger) -> None:
        match trigger:
            case Unusable():
                self._logger.warning(f"Event ignored: {trigger.reason}")
            case NothingToDecide(reason):
                self._logger.info(f"Nothing to decide: {reason}")
            case PackageChanged():
                self._follow_group(trigger)
            case EndpointChanged():
                self._follow_endpoint(trigger)
            case SettingsDeployed():
                self._look_at_changed_settings()
            case Sweep():
                self._sweep()
            case RequestsMade():
                if asked := list(dict.fromkeys(each.endpoint_name for each in self._survey.requests)):
                    self._sweep_part(asked)
            case SweepPart():
                self._sweep_part(trigger.endpoint_names)
            case unknown:
                assert_never(unknown)

    def _follow_endpoint(self, trigger: EndpointChanged) -> None:
        """Make a pass over an endpoint or, after a change of a test endpoint, over the one that it is for."""
        endpoint_name, first = trigger.endpoint_name, Round(told_of=trigger.pending_statuses)
        with self._kept_apart(endpoint_name):
            is_managed = endpoint_name in self._settings.digests
            tested = None if is_managed else self._leftovers.find(endpoint_name)
            for settings in self._read(tested.owner if tested is not None else endpoint_name):
                self._reconcile(settings, first if tested is None else Round())
            if tested is not None:
                self._leftovers.delete(endpoint_name)

    def _follow_group(self, trigger: PackageChanged) -> None:
        followers = [
            settings
            for name in self._settings.followers(trigger.group_name)
            for settings in self._read(name)
            if settings.follows(
                trigger.version_arn, trigger.group_name, own_account=self._identity.account_id
            )
        ]
        if not followers:
            self._logger.info(f"No endpoint follows {trigger.group_name}: nothing to do")
        put_off = [
            each for each in followers if not self._reconcile(each, Round(change=trigger), may_wait=True)
        ]
        for settings in put_off:
            self._reconcile(settings, Round(change=trigger))
        Preflight(self._gateways.registry, self._identity, self._logger).run(trigger, followers)

    def _look_at_changed_settings(self) -> None:
        """Look at the endpoints whose settings are not those of the last look, and at those without any."""
        records = self._gateways.journal.fleet.records()
        names = [
            name
            for name, digest in self._settings.digests.items()
            if name not in records
            or records[name].settings_digest != digest
            or records[name].left_at is not None
        ]
        if not self._hand_over(names + departed(records, self._settings.digests, began=self._started)):
            self._look_at(self._survey.looks_at(names, records))
            self._release(records)

    def _sweep(self) -> None:
        """Look at the endpoints that changed, and check some of the others: each has its turn once a day."""
        notes = self._gateways.journal.fleet.notes()
        looks, records = self._survey.looks(notes), notes.records
        for name in looks.of_tests:
            with self._kept_apart(name):
                self._leftovers.delete(name)
        if not self._hand_over(
            [each.endpoint_name for each in looks.needed]
            + departed(records, self._settings.digests, began=self._started)
        ):
            self._look_at(looks.needed)
            self._release(records)
        self._check(looks.due)
        if self._survey.failure is not None:
            self._failures["Search"] = self._survey.failure

    def _check(self, due: Sequence[Look]) -> None:
        """Make the checks and weekly looks that are due, the earliest first, and note how far they came."""
        until, made = self._started, 0
        for look in due:
            if self._remaining_seconds() < SECONDS_FOR_A_PASS:
                until = last_check_due(look.endpoint_name, self._started) - timedelta.resolution
                self._logger.info(f"Out of time: {len(due) - made} checks are left to the next sweep")
                break
            made += 1
            for settings in self._read(look.endpoint_name):
                if look.is_whole or self._survey.differs(look, settings):
                    self._look_at([replace(look, is_whole=True)])
        if made:
            with self._kept_apart("The journal of the fleet"):
                self._gateways.journal.fleet.note_checks(until)

    def _sweep_part(self, names: Sequence[str]) -> None:
        records = self._gateways.journal.fleet.records(names)
        self._look_at(
            self._survey.looks_at([each for each in names if each in self._settings.digests], records)
        )
        self._release({name: record for name, record in records.items() if name in names})

    def _hand_over(self, names: Sequence[str]) -> bool:
        """Hand endpoints over to other invocations, if they are too many for this one."""
        if len(names) <= self._part_size:
            return False
        ordered = sorted(names)
        parts = [
            SweepPart(tuple(ordered[first : first + self._part_size]))
            for first in range(0, len(ordered), self._part_size)
        ]
        self._bus.put_parts(parts)
        self._logger.info(f"Looking at {len(ordered)} endpoints in {len(parts)} parts")
        return True

    def _look_at(self, looks: Sequence[Look]) -> None:
        """Make a pass over each endpoint, then note which of them rest."""
        remaining = sorted(looks, key=lambda each: each.endpoint_name)
        put_off: set[str] = set()
        while remaining:
            look = remaining.pop(0)
            name = look.endpoint_name
            with self._kept_apart(name):
                look = self._unmanaged.begin_again(look, began=self._started)
            for settings in self._read(name):
                may_wait = bool(remaining) and name not in put_off
                first = Round(
                    discover=True, is_whole=look.is_whole, summary=look.summary, requests=look.requests
                )
                if not self._reconcile(settings, first, look=look, may_wait=may_wait):
                    # A test that ended an earlier invocation may end this one, so such endpoints come last.
                    put_off.add(name)
                    remaining.append(look)
            if remaining and remaining[-1] is not look and self._remaining_seconds() < SECONDS_FOR_A_PASS:
                # Each part is smaller than its parent, so this ends.
                self._bus.put_parts([SweepPart(tuple(each.endpoint_name for each in remaining))])
                self._logger.info(f"Out of time: {len(remaining)} endpoints are left to another invocation")
                # An error would make Lambda repeat this part, and put its rest on the bus again. The log has
                # the failures, and the next sweep tries them again.
                self._failures.clear()
                self._gateways.reporter.take_refusals()
                break
        with self._kept_apart("The journal of the fleet"):
            # What failed in the passes is still to be said.
            self._look_notes.note_rests()

    def _read(self, endpoint_name: str) -> list[EndpointSettings]:
        with self._kept_apart(endpoint_name):
            settings = self._settings.read(endpoint_name)
            if settings is not None:
                return [settings]
            self._logger.info(f"Nobody manages endpoint {endpoint_name}: nothing to deploy")
            self._unmanaged.settle(endpoint_name)
        return []

    def _release(self, records: Mapping[str, FleetRecord]) -> None:
        """Report once that endpoints are no longer managed, and forget their settings and their alarms."""
        for name in departed(records, self._settings.digests, began=self._started):
            with self._kept_apart(name):
                self._unmanaged.release(
                    name, records[name], began=self._started, correlation_id=self._correlation_id
                )

    def _reconcile(
        self,
        settings: EndpointSettings,
        first: Round,
        *,
        look: Look | None = None,
        may_wait: bool = False,
    ) -> bool:
        """Make a pass over an endpoint; return False if none was made, because the endpoint can wait.

        A sweep's look notes in the fleet's partition how it ended. An event's pass does not, as it has not
        read what is there: the next sweep looks once more.
        """
        name = settings.endpoint_name
        self._logger.append_keys(endpoint=name, correlation_id=self._correlation_id)
        with self._kept_apart(name):
            try:
                reconciler = self._reconciler_for(settings)
                if may_wait and reconciler.was_cut_short:
                    return False
                ended = reconciler.reconcile(first)
                if look is not None:
                    self._look_notes.note(look, first, ended=ended)
                if reconciler.holds_test:
                    self._repetitions.add(settings, reconciler)
            except ThrottledError:
                self._logger.warning(
                    "SageMaker throttles, and this invocation has no time left: the next one goes on"
                )
                self._left_over.append(name)
            except OutOfTimeError:
                self._logger.info("No time left for the smoke test: the next invocation makes it")
                self._left_over.append(name)
        if look is not None and name in self._failures:
            with self._kept_apart(name):
                self._look_notes.note_failed(look, self._failures[name])
        return True

    @contextmanager
    def _kept_apart(self, endpoint_name: str) -> Iterator[None]:
        """Log one endpoint's failure, and let the others have their pass."""
        try:
            yield
        except Exception as error:
            self._logger.exception(f"{endpoint_name} could not be looked after")
            self._failures[endpoint_name] = error
