"""Keeps the alarms of the settings in CloudWatch while the endpoint exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.alarms import are_current
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
    from deployer.endpoint_pass.round import Round
    from deployer.gateways.endpoints import Endpoints
    from deployer.model.settings import EndpointSettings


class AlarmsPhase:
    """Makes, changes and deletes alarms of an endpoint at rest. An update makes its own before it begins."""

    def __init__(
        self,
        settings: EndpointSettings,
        ledger: Ledger,
        plans: AlarmPlans,
        executor: Executor,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._plans = plans
        self._executor = executor
        self._logger = logger
        self._now = now

    def run(self, round_: Round) -> Next:
        """Change the alarms that differ. A refusal is reported, and stops no other phase."""
        settings, last = self._settings, self._ledger.history.last_observed
        exists = round_.endpoint is not None
        # What keeps an endpoint from its rest may be an alarm that somebody deleted.
        is_current = are_current(settings, last) if exists else not last.alarms
        is_read = round_.is_whole and exists and bool(last.alarms)
        if is_current and not is_read and not last.reported:
            return Next.GO_ON
        wanted = settings.alarms if exists else ()
        is_first = exists and last.alarms_seen_at is None
        try:
            planned, _, noted = self._plans.search(wanted) if is_first else self._plans.look(wanted)
        except UpkeepRefusedError as refusal:
            if not refusal.is_passing and not wanted and not last.alarms:
                # Only a journal that was lost would have an alarm here that nobody wants.
                self._ledger.note(alarms_seen_at=self._now())
            matters = not is_current or is_read or str(refusal) in last.reported
            if refusal.is_passing or not matters or not (wanted or last.alarms):
                self._logger.warning(str(refusal))
            else:
                round_.troubles.append(str(refusal))
            return Next.GO_ON
        seen_at = self._now() if exists else None
        if noted != last.alarms:
            self._ledger.note(alarms=noted, alarms_seen_at=seen_at)
        elif (last.alarms_seen_at is not None) != exists:
            self._ledger.note(alarms_seen_at=seen_at)
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
) -> bool:
    """Delete the alarms of an endpoint that has no settings any more; return whether none is left.

    While an update is under way, they still guard it. A refusal is reported once.
    """
    if not ledger.history.last_observed.alarms:
        return True
    endpoint = endpoints.describe(ledger.endpoint_name)
    if endpoint is not None and endpoint.modifying:
        return False
    try:
        planned, _, noted = plans.look(())
    except UpkeepRefusedError as refusal:
        if refusal.is_passing:
            logger.warning(str(refusal))
        else:
            notices.report(str(refusal))
        return False
    ledger.note(alarms=noted, alarms_seen_at=None)
    if troubles := executor.try_to_make(planned.steps):
        notices.report(" ".join(troubles))
    return not ledger.history.last_observed.alarms
