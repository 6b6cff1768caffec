"""Finds the version that an endpoint serves, by the images and artifacts of its models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.gateways.adopted_configs import serves_version
from deployer.model.model_version import ModelVersion
from greenlight.adopting.hand_made import groups_of, version_arns
from greenlight.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deployer.gateways.model_registry import ModelRegistry
    from greenlight.adopting.hand_made import HandMade


@dataclass(frozen=True, slots=True)
class Match:
    """A version that an endpoint serves.

    Attributes:
        version: The version.
        group: Its group's name, or the ARN if it is in another account.
        specification: The inference specification that the endpoint serves; None for the version's own.
    """

    version: ModelVersion
    group: str
    specification: str | None


def find_version(
    found: HandMade,
    group: str | None,
    among: Sequence[str] | None,
    registry: ModelRegistry,
    sagemaker: Any,  # noqa: ANN401 - AWS's client
) -> Match:
    """Return the version that an endpoint serves.

    Args:
        found: The endpoint.
        group: The group to look in; None for all of them.
        among: All groups that there are; None for the account's.
        registry: Shows versions.
        sagemaker: Lists them.

    Raises:
        CommandError: No version fits, or versions of several groups do.
    """
    name = found.endpoint.name
    named = _named(found)
    if named is not None and group is None:
        searched = [named]
    else:
        groups = [group] if group is not None else groups_of(sagemaker) if among is None else among
        searched = [arn for each in groups for arn in version_arns(sagemaker, each)]
    matches = list(_matches(found, searched, registry, group))
    if not matches:
        where = f"of {group}" if group is not None else "of any model package group here"
        raise CommandError(
            f"Nobody can tell which version {name} serves.",
            f"No version {where} has the image and the artifact of its models: {_content(found)}.",
            "Register that artifact with that image as a version of the group, and approve it.",
        )
    others = sorted({each.group for each in matches} - {matches[0].group})
    if others:
        raise CommandError(
            f"{name} serves what versions of several groups have.",
            f"They are {', '.join(sorted({each.group for each in matches}))}.",
            f"Name the group that it is to follow: greenlight adopt {name} --group {matches[0].group}",
        )
    return max(matches, key=lambda each: (each.version.deployable, each.version.version))


def _named(found: HandMade) -> str | None:
    """Return the version that all models name, if they name one."""
    names = {
        each.get("ModelPackageName") for model in found.shown.models.values() for each in model["Containers"]
    }
    return names.pop() if len(names) == 1 else None


def _matches(
    found: HandMade, arns: Sequence[str], registry: ModelRegistry, group: str | None
) -> Iterator[Match]:
    for arn in arns:
        version = registry.describe_version(arn)
        if not isinstance(version, ModelVersion):
            continue
        # A version's own specification has no name, and comes first.
        for specification in sorted(version.containers, key=lambda each: each or ""):
            asked = _asked(found)
            if asked is not None and asked != specification:
                continue
            if serves_version(found.shown, version.arn, version.containers[specification]):
                foreign = group is not None and group.startswith("arn:")
                yield Match(version, group if group and foreign else version.group_name, specification)
                break


def _asked(found: HandMade) -> str | None:
    for model in found.shown.models.values():
        for each in model["Containers"]:
            if "InferenceSpecificationName" in each:
                return str(each["InferenceSpecificationName"])
    return None


def _content(found: HandMade) -> str:
    model = next(iter(found.shown.models.values()))
    container = model["Containers"][0]
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    data = container.get("ModelDataUrl") or source.get("S3Uri") or container.get("ModelPackageName")
    return " and ".join(filter(None, [container.get("Image"), data])) or "they name neither"
