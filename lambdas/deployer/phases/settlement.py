"""Settles the deployment under way once the endpoint shows how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.decisions.judgement import Judgement, Verdict, judge
from deployer.decisions.rollbacks import why_aborted
from deployer.endpoint_pass.round import Next
from deployer.model.attempt import AttemptStatus, Deployment

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.reports import Reports
    from deployer.endpoint_pass.round import Round
    from deployer.gateways.endpoints import Endpoints
    from deployer.model.endpoint import Endpoint
    from deployer.phases.smoke_testing import SmokeTestingPhase

_STATUSES: Final = {
    Verdict.SUCCEEDED: AttemptStatus.SUCCEEDED,
    Verdict.FAILED: AttemptStatus.FAILED,
    Verdict.ABORTED: AttemptStatus.ABORTED,
}
"""The status by which a verdict settles a deployment. The other verdicts settle none."""


class SettlementPhase:
    """Reads the endpoint, and settles a deployment that has ended."""

    def __init__(
        self,
        endpoints: Endpoints,
        ledger: Ledger,
        attempts: Attempts,
        reports: Reports,
        smoke_testing: SmokeTestingPhase,
        executor: Executor,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._endpoints = endpoints
        self._ledger = ledger
        self._attempts = attempts
        self._reports = reports
        self._smoke_testing = smoke_testing
        self._executor = executor
        self._logger = logger
        self._now = now

    def run(self, round_: Round) -> Next:
        """Settle a deployment that ended, or claim it for its smoke test, and report owed outcomes."""
        endpoint = round_.endpoint = self._read(round_)
        deployment = self._ledger.history.unsettled
        # Only its invocation knows how another kind of attempt ended. One that was left behind is withdrawn.
        if isinstance(deployment, Deployment):
            self._logger.append_keys(correlation_id=deployment.correlation_id)
            self._settle(deployment, endpoint)
        self._reports.report_late(endpoint)
        return Next.GO_ON

    def _read(self, round_: Round) -> Endpoint | None:
        deployment = self._ledger.history.unsettled
        endpoint = self._endpoints.describe(self._ledger.endpoint_name)
        if endpoint is not None and isinstance(deployment, Deployment):
            return self._smoke_testing.read_bake(round_.told_of, deployment, endpoint)
        return endpoint

    def _settle(self, deployment: Deployment, endpoint: Endpoint | None) -> None:
        end = end_of(deployment, endpoint, now=self._now())
        if end is None:
            if endpoint is not None and (
                self._smoke_testing.is_due_in_bake(deployment, endpoint)
                or self._smoke_testing.is_due_again(deployment, endpoint)
            ):
                self._attempts.claim_test(deployment)
            return
        status, judgement = end
        if status is AttemptStatus.ACCEPTED:
            self._attempts.accept(deployment)
            return
        if deployment.abort_asked_at is not None:
            # Clear the alarm before the end is noted: if this invocation dies in between, the next one clears
            # it again. And clear it long before the next update, as SageMaker's view of alarms may lag.
            self._executor.end_abort()
        if status is AttemptStatus.SUCCEEDED and self._smoke_testing.is_due(deployment):
            self._attempts.claim_test(deployment)
            return
        if status is AttemptStatus.SUCCEEDED and self._is_held_by_another(deployment):
            # That one may be in the middle of a test which began in the bake and is about to fail.
            return
        reason = judgement.reason
        if status is AttemptStatus.ABORTED:
            reason = why_aborted(self._ledger.history, deployment, reason)
        self._attempts.settle(deployment, status, reason=reason, cause=judgement.cause, endpoint=endpoint)

    def _is_held_by_another(self, deployment: Deployment) -> bool:
        """Tell whether another invocation tests a deployment's version, or waits to test it again.

        The invocation that asked for an abort does not.
        """
        return (
            deployment.status is AttemptStatus.TESTING
            and deployment.abort_asked_at is None
            and deployment.invocation_id != self._ledger.invocation_id
            and self._now() < deployment.lease_until
        )


def settle_unmanaged(
    endpoints: Endpoints,
    ledger: Ledger,
    attempts: Attempts,
    reports: Reports,
    now: datetime,
) -> None:
    """Settle what was under way when an endpoint's settings were removed: people wait for its outcome.

    The settings took its smoke test and its abort alarm with them.
    """
    deployment = ledger.history.unsettled
    if deployment is None and not reports.owed:
        return
    endpoint = endpoints.describe(ledger.endpoint_name)
    if isinstance(deployment, Deployment) and (end := end_of(deployment, endpoint, now=now)) is not None:
        status, judgement = end
        if status is AttemptStatus.ACCEPTED:
            attempts.accept(deployment)
        else:
            attempts.settle(
                deployment, status, reason=judgement.reason, cause=judgement.cause, endpoint=endpoint
            )
    reports.report_late(endpoint)


def end_of(
    deployment: Deployment, endpoint: Endpoint | None, *, now: datetime
) -> tuple[AttemptStatus, Judgement] | None:
    """Return a deployment's next status and why, by its endpoint; None if nothing changes.

    The next status is ACCEPTED if the invocation that called SageMaker died before it noted the answer.
    """
    if endpoint is not None and endpoint.modifying:
        if deployment.status is AttemptStatus.OPEN and deployment.is_under_way_on(endpoint):
            return AttemptStatus.ACCEPTED, Judgement(Verdict.NOT_SEEN_YET)
        return None
    judgement = judge(deployment, endpoint, now=now)
    status = _STATUSES.get(judgement.verdict)
    if status is not None and deployment.failed_test is not None:
        # It failed in the bake: whether SageMaker went back in time is no matter of the version's.
        failure = deployment.failed_test
        judgement = Judgement(Verdict.FAILED, failure.reason, failure.cause)
        status = AttemptStatus.FAILED
    return (status, judgement) if status is not None else None
