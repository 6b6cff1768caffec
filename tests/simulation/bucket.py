"""The S3 of a world: the objects of artifacts, who overwrites them, and whether they are visible.

Owns entity tags by URI. Every key has its first object until somebody overwrites it.
"""

from __future__ import annotations

from typing import Any, Final

FIRST: Final = "1"
"""The entity tag of a first object."""

NEIGHBOUR: Final = ".old"
"""The suffix of an object beside an artifact, which a listing by the artifact's key also shows."""


class Bucket:
    """Objects, by their entity tags only.

    Attributes:
        tags: Of overwritten objects, by URI.
        is_hidden: Whether a bucket policy hides the objects from stages.
    """

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self._overwritten = 0
        self.is_hidden = False

    def tag(self, uri: str) -> str:
        """Return the entity tag of an object."""
        return self.tags.get(uri, FIRST)

    def overwrite(self, uri: str) -> None:
        """Overwrite an object with a new one."""
        self._overwritten += 1
        self.tags[uri] = f"{FIRST}.{self._overwritten}"

    def restore(self, uri: str) -> None:
        """Restore the first object."""
        self.tags[uri] = FIRST

    def list(self, bucket: str, prefix: str) -> dict[str, Any]:
        """Return what ListObjectsV2 answers."""
        place = f"s3://{bucket}/"
        keys = {prefix, *(uri.removeprefix(place) for uri in self.tags if uri.startswith(place + prefix))}
        return {
            "Contents": [{"Key": key, "ETag": f'"{self.tag(f"{place}{key}")}"'} for key in sorted(keys)],
        }
