"""Owns turning an endpoint's settings into SageMaker's own requests, less the fields that the deployer adds.

Pure: no files, no clock, no environment. The deployer applies what is compiled here as it stands, so every
rule that can be checked without an account is checked before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.contract import SettingsKey
from infra.settings.compiling.alarm_definitions import Watched, abort_alarm, rollback_alarms
from infra.settings.compiling.deployment_config import deployment_config
from infra.settings.compiling.field_mapping import SECTIONS, key_of, map_fields
from infra.settings.compiling.hosted_variants import (
    SHADOW_NAME,
    VARIANT_NAME,
    hosted,
    stored_pins,
    stored_shadow,
    weigh_shadow,
)
from infra.settings.compiling.scalable_target import scalable_target
from infra.settings.compiling.smoke_test_guard import rollout_of
from infra.settings.compiling.stored_freeze import stored_freeze
from infra.settings.compiling.stored_smoke_test import stored_test
from infra.settings.keys.approvers import with_sessions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.settings.compiling.alarm_definitions import Alarm
    from infra.settings.compiling.hosted_variants import Hosted
    from infra.settings.keys.endpoint_settings import EndpointSettings
    from infra.settings.problem import FieldPath
    from infra.settings.reading.document import Document

_MERGED_BY_INDEX: Final = frozenset({"Containers", "ProductionVariants", "ShadowProductionVariants"})


def compile_settings(settings: EndpointSettings, endpoint_name: str, stack_name: str) -> dict[str, Any]:
    """Compile settings to the JSON object that the deployer reads.

    `CreateModel`, `CreateEndpointConfig`, `DeploymentConfig` and what is inside `AutoScaling` (by variant)
    are in API vocabulary. The deployer adds names, the execution role if there is none, the model package and
    its own tags.
    `ApprovalPolicy` (whose approvals count), `Keep` (how many former releases stay),
    `SupportedInstanceTypes` (whether versions' own lists count, if they do not), `Restart` (a text whose
    change rolls out again), `AbortAlarmName` (what stops a rollout), `Back` (how a version comes back, if not
    at once), `RollbackAlarms` (requests of `PutMetricAlarm` for the alarms that the deployer keeps),
    `SmokeTest` (how a version is tried), `Freeze` (when nothing new goes out), `Pins` (the number of the
    version that a variant stays on, by variant; all others serve the approved version) and `Shadow` (whose
    approvals bring a version into the only shadow variant) are the deployer's own. The stack's name is part
    of the alarms' names.
    """
    variants, overrides = hosted(settings, endpoint_name), settings.overrides
    spec: dict[str, Any] = {
        "EndpointName": endpoint_name,
        "ModelPackageGroupName": settings.model_package_group,
        **_templates(settings, variants),
        SettingsKey.KEEP: settings.keep,
    }
    if not settings.quote_logs:
        spec[SettingsKey.QUOTE_LOGS] = False
    if not settings.version_metadata:
        spec[SettingsKey.VERSION_METADATA] = False
    if settings.supported_instance_types != "listed":
        spec[SettingsKey.SUPPORTED_INSTANCE_TYPES] = settings.supported_instance_types
    if settings.restart is not None:
        spec[SettingsKey.RESTART] = settings.restart
    rollout = rollout_of(settings)
    if rollout is not None:
        # The abort alarm comes first: whatever else is watched, a reject must be able to stop a rollout.
        made = alarms(settings, endpoint_name, stack_name)
        names = [alarm.name for alarm in made]
        spec["DeploymentConfig"] = deployment_config(rollout, [*names, *rollout.alarms.existing])
        spec[SettingsKey.ABORT_ALARM_NAME] = names[0]
        spec[SettingsKey.ALARMS] = [alarm.request() for alarm in made]
        if rollout.back != "at_once":
            spec[SettingsKey.BACK] = rollout.back
    elif overrides.deployment_config:
        spec["DeploymentConfig"] = merged({}, overrides.deployment_config)
    scaling = {
        each.name: scalable_target(each.scaling, each.serving)
        for each in variants
        if each.scaling is not None
    }
    members = {
        SettingsKey.AUTO_SCALING: scaling,
        SettingsKey.PINS: stored_pins(settings),
        SettingsKey.FREEZE: stored_freeze(settings.freeze),
        "Tags": settings.tags,
        SettingsKey.APPROVAL_POLICY: _approval_policy(settings),
    }
    spec |= {name: member for name, member in members.items() if member}
    if settings.shadow is not None:
        spec[SettingsKey.SHADOW] = stored_shadow(settings.shadow)
    if settings.smoke_test is not None:
        spec[SettingsKey.SMOKE_TEST] = stored_test(settings.smoke_test)
    return spec


def _templates(settings: EndpointSettings, variants: Sequence[Hosted]) -> dict[str, dict[str, Any]]:
    """Make the templates of a model's and an endpoint config's requests, overrides included."""
    config: dict[str, Any] = {"ProductionVariants": [_bare(each) for each in variants]}
    if settings.shadow is not None:
        config["ShadowProductionVariants"] = [{"VariantName": SHADOW_NAME, "InitialInstanceCount": 1}]
    templates: dict[str, dict[str, Any]] = {
        "CreateModel": {"Containers": [{}]},
        "CreateEndpointConfig": config,
    }
    map_fields(settings, templates)
    if settings.data_capture is not None:
        config["DataCaptureConfig"]["EnableCapture"] = True
    overridden = {
        "CreateModel": merged(templates["CreateModel"], settings.overrides.model),
        "CreateEndpointConfig": merged(config, settings.overrides.endpoint_config),
    }
    if settings.shadow is not None:
        weigh_shadow(overridden["CreateEndpointConfig"], settings.shadow.sampling_percent)
    return overridden


def _approval_policy(settings: EndpointSettings) -> dict[str, Any]:
    policy: dict[str, Any] = {}
    if settings.approvers:
        policy[SettingsKey.APPROVERS] = with_sessions(settings.approvers)
    if settings.four_eyes:
        policy[SettingsKey.FOUR_EYES] = True
    return policy


def _bare(variant: Hosted) -> dict[str, Any]:
    """Make the template of a production variant, as far as keys may leave it open."""
    template: dict[str, Any] = {"VariantName": VARIANT_NAME, "InitialVariantWeight": 1.0}
    if not variant.serving.serverless:
        template["InitialInstanceCount"] = variant.initial_instance_count
    return template


def alarms(settings: EndpointSettings, endpoint_name: str, stack_name: str) -> list[Alarm]:
    """Describe the alarms that the deployer makes for an endpoint's rollouts: the abort alarm, then others.

    Each variant that follows the group has its own: what another one answers says nothing of the new version.
    """
    rollout = rollout_of(settings)
    if rollout is None:
        return []
    variants = hosted(settings, endpoint_name)
    watched = [
        Watched(stack_name, endpoint_name, each.name, each.serving.asynchronous, several=len(variants) > 1)
        for each in variants
    ]
    made = [abort_alarm(watched[0])]
    for each, variant in zip(watched, variants, strict=True):
        if variant.follows:
            made += rollback_alarms(each, rollout.alarms)
    return made


def merged(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a patch over a mapping, key by key; `None` removes a key (RFC 7386).

    Lists of containers and of variants are merged item by item, so that one field of the only variant can be
    set without repeating the others. Any other list replaces.
    """
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, dict) else {}, value)
        elif isinstance(value, list) and key in _MERGED_BY_INDEX:
            below = result.get(key)
            result[key] = _merged_items(below if isinstance(below, list) else [], value)
        else:
            result[key] = value
    return result


def _merged_items(base: list[Any], patch: list[Any]) -> list[Any]:
    items = list(base)
    for index, item in enumerate(patch):
        below = items[index] if index < len(items) else {}
        value = merged(below if isinstance(below, dict) else {}, item) if isinstance(item, dict) else item
        items[index : index + 1] = [value]
    return items


def origin(document: Document, spec: Mapping[str, Any], operation: str, path: FieldPath) -> FieldPath:
    """Find the field of the YAML that a field of a compiled request came from."""
    match path:
        case ("Tags", int(index), *_):
            keys = list(spec.get("Tags", {}))
            return ("tags", keys[index])
        case ("Tags", *_):
            return ("tags",)
        case ("EndpointName", *_):
            return ("endpoint_name",)
        case (SettingsKey.AUTO_SCALING, int(index)):
            around = () if "autoscaling" in document.content else ("variants", index)
            return (*around, "autoscaling")
        case ("ModelPackageGroupName", *_):
            return ("model_package_group",)
    template = "UpdateEndpoint" if path[0] == "DeploymentConfig" else operation
    inside = path[1:] if template == "UpdateEndpoint" else path
    overridden = ("overrides", SECTIONS.get(template, ""), *inside)
    if overridden in document.lines:
        return overridden
    return key_of(document, template, path) or overridden
