from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from infra.settings.aws_shapes import sagemaker
from infra.settings.compiling.compiler import compile_settings, merged
from infra.settings.compiling.settings_files import settings_digest, settings_files
from infra.settings.keys.endpoint_settings import EndpointSettings, Serverless
from infra.settings.rules.documented_limits import RESERVED_TAGS
from infra.settings.rules.sagemaker_requests import found_violations, requests

KEYS = st.sampled_from(["a", "b", "ProductionVariants", "Containers"])
JSON = st.recursive(
    st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(KEYS, JSON, max_size=3)


def test_a_patch_is_merged_key_by_key_and_null_removes() -> None:
    base = {"kept": 1, "changed": {"a": 1, "b": 2}, "removed": 3}

    result = merged(base, {"changed": {"b": 20, "c": 30}, "removed": None, "added": {"x": None, "y": 1}})

    assert result == {"kept": 1, "changed": {"a": 1, "b": 20, "c": 30}, "added": {"y": 1}}
    assert base == {"kept": 1, "changed": {"a": 1, "b": 2}, "removed": 3}


def test_variants_and_containers_are_merged_item_by_item_and_other_lists_replaced() -> None:
    base = {"ProductionVariants": [{"VariantName": "a", "InstanceType": "x"}], "Others": [{"a": 1}]}
    patch = {"ProductionVariants": [{"VolumeSizeInGB": 8}, {"VariantName": "b"}], "Others": [{"b": 2}]}

    assert merged(base, patch) == {
        "ProductionVariants": [
            {"VariantName": "a", "InstanceType": "x", "VolumeSizeInGB": 8},
            {"VariantName": "b"},
        ],
        "Others": [{"b": 2}],
    }


@given(MAPPINGS)
def test_an_empty_patch_changes_nothing(base: dict[str, Any]) -> None:
    assert merged(base, {}) == base


@given(MAPPINGS, MAPPINGS)
def test_merging_a_patch_twice_is_merging_it_once(base: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merged(base, patch)

    assert merged(once, patch) == once


def document(name: str, **members: Any) -> dict[str, Any]:
    return {"EndpointName": name, "ModelPackageGroupName": "Churn", **members}


def test_the_order_of_keys_and_of_endpoints_does_not_change_what_is_deployed() -> None:
    one = settings_files([document("a", Tags={"c": 1, "b": 2}), document("b")])
    other = settings_files([document("b"), document("a", Tags={"b": 2, "c": 1})])

    assert [*one.items()] == [*other.items()]
    assert all(b": " not in content for content in one.values())


def test_a_changed_document_changes_its_own_file_and_digest_and_the_digest_of_all() -> None:
    before = settings_files([document("a"), document("b")])
    after = settings_files([document("a", Keep=1), document("b")])

    assert {path for path in before if before[path] != after[path]} == {"index.json", "endpoints/a.json"}
    indexes = [json.loads(each["index.json"])["Digests"] for each in (before, after)]
    assert indexes[0]["b"] == indexes[1]["b"]
    assert indexes[0]["a"] != indexes[1]["a"]
    assert settings_digest(before) != settings_digest(after)


@pytest.mark.parametrize(
    "settings",
    [
        EndpointSettings(model_package_group="g", instance_type="ml.m5.large", tags={"a": "b"}),
        EndpointSettings(
            model_package_group="g", serverless=Serverless(memory_size_in_mb=1024, max_concurrency=1)
        ),
    ],
)
def test_what_is_assembled_is_a_request_that_botocore_itself_accepts(settings: EndpointSettings) -> None:
    spec = compile_settings(settings, "churn", "Greenlight")
    service = sagemaker()
    assert list(found_violations(spec)) == []

    for operation, request in requests(spec).items():
        shape = service.operation_model(operation).input_shape
        assert shape is not None
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()


def test_every_request_carries_what_the_deployer_adds() -> None:
    settings = EndpointSettings(model_package_group="g", instance_type="ml.m5.large", tags={"a": "b"})

    assembled = requests(compile_settings(settings, "churn", "Greenlight"))

    [container] = assembled["CreateModel"]["Containers"]
    [variant] = assembled["CreateEndpointConfig"]["ProductionVariants"]
    assert container["ModelPackageName"]
    assert assembled["CreateModel"]["ExecutionRoleArn"]
    assert variant["ModelName"] == assembled["CreateModel"]["ModelName"]
    for operation in ("CreateModel", "CreateEndpointConfig", "CreateEndpoint"):
        keys = [tag["Key"] for tag in assembled[operation]["Tags"]]
        assert keys == ["a", *RESERVED_TAGS]
        assert keys[1:3] == ["greenlight:stack", "greenlight:endpoint"]
    assert "Tags" not in assembled["UpdateEndpoint"]
