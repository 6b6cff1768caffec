"""Computes a digest of a version's containers and of their objects in S3. Pure.

The registry's entry dates from the version's registration. Somebody may have overwritten an object since, and
only S3 shows that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.model import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


FORMAT: Final = "1"
"""The format of digests: which members they cover, and how they are written. Each digest begins with it, as
another stage may run another release. A change of MEMBERS is another format."""

_S3_SOURCE: Final = {
    "S3Uri": None,
    "S3DataType": None,
    "CompressionType": None,
    "ModelAccessConfig": {"AcceptEula": None},
    "HubAccessConfig": {"HubContentArn": None},
    "ManifestS3Uri": None,
    "ETag": None,
    "ManifestEtag": None,
}

MEMBERS: Final[Mapping[str, Any]] = {
    "ContainerHostname": None,
    "Image": None,
    "ImageDigest": None,
    "ModelDataUrl": None,
    "ModelDataSource": {"S3DataSource": _S3_SOURCE},
    "ProductId": None,
    "Environment": None,
    "ModelInput": {"DataInputConfig": None},
    "Framework": None,
    "FrameworkVersion": None,
    "NearestModelName": None,
    "AdditionalModelDataSources": {"ChannelName": None, "S3DataSource": _S3_SOURCE},
    "AdditionalS3DataSource": {
        "S3DataType": None,
        "S3Uri": None,
        "CompressionType": None,
        "ETag": None,
    },
    "ModelDataETag": None,
    "IsCheckpoint": None,
    "BaseModel": {"HubContentName": None, "HubContentVersion": None, "RecipeName": None},
}
"""The members of a container that digests of this format cover. None covers a member whole.

A newer botocore shows more members of the same version (botocore 1.35.0 parsed 12, 1.43.106 parses 16). A
digest of whatever it shows would change with an upgrade, and every version would seem changed.
Source: botocore 1.43.106, `ModelPackageContainerDefinition`.
"""


def digest_of(containers: Sequence[Mapping[str, Any]], held: Sequence[Any]) -> str:
    """Return a digest, equal for equal containers and artifacts: the format, a dot and 64 hexadecimal digits.

    Args:
        containers: As the registry describes them.
        held: Each artifact's URI with the entity tags of its objects; empty if only the registry's entry
            counts.
    """
    return f"{FORMAT}.{names.digest([_covered(list(containers), MEMBERS), held])}"


def is_of_known_format(digest: str) -> bool:
    """Tell whether a digest can be compared with those of this deployer."""
    return digest.startswith(f"{FORMAT}.")


def _covered(value: Any, members: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a digest covers of a part of a container."""
    if members is None:
        return value
    if isinstance(value, list):
        return [_covered(each, members) for each in value]
    return {name: _covered(value[name], inner) for name, inner in members.items() if name in value}


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
