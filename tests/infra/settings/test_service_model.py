from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.settings.aws_shapes import instance_types, sagemaker
from infra.settings.rules.request_validation import violations
from service_model.patterns import compiled_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.model import Shape

CONFIG: dict[str, Any] = {"EndpointConfigName": "a", "ProductionVariants": [{"VariantName": "a"}]}

WRONG = {
    "a missing member": ("CreateEndpointConfig", {"EndpointConfigName": "a"}, ("ProductionVariants",)),
    "too few items": ("CreateEndpointConfig", CONFIG | {"ProductionVariants": []}, ("ProductionVariants",)),
    "too many items": (
        "CreateEndpointConfig",
        CONFIG | {"ProductionVariants": [{"VariantName": f"a{n}"} for n in range(11)]},
        ("ProductionVariants",),
    ),
    "an unknown member": ("CreateModel", {"ModelName": "a", "Foo": 1}, ("Foo",)),
    "a number for a string": ("CreateModel", {"ModelName": 1}, ("ModelName",)),
    "a boolean for a whole number": (
        "CreateEndpointConfig",
        CONFIG | {"ProductionVariants": [{"VariantName": "a", "InitialInstanceCount": True}]},
        ("ProductionVariants", 0, "InitialInstanceCount"),
    ),
    "a fraction for a whole number": (
        "CreateEndpointConfig",
        CONFIG | {"ProductionVariants": [{"VariantName": "a", "VolumeSizeInGB": 1.5}]},
        ("ProductionVariants", 0, "VolumeSizeInGB"),
    ),
    "a boolean for a fraction": (
        "CreateEndpointConfig",
        CONFIG | {"ProductionVariants": [{"VariantName": "a", "InitialVariantWeight": False}]},
        ("ProductionVariants", 0, "InitialVariantWeight"),
    ),
    "a negative weight": (
        "CreateEndpointConfig",
        CONFIG | {"ProductionVariants": [{"VariantName": "a", "InitialVariantWeight": -0.5}]},
        ("ProductionVariants", 0, "InitialVariantWeight"),
    ),
    "a mapping for a list": ("CreateModel", {"ModelName": "a", "Containers": {}}, ("Containers",)),
    "a list for a string": ("CreateModel", {"ModelName": ["a"]}, ("ModelName",)),
    "a list for a mapping": ("CreateModel", {"ModelName": "a", "VpcConfig": []}, ("VpcConfig",)),
    "nothing": ("CreateModel", {"ModelName": None}, ("ModelName",)),
    "more text than fits": ("CreateModel", {"ModelName": "a" * 64}, ("ModelName",)),
    "a pattern met only in part": ("CreateModel", {"ModelName": "fine-then-not!"}, ("ModelName",)),
    "a pattern met but for a line break": ("CreateModel", {"ModelName": "fine\n"}, ("ModelName",)),
    "a map's key": (
        "CreateModel",
        {"ModelName": "a", "Containers": [{"Environment": {"a-b": "c"}}]},
        ("Containers", 0, "Environment", "a-b"),
    ),
    "a map's value": (
        "CreateModel",
        {"ModelName": "a", "Containers": [{"Environment": {"a": 1}}]},
        ("Containers", 0, "Environment", "a"),
    ),
    "a value outside an enum": (
        "CreateModel",
        {"ModelName": "a", "InferenceExecutionConfig": {"Mode": "Parallel"}},
        ("InferenceExecutionConfig", "Mode"),
    ),
}


@pytest.mark.parametrize(("operation", "request_", "path"), WRONG.values(), ids=WRONG)
def test_a_request_is_refused_at_the_field_that_is_wrong(
    operation: str, request_: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    [violation] = violations(operation, request_)

    assert violation.path == path
    assert violation.got
    assert violation.expected
    assert violation.fix


def test_a_whole_number_will_do_for_a_fraction() -> None:
    variant = {"VariantName": "a", "InitialVariantWeight": 1}

    assert violations("CreateEndpointConfig", CONFIG | {"ProductionVariants": [variant]}) == []


@pytest.mark.parametrize("value", ["größe", "本番 1", "٣", "a\u00a0b", "_.:/=+-@", ""])
def test_tags_may_have_letters_numbers_and_spaces_of_any_script(value: str) -> None:
    assert violations("CreateModel", {"ModelName": "a", "Tags": [{"Key": "k", "Value": value}]}) == []


@pytest.mark.parametrize("value", ["a!", "ö!", "a\tb", "😀"])
def test_tags_may_have_nothing_else(value: str) -> None:
    [violation] = violations("CreateModel", {"ModelName": "a", "Tags": [{"Key": "k", "Value": value}]})

    assert violation.path == ("Tags", 0, "Value")


def test_every_pattern_that_settings_can_meet_is_understood() -> None:
    patterns = {
        pattern
        for operation in ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint")
        for pattern in _patterns(sagemaker().operation_model(operation).input_shape, set())
    }

    assert len(patterns) > 10
    for pattern in patterns:
        compiled_pattern(pattern)  # raises for unknown ones


def _patterns(shape: Shape | None, seen: set[str]) -> Iterator[str]:
    assert shape is not None
    if shape.name in seen:
        return
    seen.add(shape.name)
    if "pattern" in shape.metadata:
        yield shape.metadata["pattern"]
    members = list(getattr(shape, "members", {}).values())
    members += [getattr(shape, name) for name in ("member", "key", "value") if hasattr(shape, name)]
    for member in members:
        yield from _patterns(member, seen)


def test_sagemaker_hosts_on_hundreds_of_instance_types_and_not_on_t3() -> None:
    assert "ml.m5.large" in instance_types()
    assert not [name for name in instance_types() if name.startswith("ml.t3.")]


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"\p{Print}+", "by-hand 1", "Ümlaut"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a\U0001f600\n", "\x00"),
    ],
)
def test_patterns_of_application_auto_scaling_are_read_as_java_reads_them(
    pattern: str, matching: str, other: str
) -> None:
    assert compiled_pattern(pattern).fullmatch(matching)
    assert not compiled_pattern(pattern).fullmatch(other)
