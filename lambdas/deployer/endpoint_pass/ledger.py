"""Keeps one endpoint's records: the only writer of the journal, and of this invocation's copy of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from deployer.decisions.announcing import is_announced
from deployer.decisions.restarting import still_restarted
from deployer.decisions.rollbacks import still_holding
from deployer.decisions.trying_again import still_renewed
from deployer.model.approval import Approval, ApprovalSource, HeardApproval, Weight
from deployer.model.attempt import Attempt
from deployer.model.history import LastObserved, covers, standing_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools import Logger

    from deployer.gateways.journal import Journal
    from deployer.model.attempt import Deployment, Promotion
    from deployer.model.history import History

Kind = TypeVar("Kind", bound=Attempt)


_TRIES: Final = 3
"""How often a change is written while other invocations change the same."""


class LostLeaseError(Exception):
    """Another invocation has moved this endpoint's attempt: leave the endpoint to it."""


class Ledger:
    """One endpoint's records, as this invocation knows and changes them.

    Every change is written to the journal first. A change of an attempt is conditional on the state that was
    read. If it fails, another invocation was faster, and this one stops.

    Args:
        endpoint_name: The endpoint.
        journal: Where the records are kept.
        logger: Carries the correlation id: the attempt's, once there is one.
        invocation_id: This invocation's.
        writes_metadata: Whether the ends of deployments are written to the registry.
    """

    def __init__(
        self,
        endpoint_name: str,
        journal: Journal,
        logger: Logger,
        *,
        invocation_id: str,
        writes_metadata: bool = False,
    ) -> None:
        self.endpoint_name = endpoint_name
        self._journal = journal
        self._logger = logger
        self.invocation_id = invocation_id
        self._writes_metadata = writes_metadata
        self._history = journal.read(endpoint_name)
        self.has_changed_approvals = False
        """Whether this invocation changed approvals since it read the records or moved an attempt last.

        An invocation that settles an attempt after that has read these approvals.
        """

    @property
    def history(self) -> History:
        """The journal's content, with every change that this invocation made."""
        return self._history

    def refresh(self) -> None:
        """Read the records again."""
        self._history = self._journal.read(self.endpoint_name)
        self.has_changed_approvals = False

    def read_promotion(self, version_arn: str) -> None:
        """Read a version's last promotion."""
        found = self._journal.last_promotion(self.endpoint_name, version_arn)
        self._history = self._history.with_promotion(version_arn, found)

    # Approvals ----------------------------------------------------------------------------------------

    def record_approval(self, approval: Approval | HeardApproval) -> bool:
        """Write an approval; return whether it is new.

        An approval in the journal is not overwritten: the registry may since have lost its approver and its
        content.

        No event tells of an adopted approval: it stands for one that nobody knows. If another invocation
        journals one of the version first, that one has the right time.
        """
        for _ in range(_TRIES):
            marked = _marked(self._history, approval)
            replaced, standing = self._history.replaced_by(marked), standing_of(self._history, marked)
            written = self._journal.record_approval(marked, replaced, standing=standing)
            self._keep(written, partial(_with_approval, marked))
            if written:
                return True
            if covers(self._history, approval) or _is_told_by_now(self._history, approval):
                return False
            # Another invocation wrote, withdrew or marked another approval of the version.
        return False

    def change_approval(self, approval: Approval, **changes: Any) -> bool:  # noqa: ANN401 - fields of Approval
        """Change fields of an approval, if it still stands; return whether it does.

        Of two artifact digests the first counts.
        """
        changed = replace(approval, **changes)
        return self._keep(
            self._journal.change_approval(changed, *changes), lambda it: it.with_approval(changed)
        )

    def withdraw(self, approval: Approval | HeardApproval) -> bool:
        """Write that an approval does not stand any more; return False if another one stands by now."""
        after = self._history.without_approval(approval)
        gone = self._history.releases.keys() - after.releases.keys()
        forget = [self._history.releases[name] for name in sorted(gone)]
        return self._keep(self._journal.withdraw(approval, forget=forget), lambda _: after)

    def _keep(self, written: bool, change: Callable[[History], History]) -> bool:  # noqa: FBT001 - what a write returned
        """Make a change that was written in this copy, too; else read the approvals again. Return `written`.

        Only the approvals: an attempt that another invocation began meanwhile must not pass for one that was
        left behind.
        """
        if written:
            self._history = change(self._history)
            self.has_changed_approvals = True
        else:
            fresh = self._journal.read(self.endpoint_name)
            self._history = replace(self._history, approvals=fresh.approvals, heard=fresh.heard)
        return written

    def unknown_approvals(self) -> list[Approval]:
        """Return the approvals that were written since the records were read."""
        known = {each.key for each in self._history.approvals}
        fresh = self._journal.read(self.endpoint_name).approvals
        return [each for each in fresh if each.key not in known]

    # Attempts -----------------------------------------------------------------------------------------

    def begin(self, attempt: Kind) -> Kind:
        """Write an attempt under the next number, before its first call.

        Raises:
            LostLeaseError: Another invocation claimed the number first.
        """
        while True:
            history = self._history
            latest = history.latest_attempt
            written = history.last_observed.metadata_written if self._writes_metadata else None
            announced = [each for each in history.unannounced if is_announced(each, metadata_written=written)]
            unannounced = latest is not None and not is_announced(latest, metadata_written=written)
            if self._journal.begin(attempt, latest, unannounced=unannounced, announced=announced):
                break
            fresh = self._journal.read(self.endpoint_name)
            found = fresh.latest_attempt
            if (
                latest is None
                or found is None
                or found == latest
                # After the journal was lost, another attempt may have the number.
                or (found.number, found.started_at) != (latest.number, latest.started_at)
                # After the journal was put back, this one may be under way again: nobody else would end it.
                or found.status is not latest.status
            ):
                raise LostLeaseError
            # Another invocation only noted that it reported the attempt before.
            self._history = replace(history, latest_attempt=found, unannounced=fresh.unannounced)
        self._history = history.with_begun(attempt, is_latest_unannounced=unannounced)
        self.has_changed_approvals = False
        self._logger.append_keys(correlation_id=attempt.correlation_id)
        return attempt

    def move(self, attempt: Kind, **changes: Any) -> Kind:  # noqa: ANN401 - the attempt's fields
        """Change an attempt's state, and mark it as this invocation's.

        Raises:
            LostLeaseError: Another invocation moved it meanwhile.
        """
        moved = replace(attempt, invocation_id=self.invocation_id, **changes)
        history, latest = self._history, self._history.latest_attempt
        after = history.with_moved(moved)
        changed = history.records_of(moved)
        kept = [each for each in changed if each.endpoint_config_name in after.releases]
        gone = history.releases.keys() - after.releases.keys()
        if not self._journal.move(
            attempt,
            moved,
            is_latest=latest is not None and latest.number == attempt.number,
            records=kept,
            forget=[history.releases[name] for name in sorted(gone)],
        ):
            raise LostLeaseError
        self._history = after
        self.has_changed_approvals = False
        return moved

    def record_reported(
        self, attempt: Deployment | Promotion, flag: Literal["start_reported", "end_reported"]
    ) -> None:
        """Write that an outcome of an attempt was handed over."""
        self._journal.record_reported(attempt, flag)
        reported: dict[str, Any] = {flag: True}
        self._history = self._history.with_moved(replace(attempt, **reported))

    # At rest ------------------------------------------------------------------------------------------

    def note(self, **changes: Any) -> None:  # noqa: ANN401 - fields of LastObserved
        """Write what was observed, done or reported at the endpoint's rest.

        Another invocation may have said something of other versions in the registry since the records were
        read. That is kept beside what this one said: the next look takes back what is not so any more.
        """
        before = seen = self._history.last_observed
        is_said = "metadata_said" in changes
        for _ in range(_TRIES):
            after = replace(seen, **changes)
            if (
                after == seen
                or self._journal.record_last_observed(self.endpoint_name, seen, after, as_read=is_said)
                or not is_said
            ):
                break
            seen = self._journal.read(self.endpoint_name).last_observed
            if seen == LastObserved():
                # The journal was lost.
                break
            changes["metadata_said"] = {**seen.metadata_said, **changes["metadata_said"]}
        self._history = replace(self._history, last_observed=replace(before, **changes))

    def is_reported(self, arn: str) -> bool:
        """Tell whether a version was reported as unreadable, or a test endpoint as undeletable."""
        return self._journal.reported_unreadable(self.endpoint_name, arn)

    def record_reported_once(self, arn: str) -> None:
        """Write that a version was reported as unreadable, or a test endpoint as undeletable."""
        self._journal.record_unreadable(self.endpoint_name, arn)


def _marked(history: History, approval: Approval | HeardApproval) -> Approval | HeardApproval:
    """Return an approval with what people asked for since it was given, if the journal knows that."""
    if isinstance(approval, HeardApproval):
        return approval
    held = still_holding(history, approval) if approval.counts else None
    retry, restart = still_renewed(history, approval), still_restarted(history, approval)
    return replace(approval, rollback=held, retry=retry, restart=restart)


def _with_approval(approval: Approval | HeardApproval, history: History) -> History:
    return history.with_approval(approval)


def _is_told_by_now(history: History, approval: Approval | HeardApproval) -> bool:
    """Tell whether an approval that was adopted has no place beside one of its version that stands by now.

    Meanwhile the version may have been deployed, and a deployer may have changed it last. The registry then
    shows a later time, and no approver.
    """
    if not isinstance(approval, Approval) or approval.source is not ApprovalSource.ADOPTED:
        return False
    return any(
        approval.is_of(each.version_arn, each.approved_at) and each.weight in {Weight.COUNTS, approval.weight}
        for each in history.approvals
    )
