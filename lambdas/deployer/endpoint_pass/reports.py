"""Reports attempts as outcomes, once each, including ends that an earlier pass could not report."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.decisions.announcing import is_owed
from deployer.decisions.retries import retry_at
from deployer.decisions.served import lasts_with_any_settings
from deployer.model import outcomes
from deployer.model.attempt import AttemptStatus, Deployment, Promotion

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.gateways.reporter import Reporter
    from deployer.model.endpoint import Endpoint

REPORT_GRACE: Final = timedelta(seconds=30)
"""How long the invocation that wrote an attempt's state may take to report it. Then another pass reports
it."""


class Reports:
    """The outcomes of one endpoint's attempts."""

    def __init__(self, ledger: Ledger, reporter: Reporter, *, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._reporter = reporter
        self._now = now

    @property
    def owed(self) -> bool:
        """Whether an outcome was noted and, by the journal, not handed over yet."""
        return any(is_owed(attempt) for attempt in self._ledger.history.may_be_unannounced)

    def report(self, attempt: Deployment | Promotion, endpoint: Endpoint | None) -> None:
        """Report that an attempt was accepted, or how it ended, and note the report."""
        if isinstance(attempt, Deployment) and attempt.status is AttemptStatus.ACCEPTED:
            if self._reporter.report(outcomes.started(attempt)):
                self._ledger.record_reported(attempt, "start_reported")
            return
        history = self._ledger.history
        again = retry_at(attempt, history.deployments)
        holds = isinstance(attempt, Deployment) and lasts_with_any_settings(attempt, history)
        if self._reporter.report(outcomes.settled(attempt, endpoint, again, holds=holds)):
            self._ledger.record_reported(attempt, "end_reported")

    def report_late(self, endpoint: Endpoint | None) -> None:
        """Report an outcome that an earlier pass noted and could not report.

        Raises:
            LostLeaseError: Another invocation is about to report it.
        """
        for attempt in self._ledger.history.may_be_unannounced:
            if is_owed(attempt) and self._now() >= attempt.lease_until:
                assert isinstance(attempt, Deployment | Promotion)
                claimed = self._ledger.move(attempt, lease_until=self._now() + REPORT_GRACE)
                self.report(claimed, endpoint)
