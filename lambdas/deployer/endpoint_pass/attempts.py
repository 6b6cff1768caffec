"""Moves an endpoint's attempts from state to state, in the journal first and then as outcomes."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from deployer.decisions.bake import bake_of
from deployer.decisions.restarting import restart_of, retry_of
from deployer.decisions.retries import is_retry, was_told
from deployer.decisions.rollbacks import rollback_from
from deployer.decisions.variant_properties import unset_properties
from deployer.endpoint_pass.ledger import LostLeaseError
from deployer.endpoint_pass.reports import REPORT_GRACE
from deployer.model import statuses
from deployer.model.attempt import Action, Attempt, AttemptStatus, CleanUp, Deployment, Promotion
from deployer.model.history import config_request
from deployer.model.steps import UpdateEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Choice
    from deployer.decisions.plan import Deploy
    from deployer.endpoint_pass.last_words import LastWords
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.reports import Reports
    from deployer.model.attempt import Deletion
    from deployer.model.cause import Cause
    from deployer.model.endpoint import Endpoint
    from deployer.model.life_cycle import LifeCycle
    from deployer.model.smoke_test import Failure

LEASE: Final = timedelta(minutes=6)
"""How long an attempt belongs to the invocation that claimed it. It is longer than the function's time limit,
so that no invocation takes over from one that still runs."""


class Attempts:
    """One endpoint's attempts.

    Every move raises LostLeaseError if another invocation moved the attempt meanwhile.
    """

    def __init__(
        self,
        ledger: Ledger,
        reports: Reports,
        logger: Logger,
        *,
        now: Callable[[], datetime],
        last_words: LastWords | None = None,
    ) -> None:
        self._ledger = ledger
        self._reports = reports
        self._logger = logger
        self._now = now
        self._last_words = last_words

    # Begin --------------------------------------------------------------------------------------------

    def begin_deployment(
        self,
        deploy: Deploy,
        choice: Choice,
        endpoint: Endpoint | None,
        *,
        rolls_back: bool = False,
        begins_test: bool = False,
    ) -> Deployment:
        """Journal a deployment, or continue one of the same release that was left behind.

        Args:
            deploy: What is done.
            choice: What it is for.
            endpoint: The endpoint.
            rolls_back: Whether it brings back a version that served well.
            begins_test: Whether its smoke test on a test endpoint begins now.
        """
        is_update = endpoint is not None and endpoint.status not in statuses.FAILED
        action = Action.UPDATE_ENDPOINT if is_update else Action.CREATE_ENDPOINT
        tested: dict[str, Any] = {
            "test_endpoint_name": deploy.test_endpoint_name,
            "test_passed_at": deploy.test_passed_at,
            "tests_begun": int(begins_test),
        }
        left_behind, approval = self._ledger.history.unsettled, choice.decided_by
        if left_behind is not None:
            if (
                isinstance(left_behind, Deployment)
                and left_behind.action is action
                and left_behind.endpoint_config_name == choice.release.endpoint_config_name
            ):
                if left_behind.test_endpoint_name == deploy.test_endpoint_name:
                    tested["tests_begun"] += left_behind.tests_begun
                return self._ledger.move(
                    left_behind,
                    lease_until=self._now() + LEASE,
                    approved_at=approval.approved_at,
                    approved_by=approval.approved_by,
                    correlation_id=approval.correlation_id,
                    endpoint_last_modified_time=endpoint.last_modified_time if endpoint else None,
                    **tested,
                    **_terms(deploy),
                )
            self.withdraw_left_behind()
        return self._begin(action, choice, endpoint, rolls_back=rolls_back, **tested, **_terms(deploy))

    def begin_retest(self, choice: Choice, endpoint: Endpoint) -> None:
        """Journal a deployment of the release that serves already, to test it again."""
        self.withdraw_left_behind()
        unset = unset_properties(self._ledger.history, endpoint.endpoint_config_name)
        self._begin(Action.UPDATE_ENDPOINT, choice, endpoint, rolls_back=False, to_set=unset)

    def _begin(
        self,
        action: Action,
        choice: Choice,
        endpoint: Endpoint | None,
        *,
        rolls_back: bool,
        **terms: Any,  # noqa: ANN401 - the deployment's fields
    ) -> Deployment:
        approval, release = choice.decided_by, choice.release
        replaced = endpoint.endpoint_config_name if endpoint else None
        return self._ledger.begin(
            Deployment(
                **_claimed(self._ledger, approval.correlation_id, self._now()),
                action=action,
                version_arn=release.version_arn,
                version=release.version,
                group_name=approval.group_name,
                model_name=release.model_name,
                companions=release.companions,
                endpoint_config_name=release.endpoint_config_name,
                replaces_endpoint_config_name=replaced,
                endpoint_last_modified_time=endpoint.last_modified_time if endpoint else None,
                rolls_back=rolls_back,
                rollback=rollback_from(self._ledger.history, replaced) if rolls_back else None,
                retry=retry_of(self._ledger.history, choice),
                restart=restart_of(self._ledger.history, choice),
                approved_at=approval.approved_at,
                approved_by=approval.approved_by,
                deletes_endpoint=endpoint is not None and endpoint.status in statuses.FAILED,
                artifact_digest=release.artifact_digest,
                config_request=release.create_endpoint_config
                or config_request(self._ledger.history, release.endpoint_config_name),
                **terms,
            )
        )

    def begin_promotion(self, of: Deployment, goal: LifeCycle) -> Promotion:
        """Journal the promotion of the version that a deployment put on the endpoint."""
        self.withdraw_left_behind()
        return self._ledger.begin(
            Promotion(
                **_claimed(self._ledger, of.correlation_id, self._now()),
                version_arn=of.version_arn,
                version=of.version,
                group_name=of.group_name,
                model_name=of.model_name,
                companions=of.companions,
                endpoint_config_name=of.endpoint_config_name,
                approved_at=of.approved_at,
                approved_by=of.approved_by,
                artifact_digest=of.artifact_digest,
                goal=goal,
            )
        )

    def begin_clean_up(self, deletion: Deletion) -> CleanUp:
        """Journal a clean-up before its first deletion, or continue one that was left behind."""
        latest = self._ledger.history.latest_attempt
        if isinstance(latest, CleanUp) and latest.unsettled:
            return self._ledger.move(latest, lease_until=self._now() + LEASE, deletion=deletion)
        assert latest is not None, "what is deleted was made by an attempt"
        return self._ledger.begin(
            CleanUp(**_claimed(self._ledger, latest.correlation_id, self._now()), deletion=deletion)
        )

    # Move ---------------------------------------------------------------------------------------------

    def change_terms(self, deployment: Deployment, deploy: Deploy) -> Deployment:
        """Note that a deployment asks for a different update than at its start."""
        return self._ledger.move(deployment, **_terms(deploy))

    def accept(self, deployment: Deployment) -> None:
        """Note that SageMaker accepted a deployment, and report it."""
        now = self._now()
        accepted = self._ledger.move(
            deployment,
            status=AttemptStatus.ACCEPTED,
            accepted_at=now,
            lease_until=now + REPORT_GRACE,
            # People were told why it waits. They hear of it again when it succeeded, or when the reason
            # changes.
            start_reported=is_retry(deployment, self._ledger.history.deployments),
        )
        self._logger.info("SageMaker accepted the change", attempt=accepted.number)
        if not accepted.start_reported:
            self._reports.report(accepted, None)

    def note_abort(self, deployment: Deployment) -> None:
        """Note a deployment's abort, before the alarm that makes SageMaker roll it back is set off."""
        if deployment.abort_asked_at is None:
            self._ledger.move(deployment, abort_asked_at=self._now())

    def claim_test(self, deployment: Deployment) -> Deployment | None:
        """Claim a deployment for its smoke test; None if another invocation is running the test."""
        now = self._now()
        testing = deployment.status is AttemptStatus.TESTING
        if (
            testing
            and deployment.invocation_id != self._ledger.invocation_id
            and now < deployment.lease_until
        ):
            return None
        return self._ledger.move(
            deployment,
            status=AttemptStatus.TESTING,
            lease_until=now + LEASE,
            tests_begun=deployment.tests_begun + 1,
        )

    def note_test_in_bake(
        self, deployment: Deployment, failure: Failure | None, *, is_held: bool = False
    ) -> None:
        """Note how a smoke test in the bake ended; SageMaker's rollout goes on, or is to be aborted.

        Args:
            deployment: The deployment.
            failure: Why the version failed, if it did.
            is_held: Whether this invocation goes on to test the version. Then it keeps its lease, and it
                notes only the first test that the version passed.
        """
        now = self._now()
        if is_held:
            if deployment.test_passed_at is None:
                self._ledger.move(deployment, test_passed_at=now)
            return
        ended: dict[str, Any] = {"failed_test": failure, "abort_asked_at": now}
        if failure is None:
            ended = {"test_passed_at": now}
        self._ledger.move(deployment, status=AttemptStatus.ACCEPTED, lease_until=now, **ended)
        self._logger.info(
            "Smoke test in the bake ended",
            attempt=deployment.number,
            reason=failure.reason if failure is not None else None,
        )

    def release_lease(self, attempt: Attempt, **changes: Any) -> None:  # noqa: ANN401 - the attempt's fields
        """Let any invocation continue an attempt that this one cannot."""
        self._ledger.move(attempt, lease_until=self._now(), **changes)

    @contextmanager
    def released_if_cut_short(self, attempt: Attempt) -> Iterator[None]:
        """Release the lease if an error ends the pass, so that a retry need not wait for it.

        It is unknown then whether AWS got the call; the next pass finds out.
        """
        try:
            yield
        except LostLeaseError:
            raise
        except Exception:
            # If the error came after the attempt had moved on, there is no lease to release.
            with suppress(LostLeaseError):
                self.release_lease(attempt)
            raise

    def settle(
        self,
        attempt: Deployment | Promotion | CleanUp,
        status: AttemptStatus,
        *,
        reason: str | None = None,
        cause: Cause | None = None,
        endpoint: Endpoint | None = None,
        failed_test: Failure | None = None,
    ) -> None:
        """Note how an attempt ended, and report it if it has an outcome."""
        assert (cause is not None) == (status is AttemptStatus.FAILED), "a failure has a cause"
        if isinstance(attempt, Deployment) and cause is not None and self._last_words is not None:
            reason = self._last_words.added_to(reason or "", attempt, cause)
        now = self._now()
        changes: dict[str, Any] = {"status": status, "reason": reason, "cause": cause, "settled_at": now}
        if isinstance(attempt, Deployment):
            failed_test = failed_test or attempt.failed_test
            ended = replace(attempt, failed_test=failed_test, **changes)
            told = ended.was_hindered and was_told(ended, self._ledger.history.deployments)
            changes |= {"failed_test": failed_test, "end_reported": told}
        settled = self._ledger.move(attempt, lease_until=now + REPORT_GRACE, **changes)
        self._logger.info(
            "Attempt settled",
            attempt=settled.number,
            status=status.value,
            reason=reason,
            cause=cause.value if cause is not None else None,
        )
        if not isinstance(settled, CleanUp) and settled.has_outcome and not settled.end_reported:
            self._reports.report(settled, endpoint)

    def withdraw_left_behind(self, *, but_clean_ups: bool = False) -> None:
        """Withdraw the attempt that was left behind, if any, as another release is wanted now."""
        attempt = self._ledger.history.unsettled
        if attempt is None or (but_clean_ups and isinstance(attempt, CleanUp)):
            return
        assert isinstance(attempt, Deployment | Promotion | CleanUp)
        self.settle(attempt, AttemptStatus.WITHDRAWN, reason="It is no longer wanted.")


def _claimed(ledger: Ledger, correlation_id: str, now: datetime) -> dict[str, Any]:
    """Return the fields by which an attempt claims its endpoint's next number."""
    latest = ledger.history.latest_attempt
    return {
        "endpoint_name": ledger.endpoint_name,
        "number": latest.number + 1 if latest is not None else 1,
        "correlation_id": correlation_id,
        "started_at": now,
        "invocation_id": ledger.invocation_id,
        "lease_until": now + LEASE,
    }


def _terms(deploy: Deploy) -> dict[str, Any]:
    """Return the fields in which a deployment records the update that it asks for."""
    update = deploy.change if isinstance(deploy.change, UpdateEndpoint) else None
    return {
        "alarms_left_out": update.alarms_left_out if update is not None else (),
        "alarms_unread": update is not None and update.alarms_unread,
        "unguarded": update.unguarded if update is not None else None,
        "doubles_instances": update is not None and update.doubles_instances,
        "to_set": update.to_set if update is not None else (),
        "at_once": update is not None and update.at_once,
        "bake": bake_of(deploy),
    }
