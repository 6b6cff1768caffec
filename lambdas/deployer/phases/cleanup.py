"""Deletes the deployer's models and endpoint configs that nothing needs any more."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from deployer.decisions.retention import deletion_steps, plan_clean_up
from deployer.endpoint_pass.round import Next
from deployer.gateways.models_and_configs import names_in_use
from deployer.gateways.sagemaker_errors import RefusedError, ThrottledError
from deployer.model.attempt import NOTHING, AttemptStatus, CleanUp
from deployer.model.excerpts import sentence
from deployer.phases.rollout import NEWER_APPROVAL

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.gateways import Gateways
    from deployer.model.attempt import Deletion

BETWEEN_TRIES: Final = timedelta(hours=6)
"""How long after a refusal the same deletion is tried again. Each try is an attempt in the journal."""


class CleanUpPhase:
    """Cleans up after deployments on an endpoint at rest."""

    def __init__(
        self,
        endpoint_name: str,
        gateways: Gateways,
        attempts: Attempts,
        versions: Versions,
        executor: Executor,
        logger: Logger,
    ) -> None:
        self._endpoint_name = endpoint_name
        self._gateways = gateways
        self._attempts = attempts
        self._versions = versions
        self._executor = executor
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Delete what nothing needs. A release that waits for a retry keeps its models and config."""
        endpoint, decision = round_.endpoint, round_.decision
        deletion = NOTHING
        if decision.retry_at is None:
            serving = endpoint.endpoint_config_name if endpoint is not None else None
            deletion = self._versions.decide(
                partial(plan_clean_up, decision=decision, serving_config_name=serving)
            )
        if deletion:
            in_use = self._names_in_use()
            if in_use is None:
                self._logger.warning("Nothing is deleted: the config that serves cannot be read")
            deletion = deletion.sparing(in_use) if in_use is not None else NOTHING
        if not deletion:
            self._attempts.withdraw_left_behind()
            return Next.GO_ON
        refused = self._refused_lately(deletion)
        if refused is not None:
            round_.troubles.append(_refusal(refused))
            return Next.GO_ON
        return self._delete(deletion)

    def _refused_lately(self, deletion: Deletion) -> str | None:
        """Return why the same deletion was refused the last time, if it is too early for another try."""
        last = self._versions.facts.history.latest_attempt
        is_due = (
            not isinstance(last, CleanUp)
            or last.status is not AttemptStatus.FAILED
            or last.deletion != deletion
            or last.settled_at is None
            or self._gateways.now() >= last.settled_at + BETWEEN_TRIES
        )
        return None if is_due or last is None else last.reason

    def _delete(self, deletion: Deletion) -> Next:
        clean_up = self._attempts.begin_clean_up(deletion)
        with self._attempts.released_if_cut_short(clean_up):
            # Do not rely on the journal alone: it may have been restored, and people update endpoints, too.
            in_use = self._names_in_use()
            if in_use is None or deletion.sparing(in_use) != deletion:
                reason = "The endpoint serves some of it, or does not show what it serves."
                self._attempts.settle(clean_up, AttemptStatus.WITHDRAWN, reason=reason)
                return Next.AGAIN
            steps = deletion_steps(deletion)
            self._logger.info("Deleting what nothing needs any more", steps=steps)
            try:
                for step in steps:
                    self._executor.make(step)
            except ThrottledError:
                if self._versions.has_news():
                    self._attempts.settle(clean_up, AttemptStatus.WITHDRAWN, reason=NEWER_APPROVAL)
                    return Next.AGAIN
                # Other endpoints deploy, and nobody waits for a clean-up: the sweep continues it.
                self._logger.info("SageMaker throttles: the deletion waits for the next sweep")
                self._attempts.release_lease(clean_up)
                return Next.STOP
            except RefusedError as refusal:
                # Nobody waits for it, and nothing else does: what is left costs nothing.
                self._attempts.settle(
                    clean_up, AttemptStatus.FAILED, reason=str(refusal), cause=refusal.cause
                )
                return Next.AGAIN
            self._attempts.settle(clean_up, AttemptStatus.SUCCEEDED)
            return Next.AGAIN

    def _names_in_use(self) -> frozenset[str] | None:
        endpoint = self._gateways.endpoints.describe(self._endpoint_name)
        return names_in_use(self._gateways.models_and_configs, endpoint)


def _refusal(reason: str) -> str:
    return (
        f"Models or endpoint configs that nothing needs any more cannot be deleted: {sentence(reason)} "
        "Remove the cause, such as a service control policy, or delete them by hand. They cost nothing, "
        "but count for quotas."
    )
