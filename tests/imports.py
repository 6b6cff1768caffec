"""Read which module imports which, for the tests of layers.

The tests read the source instead of using import-linter: imports for types count where a layer says so, and
each list stands beside its test. Nothing else has to be installed.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

REPOSITORY = Path(__file__).parents[1]
FUNCTIONS = REPOSITORY / "lambdas"
"""The root of the functions' imports, as in their bundles."""


@dataclass(frozen=True, slots=True)
class Import:
    """One module's import of another.

    Attributes:
        importer: The importing module.
        imported: The imported module or package.
        for_types: Whether only a type checker sees it.
    """

    importer: str
    imported: str
    for_types: bool

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported}"


@cache
def modules_of(*packages: str) -> dict[str, Path]:
    """Return the modules of some packages, a package's own included, and their files."""
    found: dict[str, Path] = {}
    for package in packages:
        root = FUNCTIONS if (FUNCTIONS / package).is_dir() else REPOSITORY
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports_of(*packages: str) -> tuple[Import, ...]:
    """Return every import of one of these packages' modules by another."""
    known = modules_of(*packages)
    return tuple(
        Import(importer, imported, for_types)
        for importer, path in known.items()
        for node, for_types in _statements(ast.parse(path.read_text(encoding="utf-8")))
        for imported in _imported(node, importer)
        for imported in (_module(imported, known),)
        if imported in known
    )


def in_circles(imports: Iterable[Import]) -> list[str]:
    """Name the modules that import themselves by way of others."""
    left = {(each.importer, each.imported) for each in imports}
    while True:
        importers, imported = {pair[0] for pair in left}, {pair[1] for pair in left}
        # Nothing goes round through a module that imports nothing, or that nothing imports.
        on = {pair for pair in left if pair[0] in imported and pair[1] in importers}
        if on == left:
            return sorted(importers)
        left = on


def layer_of(module: str, layers: Sequence[str]) -> int | None:
    """Find the layer that a module is in: the place of its first name in a list."""
    found = [place for place, layer in enumerate(layers) if f"{module}.".startswith(f"{layer}.")]
    return found[0] if found else None


def upwards(imports: Iterable[Import], layers: Sequence[str]) -> list[str]:
    """Name the imports of a higher layer by a lower one; layers are given from the lowest to the highest."""
    return [
        str(each)
        for each in imports
        if (importer := layer_of(each.importer, layers)) is not None
        and (imported := layer_of(each.imported, layers)) is not None
        and imported > importer
    ]


def _statements(tree: ast.AST, *, for_types: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _statements(node, for_types=True)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield node, for_types
        else:
            yield from _statements(node, for_types=for_types)


def _imported(node: ast.stmt, importer: str) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        assert node.module, f"{importer} imports relatively"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    assert isinstance(node, ast.Import)
    return [alias.name for alias in node.names]


def _module(name: str, known: Iterable[str]) -> str:
    """Return the module that a name is, or is in."""
    return name if name in known else name.rpartition(".")[0]
