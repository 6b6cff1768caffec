"""Moves an endpoint's attempts from state to state, in the journal first and then for people to hear.

Every move is conditional on the state that was read. Whoever loses one was overtaken by another pass, which
knows more: it stops, and leaves the endpoint to that one.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from deployer.gateways.journal import WINDOW
from deployer.model import outcomes, statuses
from deployer.model.attempt import NOTHING, Action, Attempt, AttemptStatus, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Approval
    from deployer.decisions.plan import UpdateEndpoint
    from deployer.gateways.journal import History, Journal
    from deployer.gateways.reporter import Reporter
    from deployer.model.attempt import Deletion
    from deployer.model.endpoint import Endpoint
    from deployer.model.life_cycle import LifeCycle
    from deployer.model.outcomes import Outcome
    from deployer.model.release import Release
    from deployer.model.smoke_test import Failure

LEASE: Final = timedelta(minutes=6)
"""How long an attempt belongs to the invocation that claimed it: longer than the function's time limit, so
that nobody takes over from one that is still running."""

REPORT_GRACE: Final = timedelta(seconds=30)
"""How long whoever noted an attempt's state has for telling of it, before another pass does."""


_STATUSES: Final = {
    Verdict.SUCCEEDED: AttemptStatus.SUCCEEDED,
    Verdict.FAILED: AttemptStatus.FAILED,
    Verdict.ABORTED: AttemptStatus.ABORTED,
}
"""How an attempt is settled on a verdict; on the others it is not."""


def _owes_report(attempt: Attempt) -> bool:
    if attempt.status is AttemptStatus.ACCEPTED:
        return not attempt.started_reported
    return attempt.is_told and not attempt.settled_reported


def _terms(update: UpdateEndpoint | None) -> dict[str, Any]:
    """Return what an attempt says of the update that it asks for."""
    return {
        "alarms_left_out": update.alarms_left_out if update is not None else (),
        "alarms_unread": update is not None and update.alarms_unread,
        "unguarded": update.unguarded if update is not None else None,
        "doubles_instances": update is not None and update.doubles_instances,
    }


class OvertakenError(Exception):
    """Another invocation is at work on this endpoint, and further: leave it to that one."""


class Attempts:
    """One endpoint's attempts, as this invocation knows and moves them.

    Attributes:
        history: What the journal holds, with every move that this invocation made.
    """

    def __init__(
        self,
        history: History,
        journal: Journal,
        reporter: Reporter,
        logger: Logger,
        *,
        now: Callable[[], datetime],
        invocation_id: str,
    ) -> None:
        self.history = history
        self._journal = journal
        self._reporter = reporter
        self._logger = logger
        self._now = now
        self._invocation_id = invocation_id

    @property
    def unsettled(self) -> Attempt | None:
        """The attempt whose end is not known yet, if there is one."""
        latest = self.history.latest_attempt
        return latest if latest is not None and latest.unsettled else None

    @property
    def owes_report(self) -> bool:
        """Whether something was noted and, as far as the journal knows, not told yet."""
        return any(_owes_report(attempt) for attempt in self.history.attempts)

    def recall(self, subject: str | None) -> None:
        """Read the attempts on a config, or promotions of a version, that may have left the window, once."""
        history = self.history
        if subject and history.forgets and subject not in history.recalled_subjects:
            found = self._journal.attempts_on(history.attempts[0].endpoint_name, subject)
            self.history = history.with_recalled(subject, found)

    def after(self, number: int) -> list[Attempt]:
        """Return the attempts after a number, newest first: of what has left the window a hundred at most."""
        attempts = self.history.attempts
        found = [each for each in attempts if each.number > number]
        if not self.history.forgets or (missing := attempts[-1].number - 1 - number) <= 0:
            return found
        oldest = attempts[-1]
        return found + self._journal.attempts_before(
            oldest.endpoint_name, oldest.number, limit=min(missing, WINDOW)
        )

    def latest_on(self, endpoint_config_name: str | None) -> Attempt | None:
        """Return the last attempt to put a config on the endpoint, whatever its age."""
        if self.history.latest_attempt_on(endpoint_config_name) is None:
            self.recall(endpoint_config_name)
        return self.history.latest_attempt_on(endpoint_config_name)

    def is_proven(self, endpoint_config_name: str) -> bool:
        """Tell whether a config ever served on the endpoint, and passed the smoke test if there was one."""
        if not self.history.is_proven(endpoint_config_name):
            self.recall(endpoint_config_name)
        return self.history.is_proven(endpoint_config_name)

    def age(self, attempt: Attempt) -> timedelta:
        """Return how long ago an attempt was journalled."""
        return self._now() - attempt.started_at

    def may_take_over(self, attempt: Attempt) -> bool:
        """Tell whether an unsettled attempt was left behind, by an invocation that died or gave it back."""
        return attempt.status is AttemptStatus.OPEN and self._now() >= attempt.lease_until

    def holds(self, attempt: Attempt) -> bool:
        """Tell whether an attempt is this invocation's to try with the smoke test."""
        return attempt.status is AttemptStatus.TESTING and attempt.invocation_id == self._invocation_id

    @property
    def was_cut_short(self) -> bool:
        """Whether a smoke test was begun, and the invocation that began it died: it may do so again."""
        attempt = self.unsettled
        return (
            attempt is not None
            and attempt.status is AttemptStatus.TESTING
            and (self._now() >= attempt.lease_until or self.holds(attempt))
        )

    def may_have_made(self, release: Release) -> bool:
        """Tell whether an attempt that the journal knows may have made what the release needs."""
        needed = {each["ModelName"] for each in release.create_models}
        return any(not needed.isdisjoint(each.model_names) for each in self.history.attempts)

    def vouched_until(self, name: str) -> datetime | None:
        """Return when a model or config of this name was last known to be the deployer's own work.

        Before SageMaker accepts an attempt, the deployer has made what that needs, or compared it. What was
        withdrawn proves nothing: it may have been, as the name was somebody else's.
        """
        proofs = (
            each.accepted_at or (each.settled_at if each.status is AttemptStatus.SUCCEEDED else None)
            for each in self.history.known
            if each.is_deployment and name in {each.endpoint_config_name, *each.model_names}
        )
        return max(filter(None, proofs), default=None)

    def was_put_off(self, release: Release) -> bool:
        """Tell whether the last attempt at a release was given up, and people were told why."""
        latest = self.history.latest_attempt
        return (
            latest is not None
            and latest.status is AttemptStatus.WITHDRAWN
            and latest.endpoint_config_name == release.endpoint_config_name
            and latest.reason is not None
            and latest.reason in (self.history.rest.told or "")
        )

    def begin(
        self,
        action: Action,
        approval: Approval,
        release: Release,
        endpoint: Endpoint | None,
        *,
        rolls_back: bool,
        update: UpdateEndpoint | None = None,
    ) -> Attempt:
        """Journal an attempt under the next number, before anything is asked of SageMaker.

        Args:
            action: What is asked for.
            approval: The approval that decides.
            release: What is to serve.
            endpoint: The endpoint as it is.
            rolls_back: Whether an older approval goes out again.
            update: The update, if it is one.

        Raises:
            OvertakenError: Another invocation claimed the number first.
        """
        now = self._now()
        latest = self.history.latest_attempt
        attempt = Attempt(
            endpoint_name=release.endpoint_name,
            number=latest.number + 1 if latest is not None else 1,
            action=action,
            version_arn=release.version_arn,
            version=release.version,
            group_name=approval.group_name,
            model_name=release.model_name,
            companions=release.companions,
            endpoint_config_name=release.endpoint_config_name,
            replaces_endpoint_config_name=endpoint.endpoint_config_name if endpoint else None,
            endpoint_last_modified_time=endpoint.last_modified_time if endpoint else None,
            rolls_back=rolls_back,
            approved_at=approval.approved_at,
            approved_by=approval.approved_by,
            correlation_id=approval.correlation_id,
            started_at=now,
            invocation_id=self._invocation_id,
            lease_until=now + LEASE,
            deletes_endpoint=endpoint is not None and endpoint.status in statuses.FAILED,
            **_terms(update),
            artefact_digest=release.artefact_digest,
        )
        return self._begin(attempt)

    def begin_clean_up(self, deletion: Deletion) -> Attempt:
        """Journal a clean-up before anything is deleted: a new one, or again the one that was left behind.

        Raises:
            OvertakenError: Another invocation was first.
        """
        latest = self.history.latest_attempt
        if latest is not None and latest.unsettled and latest.action is Action.CLEAN_UP:
            return self._move(latest, lease_until=self._now() + LEASE, deletion=deletion)
        assert latest is not None, "what is deleted was made by an attempt"
        return self._begin_aside(latest, Action.CLEAN_UP, deletion=deletion)

    def begin_promotion(self, attempt: Attempt, goal: LifeCycle) -> Attempt:
        """Journal the promotion of what an attempt put on the endpoint, before the registry is told.

        Raises:
            OvertakenError: Another invocation claimed the number first.
        """
        return self._begin_aside(attempt, Action.PROMOTE, goal=goal)

    def _begin_aside(
        self,
        of: Attempt,
        action: Action,
        *,
        deletion: Deletion = NOTHING,
        goal: LifeCycle | None = None,
    ) -> Attempt:
        """Journal an attempt that leaves what serves as it is."""
        latest = self.history.latest_attempt
        assert latest is not None, "it comes after the attempt that it is about"
        now = self._now()
        aside = replace(
            of,
            number=latest.number + 1,
            action=action,
            status=AttemptStatus.OPEN,
            started_at=now,
            lease_until=now + LEASE,
            invocation_id=self._invocation_id,
            settled_at=None,
            reason=None,
            trials=0,
            failed_test=None,
            rolls_back=False,
            deletes_endpoint=False,
            deletion=deletion,
            goal=goal,
            **_terms(None),
            started_reported=False,
            settled_reported=False,
        )
        return self._begin(aside)

    def _begin(self, attempt: Attempt) -> Attempt:
        self._journal.file_leaving(self.history)
        if not self._journal.begin(attempt):
            raise OvertakenError
        self.history = self.history.with_attempt(attempt)
        self._logger.append_keys(correlation_id=attempt.correlation_id)
        return attempt

    def take_over(
        self,
        attempt: Attempt,
        approval: Approval,
        endpoint: Endpoint | None,
        *,
        update: UpdateEndpoint | None = None,
    ) -> Attempt:
        """Go on with an attempt that was left behind, for approval and endpoint as they are by now.

        Raises:
            OvertakenError: Another invocation was first.
        """
        return self._move(
            attempt,
            lease_until=self._now() + LEASE,
            approved_at=approval.approved_at,
            approved_by=approval.approved_by,
            correlation_id=approval.correlation_id,
            endpoint_last_modified_time=endpoint.last_modified_time if endpoint else None,
            **_terms(update),
        )

    @contextmanager
    def given_back_if_cut_short(self, attempt: Attempt) -> Iterator[None]:
        """Give the lease back if an error ends the pass, so that a retry need not wait for it.

        Whether SageMaker was asked is open then; the next pass finds out.
        """
        try:
            yield
        except OvertakenError:
            raise
        except Exception:
            # If the error came after the attempt had moved on, there is nothing to give back.
            with suppress(OvertakenError):
                self.give_back(attempt)
            raise

    def amend(self, attempt: Attempt, update: UpdateEndpoint) -> Attempt:
        """Note that an attempt asks for another update than it was begun with.

        Raises:
            OvertakenError: Another invocation moved it meanwhile.
        """
        return self._move(attempt, **_terms(update))

    def give_back(self, attempt: Attempt) -> None:
        """Let any invocation go on with an attempt, now: this one cannot."""
        self._move(attempt, lease_until=self._now())

    def give_back_untried(self, attempt: Attempt) -> None:
        """Let any invocation try an attempt's version, now: this one's claim tells nothing of it."""
        self._move(attempt, lease_until=self._now(), trials=attempt.trials - 1)

    def accept(self, attempt: Attempt) -> None:
        """Note that SageMaker accepted an attempt, and tell of it."""
        now = self._now()
        accepted = self._move(
            attempt, status=AttemptStatus.ACCEPTED, accepted_at=now, lease_until=now + REPORT_GRACE
        )
        self._logger.info("SageMaker accepted the change", attempt=accepted.number)
        self._report(accepted, outcomes.started(accepted))

    def note_abort(self, attempt: Attempt) -> None:
        """Note that SageMaker is about to be made to roll an attempt back.

        Raises:
            OvertakenError: Another invocation moved it meanwhile.
        """
        if attempt.abort_asked_at is None:
            self._move(attempt, abort_asked_at=self._now())

    def settle(
        self,
        attempt: Attempt,
        status: AttemptStatus,
        *,
        reason: str | None,
        endpoint: Endpoint | None,
        failed_test: Failure | None = None,
    ) -> None:
        """Note how an attempt ended, and tell of it unless it never reached SageMaker."""
        now = self._now()
        settled = self._move(
            attempt,
            status=status,
            reason=reason,
            failed_test=failed_test,
            settled_at=now,
            lease_until=now + REPORT_GRACE,
        )
        self._logger.info("Attempt settled", attempt=settled.number, status=status.value, reason=reason)
        if settled.is_told:
            self._report(settled, outcomes.settled(settled, endpoint, self._retry_at(settled)))

    def follow(
        self,
        endpoint: Endpoint | None,
        *,
        is_tested: Callable[[Attempt], bool],
        clear_abort: Callable[[], object],
    ) -> None:
        """Settle the attempt under way, as far as the endpoint shows how it ended.

        What serves and is to be tried first is claimed for that, unless another invocation tries it.

        Args:
            endpoint: The endpoint.
            is_tested: Whether an attempt that succeeded is to pass the smoke test first.
            clear_abort: Clears the alarm by which an attempt was to be rolled back.

        Raises:
            OvertakenError: Another invocation was first.
        """
        attempt = self.unsettled
        if attempt is None or not attempt.is_deployment:
            # Only its owner knows how any other one ended; one that was left behind is withdrawn.
            return
        self._logger.append_keys(correlation_id=attempt.correlation_id)
        if endpoint is not None and endpoint.modifying:
            # Whoever asked died before it could note that SageMaker accepted.
            if attempt.status is AttemptStatus.OPEN and attempt.is_under_way_on(endpoint):
                self.accept(attempt)
            return
        judgement = judge(attempt, endpoint, now=self._now())
        status = _STATUSES.get(judgement.verdict)
        if status is None:
            return
        if attempt.abort_asked_at is not None:
            # Before its end is noted: if this invocation dies in between, the next one clears it again. And
            # long before the next update, if there is one: what SageMaker reads of alarms may lag.
            clear_abort()
        if status is AttemptStatus.SUCCEEDED and is_tested(attempt):
            self._claim_trial(attempt)
            return
        self.settle(attempt, status, reason=judgement.reason, endpoint=endpoint)

    def _claim_trial(self, attempt: Attempt) -> None:
        now = self._now()
        theirs = attempt.status is AttemptStatus.TESTING and attempt.invocation_id != self._invocation_id
        if not theirs or now >= attempt.lease_until:
            self._move(
                attempt,
                status=AttemptStatus.TESTING,
                lease_until=now + LEASE,
                trials=attempt.trials + 1,
            )

    def withdraw_left_behind(self, *, besides: Action | None = None) -> None:
        """Withdraw the attempt that was left behind, if there is one: something else is wanted by now."""
        if (attempt := self.unsettled) is not None and attempt.action is not besides:
            reason = "It is no longer wanted."
            self.settle(attempt, AttemptStatus.WITHDRAWN, reason=reason, endpoint=None)

    def report_late(self, endpoint: Endpoint | None) -> None:
        """Tell what an earlier pass noted and then could not tell.

        Raises:
            OvertakenError: Another invocation is about to.
        """
        for attempt in self.history.attempts:
            if _owes_report(attempt) and self._now() >= attempt.lease_until:
                claimed = self._move(attempt, lease_until=self._now() + REPORT_GRACE)
                if claimed.status is AttemptStatus.ACCEPTED:
                    self._report(claimed, outcomes.started(claimed))
                else:
                    self._report(claimed, outcomes.settled(claimed, endpoint, self._retry_at(claimed)))

    def _retry_at(self, attempt: Attempt) -> datetime | None:
        return attempt.retry_at(self.history.known)

    def _move(self, attempt: Attempt, **changes: object) -> Attempt:
        moved: Attempt = replace(attempt, invocation_id=self._invocation_id, **changes)  # type: ignore[arg-type] # fields
        if not self._journal.move(attempt, moved):
            raise OvertakenError
        self.history = self.history.with_attempt(moved)
        return moved

    def _report(self, attempt: Attempt, outcome: Outcome) -> None:
        if not self._reporter.report(outcome):
            return
        if outcome.kind is outcomes.OutcomeKind.STARTED:
            self._journal.note_reported(attempt, "started_reported")
            self.history = self.history.with_attempt(replace(attempt, started_reported=True))
        else:
            self._journal.note_reported(attempt, "settled_reported")
            self.history = self.history.with_attempt(replace(attempt, settled_reported=True))
