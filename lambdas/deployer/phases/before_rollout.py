"""Tests a version on a test endpoint before its rollout: no caller ever reaches a version that fails there.

The deployment is in the journal before the test endpoint is made, and stays open until its version passed.
Each pass chooses again, so a reject or a newer approval ends the wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.before_rollout import tested_for
from deployer.decisions.judgement import failure_of
from deployer.endpoint_pass.round import Next
from deployer.gateways.sagemaker_errors import BusyError, RefusedError, ThrottledError
from deployer.model.attempt import AttemptStatus
from deployer.model.cause import Cause, of_failed_rollout
from deployer.model.steps import DeleteTestEndpoint

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Choice
    from deployer.decisions.plan import OnTestEndpoint
    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.gateways import Gateways
    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint
    from deployer.phases.smoke_testing import SmokeTestingPhase


class BeforeRollout:
    """Tests before the rollouts of one endpoint."""

    def __init__(
        self,
        gateways: Gateways,
        attempts: Attempts,
        versions: Versions,
        smoke_testing: SmokeTestingPhase,
        executor: Executor,
        logger: Logger,
    ) -> None:
        self._gateways = gateways
        self._attempts = attempts
        self._versions = versions
        self._smoke_testing = smoke_testing
        self._executor = executor
        self._logger = logger

    def run(self, planned: OnTestEndpoint, choice: Choice, round_: Round) -> Next:
        """Wait for a test endpoint, or test the version there.

        Raises:
            OutOfTimeError: This invocation has no time left for the test. It released its lease.
        """
        shown = planned.shown
        if shown.modifying:
            self._logger.info("The test endpoint is being modified: waiting", status=shown.status)
            return Next.STOP
        facts = self._versions.facts
        owner = tested_for(shown.name, self._gateways.tags.read(shown.arn), facts.identity)
        if owner != facts.settings.endpoint_name or shown.endpoint_config_name != shown.name:
            round_.report = (
                f"Version {choice.release.version} of {choice.approval.group_name} is not deployed to "
                f"{facts.settings.endpoint_name}: an endpoint named {shown.name} exists, and not as this "
                "deployer makes it. Somebody else may have made it, so no version is tested on it. Delete "
                "it: the next sweep makes it again."
            )
            return Next.GO_ON
        deployment = self._attempts.begin_deployment(
            planned.deploy, choice, round_.endpoint, begins_test=True
        )
        with self._attempts.released_if_cut_short(deployment):
            return self._judge(deployment, shown, round_.endpoint)

    def _judge(self, deployment: Deployment, shown: Endpoint, endpoint: Endpoint | None) -> Next:
        if shown.status != "InService":
            reason = failure_of(shown)
            self._attempts.settle(
                deployment,
                AttemptStatus.FAILED,
                reason=f"Its test endpoint {shown.name} did not come into service. {reason}",
                cause=of_failed_rollout(reason),
                endpoint=endpoint,
            )
        else:
            test = self._versions.facts.settings.smoke_test
            assert test is not None, "a test endpoint is only waited for if there is a test"
            failure = self._smoke_testing.test_on(shown, deployment, test)
            found = self._gateways.endpoints.describe(shown.name)
            if failure is None:
                self._attempts.release_lease(deployment, test_passed_at=self._gateways.now())
            elif found is None or found.status != "InService":
                # Somebody deleted or changed it meanwhile, so the version is not to blame.
                self._smoke_testing.release_untested(deployment)
                return Next.STOP
            else:
                # If nobody could ask the version, it is asked again later: it serves no caller meanwhile.
                is_own = failure.cause is Cause.VERSION
                self._attempts.settle(
                    deployment,
                    AttemptStatus.FAILED,
                    reason=failure.reason,
                    cause=failure.cause,
                    endpoint=endpoint,
                    failed_test=failure if is_own else None,
                )
        self._delete(shown.name)
        return Next.AGAIN

    def _delete(self, test_endpoint_name: str) -> None:
        step = DeleteTestEndpoint(test_endpoint_name)
        self._logger.info("Deleting the test endpoint", steps=[step])
        try:
            self._executor.make(step)
        except (BusyError, RefusedError, ThrottledError) as error:
            self._logger.warning(
                "A sweep deletes the test endpoint later", test_endpoint=step.endpoint_name, reason=str(error)
            )
