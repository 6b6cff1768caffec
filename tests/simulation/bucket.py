"""The S3 of a world: which object is in an artifact's place, who overwrites it, and whether it is shown.

Owns entity tags by URI. An object is there under any key, as it was put first, until somebody overwrites it.
"""

from __future__ import annotations

from typing import Any, Final

FIRST: Final = "1"
"""The entity tag of what was put first."""

NEIGHBOUR: Final = ".old"
"""What an object beside an artifact is named, which a listing by the artifact's key shows as well."""


class Bucket:
    """Objects, of which only the entity tags are known.

    Attributes:
        tags: Of what was ever overwritten, by URI.
        is_hidden: Whether a bucket policy keeps stages from listing what is there.
    """

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}
        self._overwritten = 0
        self.is_hidden = False

    def tag(self, uri: str) -> str:
        """Return the entity tag of an object."""
        return self.tags.get(uri, FIRST)

    def overwrite(self, uri: str) -> None:
        """Put what was never there before in an object's place."""
        self._overwritten += 1
        self.tags[uri] = f"{FIRST}.{self._overwritten}"

    def restore(self, uri: str) -> None:
        """Put what was there first in an object's place again."""
        self.tags[uri] = FIRST

    def list(self, bucket: str, prefix: str) -> dict[str, Any]:
        """Return what ListObjectsV2 answers."""
        place = f"s3://{bucket}/"
        keys = {prefix, *(uri.removeprefix(place) for uri in self.tags if uri.startswith(place + prefix))}
        return {
            "Contents": [{"Key": key, "ETag": f'"{self.tag(f"{place}{key}")}"'} for key in sorted(keys)],
        }
