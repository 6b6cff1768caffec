"""Ends what an endpoint has of ours once its settings are gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.decisions.sweep import has_returned, is_over
from deployer.endpoint_pass.alarm_plans import AlarmPlans
from deployer.endpoint_pass.attempts import Attempts
from deployer.endpoint_pass.ledger import LostLeaseError
from deployer.endpoint_pass.reports import Reports
from deployer.model import outcomes
from deployer.model.fleet import FleetRecord
from deployer.phases.aborting import was_left_behind
from deployer.phases.alarms import delete_alarms
from deployer.phases.settlement import settle_unmanaged

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.unmanaged_context import UnmanagedContext
    from deployer.model.fleet import Look


class UnmanagedEndpoints:
    """Endpoints that left the settings, as one invocation meets them."""

    def __init__(self, context: UnmanagedContext) -> None:
        self._context = context
        self._gateways = context.gateways
        self._logger = context.logger

    def settle(self, endpoint_name: str) -> None:
        """Settle what was under way when an endpoint's settings were removed."""
        ledger = self._context.ledger(endpoint_name)
        self._settle(ledger, self._reports(ledger), is_over=False)

    def release(
        self, endpoint_name: str, record: FleetRecord, *, began: datetime, correlation_id: str
    ) -> None:
        """Take the next steps towards forgetting an endpoint; the next sweep takes those that are left.

        The removal is noted before people are told, so that a removal has one id. Older invocations may still
        deploy to the endpoint and make alarms. So its alarms are deleted, and it is forgotten, once the last
        of those must have ended.

        Args:
            endpoint_name: The endpoint.
            record: What the fleet's partition holds of it.
            began: When this invocation began.
            correlation_id: The event's by which the removal was found out.
        """
        fleet = self._gateways.journal.fleet
        left = record if record.left_at is not None else fleet.note_left(endpoint_name, record)
        if left is None:
            return
        ledger, over = self._context.ledger(endpoint_name), is_over(left, began=began)
        reports = self._reports(ledger)
        if not self._settle(ledger, reports, is_over=over):
            return
        if not left.removal_reported:
            if not self._report(ledger, left, correlation_id, is_over=over):
                return
            fleet.note_removal_reported(endpoint_name, left)
        if over and not reports.owed and self._is_nothing_left(ledger):
            fleet.forget(endpoint_name, left)

    def begin_again(self, look: Look, *, began: datetime) -> Look:
        """Return a look at an endpoint that is in the settings again as the first look that it is."""
        if not has_returned(look.record, began=began):
            return look
        self._gateways.journal.fleet.begin_again(look.endpoint_name, look.record)
        return replace(look, record=FleetRecord())

    def _settle(self, ledger: Ledger, reports: Reports, *, is_over: bool) -> bool:
        """Settle what was under way; return False if another invocation is at work on the endpoint.

        Nobody takes up an attempt that was left behind, so it is withdrawn once older invocations have ended.
        """
        gateways = self._gateways
        attempts = Attempts(ledger, reports, self._logger, now=gateways.now)
        try:
            settle_unmanaged(gateways.endpoints, ledger, attempts, reports, gateways.now())
            attempt = ledger.history.unsettled
            if is_over and attempt is not None and was_left_behind(attempt, now=gateways.now()):
                attempts.withdraw_left_behind()
        except LostLeaseError:
            self._logger.info("Another invocation is at work on this endpoint: leaving it to that one")
            return False
        return True

    def _report(self, ledger: Ledger, record: FleetRecord, correlation_id: str, *, is_over: bool) -> bool:
        """Tell people that an endpoint is not managed any more, if it was this stack's.

        Returns:
            Whether nothing is left to tell. An older invocation may still create an endpoint that this stack
            never had, so the next sweep asks again until the last of those must have ended.
        """
        name, managed_at = ledger.endpoint_name, record.managed_since
        assert managed_at is not None, "an endpoint has left after something was noted of it"
        endpoint = self._gateways.endpoints.describe(name)
        tags = self._gateways.tags.read(endpoint.arn) if endpoint is not None else {}
        if not self._context.identity.managed(tags, ledger.history):
            return is_over
        return self._gateways.reporter.report(
            outcomes.unmanaged(
                name, managed_at=managed_at, time=self._gateways.now(), correlation_id=correlation_id
            )
        )

    def _is_nothing_left(self, ledger: Ledger) -> bool:
        """Delete the endpoint's alarms; return whether they are gone, and no update is under way."""
        if ledger.history.unsettled is not None:
            return False
        gateways, stack_name = self._gateways, self._context.identity.stack_name
        plans = AlarmPlans(ledger, gateways.alarms, stack_name=stack_name)
        executor, notices = self._context.executor(ledger), self._context.notices(ledger)
        return delete_alarms(
            gateways.endpoints, ledger, plans, executor, notices, self._logger, gives_up=True
        )

    def _reports(self, ledger: Ledger) -> Reports:
        return Reports(ledger, self._gateways.reporter, now=self._gateways.now)
