"""Decides whether a version supports the instance types that an endpoint's settings ask for. Pure.

A version may list the types it is meant for (botocore: `SupportedRealtimeInferenceInstanceTypes`). Whether
SageMaker enforces the list for a registry's versions is not documented, nor in which call. Asking for another
type is refused at best, and ends in an endpoint that fails or serves badly at worst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.model.approval import Ineligible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from deployer.model.approval import Approval
    from deployer.model.settings import EndpointSettings


def asks_for_instances(variants: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the instance types that templates of variants ask for; none if they are serverless."""
    described = [each for variant in variants for each in (variant, *variant.get("InstancePools", ()))]
    return frozenset(each["InstanceType"] for each in described if "InstanceType" in each)


def unsupported_instances(
    approval: Approval,
    settings: EndpointSettings,
    variants: Iterable[Mapping[str, Any]],
    supported: Mapping[str | None, Sequence[str]],
) -> Ineligible | None:
    """Return why an approved version does not go onto the settings' instances, or None if it may.

    Args:
        approval: The version's approval.
        settings: The endpoint's.
        variants: Templates of the variants that would serve it.
        supported: The version's lists, by inference specification: None is the version's own, the others are
            additional ones. What has no list, or an empty one, supports every type.
    """
    listed = supported.get(settings.inference_specification_name, ())
    excluded = asks_for_instances(variants).difference(listed)
    if not listed or not excluded:
        return None
    return Ineligible(
        approval,
        reason=(
            f"It supports {_named(listed)} (SupportedRealtimeInferenceInstanceTypes), "
            f"and the endpoint's settings ask for {_named(excluded)}."
        ),
        remedy=f"Set instance_type to one that it supports, or register the version for {_named(excluded)}.",
    )


def _named(instance_types: Collection[str]) -> str:
    return ", ".join(sorted(set(instance_types)))
