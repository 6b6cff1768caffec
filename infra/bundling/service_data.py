"""Owns reducing botocore's service models, most of its size, to what a function's calls read."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.loaders import Loader

from infra.bundling.bundling_error import BundlingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_SHARED_DATA: Final = ("partitions.json", "sdk-default-configuration.json", "_retry.json")


def prune_service_data(source: Path, target: Path, wanted: Mapping[str, tuple[str, ...]]) -> None:
    """Copy only those parts of botocore's data that clients of the wanted operations read.

    A service's model keeps the wanted operations and their shapes, without documentation, waiters, paginators
    and examples. Models are not compressed here: they are small now, and the asset is compressed.
    """
    loader = Loader(extra_search_paths=[str(source)], include_default_search_paths=False)
    prefixes = set()
    for service, names in sorted(wanted.items()):
        version = loader.determine_latest_version(service, "service-2")
        model = prune_model(loader.load_service_model(service, "service-2", version), names)
        prefixes.add(model["metadata"]["endpointPrefix"])
        folder = target / service / version
        _write(folder / "service-2.json", model)
        rules = loader.load_service_model(service, "endpoint-rule-set-1", version)
        _write(folder / "endpoint-rule-set-1.json", rules)
    for name in _SHARED_DATA:
        shutil.copyfile(source / name, target / name)
    endpoints = json.loads((source / "endpoints.json").read_bytes())
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in sorted(prefixes & services.keys())}
    _write(target / "endpoints.json", endpoints)


def prune_model(model: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Reduce a service model to some operations and their shapes.

    Raises `BundlingError` for an operation that the model does not have.
    """
    missing = sorted(set(names) - model["operations"].keys())
    if missing:
        service = model["metadata"]["serviceId"]
        raise BundlingError(
            f"botocore knows no operation {', '.join(missing)} of {service}: "
            "correct the function's operations.py, or pin a newer botocore."
        )
    kept = {name: model["operations"][name] for name in sorted(names)}
    reached: dict[str, Any] = {}
    waiting = list(_references(kept))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = model["shapes"][name]
            waiting += _references(reached[name])
    rest = {key: value for key, value in model.items() if key not in {"operations", "shapes"}}
    pruned = {**rest, "operations": kept, "shapes": {name: reached[name] for name in sorted(reached)}}
    bare = cast("dict[str, Any]", _without_documentation(pruned))
    # botocore itself reads these texts, and fails without them (S3 has such parameters).
    return bare | {key: rest[key] for key in ("clientContextParams",) if key in rest}


def _references(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        shape = value.get("shape")
        if isinstance(shape, str):
            yield shape
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _without_documentation(value: object) -> object:
    """Drop the texts; a structure's member called `documentation` is a mapping, and stays."""
    if isinstance(value, dict):
        return {
            key: _without_documentation(inner)
            for key, inner in value.items()
            if not (key == "documentation" and isinstance(inner, str))
        }
    if isinstance(value, list):
        return [_without_documentation(inner) for inner in value]
    return value


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
