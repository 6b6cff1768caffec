"""Composes the YAML of an endpoint that people made, so that its first deployment changes nothing. Pure.

The table that compiles the keys is read backwards. What no key says goes into `overrides`.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from deployer.gateways.likeness import ENDPOINT_CONFIG, MODEL, FilledIn
from infra.settings.compiling.field_mapping import SECTIONS, field_mappings
from infra.settings.compiling.hosted_variants import VARIANT_NAME
from infra.settings.compiling.scalable_target import PREDEFINED_METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from deployer.gateways.likeness import Members
    from greenlight.adopting.hand_made import HandMade, Scaled
    from greenlight.adopting.recognising import Match

_OF_THE_VERSION: Final = (
    *("Image", "ModelDataUrl", "ModelDataSource", "AdditionalModelDataSources"),
    *("ModelPackageName", "InferenceSpecificationName", "ContainerHostname", "Environment"),
)
"""Members of a container that the version brings, or that are compared by themselves."""

_BACK: Final[Mapping[str, Callable[[Any], object]]] = {
    "routing": str.lower,
    "capture": lambda options: [each["CaptureMode"].lower() for each in options],
    "include_response_in": lambda topics: [each.partition("_")[0].lower() for each in topics],
}
"""What turns a field's value into its key's, where they differ."""

_METRICS_BY_DEFAULT: Final = {"EnableDetailedObservability": True}
"""What SageMaker gives each new config (botocore: `MetricsConfig`)."""

_METRICS: Final = {metric: name for name, metric in PREDEFINED_METRICS.items()}
_BACKLOG: Final = "ApproximateBacklogSizePerInstance"


@dataclass(frozen=True, slots=True)
class Templates:
    """What settings would compile to if they said just what an endpoint has.

    Attributes:
        model: The template of CreateModel.
        config: The template of CreateEndpointConfig.
    """

    model: dict[str, Any]
    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Composed:
    """The settings of an endpoint.

    Attributes:
        content: The content of its YAML.
        document: The same as the requests' templates, as the endpoint shows them.
        notes: What settings cannot say, and what becomes of it.
    """

    content: dict[str, Any]
    document: dict[str, Any]
    notes: tuple[str, ...]


def templates_of(found: HandMade, match: Match, *, own_role: str) -> Templates:
    """Return the templates that describe an endpoint.

    Args:
        found: The endpoint.
        match: The version that it serves.
        own_role: The role of models whose settings name none.
    """
    variants = found.shown.config["ProductionVariants"]
    model = found.shown.models[variants[0]["ModelName"]]
    template = _given(model, MODEL, without=("ModelName", "Containers", "Tags"))
    if template.get("ExecutionRoleArn") == own_role:
        del template["ExecutionRoleArn"]
    [container, *_] = model["Containers"]
    own = _given(container, MODEL["Containers"], without=_OF_THE_VERSION)
    brought = match.version.containers[match.specification]
    before = (brought[0].get("Environment") or {}) if brought else {}
    environment = {
        key: value for key, value in (container.get("Environment") or {}).items() if before.get(key) != value
    }
    if environment:
        own["Environment"] = environment
    if match.specification is not None:
        own["InferenceSpecificationName"] = match.specification
    config = _given(
        found.shown.config,
        ENDPOINT_CONFIG,
        without=("EndpointConfigName", "Tags", "ProductionVariants", "ShadowProductionVariants"),
    )
    if config.get("MetricsConfig") == _METRICS_BY_DEFAULT:
        del config["MetricsConfig"]
    config["ProductionVariants"] = [
        _given(each, ENDPOINT_CONFIG["ProductionVariants"], without=("ModelName", *_filled_in(each)))
        for each in variants
    ]
    return Templates({**template, "Containers": [own]}, config)


def _filled_in(variant: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what SageMaker shows of a serverless variant although no request may have it."""
    return ("VolumeSizeInGB", "InitialInstanceCount") if variant.get("ServerlessConfig") else ()


def _given(shown: Mapping[str, Any], members: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:  # noqa: ANN401 - a table of members
    """Return the members of a description that a request has, without those that SageMaker fills in."""
    found: dict[str, Any] = {}
    for name, value in shown.items():
        if name not in members or name in without:
            continue
        kept = _kept(value, members[name])
        if kept is not None:
            found[name] = kept
    return found


def _kept(value: Any, members: Members | Any) -> Any:  # noqa: ANN401 - any JSON value
    if value is None or value is False or value in ("", [], {}):
        return None
    if isinstance(members, FilledIn):
        return None if value == members.default else deepcopy(value)
    if isinstance(value, dict) and isinstance(members, dict):
        return _given(value, members) or None
    return deepcopy(value)


def compose(found: HandMade, match: Match, templates: Templates) -> Composed:
    """Compose an endpoint's settings.

    Args:
        found: The endpoint.
        match: The version that it serves.
        templates: What describes it.
    """
    content: dict[str, Any] = {"model_package_group": match.group}
    rest = {"CreateModel": deepcopy(templates.model), "CreateEndpointConfig": deepcopy(templates.config)}
    variants = rest["CreateEndpointConfig"]["ProductionVariants"]
    several = len(variants) > 1
    captures = rest["CreateEndpointConfig"].get("DataCaptureConfig", {}).get("EnableCapture") is True
    for mapping in field_mappings(len(variants) if several else 0):
        hosting = mapping.path[:1] == ("ProductionVariants",)
        if (
            mapping.composed
            or mapping.key[0] == "shadow"
            or (several and hosting and mapping.key[0] != "variants")
        ):
            continue
        if mapping.key[0] == "data_capture" and not captures:
            continue
        value = _taken(rest[mapping.operation], mapping.path)
        if value is not None:
            back = _BACK.get(str(mapping.key[-1]))
            _put(content, mapping.key, back(value) if back is not None else value)
    if not several and variants[0].get("VariantName") == VARIANT_NAME:
        del variants[0]["VariantName"]
    if not several and variants[0].get("InitialVariantWeight") == 1:
        del variants[0]["InitialVariantWeight"]
    if captures:
        _taken(rest["CreateEndpointConfig"], ("DataCaptureConfig", "EnableCapture"))
    notes = _scaling(found, content, several=several)
    overrides = {SECTIONS[operation]: _pruned(left) for operation, left in rest.items()}
    overrides = {name: left for name, left in overrides.items() if left}
    if overrides:
        content["overrides"] = overrides
    document = {"CreateModel": templates.model, "CreateEndpointConfig": templates.config}
    return Composed(content, document, (*notes, *_notes(found, match)))


def _notes(found: HandMade, match: Match) -> Iterator[str]:
    """Yield what settings cannot say of the config and the models."""
    for each in found.shown.config.get("ShadowProductionVariants", ()):
        yield (
            f"The shadow variant {each['VariantName']} goes with the first deployment: Greenlight's shadows "
            "follow approvals. See the key shadow."
        )
    model = next(iter(found.shown.models.values()))
    shown = model["Containers"]
    for there, brought in zip(shown, match.version.containers[match.specification], strict=False):
        lacking = sorted((brought.get("Environment") or {}).keys() - (there.get("Environment") or {}).keys())
        if lacking and "ModelPackageName" not in there:
            yield f"The version brings environment variables that the endpoint lacks: {', '.join(lacking)}."
    if len(shown) > 1 and any(
        each.get("Environment") != other.get("Environment")
        for each, other in zip(shown[1:], match.version.containers[match.specification][1:], strict=False)
    ):
        yield "Settings have the environment of the first container alone: the others get the version's."


def _scaling(found: HandMade, content: dict[str, Any], *, several: bool) -> list[str]:
    """Put the scaling of variants into the content; return what it cannot say."""
    notes: list[str] = []
    for index, name in enumerate(found.shown.variants):
        scaled = found.scaling.get(name)
        if scaled is None:
            continue
        key, told = _of_variant(name, scaled)
        notes += told
        if not key.keys() & {"target_tracking", "scheduled"}:
            notes.append(
                f"{name} stays registered for scaling as it is: settings need a metric or a time. So nobody "
                "registers it again after it was deregistered."
            )
            continue
        (content["variants"][index] if several else content)["autoscaling"] = key
    return notes


def _of_variant(name: str, scaled: Scaled) -> tuple[dict[str, Any], list[str]]:
    key: dict[str, Any] = {"min": scaled.target["MinCapacity"], "max": scaled.target["MaxCapacity"]}
    notes: list[str] = []
    tracked: list[dict[str, Any]] = []
    for policy in scaled.policies:
        metric = _metric(policy)
        if metric is None:
            notes.append(
                f"The scaling policy {policy['PolicyName']} of {name} stays as it is. The settings cannot "
                "say it, so it goes if the variant's scaling is registered again."
            )
            continue
        config = policy["TargetTrackingScalingPolicyConfiguration"]
        given = {
            "metric": metric,
            "target": config["TargetValue"],
            "scale_in_cooldown_seconds": config.get("ScaleInCooldown"),
            "scale_out_cooldown_seconds": config.get("ScaleOutCooldown"),
            "disable_scale_in": config.get("DisableScaleIn") or None,
        }
        tracked.append({each: value for each, value in given.items() if value is not None})
        own = metric.replace("_", "-")
        if policy["PolicyName"] != own:
            notes.append(
                f"The first deployment adds the scaling policy {own} of {name}, which does the same as "
                f"{policy['PolicyName']}. Delete {policy['PolicyName']} then."
            )
    if tracked:
        key["target_tracking"] = tracked
    if scaled.actions:
        key["scheduled"] = [_action(each) for each in scaled.actions]
    if any((scaled.target.get("SuspendedState") or {}).values()):
        notes.append(f"The scaling of {name} is suspended in part, and stays so.")
    return key, notes


def _metric(policy: Mapping[str, Any]) -> str | None:
    """Return the metric that a policy tracks, as the settings call it; None if they have no word for it."""
    config = policy.get("TargetTrackingScalingPolicyConfiguration") or {}
    predefined = (config.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType")
    if predefined is not None:
        return _METRICS.get(predefined)
    custom = config.get("CustomizedMetricSpecification") or {}
    return "backlog_per_instance" if custom.get("MetricName") == _BACKLOG else None


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    limits = action.get("ScalableTargetAction") or {}
    times = {name: action.get(member) for name, member in (("start", "StartTime"), ("end", "EndTime"))}
    given = {
        "name": action["ScheduledActionName"],
        "schedule": action["Schedule"],
        "timezone": action.get("Timezone"),
        "min": limits.get("MinCapacity"),
        "max": limits.get("MaxCapacity"),
        **{name: f"{each:%Y-%m-%dT%H:%M:%SZ}" for name, each in times.items() if each is not None},
    }
    return {name: value for name, value in given.items() if value is not None}


def _taken(holder: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - JSON
    """Take a value out of a document; return None if it is not there."""
    for part in path[:-1]:
        if isinstance(part, int):
            if not isinstance(holder, list) or part >= len(holder):
                return None
            holder = holder[part]
        elif isinstance(holder, dict) and part in holder:
            holder = holder[part]
        else:
            return None
    return holder.pop(path[-1], None) if isinstance(holder, dict) else None


def _put(holder: Any, path: tuple[str | int, ...], value: object) -> None:  # noqa: ANN401 - JSON
    for part, following in pairwise(path):
        if isinstance(part, int):
            while len(holder) <= part:
                holder.append({})
            holder = holder[part]
        else:
            holder = holder.setdefault(part, [] if isinstance(following, int) else {})
    holder[path[-1]] = value


def _pruned(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a document without empty parts. A list keeps the places of its items."""
    if isinstance(value, dict):
        left = {name: _pruned(each) for name, each in value.items()}
        return {name: each for name, each in left.items() if each not in (None, {}, [])}
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        items = [_pruned(each) for each in value]
        return items if any(items) else []
    return value
