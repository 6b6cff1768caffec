"""`unchecked: true`: breaking AWS's documented rules is a warning; Greenlight's own rules still refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.settings.problem import report, warned
from tests.infra.settings.builders import load

if TYPE_CHECKING:
    from pathlib import Path

NAMED = "model_package_group: churn\n"
ON_INSTANCES = NAMED + "instance_type: ml.m5.large\n"

OF_AWS = {
    "an instance type that is new": NAMED + "instance_type: ml.m9.large\n",
    "one in overrides": ON_INSTANCES
    + "overrides: {endpoint_config: {ProductionVariants: [{InstanceType: ml.m9.large}]}}\n",
    "a member that is new": ON_INSTANCES
    + "overrides: {endpoint_config: {CrossRegionTrafficConfig: {MaxCrossRegionPercentPerEndpoint: 5}}}\n",
    "a value that is new": ON_INSTANCES
    + "overrides: {endpoint_config: {ProductionVariants: [{RoutingConfig: {RoutingStrategy: KV_AWARE}}]}}\n",
    "a limit that was raised": ON_INSTANCES + "volume_size_in_gb: 1024\n",
    "a wait that was raised": ON_INSTANCES + "rollout: {kind: all_at_once, termination_wait_seconds: 7200}\n",
    "a volume beside NVMe disks": NAMED + "instance_type: ml.g5.xlarge\nvolume_size_in_gb: 100\n",
    "serverless with a time-out": NAMED
    + "serverless: {memory_size_in_mb: 1024, max_concurrency: 2}\n"
    + "model_data_download_timeout_in_seconds: 60\n",
    "serverless with more memory": NAMED + "serverless: {memory_size_in_mb: 10240, max_concurrency: 2}\n",
    "scaling of burstable instances": NAMED
    + "instance_type: ml.t2.large\n"
    + "autoscaling: {min: 1, max: 2, target_tracking: [{metric: invocations_per_instance, target: 9}]}\n",
    "scaling to nothing": ON_INSTANCES
    + "autoscaling: {min: 0, max: 2, target_tracking: [{metric: invocations_per_instance, target: 9}]}\n",
    "a canary of one instance": ON_INSTANCES + "rollout: {kind: canary, size_percent: 10}\n",
    "guardrails on Inf1": NAMED + "instance_type: ml.inf1.xlarge\nrollout: {kind: all_at_once}\n",
    "a rolling rollout of several variants": NAMED
    + "rollout: {kind: rolling, size_percent: 50, wait_seconds: 60}\nvariants:\n"
    + "- {name: a, weight: 1, instance_type: ml.m5.large, instance_count: 4}\n"
    + "- {name: b, weight: 1, version: 1, instance_type: ml.m5.large, instance_count: 4}\n",
    "guardrails of a serverless endpoint": NAMED
    + "serverless: {memory_size_in_mb: 1024, max_concurrency: 2}\n"
    + "overrides: {deployment_config: {BlueGreenUpdatePolicy: {TrafficRoutingConfiguration: "
    + "{Type: ALL_AT_ONCE, WaitIntervalInSeconds: 0}}}}\n",
}


@pytest.mark.parametrize("text", OF_AWS.values(), ids=OF_AWS)
def test_what_aws_may_have_changed_is_refused_with_its_source_and_the_way_out(
    text: str, tmp_path: Path
) -> None:
    _, problems = load(tmp_path, churn=text)

    assert problems
    assert all(problem.source for problem in problems)
    assert report(problems).count("add unchecked: true to the file") == len(problems)


@pytest.mark.parametrize("text", OF_AWS.values(), ids=OF_AWS)
def test_unchecked_makes_a_warning_of_it_and_compiles_it_as_it_stands(text: str, tmp_path: Path) -> None:
    _, refused = load(tmp_path, churn=text)

    [spec], problems = load(tmp_path, churn=text + "unchecked: true\n")

    assert problems == []
    assert list(spec.warnings) == refused
    assert "AWS may refuse" in warned(spec.warnings)
    assert spec.compiled


OF_GREENLIGHT = {
    "an unknown key": "instanc_count: 2\n",
    "a value of another type": "instance_count: two\n",
    "a member of another type": "overrides: {endpoint_config: {KmsKeyId: [a]}}\n",
    "what the deployer sets": "overrides: {model: {ModelName: a}}\n",
    "a count that no integer holds": "instance_count: 3000000000\n",
    "a reserved tag": "tags: {'greenlight:stack': a}\n",
    "a rollout that would watch nothing": "rollout: {kind: canary}\n",
}


@pytest.mark.parametrize("text", OF_GREENLIGHT.values(), ids=OF_GREENLIGHT)
def test_unchecked_waives_no_rule_of_greenlights_own(text: str, tmp_path: Path) -> None:
    _, problems = load(tmp_path, churn=ON_INSTANCES + text + "unchecked: true\n")

    assert problems
    assert not any(problem.source for problem in problems)
