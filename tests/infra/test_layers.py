"""Imports within `infra` go one way, also those for types: a folder knows only what is listed before it."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from tests.infra.conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OF_THE_APP: Final = (
    "infra.bundling",
    "infra.settings",
    "infra.reference",
    "infra.configuration",
    "infra.stages",
    "infra.permissions",
    "infra.constructs",
    "infra.stacks",
)
OF_SETTINGS: Final = (
    "infra.settings.problem",
    "infra.settings.aws_shapes",
    "infra.settings.reading",
    "infra.settings.keys",
    "infra.settings.compiling",
    "infra.settings.rules",
    "infra.settings.consistency",
    "infra.settings.mistakes",
    "infra.settings.endpoint_spec",
    "infra.settings.model_objects",
    "infra.settings.endpoint_requirements",
    "infra.settings.endpoint_file",
    "infra.settings.catalogue",
)


@cache
def imports() -> tuple[tuple[str, str], ...]:
    """Find which module of `infra` imports which."""
    return tuple(_imports())


def _imports() -> Iterator[tuple[str, str]]:
    for path in sorted((REPOSITORY / "infra").rglob("*.py")):
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named: list[str] = []
            if isinstance(node, ast.ImportFrom):
                assert node.module, f"{module} imports relatively"
                named = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            yield from ((module, name) for name in named if name.startswith("infra."))


def layer_of(module: str, layers: Sequence[str]) -> int | None:
    """Find the layer that a module, or something in it, is in."""
    found = [place for place, layer in enumerate(layers) if f"{module}.".startswith(f"{layer}.")]
    return found[0] if found else None


@pytest.mark.parametrize("layers", [OF_THE_APP, OF_SETTINGS], ids=["app", "settings"])
def test_imports_go_down_the_layers(layers: tuple[str, ...]) -> None:
    upwards = [
        f"{importer} imports {imported}"
        for importer, imported in imports()
        if (above := layer_of(importer, layers)) is not None
        and (below := layer_of(imported, layers)) is not None
        and below > above
    ]
    assert upwards == []


@pytest.mark.parametrize("layers", [OF_THE_APP, OF_SETTINGS], ids=["app", "settings"])
def test_every_module_is_in_a_layer(layers: tuple[str, ...]) -> None:
    around = layers[0].rpartition(".")[0]
    modules = {importer for importer, _ in imports() if importer.startswith(f"{around}.")}
    assert [module for module in sorted(modules) if layer_of(module, layers) is None] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {importer for importer, _ in imports()}
    known: dict[str, set[str]] = {module: set() for module in modules}
    for importer, imported in imports():
        of = imported if imported in modules else imported.rpartition(".")[0]
        if of in modules:
            known[importer].add(of)
    settled: set[str] = set()
    while free := {module for module, of in known.items() if module not in settled and of <= settled}:
        settled |= free
    assert sorted(modules - settled) == []
