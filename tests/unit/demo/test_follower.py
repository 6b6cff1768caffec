"""Which calls and outcomes get a line, and which words."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from demo.follower import Follower, Line, call_line, event_line, is_write, outcome_line
from demo.timeline import Timeline

GROUP = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/churn/3"
BEGAN = datetime(2026, 5, 3, 14, 3, tzinfo=UTC)


def call(operation: str, error: str | None = None, **request: object) -> dict[str, Any]:
    return {
        "seq": 1,
        "account": "111122223333",
        "operation": operation,
        "error_code": error,
        "request_summary": request,
        "user_agent": "Boto3/1",
        "duration_ms": 500.0,
        "time": BEGAN.isoformat(),
    }


@pytest.mark.parametrize(
    ("operation", "writes"),
    [
        ("CreateModel", True),
        ("UpdateModelPackage", True),
        ("DescribeEndpoint", False),
        ("BatchDescribeModelPackage", False),
        ("Search", False),
        ("ListTags", False),
        ("InvokeEndpoint", False),
    ],
)
def test_a_write_is_what_may_change_something(operation: str, writes: bool) -> None:  # noqa: FBT001 - parametrised
    assert is_write(call(operation)) is writes


def test_a_decision_of_a_person_reads_as_one_at_the_time_when_it_was_taken() -> None:
    line = call_line(call("UpdateModelPackage", ModelPackageArn=GROUP, ModelApprovalStatus="Approved"), "you")

    assert line == Line(BEGAN + timedelta(seconds=0.5), "you", "Approved churn/3", "bold")


def test_a_config_is_not_named_by_its_endpoint_once_more() -> None:
    request = {"EndpointName": "churn", "EndpointConfigName": "churn-v3-1f2e"}

    assert call_line(call("UpdateEndpoint", **request), "deployer").text.endswith("  churn → v3-1f2e")


def test_a_refusal_is_named_and_not_red() -> None:
    line = call_line(call("DescribeEndpoint", "ValidationException", EndpointName="churn"), "deployer")

    assert line.text.endswith("ValidationException")
    assert "red" not in line.style


@pytest.mark.parametrize(
    ("kind", "who", "sign"),
    [("started", "decision", "V"), ("succeeded", "outcome", "✓"), ("failed", "outcome", "✗")],
)
def test_an_outcome_is_a_decision_or_an_end(kind: str, who: str, sign: str) -> None:
    line = outcome_line({"Outcome": kind, "Time": BEGAN.isoformat(), "Message": "Version 3 …"})

    assert (line.who, line.text[0]) == (who, sign)


def test_an_event_of_a_version_tells_its_stage() -> None:
    detail = {
        "ModelPackageArn": GROUP,
        "ModelApprovalStatus": "Approved",
        "ModelLifeCycle": {"Stage": "prod", "StageStatus": "Approved"},
    }
    event = {"time": BEGAN.isoformat(), "event": {"detail-type": "State Change", "detail": detail}}

    assert event_line(event, "event").text.endswith("churn/3 Approved, prod/Approved")


class Cloud:
    """The calls and events that a local cloud would return."""

    def __init__(self, *calls: dict[str, Any]) -> None:
        self._calls = list(calls)

    def calls(self, *, after: int) -> list[dict[str, Any]]:
        return [each for each in self._calls if each["seq"] > after]

    def events(self, *, after: int) -> list[dict[str, Any]]:
        assert after == 0
        return []


def shown(cloud: Any, **options: Any) -> list[str]:
    out = io.StringIO()
    made = Timeline(Console(file=out, width=120, highlight=False))
    Follower(cloud, made, **options).catch_up()
    return out.getvalue().splitlines()


def test_lines_come_in_the_order_in_which_things_happened() -> None:
    late = Line(BEGAN + timedelta(seconds=9), "outcome", "serves", "")
    early = Line(BEGAN, "decision", "deploys", "")

    first, second, third = shown(Cloud(call("CreateModel")), others=lambda: [late, early])

    assert ("deploys" in first, "CreateModel" in second, "serves" in third) == (True, True, True)


def test_a_new_line_waits_for_those_that_come_late() -> None:
    news = Line(datetime.now(UTC), "outcome", "serves", "")

    assert shown(Cloud(), others=lambda: [news], settle_seconds=60) == []


def test_a_cloud_that_is_too_busy_to_answer_is_asked_again() -> None:
    out = io.StringIO()
    cloud: Any = Cloud(call("CreateModel"))
    answers = cloud.calls

    def too_busy(**_: object) -> Any:
        raise TimeoutError

    follower = Follower(cloud, Timeline(Console(file=out, width=120, highlight=False)))
    cloud.calls = too_busy
    follower.catch_up()
    cloud.calls = answers
    follower.catch_up()

    assert out.getvalue().count("CreateModel") == 1


@pytest.mark.parametrize(("reads", "lines"), [(False, 0), (True, 1)])
def test_reads_are_shown_to_those_who_ask_for_them(reads: bool, lines: int) -> None:  # noqa: FBT001 - parametrised
    assert len(shown(Cloud(call("DescribeEndpoint")), reads=reads)) == lines


def test_the_hundreds_of_invocations_are_shown_to_nobody() -> None:
    assert shown(Cloud(call("InvokeEndpoint")), reads=True) == []
