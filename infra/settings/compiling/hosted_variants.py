"""Owns an endpoint's production variants as its keys define them, and their stored settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import SettingsKey
from infra.settings.compiling.capacity_size import Instances
from infra.settings.compiling.scalable_target import Serving
from infra.settings.keys.approvers import with_sessions

if TYPE_CHECKING:
    from infra.settings.keys.endpoint_settings import EndpointSettings
    from infra.settings.keys.scaling_options import Autoscaling
    from infra.settings.keys.variants_and_shadow import Shadow
    from infra.settings.problem import FieldPath

VARIANT_NAME: Final = "AllTraffic"
"""SageMaker's own name for a single variant. Updates with guardrails need a constant name."""

SHADOW_NAME: Final = "Shadow"


@dataclass(frozen=True, slots=True)
class Hosted:
    """Hold what other keys' rules need to know of one production variant.

    Attributes:
        where: The path of its keys' mapping: `()`, or `("variants", 0)`.
        name: Its name in SageMaker.
        follows: Whether approvals change it.
        serving: How it serves, as far as scaling depends on it.
        scaling: Its autoscaling, if any.
    """

    where: FieldPath
    name: str
    follows: bool
    serving: Serving
    scaling: Autoscaling | None

    @property
    def initial_instance_count(self) -> int:
        """How many instances it starts with, if it has any."""
        return self.serving.capacity or max(self.scaling.min if self.scaling else 1, 1)

    @property
    def instances(self) -> Instances:
        """How many instances it may have when a rollout begins."""
        if self.scaling is not None:
            return Instances(self.scaling.min, self.scaling.max)
        return Instances(self.initial_instance_count, self.initial_instance_count)


def hosted(settings: EndpointSettings, endpoint_name: str) -> list[Hosted]:
    """List an endpoint's production variants, in their order."""
    asynchronous = settings.asynchronous is not None
    if settings.variants:
        return [
            Hosted(
                ("variants", index),
                variant.name,
                variant.version is None,
                Serving(endpoint_name, asynchronous, variant.instance_count),
                variant.autoscaling,
            )
            for index, variant in enumerate(settings.variants)
        ]
    serving = Serving(endpoint_name, asynchronous, settings.instance_count)
    if settings.serverless is not None:
        given = settings.serverless
        serving = Serving(endpoint_name, asynchronous, given.provisioned_concurrency, given.max_concurrency)
    return [Hosted((), _only_name(settings), follows=True, serving=serving, scaling=settings.autoscaling)]


def _only_name(settings: EndpointSettings) -> str:
    """Return the name of a single variant, which overrides may change."""
    match settings.overrides.endpoint_config.get("ProductionVariants"):
        case [{"VariantName": str(name)}, *_]:
            return name
    return VARIANT_NAME


def stored_pins(settings: EndpointSettings) -> dict[str, int]:
    """Map the variants with a fixed version to its number; the deployer reads it as `Pins`."""
    return {each.name: each.version for each in settings.variants or () if each.version is not None}


def stored_shadow(shadow: Shadow) -> dict[str, Any]:
    """Turn the shadow into the deployer's `Shadow`: whose approvals count for it; empty for anyone's."""
    return {SettingsKey.APPROVERS: with_sessions(shadow.approvers)} if shadow.approvers else {}


def weigh_shadow(config: dict[str, Any], sampling_percent: int) -> None:
    """Set the shadow's weight, in place: its share of the calls is relative to production's weight.

    botocore documents weights as relative to each other; the developer guide ("model-shadow-deployment")
    copies every call with equal ones.
    """
    production, shadows = config.get("ProductionVariants"), config.get("ShadowProductionVariants")
    match production, shadows:
        case [dict() as live, *_], [dict() as shadow, *_] if "InitialVariantWeight" not in shadow:
            weight = live.get("InitialVariantWeight", 1.0)
            if isinstance(weight, int | float) and not isinstance(weight, bool):
                shadow["InitialVariantWeight"] = weight * sampling_percent / 100
