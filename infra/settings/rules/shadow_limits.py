"""Owns what a shadow variant excludes, as AWS documents it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.contract import SettingsKey
from infra.settings.rules.compiled_endpoint import (
    Refusal,
    instance_types_of,
    listed_variants,
    only_container,
    refusal,
)
from service_model.hosting import (
    SHADOW_SOURCE,
    family,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def shadow_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what a shadow excludes beside it (botocore: ShadowProductionVariants)."""
    config = spec["CreateEndpointConfig"]
    if "ShadowProductionVariants" not in config and SettingsKey.SHADOW not in spec:
        return
    shadows, variants = config.get("ShadowProductionVariants"), config.get("ProductionVariants")
    production = len(variants) if isinstance(variants, list) else 0
    found: list[tuple[bool, str, str, str]] = [
        (
            SettingsKey.SHADOW not in spec,
            "a shadow that no key describes",
            "the key shadow, which says whose approvals it runs",
            "add shadow, and set here only what has no key",
        ),
        (
            not isinstance(shadows, list) or len(shadows) != 1,
            f"{len(shadows) if isinstance(shadows, list) else 'no'} shadow variants",
            "one shadow variant: SageMaker takes no more",
            "remove this override",
        ),
        (
            production > 1,
            f"a shadow of an endpoint of {production} variants",
            "one variant beside a shadow: SageMaker copies the calls of one",
            "remove the shadow, or keep one variant",
        ),
        (
            "AsyncInferenceConfig" in config,
            "a shadow of an asynchronous endpoint",
            "an endpoint that answers at once: SageMaker serves asynchronous calls from one variant",
            "remove the shadow, or serve without the key asynchronous",
        ),
    ]
    for wrong, got, expected, fix in found:
        if wrong:
            yield refusal(
                "CreateEndpointConfig",
                ("ShadowProductionVariants",),
                got=got,
                expected=expected,
                fix=fix,
                source="" if SettingsKey.SHADOW not in spec else SHADOW_SOURCE,
            )
            return
    yield from _shadowed(spec)


def _shadowed(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what a shadow and its production variant may not have (developer guide, "shadow-tests")."""
    if only_container(spec).get("Mode") == "MultiModel":
        yield refusal(
            "CreateModel",
            ("Containers", 0, "Mode"),
            got="a container of several models, with a shadow",
            expected="SingleModel beside a shadow",
            fix="remove the shadow, or this override",
            source=SHADOW_SOURCE,
        )
    for path, variant in listed_variants(spec, "ProductionVariants", "ShadowProductionVariants"):
        for instance_type in instance_types_of(variant):
            if family(instance_type) == "inf1":
                yield refusal(
                    "CreateEndpointConfig",
                    (*path, "InstanceType"),
                    got=f"{instance_type}, with a shadow",
                    expected="no Inf1 beside a shadow",
                    fix="choose another instance type, such as ml.inf2.xlarge",
                    source=SHADOW_SOURCE,
                )
