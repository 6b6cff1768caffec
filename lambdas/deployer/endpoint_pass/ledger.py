"""Keeps one endpoint's history: the only writer of the journal, and of this invocation's copy of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from deployer.decisions.facts import UnreadAttempts, UnreadAttemptsAfter
from deployer.gateways.journal import WINDOW
from deployer.model.attempt import Attempt
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.gateways.journal import Journal
    from deployer.model.approval import Approval, HeardApproval
    from deployer.model.attempt import Deployment, Promotion
    from deployer.model.history import History

Kind = TypeVar("Kind", bound=Attempt)


class LostLeaseError(Exception):
    """Another invocation has moved this endpoint's attempt: leave the endpoint to it."""


class Ledger:
    """One endpoint's history, as this invocation knows and changes it.

    Every change is written to the journal first. A change of an attempt is conditional on the state that was
    read. If it fails, another invocation was faster, and this one stops.

    Args:
        endpoint_name: The endpoint.
        journal: Where the history is kept.
        logger: Carries the correlation id: the attempt's, once there is one.
        invocation_id: This invocation's.
    """

    def __init__(self, endpoint_name: str, journal: Journal, logger: Logger, *, invocation_id: str) -> None:
        self.endpoint_name = endpoint_name
        self._journal = journal
        self._logger = logger
        self.invocation_id = invocation_id
        self._history = journal.read(endpoint_name)

    @property
    def history(self) -> History:
        """The journal's content, with every change that this invocation made."""
        return self._history

    def refresh(self) -> None:
        """Read the history again."""
        self._history = self._journal.read(self.endpoint_name)

    def recall(self, unread: UnreadAttempts | UnreadAttemptsAfter) -> None:
        """Read attempts that have left the window: a subject's, or the hundred newest after a number."""
        history = self._history
        match unread:
            case UnreadAttempts(subject):
                found = self._journal.attempts_on(self.endpoint_name, subject)
                self._history = history.with_recalled(subject, found)
            case UnreadAttemptsAfter(number):
                limit, oldest = min(history.missing_after(number), WINDOW), history.attempts[-1].number
                found = self._journal.attempts_before(self.endpoint_name, oldest, limit=limit)
                self._history = history.with_recalled_after(number, found)

    # Approvals ----------------------------------------------------------------------------------------

    def knows(self, version_arn: str) -> bool:
        """Tell whether the version's approval that stands now is in the journal already, read or not."""
        history = self._history
        if any(same_arn(each.version_arn, version_arn) for each in history.heard):
            return True
        given = [each for each in history.approvals if same_arn(each.version_arn, version_arn)]
        if given:
            return not all(each.withdrawn for each in given)
        return history.full and self._journal.knows(self.endpoint_name, version_arn)

    def record_approval(self, approval: Approval | HeardApproval) -> bool:
        """Write an approval; return whether it is new.

        An approval in the journal is not overwritten: the registry may since have lost its approver and its
            content.
        """
        if self._journal.record_approval(approval):
            self._history = self._history.with_approval(approval)
            return True
        if all(each.key != approval.key for each in self._history.approvals):
            self.refresh()
        return False

    def change_approval(self, approval: Approval | HeardApproval, **changes: Any) -> None:  # noqa: ANN401 - fields of Approval
        """Change fields of an approval."""
        changed = replace(approval, **changes)
        self._journal.change_approval(changed, *changes)
        self._history = self._history.with_approval(changed)

    def record_artifact_digest(self, approval: Approval, digest: str) -> None:
        """Write an approval's artifact digest, if S3 hid the artifacts then. The first digest counts."""
        if self._journal.record_artifact_digest(approval, digest):
            self._history = self._history.with_approval(replace(approval, artifact_digest=digest))
        else:
            self.refresh()

    def unknown_approvals(self) -> list[Approval]:
        """Return the approvals that were written since the history was read."""
        known = {each.key for each in self._history.approvals}
        fresh = self._journal.read(self.endpoint_name).approvals
        return [each for each in fresh if each.key not in known]

    # Attempts -----------------------------------------------------------------------------------------

    def begin(self, attempt: Kind) -> Kind:
        """Write an attempt under the next number, before its first call.

        Raises:
            LostLeaseError: Another invocation claimed the number first.
        """
        self._journal.file_leaving(self._history)
        if not self._journal.begin(attempt):
            raise LostLeaseError
        self._history = self._history.with_attempt(attempt)
        self._logger.append_keys(correlation_id=attempt.correlation_id)
        return attempt

    def move(self, attempt: Kind, **changes: Any) -> Kind:  # noqa: ANN401 - the attempt's fields
        """Change an attempt's state, and mark it as this invocation's.

        Raises:
            LostLeaseError: Another invocation moved it meanwhile.
        """
        moved = replace(attempt, invocation_id=self.invocation_id, **changes)
        if not self._journal.move(attempt, moved):
            raise LostLeaseError
        self._history = self._history.with_attempt(moved)
        return moved

    def record_reported(
        self, attempt: Deployment | Promotion, flag: Literal["start_reported", "end_reported"]
    ) -> None:
        """Write that an outcome of an attempt was handed over."""
        self._journal.record_reported(attempt, flag)
        reported: dict[str, Any] = {flag: True}
        self._history = self._history.with_attempt(replace(attempt, **reported))

    # At rest ------------------------------------------------------------------------------------------

    def note(self, **changes: Any) -> None:  # noqa: ANN401 - fields of LastObserved
        """Write what was observed, done or reported at the endpoint's rest."""
        before = self._history.last_observed
        after = replace(before, **changes)
        if after != before:
            self._journal.record_last_observed(self.endpoint_name, before, after)
            self._history = replace(self._history, last_observed=after)

    def is_reported_unreadable(self, version_arn: str) -> bool:
        """Tell whether a version was reported as unreadable."""
        return self._journal.reported_unreadable(self.endpoint_name, version_arn)

    def record_unreadable(self, version_arn: str) -> None:
        """Write that a version was reported as unreadable."""
        self._journal.record_unreadable(self.endpoint_name, version_arn)
