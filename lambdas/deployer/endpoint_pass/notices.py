"""Reports what needs a person, once for each reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.endpoint_pass.reports import REPORT_GRACE
from deployer.model import outcomes
from deployer.model.excerpts import sentence
from deployer.model.outcome import OutcomeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.gateways.reporter import Reporter
    from deployer.model.approval import Approval, Ineligible
    from deployer.model.endpoint import Endpoint
    from deployer.model.model_version import Hidden
    from deployer.model.outcome import Outcome

MOST_REFUSED: Final = 3
"""After so many refusals a pass reports no other approval, and no other hidden version: what refuses these
probably refuses all, and a hundred may be owed."""


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
        self._refused_once = 0
        """How many reports that are made once were refused in this pass."""

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
        self._report_approvals(
            (each.approval, outcomes.ineligible(each, time=self._now()), each.reason)
            for each in found
            if each.is_unreported
        )

    def report_ignored(self, *approvals: Approval) -> None:
        """Report approvals that do not count under the endpoint's approval policy."""
        self._report_approvals((each, outcomes.ignored(each), each.objection) for each in approvals)

    def report_ignored_late(self) -> None:
        """Report approvals that an earlier pass ignored and could not report."""
        owed = [
            each
            for each in self._ledger.history.approvals
            if not each.decides
            and each.ineligible_reported is None
            and self._now() - each.approved_at >= REPORT_GRACE
        ]
        self.report_ignored(*owed)

    def _report_approvals(self, reports: Iterable[tuple[Approval, Outcome, str | None]]) -> None:
        refused = 0
        for approval, outcome, reason in reports:
            if self._reporter.report(outcome):
                self._ledger.change_approval(approval, ineligible_reported=reason)
            elif (refused := refused + 1) == MOST_REFUSED:
                return

    def report_undeletable(self, test_endpoint: Endpoint, refusal: str) -> None:
        """Report a test endpoint that SageMaker refuses to delete, once."""
        self._report_once(
            test_endpoint.arn,
            f"Test endpoint {test_endpoint.name} cannot be deleted, and costs money until it is: "
            f"{sentence(refusal)} Remove the cause, such as a service control policy, or delete it.",
            self._correlation_id(),
        )

    def report_hidden(self, version_arn: str, hidden: Hidden) -> None:
        """Report an approved version that the registry does not let the deployer read, once."""
        message = f"{version_arn} is approved and cannot be read: {hidden.reason}"
        self._logger.warning(message, model_package_arn=version_arn)
        what = (
            f"{self._endpoint_name} does not get it before the deployer's role may read it. "
            "Permit sagemaker:DescribeModelPackage, and the use of the key that its model card is "
            "encrypted with; `greenlight doctor` says what is missing."
            if hidden.is_denied
            else f"{self._endpoint_name} does not get it before SageMaker describes it. "
            "Register its model as another version, and approve that one."
        )
        self._report_once(version_arn, f"{message}. {what}", self._endpoint_name)

    def _report_once(self, arn: str, message: str, correlation_id: str) -> None:
        """Report trouble with a version or a test endpoint, unless its trouble was reported before."""
        if self._refused_once >= MOST_REFUSED or self._ledger.is_reported(arn):
            return
        if self._hand_over(message, correlation_id):
            self._ledger.record_reported_once(arn)
        else:
            self._refused_once += 1

    def _hand_over(
        self, message: str, correlation_id: str, kind: OutcomeKind = OutcomeKind.NEEDS_ATTENTION
    ) -> bool:
        return self._reporter.report(
            outcomes.notice(kind, self._endpoint_name, message, time=self._now(), cause=correlation_id)
        )
