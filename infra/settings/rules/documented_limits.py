"""Owns the list of the rules that AWS documents but the service model does not contain.

Each rule looks at a compiled endpoint and yields (operation, violation), as the service model's rules do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.contract import (
    APPROVED_AT_TAG,
    APPROVED_BY_TAG,
    ENDPOINT_TAG,
    PREFIX,
    STACK_TAG,
    VERSION_TAG,
)
from infra.settings.aws_shapes import shape
from infra.settings.problem import shown
from infra.settings.rules.asynchronous_limits import asynchronous_limits
from infra.settings.rules.compiled_endpoint import Refusal, refusal
from infra.settings.rules.guardrail_limits import guardrail_limits
from infra.settings.rules.s3_places import place_limits
from infra.settings.rules.shadow_limits import shadow_limits
from infra.settings.rules.variant_limits import (
    accelerator_limits,
    scaling_limits,
    storage_limits,
    variant_limits,
    weight_limits,
)
from service_model.hosting import (
    PUBLISH_FREQUENCIES,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RESERVED_TAGS: Final = (STACK_TAG, ENDPOINT_TAG, VERSION_TAG, APPROVED_BY_TAG, APPROVED_AT_TAG)
"""Tags that the deployer sets: its role may touch only resources with the first two."""

MOST_TAGS: Final[int] = shape("TagList").metadata["max"] - len(RESERVED_TAGS)
_RESERVED_PREFIXES: Final = ("aws:", PREFIX)


def _containers(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    containers = spec["CreateModel"].get("Containers", [])
    if isinstance(containers, list) and len(containers) != 1:
        yield refusal(
            "CreateModel",
            ("Containers",),
            got=f"{len(containers)} containers",
            expected="exactly one, which serves the approved model version",
            fix="keep one container" if containers else "remove this override",
        )


def _metrics(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    metrics = spec["CreateEndpointConfig"].get("MetricsConfig")
    seconds = metrics.get("MetricPublishFrequencyInSeconds") if isinstance(metrics, dict) else None
    if isinstance(seconds, int) and seconds not in PUBLISH_FREQUENCIES:
        closest = min(PUBLISH_FREQUENCIES, key=lambda each: abs(each - seconds))
        yield refusal(
            "CreateEndpointConfig",
            ("MetricsConfig", "MetricPublishFrequencyInSeconds"),
            got=shown(seconds),
            expected=f"one of {', '.join(map(str, PUBLISH_FREQUENCIES))}",
            fix=f"the nearest allowed value is {closest}",
            source="botocore, MetricsConfig",
        )


def _tags(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    tags = spec.get("Tags", {})
    if len(tags) > MOST_TAGS:
        yield refusal(
            "CreateEndpoint",
            ("Tags",),
            got=f"{len(tags)} tags",
            expected=f"at most {MOST_TAGS}: SageMaker allows {MOST_TAGS + len(RESERVED_TAGS)}, "
            f"and Greenlight sets {len(RESERVED_TAGS)}",
            fix=f"remove {len(tags) - MOST_TAGS}",
        )
    for index, key in enumerate(tags):
        for prefix in _RESERVED_PREFIXES:
            if key.lower().startswith(prefix):
                yield refusal(
                    "CreateEndpoint",
                    ("Tags", index),
                    got=f"the tag key {key}",
                    expected=f"a key that does not begin with {prefix}, which is reserved",
                    fix="choose another key",
                )


_RULES: Final = (
    _containers,
    guardrail_limits,
    scaling_limits,
    _metrics,
    variant_limits,
    weight_limits,
    shadow_limits,
    asynchronous_limits,
    place_limits,
    storage_limits,
    accelerator_limits,
    _tags,
)


def documented_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check a compiled endpoint against AWS's guides."""
    for rule in _RULES:
        yield from rule(spec)
