"""The product's files stay small enough to read. Ruff limits the complexity of a function."""

from __future__ import annotations

from typing import Final

import pytest

from tests.imports import REPOSITORY

PRODUCT: Final = ("iam_evaluator", "infra", "lambdas", "local_cloud", "service_model")
FILES: Final = sorted(path for folder in PRODUCT for path in (REPOSITORY / folder).rglob("*.py"))
LONGEST_FILE: Final = 350


def test_there_is_something_to_measure() -> None:
    assert {path.relative_to(REPOSITORY).parts[0] for path in FILES} == set(PRODUCT)


@pytest.mark.parametrize("folder", PRODUCT)
def test_no_file_is_longer_than_a_reader_takes_in(folder: str) -> None:
    lengths = {
        str(path.relative_to(REPOSITORY)): len(path.read_text(encoding="utf-8").splitlines())
        for path in FILES
        if path.is_relative_to(REPOSITORY / folder)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}
