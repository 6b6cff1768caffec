"""What one invocation works with on endpoints without settings: those that left them, and test endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.endpoint_pass.executor import Executor
from deployer.endpoint_pass.ledger import Ledger
from deployer.endpoint_pass.notices import Notices
from deployer.endpoint_pass.refused_writes import RefusedWrites
from deployer.endpoint_pass.throttling import TimeBudget
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools import Logger

    from deployer.gateways.gateways import Gateways
    from deployer.model.stack_identity import StackIdentity


@value
class UnmanagedContext:
    """What one invocation works with on endpoints without settings.

    Attributes:
        gateways: The services that it calls.
        identity: The stack's names and tags.
        logger: Logs what it does.
        invocation_id: Its id. Lambda's retries may share it.
        remaining_seconds: How long it may still run.
    """

    gateways: Gateways
    identity: StackIdentity
    logger: Logger
    invocation_id: str
    remaining_seconds: Callable[[], float]

    def ledger(self, endpoint_name: str) -> Ledger:
        """Return an endpoint's ledger."""
        return Ledger(endpoint_name, self.gateways.journal, self.logger, invocation_id=self.invocation_id)

    def notices(self, ledger: Ledger) -> Notices:
        """Return what tells people of an endpoint."""
        gateways = self.gateways
        return Notices(ledger.endpoint_name, ledger, gateways.reporter, self.logger, now=gateways.now)

    def executor(self, ledger: Ledger) -> Executor:
        """Return what makes steps for an endpoint."""
        return Executor(
            None,
            self.gateways,
            ledger,
            RefusedWrites(ledger, now=self.gateways.now),
            TimeBudget(self.remaining_seconds, self.gateways.pause),
            self.logger,
            stack_name=self.identity.stack_name,
        )
