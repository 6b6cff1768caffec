"""Holds docs/accounts.md to what is so."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.context import read_configuration
from infra.stages.context import Registry, Stage, explained
from ops import doctor
from ops.__main__ import main
from registry_access import editing, targets

if TYPE_CHECKING:
    from pydantic import BaseModel

PAGE = (Path(__file__).parents[3] / "docs" / "accounts.md").read_text()


@pytest.mark.parametrize("model", [Registry, Stage])
def test_every_key_is_on_the_page_in_the_words_of_its_message(model: type[BaseModel]) -> None:
    for key, expected in explained(model):
        assert f"| `{key}` | {expected} |" in PAGE


def test_the_pages_example_is_right() -> None:
    example = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]

    _, problems = read_configuration(json.loads(example))

    assert problems == []


def test_the_pages_sizes_are_what_the_editor_holds_policies_to() -> None:
    assert targets.LARGEST_GROUP_POLICY == targets.LARGEST_BUCKET_POLICY
    for size in (targets.LARGEST_GROUP_POLICY, targets.LARGEST_REPOSITORY_POLICY, targets.LARGEST_KEY_POLICY):
        assert f"{size:,}" in PAGE


@pytest.mark.parametrize(
    "words", ["There is no ", "would have ", "did not come to rest", "was left alone, as "]
)
def test_the_pages_messages_are_the_editors(words: str) -> None:
    said = "".join(inspect.getsource(module) for module in (editing, targets))

    assert words in said
    assert f"`{words.strip()}" in PAGE


def test_every_option_of_the_doctor_is_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--help"])

    assert ended.value.code == 0
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--context"}
    assert options == set(re.findall(r"\| `(--[a-z-]+)` \|", PAGE))
    assert "Exit code 0: all is well. 1: something is missing. 3: nothing is missing" in PAGE
    assert doctor.CANNOT == 2
