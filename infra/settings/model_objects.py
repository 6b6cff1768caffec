"""Owns the S3 objects that models read and write by the settings.

Pure. `infra/permissions/s3_grants.py` turns them into permissions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from infra.settings.endpoint_spec import EndpointSpec

Place: TypeAlias = tuple[str, str]
"""A bucket, and a prefix or key in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelObjects:
    """Hold where models read and write; each list sorted and without duplicates.

    Attributes:
        requests: The places of asynchronous requests.
        answers: The places of asynchronous answers and failures.
        captures: The places of captured calls.
        baselines: The objects with baselines of explanations.
    """

    requests: Sequence[Place] = ()
    answers: Sequence[Place] = ()
    captures: Sequence[Place] = ()
    baselines: Sequence[Place] = ()

    @classmethod
    def of(cls, endpoints: Sequence[EndpointSpec]) -> ModelObjects:
        """Read the places of all these endpoints together."""
        configs = [spec.compiled["CreateEndpointConfig"] for spec in endpoints]
        asynchronous = [config.get("AsyncInferenceConfig") for config in configs]
        return cls(
            requests=sorted({place for spec in endpoints for place in _requests(spec)}),
            answers=_places(found(asynchronous, "S3OutputPath", "S3FailurePath")),
            captures=_places(
                found([config.get("DataCaptureConfig") for config in configs], "DestinationS3Uri")
            ),
            baselines=_places(found(configs, "ShapBaselineUri")),
        )

    @property
    def written(self) -> list[Place]:
        """The places to which models write."""
        return sorted({*self.answers, *self.captures})


def place_of(uri: str) -> Place:
    """Parse `s3://bucket/prefix`."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def found(value: object, *names: str) -> set[str]:
    """Collect the strings under some names, at any depth."""
    if isinstance(value, dict):
        here = {member for name, member in value.items() if name in names and isinstance(member, str)}
        return here.union(*(found(member, *names) for member in value.values()))
    if isinstance(value, list):
        return set[str]().union(*(found(item, *names) for item in value))
    return set()


def _requests(spec: EndpointSpec) -> Iterator[Place]:
    """Yield the places of an endpoint's asynchronous requests: by default anywhere in its answers' bucket."""
    config: dict[str, Any] = spec.compiled["CreateEndpointConfig"].get("AsyncInferenceConfig") or {}
    if spec.input_paths:
        yield from (place_of(uri) for uri in spec.input_paths)
    else:
        yield from ((place_of(uri)[0], "") for uri in found(config, "S3OutputPath"))


def _places(uris: Iterable[str]) -> list[Place]:
    return sorted({place_of(uri) for uri in uris})
