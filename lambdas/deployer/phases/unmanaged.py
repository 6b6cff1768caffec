"""Ends what an endpoint has of ours once its settings are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.endpoint_pass.attempts import Attempts
from deployer.endpoint_pass.executor import Executor
from deployer.endpoint_pass.ledger import Ledger, LostLeaseError
from deployer.endpoint_pass.notices import Notices
from deployer.endpoint_pass.reports import Reports
from deployer.endpoint_pass.throttling import TimeBudget
from deployer.phases.alarms import delete_alarms
from deployer.phases.settlement import settle_unmanaged

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools import Logger

    from deployer.gateways.gateways import Gateways
    from deployer.model.stack_identity import StackIdentity


class UnmanagedEndpoints:
    """Endpoints that left the settings, as one invocation meets them."""

    def __init__(
        self,
        gateways: Gateways,
        identity: StackIdentity,
        logger: Logger,
        *,
        invocation_id: str,
        remaining_seconds: Callable[[], float],
    ) -> None:
        self._gateways = gateways
        self._identity = identity
        self._logger = logger
        self._invocation_id = invocation_id
        self._remaining_seconds = remaining_seconds

    def delete_alarms(self, endpoint_name: str) -> bool:
        """Delete an unmanaged endpoint's alarms; return whether none is left."""
        gateways, stack_name = self._gateways, self._identity.stack_name
        ledger = self._ledger(endpoint_name)
        time_budget = TimeBudget(self._remaining_seconds, gateways.pause)
        executor = Executor(None, gateways, ledger, time_budget, self._logger, stack_name=stack_name)
        notices = Notices(endpoint_name, ledger, gateways.reporter, self._logger, now=gateways.now)
        return delete_alarms(gateways, ledger, executor, notices, self._logger, stack_name=stack_name)

    def was_managed(self, endpoint_name: str) -> bool:
        """Tell whether an endpoint was this stack's, by its tags and the journal."""
        endpoint = self._gateways.endpoints.describe(endpoint_name)
        tags = self._gateways.tags.read(endpoint.arn) if endpoint is not None else {}
        return self._identity.managed(tags, self._gateways.journal.read(endpoint_name))

    def settle(self, endpoint_name: str) -> None:
        """Settle what was under way when an endpoint's settings were removed."""
        gateways = self._gateways
        ledger = self._ledger(endpoint_name)
        reports = Reports(ledger, gateways.reporter, now=gateways.now)
        attempts = Attempts(ledger, reports, self._logger, now=gateways.now)
        try:
            settle_unmanaged(gateways.endpoints, ledger, attempts, reports, gateways.now())
        except LostLeaseError:
            self._logger.info("Another invocation is at work on this endpoint: leaving it to that one")

    def _ledger(self, endpoint_name: str) -> Ledger:
        return Ledger(endpoint_name, self._gateways.journal, self._logger, invocation_id=self._invocation_id)
