"""A smoke test is repeated in the bake: what answers badly later gives its calls back, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.dispatcher import PassesFailedError
from deployer.model.attempt import AttemptStatus
from tests.infra.sufficiency.test_aborting import alarm_state
from tests.infra.sufficiency.test_bake import BAKE_SECONDS, Baking
from tests.infra.sufficiency.test_trial import BAD, GOOD, smoke_test

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY = 30


class Repeating(Baking):
    """The next version bakes, and its test is repeated. Parts of sweeps are delivered as they come."""

    def __init__(self, bake_seconds: int = BAKE_SECONDS) -> None:
        self._taken = 0
        super().__init__(bake_seconds=bake_seconds)
        self.settings |= {"SmokeTest": {**smoke_test(), "EverySeconds": EVERY}}
        self.manage(**self.settings)

    def deliver(self) -> None:
        super().deliver()
        while self._taken < len(self.parts):
            part = self.parts[self._taken]
            self._taken += 1
            self.dispatch_event(part)

    def after(self, calls: int, do: Callable[[], object]) -> None:
        """Do something in the wait after so many calls of the endpoint."""
        left = [do]

        def sleep(seconds: float) -> None:
            if left and len(self.endpoints.invoked) == calls:
                left.pop()()
            self.pass_time(seconds)

        self.sleep = sleep

    @property
    def tests(self) -> int:
        """How often the version was tested."""
        return len(self.endpoints.invoked)


@pytest.fixture
def pipeline() -> Repeating:
    return Repeating()


def test_a_version_that_answers_badly_later_gives_its_calls_back_in_the_bake(pipeline: Repeating) -> None:
    arn = pipeline.bake(GOOD, GOOD, GOOD, BAD)
    began = pipeline.clock.now()
    pipeline.deliver()
    while pipeline.serving() != "v1":
        pipeline.pass_time(1)
    seconds = (pipeline.clock.now() - began).total_seconds()
    pipeline.run()

    assert seconds <= 3 * EVERY + pipeline.control_plane.timings.alarm_poll_seconds
    assert pipeline.tests == 4
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.told(pipeline.first) == ["started", "succeeded"], "it never ceased to serve"
    assert pipeline.updates == 1
    assert alarm_state(pipeline) == "OK"


def test_a_version_that_answers_well_is_tested_as_long_as_the_old_instances_stay(pipeline: Repeating) -> None:
    arn = pipeline.bake(GOOD)
    pipeline.run()

    assert pipeline.tests == BAKE_SECONDS // EVERY
    assert pipeline.told(arn) == ["started", "succeeded"]
    assert pipeline.last.tests_begun <= 1
    assert pipeline.serving() == "v2"


def test_no_repetition_that_passes_is_written_to_the_journal(pipeline: Repeating) -> None:
    writes: list[tuple[int, str]] = []

    def note(service: str, operation: str) -> None:
        if service == "dynamodb" and operation != "Query":
            writes.append((pipeline.tests, operation))

    arn = pipeline.bake(GOOD)
    pipeline.deployer_cloud.before_call = note
    pipeline.deliver()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "succeeded"]
    last = pipeline.tests
    assert {tests for tests, _ in writes} == {0, 1, last}, "the claim, the first test, and the end"


def test_a_repetition_reads_the_endpoint_twice_and_calls_it_once(pipeline: Repeating) -> None:
    pipeline.bake(GOOD)
    calls: list[str] = []

    def note(_service: str, operation: str) -> None:
        if (
            pipeline.tests == 3
            or (pipeline.tests == 2 and calls)
            or (pipeline.tests == 2 and operation == "Query")
        ):
            calls.append(operation)

    pipeline.deployer_cloud.before_call = note
    pipeline.deliver()

    again = calls.index("Query", 1)
    assert calls[:again] == [
        "Query",
        "DescribeEndpoint",
        "DescribeModelPackage",
        "InvokeEndpoint",
        "DescribeEndpoint",
    ]


def test_an_invocation_without_time_hands_the_endpoint_over(pipeline: Repeating) -> None:
    arn = pipeline.bake(GOOD)
    began = [pipeline.clock.now()]

    def remaining() -> float:
        return 210.0 - (pipeline.clock.now() - began[0]).total_seconds()

    def dispatch(event: dict[str, object]) -> None:
        began[0] = pipeline.clock.now()
        Baking.dispatch_event(pipeline, event)

    pipeline.remaining_seconds = remaining
    pipeline.dispatch_event = dispatch  # type: ignore[method-assign] # each invocation has its own time
    pipeline.run()

    assert len(pipeline.parts) > 2
    assert pipeline.tests >= BAKE_SECONDS // EVERY
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_one_invocation_an_endpoint_goes_on_testing_whatever_comes_in_between(pipeline: Repeating) -> None:
    arn = pipeline.bake(GOOD)
    pipeline.after(2, pipeline.sweep)
    events = pipeline.undelivered()
    for event in [*events, *events]:
        pipeline.dispatch_event(event)
    pipeline.run()

    assert pipeline.tests == BAKE_SECONDS // EVERY
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_reject_during_the_wait_aborts_at_once_and_ends_the_tests(pipeline: Repeating) -> None:
    arn = pipeline.bake(GOOD)

    def reject() -> None:
        pipeline.reject(arn)
        pipeline.deliver()

    pipeline.after(2, reject)
    pipeline.run()

    assert pipeline.tests == 2
    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "aborted"]


def test_a_reject_whose_event_is_lost_is_seen_by_the_next_test(pipeline: Repeating) -> None:
    arn = pipeline.bake(GOOD)

    def reject() -> None:
        pipeline.reject(arn)
        pipeline.undelivered()

    pipeline.after(2, reject)
    pipeline.deliver()
    pipeline.run()

    assert pipeline.tests == 2
    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "aborted"]


def test_another_alarm_during_the_wait_ends_the_tests(pipeline: Repeating) -> None:
    arn = pipeline.bake(GOOD)
    pipeline.after(2, lambda: pipeline.set_off("errors"))
    pipeline.run()

    assert pipeline.tests <= 3
    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "failed"]


class DiedError(BaseException):
    """The function's process ended."""


def die() -> None:
    raise DiedError


def test_what_an_invocation_left_that_died_in_the_wait_is_taken_up_by_the_next_sweep() -> None:
    pipeline = Repeating(bake_seconds=1800)
    arn = pipeline.bake(GOOD, GOOD, GOOD, BAD)
    pipeline.after(2, die)
    with pytest.raises(DiedError):
        pipeline.deliver()
    pipeline.pass_time(400)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.tests == 4
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.updates == 1


def test_a_version_whose_tests_died_is_live_at_the_next_sweep(
    pipeline: Repeating,
) -> None:
    arn = pipeline.bake(GOOD)
    pipeline.after(2, die)
    with pytest.raises(DiedError):
        pipeline.deliver()
    pipeline.pass_time(900)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.tests == 2
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_fault_in_a_repetition_is_raised_and_the_retry_goes_on(pipeline: Repeating) -> None:
    arn = pipeline.bake(GOOD, GOOD, BAD)

    def refuse(service: str, _operation: str) -> None:
        if service == "sagemaker" and pipeline.tests == 2:
            pipeline.deployer_cloud.before_call = lambda *_: None
            raise TimeoutError

    pipeline.deployer_cloud.before_call = refuse
    with pytest.raises(PassesFailedError):
        pipeline.deliver()
    pipeline.pass_time(400)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.told(arn)[-1] in {"failed", "succeeded"}


def test_a_bad_answer_to_a_test_that_outlasts_the_bake_is_a_failure_in_service() -> None:
    pipeline = Repeating(bake_seconds=250)
    last = 250 // EVERY
    arn = pipeline.bake(*[GOOD] * last, BAD)

    def finish() -> None:
        while pipeline.endpoint["EndpointStatus"] != "InService":
            pipeline.pass_time(5)
        pipeline.deliver()

    def outlast(service: str, _operation: str) -> None:
        if service == "sagemaker-runtime" and pipeline.tests == last:
            pipeline.deployer_cloud.before_call = lambda *_: None
            finish()

    pipeline.deployer_cloud.before_call = outlast
    pipeline.deliver()
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "failed"]
    assert pipeline.updates == 2


def test_settings_that_ask_for_it_later_find_the_bake(pipeline: Repeating) -> None:
    repeated = pipeline.settings
    pipeline.manage(**{**repeated, "SmokeTest": smoke_test()})
    arn = pipeline.bake(GOOD, BAD)
    pipeline.deliver()
    assert pipeline.last.status is not AttemptStatus.FAILED
    pipeline.manage(**repeated)
    pipeline.sweep()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "failed"]
