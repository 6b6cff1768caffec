"""Reports attempts as outcomes, once each, including ends that an earlier pass could not report."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from deployer.decisions.announcing import is_owed
from deployer.decisions.retries import retry_at
from deployer.decisions.served import lasts_with_any_settings
from deployer.decisions.trying_again import counting_like
from deployer.model import outcomes
from deployer.model.attempt import AttemptStatus, Deployment, Promotion

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.gateways.reporter import Reporter
    from deployer.model.endpoint import Endpoint
    from deployer.model.outcome import Outcome

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

    def report(self, attempt: Deployment | Promotion, endpoint: Endpoint | None) -> bool:
        """Report that an attempt was accepted, or how it ended, and note it; return whether it was taken."""
        if isinstance(attempt, Deployment) and attempt.status is AttemptStatus.ACCEPTED:
            return self._hand_over(attempt, outcomes.started(attempt), "start_reported")
        history = self._ledger.history
        again = retry_at(attempt, counting_like(history, attempt))
        holds = isinstance(attempt, Deployment) and lasts_with_any_settings(attempt, history)
        return self._hand_over(
            attempt, outcomes.settled(attempt, endpoint, again, holds=holds), "end_reported"
        )

    def report_late(self, endpoint: Endpoint | None) -> None:
        """Report the outcomes that earlier passes noted and could not report, until one is refused.

        What refuses one probably refuses all, and a hundred may be owed. The one that was tried last comes
        last, so that one that is always refused holds up no other.

        Raises:
            LostLeaseError: Another invocation is about to report one.
        """
        for attempt in sorted(self._ledger.history.may_be_unannounced, key=lambda each: each.lease_until):
            if is_owed(attempt) and self._now() >= attempt.lease_until:
                assert isinstance(attempt, Deployment | Promotion)
                claimed = self._ledger.move(attempt, lease_until=self._now() + REPORT_GRACE)
                if not self.report(claimed, endpoint):
                    return

    def _hand_over(
        self,
        attempt: Deployment | Promotion,
        outcome: Outcome,
        flag: Literal["start_reported", "end_reported"],
    ) -> bool:
        taken = self._reporter.report(outcome)
        if taken:
            self._ledger.record_reported(attempt, flag)
        return taken
