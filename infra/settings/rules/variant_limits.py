"""Owns AWS's documented rules on production variants: names, capacity, weights, routing, storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.contract import SettingsKey
from infra.settings.rules.compiled_endpoint import Refusal, instance_types_of, listed_variants, refusal
from infra.settings.rules.serverless_limits import serverless_limits
from service_model.hosting import (
    BURSTABLE_SOURCE,
    CAPACITY_SOURCE,
    VOLUME_SIZE_SOURCE,
    has_local_storage,
    is_burstable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.problem import FieldPath


def variant_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check each variant's name, routing and capacity, and what it excludes."""
    names: set[str] = set()
    # The shadow first, because its name is fixed: a variant of the same name must be renamed.
    members = (
        ("ShadowProductionVariants", "ProductionVariants")
        if SettingsKey.SHADOW in spec
        else ("ProductionVariants",)
    )
    for path, variant in listed_variants(spec, *members):
        name = variant.get("VariantName")
        if isinstance(name, str):
            if name in names:
                yield refusal(
                    "CreateEndpointConfig",
                    (*path, "VariantName"),
                    got=f"the name {name} a second time",
                    expected="a name of its own for every variant",
                    fix="rename this variant",
                )
            names.add(name)
        yield from _routing(path, variant)
        if "ServerlessConfig" in variant:
            yield from serverless_limits(spec, path, variant)
        elif all("ServerlessConfig" not in each for _, each in listed_variants(spec, "ProductionVariants")):
            yield from _capacity(path, variant)
        if "ManagedInstanceScaling" in variant:
            yield refusal(
                "CreateEndpointConfig",
                (*path, "ManagedInstanceScaling"),
                got="managed instance scaling",
                expected="no ManagedInstanceScaling: SageMaker supports it for inference components only",
                fix="remove it, and scale with the key autoscaling",
                source="SageMaker's answer, seen (terraform-provider-aws PR #45926)",
            )


def accelerator_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Refuse Elastic Inference, which AWS has ended."""
    for path, variant in listed_variants(spec, "ProductionVariants", "ShadowProductionVariants"):
        if "AcceleratorType" in variant:
            yield refusal(
                "CreateEndpointConfig",
                (*path, "AcceleratorType"),
                got="an accelerator of Elastic Inference",
                expected="none: AWS has ended the service",
                fix="remove it, and choose an instance type with an accelerator, such as ml.inf2.xlarge",
                source="botocore, ProductionVariant.AcceleratorType",
            )


def weight_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that calls go somewhere: weights are shares of their sum (botocore: InitialVariantWeight)."""
    found = [
        (path, each.get("InitialVariantWeight", 1.0))
        for path, each in listed_variants(spec, "ProductionVariants")
    ]
    shadowed = "ShadowProductionVariants" in spec["CreateEndpointConfig"]
    if all(weight == 0 for _, weight in found) and (len(found) > 1 or (found and shadowed)):
        yield refusal(
            "CreateEndpointConfig",
            (*found[0][0], "InitialVariantWeight"),
            got="0, and 0 for every other variant" if len(found) > 1 else "0, with a shadow",
            expected="a weight above 0 somewhere: calls are shared, and copied, by weight",
            fix="write 1, say",
        )


def _capacity(path: FieldPath, variant: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that a variant states its capacity exactly once."""
    kinds = [name for name in ("InstanceType", "InstancePools") if name in variant]
    if len(kinds) != 1:
        yield refusal(
            "CreateEndpointConfig",
            (*path, "InstancePools" if kinds else "InstanceType"),
            got="InstanceType beside InstancePools" if kinds else "neither InstanceType nor InstancePools",
            expected="one of the two",
            fix="set InstanceType to null here" if kinds else "remove the override that takes it away",
            source=CAPACITY_SOURCE,
        )
    elif "InitialInstanceCount" not in variant:
        yield refusal(
            "CreateEndpointConfig",
            (*path, "InitialInstanceCount"),
            got="nothing",
            expected="a number of instances to begin with",
            fix="remove the override that takes it away",
            source=CAPACITY_SOURCE,
        )


_BY_PREFIX: Final = ("PrefixLength", "ConcurrencyThreshold")


def _routing(path: FieldPath, variant: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check the members for PREFIX_AWARE, which no other strategy takes."""
    routing = variant.get("RoutingConfig")
    if not isinstance(routing, dict):
        return
    details = routing.get("PrefixAwareRoutingConfig")
    given = details if isinstance(details, dict) else {}
    missing = [name for name in _BY_PREFIX if name not in given]
    strategy = routing.get("RoutingStrategy")
    by_prefix = strategy == "PREFIX_AWARE"
    if (by_prefix and missing) or (not by_prefix and details is not None):
        yield refusal(
            "CreateEndpointConfig",
            (*path, "RoutingConfig", "PrefixAwareRoutingConfig"),
            got=f"no {' and no '.join(missing)}" if by_prefix else f"it, with {strategy}",
            expected=f"{' and '.join(_BY_PREFIX)} with PREFIX_AWARE, and with nothing else",
            fix=f"add {' and '.join(missing)}" if by_prefix else "remove it",
            source="botocore, PrefixAwareRoutingConfig",
        )


def scaling_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that no burstable variant is registered for scaling."""
    scaling = spec.get(SettingsKey.AUTO_SCALING, {})
    for (_, index), variant in listed_variants(spec, "ProductionVariants"):
        bursting = [name for name in instance_types_of(variant) if is_burstable(name)]
        if bursting and variant.get("VariantName") in scaling:
            yield refusal(
                "RegisterScalableTarget",
                (SettingsKey.AUTO_SCALING, index),
                got=f"autoscaling of {' and '.join(bursting)}",
                expected="an instance type that is not burstable: SageMaker scales none of these",
                fix="choose another instance type, such as ml.m5.large, or remove autoscaling",
                source=BURSTABLE_SOURCE,
            )


def storage_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that no volume size is set for NVMe disks, whose size is fixed."""
    for path, variant in listed_variants(spec, "ProductionVariants", "ShadowProductionVariants"):
        local = [name for name in instance_types_of(variant) if has_local_storage(name)]
        if "VolumeSizeInGB" in variant and local:
            yield refusal(
                "CreateEndpointConfig",
                (*path, "VolumeSizeInGB"),
                got=f"a volume size, for {local[0]}",
                expected="none for an instance type with local NVMe storage: its size is fixed",
                fix="remove it, or choose an instance type without local storage",
                source=VOLUME_SIZE_SOURCE,
            )
