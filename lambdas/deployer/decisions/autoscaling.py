"""Decides which variants are registered for automatic scaling, and which must be deregistered first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.model.steps import DeregisterScaling, RegisterScaling

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def scaling_steps(
    wanted: Mapping[str, Mapping[str, Any]],
    registered: Mapping[str, Mapping[str, Any]],
    variant_names: Collection[str],
) -> list[DeregisterScaling | RegisterScaling]:
    """Return the steps that change an endpoint's automatic scaling to the settings' scaling.

    Args:
        wanted: Variant name to scaling, by the settings.
        registered: Variant name to scaling, as last registered.
        variant_names: The endpoint's variants. The next release adds a variant that only the settings name.
    """
    ended = sorted(registered.keys() - wanted.keys())
    changed = [
        name for name in sorted(wanted) if wanted[name] != registered.get(name) and name in variant_names
    ]
    return [
        *(DeregisterScaling(name, registered[name]) for name in ended),
        *(RegisterScaling(name, wanted[name], registered.get(name, {})) for name in changed),
    ]


def half_changed(applied: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be registered while a variant's scaling changes: it is equal to neither.

    Args:
        applied: Its scaling, as registered before.
        wanted: What it is to be.
    """
    names = {"Policies": "PolicyName", "ScheduledActions": "ScheduledActionName"}
    either = {
        kind: list({each[name]: each for of in (applied, wanted) for each in of.get(kind, ())}.values())
        for kind, name in names.items()
    }
    return {**applied, **either, "HalfChanged": True}


def to_deregister(
    serving: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]
) -> frozenset[str]:
    """Return the variants that an update removes, or whose instance type it changes.

    SageMaker refuses such an update while they are registered for automatic scaling; any other update leaves
    their scaling alone (developer guide, "endpoint-scaling-update").

    Args:
        serving: `ProductionVariants` of the config that serves.
        wanted: `ProductionVariants` of the config to serve.
    """
    after = {variant["VariantName"]: variant.get("InstanceType") for variant in wanted}
    return frozenset(
        variant["VariantName"]
        for variant in serving
        if variant["VariantName"] not in after or after[variant["VariantName"]] != variant.get("InstanceType")
    )
