"""Compare the deployer's log, its steps, and AWS's calls, in every story.

A plan is what happens: a step asks for each write to AWS, and each step was in a plan that was logged before.
A test's own calls with the deployer's clients do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from aws_lambda_powertools import Logger

from deployer.model import steps
from local_cloud.testing.in_process import InProcessCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

ASKED_FOR_BY: Final[dict[type[steps.Step], tuple[tuple[str, str], ...]]] = {
    steps.CreateModel: (("sagemaker", "CreateModel"),),
    steps.CreateEndpointConfig: (("sagemaker", "CreateEndpointConfig"),),
    steps.CreateEndpoint: (("sagemaker", "CreateEndpoint"),),
    steps.CreateTestEndpoint: (("sagemaker", "CreateEndpoint"),),
    steps.DeleteTestEndpoint: (("sagemaker", "DeleteEndpointConfig"), ("sagemaker", "DeleteEndpoint")),
    steps.UpdateEndpoint: (("sagemaker", "UpdateEndpoint"),),
    steps.SetVariantProperties: (("sagemaker", "UpdateEndpointWeightsAndCapacities"),),
    steps.DeleteFailedEndpoint: (("sagemaker", "DeleteEndpoint"),),
    steps.DeleteEndpointConfig: (("sagemaker", "DeleteEndpointConfig"),),
    steps.DeleteModel: (("sagemaker", "DeleteModel"),),
    steps.ChangeTags: (("sagemaker", "DeleteTags"), ("sagemaker", "AddTags")),
    steps.RegisterScaling: (
        ("application-autoscaling", "DeregisterScalableTarget"),
        ("application-autoscaling", "RegisterScalableTarget"),
        ("application-autoscaling", "DeleteScalingPolicy"),
        ("application-autoscaling", "PutScalingPolicy"),
        ("application-autoscaling", "DeleteScheduledAction"),
        ("application-autoscaling", "PutScheduledAction"),
    ),
    steps.DeregisterScaling: (("application-autoscaling", "DeregisterScalableTarget"),),
    steps.PutAlarm: (("cloudwatch", "PutMetricAlarm"),),
    steps.DeleteAlarms: (("cloudwatch", "DeleteAlarms"),),
    steps.SetOffAbortAlarm: (("cloudwatch", "SetAlarmState"), ("cloudwatch", "PutMetricData")),
    steps.ClearAbortAlarm: (("cloudwatch", "PutMetricData"), ("cloudwatch", "SetAlarmState")),
    steps.WriteMetadata: (("sagemaker", "UpdateModelPackage"),),
    steps.Promote: (("sagemaker", "UpdateModelPackage"),),
}
"""Which operations a step may ask for, in the order in which it does."""

WRITES: Final = frozenset(operation for operations in ASKED_FOR_BY.values() for operation in operations)


@dataclass(frozen=True, slots=True)
class Began:
    """An invocation of the deployer began."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An invocation of the deployer ended."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A pass over an endpoint began."""

    endpoint_name: str


@dataclass(frozen=True, slots=True)
class Planned:
    """The deployer logged a plan."""

    steps: tuple[steps.Step, ...]


@dataclass(frozen=True, slots=True)
class Making:
    """The deployer began to make a step."""

    step: steps.Step


@dataclass(frozen=True, slots=True)
class Over:
    """The deployer made a step, or failed to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """AWS was asked for something, whether or not it answered."""

    service: str
    operation: str


@dataclass(slots=True)
class _Invocation:
    """What is known of one invocation so far. Another one may run in between."""

    planned: list[steps.Step] = field(default_factory=list)
    latest: steps.Step | None = None
    at_work: bool = False
    asked: int = 0

    def make(self, step: steps.Step) -> Iterator[str]:
        """Take a step from the plan. One may be left out, as unneeded by now, and the last made again."""
        if step in self.planned:
            del self.planned[: self.planned.index(step) + 1]
        elif step != self.latest:
            yield f"made, and in no plan before it: {step}"
        self.latest, self.at_work, self.asked = step, True, 0

    def ask(self, service: str, operation: str) -> Iterator[str]:
        """Account for a write."""
        operations = ASKED_FOR_BY[type(self.latest)] if self.at_work and self.latest is not None else ()
        if (service, operation) not in operations[self.asked :]:
            during = f"while this is made: {self.latest}" if self.at_work else "outside of every step"
            yield f"{service} {operation} asked for {during}"
        else:
            self.asked = operations.index((service, operation))


class Transcript:
    """One deployer's actions, in order."""

    def __init__(self) -> None:
        self.events: list[Began | Ended | Passed | Planned | Making | Over | Asked] = []

    def __enter__(self) -> Self:
        """Begin an invocation."""
        self.events.append(Began())
        return self

    def __exit__(self, *_: object) -> None:
        """End the invocation."""
        self.events.append(Ended())

    def hear(self, message: str, keys: dict[str, Any]) -> None:
        """Record a log line's plans and steps."""
        if (planned := keys.get("steps")) is not None:
            assert isinstance(planned, Sequence), "a plan has an order"
            self.events.append(Planned(tuple(planned)))
        match message, keys.get("step"):
            case _, None:
                pass
            case "Making a step", step:
                self.events.append(Making(step))
            case "The step is over", _:
                self.events.append(Over())
            case unknown:
                raise AssertionError(f"{unknown}: what does it say of a step?")

    def violations(self) -> Iterator[str]:
        """Name the deployer's unannounced actions."""
        running: list[_Invocation] = []
        for event in self.events:
            match event:
                case Began():
                    running.append(_Invocation())
                case Ended():
                    running.pop()
                case _ if not running:
                    pass  # the test's own
                case Planned(planned):
                    running[-1].planned = list(planned)
                case Making(step):
                    yield from running[-1].make(step)
                case Over():
                    running[-1].at_work = False
                case Asked(service, operation) if (service, operation) in WRITES:
                    yield from running[-1].ask(service, operation)


class HeardLogger(Logger):
    """A logger whose lines go to a transcript alone."""

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(service="greenlight", level="CRITICAL")
        self._transcript = transcript

    def append_keys(self, **keys: Any) -> None:
        if "endpoint" in keys:
            self._transcript.events.append(Passed(keys["endpoint"]))

    def debug(self, msg: object, *_args: object, **keys: Any) -> None:
        self._transcript.hear(str(msg), keys)

    def info(self, msg: object, *_args: object, **keys: Any) -> None:
        self._transcript.hear(str(msg), keys)

    def warning(self, msg: object, *_args: object, **keys: Any) -> None:
        self._transcript.hear(str(msg), keys)


class HeardCloud(InProcessCloud):
    """A cloud that records its calls in a transcript."""

    transcript: Transcript

    def _send(
        self, service: str, request: AWSPreparedRequest, event_name: str, **more: object
    ) -> AWSResponse:
        self.transcript.events.append(Asked(service, event_name.rsplit(".", 1)[-1]))
        return super()._send(service, request, event_name, **more)


TRANSCRIPTS: Final[list[Transcript]] = []
"""Those of the test that runs."""


def check_transcripts() -> None:
    """Fail if a deployer of this test did something without having said so; forget them all."""
    found = [each for transcript in TRANSCRIPTS for each in transcript.violations()]
    TRANSCRIPTS.clear()
    assert found == []
