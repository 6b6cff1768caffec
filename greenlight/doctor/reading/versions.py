"""Owns reading a version from the registry, with what it needs to serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from greenlight.doctor.facts import Version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from greenlight.connection import Connection


def find_version(
    connection: Connection,
    group_arn: str,
    version: str | None,
    served: Collection[str | None],
) -> Version | None:
    """Read a version: the given one, or the newest approved, or else the newest.

    Only the inference specifications that endpoints use count: additional ones by name, the version's own as
    None.
    """
    client = connection.client("sagemaker")
    if version is None:
        summaries: list[Any] = []
        for page in client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group_arn, SortBy="CreationTime", SortOrder="Descending"
        ):
            summaries += page["ModelPackageSummaryList"]
        approved = [each for each in summaries if each.get("ModelApprovalStatus") == "Approved"]
        newest = (approved or summaries)[:1]
        if not newest:
            return None
        version = newest[0]["ModelPackageArn"]
    found = client.describe_model_package(ModelPackageName=version, IncludedData="MetadataOnly")
    additional: dict[str | None, Any] = {
        each["Name"]: each for each in found.get("AdditionalInferenceSpecifications", ())
    }
    specifications = {None: found.get("InferenceSpecification", {}), **additional}
    containers = [
        container
        for name, specification in specifications.items()
        if name in served
        for container in specification.get("Containers", ())
    ]
    images = (container["Image"] for container in containers if container.get("Image"))
    return Version(
        arn=found["ModelPackageArn"],
        status=found["ModelPackageStatus"],
        approval_status=found.get("ModelApprovalStatus", ""),
        images=tuple(dict.fromkeys(images)),
        artifacts=tuple(dict.fromkeys(uri for container in containers for uri in _artifacts(container))),
        specifications=tuple(filter(None, additional)),
    )


def _artifacts(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield a container's artifacts in the deployer's form: a prefix of many objects ends in a slash.

    Source: botocore, `ModelPackageContainerDefinition`.
    """
    if url := container.get("ModelDataUrl"):
        yield url
    channels = [container.get("ModelDataSource", {}), *container.get("AdditionalModelDataSources", ())]
    sources = [channel.get("S3DataSource", {}) for channel in channels]
    for source in (*sources, container.get("AdditionalS3DataSource", {})):
        if uri := source.get("S3Uri"):
            yield f"{uri.rstrip('/')}/" if source.get("S3DataType") == "S3Prefix" else uri
        if manifest := source.get("ManifestS3Uri"):
            yield manifest
