"""Keeps the alarms of the settings in CloudWatch while the endpoint exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.alarms import SEARCH, are_current
from deployer.endpoint_pass.round import Next
from deployer.gateways.refusals import UpkeepRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.alarm_plans import AlarmPlans
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.refused_writes import RefusedWrites
    from deployer.endpoint_pass.round import Round
    from deployer.gateways.endpoints import Endpoints
    from deployer.model.settings import EndpointSettings


class ForgottenAlarmsPhase:
    """Deletes alarms of an endpoint that is gone, and of which a lost or restored journal knows nothing."""

    def __init__(
        self,
        endpoints: Endpoints,
        ledger: Ledger,
        plans: AlarmPlans,
        executor: Executor,
        notices: Notices,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._endpoints = endpoints
        self._ledger = ledger
        self._plans = plans
        self._executor = executor
        self._notices = notices
        self._logger = logger
        self._now = now

    def run(self, round_: Round) -> Next:
        """Search once, as far as permitted, for alarms of an endpoint without any approval."""
        history = self._ledger.history
        is_known = history.approvals or history.latest_attempt or history.last_observed.alarms_seen_at
        if is_known or round_.summary is not None or not round_.discover:
            return Next.GO_ON
        if delete_alarms(
            self._endpoints,
            self._ledger,
            self._plans,
            self._executor,
            self._notices,
            self._logger,
            gives_up=False,
        ):
            self._ledger.note(alarms_seen_at=self._now())
        return Next.GO_ON


class AlarmsPhase:
    """Makes, changes and deletes alarms of an endpoint at rest. An update makes its own before it begins."""

    def __init__(
        self,
        settings: EndpointSettings,
        ledger: Ledger,
        plans: AlarmPlans,
        executor: Executor,
        refused: RefusedWrites,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._plans = plans
        self._executor = executor
        self._refused = refused
        self._logger = logger
        self._now = now

    def run(self, round_: Round) -> Next:
        """Change the alarms that differ. A refusal is reported, and stops no other phase."""
        settings, last = self._settings, self._ledger.history.last_observed
        exists = round_.endpoint is not None
        # What keeps an endpoint from its rest may be an alarm that somebody deleted.
        is_first = last.alarms_seen_at is None
        is_current = are_current(settings, last) if exists else not (last.alarms or is_first)
        # A restored journal may not know the alarms that were made since.
        is_read = round_.is_whole and exists
        if is_current and not is_read and not last.reported:
            return Next.GO_ON
        wanted = settings.alarms if exists else ()
        # Only a journal that was lost would have an alarm here.
        is_guess = not wanted and not last.alarms
        if is_guess and self._refused.put_off(SEARCH) is not None:
            return Next.GO_ON
        try:
            planned, _, noted = self._plans.search(wanted)
        except UpkeepRefusedError as refusal:
            if not refusal.is_passing and is_guess:
                self._refused.note_refused(SEARCH, str(refusal))
            matters = not is_current or is_read or str(refusal) in last.reported
            if refusal.is_passing or not matters or is_guess:
                self._logger.warning(str(refusal))
            else:
                round_.troubles.append(str(refusal))
            return Next.GO_ON
        self._refused.note_made(SEARCH)
        if noted != last.alarms or is_first:
            self._ledger.note(alarms=noted, alarms_seen_at=self._now())
        round_.troubles += self._executor.try_to_make(planned.steps)
        if planned.trouble is not None:
            round_.troubles.append(planned.trouble)
        return Next.GO_ON


def delete_alarms(
    endpoints: Endpoints,
    ledger: Ledger,
    plans: AlarmPlans,
    executor: Executor,
    notices: Notices,
    logger: Logger,
    *,
    gives_up: bool,
) -> bool:
    """Delete the alarms of an endpoint that left the settings, or is gone; return whether none is left.

    While an update is under way, they still guard it. A refusal is reported once. A journal that was lost may
    not know them, if the endpoint left before it rested again. If CloudWatch denies the search then, the
    caller may give up.
    """
    last = ledger.history.last_observed
    if not last.alarms and last.alarms_seen_at is not None:
        return True
    endpoint = endpoints.describe(ledger.endpoint_name)
    if endpoint is not None and endpoint.modifying:
        return False
    try:
        planned, _, noted = plans.search(())
    except UpkeepRefusedError as refusal:
        if refusal.is_passing or not last.alarms:
            logger.warning(str(refusal))
        else:
            notices.report(str(refusal))
        return gives_up and not refusal.is_passing and not last.alarms
    ledger.note(alarms=noted, alarms_seen_at=None)
    if troubles := executor.try_to_make(planned.steps):
        notices.report(" ".join(troubles))
    return not ledger.history.last_observed.alarms
