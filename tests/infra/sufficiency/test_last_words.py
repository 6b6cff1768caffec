"""A failure's reason quotes what the new containers logged last; a log that cannot be read harms nothing."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.infra.sufficiency.test_before_rollout import Careful
from tests.infra.sufficiency.test_trial import BAD, GOOD, Trying
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline

WORDS = "ModuleNotFoundError: No module named 'lightgbm'"


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline()
    made.manage()
    return made


def log(pipeline: Pipeline, *lines: str, endpoint_name: str = ENDPOINT) -> None:
    """Log lines as a container of an endpoint, now."""
    group, stream = f"/aws/sagemaker/Endpoints/{endpoint_name}", "AllTraffic/i-0"
    logs = pipeline.cloud.client("logs")
    now = round(pipeline.clock.now().timestamp() * 1000)
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": now, "message": each} for each in lines]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def fail(pipeline: Pipeline, *lines: str) -> dict[str, Any]:
    """Approve a version whose container does not come up, and logs why; return its outcome."""
    arn = pipeline.register()
    pipeline.break_model_of(arn)
    pipeline.approve(arn)
    pipeline.deliver()
    if lines:
        log(pipeline, *lines)
    pipeline.run()
    return next(each for each in pipeline.outcomes if each["Outcome"] == "failed")


def test_a_failed_health_check_is_told_with_the_containers_exception(pipeline: Pipeline) -> None:
    told = fail(pipeline, "Traceback (most recent call last):", WORDS, "GET /ping 502")

    assert "did not pass the ping health check" in told["Reason"]
    assert told["Reason"].endswith(f"The container's last error: {WORDS}.")
    assert told["Cause"] == "version"
    [mail] = [each["Body"] for each in pipeline.mails if "did not go live" in each["Subject"]]
    assert WORDS in mail


def test_settings_can_keep_the_log_out_of_the_reason(pipeline: Pipeline) -> None:
    pipeline.manage(QuoteLogs=False)
    told = fail(pipeline, WORDS)

    assert "last error" not in told["Reason"]
    assert not [each for each in pipeline.deployer_cloud.calls if each[0] == "logs"]


@pytest.mark.parametrize("lines", [(), ("GET /ping 200",)])
def test_a_log_without_an_exception_or_no_log_leaves_the_reason_as_it_was(
    pipeline: Pipeline, lines: tuple[str, ...]
) -> None:
    assert fail(pipeline, *lines)["Reason"].endswith("CloudWatch logs for this endpoint.")


@pytest.mark.parametrize("operation", ["DescribeLogStreams", "GetLogEvents"])
@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_log_that_cannot_be_read_holds_up_no_end(pipeline: Pipeline, operation: str, code: str) -> None:
    def refuse(_service: str, called: str) -> None:
        if called == operation:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    pipeline.deployer_cloud.before_call = refuse
    told = fail(pipeline, WORDS)

    assert told["Reason"].endswith("CloudWatch logs for this endpoint.")
    asked = [each for _, each in pipeline.deployer_cloud.calls if each.endswith("LogStreams")]
    assert len(asked) <= 1, "it is asked once"


def test_what_the_version_that_serves_logs_is_not_blamed_on_the_new_one(pipeline: Pipeline) -> None:
    """A stream is as old as its instance, and the local cloud's streams begin in the present."""
    pipeline.clock.set(datetime(2100, 1, 1, tzinfo=UTC))
    told = fail(pipeline, "KeyError: of the version that serves")

    assert told["Reason"].endswith("CloudWatch logs for this endpoint.")


def test_a_failed_smoke_test_is_told_with_the_containers_exception() -> None:
    pipeline = Trying()
    pipeline.deploy(GOOD)
    arn = pipeline.register()
    pipeline.script(arn, BAD)
    pipeline.approve(arn)
    pipeline.deliver()
    log(pipeline, "KeyError: 'age'")
    pipeline.run()

    [failed] = [each for each in pipeline.outcomes if each["Outcome"] == "failed"]
    assert failed["Reason"].endswith("The container's last error: KeyError: 'age'.")
    assert "expected score to be true" in failed["Reason"]


def test_a_test_before_the_rollout_is_told_with_the_exception_of_its_own_endpoint() -> None:
    pipeline = Careful()
    pipeline.begin_test(BAD)
    [test_endpoint] = pipeline.test_endpoints()
    log(pipeline, "KeyError: 'age'", endpoint_name=test_endpoint)
    log(pipeline, "ValueError: of somebody else")
    pipeline.run()

    [failed] = [each for each in pipeline.outcomes if each["Outcome"] == "failed"]
    assert failed["Reason"].endswith("The container's last error: KeyError: 'age'.")
    [mail] = [each["Body"] for each in pipeline.mails if "before its rollout" in each["Subject"]]
    assert f"$252FEndpoints$252F{test_endpoint}\n" in mail
