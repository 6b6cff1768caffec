"""The pictures in the docs show what the command shows now."""

from __future__ import annotations

import pytest

from tests.pictures.__main__ import DIRECTORY
from tests.pictures.scenes import SCENES, drawn


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_of_the_present_command(name: str) -> None:
    assert (DIRECTORY / f"command-{name}.svg").read_text(encoding="utf-8") == drawn(name), (
        "run `python -m tests.pictures`"
    )


def test_a_picture_loads_nothing_from_anywhere() -> None:
    assert all("url(" not in drawn(name).replace("url(#", "") for name in SCENES)
