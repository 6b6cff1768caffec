"""Reports what needs a person, once for each reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.endpoint_pass.reports import REPORT_GRACE
from deployer.model import outcomes
from deployer.model.outcomes import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.gateways.reporter import Reporter
    from deployer.model.approval import Approval, Ineligible
    from deployer.model.model_version import Hidden


class Notices:
    """One endpoint's notices. Each is noted in the journal after it was handed over."""

    def __init__(
        self,
        endpoint_name: str,
        ledger: Ledger,
        reporter: Reporter,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._endpoint_name = endpoint_name
        self._ledger = ledger
        self._reporter = reporter
        self._logger = logger
        self._now = now

    def report(self, message: str) -> None:
        """Report a problem that a person must solve, unless it was reported and lasts since."""
        self.report_all([*self._ledger.history.last_observed.reported, message])

    def report_held(self, message: str) -> None:
        """Report that a rollout is held back, unless that was reported and lasts since."""
        reported = self._ledger.history.last_observed.reported
        if message in reported:
            return
        self._logger.info(message)
        if self._hand_over(message, self._correlation_id(), kind=OutcomeKind.HELD):
            self._ledger.note(reported=(*reported, message))

    def report_all(self, messages: Iterable[str]) -> None:
        """Report the problems that were not reported yet. All others are gone, and may be reported again."""
        reported = self._ledger.history.last_observed.reported
        current: list[str] = []
        for message in dict.fromkeys(messages):
            # What keeps a version from going out may last after it: then people know of it.
            if any(message in each for each in reported) or self._report(message):
                current.append(message)
            else:
                # The deployer does not look at an endpoint at rest again, so without this the message would
                # be lost.
                self._ledger.note(last_modified_time=None)
        self._ledger.note(reported=tuple(current))

    def _report(self, message: str) -> bool:
        self._logger.warning(message)
        return self._hand_over(message, self._correlation_id())

    def _correlation_id(self) -> str:
        approvals = self._ledger.history.approvals
        latest = max(approvals, key=lambda each: each.order, default=None)
        return latest.correlation_id if latest else self._endpoint_name

    def report_ineligible(self, found: Iterable[Ineligible]) -> None:
        """Report approvals whose versions may not be deployed now, once for each approval and reason."""
        for each in found:
            if each.is_unreported and self._reporter.report(outcomes.ineligible(each, time=self._now())):
                self._ledger.change_approval(each.approval, ineligible_reported=each.reason)

    def report_ignored(self, approval: Approval) -> None:
        """Report an approval that does not count under the endpoint's approval policy."""
        if self._reporter.report(outcomes.ignored(approval)):
            self._ledger.change_approval(approval, ineligible_reported=approval.objection)

    def report_ignored_late(self) -> None:
        """Report approvals that an earlier pass ignored and could not report."""
        for approval in self._ledger.history.approvals:
            owed = not approval.decides and approval.ineligible_reported is None
            if owed and self._now() - approval.approved_at >= REPORT_GRACE:
                self.report_ignored(approval)

    def report_hidden(self, version_arn: str, hidden: Hidden) -> None:
        """Report an approved version that the registry does not let the deployer read, once."""
        message = f"{version_arn} is approved and cannot be read: {hidden.reason}"
        self._logger.warning(message, model_package_arn=version_arn)
        if not self._ledger.is_reported_unreadable(version_arn) and self._hand_over(
            f"{message}. {self._endpoint_name} does not get it before the deployer's role may read it. "
            "Permit sagemaker:DescribeModelPackage, and the use of the key that its model card is "
            "encrypted with; `python -m ops doctor` says what is missing.",
            self._endpoint_name,
        ):
            self._ledger.record_unreadable(version_arn)

    def _hand_over(
        self, message: str, correlation_id: str, kind: OutcomeKind = OutcomeKind.NEEDS_ATTENTION
    ) -> bool:
        return self._reporter.report(
            outcomes.notice(kind, self._endpoint_name, message, time=self._now(), cause=correlation_id)
        )
