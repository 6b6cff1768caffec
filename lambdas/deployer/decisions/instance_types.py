"""Decides whether a version supports the instance types that an endpoint's settings ask for. Pure.

A version may list the types it is meant for (botocore: `SupportedRealtimeInferenceInstanceTypes`). AWS does
not document whether SageMaker enforces that list for a registry's versions, or in which call. At best it
refuses another type. At worst the endpoint fails or serves badly. Lists are also copied from examples
(aws/sagemaker-python-sdk #3222), so settings can leave them out of account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

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
    """Return why an approved version may not run on the settings' instances; None if it may.

    Args:
        approval: The version's approval.
        settings: The endpoint's.
        variants: Templates of the variants that would serve it.
        supported: The version's lists, by inference specification; the key None is the version's own. A
            specification without a list, or with an empty one, supports every type.
    """
    found = misfit(settings, variants, supported)
    return Ineligible(approval, reason=found.reason, remedy=found.remedy) if found is not None else None


class Misfit(NamedTuple):
    """Why a version may not run on the settings' instances, and what a person can do: sentences."""

    reason: str
    remedy: str


def misfit(
    settings: EndpointSettings,
    variants: Iterable[Mapping[str, Any]],
    supported: Mapping[str | None, Sequence[str]],
) -> Misfit | None:
    """Return the same of a version that nobody has approved."""
    listed = supported.get(settings.inference_specification_name, ())
    excluded = asks_for_instances(variants).difference(listed)
    if settings.any_instance_type or not listed or not excluded:
        return None
    return Misfit(
        f"It supports {_named(listed)} (SupportedRealtimeInferenceInstanceTypes), "
        f"and the endpoint's settings ask for {_named(excluded)}.",
        f"Set instance_type to one that it supports, or register the version for {_named(excluded)}. "
        "If its list is wrong, write `supported_instance_types: any`.",
    )


def _named(instance_types: Collection[str]) -> str:
    return ", ".join(sorted(set(instance_types)))
