"""Computes a digest of a version's containers and of their objects in S3. Pure.

The registry's entry dates from the version's registration. Somebody may have overwritten an object since, and
only S3 shows that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.model import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


def digest_of(containers: Sequence[Mapping[str, Any]], held: Sequence[Any]) -> str:
    """Return a digest, equal for equal containers and artifacts: 64 hexadecimal digits.

    Args:
        containers: As the registry describes them.
        held: Each artifact's URI with the entity tags of its objects; empty if only the registry's entry
            counts.
    """
    return names.digest([containers, held])


def artifact_uris(containers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the URIs of containers' artifacts. The URI of a prefix of many objects ends in a slash.

    Source: botocore, `ModelPackageContainerDefinition`.
    """
    for container in containers:
        if url := container.get("ModelDataUrl"):
            yield url
        channels = [container.get("ModelDataSource") or {}, *container.get("AdditionalModelDataSources", ())]
        sources = [each.get("S3DataSource") or {} for each in channels]
        for source in [*sources, container.get("AdditionalS3DataSource") or {}]:
            if uri := source.get("S3Uri"):
                yield f"{uri.rstrip('/')}/" if source.get("S3DataType") == "S3Prefix" else uri
            if manifest := source.get("ManifestS3Uri"):
                yield manifest
