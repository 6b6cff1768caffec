"""Owns turning an endpoint's settings into SageMaker's own requests, less the fields that the deployer adds.

Pure: no files, no clock, no environment. What is compiled here is stored in one SSM parameter and applied by
the deployer as it stands, so every rule that can be checked without an account is checked before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from infra.settings.alarms import Watched, abort_alarm, rollback_alarms
from infra.settings.approvers import with_sessions
from infra.settings.autoscaling import Serving, scalable_target
from infra.settings.limits import RESERVED_TAGS, documented_limits
from infra.settings.placements import SECTIONS, key_of, place_fields
from infra.settings.rollout import deployment_config
from infra.settings.service_model import Violation, violations
from infra.settings.smoke_test import stored_test

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.alarms import Alarm
    from infra.settings.document import Document
    from infra.settings.endpoint import EndpointSettings
    from infra.settings.problem import FieldPath

SCHEMA_VERSION: Final = 1
LARGEST_PARAMETER_BYTES: Final = 8192
"""What an advanced SSM parameter holds (Systems Manager quotas); a standard one, which is free, 4 KB."""

VARIANT_NAME: Final = "AllTraffic"
"""SageMaker's own name for an only variant. Updates with guardrails need it to stay the same."""

_MERGED_BY_INDEX: Final = frozenset({"Containers", "ProductionVariants"})


def compile_settings(settings: EndpointSettings, endpoint_name: str, stack_name: str) -> dict[str, Any]:
    """Compile settings to the JSON object that the deployer reads.

    `CreateModel`, `CreateEndpointConfig`, `DeploymentConfig` and what is inside `AutoScaling` (by variant)
    are in API vocabulary. The deployer adds names, the execution role if there is none, the model package and
    its own tags.
    `ApprovalPolicy` (whose approvals count), `Keep` (how many former releases stay), `AbortAlarmName` (what
    stops a rollout) and `SmokeTest` (how a version is tried) are the deployer's own. `stack_name` is part of
    the alarms' names.
    """
    variant: dict[str, Any] = {"VariantName": VARIANT_NAME, "InitialVariantWeight": 1.0}
    if settings.instance_type is not None:
        variant["InitialInstanceCount"] = max(settings.autoscaling.min, 1) if settings.autoscaling else 1
    templates: dict[str, dict[str, Any]] = {
        "CreateModel": {"Containers": [{}]},
        "CreateEndpointConfig": {"ProductionVariants": [variant]},
    }
    place_fields(settings, templates)
    if settings.data_capture is not None:
        templates["CreateEndpointConfig"]["DataCaptureConfig"]["EnableCapture"] = True
    overrides = settings.overrides
    spec: dict[str, Any] = {
        "SchemaVersion": SCHEMA_VERSION,
        "EndpointName": endpoint_name,
        "ModelPackageGroupName": settings.model_package_group,
        "CreateModel": merged(templates["CreateModel"], overrides.model),
        "CreateEndpointConfig": merged(templates["CreateEndpointConfig"], overrides.endpoint_config),
        "Keep": settings.keep,
    }
    if settings.rollout is not None:
        # The abort alarm comes first: whatever else is watched, a reject must be able to stop a rollout.
        made = [alarm.name for alarm in alarms(settings, endpoint_name, stack_name)]
        spec["DeploymentConfig"] = deployment_config(
            settings.rollout, [*made, *settings.rollout.alarms.existing]
        )
        spec["AbortAlarmName"] = made[0]
    elif overrides.deployment_config:
        spec["DeploymentConfig"] = merged({}, overrides.deployment_config)
    if settings.autoscaling is not None:
        spec["AutoScaling"] = {
            _variant_name(settings): scalable_target(settings.autoscaling, serving(settings, endpoint_name))
        }
    if settings.smoke_test is not None:
        spec["SmokeTest"] = stored_test(settings.smoke_test)
    if settings.tags:
        spec["Tags"] = settings.tags
    approval_policy = _approval_policy(settings)
    if approval_policy:
        spec["ApprovalPolicy"] = approval_policy
    return spec


def _approval_policy(settings: EndpointSettings) -> dict[str, Any]:
    policy: dict[str, Any] = {}
    if settings.approvers:
        policy["Approvers"] = with_sessions(settings.approvers)
    if settings.four_eyes:
        policy["FourEyes"] = True
    return policy


def _variant_name(settings: EndpointSettings) -> str:
    """Tell the name of the variant that the keys describe, which overrides may change."""
    match settings.overrides.endpoint_config.get("ProductionVariants"):
        case [{"VariantName": str(name)}, *_]:
            return name
    return VARIANT_NAME


def serving(settings: EndpointSettings, endpoint_name: str) -> Serving:
    """Tell how an endpoint serves, as far as scaling depends on it."""
    asynchronous = settings.asynchronous is not None
    if settings.serverless is None:
        return Serving(endpoint_name, asynchronous, settings.instance_count)
    given = settings.serverless
    return Serving(endpoint_name, asynchronous, given.provisioned_concurrency, given.max_concurrency)


def alarms(settings: EndpointSettings, endpoint_name: str, stack_name: str) -> list[Alarm]:
    """Describe the alarms that the stack makes for an endpoint's rollouts: the abort alarm, then others."""
    if settings.rollout is None:
        return []
    asynchronous = settings.asynchronous is not None
    watched = Watched(stack_name, endpoint_name, _variant_name(settings), asynchronous)
    return [abort_alarm(watched), *rollback_alarms(watched, settings.rollout.alarms)]


def merged(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a patch over a mapping, key by key; `None` removes a key (RFC 7386).

    The lists named Containers and ProductionVariants are merged item by item, so that one field of the only
    variant can be set without repeating the others. Any other list replaces.
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


def serialised(spec: Mapping[str, Any]) -> str:
    """Serialise a compiled endpoint for an SSM parameter: compact, in one order, and safe to store.

    SSM refuses values with double braces, and CloudFormation would resolve `{{resolve:…}}` in them. JSON's
    own syntax never has two opening braces in a row, so escaping them inside strings changes no value.
    """
    text = json.dumps(spec, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return text.replace("{{", "{\\u007b")


def requests(spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Assemble the requests that these settings lead to, with stand-ins for what the deployer adds."""
    name = spec["EndpointName"]
    tags = [{"Key": key, "Value": value} for key, value in spec.get("Tags", {}).items()]
    tags += [{"Key": key, "Value": "stand-in"} for key in RESERVED_TAGS]
    deployment = {"DeploymentConfig": spec["DeploymentConfig"]} if "DeploymentConfig" in spec else {}
    arn = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/stand-in/1"
    names = {"EndpointName": name, "EndpointConfigName": "stand-in"}
    return {
        "ListModelPackages": {"ModelPackageGroupName": spec["ModelPackageGroupName"]},
        "CreateModel": {
            "ExecutionRoleArn": "arn:aws:iam::111122223333:role/stand-in",
            **spec["CreateModel"],
            "Containers": _each(spec["CreateModel"].get("Containers"), {"ModelPackageName": arn}),
            "ModelName": "stand-in",
            "Tags": tags,
        },
        "CreateEndpointConfig": {
            **spec["CreateEndpointConfig"],
            "ProductionVariants": _each(
                spec["CreateEndpointConfig"].get("ProductionVariants"), {"ModelName": "stand-in"}
            ),
            "EndpointConfigName": "stand-in",
            "Tags": tags,
        },
        "CreateEndpoint": {**names, **deployment, "Tags": tags},
        "UpdateEndpoint": {**names, **deployment},
    }


def _each(items: object, addition: Mapping[str, str]) -> object:
    if not isinstance(items, list):
        return items
    return [{**item, **addition} if isinstance(item, dict) else item for item in items]


def found_violations(spec: Mapping[str, Any]) -> Iterator[tuple[str, Violation]]:
    """Find every way in which SageMaker would refuse the compiled requests, as (operation, violation)."""
    for operation, request in requests(spec).items():
        for violation in violations(operation, request):
            if violation.path != ("Tags",):  # the count, which documented_limits() says in the user's numbers
                yield operation, violation
    yield from documented_limits(spec)


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
        case ("ModelPackageGroupName", *_):
            return ("model_package_group",)
    template = "UpdateEndpoint" if path[0] == "DeploymentConfig" else operation
    inside = path[1:] if template == "UpdateEndpoint" else path
    overridden = ("overrides", SECTIONS.get(template, ""), *inside)
    if overridden in document.lines:
        return overridden
    return key_of(document, template, path) or overridden
