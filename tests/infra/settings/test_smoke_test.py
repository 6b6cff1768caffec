"""Test smoke tests: the stored settings, and tests that could never pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.endpoint_pass.throttling import SECONDS_TO_FINISH
from deployer.gateways.invocations import LONGEST_SECONDS
from infra.settings.compiling.settings_files import serialised
from infra.settings.endpoint_spec import EndpointSpec
from infra.settings.keys.smoke_tests import MOST_EVERY_SECONDS, MOST_SECONDS
from infra.settings.notices import noticed
from tests.infra.settings.builders import load, problems

if TYPE_CHECKING:
    from pathlib import Path

BASE = "model_package_group: churn\ninstance_type: ml.m5.large\n"
FUNCTION_SECONDS = 300
"""How long the deployer's function may run; see `test_deployment_stack`."""

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


CANARY = "rollout: {kind: canary, size_percent: 25, wait_seconds: 600"


def compiled(directory: Path, more: str = "", base: str = BASE) -> EndpointSpec:
    [spec], found = load(directory, churn=f"{base}smoke_test: {{requests: [{{{REQUEST}}}]}}\n{more}")
    assert found == []
    return spec


def test_a_smoke_test_brings_the_guard_with_it(tmp_path: Path) -> None:
    spec = compiled(tmp_path).compiled

    assert spec["AbortAlarmName"] == "Greenlight.churn.abort"
    assert [each["AlarmName"] for each in spec["RollbackAlarms"]] == ["Greenlight.churn.abort"]
    assert spec["DeploymentConfig"] == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
            "TerminationWaitInSeconds": 300,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "Greenlight.churn.abort"}]},
    }


def test_the_longest_smoke_test_fits_into_the_bake_that_it_brings(tmp_path: Path) -> None:
    text = smoke_test(REQUEST, f", time_limit_seconds: {MOST_SECONDS}")
    [spec], found = load(tmp_path, churn=text)

    assert found == []
    assert "Then the old instances take the calls back." in (spec.notice or "")


def test_several_variants_have_one_abort_alarm(tmp_path: Path) -> None:
    variants = "variants:\n" + "".join(
        f"  - {{name: {name}, weight: 1, instance_type: ml.m5.large, instance_count: 2}}\n"
        for name in ("First", "Second")
    )
    spec = compiled(tmp_path, base=f"model_package_group: churn\n{variants}").compiled

    assert [each["AlarmName"] for each in spec["RollbackAlarms"]] == ["Greenlight.churn.abort"]


@pytest.mark.parametrize(
    ("more", "base"),
    [
        pytest.param("", "model_package_group: churn\nserverless: {memory_size_in_mb: 2048, "
                     "max_concurrency: 5}\n", id="serverless"),
        pytest.param("", "model_package_group: churn\ninstance_type: ml.inf1.xlarge\n", id="Inf1"),
        pytest.param("overrides: {deployment_config: {AutoRollbackConfiguration: {Alarms: "
                     "[{AlarmName: mine}]}}}\n", BASE, id="overrides"),
    ],
)  # fmt: skip
def test_what_has_no_guardrails_or_says_otherwise_brings_no_guard(
    tmp_path: Path, more: str, base: str
) -> None:
    spec = compiled(tmp_path, more, base)

    assert "AbortAlarmName" not in spec.compiled
    assert spec.notice == (
        "A version that fails its smoke test has all calls until the test ends. The test begins once the "
        "version is in service, and takes 125 seconds at most. Then another update restores the version "
        "before, which takes minutes."
    )


@pytest.mark.parametrize(
    ("rollout", "expected"),
    [
        pytest.param(
            "",
            "A version that fails its smoke test has all calls until the test ends, 125 seconds at most. "
            "Then the old instances take the calls back. If AWS does not show when all calls have moved, the "
            "test begins 300 seconds later.",
            id="brought",
        ),
        pytest.param(
            f"{CANARY}}}\n",
            "A version that fails its smoke test has 25 % of the calls for 600 seconds, then all calls until "
            "the test ends, 125 seconds at most. Then the old instances take the calls back. If AWS does not "
            "show when all calls have moved, the test begins 300 seconds later.",
            id="canary",
        ),
        pytest.param(
            f"{CANARY}, termination_wait_seconds: 184}}\n",
            "A version that fails its smoke test has 25 % of the calls for 600 seconds, then all calls until "
            "the test ends. The test begins once the version is in service, as termination_wait_seconds is "
            "184 and the test may need 185, and takes 125 seconds at most. Then another update restores the "
            "version before, which takes minutes.",
            id="too short",
        ),
        pytest.param(
            "rollout: {kind: linear, size_percent: 25, wait_seconds: 60}\n",
            "A version that fails its smoke test has a growing part of the calls, 60 seconds for each step, "
            "then all calls until the test ends, 125 seconds at most. Then the old instances take the calls "
            "back. If AWS does not show when all calls have moved, the test begins 300 seconds later.",
            id="linear",
        ),
        pytest.param(
            "rollout: {kind: rolling, size_percent: 25, wait_seconds: 60}\n",
            "A version that fails its smoke test has a growing part of the calls, 60 seconds for each batch, "
            "then all calls until the test ends. The test begins once the version is in service, as a "
            "rolling rollout ends the old instances, and takes 125 seconds at most. Then another update "
            "restores the version before, which takes minutes.",
            id="rolling",
        ),
    ],
)  # fmt: skip
def test_what_a_bad_version_could_do_is_said(tmp_path: Path, rollout: str, expected: str) -> None:
    assert compiled(tmp_path, f"instance_count: 4\n{rollout}").notice == expected


BEFORE = "smoke_test: {before_rollout: true, requests: [{body: '1', content_type: text/csv}]}\n"


@pytest.mark.parametrize(
    ("settings", "smallest"),
    [
        pytest.param(
            f"{BASE}instance_count: 4\n",
            "1 ml.m5.large, paid and counted against the account's quotas meanwhile",
            id="one variant",
        ),
        pytest.param(
            "model_package_group: churn\nvariants:\n"
            "- {name: pinned, version: 1, weight: 1, instance_type: ml.m5.large}\n"
            "- {name: one, weight: 1, instance_type: ml.m5.large, instance_count: 3}\n"
            "- {name: two, weight: 1, instance_type: ml.c5.large}\n"
            "- {name: three, weight: 1, instance_type: ml.m5.large}\n",
            "2 ml.m5.large and 1 ml.c5.large, paid and counted against the account's quotas meanwhile",
            id="variants",
        ),
        pytest.param(
            "model_package_group: churn\nserverless: {memory_size_in_mb: 2048, max_concurrency: 5}\n",
            "serverless capacity, which counts against the account's quota meanwhile",
            id="serverless",
        ),
    ],
)
def test_what_a_test_before_the_rollout_costs_is_said(tmp_path: Path, settings: str, smallest: str) -> None:
    [spec], found = load(tmp_path, churn=settings + BEFORE)

    assert found == []
    assert spec.notice == (
        "A version that fails its smoke test reaches no caller, as it is tested before its rollout. Each "
        f"rollout of something new waits for a test endpoint on {smallest}: for its creation, which takes "
        "minutes, and for the test, 125 seconds at most."
    )


def test_a_test_before_the_rollout_brings_no_guard(tmp_path: Path) -> None:
    [spec], _ = load(tmp_path, churn=BASE + BEFORE)

    assert spec.compiled["SmokeTest"]["BeforeRollout"] is True
    assert "AbortAlarmName" not in spec.compiled
    assert "DeploymentConfig" not in spec.compiled


def test_a_test_in_the_rollout_is_stored_as_before(tmp_path: Path) -> None:
    [spec], _ = load(tmp_path, churn=BASE + BEFORE.replace("true", "false"))

    assert "BeforeRollout" not in spec.compiled["SmokeTest"]


def test_without_a_smoke_test_there_is_no_guard_and_nothing_to_say(tmp_path: Path) -> None:
    [spec], found = load(tmp_path, churn=BASE)

    assert found == []
    assert spec.notice is None
    assert "DeploymentConfig" not in spec.compiled


def test_equal_notices_are_one_line_that_names_a_few_endpoints() -> None:
    def spec(name: str, notice: str | None) -> EndpointSpec:
        return EndpointSpec(f"{name}.yaml", name, "churn", notice=notice)

    assert noticed([spec("a", None)]) == ""
    assert noticed([spec("a", "One."), spec("b", "Two."), spec("c", "One.")]) == "a, c: One.\nb: Two."
    many = [spec(f"e{number}", "One.") for number in range(7)]
    assert noticed(many) == "e0, e1, e2, e3, e4, and 2 more: One."


def repeated(more: str = "", *, base: str = BASE, test: str = "") -> str:
    return f"{base}smoke_test: {{requests: [{{{REQUEST}}}], every_seconds: 30{test}}}\n{more}"


def test_a_repeated_test_is_stored_and_its_cost_is_said(tmp_path: Path) -> None:
    [spec], found = load(tmp_path, churn=repeated())

    assert found == []
    assert spec.compiled["SmokeTest"]["EverySeconds"] == 30
    assert spec.notice is not None
    assert spec.notice.endswith(
        "The test is repeated every 30 seconds while the old instances stay, 10 times at most. All that "
        "time, 300 seconds, an invocation of the deployer's function runs, and counts against the account's "
        "concurrent executions."
    )


@pytest.mark.parametrize(
    ("text", "got"),
    [
        pytest.param(repeated(test=", before_rollout: true"), "beside before_rollout", id="before"),
        pytest.param(
            repeated(
                base="model_package_group: churn\n"
                "serverless: {memory_size_in_mb: 1024, max_concurrency: 2}\n"
            ),
            "of a serverless endpoint",
            id="serverless",
        ),
        pytest.param(
            repeated("instance_count: 4\nrollout: {kind: rolling, size_percent: 25, wait_seconds: 60}\n"),
            "of a rolling rollout",
            id="rolling",
        ),
        pytest.param(
            repeated(base="model_package_group: churn\ninstance_type: ml.inf1.xlarge\n"),
            "without a rollout of Greenlight's",
            id="no guardrails",
        ),
        pytest.param(
            repeated(f"instance_count: 4\n{CANARY}, termination_wait_seconds: 214}}\n"),
            "old instances that stay for 214 seconds",
            id="too short",
        ),
    ],
)  # fmt: skip
def test_a_test_is_repeated_only_where_something_bakes(tmp_path: Path, text: str, got: str) -> None:
    _, [problem] = load(tmp_path, churn=text)

    assert got in problem.got
    assert problem.field == "smoke_test.every_seconds"


def test_the_longest_wait_and_the_longest_test_fit_into_one_invocation() -> None:
    """Otherwise an invocation would hand the endpoint over after each test, without any wait."""
    longest = MOST_EVERY_SECONDS + MOST_SECONDS + LONGEST_SECONDS + SECONDS_TO_FINISH

    assert longest < FUNCTION_SECONDS
