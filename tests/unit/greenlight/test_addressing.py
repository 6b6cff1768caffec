"""Hints repeat whom the person asked, so that a copied command asks the same account and stack."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from greenlight.addressing import addressed, addressing, options_in
from greenlight.application import APPLICATION, run
from greenlight.errors import CommandError
from greenlight.output import Output


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["status"], ""),
        (["watch", "churn", "--stage", "production"], " --stage production"),
        (["why", "--profile=a b", "churn", "--region", "eu-west-1"], " --profile 'a b' --region eu-west-1"),
        (["status", "--stage", "a=A", "--stage", "b=B", "--region", "eu-west-1"], ""),
        (["status", "--stack"], " --stack ''"),
    ],
)
def test_the_options_are_repeated_as_typed_and_not_of_several_stages(
    arguments: list[str], options: str
) -> None:
    assert options_in(arguments) == options


def test_each_command_in_a_text_gets_them_once() -> None:
    text = "Look: greenlight status churn, or greenlight why churn 3. Not greenlight check endpoints."

    with addressing(["watch", "churn", "--stage", "production"]):
        shown = addressed(text)
        assert addressed(shown) == shown

    assert shown == (
        "Look: greenlight status --stage production churn, or greenlight why --stage production churn 3. "
        "Not greenlight check endpoints."
    )
    assert addressed(text) == text


def test_views_errors_and_json_have_them() -> None:
    file = io.StringIO()
    hint = CommandError("No.", "So.", "See: greenlight status")

    with addressing(["watch", "--profile", "prod"]):
        Output(file=file).write(Text("  greenlight why churn 3", no_wrap=True, overflow="ignore"))
        document = hint.document()

    assert file.getvalue() == "  greenlight why --profile prod churn 3\n"
    assert document["error"]["next"] == "See: greenlight status --profile prod"


def test_an_error_of_a_verb_repeats_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    run(["watch", "--version", "7", "--stage", "production"])

    assert "greenlight watch --stage production ENDPOINT --version N" in capsys.readouterr().err


def test_every_verb_that_asks_a_stack_is_known() -> None:
    """A new verb's hints would else lose the options."""
    for command in APPLICATION.registered_commands:
        assert command.callback is not None
        asks = "stage" in command.callback.__annotations__
        with addressing(["--stage", "x"]):
            assert (addressed(f"greenlight {command.name}") != f"greenlight {command.name}") is asks, (
                command.name
            )
