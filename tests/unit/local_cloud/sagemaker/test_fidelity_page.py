"""docs/fidelity.md names every operation, switch and setting, so that it cannot fall behind."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import get_type_hints

import pytest

from local_cloud.application_auto_scaling.service import OPERATIONS as AUTO_SCALING_OPERATIONS
from local_cloud.sagemaker.control_plane import OPERATIONS
from local_cloud.sagemaker.switches import Switches

PAGE = Path(__file__).parents[4] / "docs" / "fidelity.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_operation_is_named(page: str) -> None:
    assert [operation for operation in OPERATIONS if f"`{operation}`" not in page] == []


def test_every_operation_of_application_auto_scaling_is_named(page: str) -> None:
    assert [operation for operation in AUTO_SCALING_OPERATIONS if f"`{operation}`" not in page] == []


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Switches)])
def test_every_switch_has_a_row_with_its_settings_and_the_default_first(page: str, name: str) -> None:
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    settings = row.split("|")[3]
    kind = get_type_hints(Switches)[name]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        assert all(f"`{setting}`" in settings for setting in kind)
        assert settings.strip().startswith(f"`{getattr(Switches(), name)}`")
    else:
        assert settings.strip().startswith("none")


def test_every_switch_says_what_it_does_to_clients() -> None:
    source = Path("local_cloud/sagemaker/switches.py")
    lines = (PAGE.parents[1] / source).read_text(encoding="utf-8").splitlines()
    for field in dataclasses.fields(Switches):
        index = next(number for number, line in enumerate(lines) if line.startswith(f"    {field.name}: "))
        assert lines[index + 1].strip().startswith('"""'), field.name
