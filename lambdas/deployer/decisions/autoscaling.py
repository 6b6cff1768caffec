"""Decides which variants are registered for automatic scaling, and which must be deregistered first. Pure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from deployer.model.attempt import AttemptStatus
from deployer.model.steps import DeregisterScaling, RegisterScaling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.history import History


def scaling_steps(
    wanted: Mapping[str, Mapping[str, Any]],
    registered: Mapping[str, Mapping[str, Any]],
    scaled_by: Mapping[str, str],
) -> list[DeregisterScaling | RegisterScaling]:
    """Return the steps that change an endpoint's automatic scaling to the settings' scaling.

    Args:
        wanted: Variant name to scaling, by the settings.
        registered: Variant name to scaling, as last registered.
        scaled_by: The endpoint's variants, each with the dimension by which it can scale. The next release
            adds a variant that only the settings name, or puts it on instances.
    """
    ended = sorted(registered.keys() - wanted.keys())
    changed = [
        name
        for name, each in sorted(wanted.items())
        if each != registered.get(name) and each["ScalableDimension"] == scaled_by.get(name)
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


def is_scaling_unsure(history: History, endpoint_config_name: str | None) -> bool:
    """Tell whether the journal cannot know what is registered: an update that it does not show was made.

    Before that update, variants may have been deregistered. A journal that was restored to an earlier time
    shows them as registered.

    Args:
        history: The endpoint's.
        endpoint_config_name: The config that serves.
    """
    deployments = history.deployments
    succeeded = (each for each in deployments if each.status is AttemptStatus.SUCCEEDED)
    explained = {each.endpoint_config_name for each in (*deployments[:1], *islice(succeeded, 1))}
    return endpoint_config_name not in {*explained, history.last_observed.endpoint_config_name}


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
