"""Says what a version is made of, by a digest of its containers and of what S3 holds for them. Pure.

The registry's entry is of the time when a version was registered. An object can be overwritten in S3 since,
and only S3 knows.
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
        held: Each artifact's URI with the entity tags of its objects; empty where the registry's word is all
            there is.
    """
    return names.digest([containers, held])


def artifact_uris(containers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield where containers' artifacts are. The URI of a prefix of many objects ends in a slash.

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
