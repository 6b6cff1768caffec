"""Keeps the alarms of the settings in CloudWatch while the endpoint exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.alarms import are_current, plan_alarms
from deployer.endpoint_pass.round import Next
from deployer.gateways.refusals import UpkeepRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round
    from deployer.gateways.alarms import Alarms
    from deployer.gateways.gateways import Gateways
    from deployer.model.settings import EndpointSettings


class AlarmsPhase:
    """Makes, changes and deletes alarms of an endpoint at rest. An update makes its own before it begins."""

    def __init__(
        self,
        settings: EndpointSettings,
        ledger: Ledger,
        alarms: Alarms,
        executor: Executor,
        logger: Logger,
        *,
        stack_name: str,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._alarms = alarms
        self._executor = executor
        self._logger = logger
        self._stack_name = stack_name
        self._now = now

    def run(self, round_: Round) -> Next:
        """Change the alarms that differ. A refusal is reported, and stops no other phase."""
        settings, last = self._settings, self._ledger.history.last_observed
        exists = round_.endpoint is not None
        # What keeps an endpoint from its rest may be an alarm that somebody deleted.
        is_current = are_current(settings, last, now=self._now()) if exists else not last.alarms
        if is_current and not last.reported:
            return Next.GO_ON
        wanted = settings.alarms if exists else ()
        names = dict.fromkeys([*(each["AlarmName"] for each in wanted), *last.alarms])
        try:
            seen = self._alarms.look(list(names))
        except UpkeepRefusedError as refusal:
            if refusal.is_passing or is_current:
                self._logger.warning(str(refusal))
            else:
                round_.troubles.append(str(refusal))
            return Next.GO_ON
        planned = plan_alarms(
            wanted,
            last.alarms,
            seen,
            endpoint_name=settings.endpoint_name,
            stack_name=self._stack_name,
        )
        assert planned.noted is not None, "CloudWatch was asked"
        if not is_current or planned.noted != last.alarms:
            self._ledger.note(alarms=dict(planned.noted), alarms_seen_at=self._now() if wanted else None)
        round_.troubles += self._executor.try_to_make(planned.steps)
        if planned.trouble is not None:
            round_.troubles.append(planned.trouble)
        return Next.GO_ON


def delete_alarms(
    gateways: Gateways,
    ledger: Ledger,
    executor: Executor,
    notices: Notices,
    logger: Logger,
    *,
    stack_name: str,
) -> bool:
    """Delete the alarms of an endpoint that has no settings any more; return whether none is left.

    While an update is under way, they still guard it. A refusal is reported once.
    """
    noted, name = ledger.history.last_observed.alarms, ledger.endpoint_name
    if not noted:
        return True
    endpoint = gateways.endpoints.describe(name)
    if endpoint is not None and endpoint.modifying:
        return False
    try:
        seen = gateways.alarms.look(list(noted))
    except UpkeepRefusedError as refusal:
        if refusal.is_passing:
            logger.warning(str(refusal))
        else:
            notices.report(str(refusal))
        return False
    planned = plan_alarms((), noted, seen, endpoint_name=name, stack_name=stack_name)
    assert planned.noted is not None, "CloudWatch was asked"
    ledger.note(alarms=dict(planned.noted), alarms_seen_at=None)
    if troubles := executor.try_to_make(planned.steps):
        notices.report(" ".join(troubles))
    return not ledger.history.last_observed.alarms
