"""Requests against the service model: every constraint, in the sentence in which AWS reports it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_cloud.sagemaker.control_plane import OPERATIONS
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.protocol.api_model import sagemaker_service_model
from local_cloud.sagemaker.protocol.validation import RequestValidator
from service_model.patterns import compiled_pattern
from tests.unit.local_cloud.sagemaker.virtual_cloud import PREFIX, ROLE, variant

VALIDATOR = RequestValidator(sagemaker_service_model())
NAME_PATTERN = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
CONFIG: dict[str, Any] = {"EndpointConfigName": "c", "ProductionVariants": [variant()]}


def _message(operation: str, **request: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        VALIDATOR.validate(operation, request)
    assert caught.value.code == "ValidationException"
    return caught.value.message


TOO_LONG = "Member must have length less than or equal to {}"
TOO_SHORT = "Member must have length greater than or equal to {}"
MISMATCH = "Member must satisfy regular expression pattern: {}"
IDENTIFIER = "[a-zA-Z_][a-zA-Z0-9_]*"
ANYTHING = r"[\S\s]*"
VERSION = {"ModelPackageArn": f"{PREFIX}:model-package/g/1"}


@pytest.mark.parametrize(
    ("operation", "request_members", "value", "path", "constraint"),
    [
        ("DescribeEndpoint", {}, "null", "endpointName", "Member must not be null"),
        (
            "DescribeEndpoint",
            {"EndpointName": "under_score"},
            "'under_score'",
            "endpointName",
            MISMATCH.format(NAME_PATTERN),
        ),
        (
            "CreateEndpoint",
            {"EndpointName": "e", "EndpointConfigName": "c", "Tags": [{"Key": "k" * 129, "Value": ""}]},
            f"'{'k' * 129}'",
            "tags.1.member.key",
            TOO_LONG.format(128),
        ),
        (
            "ListModels",
            {"MaxResults": 101},
            "'101'",
            "maxResults",
            "Member must have value less than or equal to 100",
        ),
        (
            "ListModels",
            {"MaxResults": 0},
            "'0'",
            "maxResults",
            "Member must have value greater than or equal to 1",
        ),
        (
            "UpdateModelPackage",
            {**VERSION, "ModelApprovalStatus": "approved"},
            "'approved'",
            "modelApprovalStatus",
            "Member must satisfy enum value set: [Approved, Rejected, PendingManualApproval]",
        ),
        (
            "CreateEndpointConfig",
            {**CONFIG, "ProductionVariants": []},
            "'[]'",
            "productionVariants",
            TOO_SHORT.format(1),
        ),
        (
            "CreateEndpointConfig",
            {**CONFIG, "ProductionVariants": [variant(), variant(InitialInstanceCount=0)]},
            "'0'",
            "productionVariants.2.member.initialInstanceCount",
            "Member must have value greater than or equal to 1",
        ),
        (
            "CreateEndpointConfig",
            {**CONFIG, "Tags": [{"Key": "k"}]},
            "null",
            "tags.1.member.value",
            "Member must not be null",
        ),
        (
            "CreateModel",
            {"ModelName": "m", "VpcConfig": {"SecurityGroupIds": ["a b"], "Subnets": ["s"]}},
            "'[a b]'",
            "vpcConfig.securityGroupIds",
            f"Member must satisfy constraint: [{TOO_LONG.format(32)}, {MISMATCH.format('[-0-9a-zA-Z]+')}]",
        ),
        (
            "CreateModel",
            {"ModelName": "m", "PrimaryContainer": {"Environment": {"1bad": "v"}}},
            "'{1bad=v}'",
            "primaryContainer.environment",
            f"Map keys must satisfy constraint: [{TOO_LONG.format(1024)}, {MISMATCH.format(IDENTIFIER)}]",
        ),
        (
            "CreateModel",
            {"ModelName": "m", "PrimaryContainer": {"Environment": {"k": "v" * 1025}}},
            f"'{{k={'v' * 1025}}}'",
            "primaryContainer.environment",
            f"Map value must satisfy constraint: [{TOO_LONG.format(1024)}, {MISMATCH.format(ANYTHING)}]",
        ),
        (
            "CreateModelPackage",
            {"ModelCard": {"ModelCardContent": "x" * 100001}},
            "'***Sensitive Data Redacted***'",
            "modelCard.modelCardContent",
            TOO_LONG.format(100000),
        ),
        (
            "UpdateModelPackage",
            {**VERSION, "CustomerMetadataProperties": {}},
            "'{}'",
            "customerMetadataProperties",
            TOO_SHORT.format(1),
        ),
    ],
)
def test_each_kind_of_constraint_has_its_sentence(
    operation: str, request_members: dict[str, Any], value: str, path: str, constraint: str
) -> None:
    sentence = f"Value {value} at '{path}' failed to satisfy constraint: {constraint}"
    message = _message(operation, **request_members)
    assert message == f"1 validation error detected: {sentence}"


def test_all_violations_are_counted_and_reported_together() -> None:
    message = _message(
        "CreateEndpointConfig", EndpointConfigName="a_b", ProductionVariants=[{"ModelName": "-"}]
    )
    assert message.startswith("3 validation errors detected: Value 'a_b' at 'endpointConfigName' ")
    assert message.count("; Value ") == 2


def test_a_pattern_binds_the_whole_value() -> None:
    for name in ("x\n", " x", "x y", "-x", "x-"):
        assert "regular expression pattern" in _message("DescribeEndpoint", EndpointName=name)
    assert VALIDATOR.validate("DescribeEndpoint", {"EndpointName": "a" + "-" * 61 + "b"})


@pytest.mark.parametrize(
    ("operation", "request_members", "message"),
    [
        ("DescribeEndpoint", {"EndpointName": 7}, "NUMBER_VALUE can not be converted to a String"),
        ("DescribeEndpoint", {"EndpointName": True}, "BOOLEAN_VALUE can not be converted to a String"),
        ("DescribeEndpoint", {"EndpointName": ["x"]}, "Start of list found where not expected"),
        ("DescribeEndpoint", {"EndpointName": {}}, "Start of structure or map found where not expected."),
        ("ListModels", {"MaxResults": "7"}, "STRING_VALUE can not be converted to an Integer"),
        ("ListModels", {"MaxResults": 7.5}, "NUMBER_VALUE can not be converted to an Integer"),
        ("ListModels", {"MaxResults": True}, "BOOLEAN_VALUE can not be converted to an Integer"),
        ("ListModels", {"MaxResults": 2**31}, "NUMBER_VALUE can not be converted to an Integer"),
        (
            "ListModels",
            {"CreationTimeAfter": "2026-01-01"},
            "STRING_VALUE can not be converted to a Timestamp",
        ),
        ("ListModels", {"CreationTimeAfter": 1e300}, "1e+300 can not be converted to a Timestamp"),
        (
            "UpdateEndpoint",
            {"EndpointName": "e", "EndpointConfigName": "c", "RetainDeploymentConfig": "true"},
            "STRING_VALUE can not be converted to a Boolean",
        ),
        (
            "CreateEndpointConfig",
            {**CONFIG, "ProductionVariants": "x"},
            "STRING_VALUE can not be converted to a list",
        ),
        (
            "CreateEndpointConfig",
            {**CONFIG, "ProductionVariants": ["x"]},
            "STRING_VALUE can not be converted to a structure",
        ),
        (
            "CreateEndpointConfig",
            {**CONFIG, "ProductionVariants": [variant(InitialVariantWeight="1")]},
            "STRING_VALUE can not be converted to a Float",
        ),
        (
            "CreateModel",
            {"ModelName": "m", "PrimaryContainer": {"Environment": "x"}},
            "STRING_VALUE can not be converted to a map",
        ),
    ],
)
def test_a_value_of_the_wrong_type_cannot_be_read(
    operation: str, request_members: dict[str, Any], message: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        VALIDATOR.validate(operation, request_members)
    assert (caught.value.code, caught.value.message) == ("SerializationException", message)


def test_a_wrong_type_is_reported_before_any_violation() -> None:
    with pytest.raises(ServiceError) as caught:
        VALIDATOR.validate("CreateEndpointConfig", {"EndpointConfigName": "_", "ProductionVariants": 1})
    assert caught.value.code == "SerializationException"


def test_unknown_members_and_nulls_are_ignored() -> None:
    request = {"EndpointName": "e", "Unknown": {"deep": [1]}, "EndpointConfigName": "c", "Tags": None}
    assert VALIDATOR.validate("CreateEndpoint", request) == {"EndpointName": "e", "EndpointConfigName": "c"}


def test_timestamps_become_aware_datetimes() -> None:
    expected = datetime(2026, 1, 1, tzinfo=UTC)
    for given_time in (1767225600, 1767225600.0, expected, expected.replace(tzinfo=None)):
        checked = VALIDATOR.validate("ListModels", {"CreationTimeAfter": given_time})
        assert checked == {"CreationTimeAfter": expected}


def test_what_is_checked_is_a_copy() -> None:
    request = {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Environment": {"a": "b"}}}
    checked = VALIDATOR.validate("CreateModel", request)
    assert checked == request
    request["PrimaryContainer"]["Environment"]["a"] = "changed"  # type: ignore[index]
    assert checked["PrimaryContainer"]["Environment"] == {"a": "b"}


@pytest.mark.parametrize(
    ("shape", "accepted", "refused"),
    [
        ("TagKey", ["team", "größe", "日本語", "a b_.:/=+-@"], ["a#b", "a\tb"]),
        ("EntityDescription", ["Fünf €uro, ☕!", ""], ["line\nbreak"]),
        ("CustomerMetadataKey", ["a:b", "schlüssel"], ["a#b"]),
        ("ModelPackageSourceUri", ["s3://b/ä"], ["a\u0007"]),
        ("ModelPackageArn", [f"{PREFIX}:model-package/G/1"], [f"{PREFIX}:model/m", "churn/1"]),
    ],
)
def test_java_s_unicode_classes_are_understood(shape: str, accepted: list[str], refused: list[str]) -> None:
    pattern = compiled_pattern(sagemaker_service_model()["shapes"][shape]["pattern"])
    assert all(pattern.fullmatch(text) for text in accepted)
    assert not any(pattern.fullmatch(text) for text in refused)


def test_every_modelled_operation_exists_in_the_service_model_and_its_patterns_compile() -> None:
    model = sagemaker_service_model()
    assert set(OPERATIONS) <= set(model["operations"])
    seen: set[str] = set()
    todo = [model["operations"][operation]["input"]["shape"] for operation in OPERATIONS]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        shape = model["shapes"][name]
        if "pattern" in shape:
            compiled_pattern(shape["pattern"])
        todo += [member["shape"] for member in shape.get("members", {}).values()]
        todo += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
    assert len(seen) > 100


def test_a_type_that_the_validator_does_not_know_is_an_error_of_ours() -> None:
    validator = RequestValidator({"operations": {}, "shapes": {"Blob": {"type": "blob"}}})
    with pytest.raises(NotImplementedError, match="'blob'"):
        validator.validate_shape("Blob", {})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(operation=st.sampled_from(sorted(OPERATIONS)), data=st.data())
def test_any_json_is_either_accepted_or_refused_as_aws_would(operation: str, data: st.DataObject) -> None:
    shape = sagemaker_service_model()["operations"][operation]["input"]["shape"]
    names = sorted(sagemaker_service_model()["shapes"][shape].get("members", {}))
    request = data.draw(st.dictionaries(st.sampled_from(names), _JSON, max_size=5))
    try:
        checked = VALIDATOR.validate(operation, request)
    except ServiceError as error:
        codes = {"ValidationException", "SerializationException"}
        if error.code not in codes:
            pytest.fail(f"{error.code} is no answer to a malformed request")
        return
    assert set(checked) <= set(request)
    assert VALIDATOR.validate(operation, checked) == checked
