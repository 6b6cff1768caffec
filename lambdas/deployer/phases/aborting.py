"""Waits while SageMaker is at work, and makes it roll back an update that was given up.

Its approval was taken back, a person rolled it back, or the version failed its smoke test in the bake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.rollbacks import rollback_of
from deployer.endpoint_pass.round import Next
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.names import same_arn
from deployer.model.steps import SetOffAbortAlarm

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.model.attempt import Attempt
    from deployer.model.endpoint import Endpoint
    from deployer.model.settings import EndpointSettings


class AbortingPhase:
    """Stops the pass while an attempt or another change of the endpoint is under way."""

    def __init__(
        self,
        settings: EndpointSettings,
        ledger: Ledger,
        attempts: Attempts,
        versions: Versions,
        notices: Notices,
        executor: Executor,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._attempts = attempts
        self._versions = versions
        self._notices = notices
        self._executor = executor
        self._logger = logger
        self._now = now

    def run(self, round_: Round) -> Next:
        """Wait for the change under way, unless it was left behind."""
        endpoint, attempt = round_.endpoint, self._ledger.history.unsettled
        if attempt is not None and not was_left_behind(attempt, now=self._now()):
            if isinstance(attempt, Deployment) and endpoint is not None:
                self._abort_if_given_up(attempt, endpoint)
            self._logger.info("An attempt is under way: waiting", attempt=attempt.number)
            return Next.LEAVE
        if endpoint is not None and endpoint.modifying:
            self._logger.info("The endpoint is being modified: waiting", status=endpoint.status)
            return Next.STOP
        return Next.GO_ON

    def _abort_if_given_up(self, deployment: Deployment, endpoint: Endpoint) -> None:
        alarm_name = self._settings.abort_alarm_name
        if alarm_name is None or endpoint.status != "Updating" or not deployment.is_under_way_on(endpoint):
            return
        why = self._given_up(deployment)
        if why is None:
            return
        if deployment.at_once or alarm_name in deployment.alarms_left_out:
            # SageMaker does not look at the alarm, and it may be somebody else's.
            self._logger.warning("It was given up, and its rollout is not guarded by the alarm", reason=why)
            return
        # Note it first: the invocation that settles the attempt must not blame the version.
        self._attempts.note_abort(deployment)
        version = f"version {deployment.version} of {deployment.group_name}"
        step = SetOffAbortAlarm(alarm_name, reason=f"Greenlight: {version} {why}.")
        self._logger.warning(
            "Making SageMaker roll back", reason=why, attempt=deployment.number, steps=[step]
        )
        try:
            self._executor.make(step)
        except UpkeepRefusedError as refusal:
            if refusal.is_passing:
                raise
            self._notices.report(
                f"V{version[1:]} {why}, and its rollout "
                f"on {deployment.endpoint_name} cannot be stopped. When it is over, the version before it is "
                f"put back. {refusal}"
            )

    def _given_up(self, deployment: Deployment) -> str | None:
        """Return why a rollout is to be aborted, in words; None if it is not."""
        if deployment.failed_test is not None:
            return "failed its smoke test"
        if rollback_of(self._ledger.history, deployment.version_arn) is not None:
            return "was rolled back by a person"
        stand = [each.version_arn for each in self._ledger.history.approvals]
        taken_back = [
            each for each in deployment.version_arns if not any(same_arn(each, arn) for arn in stand)
        ]
        if all(self._versions.may_still_serve(each) for each in taken_back):
            return None
        return "is no longer approved"


def was_left_behind(attempt: Attempt, *, now: datetime) -> bool:
    """Tell whether an unsettled attempt was left behind, by an invocation that died or released its lease."""
    return attempt.status is AttemptStatus.OPEN and now >= attempt.lease_until
