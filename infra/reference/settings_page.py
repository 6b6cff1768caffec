"""Owns `docs/settings.md`, the reference of `endpoints/*.yaml`, generated from the models.

Run `python -m infra.reference.settings_page` after you change keys, examples or the pinned botocore.
"""

from __future__ import annotations

from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from infra.reference.api_members import (
    NEWER,
    NEWER_SOURCE,
    NEWER_VALUES,
    OPERATIONS,
    SDK_ARGUMENTS,
    SDK_SOURCE,
    members,
    placed,
    written,
)
from infra.reference.settings_prose import (
    FREEZE_WINDOWS,
    FROM_NOTHING,
    INTRODUCTION,
    NOT_PROVEN,
    ROLE,
    ROLE_NEEDS,
    SEVERAL_VERSIONS,
)
from infra.settings.compiling.field_mapping import FIELD_MAPPINGS
from infra.settings.keys.endpoint_settings import EndpointSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic.fields import FieldInfo

    from infra.settings.problem import FieldPath

SETTINGS_PAGE: Final = Path(__file__).parents[2] / "docs" / "settings.md"
EXAMPLES: Final = SETTINGS_PAGE.parent / "examples"

_ELSEWHERE: Final[dict[str, str]] = {
    "endpoint_name": "`EndpointName` of CreateEndpoint",
    "model_package_group": "`ModelPackageGroupName` of ListModelPackages",
    "tags": "`Tags` of CreateModel, CreateEndpointConfig and CreateEndpoint",
    "approvers": "Greenlight's own: whose approvals count",
    "variants[].version": "Greenlight's own: which version's model the variant has",
    "shadow.approvers": "Greenlight's own: whose approvals count",
    "four_eyes": "Greenlight's own: whose approvals count",
    "supported_instance_types": "Greenlight's own: whether a version's list of instance types counts",
    "restart": "Greenlight's own: part of the config's name",
    "keep": "Greenlight's own: what clean-up retains",
    "rollout.back": "Greenlight's own: the DeploymentConfig of an update that goes back",
    "unchecked": "Greenlight's own: a warning in place of an error",
    "asynchronous.input_paths": "Greenlight's own: where the stack's model role may read",
    "overrides.model": "any field of CreateModel",
    "overrides.endpoint_config": "any field of CreateEndpointConfig",
    "overrides.deployment_config": "`DeploymentConfig` of UpdateEndpoint",
    "rollout.alarms.error_ratio_percent": "an alarm on `100 * Invocation5XXErrors / Invocations`",
    "rollout.alarms.model_latency_p90_ms": "an alarm on the p90 of `ModelLatency`, in microseconds",
    "rollout.alarms.model_latency_p99_ms": "an alarm on the p99 of `ModelLatency`, in microseconds",
    "rollout.alarms.invocations_floor": "an alarm on the sum of `Invocations`",
    "rollout.alarms.period_seconds": "`Period` of these alarms",
    "rollout.alarms.evaluation_periods": "`EvaluationPeriods` of these alarms",
    "autoscaling.min": "`MinCapacity` of RegisterScalableTarget",
    "autoscaling.max": "`MaxCapacity` of RegisterScalableTarget",
    "autoscaling.target_tracking[].metric": "`PredefinedMetricType` of PutScalingPolicy (a backlog: "
    "`CustomizedMetricSpecification`)",
    "autoscaling.target_tracking[].target": "`TargetValue` of PutScalingPolicy",
    "autoscaling.target_tracking[].scale_in_cooldown_seconds": "`ScaleInCooldown` of PutScalingPolicy",
    "autoscaling.target_tracking[].scale_out_cooldown_seconds": "`ScaleOutCooldown` of PutScalingPolicy",
    "autoscaling.target_tracking[].disable_scale_in": "`DisableScaleIn` of PutScalingPolicy",
    "autoscaling.scheduled[].name": "`ScheduledActionName` of PutScheduledAction",
    "autoscaling.scheduled[].schedule": "`Schedule` of PutScheduledAction",
    "autoscaling.scheduled[].timezone": "`Timezone` of PutScheduledAction",
    "autoscaling.scheduled[].min": "`ScalableTargetAction.MinCapacity` of PutScheduledAction",
    "autoscaling.scheduled[].max": "`ScalableTargetAction.MaxCapacity` of PutScheduledAction",
    "autoscaling.scheduled[].start": "`StartTime` of PutScheduledAction",
    "autoscaling.scheduled[].end": "`EndTime` of PutScheduledAction",
    "quote_logs": "Greenlight's own: what reports contain",
    "version_metadata": "Greenlight's own: what the registry shows",
    "freeze[].reason": "Greenlight's own: what reports contain",
    "freeze[].rule": "Greenlight's own: when it begins",
    "freeze[].cron": "Greenlight's own: when it begins",
    "freeze[].start": "Greenlight's own: when it begins first",
    "freeze[].duration_hours": "Greenlight's own: how long it lasts",
    "freeze[].timezone": "Greenlight's own: whose clock counts",
    "smoke_test.time_limit_seconds": "Greenlight's own: when the test gives up",
    "smoke_test.log_bodies": "Greenlight's own: what reports contain",
    "smoke_test.before_rollout": "Greenlight's own: when and where it tests",
    "smoke_test.every_seconds": "Greenlight's own: when it tests again",
    "smoke_test.requests[].name": "Greenlight's own: what reports contain",
    "smoke_test.requests[].body": "`Body` of InvokeEndpoint",
    "smoke_test.requests[].body_from": "`Body` of InvokeEndpoint",
    "smoke_test.requests[].sample_payload": "`Body` of InvokeEndpoint",
    "smoke_test.requests[].content_type": "`ContentType` of InvokeEndpoint",
    "smoke_test.requests[].accept": "`Accept` of InvokeEndpoint",
    "smoke_test.requests[].status": "Greenlight's own: compared with the answer",
    "smoke_test.requests[].response_content_type": "Greenlight's own: compared with the answer",
    "smoke_test.requests[].expect": "Greenlight's own: compared with the answer",
    "smoke_test.requests[].repeat": "Greenlight's own: how often it calls",
    "smoke_test.requests[].p95_ms": "Greenlight's own: compared with the answers",
}
"""What a key becomes, if not a field of a template."""


def page_text() -> str:
    """Render the whole page."""
    parts = [INTRODUCTION, *_examples(), "## Keys\n", *_keys(EndpointSettings, "")]
    parts += [
        SEVERAL_VERSIONS,
        FREEZE_WINDOWS,
        NOT_PROVEN,
        FROM_NOTHING,
        ROLE,
        _table(("for", "it needs"), ROLE_NEEDS),
    ]
    parts += ["## Beside the SageMaker SDK\n", f"Every argument of {SDK_SOURCE}:\n", _sdk()]
    parts += ["## Beside SageMaker's API\n", "Every member of the four requests, as botocore knows them.\n"]
    for operation in OPERATIONS:
        rows = [(f"`{member}`", placed(operation, member) or "not placed") for member in members(operation)]
        rows += [(f"`{member}` ({NEWER_SOURCE})", where) for member, where in NEWER[operation].items()]
        parts += [f"### {operation}\n", _table(("member", "in the settings"), rows)]
    parts += [f"### New in {NEWER_SOURCE}\n", _table(("what", "in the settings"), [*NEWER_VALUES.items()])]
    return "\n".join(parts)


def documented_keys() -> list[str]:
    """List every key that the page explains, as `autoscaling.scheduled[].name`."""
    return [path for path, field in _fields(EndpointSettings, "") if _model_of(field.annotation) is None]


def becomes(key: str) -> str | None:
    """Say what a key becomes, in Markdown; None if it is not documented."""
    found = [
        f"`{_member(mapping.path)}` of {mapping.operation}"
        for mapping in FIELD_MAPPINGS
        if written(mapping.key) == key
    ]
    return "; ".join(found) or _ELSEWHERE.get(key) or _ELSEWHERE.get(key.removeprefix("variants[]."))


def _member(path: FieldPath) -> str:
    return written(path).replace("[]", "")


def _examples() -> Iterator[str]:
    for path in sorted(EXAMPLES.glob("*.yaml")):
        text = path.read_text(encoding="utf-8").partition("\n")[2]
        yield f"### [{path.stem.replace('-', ' ').capitalize()}](examples/{path.name})\n"
        yield f"```yaml\n{text}```\n"


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        yield path, field
        inner = _model_of(field.annotation)
        if inner is not None:
            yield from _fields(inner, f"{path}{'[]' if _is_list(field.annotation) else ''}.")


def _keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """Yield a table of a model's keys, then a section for each key that holds keys."""
    below: list[str] = []
    homes = _homes()
    rows: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        path, inner = f"{prefix}{name}", _model_of(field.annotation)
        shown, set_by = f"`{name}`", becomes(path) or "not said"
        if inner is not None:
            whole = f"{path}{'[]' if _is_list(field.annotation) else ''}"
            home = homes[inner]
            shown, set_by = f"[`{name}`](#{_anchor(home)})", "its keys, below"
            if home == whole:
                below += [f"### `{whole}`\n", f"{' '.join((inner.__doc__ or '').split())}\n"]
                below += _keys(inner, f"{whole}.")
            else:
                set_by = f"the keys of `{home}`"
        description = str(field.description).replace("|", "\\|").replace("*", "\\*")
        rows.append((shown, _type(field.annotation), _default(field), description, set_by))
    yield _table(("key", "type", "default", "meaning and range", "becomes"), rows)
    yield from below


def _homes() -> dict[type[BaseModel], str]:
    """Map each model of keys to the section that explains it: its first use."""
    homes: dict[type[BaseModel], str] = {}
    for path, field in _fields(EndpointSettings, ""):
        inner = _model_of(field.annotation)
        if inner is not None:
            homes.setdefault(inner, f"{path}{'[]' if _is_list(field.annotation) else ''}")
    return homes


def _anchor(title: str) -> str:
    return "".join(letter for letter in title.lower() if letter.isalnum() or letter in "_-")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _model_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_of(argument) for argument in get_args(annotation))
    return next((model for model in inner if model is not None), None)


def _is_list(annotation: Any) -> bool:  # noqa: ANN401 - any type
    return get_origin(annotation) is list or any(
        get_origin(argument) is list for argument in get_args(annotation)
    )


def _type(annotation: Any) -> str:  # noqa: ANN401 - any type
    """Name a type in YAML's words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        [present] = [argument for argument in arguments if argument is not type(None)]
        return _type(present)
    if origin is list:
        return f"list of {_plural(_type(arguments[0]))}"
    if origin is Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    if origin is dict:
        return "mapping"
    if arguments:  # Annotated
        return _type(arguments[0])
    names = {str: "string", int: "whole number", float: "number", bool: "true or false"}
    return names.get(annotation, "mapping")


def _plural(words: str) -> str:
    return words if words.startswith("`") else f"{words}s"


def _default(field: FieldInfo) -> str:
    match field.default:
        case _ if field.is_required():
            return "**required**"
        case None | [] | BaseModel():
            return "none"
        case bool() as flag:
            return f"`{str(flag).lower()}`"
        case list() as items:
            return ", ".join(f"`{item}`" for item in items)
        case dict():
            return "none"
        case value:
            return f"`{value}`"


def _sdk() -> str:
    return _table(
        ("argument", "in the settings"), [(f"`{name}`", key) for name, key in SDK_ARGUMENTS.items()]
    )


if __name__ == "__main__":
    SETTINGS_PAGE.write_text(page_text(), encoding="utf-8")
