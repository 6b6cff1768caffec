"""Trouble that passes by itself is known in every spelling; what comes too soon is waited for."""

from __future__ import annotations

import pytest

from deployer.executor import SECONDS_TO_BE_KNOWN
from deployer.passing import ACCESS, TROUBLE, may_be_early, may_pass
from tests.unit.deployer.pipeline import Pipeline


@pytest.mark.parametrize(
    "reason",
    [
        "CapacityError: Unable to provision requested ML compute capacity. Please retry later.",
        "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
        "InternalServerError: We encountered an internal error. Please try again.",
        "internalservererror",
        "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances",
        "Request to service failed. If failure persists after retry, contact customer support.",
    ],
)
def test_trouble_of_the_services_own_may_pass(reason: str) -> None:
    assert may_pass(reason)


@pytest.mark.parametrize(
    "reason",
    [
        "The primary container for production variant AllTraffic did not pass the ping health check.",
        "The deployment was rolled back because of alarm(s) in ALARM: errors.",
        *ACCESS,
    ],
)
def test_what_is_a_versions_own_does_not_pass(reason: str) -> None:
    assert not may_pass(reason)


def test_what_may_be_early_is_no_trouble_of_the_services() -> None:
    assert all(may_be_early(f"ValidationException: {each.upper()} at s3://x") for each in ACCESS)
    assert not any(may_be_early(each) for each in TROUBLE)


def approve_unreadable(pipeline: Pipeline) -> tuple[str, str]:
    pipeline.manage()
    arn = pipeline.register()
    [url] = pipeline.artifacts.s3_urls
    pipeline.artifacts.s3_urls.clear()
    pipeline.approve(arn)
    return arn, url


def test_model_data_that_cannot_be_read_yet_is_read_some_seconds_later() -> None:
    pipeline = Pipeline()
    arn, url = approve_unreadable(pipeline)

    def pause(seconds: float) -> None:
        pipeline.pass_time(seconds)
        pipeline.artifacts.s3_urls.add(url)

    pipeline.pause = pause
    pipeline.run()

    assert pipeline.told(arn) == ["started", "succeeded"]
    assert pipeline.sagemaker_calls().count("CreateModel") == 2


def test_model_data_that_stays_unreadable_is_a_failure_with_sagemakers_words() -> None:
    pipeline = Pipeline()
    arn, _ = approve_unreadable(pipeline)
    pipeline.run()
    pipeline.sweep()

    assert pipeline.told(arn) == ["failed"]
    assert "Could not access model data" in pipeline.outcomes[-1]["Reason"]
    assert pipeline.sagemaker_calls().count("CreateModel") == len(SECONDS_TO_BE_KNOWN) + 1


def test_an_invocation_without_time_to_wait_does_not_wait() -> None:
    pipeline = Pipeline()
    pipeline.remaining_seconds = lambda: 31.0
    arn, _ = approve_unreadable(pipeline)
    pipeline.deliver()

    assert pipeline.told(arn) == ["failed"]
    assert pipeline.sagemaker_calls().count("CreateModel") == 1
