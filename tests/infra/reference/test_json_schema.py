from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from infra.reference.json_schema import PARTIAL_SCHEMA_FILE, SCHEMA_FILE, partial_schema_text, schema_text
from infra.settings.catalogue import load_catalogue
from tests.infra.settings.builders import load

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINTS = SCHEMA_FILE.parent

AGREED = {
    "an example": ("model_package_group: g\ninstance_type: ml.m5.large\n", True),
    "serverless": (
        "model_package_group: g\nserverless: {memory_size_in_mb: 1024, max_concurrency: 1}\n",
        True,
    ),
    "overrides": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "overrides: {model: {EnableNetworkIsolation: true}}\n"
        ),
        True,
    ),
    "a field of a variant": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "overrides: {endpoint_config: {ProductionVariants: [{VolumeSizeInGB: 10}]}}\n"
        ),
        True,
    ),
    "a field in the wrong style": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "overrides: {endpoint_config: {kms_key_id: a}}\n"
        ),
        False,
    ),
    "a field out of range": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "overrides: {endpoint_config: {ProductionVariants: [{VolumeSizeInGB: 513}]}}\n"
        ),
        False,
    ),
    "a field that the deployer sets": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "overrides: {model: {Containers: [{Image: a}]}}\n"
        ),
        False,
    ),
    "a guardrail": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "overrides: {deployment_config: {AutoRollbackConfiguration: {Alarms: [{AlarmName: a}]}}}\n"
        ),
        True,
    ),
    "an enum": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "overrides: {endpoint_config: {ProductionVariants: [{RoutingConfig: {RoutingStrategy: X}}]}}\n"
        ),
        False,
    ),
    "neither": ("model_package_group: g\n", False),
    "both": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "serverless: {memory_size_in_mb: 1024, max_concurrency: 1}\n"
        ),
        False,
    ),
    "a count without a type": (
        (
            "model_package_group: g\ninstance_count: 1\n"
            "serverless: {memory_size_in_mb: 1024, max_concurrency: 1}\n"
        ),
        False,
    ),
    "an unknown key": ("model_package_group: g\ninstance_type: ml.m5.large\nfoo: 1\n", False),
    "an unknown override": (
        "model_package_group: g\ninstance_type: ml.m5.large\noverrides: {foo: {}}\n",
        False,
    ),
    "no group": ("instance_type: ml.m5.large\n", False),
    "a bad group": ("model_package_group: a_b\ninstance_type: ml.m5.large\n", False),
    "a bad type": ("model_package_group: g\ninstance_type: ml.t3.medium\n", False),
    "an empty value": ("model_package_group: g\ninstance_type: ml.m5.large\ntags:\n", False),
    "a number": ("model_package_group: g\ninstance_type: ml.m5.large\nenvironment: {A: 1}\n", False),
    "whose approvals count": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\nfour_eyes: true\nkeep: 0\n"
            "approvers: ['arn:aws:iam::111122223333:role/ml-*']\n"
        ),
        True,
    ),
    "nobody's approvals": ("model_package_group: g\ninstance_type: ml.m5.large\napprovers: []\n", False),
    "anyone's approvals": ("model_package_group: g\ninstance_type: ml.m5.large\napprovers: ['*']\n", False),
    "an approver by name": (
        "model_package_group: g\ninstance_type: ml.m5.large\napprovers: [alice]\n",
        False,
    ),
    "keeping too much": ("model_package_group: g\ninstance_type: ml.m5.large\nkeep: 51\n", False),
    "a rollout": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\ninstance_count: 2\n"
            "rollout: {kind: canary, size_percent: 50, alarms: {error_ratio_percent: 0.5}}\n"
        ),
        True,
    ),
    "a rollout without a kind": (
        "model_package_group: g\ninstance_type: ml.m5.large\nrollout: {size_percent: 10}\n",
        False,
    ),
    "a period between the minutes": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "rollout: {kind: all_at_once, alarms: {period_seconds: 90}}\n"
        ),
        False,
    ),
    "where calls are kept": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "data_capture: {destination: 's3://b/p', capture: [input]}\n"
        ),
        True,
    ),
    "a machine image that there is not": (
        "model_package_group: g\ninstance_type: ml.m5.large\ninference_ami_version: al2\n",
        False,
    ),
    "a volume out of range": (
        "model_package_group: g\ninstance_type: ml.m5.large\nvolume_size_in_gb: 513\n",
        False,
    ),
    "several variants": (
        (
            "model_package_group: g\n"
            "variants: [{name: a, weight: 1, instance_type: ml.m5.large, version: 3},"
            " {name: b, weight: 0.5, instance_type: ml.m5.large, instance_count: 2}]\n"
        ),
        True,
    ),
    "variants beside a type": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\n"
            "variants: [{name: a, weight: 1, instance_type: ml.m5.large}]\n"
        ),
        False,
    ),
    "a variant's key beside variants": (
        (
            "model_package_group: g\nrouting: random\n"
            "variants: [{name: a, weight: 1, instance_type: ml.m5.large}]\n"
        ),
        False,
    ),
    "a variant without a weight": (
        "model_package_group: g\nvariants: [{name: a, instance_type: ml.m5.large}]\n",
        False,
    ),
    "no variants": ("model_package_group: g\nvariants: []\n", False),
    "a shadow": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\nfour_eyes: true\n"
            "shadow: {instance_type: ml.m5.large, sampling_percent: 10}\n"
            "overrides: {endpoint_config: {ShadowProductionVariants: [{EnableSSMAccess: true}]}}\n"
        ),
        True,
    ),
    "a shadow that nothing could reach": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\nfour_eyes: false\n"
            "shadow: {instance_type: ml.m5.large}\n"
        ),
        False,
    ),
    "a shadow of no calls": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\nfour_eyes: true\n"
            "shadow: {instance_type: ml.m5.large, sampling_percent: 0}\n"
        ),
        False,
    ),
    "a shadow by another name": (
        (
            "model_package_group: g\ninstance_type: ml.m5.large\nfour_eyes: true\n"
            "shadow: {instance_type: ml.m5.large}\n"
            "overrides: {endpoint_config: {ShadowProductionVariants: [{ModelName: a}]}}\n"
        ),
        False,
    ),
    "odd memory": (
        "model_package_group: g\nserverless: {memory_size_in_mb: 1000, max_concurrency: 1}\n",
        False,
    ),
}


def test_the_schema_in_the_repository_is_the_one_that_the_settings_have() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), (
        "run `python -m infra.reference.json_schema`"
    )
    assert PARTIAL_SCHEMA_FILE.read_text(encoding="utf-8") == partial_schema_text()


def validator_of(schema: str) -> Any:
    from cfnlint.jsonschema import StandardValidator  # type: ignore[import-untyped] # noqa: PLC0415 - slow to import

    return StandardValidator(json.loads(schema))


@pytest.mark.parametrize(
    ("settings", "valid"),
    [
        ("keep: 2\ntags: {a: b}\n", True),
        ("model_package_group: g\nkms_key_id: null\nvpc: null\n", True),
        ("keep: 99\n", False),
        ("tags: {a: 1}\n", False),
        ("foo: 1\n", False),
    ],
)
def test_defaults_and_endpoints_beside_them_are_checked_for_what_they_say(settings: str, valid: bool) -> None:  # noqa: FBT001 - a table
    validator = validator_of(partial_schema_text())

    assert validator.is_valid(yaml.safe_load(settings)) is valid


@pytest.mark.parametrize(("text", "valid"), AGREED.values(), ids=AGREED)
def test_editors_and_synth_agree(text: str, valid: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    validator = validator_of(schema_text())

    assert (list(validator.iter_errors(yaml.safe_load(text))) == []) is valid
    assert (load(tmp_path, churn=text)[1] == []) is valid


def test_the_endpoints_of_the_repository_are_valid_and_point_editors_at_the_schema() -> None:
    specs, problems = load_catalogue(ENDPOINTS, "endpoints", stack_name="Greenlight")

    assert problems == []
    for spec in specs:
        first_line = (ENDPOINTS.parent / spec.file).read_text(encoding="utf-8").splitlines()[0]
        assert first_line == "# yaml-language-server: $schema=schema.json"
