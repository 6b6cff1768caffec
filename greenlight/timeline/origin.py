"""Holds what served at some time with what it was made of, and reads the latter from the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from greenlight.connection import Connection
    from greenlight.timeline.entries import ServedThen


@dataclass(frozen=True, slots=True)
class Origin:
    """What served at some time, and what it was made of.

    Attributes:
        endpoint_name: The endpoint.
        served: What served.
        images: The version's images.
        artifacts: Where its artifacts are.
        registry_says: Why the registry shows none; None if it does.
    """

    endpoint_name: str
    served: ServedThen
    images: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    registry_says: str | None = None


def read_origin(connection: Connection, endpoint_name: str, served: ServedThen) -> Origin:
    """Ask the registry what the version that served then is made of; it may be deleted, or hidden, by now."""
    if served.deployment is None:
        return Origin(endpoint_name, served)
    client = connection.client("sagemaker")
    try:
        answer: dict[str, Any] = client.describe_model_package(ModelPackageName=served.deployment.version_arn)
    except ClientError as error:
        return Origin(endpoint_name, served, registry_says=error.response["Error"]["Message"])
    containers = answer.get("InferenceSpecification", {}).get("Containers", [])
    images = [_image(each) for each in containers]
    return Origin(endpoint_name, served, tuple(images), tuple(filter(None, map(_artifact, containers))))


def _image(container: dict[str, Any]) -> str:
    image, digest = container.get("Image", ""), container.get("ImageDigest")
    return f"{image}@{digest}" if digest and "@" not in image else image


def _artifact(container: dict[str, Any]) -> str | None:
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    found: str | None = container.get("ModelDataUrl") or source.get("S3Uri")
    return found
