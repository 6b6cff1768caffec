"""Owns `defaults.yaml`, the default settings of all endpoints.

Pure, except for reading the file. Defaults are merged into an endpoint's own settings before the check. They
keep their file and line, so a problem with a default points at it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from infra.settings.reading.document import Document, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.settings.problem import FieldPath, Problem

_T = TypeVar("_T")

_OF_ONE_ENDPOINT: Final = "endpoint_name"

_NOT_WITH: Final[dict[str, tuple[FieldPath, ...]]] = {
    "serverless": tuple(
        (key,)
        for key in (
            "instance_type",
            "instance_count",
            "variants",
            "shadow",
            "volume_size_in_gb",
            "kms_key_id",
            "model_data_download_timeout_in_seconds",
            "container_startup_health_check_timeout_in_seconds",
            "routing",
            "inference_ami_version",
            "network_isolation",
            "vpc",
            "data_capture",
            "asynchronous",
            "explainer",
            "rollout",
            "autoscaling",
        )
    ),
    "variants": tuple(
        (key,)
        for key in (
            "instance_type",
            "instance_count",
            "serverless",
            "asynchronous",
            "volume_size_in_gb",
            "model_data_download_timeout_in_seconds",
            "container_startup_health_check_timeout_in_seconds",
            "routing",
            "inference_ami_version",
            "autoscaling",
        )
    ),
    "instance_type": (("serverless",), ("variants",)),
    "asynchronous": (("serverless",), ("variants",), ("shadow",), ("smoke_test",), ("explainer",)),
    "shadow": (("serverless",), ("asynchronous",)),
}
"""By a key of an endpoint's own, the defaults that contradict it and are dropped."""


def read_defaults(path: Path, file: str) -> tuple[Document | None, list[Problem]]:
    """Read the defaults for all endpoints; `file` is their name in problems."""
    document, problems = read_document(path, file)
    if document is None:
        return None, problems
    if _OF_ONE_ENDPOINT in document.content:
        problems.append(
            document.problem(
                (_OF_ONE_ENDPOINT,),
                got="a name for all endpoints",
                expected="what endpoints may have in common",
                fix="remove it, and set it in one endpoint's file",
            )
        )
        del document.content[_OF_ONE_ENDPOINT]
    return document, problems


def with_defaults(own: Document, defaults: Document | None) -> Document:
    """Merge defaults into an endpoint's own settings.

    Mappings are merged key by key. Lists and single values of the endpoint win. `null` removes a default;
    inside `overrides` it also removes what other keys set, so it stays. A default that contradicts one of the
    endpoint's keys, such as `instance_type` with `serverless`, is dropped.
    """
    if defaults is None:
        return own
    out = {
        path
        for key in own.content.keys() & _NOT_WITH.keys()
        if own.content[key] is not None
        for path in _NOT_WITH[key]
    }
    merged = _Merged(own, defaults)
    inherited = {key: value for key, value in defaults.content.items() if (key,) not in out}
    content = merged.merge(own.content, inherited, ())
    return replace(
        own,
        content=content,
        lines={**merged.lines, **own.lines},
        columns={**merged.columns, **own.columns},
        scalars={**merged.scalars, **own.scalars},
        inherited=dict.fromkeys(merged.lines, defaults.file),
    )


class _Merged:
    """Merges, and remembers the place of each default used."""

    def __init__(self, own: Document, defaults: Document) -> None:
        self._defaults = defaults
        self._own = own
        self.lines: dict[FieldPath, int] = {}
        self.columns: dict[FieldPath, int] = {}
        self.scalars: dict[FieldPath, str] = {}

    def merge(self, own: dict[str, Any], inherited: dict[str, Any], path: FieldPath) -> dict[str, Any]:
        merged = dict(own)
        for key, default in inherited.items():
            here = (*path, key)
            if key not in own:
                merged[key] = default
                self._take(here)
            elif own[key] is None and default is not None and not _removes(here):
                del merged[key]
            elif isinstance(own[key], dict) and isinstance(default, dict):
                merged[key] = self.merge(own[key], default, here)
        return merged

    def _take(self, path: FieldPath) -> None:
        self.lines |= _below(path, self._defaults.lines)
        self.columns |= _below(path, self._defaults.columns)
        self.scalars |= _below(path, self._defaults.scalars)


def _below(path: FieldPath, of: Mapping[FieldPath, _T]) -> dict[FieldPath, _T]:
    return {each: found for each, found in of.items() if each[: len(path)] == path}


def _removes(path: FieldPath) -> bool:
    """Tell whether `null` at this place does more than remove a default."""
    return path[0] == "overrides" and len(path) > len(("overrides", "model"))
