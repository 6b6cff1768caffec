"""Saved queries find what they promise in the deployer's lines, and name only keys that lines have."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from deployer.dispatcher import PassesFailedError
from infra.constructs.saved_queries import ANY_ENDPOINT, QUERIES, Condition, Query
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised

OF_LAMBDA: Final = {"function_request_id"}
"""Keys that the logger adds of the invocation's context, which no test here has.

Source: Powertools for AWS Lambda, "Logger", standard structured keys.
"""


def meets(line: dict[str, Any], condition: Condition) -> bool:
    """Evaluate a condition as Insights does, as far as the queries need it."""
    value = line.get(condition.field)
    if value is None:
        return False
    match condition.operator:
        case "=":
            return bool(value == (ENDPOINT if condition.value == ANY_ENDPOINT else condition.value))
        case ">":
            return bool(value > condition.value)
        case "like":
            return re.search(str(condition.value), value) is not None
    raise AssertionError(condition.operator)


def found(query: Query, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if any(meets(line, each) for each in query.any_of)]


class Story:
    """A version that fails, one that serves after a slow pass, and a call that is denied."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.pipeline = Pipeline()
        self.pipeline.logger = Logger(service=str(id(self)), stream=self._stream)  # type: ignore[assignment] # heard by nobody
        self.pipeline.renew_environment()
        self.pipeline.manage()
        self.good = self._approve(broken=False)
        self.bad = self._approve(broken=True)
        self.denied = self._denied()

    def _take(self) -> list[dict[str, Any]]:
        lines = [json.loads(each) for each in self._stream.getvalue().splitlines()]
        self._stream.truncate(0)
        self._stream.seek(0)
        return lines

    def _approve(self, *, broken: bool) -> list[dict[str, Any]]:
        pipeline = self.pipeline
        arn = pipeline.register()
        if broken:
            pipeline.break_model_of(arn)
        pipeline.approve(arn)

        def slow(_service: str, operation: str) -> None:
            if operation == "CreateModel" and not broken:
                pipeline.pass_time(40)

        pipeline.deployer_cloud.before_call = slow
        pipeline.run()
        return self._take()

    def _denied(self) -> list[dict[str, Any]]:
        def deny(_service: str, operation: str) -> None:
            if operation == "DescribeEndpoint":
                raise ClientError(
                    {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, operation
                )

        self.pipeline.deployer_cloud.before_call = deny
        self.pipeline.approve(self.pipeline.register())
        with pytest.raises(PassesFailedError):
            self.pipeline.deliver()
        self.pipeline.deployer_cloud.before_call = lambda _service, _operation: None
        return self._take()


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


def by_name(name: str) -> Query:
    return next(each for each in QUERIES if each.name == name)


@pytest.mark.parametrize("query", QUERIES, ids=lambda each: each.name)
def test_every_field_of_a_query_is_a_key_of_some_line(query: Query, story: Story) -> None:
    keys = {key for line in (*story.good, *story.bad, *story.denied) for key in line} | OF_LAMBDA

    assert {*query.fields, *(each.field for each in query.any_of)} <= keys


def test_what_happened_to_an_endpoint_is_told_from_the_approval_to_the_end(story: Story) -> None:
    messages = [each["message"] for each in found(by_name("What happened to one endpoint"), story.good)]

    assert messages.index("Approval journalled") < messages.index("Attempt settled")
    assert any("serves on churn" in each for each in messages)


def test_failures_are_found_and_what_went_well_is_not(story: Story) -> None:
    failures = by_name("Failures")

    assert found(failures, story.good) == []
    reasons = [each["reason"] for each in found(failures, story.bad) if "reason" in each]
    assert any("ping health check" in each for each in reasons)


def test_slow_passes_are_found_and_quick_ones_are_not(story: Story) -> None:
    slow = by_name("Slow passes")

    assert [each["endpoint"] for each in found(slow, story.good)] == [ENDPOINT]
    assert found(slow, story.bad) == []


def test_denied_calls_are_found_and_others_are_not(story: Story) -> None:
    denied = by_name("Denied calls")

    assert found(denied, story.denied)
    assert found(denied, story.good) == []
    assert found(denied, story.bad) == []


def test_the_stack_saves_every_query_for_the_deployers_log(synthesised: Synthesised) -> None:
    saved = synthesised.of_type("AWS::Logs::QueryDefinition").values()
    [group] = synthesised.of_type("AWS::Logs::LogGroup")

    assert {each["Name"]: each["QueryString"] for each in saved} == {
        f"Greenlight/{query.name}": str(query) for query in QUERIES
    }
    assert all(each["LogGroupNames"] == [{"Ref": group}] for each in saved)


def test_a_query_is_written_in_the_language_of_insights() -> None:
    assert str(by_name("Slow passes")) == (
        "# A pass is one look at one endpoint. The function's time limit is 300 seconds.\n"
        "fields @timestamp, pass_seconds, endpoint, function_request_id\n"
        "| filter pass_seconds > 30\n"
        "| sort pass_seconds desc\n"
        "| limit 1000"
    )
    assert '| filter endpoint = "your-endpoint"\n' in str(by_name("What happened to one endpoint"))
    assert "| filter message like /AccessDenied|" in str(by_name("Denied calls"))
