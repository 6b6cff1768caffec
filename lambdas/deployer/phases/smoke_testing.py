"""Settles the attempts whose versions serve and are to pass the smoke test first.

Owns the rule that such an attempt always comes to an end: whatever the version answers, was registered with,
or does to the invocation that tries it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from deployer.endpoint_pass.throttling import OutOfTimeError
from deployer.gateways.invocations import LONGEST_SECONDS
from deployer.model.attempt import Action, AttemptStatus
from deployer.model.excerpts import excerpt
from deployer.model.smoke_test import Unanswered
from deployer.phases.smoke_test_run import Trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Choice
    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.throttling import Patience
    from deployer.gateways.sagemaker import ModelVersion
    from deployer.model.attempt import Attempt
    from deployer.model.endpoint import Endpoint
    from deployer.model.settings import EndpointSettings
    from deployer.model.smoke_test import Failure, SmokeTest
    from deployer.reconciler import Gateways

MOST_TRIALS: Final = 3
"""How often a test is begun: what ends an invocation from outside (memory, time) cannot be caught in it."""

TAKEN_BACK: Final = "Its approval was taken back before its smoke test was made."


class Probation:
    """One endpoint's.

    Args:
        settings: The endpoint's.
        gateways: What is called.
        attempts: The endpoint's attempts.
        patience: Whether the invocation has the time.
        read_version: Returns a version as it was read on this pass.
        still_stands: Asks the registry again whether a version may serve.
        is_overtaken: Tells whether a version that was approved after an attempt's may be deployed.
        logger: Where each test is told.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        attempts: Attempts,
        patience: Patience,
        read_version: Callable[[str], ModelVersion | None],
        still_stands: Callable[[str], bool],
        is_overtaken: Callable[[Attempt], bool],
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._attempts = attempts
        self._patience = patience
        self._read_version = read_version
        self._still_stands = still_stands
        self._is_overtaken = is_overtaken
        self._logger = logger

    def applies_to(self, attempt: Attempt) -> bool:
        """Tell whether what an attempt put on the endpoint is to pass the smoke test first.

        What served well before is not tested again: it is what a version that fails gives way to.
        """
        return self._settings.smoke_test is not None and not self._attempts.is_proven(
            attempt.endpoint_config_name
        )

    def begin_again(self, choice: Choice, endpoint: Endpoint) -> bool:
        """Begin to test what serves already, is wanted again, and never passed; return whether it is.

        It failed another test or was taken back, and nothing else could be put in its place. Nothing is asked
        of SageMaker for it.
        """
        led = self._attempts.latest_on(endpoint.endpoint_config_name)
        if (
            led is None
            or led.status not in {AttemptStatus.FAILED, AttemptStatus.ABORTED}
            or choice.keeps_serving
            or not self.applies_to(led)
        ):
            return False
        self._attempts.withdraw_left_behind()
        self._attempts.begin(
            Action.UPDATE_ENDPOINT, choice.decided_by, choice.release, endpoint, rolls_back=False
        )
        return True

    def settle(self, attempt: Attempt, endpoint: Endpoint) -> None:
        """Settle an attempt that this invocation claimed, by the smoke test of what it put on the endpoint.

        Raises:
            OutOfTimeError: This invocation has no time left for it; the attempt is given back.
        """
        test = self._settings.smoke_test
        assert test is not None, "an attempt is only claimed for the smoke test that there is"
        if not all(self._still_stands(each) for each in attempt.version_arns):
            self._attempts.settle(attempt, AttemptStatus.ABORTED, reason=TAKEN_BACK, endpoint=endpoint)
            return
        failure = self._given_up(attempt, test)
        if failure is None:
            try:
                self._patience.needs(test.time_limit_seconds + LONGEST_SECONDS)
            except OutOfTimeError:
                self._attempts.give_back_untried(attempt)
                raise
            self._logger.info("Trying the version with the smoke test", attempt=attempt.number)
            failure = self._try(attempt, test, endpoint)
        found = self._gateways.sagemaker.describe_endpoint(endpoint.name)
        if failure is None:
            self._attempts.settle(attempt, AttemptStatus.SUCCEEDED, reason=None, endpoint=found)
        elif found is None or found.modifying or not attempt.is_under_way_on(found):
            # Somebody changed the endpoint meanwhile, so that it is unknown who answered.
            self._attempts.give_back_untried(attempt)
        else:
            self._attempts.settle(
                attempt,
                AttemptStatus.FAILED,
                reason=failure.reason,
                endpoint=found,
                failed_test=failure,
            )

    def _given_up(self, attempt: Attempt, test: SmokeTest) -> Failure | None:
        """Return why no further test is begun; None if one is."""
        begun = attempt.trials - 1
        if begun >= MOST_TRIALS or (begun > 0 and self._is_overtaken(attempt)):
            times = "once" if begun == 1 else f"{begun} times"
            told = f"the smoke test was begun {times} and never came to an end, as if it ended the function"
            return test.failure(test.requests[0], None, Unanswered(told), "a test that comes to an end")
        return None

    def _try(self, attempt: Attempt, test: SmokeTest, endpoint: Endpoint) -> Failure | None:
        several = len(endpoint.variant_names) > 1
        trial = Trial(
            test,
            endpoint.name,
            [each for each in self._settings.following_variants if each in endpoint.variant_names]
            if several
            else (),
            sample=self._read_version(attempt.version_arn),
            invocations=self._gateways.invocations,
            s3=self._gateways.s3,
            now=self._gateways.now,
            pause=self._gateways.pause,
        )
        try:
            return trial.run()
        except (ClientError, ConnectTimeoutError, ReadTimeoutError):
            # S3's own fault, or our time with it: the next pass may not meet it, and the budget bounds it.
            raise
        except Exception as error:  # noqa: BLE001 - what others wrote is judged: whatever it upsets, it fails
            self._logger.warning("The smoke test broke off", error=type(error).__name__)
            told = f"the answer could not be judged: {excerpt(type(error).__name__)}"
            return test.failure(test.requests[0], None, Unanswered(told), "an answer that can be judged")
