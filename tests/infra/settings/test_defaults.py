"""Defaults for all endpoints: merged key by key, removed with null, and reported at their own place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings.catalogue import load_catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from infra.settings.problem import Problem

SERVERLESS = {"memory_size_in_mb": 2048, "max_concurrency": 5}
VARIANTS = [
    {"name": "A", "weight": 1, "version": 1, "instance_type": "ml.m5.large"},
    {"name": "B", "weight": 1, "instance_type": "ml.m5.large"},
]
SCALING = {"min": 1, "max": 2, "target_tracking": [{"metric": "invocations_per_instance", "target": 10}]}
EVERY_DEFAULT: dict[str, Any] = {
    "instance_type": "ml.m5.large",
    "instance_count": 2,
    "serverless": SERVERLESS,
    "variants": VARIANTS,
    "volume_size_in_gb": 10,
    "kms_key_id": "alias/storage",
    "model_data_download_timeout_in_seconds": 600,
    "container_startup_health_check_timeout_in_seconds": 600,
    "routing": "least_outstanding_requests",
    "network_isolation": True,
    "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
    "data_capture": {"destination": "s3://calls/a"},
    "asynchronous": {"output_path": "s3://answers/"},
    "explainer": {"shap": {"baseline_uri": "s3://baselines/a.csv"}},
    "rollout": {"kind": "all_at_once"},
    "autoscaling": SCALING,
    "smoke_test": {"requests": [{"body": "1", "content_type": "text/csv"}]},
    "tags": {"a": "b"},
    "environment": {"A": "b"},
    "keep": 2,
    "four_eyes": True,
    "execution_role_arn": "arn:aws:iam::111122223333:role/models",
}
KINDS: dict[str, dict[str, Any]] = {
    "on instances": {"instance_type": "ml.c5.large"},
    "serverless": {"serverless": SERVERLESS},
    "of variants": {"variants": VARIANTS},
    "asynchronous": {"instance_type": "ml.m5.large", "asynchronous": {"output_path": "s3://answers/"}},
    "with a shadow": {
        "instance_type": "ml.m5.large",
        "four_eyes": True,
        "shadow": {"instance_type": "ml.m5.large", "instance_count": 1},
    },
}
NOT_TOGETHER = {("asynchronous", "autoscaling")}
"""Contradictions that only the author can resolve: one kind's metric is not the other's."""


def load(directory: Path, defaults: Any, own: Any) -> tuple[dict[str, Any], list[Problem]]:
    """Compile one endpoint, and return what its parameter says."""
    (directory / "defaults.yaml").write_text(defaults if isinstance(defaults, str) else json.dumps(defaults))
    text = own if isinstance(own, str) else json.dumps({"model_package_group": "churn", **own}, indent=0)
    (directory / "churn.yaml").write_text(text)
    [spec], problems = load_catalogue(directory, "endpoints", stack_name="Greenlight")
    return dict(spec.compiled), problems


ON_INSTANCES = {"instance_type": "ml.m5.large"}


def test_defaults_are_no_endpoint_and_what_an_endpoint_says_wins(tmp_path: Path) -> None:
    compiled, problems = load(tmp_path, {"instance_type": "ml.m5.large", "keep": 7}, {"keep": 2})

    assert problems == []
    assert compiled["EndpointName"] == "churn"
    assert compiled["CreateEndpointConfig"]["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"
    assert compiled["Keep"] == 2


def test_mappings_are_merged_key_by_key_and_lists_are_replaced(tmp_path: Path) -> None:
    defaults = {
        "tags": {"team": "all", "cost": "1"},
        "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
    }
    own = {**ON_INSTANCES, "tags": {"team": "churn"}, "vpc": {"subnets": ["subnet-2", "subnet-3"]}}

    compiled, problems = load(tmp_path, defaults, own)

    assert problems == []
    assert compiled["Tags"] == {"team": "churn", "cost": "1"}
    assert compiled["CreateModel"]["VpcConfig"] == {
        "Subnets": ["subnet-2", "subnet-3"],
        "SecurityGroupIds": ["sg-1"],
    }


def test_null_takes_a_default_away_at_any_depth(tmp_path: Path) -> None:
    defaults = {"tags": {"team": "all", "cost": "1"}, "kms_key_id": "alias/storage", "keep": 7}

    compiled, problems = load(
        tmp_path, defaults, {**ON_INSTANCES, "tags": {"team": None}, "kms_key_id": None, "keep": None}
    )

    assert problems == []
    assert compiled["Tags"] == {"cost": "1"}
    assert "KmsKeyId" not in compiled["CreateEndpointConfig"]
    assert compiled["Keep"] == 3


def test_null_without_a_default_is_an_empty_value_as_ever(tmp_path: Path) -> None:
    [problem] = load(tmp_path, {"keep": 7}, {**ON_INSTANCES, "tags": None})[1]

    assert (problem.file, problem.field) == ("endpoints/churn.yaml", "tags")


def test_null_in_overrides_removes_the_default_and_what_the_keys_set(tmp_path: Path) -> None:
    defaults = {"overrides": {"endpoint_config": {"ProductionVariants": [{"EnableSSMAccess": True}]}}}
    own = {**ON_INSTANCES, "overrides": {"endpoint_config": None}}

    compiled, problems = load(tmp_path, defaults, own)

    assert problems == []
    assert "EnableSSMAccess" not in compiled["CreateEndpointConfig"]["ProductionVariants"][0]


def test_a_problem_names_the_file_that_a_value_comes_from(tmp_path: Path) -> None:
    defaults = "tags:\n  team: 1\nkeep: 99\nfoo: 1\n"
    own = "model_package_group: churn\ninstance_type: ml.m5.large\ntags:\n  cost: 2\n"

    problems = load(tmp_path, defaults, own)[1]

    assert [(each.file, each.line, each.field) for each in sorted(problems)] == [
        ("endpoints/churn.yaml", 4, "tags.cost"),
        ("endpoints/defaults.yaml", 2, "tags.team"),
        ("endpoints/defaults.yaml", 3, "keep"),
        ("endpoints/defaults.yaml", 4, "foo"),
    ]


def test_a_problem_with_a_default_is_told_once_for_all_endpoints(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"e{number}.yaml").write_text("model_package_group: g\ninstance_type: ml.m5.large\n")
    (tmp_path / "defaults.yaml").write_text("keep: 99\n")

    [problem] = load_catalogue(tmp_path, "endpoints", stack_name="Greenlight")[1]

    assert problem.file == "endpoints/defaults.yaml"


def test_a_name_for_all_endpoints_is_refused(tmp_path: Path) -> None:
    [problem] = load(tmp_path, {"endpoint_name": "all"}, ON_INSTANCES)[1]

    assert (problem.file, problem.field) == ("endpoints/defaults.yaml", "endpoint_name")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", EVERY_DEFAULT)
def test_a_default_goes_with_every_kind_of_endpoint_or_gives_way(kind: str, key: str, tmp_path: Path) -> None:
    own = KINDS[kind]
    alone, _ = load(tmp_path, {"keep": 3}, own)

    compiled, problems = load(tmp_path, {key: EVERY_DEFAULT[key]}, own)

    if (kind, key) in NOT_TOGETHER:
        assert {each.file for each in problems} == {"endpoints/defaults.yaml"}
    else:
        assert problems == []
        variants = compiled["CreateEndpointConfig"]["ProductionVariants"]
        expected = alone["CreateEndpointConfig"]["ProductionVariants"]
        assert [each.get("ServerlessConfig") for each in variants] == [
            each.get("ServerlessConfig") for each in expected
        ]
        assert [each.get("InstanceType") for each in variants] == [
            each.get("InstanceType") for each in expected
        ]


def test_defaults_in_a_folder_and_two_files_of_defaults_are_refused(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    for file in ("defaults.yaml", "defaults.yml", "team/defaults.yaml"):
        (tmp_path / file).write_text("keep: 2\n")
    (tmp_path / "churn.yaml").write_text("model_package_group: g\ninstance_type: ml.m5.large\n")

    problems = load_catalogue(tmp_path, "endpoints", stack_name="Greenlight")[1]

    assert {(each.file, each.got) for each in problems} == {
        ("endpoints/defaults.yml", "defaults beside endpoints/defaults.yaml"),
        ("endpoints/team/defaults.yaml", "defaults in a folder"),
    }
