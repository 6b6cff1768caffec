"""The clients, the people and the checks of every chapter."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from demo.caller import BackgroundCaller, predict

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from demo.outcomes import OutcomeQueue
    from demo.registry import Registry
    from demo.timeline import Timeline
    from demo.training import TrainedModel

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-central-1"
ENDPOINT: Final = "diabetes-progression"
GROUP: Final = "diabetes-progression"
OUTCOME_TIMEOUT_SECONDS: Final = 180.0


class NotAsItShouldBeError(Exception):
    """A result differs from the promise."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One account with the stack in it."""

    timeline: Timeline
    registry: Registry
    outcomes: OutcomeQueue
    sagemaker: SageMakerClient
    runtime: SageMakerRuntimeClient
    cloudwatch: CloudWatchClient

    def approve(self, version_arn: str) -> None:
        """Approve a version, as a data scientist does in Studio."""
        self.registry.approve(version_arn)

    def outcome_of(
        self,
        version_arn: str,
        kind: str | None = None,
        *,
        timeout_seconds: float = OUTCOME_TIMEOUT_SECONDS,
    ) -> tuple[dict[str, Any], float]:
        """Wait for a version's outcome, of any or one kind; return it, and the seconds that it took.

        Raises:
            NotAsItShouldBeError: No outcome came.
        """
        began = time.monotonic()
        number = version_arn.rpartition("/")[2]
        try:
            with self.timeline.waiting(f"version {number}: {kind or 'how it ends'}"):
                outcome = self.outcomes.wait_for(version_arn, timeout_seconds=timeout_seconds, kind=kind)
        except TimeoutError as error:
            raise NotAsItShouldBeError(f"Nothing was reported: {error}.") from error
        return outcome, time.monotonic() - began

    def expect(self, what: str, measured: str, expected: str, remark: str = "") -> None:
        """Check a condition.

        Raises:
            NotAsItShouldBeError: It does not hold.
        """
        if measured != expected:
            raise NotAsItShouldBeError(f"{what}: {measured}{remark}, expected {expected}.")
        self.timeline.held(what, measured + remark, expected)

    def expect_at_most(self, what: str, measured: float, most: float, unit: str) -> None:
        """Check that a value is within its limit.

        Raises:
            NotAsItShouldBeError: It is above the limit.
        """
        if measured > most:
            raise NotAsItShouldBeError(f"{what}: {measured:.1f}{unit}, expected at most {most:g}{unit}.")
        self.timeline.held(what, f"{measured:.1f}{unit}", f"at most {most:g}{unit}")

    def expect_predictions(self, model: TrainedModel, who: str) -> None:
        """Check that the endpoint's predictions are the model's own."""
        answered = predict(self.runtime, ENDPOINT, model.rows)
        equal = sum(
            math.isclose(one, other, rel_tol=1e-9)
            for one, other in zip(answered, model.predictions, strict=True)
        )
        self.expect(
            f"predictions are those of {who}",
            f"{equal} of {len(model.rows)} rows",
            f"{len(model.rows)} of {len(model.rows)} rows",
        )

    def expect_no_failures(self, caller: BackgroundCaller) -> None:
        """Check that no call failed."""
        for failure in caller.failures[:3]:
            self.timeline.say(failure, style="red")
        calls = len(caller.predictions) + len(caller.failures)
        self.expect("failed invocations meanwhile", str(len(caller.failures)), "0", f" of {calls}")
