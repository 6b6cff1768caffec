"""The width and the colours of what the command writes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from greenlight.output import Output

if TYPE_CHECKING:
    import pytest

SENTENCE = "SageMaker refuses that change, so the version that serves stays where it is. " * 2


def written(text: str) -> list[str]:
    file = io.StringIO()
    output = Output(file=file)
    output.console.print(text.strip(), style="bad")
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_file_gets_a_sentence_on_one_line() -> None:
    assert written(SENTENCE) == [SENTENCE.strip()]


def test_columns_set_the_width_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    lines = written(SENTENCE)

    assert len(lines) == 2
    assert max(map(len, lines)) <= 80
    assert " ".join(lines) == SENTENCE.strip()


def test_a_file_gets_colours_only_if_they_are_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = written("no")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    assert plain == ["no"]
    assert written("no") == ["\x1b[31mno\x1b[0m"]
