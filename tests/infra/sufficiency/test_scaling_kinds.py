"""Every kind of scaling in the settings can be registered, with every call that AWS tries for it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from iam_evaluator.policies import parse_policy
from local_cloud.sagemaker.switch_settings import CompositeAlarms, DescribedAlarms, TriedAlarm, TriedEndpoint
from local_cloud.sagemaker.switches import Switches
from tests.infra.settings.builders import load
from tests.infra.sufficiency.test_scaling import client, deploy, targets
from tests.unit.deployer.pipeline import DEPLOYER, REGION, Pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from iam_evaluator.principals import Principal

ON_INSTANCES = "model_package_group: churn-models\ninstance_type: ml.m5.large\n"
TRACKING = "  target_tracking:\n  - {metric: invocations_per_instance, target: 100}\n"
NIGHTLY = "  scheduled:\n  - {name: night, schedule: 'cron(0 22 * * ? *)', min: 1, max: 2}\n"
KINDS = {
    "a predefined metric": (f"{ON_INSTANCES}autoscaling:\n  min: 1\n  max: 4\n{TRACKING}", [(1, 4)]),
    "a customized metric, down to nothing": (
        f"""\
{ON_INSTANCES}asynchronous: {{output_path: 's3://answers/churn'}}
autoscaling: {{min: 0, max: 5, target_tracking: [{{metric: backlog_per_instance, target: 5}}]}}
""",
        [(0, 5)],
    ),
    "schedules": (f"{ON_INSTANCES}autoscaling:\n  min: 1\n  max: 4\n{NIGHTLY}", [(1, 4)]),
    "several metrics and schedules": (
        f"""\
{ON_INSTANCES}autoscaling:
  min: 1
  max: 4
{TRACKING}  - {{metric: concurrent_requests_per_model, target: 5}}
{NIGHTLY}""",
        [(1, 4)],
    ),
    "provisioned concurrency": (
        """\
model_package_group: churn-models
serverless: {memory_size_in_mb: 2048, max_concurrency: 10, provisioned_concurrency: 2}
autoscaling:
  min: 1
  max: 5
  target_tracking: [{metric: provisioned_concurrency_utilization, target: 0.7}]
""",
        [(1, 5)],
    ),
}
SWITCHES = [
    Switches(
        tried_alarm=alarm, tried_endpoint=endpoint, described_alarms=described, composite_alarms=composite
    )
    for alarm, endpoint, described, composite in itertools.product(
        TriedAlarm, TriedEndpoint, DescribedAlarms, CompositeAlarms
    )
]


def serve(pipeline: Pipeline, directory: Path, text: str) -> None:
    """Deploy a file of settings, and a version to it."""
    [spec], problems = load(directory, churn=text)
    assert problems == []
    pipeline.manage(**spec.compiled)
    deploy(pipeline)
    pipeline.sweep()
    pipeline.run()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_scaling_registers(kind: str, tmp_path: Path) -> None:
    text, registered = KINDS[kind]
    pipeline = Pipeline()

    serve(pipeline, tmp_path, text)

    assert targets(pipeline) == registered


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda each: "-".join(map(str, _turned(each))))
def test_scaling_registers_whatever_aws_tries(switches: Switches, tmp_path: Path) -> None:
    text, registered = KINDS["several metrics and schedules"]
    pipeline = Pipeline(switches)

    serve(pipeline, tmp_path, text)

    assert targets(pipeline) == registered
    found = client(pipeline).describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert len(found) == 2


NARROW: dict[str, tuple[dict[str, Any], str]] = {
    "alarms by the prefix that target tracking gives them": (
        {"Action": ["cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"]}
        | {"Resource": f"arn:aws:cloudwatch:{REGION}:*:alarm:TargetTracking-endpoint/*"},
        "cloudwatch:PutMetricAlarm, cloudwatch:DescribeAlarms, cloudwatch:DeleteAlarms",
    ),
    "endpoints by the tag that they bear": (
        {
            "Action": "sagemaker:UpdateEndpointWeightsAndCapacities",
            "Resource": f"arn:aws:sagemaker:{REGION}:*:endpoint/*",
            "Condition": {"StringEquals": {"aws:ResourceTag/greenlight:stack": "Greenlight"}},
        },
        "sagemaker:UpdateEndpointWeightsAndCapacities",
    ),
}
"""Grants that look sufficient, but under which nothing can be registered: a statement, and the missing
part."""


@pytest.mark.parametrize("narrow", NARROW)
def test_a_narrower_grant_registers_nothing_and_is_told(narrow: str, tmp_path: Path) -> None:
    statement, missing = NARROW[narrow]
    actions = {statement["Action"]} if isinstance(statement["Action"], str) else set(statement["Action"])
    usual = DEPLOYER.get()
    assert usual is not None

    def narrowed(account_id: str, region: str) -> Principal:
        principal = usual(account_id, region)
        kept = [
            replace(
                policy, statements=tuple(s for s in policy.statements if not actions & set(s.actions or ()))
            )
            for policy in principal.identity_policies
        ]
        added = parse_policy({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
        return replace(principal, identity_policies=(*kept, added))

    token = DEPLOYER.set(narrowed)
    try:
        pipeline = Pipeline()
    finally:
        DEPLOYER.reset(token)

    serve(pipeline, tmp_path, KINDS["a predefined metric"][0])

    told = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert any(f"User is missing the following permissions: {missing}" in each for each in told)
    assert targets(pipeline) == []


def _turned(switches: Switches) -> tuple[object, ...]:
    return (
        switches.tried_alarm,
        switches.tried_endpoint,
        switches.described_alarms,
        switches.composite_alarms,
    )
