"""Owns the rules that AWS documents and that the service model does not hold.

Each check looks at a compiled endpoint and yields (operation, violation), like the service model's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from infra.settings.problem import shown
from infra.settings.service_model import Violation, shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.problem import FieldPath

Refusal: TypeAlias = tuple[str, Violation]

RESERVED_TAGS: Final = ("greenlight:stack", "greenlight:endpoint")
"""Tags that the deployer sets: its role may touch only what carries them."""

MOST_TAGS: Final[int] = shape("TagList").metadata["max"] - len(RESERVED_TAGS)
_RESERVED_PREFIXES: Final = ("aws:", "greenlight:")


def documented_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check a compiled endpoint against what AWS's guides say."""
    yield from _containers(spec)
    yield from _update_policies(spec)
    yield from _variants(spec)
    yield from _tags(spec)


def _containers(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    containers = spec["CreateModel"].get("Containers", [])
    if isinstance(containers, list) and len(containers) != 1:
        yield _refusal(
            "CreateModel",
            ("Containers",),
            got=f"{len(containers)} containers",
            expected="exactly one, which serves the approved model version",
            fix="keep one container" if containers else "remove this override",
        )


def _update_policies(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that there is one update policy (developer guide, "deployment-guardrails")."""
    if {"BlueGreenUpdatePolicy", "RollingUpdatePolicy"} <= spec.get("DeploymentConfig", {}).keys():
        yield _refusal(
            "UpdateEndpoint",
            ("DeploymentConfig", "RollingUpdatePolicy"),
            got="a rolling policy beside a blue/green one",
            expected="one of BlueGreenUpdatePolicy and RollingUpdatePolicy",
            fix="remove one of the two",
        )


def _variants(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    variants = spec["CreateEndpointConfig"].get("ProductionVariants")
    names: set[str] = set()
    for index, variant in enumerate(variants if isinstance(variants, list) else []):
        if not isinstance(variant, dict):
            continue
        path: FieldPath = ("ProductionVariants", index)
        name = variant.get("VariantName")
        if isinstance(name, str):
            if name in names:
                yield _refusal(
                    "CreateEndpointConfig",
                    (*path, "VariantName"),
                    got=f"the name {name} a second time",
                    expected="a name of its own for every variant",
                    fix="rename this variant",
                )
            names.add(name)
        if "ServerlessConfig" in variant:
            yield from _serverless(spec, path, variant)


def _serverless(spec: Mapping[str, Any], path: FieldPath, variant: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what serverless endpoints cannot have (developer guide, "serverless-endpoints")."""
    model, config = spec["CreateModel"], spec["CreateEndpointConfig"]
    variants = config["ProductionVariants"]
    found: list[tuple[bool, str, FieldPath, str]] = [
        ("InstanceType" in variant, "CreateEndpointConfig", (*path, "InstanceType"), "an instance type"),
        (
            "InitialInstanceCount" in variant,
            "CreateEndpointConfig",
            (*path, "InitialInstanceCount"),
            "an instance count",
        ),
        (len(variants) > 1, "CreateEndpointConfig", ("ProductionVariants",), f"{len(variants)} variants"),
        ("DataCaptureConfig" in config, "CreateEndpointConfig", ("DataCaptureConfig",), "data capture"),
        (model.get("EnableNetworkIsolation") is True, "CreateModel", ("EnableNetworkIsolation",), "true"),
        ("VpcConfig" in model, "CreateModel", ("VpcConfig",), "a VPC"),
        ("DeploymentConfig" in spec, "UpdateEndpoint", ("DeploymentConfig",), "deployment guardrails"),
    ]
    for present, operation, where, what in found:
        if present:
            yield _refusal(
                operation,
                where,
                got=f"{what}, for a serverless endpoint",
                expected="what serverless endpoints support, and this is not",
                fix="remove it, or serve from instances with instance_type",
            )
    yield from _provisioned_concurrency(path, variant["ServerlessConfig"])


def _provisioned_concurrency(path: FieldPath, serverless: object) -> Iterator[Refusal]:
    """Check botocore's own words on ProvisionedConcurrency: "less than or equal to MaxConcurrency"."""
    if not isinstance(serverless, dict):
        return
    provisioned, most = serverless.get("ProvisionedConcurrency"), serverless.get("MaxConcurrency")
    if isinstance(provisioned, int) and isinstance(most, int) and provisioned > most:
        yield _refusal(
            "CreateEndpointConfig",
            (*path, "ServerlessConfig", "ProvisionedConcurrency"),
            got=shown(provisioned),
            expected=f"at most max_concurrency, which is {most}",
            fix="lower it, or raise max_concurrency",
        )


def _tags(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    tags = spec.get("Tags", {})
    if len(tags) > MOST_TAGS:
        yield _refusal(
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
                yield _refusal(
                    "CreateEndpoint",
                    ("Tags", index),
                    got=f"the tag key {key}",
                    expected=f"a key that does not begin with {prefix}, which is reserved",
                    fix="choose another key",
                )


def _refusal(operation: str, path: FieldPath, *, got: str, expected: str, fix: str) -> Refusal:
    return operation, Violation(path, got, expected, fix)
