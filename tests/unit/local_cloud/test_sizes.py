"""No file and no class of the local cloud grows so long that nobody reads it; ruff sees to functions."""

from __future__ import annotations

import ast

from tests.unit.local_cloud.test_layers import modules

MOST_LINES = 350
MOST_METHODS = 15


def test_no_file_is_too_long() -> None:
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_class_has_too_many_methods() -> None:
    counts = {
        f"{name}.{node.name}": sum(
            isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in node.body
        )
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert {name: methods for name, methods in counts.items() if methods > MOST_METHODS} == {}
