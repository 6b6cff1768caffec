"""Owns how rules read a compiled endpoint, and how they refuse its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from infra.settings.rules.request_validation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.problem import FieldPath

Refusal: TypeAlias = tuple[str, Violation]


def listed_variants(spec: Mapping[str, Any], *members: str) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    """List an endpoint config's valid variants, each with its path."""
    for member in members:
        variants = spec["CreateEndpointConfig"].get(member)
        for index, variant in enumerate(variants if isinstance(variants, list) else []):
            if isinstance(variant, dict):
                yield (member, index), variant


def only_container(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the only container's definition; empty if there is not exactly one."""
    match spec["CreateModel"].get("Containers"):
        case [dict() as container]:
            return container
    return {}


def instance_types_of(variant: Mapping[str, Any]) -> list[str]:
    """List a variant's possible instance types: its own, or its pools'."""
    pools = variant.get("InstancePools")
    named = [variant.get("InstanceType")]
    named += [
        pool.get("InstanceType")
        for pool in (pools if isinstance(pools, list) else [])
        if isinstance(pool, dict)
    ]
    return [name for name in named if isinstance(name, str)]


def refusal(
    operation: str, path: FieldPath, *, got: str, expected: str, fix: str, source: str = ""
) -> Refusal:
    """Refuse a field of an operation's request."""
    return operation, Violation(path, got, expected, fix, source)
