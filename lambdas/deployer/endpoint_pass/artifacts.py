"""Tells what a version is made of, by a digest: as the registry describes it and, in a stage, as S3 holds it.

The registry's description is of the time when a version was registered. An object can be overwritten in S3
since, and only S3 knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.model import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.gateways.s3 import S3
    from deployer.gateways.sagemaker import ModelVersion


class Artefacts:
    """What versions are made of.

    Args:
        specification_name: Which of their inference specifications is deployed; None for their own.
        s3: Who is asked what is in artefacts' place; None where the registry's word is all there is.
    """

    def __init__(self, specification_name: str | None, s3: S3 | None) -> None:
        self._specification_name = specification_name
        self._s3 = s3
        self._seen: dict[str, str] = {}

    def look(self, version: ModelVersion) -> str:
        """Return a digest, equal for equal containers and artefacts: 64 hexadecimal digits.

        Raises:
            UnlistedError: S3 does not show what is in an artefact's place.
        """
        containers = version.containers.get(self._specification_name, [])
        held = (
            []
            if self._s3 is None
            else [[uri, self._s3.entity_tags(uri)] for each in containers for uri in _uris_of(each)]
        )
        digest = names.digest([containers, held])
        self._seen[version.arn.lower()] = digest
        return digest

    def seen(self, version_arn: str) -> str | None:
        """Return what a version was made of when it was looked at last, if it was."""
        return self._seen.get(version_arn.lower())

    def forget(self) -> None:
        """Forget what was seen."""
        self._seen.clear()


def _uris_of(container: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a container's artefacts are; what is a prefix of many objects ends in a slash.

    Source: botocore, `ModelPackageContainerDefinition`.
    """
    if url := container.get("ModelDataUrl"):
        yield url
    channels = [container.get("ModelDataSource") or {}, *container.get("AdditionalModelDataSources", ())]
    sources = [each.get("S3DataSource") or {} for each in channels]
    for source in [*sources, container.get("AdditionalS3DataSource") or {}]:
        if uri := source.get("S3Uri"):
            yield f"{uri.rstrip('/')}/" if source.get("S3DataType") == "S3Prefix" else uri
        if manifest := source.get("ManifestS3Uri"):
            yield manifest
