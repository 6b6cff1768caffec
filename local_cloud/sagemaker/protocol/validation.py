"""Validate requests against a botocore service model, as the service itself does.

Owns types, required members, lengths, ranges, patterns and enums, and AWS's messages about them. It does not
interpret operations and keeps no state: checkers are pure, and compiled once per shape.

As on AWS, a value of the wrong JSON type is a SerializationException; unknown members are ignored; null means
absent; one message reports every violated constraint.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from local_cloud.sagemaker.errors import ServiceError, serialization, validation
from service_model.patterns import compiled_pattern

Shape: TypeAlias = Mapping[str, Any]
Checker: TypeAlias = Callable[[Any, str, list[str]], Any]
"""Takes a value, its location and the violations so far; returns the value without unknown members."""

_JSON_KINDS = ((bool, "BOOLEAN_VALUE"), (int, "NUMBER_VALUE"), (float, "NUMBER_VALUE"), (str, "STRING_VALUE"))
_LARGEST = {
    "integer": 2**31 - 1,
    "long": 2**63 - 1,
    "float": 3.4028234663852886e38,
    "double": sys.float_info.max,
}


class RequestValidator:
    """Check requests of one service; compiled checkers live as long as this object.

    Args:
        service_model: botocore's service model: `operations` and `shapes`.
        is_newer: Whether the service accepts members and enum values that the model lacks. Everything in the
            model is still checked.
    """

    def __init__(self, service_model: Shape, *, is_newer: bool = False) -> None:
        self._is_newer = is_newer
        self._operations: Mapping[str, Any] = service_model["operations"]
        self._shapes: Mapping[str, Shape] = service_model["shapes"]
        self._checkers: dict[str, Checker] = {}

    def validate(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request without nulls and unknown members, its timestamps as datetimes.

        Raises:
            ServiceError: SerializationException for a wrong type, ValidationException for violated
                constraints.
        """
        return self.validate_shape(self._operations[operation]["input"]["shape"], request)

    def validate_shape(self, shape_name: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return a structure, checked like a request."""
        violations: list[str] = []
        checked: dict[str, Any] = self._checker(shape_name)(value, "", violations)
        if violations:
            noun = "error" if len(violations) == 1 else "errors"
            raise validation(f"{len(violations)} validation {noun} detected: {'; '.join(violations)}")
        return checked

    def _checker(self, shape_name: str) -> Checker:
        checker = self._checkers.get(shape_name)
        if checker is None:
            checker = self._checkers[shape_name] = self._compile(self._shapes[shape_name])
        return checker

    def _compile(self, shape: Shape) -> Checker:
        match shape["type"]:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case "string":
                return _string(shape, self._constraints(shape))
            case "integer" | "long":
                return _number(shape, int, "an Integer" if shape["type"] == "integer" else "a Long")
            case "float" | "double":
                return _number(shape, (int, float), "a Float" if shape["type"] == "float" else "a Double")
            case "boolean":
                return _boolean
            case "timestamp":
                return _timestamp
            case other:
                raise NotImplementedError(
                    f"The service model uses the type {other!r}, which is not validated yet."
                )

    def _constraints(self, shape: Shape) -> list[tuple[str, Callable[[Any], bool]]]:
        return [] if self._is_newer and shape.get("enum") else _constraints(shape)

    def _structure(self, shape: Shape) -> Checker:
        required = frozenset(shape.get("required", ()))
        known = shape.get("members", {}).keys()
        members = [
            (name, f".{_location(name)}", reference["shape"], name in required)
            for name, reference in shape.get("members", {}).items()
        ]

        def check(value: object, path: str, violations: list[str]) -> dict[str, Any]:
            if not isinstance(value, Mapping):
                raise _mistyped(value, "a structure")
            checked = {}
            for name, location, member_shape, is_required in members:
                member = value.get(name)
                if member is not None:
                    checked[name] = self._checker(member_shape)(member, path + location, violations)
                elif is_required:
                    violations.append(_violation("null", path + location, "Member must not be null"))
            if self._is_newer:
                checked.update((name, value[name]) for name in value.keys() - known)
            return checked

        return check

    def _list(self, shape: Shape) -> Checker:
        member_name: str = shape["member"]["shape"]
        member_shape = self._shapes[member_name]
        lengths = _length_constraints(shape)
        constraints = self._constraints(member_shape) if member_shape["type"] == "string" else []

        def check(value: object, path: str, violations: list[str]) -> list[Any]:
            if not isinstance(value, list | tuple):
                raise _mistyped(value, "a list")
            for text, holds in lengths:
                if not holds(value):
                    violations.append(_violation(_rendered(value), path, text))
            checker = self._checker(member_name)
            if not constraints:
                return [
                    checker(member, f"{path}.{index}.member", violations)
                    for index, member in enumerate(value, 1)
                ]
            inner: list[str] = []
            checked = [checker(member, path, inner) for member in value]
            if inner:
                texts = ", ".join(text for text, _ in constraints)
                violations.append(
                    _violation(_rendered(value), path, f"Member must satisfy constraint: [{texts}]"),
                )
            return checked

        return check

    def _map(self, shape: Shape) -> Checker:
        key_name, value_name = shape["key"]["shape"], shape["value"]["shape"]
        key_constraints = self._constraints(self._shapes[key_name])
        value_shape = self._shapes[value_name]
        value_constraints = self._constraints(value_shape) if value_shape["type"] == "string" else []
        lengths = _length_constraints(shape)

        def check(value: object, path: str, violations: list[str]) -> dict[str, Any]:
            if not isinstance(value, Mapping):
                raise _mistyped(value, "a map")
            for text, holds in lengths:
                if not holds(value):
                    violations.append(_violation(_rendered(value), path, text))
            key_violations: list[str] = []
            value_violations: list[str] = []
            into = value_violations if value_constraints else violations
            key_checker, value_checker = self._checker(key_name), self._checker(value_name)
            checked = {
                key_checker(key, path, key_violations): value_checker(member, f"{path}.{key}.member", into)
                for key, member in value.items()
            }
            for found, noun, constraints in (
                (key_violations, "keys", key_constraints),
                (value_violations, "value", value_constraints),
            ):
                if found:
                    texts = ", ".join(text for text, _ in constraints)
                    violations.append(
                        _violation(_rendered(value), path, f"Map {noun} must satisfy constraint: [{texts}]")
                    )
            return checked

        return check


def _string(shape: Shape, constraints: list[tuple[str, Callable[[Any], bool]]]) -> Checker:
    is_sensitive = bool(shape.get("sensitive"))

    def check(value: object, path: str, violations: list[str]) -> str:
        if not isinstance(value, str):
            raise _mistyped(value, "a String")
        for text, holds in constraints:
            if not holds(value):
                shown = "***Sensitive Data Redacted***" if is_sensitive else value
                violations.append(_violation(f"'{shown}'", path, text))
        return value

    return check


def _number(shape: Shape, kinds: type | tuple[type, ...], noun: str) -> Checker:
    low, high = shape.get("min"), shape.get("max")
    limit = _LARGEST[shape["type"]]

    def check(value: object, path: str, violations: list[str]) -> Any:  # noqa: ANN401 - a number of the shape's kind
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise _mistyped(value, noun)
        number: Any = value
        if not -limit <= number <= limit:
            raise _mistyped(value, noun)
        if high is not None and number > high:
            text = f"Member must have value less than or equal to {high}"
            violations.append(_violation(f"'{number}'", path, text))
        if low is not None and number < low:
            text = f"Member must have value greater than or equal to {low}"
            violations.append(_violation(f"'{number}'", path, text))
        return number

    return check


def _boolean(value: object, _path: str, _violations: list[str]) -> bool:
    if not isinstance(value, bool):
        raise _mistyped(value, "a Boolean")
    return value


def _timestamp(value: object, _path: str, _violations: list[str]) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mistyped(value, "a Timestamp")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise serialization(f"{value} can not be converted to a Timestamp") from error


def _constraints(shape: Shape) -> list[tuple[str, Callable[[Any], bool]]]:
    """Return each constraint of a string shape as AWS's sentence and a predicate."""
    enum = shape.get("enum")
    if enum:
        allowed = frozenset(enum)
        return [(f"Member must satisfy enum value set: [{', '.join(enum)}]", allowed.__contains__)]
    constraints = _length_constraints(shape)
    pattern = shape.get("pattern")
    if pattern and pattern != ".*":
        matches = compiled_pattern(pattern).fullmatch
        text = f"Member must satisfy regular expression pattern: {pattern}"
        constraints.append((text, lambda value: matches(value) is not None))
    return constraints


def _length_constraints(shape: Shape) -> list[tuple[str, Callable[[Any], bool]]]:
    low, high = shape.get("min", 0), shape.get("max")
    constraints: list[tuple[str, Callable[[Any], bool]]] = []
    if high is not None:
        text = f"Member must have length less than or equal to {high}"
        constraints.append((text, lambda value: len(value) <= high))
    if low:
        text = f"Member must have length greater than or equal to {low}"
        constraints.append((text, lambda value: len(value) >= low))
    return constraints


def _location(member: str) -> str:
    return member[:1].lower() + member[1:]


def _violation(shown: str, path: str, constraint: str) -> str:
    return f"Value {shown} at '{path.removeprefix('.')}' failed to satisfy constraint: {constraint}"


def _rendered(value: object) -> str:
    """Show a collection as Java prints it."""
    return f"'{_java(value)}'"


def _java(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={_java(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_java(member) for member in value) + "]"
    return str(value)


def _mistyped(value: object, wanted: str) -> ServiceError:
    if isinstance(value, Mapping):
        return serialization("Start of structure or map found where not expected.")
    if isinstance(value, list | tuple):
        return serialization("Start of list found where not expected")
    found = next((name for kind, name in _JSON_KINDS if isinstance(value, kind)), type(value).__name__)
    return serialization(f"{found} can not be converted to {wanted}")
