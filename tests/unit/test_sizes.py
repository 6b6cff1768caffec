"""The product's files and classes stay small enough to read. Ruff limits the complexity of a function."""

from __future__ import annotations

import ast
from typing import Final

import pytest

from tests.imports import REPOSITORY

PRODUCT: Final = ("greenlight", "iam_evaluator", "infra", "lambdas", "local_cloud", "service_model")
LONGEST_FILE: Final = 350
MOST_METHODS: Final = 15

SOURCES: Final = {
    folder: {
        str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
    }
    for folder in PRODUCT
}


@pytest.mark.parametrize("folder", PRODUCT)
def test_no_file_is_longer_than_people_read(folder: str) -> None:
    lengths = {name: len(source.splitlines()) for name, source in SOURCES[folder].items()}
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


@pytest.mark.parametrize("folder", PRODUCT)
def test_no_class_has_more_methods_than_people_keep_in_mind(folder: str) -> None:
    counts = {
        f"{name}:{node.name}": sum(
            isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in node.body
        )
        for name, source in SOURCES[folder].items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
    }
    assert {name: methods for name, methods in counts.items() if methods > MOST_METHODS} == {}
