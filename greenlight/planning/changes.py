"""Words what changes from one endpoint's settings to another, by the keys of the YAML. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import SettingsKey
from infra.settings.compiling.field_mapping import field_mappings
from infra.settings.problem import field_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.compiling.field_mapping import FieldMapping
    from infra.settings.problem import FieldPath

_SECTIONS: Final = {
    "CreateModel": "CreateModel",
    "CreateEndpointConfig": "CreateEndpointConfig",
    "DeploymentConfig": "UpdateEndpoint",
}
"""Members of the compiled settings that are parts of requests, and the operation."""

_WHOLE: Final = {
    SettingsKey.SMOKE_TEST: "smoke_test",
    SettingsKey.AUTO_SCALING: "autoscaling",
    SettingsKey.ALARMS: "rollout.alarms",
    SettingsKey.FREEZE: "freeze",
    SettingsKey.GATE: "gate",
    SettingsKey.PROMOTION: "promotion",
    SettingsKey.SHADOW: "shadow",
}
"""Members that are too large to be shown: that they change is said."""

_NAMES: Final = {
    "ModelPackageGroupName": "model_package_group",
    "Tags": "tags",
    SettingsKey.PINS: "pins",
    SettingsKey.KEEP: "keep",
    SettingsKey.RESTART: "restart",
    SettingsKey.SUPPORTED_INSTANCE_TYPES: "supported_instance_types",
    SettingsKey.BACK: "rollout.back",
    SettingsKey.STAGE_NAME: "stage",
}
"""Other members, by the keys of the YAML."""

_IMPLIED: Final = frozenset({SettingsKey.ABORT_ALARM_NAME, "EndpointName"})
"""Members that follow from others."""

_SIZES: Final = frozenset({"CanarySize", "LinearStepSize", "MaximumBatchSize", "RollbackMaximumBatchSize"})
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """One key that changes.

    Attributes:
        key: The key of the YAML, such as `instance_type`.
        before: Its value before, in words; None if it was not there, or is too large.
        after: Its value after, likewise.
    """

    key: str
    before: str | None
    after: str | None


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what changes from one compiled document to another, each key once."""
    found: dict[str, Change] = {}
    for member in dict.fromkeys([*before, *after]):
        old, new = before.get(member), after.get(member)
        if old == new or member in _IMPLIED:
            continue
        for change in _of_member(member, old, new, before, after):
            # A canary's size and a linear step are one key, and two fields.
            same = found.get(change.key, change)
            merged = Change(change.key, same.before or change.before, same.after or change.after)
            found[change.key] = merged
    return sorted(found.values(), key=lambda each: each.key)


def _of_member(
    member: str, old: object, new: object, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    if member in _WHOLE:
        yield Change(_WHOLE[member], None, None)
    elif member == SettingsKey.APPROVAL_POLICY:
        for path, values in _differences(old, new):
            yield Change(_snake(str(path[0])), *map(_shown, values))
    elif member in _SECTIONS:
        old, new = _without_own_alarms(old, before), _without_own_alarms(new, after)
        mappings = list(field_mappings(max(map(_variants, (before, after)))))
        around: FieldPath = (member,) if member == "DeploymentConfig" else ()
        for path, values in _differences(old, new):
            if path[-1] != "Type" or path[-2] not in _SIZES:
                yield Change(_key(_SECTIONS[member], (*around, *path), mappings), *map(_shown, values))
    else:
        for path, values in _differences(old, new):
            yield Change(field_name((_NAMES.get(member, _snake(member)), *path)), *map(_shown, values))


def _without_own_alarms(section: object, document: Mapping[str, Any]) -> object:
    """Return a DeploymentConfig that names only the alarms of people: the others follow from the settings."""
    if not isinstance(section, dict) or "AutoRollbackConfiguration" not in section:
        return section
    own = {document.get(SettingsKey.ABORT_ALARM_NAME)}
    own |= {each["AlarmName"] for each in document.get(SettingsKey.ALARMS, ())}
    rest = {name: each for name, each in section.items() if name != "AutoRollbackConfiguration"}
    named = [each["AlarmName"] for each in section["AutoRollbackConfiguration"].get("Alarms", ())]
    others = [each for each in named if each not in own]
    return {**rest, "AutoRollbackConfiguration": {"Alarms": others}} if others else rest


def _variants(document: Mapping[str, Any]) -> int:
    """Return how many items `variants` has; none if the endpoint has one variant."""
    count = len(document.get("CreateEndpointConfig", {}).get("ProductionVariants", ()))
    return count if count > 1 else 0


def _differences(old: object, new: object, path: FieldPath = ()) -> Iterator[tuple[FieldPath, list[object]]]:
    """Yield each place where two documents differ, with both values."""
    if isinstance(old, dict | None) and isinstance(new, dict | None):
        members, others = old or {}, new or {}
        for name in dict.fromkeys([*members, *others]):
            yield from _differences(members.get(name, _NOTHING), others.get(name, _NOTHING), (*path, name))
    elif _is_of_objects(old) and _is_of_objects(new):
        assert isinstance(old, list | tuple)
        assert isinstance(new, list | tuple)
        for index in range(max(len(old), len(new))):
            ours, theirs = (each[index] if index < len(each) else None for each in (old, new))
            yield from _differences(ours, theirs, (*path, index))
    elif isinstance(old, dict) or isinstance(new, dict):
        # A section that comes or goes: each of its members does.
        here, there = (each if isinstance(each, dict) else {} for each in (old, new))
        yield from _differences(here, there, path)
    elif old != new:
        yield path, [old, new]


def _is_of_objects(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, dict) for each in value)


def _key(operation: str, path: FieldPath, mappings: list[FieldMapping]) -> str:
    """Return the key of a request's field: the longest mapping that leads to it."""
    of_variants = any(mapping.key[0] == "variants" for mapping in mappings)
    best: FieldMapping | None = None
    for mapping in mappings:
        leads = mapping.operation == operation and path[: len(mapping.path)] == mapping.path
        is_better = best is None or len(mapping.path) > len(best.path) or mapping.key[0] == "variants"
        if leads and is_better and (of_variants or mapping.key[0] != "variants"):
            best = mapping
    if best is None:
        return field_name(("overrides", *path))
    rest = tuple(each for each in path[len(best.path) :] if each != "Value")
    return field_name((*best.key, *rest))


def _shown(value: object) -> str | None:
    if value is _NOTHING or value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text.lower() if re.fullmatch(r"[A-Z][A-Z_]+", text) else text


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
