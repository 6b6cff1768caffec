"""Decides which of a variant's properties an update keeps. Pure.

Autoscaling and people change an endpoint's instance counts and weights. `UpdateEndpoint` resets both to the
new config's values, unless the request retains them (botocore: `UpdateEndpointInput`). So: retain, except
what the settings change on purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROPERTIES = {"InitialInstanceCount": "DesiredInstanceCount", "InitialVariantWeight": "DesiredWeight"}
"""A config's member, and the property of a running variant that it sets."""


def retained_properties(
    serving: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the members of `UpdateEndpoint` that keep the properties the settings do not change.

    Args:
        serving: `ProductionVariants` of the config that serves.
        wanted: `ProductionVariants` of the config to serve.
    """
    before = {variant["VariantName"]: variant for variant in serving}
    after = {variant["VariantName"]: variant for variant in wanted}
    if before.keys() != after.keys():
        # A new variant has nothing to retain, and the new config's weights were chosen for its set of
        # variants.
        return {}
    if is_serverless(serving) or is_serverless(wanted):
        return {}
    changed = [
        {"VariantPropertyType": name}
        for member, name in _PROPERTIES.items()
        if any(_value(before[each], member) != _value(after[each], member) for each in after)
    ]
    return {
        "RetainAllVariantProperties": True,
        **({"ExcludeRetainedVariantProperties": changed} if changed else {}),
    }


def is_serverless(variants: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a config's `ProductionVariants` are serverless: never only some of them are."""
    return any("ServerlessConfig" in variant for variant in variants)


def _value(variant: Mapping[str, Any], member: str) -> float:
    """Return a member as a number, with SageMaker's default."""
    return float(variant.get(member, 1))
