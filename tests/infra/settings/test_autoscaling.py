"""Test autoscaling: the compiled requests, and refusals by Application Auto Scaling and SageMaker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.validate import ParamValidator

from infra.settings.aws_shapes import service_model
from tests.infra.settings.builders import load, problems

if TYPE_CHECKING:
    from pathlib import Path

BASE = "model_package_group: churn\n"
INSTANCES = BASE + "instance_type: ml.m5.large\n"
QUEUE = INSTANCES + "asynchronous: {output_path: 's3://b/p'}\n"
SERVERLESS = BASE + "serverless: {memory_size_in_mb: 1024, max_concurrency: 10, provisioned_concurrency: 2}\n"
TRACKED = "target_tracking: [{metric: invocations_per_instance, target: 100}]"
NIGHT = "name: night, schedule: 'cron(0 22 * * ? *)', min: 1, max: 1"


def scaling(keys: str) -> str:
    return f"autoscaling: {{{keys}}}\n"


def scheduled(keys: str) -> str:
    return scaling(f"min: 1, max: 4, scheduled: [{{{keys}}}]")


def targets(directory: Path, text: str) -> dict[str, Any]:
    [spec], found = load(directory, churn=text)
    assert found == []
    stored: dict[str, Any] = spec.compiled["AutoScaling"]
    return stored


def test_instances_scale_by_predefined_metrics_and_at_given_times(tmp_path: Path) -> None:
    text = INSTANCES + (
        "autoscaling:\n"
        "  min: 2\n"
        "  max: 6\n"
        "  target_tracking:\n"
        "  - {metric: invocations_per_instance, target: 100, scale_in_cooldown_seconds: 600,\n"
        "     scale_out_cooldown_seconds: 0, disable_scale_in: true}\n"
        "  - {metric: concurrent_requests_per_model, target: 2.5}\n"
        "  scheduled:\n"
        "  - {name: night, schedule: 'cron(0 22 * * ? *)', timezone: Europe/Berlin, min: 2, max: 2,\n"
        "     start: '2027-01-01T00:00:00Z', end: '2027-02-01T00:00:00+01:00'}\n"
    )

    assert targets(tmp_path, text) == {
        "AllTraffic": {
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "MinCapacity": 2,
            "MaxCapacity": 6,
            "Policies": [
                {
                    "PolicyName": "invocations-per-instance",
                    "TargetTrackingScalingPolicyConfiguration": {
                        "TargetValue": 100,
                        "PredefinedMetricSpecification": {
                            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                        },
                        "ScaleInCooldown": 600,
                        "ScaleOutCooldown": 0,
                        "DisableScaleIn": True,
                    },
                },
                {
                    "PolicyName": "concurrent-requests-per-model",
                    "TargetTrackingScalingPolicyConfiguration": {
                        "TargetValue": 2.5,
                        "PredefinedMetricSpecification": {
                            "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
                        },
                    },
                },
            ],
            "ScheduledActions": [
                {
                    "ScheduledActionName": "night",
                    "Schedule": "cron(0 22 * * ? *)",
                    "Timezone": "Europe/Berlin",
                    "StartTime": "2027-01-01T00:00:00Z",
                    "EndTime": "2027-02-01T00:00:00+01:00",
                    "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 2},
                }
            ],
        }
    }


def test_a_serverless_endpoint_scales_its_provisioned_concurrency(tmp_path: Path) -> None:
    metric = "target_tracking: [{metric: provisioned_concurrency_utilization, target: 0.7}]"

    [target] = targets(tmp_path, SERVERLESS + scaling(f"min: 1, max: 10, {metric}")).values()

    assert target["ScalableDimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    [policy] = target["Policies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"
    }


def test_an_asynchronous_endpoint_scales_by_its_backlog_and_down_to_nothing(tmp_path: Path) -> None:
    metric = "target_tracking: [{metric: backlog_per_instance, target: 5}]"

    [target] = targets(tmp_path, QUEUE + scaling(f"min: 0, max: 3, {metric}")).values()

    assert target["MinCapacity"] == 0
    [policy] = target["Policies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"] == {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Dimensions": [{"Name": "EndpointName", "Value": "churn"}],
        "Statistic": "Average",
    }


@pytest.mark.parametrize(
    "text",
    [
        INSTANCES + scaling(f"min: 1, max: 4, {TRACKED}"),
        INSTANCES + scheduled(NIGHT + ", start: '2027-01-01T00:00:00Z'"),
        SERVERLESS
        + scaling(
            "min: 1, max: 4, target_tracking: [{metric: provisioned_concurrency_utilization, target: 1}]"
        ),
    ],
)
def test_what_is_stored_are_members_of_requests_that_botocore_itself_accepts(
    text: str, tmp_path: Path
) -> None:
    [(variant, target)] = targets(tmp_path, text).items()
    common = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/churn/variant/{variant}",
        "ScalableDimension": target["ScalableDimension"],
    }
    limits = {name: target[name] for name in ("MinCapacity", "MaxCapacity")}
    sent = [
        ("RegisterScalableTarget", limits),
        *(("PutScalingPolicy", policy) for policy in target["Policies"]),
        *(("PutScheduledAction", action) for action in target["ScheduledActions"]),
    ]

    for operation, members in sent:
        shape = service_model("application-autoscaling").operation_model(operation).input_shape
        assert shape is not None
        report = ParamValidator().validate({**common, **members}, shape)
        assert not report.has_errors(), report.generate_report()


def test_an_endpoint_begins_with_the_least_capacity_unless_it_says_otherwise(tmp_path: Path) -> None:
    [spec], _ = load(tmp_path, churn=INSTANCES + scaling(f"min: 2, max: 4, {TRACKED}"))

    [variant] = spec.compiled["CreateEndpointConfig"]["ProductionVariants"]
    assert variant["InitialInstanceCount"] == 2


def test_a_variant_with_another_name_is_scaled_and_watched_by_that_name(tmp_path: Path) -> None:
    text = (
        INSTANCES
        + scaling(f"min: 2, max: 4, {TRACKED}")
        + "rollout: {kind: all_at_once, alarms: {model_latency_p90_ms: 9}}\n"
        + "overrides: {endpoint_config: {ProductionVariants: [{VariantName: main}]}}\n"
    )

    [spec], found = load(tmp_path, churn=text)

    assert found == []
    assert list(spec.compiled["AutoScaling"]) == ["main"]
    assert {"Name": "VariantName", "Value": "main"} in spec.compiled["RollbackAlarms"][1]["Dimensions"]


REFUSED: list[tuple[str, str, str, str]] = [
    (
        INSTANCES + scaling("min: 1, max: 4"),
        "autoscaling.target_tracking",
        "scheduled",
        "add target_tracking",
    ),
    (INSTANCES + scaling(f"min: 5, max: 4, {TRACKED}"), "autoscaling.max", "at least min", "lower min"),
    (INSTANCES + scaling(f"min: 0, max: 4, {TRACKED}"), "autoscaling.min", "at least 1", "asynchronous"),
    (
        INSTANCES + "instance_count: 5\n" + scaling(f"min: 1, max: 4, {TRACKED}"),
        "instance_count",
        "from autoscaling's min, 1, to its max, 4",
        "or the limits",
    ),
    (
        INSTANCES + scaling("min: 1, max: 4, target_tracking: [{metric: backlog_per_instance, target: 1}]"),
        "autoscaling.target_tracking[0].metric",
        "invocations_per_instance",
        "use invocations_per_instance",
    ),
    (
        QUEUE + scaling(f"min: 1, max: 4, {TRACKED}"),
        "autoscaling.target_tracking[0].metric",
        "backlog_per_instance",
        "use backlog_per_instance",
    ),
    (
        SERVERLESS + scaling(f"min: 1, max: 4, {TRACKED}"),
        "autoscaling.target_tracking[0].metric",
        "provisioned_concurrency_utilization",
        "use",
    ),
    (
        SERVERLESS
        + scaling(
            "min: 1, max: 11, target_tracking: [{metric: provisioned_concurrency_utilization, target: 0.5}]"
        ),
        "autoscaling.max",
        "max_concurrency, which is 10",
        "lower it",
    ),
    (
        SERVERLESS
        + scaling(
            "min: 1, max: 9, target_tracking: [{metric: provisioned_concurrency_utilization, target: 70}]"
        ),
        "autoscaling.target_tracking[0].target",
        "at most 1",
        "write 0.7 for 70 %",
    ),
    (
        SERVERLESS.replace(", provisioned_concurrency: 2", "")
        + scaling(
            "min: 2, max: 9, target_tracking: [{metric: provisioned_concurrency_utilization, target: 0.5}]"
        ),
        "serverless.provisioned_concurrency",
        "to begin with",
        "add provisioned_concurrency: 2",
    ),
    (
        INSTANCES
        + scaling(
            "min: 1, max: 4, target_tracking: [{metric: invocations_per_instance, target: 1}, "
            "{metric: invocations_per_instance, target: 2}]"
        ),
        "autoscaling.target_tracking[1].metric",
        "each metric once",
        "remove one",
    ),
    (
        INSTANCES + scaling("min: 1, max: 4, target_tracking: [{metric: cpu, target: 1}]"),
        "autoscaling.target_tracking[0].metric",
        "invocations_per_instance",
        "choose one of",
    ),
    (
        INSTANCES
        + scaling("min: 1, max: 4, target_tracking: [{metric: invocations_per_instance, target: 0}]"),
        "autoscaling.target_tracking[0].target",
        "above 0",
        "",
    ),
    (
        INSTANCES + scheduled("name: n, schedule: 'cron(0 22 * * ?)', min: 1"),
        "autoscaling.scheduled[0].schedule",
        "six fields",
        "day of the week",
    ),
    (
        INSTANCES + scheduled("name: n, schedule: 'rate(0 hours)', min: 1"),
        "autoscaling.scheduled[0].schedule",
        "rate(value unit)",
        "",
    ),
    (
        INSTANCES + scheduled("name: n, schedule: rate(2 hours), timezone: Europe/Berlin, min: 1"),
        "autoscaling.scheduled[0].timezone",
        "no time zone with rate",
        "use cron",
    ),
    (
        INSTANCES + scheduled(NIGHT + ", timezone: Europe/Berln"),
        "autoscaling.scheduled[0].timezone",
        "Europe/Berlin",
        "Europe/Berlin",
    ),
    (
        INSTANCES + scheduled("name: n, schedule: 'at(2027-01-01T00:00:00)'"),
        "autoscaling.scheduled[0]",
        "one of them",
        "add min",
    ),
    (
        INSTANCES + scheduled(NIGHT.replace("max: 1", "max: 0").replace("min: 1, ", "")),
        "autoscaling.scheduled[0].max",
        "cannot scale to nothing",
        "",
    ),
    (
        INSTANCES + scaling("min: 2, max: 4, scheduled: [{name: n, schedule: rate(2 hours), max: 1}]"),
        "autoscaling.scheduled[0].max",
        "min, which is 2",
        "add min",
    ),
    (
        INSTANCES + scheduled("name: n, schedule: rate(2 hours), min: 5"),
        "autoscaling.scheduled[0].min",
        "max, which is 4",
        "add max",
    ),
    (
        INSTANCES + scheduled("name: n, schedule: rate(2 hours), min: 3, max: 2"),
        "autoscaling.scheduled[0].max",
        "at least min",
        "",
    ),
    (
        INSTANCES + scheduled(NIGHT + ", start: 2027-01-01T00:00:00Z"),
        "autoscaling.scheduled[0].start",
        "quoted",
        "quote it",
    ),
    (
        INSTANCES + scheduled(NIGHT + ", start: '2027-01-01T00:00:00'"),
        "autoscaling.scheduled[0].start",
        "with its offset",
        "end it with Z",
    ),
    (
        INSTANCES + scheduled(NIGHT + ", start: '2027-01-02T00:00:00Z', end: '2027-01-01T00:00:00Z'"),
        "autoscaling.scheduled[0].end",
        "after start",
        "correct one",
    ),
    (
        INSTANCES + scheduled(NIGHT.replace("night", "'a:b'")),
        "autoscaling.scheduled[0].name",
        "(?!",
        "pattern",
    ),
    (
        INSTANCES + scheduled(NIGHT + "}, {" + NIGHT),
        "autoscaling.scheduled[1].name",
        "a name of its own",
        "rename",
    ),
    (
        INSTANCES + scaling(f"min: 1, max: 4, {TRACKED}") + "rollout: {kind: canary, size_percent: 10}\n",
        "rollout.size_percent",
        "at least 2 instances",
        "with autoscaling: min",
    ),
    (
        INSTANCES + scaling(f"min: 4, max: 20, {TRACKED}") + "rollout: {kind: linear, size_instances: 1}\n",
        "rollout.size_instances",
        "from 10 to 50 %",
        "number is 2",
    ),
]


@pytest.mark.parametrize(("text", "field", "expected", "fix"), REFUSED)
def test_scaling_that_cannot_be_is_refused_at_synth(
    text: str, field: str, expected: str, fix: str, tmp_path: Path
) -> None:
    found = problems(tmp_path, text)

    [problem] = [each for each in found if each.field == field]
    assert problem.line >= 2
    assert expected in problem.expected
    assert fix in problem.fix


def test_a_mistake_of_scaling_is_reported_once(tmp_path: Path) -> None:
    text = INSTANCES + scaling(f"min: 5, max: 4, {TRACKED}")

    assert [problem.field for problem in problems(tmp_path, text)] == ["autoscaling.max"]


@pytest.mark.parametrize("instance_type", ["ml.t2.medium", "ml.t2.2xlarge"])
def test_burstable_instances_do_not_scale(instance_type: str, tmp_path: Path) -> None:
    text = INSTANCES.replace("ml.m5.large", instance_type) + scaling(
        "min: 1, max: 2, target_tracking: [{metric: invocations_per_instance, target: 9}]"
    )

    [problem] = problems(tmp_path, text.replace("instance_count: 2", "instance_count: 1"))

    assert problem.field == "autoscaling"
    assert instance_type in problem.got
    assert "endpoint-auto-scaling-add-console" in problem.source


def test_trainium_is_not_burstable(tmp_path: Path) -> None:
    text = INSTANCES.replace("ml.m5.large", "ml.trn1.2xlarge") + scaling(
        "min: 1, max: 2, target_tracking: [{metric: invocations_per_instance, target: 9}]"
    )

    assert problems(tmp_path, text) == []
