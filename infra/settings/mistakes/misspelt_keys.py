"""Owns finding the key that a person meant by an unknown name.

People write the names that they know: from SageMaker's API, its SDK, Terraform, or everyday words. The keys'
mapping has the API's names; this module lists the others.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from infra.settings.compiling.field_mapping import FIELD_MAPPINGS
from infra.settings.keys.endpoint_settings import KNOWN_KEYS
from infra.settings.problem import letters, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

Words = tuple[str, ...]
"""A key's place: the keys around it, `*` for any item of a list."""

_OTHER_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "environment": ("env", "env_vars", "environment_variables", "container_environment"),
    "vpc": ("vpc_config", "network", "networking"),
    "vpc.subnets": ("subnet_ids", "subnet"),
    "vpc.security_groups": ("security_group_ids", "security_group"),
    "asynchronous": ("async", "async_inference", "async_config", "async_inference_config"),
    "asynchronous.output_path": ("output_config", "s3_output", "output_location"),
    "serverless": ("serverless_config", "serverless_inference_config"),
    "instance_type": ("type", "instance", "machine_type"),
    "instance_count": ("count", "instances", "replicas", "initial_count"),
    "kms_key_id": ("kms_key", "kms_key_arn", "volume_kms_key_id", "volume_kms_key", "encryption_key"),
    "volume_size_in_gb": ("volume_size", "disk_size", "storage"),
    "execution_role_arn": ("role", "role_arn", "execution_role", "iam_role", "iam_role_arn"),
    "model_package_group": (
        "group", "model_group", "model_package_group_name", "model_package_group_arn", "model_package",
    ),
    "endpoint_name": ("name", "endpoint"),
    "variants": ("production_variants", "variant"),
    "shadow": ("shadow_production_variants", "shadow_variant", "shadow_variants"),
    "autoscaling": (
        "auto_scaling", "scaling", "scaling_policy", "scaling_policies", "autoscale", "scalable_target",
        "managed_instance_scaling",
    ),
    "autoscaling.min": ("min_capacity", "min_instances", "minimum"),
    "autoscaling.max": ("max_capacity", "max_instances", "maximum"),
    "autoscaling.target_tracking": ("policies", "target_tracking_scaling_policy", "metrics"),
    "autoscaling.scheduled": ("scheduled_actions", "schedule", "schedules"),
    "autoscaling.target_tracking.*.target": ("target_value", "value"),
    "autoscaling.target_tracking.*.metric": ("predefined_metric_type", "metric_name"),
    "rollout": (
        "deployment", "deployment_config", "deployment_guardrails", "guardrails", "update_policy",
        "blue_green_update_policy", "rolling_update_policy", "canary", "blue_green", "strategy",
    ),
    "rollout.alarms": ("auto_rollback_configuration", "auto_rollback", "alarm"),
    "smoke_test": ("smoke_tests", "test", "tests", "smoke"),
    "data_capture": ("capture", "data_capture_config", "monitoring"),
    "data_capture.destination": ("destination_s3_uri", "s3_uri", "bucket"),
    "explainer": ("explainer_config", "clarify", "explanations"),
    "routing": ("routing_config", "routing_strategy"),
    "inference_ami_version": ("ami", "ami_version"),
    "container_startup_health_check_timeout_in_seconds": (
        "health_check_timeout", "container_startup_health_check_timeout", "startup_timeout",
    ),
    "model_data_download_timeout_in_seconds": ("model_data_download_timeout", "download_timeout"),
    "approvers": ("approver", "approved_by"),
    "keep": ("retain", "retention", "history"),
    "unchecked": ("skip_checks", "no_check", "force"),
}  # fmt: skip
"""Keys, and their names elsewhere."""

_CONTAINERS: Final = frozenset(
    {"ProductionVariants", "ShadowProductionVariants", "Containers", "DeploymentConfig"}
)
"""Members that contain many keys' fields, and so suggest none of them."""


def meant(around: Words, name: str) -> Words | None:
    """Find the key that a name in a mapping stands for; None if nothing is similar."""
    known = KNOWN_KEYS.get(around, ())
    if name in known:
        return None
    wanted = letters(name)
    for key in known:
        if letters(key) == wanted:
            return (*around, key)
    called = _called().get(wanted, ())
    inside = [key for key in called if key[: len(around)] == around]
    if inside:
        return inside[0]
    similar = nearest(name, known, count=1)
    if similar:
        return (*around, similar[0])
    # A key that shadows or variants lack is not a misplaced key of the endpoint.
    return called[0] if called and around in {(), ("overrides",)} else None


@cache
def _called() -> dict[str, tuple[Words, ...]]:
    """Map names, as letters, to the keys that they may mean, the best first."""
    found: dict[str, list[Words]] = {}
    for name, key in _names():
        found.setdefault(letters(name), []).append(key)
    return {name: tuple(dict.fromkeys(keys)) for name, keys in found.items()}


def _names() -> Iterator[tuple[str, Words]]:
    for key, names in _OTHER_WORDS.items():
        for name in names:
            yield name, tuple(key.split("."))
    for mapping in FIELD_MAPPINGS:
        words = tuple(str(part) for part in mapping.key)
        parts = [part for part in mapping.path if isinstance(part, str) and part not in _CONTAINERS]
        if parts:
            yield parts[-1], words
        for part in parts[:-1]:
            yield part, words[:1]
    # A key in the wrong place: `subnets` belongs to `vpc`, and `unchecked` to the top.
    for around, keys in KNOWN_KEYS.items():
        for name in keys:
            yield name, (*around, name)
