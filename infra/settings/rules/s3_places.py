"""Owns the form of places in S3: the stack makes grants from their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from infra.settings.problem import shown
from infra.settings.rules.compiled_endpoint import Refusal, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.problem import FieldPath

_PLACES: Final[tuple[FieldPath, ...]] = (
    ("DataCaptureConfig", "DestinationS3Uri"),
    ("AsyncInferenceConfig", "OutputConfig", "S3OutputPath"),
    ("AsyncInferenceConfig", "OutputConfig", "S3FailurePath"),
    ("ExplainerConfig", "ClarifyExplainerConfig", "ShapConfig", "ShapBaselineConfig", "ShapBaselineUri"),
)
_HTTPS: Final = re.compile(
    r"https://(?:(?P<host>[a-z0-9.-]+)\.s3[.-][^/]*|s3[.-][^/]*/(?P<path>[^/]+))(?:/(?P<key>.*))?"
)

_MANY_BUCKETS: Final = re.compile(r"s3://[^/]*[*?$]")


def s3_place(url: str) -> str:
    """Write an S3 URL as a place in S3, or show the expected form."""
    found = _HTTPS.fullmatch(url)
    if found is None:
        return "s3://<bucket>/<prefix>"
    return f"s3://{found['host'] or found['path']}/{found['key'] or ''}".rstrip("/")


def place_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check the form of places in S3: the stack makes grants from their names."""
    for path in _PLACES:
        place: Any = spec["CreateEndpointConfig"]
        for part in path:
            place = place.get(part) if isinstance(place, dict) else None
        if isinstance(place, str) and place.startswith("https://"):
            yield refusal(
                "CreateEndpointConfig",
                path,
                got=shown(place),
                expected="a place in S3 as s3://<bucket>/<prefix>: the model's role is granted that bucket",
                fix=f"write {s3_place(place)}",
            )
        elif isinstance(place, str) and _MANY_BUCKETS.match(place):
            yield refusal(
                "CreateEndpointConfig",
                path,
                got=shown(place),
                expected="one bucket: in the policy of the model's role, its name would stand for others",
                fix="name the bucket without `*`, `?` and `$`, which no bucket's name has",
            )
