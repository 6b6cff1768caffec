"""Test smoke tests: the stored settings, and tests that could never pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.settings.compiling.settings_files import serialised
from tests.infra.settings.builders import load, problems

if TYPE_CHECKING:
    from pathlib import Path

BASE = "model_package_group: churn\ninstance_type: ml.m5.large\n"
REQUEST = "body: '1,2', content_type: text/csv"


def smoke_test(request: str, more: str = "") -> str:
    return f"{BASE}smoke_test: {{requests: [{{{request}}}]{more}}}\n"


def stored(directory: Path, text: str) -> dict[str, Any]:
    [spec], found = load(directory, churn=text)
    assert found == []
    test: dict[str, Any] = spec.compiled["SmokeTest"]
    return test


def test_a_request_says_no_more_than_it_must(tmp_path: Path) -> None:
    assert stored(tmp_path, smoke_test(REQUEST)) == {
        "TimeLimitSeconds": 60,
        "Requests": [{"Body": "1,2", "ContentType": "text/csv", "Status": 200, "Calls": 1}],
    }


def test_every_key_is_stored_for_the_deployer(tmp_path: Path) -> None:
    request = (
        "name: typical, body_from: 's3://bucket/calls/one.csv', content_type: text/csv, "
        "accept: application/json, status: 200, response_content_type: application/json, "
        "expect: 'length(predictions) == `1`', p95_ms: 250, repeat: 40"
    )

    assert stored(tmp_path, smoke_test(request, ", time_limit_seconds: 30, log_bodies: true")) == {
        "TimeLimitSeconds": 30,
        "LogBodies": True,
        "Requests": [
            {
                "Name": "typical",
                "BodyS3Uri": "s3://bucket/calls/one.csv",
                "ContentType": "text/csv",
                "Accept": "application/json",
                "Status": 200,
                "ResponseContentType": "application/json",
                "Expect": "length(predictions) == `1`",
                "P95Milliseconds": 250,
                "Calls": 40,
            }
        ],
    }


def test_a_sample_payload_brings_its_own_content_type(tmp_path: Path) -> None:
    [request] = stored(tmp_path, smoke_test("sample_payload: true"))["Requests"]

    assert request == {"SamplePayload": True, "Status": 200, "Calls": 1}


def test_a_p95_is_of_twenty_calls_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    [request] = stored(tmp_path, smoke_test(REQUEST + ", p95_ms: 100"))["Requests"]

    assert request["Calls"] == 20


REFUSED: list[tuple[str, str, str, str]] = [
    (smoke_test("content_type: text/csv"), "requests[0]", "exactly one of", "add body"),
    (smoke_test(REQUEST + ", sample_payload: true"), "requests[0]", "exactly one of", "keep one"),
    (smoke_test("body: a"), "requests[0].content_type", "content type", "text/csv"),
    (smoke_test("content_type: a, body_from: bucket/key"), "requests[0].body_from", "s3://", "correct"),
    (smoke_test(REQUEST + ", status: 199"), "requests[0].status", "200 to 599", "200"),
    (smoke_test(REQUEST + ", repeat: 101"), "requests[0].repeat", "1 to 100", "100"),
    (smoke_test(REQUEST + ", repeat: 19, p95_ms: 1"), "requests[0].repeat", "at least 20", "raise it to 20"),
    (smoke_test(REQUEST + ", p95_ms: 0"), "requests[0].p95_ms", "above 0", ""),
    (smoke_test(REQUEST + ", expect: 'a ='"), "requests[0].expect", "JMESPath", "backquotes"),
    (
        smoke_test(REQUEST + ", expect: 'lenght(a)'"),
        "requests[0].expect",
        "functions",
        "did you mean length?",
    ),
    (smoke_test(REQUEST + ", expect: '[?zzz(a)]'"), "requests[0].expect", "functions", "another"),
    (
        smoke_test(REQUEST + ", expect: a, response_content_type: text/csv"),
        "requests[0].expect",
        "JSON",
        "remove expect",
    ),
    (smoke_test(REQUEST, ", time_limit_seconds: 101"), "time_limit_seconds", "1 to 100", "100"),
    (
        smoke_test("repeat: 100, " + "}, {repeat: 100, ".join([REQUEST] * 3)),
        "requests",
        "at most 200",
        "lower repeat",
    ),
    (smoke_test("}, {".join([REQUEST] * 11)), "requests", "1 to 10", ""),
    (smoke_test(REQUEST + ", bdy: a"), "requests[0].bdy", "one of name, body", "did you mean body?"),
]


@pytest.mark.parametrize(("text", "field", "expected", "fix"), REFUSED)
def test_a_test_that_could_not_pass_is_refused_at_synth(
    text: str, field: str, expected: str, fix: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, text)

    assert (problem.line, problem.field) == (3, f"smoke_test.{field}")
    assert expected in problem.expected
    assert fix in problem.fix


def test_an_asynchronous_endpoint_cannot_be_called_to_try_it(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, smoke_test(REQUEST) + "asynchronous: {output_path: 's3://b/p'}\n")

    assert problem.field == "smoke_test"


def test_settings_may_hold_many_long_bodies(tmp_path: Path) -> None:
    request = f"{{body: '{'x' * 4096}', content_type: text/csv}}"
    requests = ", ".join([request] * 10)

    [spec], found = load(tmp_path, churn=f"{BASE}smoke_test: {{requests: [{requests}]}}\n")

    assert found == []
    assert len(serialised(spec.compiled)) > 10 * 4096
