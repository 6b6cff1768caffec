"""Owns endpoints of more than one model: variants that share the calls, and a shadow that gets copies.

The keys, what is stored of them beside the variants' templates, and which of them do not go together. What
SageMaker itself refuses is checked on what they become (`limits.py`, `guardrails.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, Field

# pydantic reads annotations when a class is made.
from infra.settings.approvers import MOST_APPROVERS, Approver, with_sessions
from infra.settings.autoscaling import Autoscaling, Serving
from infra.settings.guardrails import Instances
from infra.settings.hosting import (  # noqa: TC001 - see above
    HealthCheckTimeout,
    InferenceAmi,
    InstanceCount,
    InstanceType,
    ModelDownloadTimeout,
    RoutingStrategy,
    VolumeSize,
)
from infra.settings.strict import STRICT, limited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.document import Document
    from infra.settings.endpoint import EndpointSettings
    from infra.settings.problem import FieldPath, Problem

VARIANT_NAME: Final = "AllTraffic"
"""SageMaker's own name for an only variant. Updates with guardrails need it to stay the same."""

SHADOW_NAME: Final = "Shadow"


class Variant(BaseModel):
    """Serve a share of the calls, with the approved version as it changes or with one version that stays.

    Several variants take the place of `instance_type` and of all other keys that a variant has of its own.
    A variant without `version` follows the group: it changes with every approval. One with `version` keeps
    that version, and is left out while the version is not Approved: its share of the calls then goes to the
    others. At least one of them follows. SageMaker knows several variants
    only of endpoints that run on instances, answer at once and do not roll out in batches (`kind: rolling`).
    """

    model_config = STRICT

    name: Annotated[
        str,
        limited(
            "VariantName",
            "its name, in metrics and as TargetVariant of a call: letters, digits and inner hyphens",
        ),
    ]
    weight: Annotated[
        float,
        Field(ge=0, description="its share of the calls, as a part of the sum of all weights, at least 0"),
    ]
    version: Annotated[
        int | None,
        Field(
            ge=1,
            description="the number of the version that it stays on, at least 1; by default it follows the "
            "group's approvals",
        ),
    ] = None
    instance_type: InstanceType
    instance_count: InstanceCount = None
    volume_size_in_gb: VolumeSize = None
    model_data_download_timeout_in_seconds: ModelDownloadTimeout = None
    container_startup_health_check_timeout_in_seconds: HealthCheckTimeout = None
    routing: RoutingStrategy = None
    inference_ami_version: InferenceAmi = None
    autoscaling: Annotated[
        Autoscaling | None,
        Field(description="how this variant scales by itself, as in the key autoscaling"),
    ] = None


class Shadow(BaseModel):
    """Run a version beside the live one on copies of its calls; nobody sees what it answers.

    The shadow runs the newest approved version that may not go live: whose approval the endpoint's
    `approvers` or `four_eyes` object to, and its own `approvers` do not. To promote it, somebody whose
    approval counts for the endpoint approves the same version. It is for endpoints of one variant that run on
    instances and answer at once. It does not scale by itself: SageMaker documents that of production variants
    only.
    """

    model_config = STRICT

    approvers: Annotated[
        list[Approver] | None,
        Field(
            min_length=1,
            max_length=MOST_APPROVERS,
            description=f"whose approvals bring a version into the shadow: 1 to {MOST_APPROVERS} ARNs, as in "
            "the key approvers; by default anyone's",
        ),
    ] = None
    sampling_percent: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="the share of the calls that it gets copies of, in percent, from 1 to 100; "
            "by default 100",
        ),
    ] = 100
    instance_type: InstanceType
    instance_count: InstanceCount = None
    volume_size_in_gb: VolumeSize = None
    model_data_download_timeout_in_seconds: ModelDownloadTimeout = None
    container_startup_health_check_timeout_in_seconds: HealthCheckTimeout = None
    routing: RoutingStrategy = None
    inference_ami_version: InferenceAmi = None


@dataclass(frozen=True, slots=True)
class Hosted:
    """Tell of one production variant what other keys' rules depend on.

    Attributes:
        where: The mapping that its keys stand in: `()`, or `("variants", 0)`.
        name: Its name, as SageMaker is told it.
        follows: Whether it changes with approvals.
        serving: How it serves, as far as scaling depends on it.
        scaling: How it scales by itself, if it does.
    """

    where: FieldPath
    name: str
    follows: bool
    serving: Serving
    scaling: Autoscaling | None

    @property
    def initial_instance_count(self) -> int:
        """How many instances it begins with, if it has any."""
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
    """Tell the name of an only variant, which overrides may change."""
    match settings.overrides.endpoint_config.get("ProductionVariants"):
        case [{"VariantName": str(name)}, *_]:
            return name
    return VARIANT_NAME


def stored_pins(settings: EndpointSettings) -> dict[str, int]:
    """Map the variants that stay on a version to its number; the deployer reads it as `Pins`."""
    return {each.name: each.version for each in settings.variants or () if each.version is not None}


def stored_shadow(shadow: Shadow) -> dict[str, Any]:
    """Turn into what the deployer reads as `Shadow`: whose approvals count for it; empty for anyone's."""
    return {"Approvers": with_sessions(shadow.approvers)} if shadow.approvers else {}


def weigh_shadow(config: dict[str, Any], sampling_percent: int) -> None:
    """Set the shadow's weight, in place: the share of calls that it gets is relative to production's weight.

    botocore documents weights as relative to each other; the developer guide ("model-shadow-deployment")
    copies every call with equal ones.
    """
    production, shadows = config.get("ProductionVariants"), config.get("ShadowProductionVariants")
    match production, shadows:
        case [dict() as live, *_], [dict() as shadow, *_] if "InitialVariantWeight" not in shadow:
            weight = live.get("InitialVariantWeight", 1.0)
            if isinstance(weight, int | float) and not isinstance(weight, bool):
                shadow["InitialVariantWeight"] = weight * sampling_percent / 100


def variant_problems(document: Document, settings: EndpointSettings) -> Iterator[Problem]:
    """Find variants of which none could ever change, and a shadow that nothing could reach."""
    if settings.variants and all(variant.version is not None for variant in settings.variants):
        yield document.problem(
            ("variants",),
            got="variants that all stay on a version",
            expected="at least one that follows the group: otherwise nothing is left to approve",
            fix="remove version from the variant that approvals are to change",
        )
    floor = settings.rollout is not None and settings.rollout.alarms.invocations_floor is not None
    for variant in settings.variants or ():
        if floor and variant.version is None and variant.weight == 0:
            yield document.problem(
                ("rollout", "alarms", "invocations_floor"),
                got=f"a floor, with the variant {variant.name} of weight 0",
                expected="calls to every variant that follows the group: without any, the alarm stops every "
                "rollout",
                fix="remove the floor, or give the variant a weight",
            )
    if settings.shadow is not None and not settings.approvers and not settings.four_eyes:
        yield document.problem(
            ("shadow",),
            got="a shadow, with neither approvers nor four_eyes",
            expected="one of them, to keep some approvals from going live: without, every approval does, and "
            "nothing is left for the shadow",
            fix="add approvers, and name those who may promote a version",
        )
