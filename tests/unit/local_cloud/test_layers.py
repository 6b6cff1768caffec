"""Folders of the local cloud know only those below them, and at run time no module imports itself by others.

Within `sagemaker` the state and what it keeps name each other for types only: a type checker minds no circle.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PACKAGES: Final = ("iam_evaluator", "local_cloud", "service_model")
LAYERS: Final = (
    "iam_evaluator",
    "service_model",
    "local_cloud.front_door.http",
    "local_cloud.sagemaker",
    "local_cloud.application_auto_scaling",
    "local_cloud.service_quotas",
    "local_cloud.eventbridge",
    "local_cloud.hosting",
    "local_cloud.cloudwatch",
    "local_cloud.sagemaker_runtime",
    "local_cloud.ministack",
    "local_cloud.front_door",
    "local_cloud.server",
    "local_cloud.child_process",
    "local_cloud.__main__",
    "local_cloud.testing",
)
"""From the lowest to the highest: what only tests use is known to nothing."""


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py"
    }


def imported(nodes: Iterator[ast.AST], known: dict[str, Path]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in known else node.module


def at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from at_run_time(node)


def layer_of(module: str) -> int:
    found = [place for place, layer in enumerate(LAYERS) if f"{module}.".startswith(f"{layer}.")]
    assert found, f"{module} is in no layer"
    return found[0]


def test_a_module_knows_nothing_of_the_layers_above_it() -> None:
    known = modules()
    upwards = [
        f"{module} imports {name}"
        for module, path in known.items()
        for name in imported(ast.walk(ast.parse(path.read_text(encoding="utf-8"))), known)
        if name.startswith(PACKAGES) and layer_of(name) > layer_of(module)
    ]
    assert upwards == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    known = modules()
    needs = {
        module: set(imported(at_run_time(ast.parse(path.read_text(encoding="utf-8"))), known)) & known.keys()
        for module, path in known.items()
    }
    settled: set[str] = set()
    while free := {module for module, of in needs.items() if module not in settled and of <= settled}:
        settled |= free
    assert sorted(known.keys() - settled) == []
