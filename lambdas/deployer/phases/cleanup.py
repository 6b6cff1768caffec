"""Deletes the deployer's models and endpoint configs that nothing needs any more."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from deployer.decisions.retention import deletion_steps, plan_clean_up, tests_of
from deployer.endpoint_pass.refused_writes import key_of
from deployer.endpoint_pass.round import Next
from deployer.gateways.models_and_configs import names_in_use
from deployer.gateways.refusals import AGAIN
from deployer.gateways.sagemaker_errors import RefusedError, ThrottledError
from deployer.model.attempt import NOTHING, AttemptStatus
from deployer.model.excerpts import sentence
from deployer.model.steps import DeleteEndpointConfig, DeleteModel
from deployer.phases.rollout import NEWER_APPROVAL

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.refused_writes import RefusedWrites
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.gateways import Gateways
    from deployer.model.attempt import Deletion


class CleanUpPhase:
    """Cleans up after deployments on an endpoint at rest."""

    def __init__(
        self,
        endpoint_name: str,
        gateways: Gateways,
        attempts: Attempts,
        versions: Versions,
        executor: Executor,
        refused_writes: RefusedWrites,
        logger: Logger,
    ) -> None:
        self._endpoint_name = endpoint_name
        self._gateways = gateways
        self._attempts = attempts
        self._versions = versions
        self._executor = executor
        self._refused_writes = refused_writes
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Delete what nothing needs. A release that waits for a retry keeps its models and config."""
        deletion = self._unneeded(round_)
        if not deletion:
            self._attempts.withdraw_left_behind()
            return Next.GO_ON
        told = self._put_off(deletion)
        if told is not None:
            self._attempts.withdraw_left_behind()
            round_.troubles.append(told)
            return Next.GO_ON
        return self._delete(deletion)

    def _unneeded(self, round_: Round) -> Deletion:
        endpoint, decision = round_.endpoint, round_.decision
        if decision.retry_at is not None:
            return self._nothing_yet("a release waits")
        serving = endpoint.endpoint_config_name if endpoint is not None else None
        deletion = self._versions.decide(
            partial(plan_clean_up, decision=decision, serving_config_name=serving)
        )
        if deletion is None:
            return self._nothing_yet("a version is not shown that may need some of it")
        if deletion == NOTHING:
            return NOTHING
        in_use = self._names_in_use()
        if in_use is None:
            return self._nothing_yet("the config that serves cannot be read")
        deletion = deletion.sparing(in_use)
        if deletion and self._is_tested(deletion):
            return self._nothing_yet("a test endpoint is on some of it")
        return deletion

    def _nothing_yet(self, because: str) -> Deletion:
        """Return that nothing is deleted. What was refused before is still to be deleted later."""
        self._logger.info(f"Nothing is deleted: {because}")
        self._refused_writes.remember(DeleteEndpointConfig, DeleteModel)
        return NOTHING

    def _put_off(self, deletion: Deletion) -> str | None:
        """Return what people were told of a refused step that it is too early to try again.

        Everything waits for it: what hinders one step mostly hinders all. Other names to delete come with
        time, so each step is remembered by itself.
        """
        told = [self._refused_writes.put_off(key_of(step)) for step in deletion_steps(deletion)]
        return next(filter(None, told), None)

    def _is_tested(self, deletion: Deletion) -> bool:
        """Tell whether a test endpoint exists that is on what is to be deleted. A sweep deletes it first."""
        releases = self._versions.facts.history.releases.values()
        tests = {name for each in releases for name in tests_of(each)} & deletion.names
        return any(self._gateways.endpoints.describe(name) is not None for name in sorted(tests))

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
                    self._refused_writes.note_made(key_of(step))
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
                self._refused_writes.note_refused(key_of(step), _refusal(str(refusal)))
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
        f"but count for quotas. {AGAIN}"
    )
