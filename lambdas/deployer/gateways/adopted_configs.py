"""Tells whether a config that somebody else made serves what a release would. Pure.

A person made it with names of their own, and its models of an image and an artifact instead of a version. So
the names do not count, and the version's containers are compared in its place. All else is compared as in
`likeness`: nobody can slip a proxy or a capture of all calls into what the deployer leaves alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.gateways.likeness import ENDPOINT_CONFIG, MODEL, differences
from deployer.model.artifacts import artifact_uris
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.adopted import ShownConfig
    from deployer.model.release import Release

_OF_THE_VERSION: Final = ("ModelPackageName", "InferenceSpecificationName")
_OF_THE_IMAGE_AND_ARTIFACT: Final = (
    *("Image", "ModelDataUrl", "ModelDataSource", "AdditionalModelDataSources"),
    # Chooses among the containers of one model, and all of those are compared.
    "ContainerHostname",
)


def serves_version(shown: ShownConfig, version_arn: str, containers: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether each production variant serves a version: by its name, or by its images and artifacts.

    Args:
        shown: The config.
        version_arn: The version.
        containers: The version's containers.
    """
    models = [shown.models.get(each.get("ModelName", "")) for each in shown.variants.values()]
    return bool(models) and all(
        model is not None and _is_of(model, version_arn, containers) for model in models
    )


def _is_of(model: Mapping[str, Any], version_arn: str, containers: Sequence[Mapping[str, Any]]) -> bool:
    shown: Sequence[Mapping[str, Any]] = model.get("Containers", ())
    named = [each["ModelPackageName"] for each in shown if "ModelPackageName" in each]
    if named:
        return len(named) == len(shown) == 1 and same_arn(named[0], version_arn)
    return bool(containers) and [*map(_content, shown)] == [*map(_content, containers)]


def _content(container: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    return container.get("Image"), sorted(artifact_uris([container]))


def adopted_differences(
    shown: ShownConfig, release: Release, containers: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Describe each difference between a config that serves a release's version and the release.

    Args:
        shown: The config. It serves the version.
        release: The release.
        containers: The containers of the release's version.
    """
    wanted = release.create_endpoint_config
    requests = {each["ModelName"]: each for each in release.create_models}
    different: list[str] = []
    variants = []
    for variant in wanted["ProductionVariants"]:
        found = shown.variants.get(variant["VariantName"], {})
        name = found.get("ModelName", "")
        variants.append({**variant, "ModelName": name})
        if name in shown.models:
            different += _of_model(shown.models[name], requests[variant["ModelName"]], containers)
    renamed = {
        **wanted,
        "EndpointConfigName": shown.config["EndpointConfigName"],
        "ProductionVariants": variants,
    }
    return list(dict.fromkeys([*different, *differences(shown.config, renamed, ENDPOINT_CONFIG)]))


def _of_model(
    model: Mapping[str, Any], request: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]
) -> list[str]:
    wanted, shown = {**request, "ModelName": model["ModelName"]}, model["Containers"]
    if any("ModelPackageName" in each for each in shown):
        return differences(model, wanted, MODEL, containers)
    [asked] = request["Containers"]
    own = {name: value for name, value in asked.items() if name not in _OF_THE_VERSION}
    merged = [
        {
            **own,
            **{name: there[name] for name in _OF_THE_IMAGE_AND_ARTIFACT if name in there},
            "Environment": {**(brought.get("Environment") or {}), **(own.get("Environment") or {})},
        }
        for brought, there in zip(containers, shown, strict=True)
    ]
    return differences(model, {**wanted, "Containers": merged}, MODEL)
