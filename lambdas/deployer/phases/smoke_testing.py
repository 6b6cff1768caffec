"""Runs the smoke test of a version that has all calls, and settles its deployment by the result.

The test runs in the bake, while the old fleet can still take the calls back. If SageMaker does not show the
bake, or the update has none, the test runs when the version is in service. Such a deployment always ends:
with any answer, with any sample payload, and even if the test ends its invocation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from deployer.decisions.bake import bakes, is_read_before
from deployer.endpoint_pass.round import Next
from deployer.endpoint_pass.throttling import OutOfTimeError
from deployer.gateways.invocations import LONGEST_SECONDS
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.excerpts import excerpt
from deployer.model.model_version import Hidden
from deployer.model.names import same_arn
from deployer.model.smoke_test import Unanswered
from deployer.phases.smoke_test_run import SmokeTestRun

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.decisions.bake import Pending
    from deployer.decisions.choice import Choice
    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.throttling import TimeBudget
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.gateways import Gateways
    from deployer.model.endpoint import Endpoint
    from deployer.model.settings import EndpointSettings
    from deployer.model.smoke_test import Failure, SmokeTest

MOST_TESTS: Final = 3
"""How often a test is begun. An invocation cannot catch its own end by lack of memory or time."""

_WAITS_FOR_THE_BAKE: Final = (4.0, 8.0)
"""The longest waits before an endpoint is read again. SageMaker's reads may lag, nobody says how far."""

TAKEN_BACK: Final = "Its approval was taken back before its smoke test was made."


class SmokeTestingPhase:
    """Runs the smoke test of a deployment that this invocation claimed."""

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        ledger: Ledger,
        attempts: Attempts,
        versions: Versions,
        time_budget: TimeBudget,
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._ledger = ledger
        self._attempts = attempts
        self._versions = versions
        self._time_budget = time_budget
        self._logger = logger
        self.holds_test = False
        """Whether the version passed in the bake just now, and this invocation is to test it again later."""

    def applies_to(self, deployment: Deployment) -> bool:
        """Tell whether a deployment's version must pass the smoke test first.

        A release that served well before is not tested again: it is what replaces a version that fails.
        """
        proven = self._ledger.history.is_proven(deployment.endpoint_config_name)
        return self._settings.smoke_test is not None and not proven

    def is_due(self, deployment: Deployment) -> bool:
        """Tell whether a deployment's version is in service, and was not tested in the bake."""
        return deployment.test_passed_at is None and self.applies_to(deployment)

    def is_due_in_bake(self, deployment: Deployment, endpoint: Endpoint) -> bool:
        """Tell whether a deployment's version has all calls, and the old fleet waits for its smoke test."""
        return (
            deployment.abort_asked_at is None
            and self._settings.abort_alarm_name is not None
            and bakes(deployment, endpoint)
            and self.is_due(deployment)
        )

    def is_due_again(self, deployment: Deployment, endpoint: Endpoint) -> bool:
        """Tell whether a version that passed in the bake is to be tested again, and the bake lasts."""
        return (
            not self.holds_test
            and deployment.abort_asked_at is None
            and self._settings.abort_alarm_name is not None
            and bakes(deployment, endpoint)
            and self._is_repeated(deployment)
        )

    def _is_repeated(self, deployment: Deployment) -> bool:
        test = self._settings.smoke_test
        is_repeated = test is not None and test.every_seconds is not None
        return is_repeated and deployment.test_endpoint_name is None and self.applies_to(deployment)

    def read_bake(self, told_of: Pending, deployment: Deployment, endpoint: Endpoint) -> Endpoint | None:
        """Return the endpoint, read again if it was read before the bake that an event tells of.

        Otherwise nothing would bring the deployer back before the bake is over.
        """
        read: Endpoint | None = endpoint
        for seconds in _WAITS_FOR_THE_BAKE:
            if (
                read is None
                or not is_read_before(told_of, deployment, read)
                or not self.is_due(deployment)
                or not self._time_budget.wait(seconds)
            ):
                break
            self._logger.info("An event tells of a bake that SageMaker does not show yet: reading again")
            read = self._gateways.endpoints.describe(endpoint.name)
        return read

    def begin_again(self, choice: Choice, endpoint: Endpoint) -> bool:
        """Begin a test of a release that serves already, is wanted again, and never passed its test.

        It failed another test or was taken back, and no other release could replace it. SageMaker gets no
        call for it.

        Returns:
            Whether there is such a release.
        """
        led = self._ledger.history.latest_on(endpoint.endpoint_config_name)
        if (
            led is None
            or led.status not in {AttemptStatus.FAILED, AttemptStatus.ABORTED}
            or choice.keeps_serving
            or not self.applies_to(led)
        ):
            return False
        self._attempts.begin_retest(choice, endpoint)
        return True

    def run(self, round_: Round) -> Next:
        """Run the smoke test that this invocation claimed, if any, and settle the deployment.

        Raises:
            OutOfTimeError: This invocation has no time left for the test. It released its lease.
        """
        deployment = self._ledger.history.unsettled
        if (
            not isinstance(deployment, Deployment)
            or deployment.status is not AttemptStatus.TESTING
            or deployment.invocation_id != self._ledger.invocation_id
            # Released in the round before: whatever changed the endpoint may not be over.
            or self._gateways.now() >= deployment.lease_until
            or self.holds_test
        ):
            return Next.GO_ON
        test, endpoint = self._settings.smoke_test, round_.endpoint
        if deployment.test_passed_at is not None and (endpoint is None or not bakes(deployment, endpoint)):
            # Only the bake is tested again. It is over, or this read is older.
            self.release_untested(deployment)
            return Next.GO_ON
        assert test is not None, "a deployment is only claimed for the smoke test that there is"
        assert endpoint is not None, "a deployment is only claimed for the smoke test of a version in service"
        if all(self._versions.may_still_serve(each) for each in deployment.version_arns):
            self.settle(deployment, test, endpoint)
        elif endpoint.modifying:
            # The next phase makes SageMaker roll back.
            self.release_untested(deployment)
            return Next.GO_ON
        else:
            self._attempts.settle(deployment, AttemptStatus.ABORTED, reason=TAKEN_BACK, endpoint=endpoint)
        return Next.AGAIN

    def test_on(self, endpoint: Endpoint, deployment: Deployment, test: SmokeTest) -> Failure | None:
        """Test a deployment's version on an endpoint that serves it; return why it failed, if it did.

        The deployment counts the test already.

        Raises:
            OutOfTimeError: This invocation has no time left for the test. It released its lease.
        """
        failure = self._given_up(deployment, test)
        if failure is not None:
            return failure
        try:
            self._time_budget.needs(test.time_limit_seconds + LONGEST_SECONDS)
        except OutOfTimeError:
            self.release_untested(deployment)
            raise
        self._logger.info("Trying the version with the smoke test", attempt=deployment.number)
        return self._test(deployment, test, endpoint)

    def settle(self, deployment: Deployment, test: SmokeTest, endpoint: Endpoint) -> None:
        """Test a deployment's version, and note what follows from the result.

        Raises:
            OutOfTimeError: This invocation has no time left for the test. It released its lease.
        """
        failure = self.test_on(endpoint, deployment, test)
        found = self._gateways.endpoints.describe(endpoint.name)
        is_there = found is not None and not found.modifying and deployment.is_under_way_on(found)
        if found is not None and bakes(deployment, found):
            self.holds_test = failure is None and self._is_repeated(deployment)
            self._attempts.note_test_in_bake(deployment, failure, is_held=self.holds_test)
        elif not is_there and (failure is not None or endpoint.modifying):
            # SageMaker or somebody else changed the endpoint meanwhile: another version may have answered.
            self.release_untested(deployment)
        elif failure is None:
            self._attempts.settle(deployment, AttemptStatus.SUCCEEDED, endpoint=found)
        else:
            self._attempts.settle(
                deployment,
                AttemptStatus.FAILED,
                reason=failure.reason,
                cause=failure.cause,
                endpoint=found,
                failed_test=failure,
            )

    def release_untested(self, deployment: Deployment) -> None:
        """Let any invocation test the version now: this claim does not count against the version."""
        self._attempts.release_lease(deployment, tests_begun=deployment.tests_begun - 1)

    def _given_up(self, deployment: Deployment, test: SmokeTest) -> Failure | None:
        """Return why no other test is begun; None if one is."""
        begun = deployment.tests_begun - 1
        if deployment.test_passed_at is not None:
            # It came to its end before. The end of the bake bounds what is begun.
            return None
        if begun >= MOST_TESTS or (begun > 0 and self._is_overtaken(deployment)):
            times = "once" if begun == 1 else f"{begun} times"
            reason = f"the smoke test was begun {times} and never came to an end, as if it ended the function"
            return test.failure(test.requests[0], None, Unanswered(reason), "a test that comes to an end")
        return None

    def _is_overtaken(self, deployment: Deployment) -> bool:
        """Tell whether a version that was approved later may be deployed."""
        facts = self._versions.facts
        return any(
            each.counts
            and facts.follows(each)
            and each.order > (deployment.approved_at, deployment.version)
            and not same_arn(each.version_arn, deployment.version_arn)
            and facts.is_deployable(self._versions.reread(each.version_arn))
            for each in facts.history.approvals
        )

    def _test(self, deployment: Deployment, test: SmokeTest, endpoint: Endpoint) -> Failure | None:
        several = len(endpoint.scaled_by) > 1
        variants = self._settings.following_variants if several else {}
        sample = self._versions.known(deployment.version_arn)
        if isinstance(sample, Hidden):
            if any(each.sample_payload for each in test.requests):
                raise RefusedError(sample.reason)
            sample = None
        run = SmokeTestRun(
            test,
            endpoint.name,
            [each for each in variants if each in endpoint.scaled_by],
            sample=sample,
            invocations=self._gateways.invocations,
            s3=self._gateways.s3,
            now=self._gateways.now,
            pause=self._gateways.pause,
        )
        try:
            return run.run()
        except (ClientError, ConnectTimeoutError, ReadTimeoutError):
            # A fault of S3's, or a time-out: the next pass may not meet it.
            raise
        except Exception as error:  # noqa: BLE001 - whatever an answer upsets, the version has failed its test
            self._logger.warning("The smoke test broke off", error=type(error).__name__)
            reason = f"the answer could not be judged: {excerpt(type(error).__name__)}"
            return test.failure(test.requests[0], None, Unanswered(reason), "an answer that can be judged")
