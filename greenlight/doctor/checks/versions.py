"""Check a version: that it can be deployed, that the context admits its parts, and that they exist. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from greenlight.doctor.facts import Absent, Found, Unreadable
from greenlight.doctor.findings import Finding, Status, judge, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from greenlight.doctor.facts import Reading, Version
    from infra.stages.access import Artifacts, StageAccess


@dataclass(frozen=True, slots=True)
class Served:
    """What an endpoint serves of a group's versions.

    Attributes:
        endpoint: The endpoint.
        specification: The inference specification; None for a version's own.
        file: Where its settings are.
    """

    endpoint: str
    specification: str | None
    file: str


def check_version(
    reading: Reading[Version], group: str, registry: str, served: Iterable[Served]
) -> Iterator[Finding]:
    """Check that there is a version, and that it has what endpoints serve.

    Args:
        reading: The version.
        group: Its group.
        registry: The account of the registry.
        served: What the group's endpoints serve.
    """
    yield from judge(
        reading,
        "version",
        f"a version of {group}",
        absent="there is no version, or no such group",
        why="Without one, images, artifacts and keys cannot be followed to what they need.",
        where=f"Register a version in account {registry}, or name one by --version.",
    )
    if not isinstance(reading, Found):
        return
    version = reading.value
    if version.status == "Completed":
        yield Finding("version", Status.OK, version.arn)
    else:
        yield Finding(
            "version",
            Status.GAP,
            version.arn,
            f"its ModelPackageStatus is {version.status}",
            "SageMaker deploys only what is Completed.",
            f"In account {registry}: wait, or register it again.",
        )
    for each in served:
        if each.specification is not None and each.specification not in version.specifications:
            yield Finding(
                "version",
                Status.GAP,
                version.arn,
                f"it has no inference specification {each.specification}, which endpoint {each.endpoint} "
                "serves",
                "SageMaker refuses to make a model of what a version does not have.",
                f"In account {registry}: add it by UpdateModelPackage, or register a version that has "
                f"it; or correct inference_specification in {each.file}.",
            )


def check_configured(access: StageAccess, group: str, version: Version | None) -> Iterator[Finding]:
    """Check that the context lists the version's artifacts and images for its group."""
    if version is None:
        return
    where = f"In cdk.json, under registry.groups.{group}; then deploy the registry's stack and the stage's."
    region = access.registry.region
    for uri in version.artifacts:
        within = [each for each in access.artifacts if is_below(uri, each)]
        why = "Neither the models' role nor the bucket's policy lets the artifact be read."
        folder = f"{uri.rpartition('/')[0]}/"
        yield told("context", uri, bool(within), f"artifacts does not have {folder}", why, where)
    for image in version.images:
        name = image.partition("@")[0].rpartition("/")
        bare = f"{name[0]}/{name[2].partition(':')[0]}"
        known = any(bare in wanted for wanted in _images(access))
        why = "Neither the models' role nor the repository's policy lets the image be pulled."
        yield told("context", image, known, f"images does not have {bare}", why, where)
    yield from check_images_region(version, region)


def check_images_region(version: Version, region: str) -> Iterator[Finding]:
    """Report images of other regions."""
    for image in version.images:
        if ".ecr." in image and f".ecr.{region}." not in image:
            found = f"it is not in {region}"
            why = "SageMaker pulls images of its own region only (botocore: ContainerDefinition)."
            yield Finding("image", Status.GAP, image, found, why, f"Copy the image to {region}.")


def _images(access: StageAccess) -> list[str]:
    return list(access.registry.groups[access.groups[0]].images)


def is_below(uri: str, artifacts: Artifacts) -> bool:
    """Tell whether an artifact is below a prefix of the context."""
    return uri.startswith(f"s3://{artifacts.bucket}/{artifacts.prefix}")


def check_existing(
    account: str, artifacts: Mapping[str, Reading[Sequence[str]]], images: Mapping[str, Reading[bool]]
) -> Iterator[Finding]:
    """Check that artifacts and images exist."""
    for things, check, what in ((artifacts, "artifact", "object"), (images, "image", "image")):
        for name, reading in things.items():
            if isinstance(reading, Found) and reading.value:
                yield Finding(check, Status.OK, name)
                continue
            yield from judge(
                reading if isinstance(reading, Unreadable) else Absent(),
                check,
                name,
                absent=f"there is no such {what}",
                why="SageMaker fetches it when it makes the model and launches instances.",
                where=f"In account {account}: put it back, or approve another version.",
            )
