"""`greenlight messages --preview` shows each outcome's message, and asks nobody for it."""

from __future__ import annotations

import json

import pytest

from deployer.model.outcome import OutcomeKind
from greenlight.application import run
from greenlight.commands.messages import document
from tests.unit.greenlight.schemas import mistakes


def test_every_outcome_is_shown_as_mail_and_in_a_chat(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["messages", "--preview"]) == 0

    told = capsys.readouterr().out
    assert "Subject: churn: v3 did not go live. v1 still serves. [Greenlight]" in told
    assert "In a chat, in the thread Greenlight/churn/7/20260504T120000Z:" in told
    for kind in OutcomeKind:
        assert f"\n{kind.value}, stack Greenlight in account" in told


def test_one_outcome_is_shown_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["messages", "--preview", "held", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert [each["outcome"] for each in found["messages"]] == ["held"]
    assert found["messages"][0]["chat"]["source"] == "custom"
    assert mistakes(found, "messages") == []


def test_the_document_of_all_is_as_its_schema_says() -> None:
    assert mistakes(document([each.value for each in OutcomeKind]), "messages") == []


@pytest.mark.parametrize("arguments", [["messages"], ["messages", "--preview", "happened"]])
def test_other_words_are_answered_in_three_lines(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2

    assert "greenlight messages --preview" in capsys.readouterr().err
