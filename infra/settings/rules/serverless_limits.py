"""Owns what serverless endpoints exclude, as AWS documents it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.settings.problem import shown
from infra.settings.rules.compiled_endpoint import Refusal, only_container, refusal
from service_model.hosting import (
    GUARDRAILS_SOURCE,
    NOT_IN_SERVERLESS_CONFIGS,
    NOT_IN_SERVERLESS_VARIANTS,
    SERVERLESS_MEMORY_SIZES,
    SERVERLESS_SOURCE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.problem import FieldPath

_AS_WORDS: Final = {"ShadowProductionVariants": "a shadow", "DataCaptureConfig": "data capture"}


def serverless_limits(
    spec: Mapping[str, Any], path: FieldPath, variant: Mapping[str, Any]
) -> Iterator[Refusal]:
    """Check what serverless endpoints exclude (developer guide, "serverless-endpoints")."""
    model, config = spec["CreateModel"], spec["CreateEndpointConfig"]
    variants = config["ProductionVariants"]
    found = [
        *(
            (name in variant, "CreateEndpointConfig", (*path, name), name, source)
            for name, source in NOT_IN_SERVERLESS_VARIANTS.items()
        ),
        *(
            (name in config, "CreateEndpointConfig", (name,), _AS_WORDS.get(name, name), source)
            for name, source in NOT_IN_SERVERLESS_CONFIGS.items()
        ),
        (
            len(variants) > 1,
            "CreateEndpointConfig",
            ("ProductionVariants",),
            f"{len(variants)} variants",
            SERVERLESS_SOURCE,
        ),
        (
            model.get("EnableNetworkIsolation") is True,
            "CreateModel",
            ("EnableNetworkIsolation",),
            "network isolation",
            SERVERLESS_SOURCE,
        ),
        ("VpcConfig" in model, "CreateModel", ("VpcConfig",), "a VPC", SERVERLESS_SOURCE),
        (
            only_container(spec).get("Mode") == "MultiModel",
            "CreateModel",
            ("Containers", 0, "Mode"),
            "a container of several models",
            SERVERLESS_SOURCE,
        ),
        (
            _is_private(only_container(spec)),
            "CreateModel",
            ("Containers", 0, "ImageConfig", "RepositoryAccessMode"),
            "a private registry",
            SERVERLESS_SOURCE,
        ),
        (
            "DeploymentConfig" in spec,
            "UpdateEndpoint",
            ("DeploymentConfig",),
            "deployment guardrails",
            GUARDRAILS_SOURCE,
        ),
    ]
    for present, operation, where, what, source in found:
        if present:
            yield refusal(
                operation,
                where,
                got=f"{what}, for a serverless endpoint",
                expected="what serverless endpoints support, and this is not",
                fix="remove it, or serve from instances with instance_type",
                source=source,
            )
    yield from _memory(path, variant["ServerlessConfig"])
    yield from _provisioned_concurrency(path, variant["ServerlessConfig"])


def _is_private(container: Mapping[str, Any]) -> bool:
    image = container.get("ImageConfig")
    return isinstance(image, dict) and image.get("RepositoryAccessMode") == "Vpc"


def _memory(path: FieldPath, serverless: object) -> Iterator[Refusal]:
    """Check the steps of MemorySizeInMB; the service model has only the bounds."""
    size = serverless.get("MemorySizeInMB") if isinstance(serverless, dict) else None
    lowest, highest = SERVERLESS_MEMORY_SIZES[0], SERVERLESS_MEMORY_SIZES[-1]
    if isinstance(size, int) and lowest <= size <= highest and size not in SERVERLESS_MEMORY_SIZES:
        yield refusal(
            "CreateEndpointConfig",
            (*path, "ServerlessConfig", "MemorySizeInMB"),
            got=shown(size),
            expected="memory of one concurrent invocation in MB: 1024 to 6144 in steps of 1024",
            fix=f"choose one of {', '.join(str(each) for each in SERVERLESS_MEMORY_SIZES)}",
            source="botocore, ServerlessMemorySizeInMB",
        )


def _provisioned_concurrency(path: FieldPath, serverless: object) -> Iterator[Refusal]:
    """Check botocore's own words on ProvisionedConcurrency: "less than or equal to MaxConcurrency"."""
    if not isinstance(serverless, dict):
        return
    provisioned, most = serverless.get("ProvisionedConcurrency"), serverless.get("MaxConcurrency")
    if isinstance(provisioned, int) and isinstance(most, int) and provisioned > most:
        yield refusal(
            "CreateEndpointConfig",
            (*path, "ServerlessConfig", "ProvisionedConcurrency"),
            got=shown(provisioned),
            expected=f"at most max_concurrency, which is {most}",
            fix="lower it, or raise max_concurrency",
            source="botocore, ProductionVariantServerlessConfig",
        )
