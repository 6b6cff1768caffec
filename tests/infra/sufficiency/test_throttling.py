"""Writes that SageMaker throttles are waited for, handed on when time runs out, and never outdated."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from deployer.endpoint_pass.throttling import (
    LONGEST_TO_BEGIN_SECONDS,
    LONGEST_TO_FINISH_SECONDS,
    SECONDS_TO_FINISH,
    TimeBudget,
)
from deployer.model.attempt import AttemptStatus
from deployer.triggers import read_trigger
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline()
    made.manage()
    return made


def throttle(
    pipeline: Pipeline, *operations: str, times: int, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Refuse the next calls of these operations; let something happen beside the first refusal."""
    refused = itertools.count(1)

    def refuse(_service: str, operation: str) -> None:
        if operation in operations and (number := next(refused)) <= times:
            if number == 1:
                meanwhile()
            raise ClientError(
                {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation
            )

    pipeline.deployer_cloud.before_call = refuse


def approved(pipeline: Pipeline) -> str:
    arn = pipeline.register()
    pipeline.approve(arn)
    return arn


def waits(pipeline: Pipeline) -> list[float]:
    """Remember how long each wait may take."""
    made: list[float] = []
    pipeline.pause = made.append
    return made


# Waiting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_a_throttled_write_is_made_as_soon_as_sagemaker_takes_it(pipeline: Pipeline, operation: str) -> None:
    throttle(pipeline, operation, times=7)
    arn = approved(pipeline)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_who_has_begun_goes_before_who_has_not(pipeline: Pipeline) -> None:
    made = waits(pipeline)
    throttle(pipeline, "CreateModel", times=1)
    approved(pipeline)
    pipeline.deliver()
    pipeline.run()
    throttle(pipeline, "CreateEndpointConfig", "UpdateEndpoint", times=3)
    approved(pipeline)
    pipeline.deliver()

    assert made == [LONGEST_TO_BEGIN_SECONDS, *[LONGEST_TO_FINISH_SECONDS] * 3]
    assert LONGEST_TO_FINISH_SECONDS < LONGEST_TO_BEGIN_SECONDS


def test_nobody_waits_beyond_the_time_that_is_left() -> None:
    made: list[float] = []
    patience = TimeBudget(lambda: SECONDS_TO_FINISH + 5.0, made.append)

    assert patience.wait(5.0)
    assert not patience.wait(5.1)
    assert made == [5.0]


# What changes meanwhile --------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
def test_a_newer_approval_that_comes_while_waiting_goes_out_instead(
    pipeline: Pipeline, operation: str
) -> None:
    first, second = approved(pipeline), pipeline.register()
    (event,) = [
        each
        for each in pipeline.undelivered()
        if each["detail"].get("UpdatedModelPackageFields") == ["ModelApprovalStatus"]
    ]

    def approve() -> None:
        pipeline.approve(second)
        pipeline.deliver()

    throttle(pipeline, operation, times=1, meanwhile=approve)
    pipeline.dispatch(read_trigger(event))
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(first) == []
    assert pipeline.sagemaker_calls().count("CreateEndpoint") == 1
    assert pipeline.attempts[-1].status is AttemptStatus.WITHDRAWN


def test_a_reject_that_comes_while_waiting_is_seen_before_the_change(pipeline: Pipeline) -> None:
    arn = approved(pipeline)
    throttle(pipeline, "CreateEndpoint", times=1, meanwhile=lambda: pipeline.reject(arn))
    pipeline.deliver()

    assert "CreateEndpoint" not in pipeline.sagemaker_calls()
    assert [each.status for each in pipeline.attempts][-1] is AttemptStatus.WITHDRAWN


# Out of time -------------------------------------------------------------------------------------------


def test_an_invocation_out_of_time_hands_its_endpoint_to_the_next_one(pipeline: Pipeline) -> None:
    """Lambda's own retries come after minutes, and only twice."""
    pipeline.remaining_seconds = lambda: 20.0
    throttle(pipeline, "CreateModel", times=1)
    arn = approved(pipeline)
    pipeline.deliver()
    assert pipeline.told(arn) == []
    (part,) = pipeline.parts

    pipeline.remaining_seconds = lambda: 300.0
    pipeline.dispatch(read_trigger(part))
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "succeeded"]
    assert [each.number for each in pipeline.attempts] == [1]


@pytest.fixture
def with_leftovers(pipeline: Pipeline) -> Pipeline:
    """Return a pipeline whose next approval leaves something to clean up."""
    pipeline.manage(Keep=0)
    for _ in range(2):
        approved(pipeline)
        pipeline.run()
    approved(pipeline)
    return pipeline


def test_a_throttled_clean_up_takes_no_write_from_deployments(with_leftovers: Pipeline) -> None:
    """It does not wait for its turn among them: the next sweep continues it."""
    tried: list[str] = []

    def before(_service: str, operation: str) -> None:
        if operation.startswith("Delete"):
            tried.append(operation)
            answer = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
            raise ClientError(answer, operation)  # type: ignore[arg-type] # as botocore answers

    with_leftovers.deployer_cloud.before_call = before
    with_leftovers.run()

    assert with_leftovers.serving() == "v3"
    assert tried == ["DeleteEndpointConfig"]


def test_a_clean_up_gives_way_to_a_newer_approval(with_leftovers: Pipeline) -> None:
    newer = with_leftovers.register()

    def approve() -> None:
        with_leftovers.approve(newer)
        with_leftovers.deliver()

    throttle(with_leftovers, "DeleteEndpointConfig", times=1, meanwhile=approve)
    with_leftovers.run()

    assert with_leftovers.serving() == "v4"
    assert with_leftovers.told(newer) == ["started", "succeeded"]


def test_a_clean_up_out_of_time_is_left_to_the_sweep(with_leftovers: Pipeline) -> None:
    """Nobody waits for it, so it neither fails nor is handed on."""
    with_leftovers.remaining_seconds = lambda: 20.0
    throttle(with_leftovers, "DeleteEndpointConfig", "DeleteModel", times=99)
    with_leftovers.run()
    assert with_leftovers.serving() == "v3"
    assert with_leftovers.parts == []
    assert "DeleteModel" not in with_leftovers.sagemaker_calls()

    throttle(with_leftovers, times=0)
    with_leftovers.sweep()

    assert "DeleteModel" in with_leftovers.sagemaker_calls()
