"""Owns checking a request against botocore's service models: the settings' only source of their rules.

botocore itself checks only types and required members, when a call is made. Here ranges, patterns and enums
are checked too, before a deployment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import botocore
import botocore.session
from botocore.model import ListShape, MapShape, StringShape, StructureShape

from infra.settings.aws_shapes import TYPES_OF_INSTANCES, service_model
from infra.settings.problem import FieldPath, nearest, shown
from service_model.patterns import compiled_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.model import Shape

_MANY: Final = 12


@dataclass(frozen=True, slots=True)
class Violation:
    """Report where a request breaks the service model, and a correction."""

    path: FieldPath
    got: str
    expected: str
    fix: str
    source: str = ""
    """The AWS page behind the rule; empty for Greenlight's own rules, and JSON's."""
    is_limit: bool = False
    """Whether a value is outside its shape's limits: the key's description then says what is expected."""


def _of(shape: Shape) -> str:
    return f"botocore {botocore.__version__}, {shape.name}"


def violations(operation: str, request: Mapping[str, Any], service: str = "sagemaker") -> list[Violation]:
    """Check a request of an operation such as `CreateModel`; an empty list means that nothing is wrong.

    It checks types, unknown and required members, ranges, lengths, patterns (anchored, as the service does)
    and enums.
    """
    input_shape = service_model(service).operation_model(operation).input_shape
    assert input_shape is not None, f"{operation} takes no input"
    return list(_check(input_shape, request, ()))


def _check(shape: Shape, value: object, path: FieldPath) -> Iterator[Violation]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _list(shape, value, path)
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        yield from _map(shape, value, path)
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _string(shape, value, path)
    elif shape.type_name in _WHOLE and isinstance(value, int) and not isinstance(value, bool):
        yield from _range(shape, value, path, "a whole number")
    elif shape.type_name in _FRACTIONAL and _is_number(value):
        yield from _range(shape, value, path, "a number")
    elif not (
        (shape.type_name == "boolean" and isinstance(value, bool))
        or (shape.type_name == "timestamp" and isinstance(value, str))  # which botocore itself parses
    ):
        yield Violation(path, shown(value), _TYPES[shape.type_name], _type_fix(shape.type_name, value))


def _is_number(value: object) -> TypeGuard[float]:
    """Distinguish numbers that JSON can carry from `.nan`, `.inf` and booleans."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_WHOLE: Final = frozenset({"integer", "long"})
_FRACTIONAL: Final = frozenset({"float", "double"})
_TYPES: Final = {
    "structure": "a mapping",
    "map": "a mapping",
    "list": "a list",
    "string": "a string",
    "boolean": "true or false",
    "timestamp": "a time",
    "integer": "a whole number",
    "long": "a whole number",
    "float": "a number",
    "double": "a number",
}


def _type_fix(type_name: str, value: object) -> str:
    match type_name, value:
        case _, None:
            return "give it a value, or remove the key"
        case "string", (dict() | list()):
            return "write a single value"
        case "string", _:
            return "quote it"
        case (("boolean" | "integer" | "long" | "float" | "double"), str()):
            return "write it without quotes"
        case "list", _:
            return "start each item with a dash"
        case _:
            return f"write {_TYPES[type_name]}"


def _structure(shape: StructureShape, value: dict[str, Any], path: FieldPath) -> Iterator[Violation]:
    for name in shape.required_members:
        if name not in value:
            expected = f"{name}, which {shape.name} requires"
            yield Violation((*path, name), "nothing", expected, f"add {name}", _of(shape))
    for name, member in value.items():
        if name in shape.members:
            yield from _check(shape.members[name], member, (*path, name))
            continue
        meant = nearest(name, shape.members)
        few = f": {', '.join(shape.members)}" if len(shape.members) <= _MANY else ""
        yield Violation(
            (*path, name),
            f"the unknown name {name}",
            f"a member of SageMaker's {shape.name}{few}",
            f"did you mean {' or '.join(meant)}?" if meant else "remove it",
            _of(shape),
        )


def _list(shape: ListShape, value: list[Any], path: FieldPath) -> Iterator[Violation]:
    yield from _length(shape, len(value), path, "items")
    for index, item in enumerate(value):
        yield from _check(shape.member, item, (*path, index))


def _map(shape: MapShape, value: dict[str, Any], path: FieldPath) -> Iterator[Violation]:
    yield from _length(shape, len(value), path, "entries")
    for key, item in value.items():
        here = (*path, key)
        for violation in _check(shape.key, key, here):
            yield replace(violation, path=here, got=f"the key {violation.got}")
        yield from _check(shape.value, item, here)


def _string(shape: StringShape, value: str, path: FieldPath) -> Iterator[Violation]:
    enum = shape.metadata.get("enum", ())
    if enum and value not in enum:
        listed = f"one of SageMaker's {len(enum)} values of {shape.name}"
        if len(enum) <= _MANY:
            listed = f"one of {', '.join(enum)}"
        meant = nearest(value, enum)
        fix = f"did you mean {' or '.join(meant)}?" if meant else f"see {shape.name} in the API reference"
        yield Violation(
            path, shown(value), listed, fix, _of(shape), is_limit=shape.name == TYPES_OF_INSTANCES
        )
        return
    too_long = list(_length(shape, len(value), path, "characters"))
    yield from too_long
    pattern = shape.metadata.get("pattern")
    # Try a pattern only on short strings: some patterns are slow on long ones.
    if pattern and not too_long and compiled_pattern(pattern).fullmatch(value) is None:
        expected, fix = f"text that matches {pattern}", "use only what the pattern allows"
        yield Violation(path, shown(value), expected, fix, _of(shape))


def _length(shape: Shape, length: int, path: FieldPath, unit: str) -> Iterator[Violation]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max")
    if length < low:
        expected, fix = f"at least {low} {unit}", "add what is missing"
        yield Violation(path, f"{length} {unit}", expected, fix, _of(shape), is_limit=unit == "characters")
    if high is not None and length > high:
        expected, fix = f"at most {high} {unit}", f"remove {length - high}"
        yield Violation(path, f"{length} {unit}", expected, fix, _of(shape), is_limit=unit == "characters")


def _range(shape: Shape, value: float, path: FieldPath, kind: str) -> Iterator[Violation]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        nearest_bound = low
    elif high is not None and value > high:
        nearest_bound = high
    else:
        yield from _width(shape, value, path)
        return
    expected, fix = f"{kind} {bounds(low, high)}", f"the nearest allowed value is {nearest_bound}"
    yield Violation(path, shown(value), expected, fix, _of(shape), is_limit=True)


def bounds(low: float | None, high: float | None) -> str:
    """Say a range in words; empty without bounds."""
    if low is not None and high is not None:
        return f"from {low} to {high}"
    if low is not None:
        return f"of at least {low}"
    return "" if high is None else f"of at most {high}"


_LARGEST: Final = {"integer": 2**31 - 1, "long": 2**63 - 1, "float": 3.4028234663852886e38}


def _width(shape: Shape, value: float, path: FieldPath) -> Iterator[Violation]:
    """Check that a number fits AWS's type: no documented range can be wider."""
    largest = _LARGEST.get(shape.type_name)
    if largest is not None and not -largest <= value <= largest:
        expected = (
            f"a number of at most {largest:,g}" if shape.type_name == "float" else f"at most {largest:,}"
        )
        yield Violation(path, shown(value), expected, "write the number that you mean")
