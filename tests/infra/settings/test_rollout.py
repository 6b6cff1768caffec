"""Test rollouts: each kind's config, every documented bound, and alarms that could never stop one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.settings.compiling.alarm_definitions import Watched, rollback_alarms
from infra.settings.keys.rollout_options import RollbackAlarms
from tests.infra.settings.builders import load, problems

if TYPE_CHECKING:
    from pathlib import Path

FOUR = "model_package_group: churn\ninstance_type: ml.m5.large\ninstance_count: 4\n"
ONE = "model_package_group: churn\ninstance_type: ml.m5.large\n"
ABORT = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "Greenlight.churn.abort"}]}}


def rollout(keys: str) -> str:
    return f"rollout: {{{keys}}}\n"


def deployment_config(directory: Path, text: str) -> dict[str, Any]:
    [spec], found = load(directory, churn=text)
    assert found == []
    config: dict[str, Any] = spec.compiled["DeploymentConfig"]
    return config


def blue_green(*, wait: int = 0, termination: int = 300, **traffic: Any) -> dict[str, Any]:
    return {
        "TrafficRoutingConfiguration": {"WaitIntervalInSeconds": wait, **traffic},
        "TerminationWaitInSeconds": termination,
    }


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def count(value: int) -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": value}


KINDS: list[tuple[str, dict[str, Any]]] = [
    ("kind: all_at_once", {"BlueGreenUpdatePolicy": blue_green(Type="ALL_AT_ONCE")}),
    (
        "kind: all_at_once, termination_wait_seconds: 0",
        {"BlueGreenUpdatePolicy": blue_green(Type="ALL_AT_ONCE", termination=0)},
    ),
    (
        "kind: canary, size_percent: 25",
        {"BlueGreenUpdatePolicy": blue_green(Type="CANARY", wait=300, CanarySize=percent(25))},
    ),
    (
        (
            "kind: canary, size_instances: 1, wait_seconds: 0, termination_wait_seconds: 60, "
            "time_limit_seconds: 600"
        ),
        {
            "BlueGreenUpdatePolicy": {
                **blue_green(Type="CANARY", wait=0, CanarySize=count(1), termination=60),
                "MaximumExecutionTimeoutInSeconds": 600,
            }
        },
    ),
    (
        "kind: linear, size_percent: 10",
        {"BlueGreenUpdatePolicy": blue_green(Type="LINEAR", wait=300, LinearStepSize=percent(10))},
    ),
    (
        "kind: rolling, size_instances: 2",
        {"RollingUpdatePolicy": {"MaximumBatchSize": count(2), "WaitIntervalInSeconds": 300}},
    ),
    (
        (
            "kind: rolling, size_percent: 5, wait_seconds: 1, time_limit_seconds: 28800, "
            "rollback_size_percent: 100"
        ),
        {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": percent(5),
                "WaitIntervalInSeconds": 1,
                "MaximumExecutionTimeoutInSeconds": 28_800,
                "RollbackMaximumBatchSize": percent(100),
            }
        },
    ),
]


@pytest.mark.parametrize(("keys", "policy"), KINDS)
def test_a_rollout_becomes_this_deployment_config(keys: str, policy: dict[str, Any], tmp_path: Path) -> None:
    assert deployment_config(tmp_path, FOUR + rollout(keys)) == {**ABORT, **policy}


def test_an_asynchronous_endpoint_has_rollouts_too(tmp_path: Path) -> None:
    text = FOUR + rollout("kind: canary, size_percent: 25") + "asynchronous: {output_path: 's3://b/p'}\n"

    assert deployment_config(tmp_path, text)["BlueGreenUpdatePolicy"]


def test_the_abort_alarm_is_first_then_made_alarms_then_existing_ones(tmp_path: Path) -> None:
    alarms = "alarms: {error_ratio_percent: 5, model_latency_p90_ms: 200, model_latency_p99_ms: 500.5, "
    text = FOUR + rollout(
        "kind: canary, size_percent: 25, " + alarms + "invocations_floor: 10, existing: [theirs]}"
    )

    [spec], found = load(tmp_path, churn=text)

    assert found == []
    names = [
        each["AlarmName"] for each in spec.compiled["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    ]
    assert names == [
        "Greenlight.churn.abort",
        "Greenlight.churn.error-ratio",
        "Greenlight.churn.model-latency-p90",
        "Greenlight.churn.model-latency-p99",
        "Greenlight.churn.invocations-floor",
        "theirs",
    ]
    assert [alarm["AlarmName"] for alarm in spec.compiled["RollbackAlarms"]] == names[:-1]
    assert spec.compiled["AbortAlarmName"] == names[0]


REFUSED: list[tuple[str, str, str, str, str]] = [
    # the settings before, the rollout's keys, the field, the expectation, the fix
    (FOUR, "kind: canary", "rollout.size_percent", "size_percent or size_instances", "add size_percent"),
    (
        FOUR,
        "kind: canary, size_percent: 25, size_instances: 1",
        "rollout.size_instances",
        "one of the two",
        "remove one",
    ),
    (FOUR, "kind: blue_green", "rollout.kind", "all_at_once", "choose one of"),
    (FOUR, "kind: lineer, size_percent: 10", "rollout.kind", "linear", "did you mean linear?"),
    (FOUR, "size_percent: 10", "rollout.kind", "canary", "add kind"),
    (FOUR, "kind: all_at_once, size_percent: 10", "rollout.size_percent", "only", "another kind"),
    (FOUR, "kind: all_at_once, wait_seconds: 10", "rollout.wait_seconds", "only", "another kind"),
    (
        FOUR,
        "kind: rolling, size_percent: 50, termination_wait_seconds: 9",
        "rollout.termination_wait_seconds",
        "only",
        "remove",
    ),
    (
        FOUR,
        "kind: canary, size_percent: 50, rollback_size_percent: 9",
        "rollout.rollback_size_percent",
        "rolling",
        "remove",
    ),
    (FOUR, "kind: canary, size_percent: 51", "rollout.size_percent", "1 to 50", "50"),
    (FOUR, "kind: canary, size_instances: 3", "rollout.size_instances", "1 to 50 %", "number is 2"),
    (FOUR, "kind: linear, size_percent: 9", "rollout.size_percent", "10 to 50 %", "10"),
    (FOUR, "kind: linear, size_instances: 3", "rollout.size_instances", "10 to 50 %", "number is 2"),
    (FOUR, "kind: rolling, size_percent: 4", "rollout.size_percent", "5 to 50 %", "5"),
    (
        FOUR.replace("4", "40"),
        "kind: rolling, size_instances: 1",
        "rollout.size_instances",
        "5 to 50 %",
        "number is 2",
    ),
    (
        FOUR,
        "kind: rolling, size_instances: 1, rollback_size_instances: 5",
        "rollout.rollback_size_instances",
        "at most all instances",
        "lower it",
    ),
    (ONE, "kind: canary, size_percent: 10", "rollout.size_percent", "at least 2 instances", "all_at_once"),
    (ONE, "kind: linear, size_percent: 10", "rollout.size_percent", "at least 2 instances", "all_at_once"),
    (ONE, "kind: rolling, size_instances: 1", "rollout.size_instances", "at least 2", "all_at_once"),
    (FOUR, "kind: canary, size_percent: 25, wait_seconds: 3601", "rollout.wait_seconds", "0 to 3600", "3600"),
    (
        FOUR,
        "kind: all_at_once, termination_wait_seconds: 3601",
        "rollout.termination_wait_seconds",
        "0 to 3600",
        "",
    ),
    (
        FOUR,
        "kind: all_at_once, time_limit_seconds: 599",
        "rollout.time_limit_seconds",
        "600 to 28800",
        "600",
    ),
    (
        FOUR,
        "kind: all_at_once, time_limit_seconds: 600, termination_wait_seconds: 600",
        "rollout.time_limit_seconds",
        "more than the rollout waits in all, which is 600",
        "raise it",
    ),
    (
        FOUR,
        "kind: canary, size_percent: 25, time_limit_seconds: 600",
        "rollout.time_limit_seconds",
        "which is 600",
        "raise it",
    ),
    (
        FOUR,
        "kind: linear, size_percent: 25, time_limit_seconds: 1500",
        "rollout.time_limit_seconds",
        "which is 1500",
        "raise it",
    ),
    (
        FOUR,
        "kind: rolling, size_instances: 1, time_limit_seconds: 1200",
        "rollout.time_limit_seconds",
        "which is 1200",
        "raise it",
    ),
    (
        ONE.replace("ml.m5.large", "ml.inf1.xlarge"),
        "kind: all_at_once",
        "rollout",
        "Inf1",
        "another instance type",
    ),
    (
        FOUR,
        "kind: canary, size_percent: 25, wait_seconds: 60, alarms: {error_ratio_percent: 5}",
        "rollout.wait_seconds",
        "at least the 120 seconds",
        "raise wait_seconds",
    ),
    (
        FOUR,
        "kind: all_at_once, termination_wait_seconds: 60, alarms: {error_ratio_percent: 5}",
        "rollout.termination_wait_seconds",
        "at least the 120 seconds",
        "raise termination_wait_seconds",
    ),
    (
        FOUR,
        "kind: rolling, size_percent: 50, wait_seconds: 20, alarms: {error_ratio_percent: 5}",
        "rollout.wait_seconds",
        "at least the 120 seconds",
        "raise wait_seconds",
    ),
    (
        FOUR,
        "kind: canary, size_percent: 10, alarms: {error_ratio_percent: 10}",
        "rollout.alarms.error_ratio_percent",
        "less than 10: a canary that fails every call",
        "larger canary",
    ),
    (
        FOUR,
        "kind: canary, size_percent: 10, alarms: {model_latency_p90_ms: 10}",
        "rollout.alarms.model_latency_p90_ms",
        "more than 10 %",
        "larger canary",
    ),
    (
        FOUR,
        "kind: canary, size_percent: 1, alarms: {model_latency_p99_ms: 10}",
        "rollout.alarms.model_latency_p99_ms",
        "more than 1 %",
        "larger canary",
    ),
    (
        FOUR,
        "kind: all_at_once, alarms: {period_seconds: 3600, evaluation_periods: 25}",
        "rollout.alarms.evaluation_periods",
        "86,400 seconds",
        "lower",
    ),
    (
        FOUR,
        "kind: all_at_once, alarms: {period_seconds: 90}",
        "rollout.alarms.period_seconds",
        "steps of 60",
        "",
    ),
    (
        FOUR,
        "kind: all_at_once, alarms: {error_ratio_percent: 100}",
        "rollout.alarms.error_ratio_percent",
        "below 100",
        "",
    ),
    (
        FOUR,
        "kind: all_at_once, alarms: {existing: [a,b,c,d,e,f,g,h,i,j]}",
        "rollout.alarms.existing",
        "at most 10",
        "remove 1",
    ),
    (FOUR, "kind: all_at_once, alarms: {existing: ['  ']}", "rollout.alarms.existing", "(?!", "pattern"),
]


@pytest.mark.parametrize(("before", "keys", "field", "expected", "fix"), REFUSED)
def test_a_rollout_that_cannot_be_is_refused_at_synth(
    before: str, keys: str, field: str, expected: str, fix: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, before + rollout(keys))

    assert problem.field == field
    assert problem.line >= 3
    assert expected in problem.expected
    assert fix in problem.fix


OVERRIDDEN: list[tuple[str, str, str]] = [
    (
        "BlueGreenUpdatePolicy: {TrafficRoutingConfiguration: {Type: CANARY, WaitIntervalInSeconds: 0}}",
        "BlueGreenUpdatePolicy.TrafficRoutingConfiguration.CanarySize",
        "add CanarySize",
    ),
    (
        (
            "BlueGreenUpdatePolicy: {TrafficRoutingConfiguration: {Type: ALL_AT_ONCE, "
            "WaitIntervalInSeconds: 0, LinearStepSize: {Type: INSTANCE_COUNT, Value: 1}}}"
        ),
        "BlueGreenUpdatePolicy.TrafficRoutingConfiguration.LinearStepSize",
        "remove it",
    ),
    (
        (
            "RollingUpdatePolicy: {WaitIntervalInSeconds: 0, "
            "MaximumBatchSize: {Type: CAPACITY_PERCENT, Value: 60}}"
        ),
        "RollingUpdatePolicy.MaximumBatchSize",
        "50",
    ),
]


@pytest.mark.parametrize(("override", "field", "fix"), OVERRIDDEN)
def test_overrides_of_the_deployment_are_held_to_the_same_rules(
    override: str, field: str, fix: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, f"{FOUR}overrides:\n  deployment_config:\n    {override}\n")

    assert problem.field == f"overrides.deployment_config.{field}"
    assert fix in problem.fix


def test_a_rolling_rollout_of_several_variants_is_refused(tmp_path: Path) -> None:
    variants = (
        "overrides: {endpoint_config: {ProductionVariants: [{}, "
        "{VariantName: b, InstanceType: ml.m5.large, InitialInstanceCount: 2}]}}\n"
    )

    [problem] = problems(tmp_path, FOUR + rollout("kind: rolling, size_percent: 50") + variants)

    assert problem.field == "rollout"
    assert "of one variant" in problem.expected


WATCHED = Watched("Stack", "churn", "AllTraffic")
ASYNCHRONOUS = Watched("Stack", "churn", "AllTraffic", asynchronous=True)


def test_latency_is_compared_in_microseconds_over_the_variants_calls() -> None:
    [alarm] = rollback_alarms(WATCHED, RollbackAlarms(model_latency_p90_ms=12.5))

    [metric] = alarm.metrics.values()
    assert (metric.name, metric.statistic, alarm.threshold) == ("ModelLatency", "p90", 12_500)
    assert metric.dimensions == {"EndpointName": "churn", "VariantName": "AllTraffic"}
    assert alarm.missing_data == "notBreaching"


def test_the_error_ratio_is_errors_of_calls_in_percent() -> None:
    [alarm] = rollback_alarms(WATCHED, RollbackAlarms(error_ratio_percent=2.5))

    assert alarm.expression == "100 * errors / invocations"
    assert {identifier: (metric.name, metric.statistic) for identifier, metric in alarm.metrics.items()} == {
        "errors": ("Invocation5XXErrors", "Sum"),
        "invocations": ("Invocations", "Sum"),
    }
    assert (alarm.threshold, alarm.comparison, alarm.missing_data) == (
        2.5,
        "GreaterThanThreshold",
        "notBreaching",
    )


def test_silence_is_what_the_floor_is_for() -> None:
    [alarm] = rollback_alarms(WATCHED, RollbackAlarms(invocations_floor=10, period_seconds=120))

    assert (alarm.comparison, alarm.threshold, alarm.missing_data) == ("LessThanThreshold", 10, "breaching")
    assert (alarm.period_seconds, alarm.evaluation_periods) == (120, 2)


def test_asynchronous_endpoints_are_watched_by_the_metrics_that_they_have() -> None:
    """They publish no Invocations: developer guide, "async-inference-monitor"."""
    made = rollback_alarms(ASYNCHRONOUS, RollbackAlarms(error_ratio_percent=5, invocations_floor=1))

    used = {(metric.name, metric.statistic) for alarm in made for metric in alarm.metrics.values()}
    assert used == {("Invocation5XXErrors", "Average"), ("InvocationsProcessed", "Sum")}
