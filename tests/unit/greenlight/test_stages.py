"""Several stages answer side by side, and one that cannot be asked hides none of the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import typer
from rich.text import Text

from greenlight.application import APPLICATION, run
from greenlight.connection import stack_of
from greenlight.errors import CommandError, ExitCode
from greenlight.output import Symbols
from greenlight.stages import Answer, Asked, code_of, document, read_stages, view
from tests.infra.settings.builders import VALID, write
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.snapshots import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import RenderableType

GROUP = {
    "artifacts": ["s3://models-of-the-team/churn/"],
    "images": ["111122223333.dkr.ecr.eu-central-1.amazonaws.com/team/churn"],
}
STAGING, PRODUCTION = Asked("staging", "dev"), Asked("production", "prod")
REFUSED = CommandError(
    "You may not call DescribeStacks.", "AWS answers AccessDenied.", "Get a policy.", code=ExitCode.AWS
)


def answer(words: str, code: int = ExitCode.FINE, **members: Any) -> Answer:
    def shown(_: Symbols) -> RenderableType:
        return Text(words)

    seen: Callable[[Symbols], RenderableType] = shown
    return Answer({"format": 1, **members}, seen, code)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (Asked(None, "own"),)),
        (["staging"], (Asked("staging", "own"),)),
        (["staging=dev", "production=prod"], (STAGING, PRODUCTION)),
        (["staging=dev", "lab"], (STAGING, Asked("lab", "own"))),
    ],
)
def test_a_stage_has_its_own_profile_or_the_one_of_all(words: list[str], expected: tuple[Asked, ...]) -> None:
    assert read_stages(words, "own") == expected


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (["=dev"], "--stage =dev names no stage."),
        (["staging="], "--stage staging= names no stage."),
        (["a", "b", "a=dev"], "--stage names a more than once."),
    ],
)
def test_stages_that_cannot_be_asked_are_explained(words: list[str], fact: str) -> None:
    with pytest.raises(CommandError) as raised:
        read_stages(words, None)

    assert raised.value.fact == fact
    assert raised.value.code is ExitCode.USAGE


def test_wrong_stages_are_three_lines_before_anything_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--stage", "=dev"]) == ExitCode.USAGE

    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_stage_s_stack_is_named_after_it() -> None:
    assert (stack_of("Models", "lab"), stack_of("Models", None)) == ("Models-lab", "Models")


def test_every_verb_that_asks_a_stack_asks_a_stage_s_as_well() -> None:
    commands: Any = typer.main.get_command(APPLICATION)
    options = {
        name: {option for parameter in verb.params for option in parameter.opts}
        for name, verb in commands.commands.items()
    }

    assert {name for name, known in options.items() if "--stage" in known} == {
        name for name, known in options.items() if "--stack" in known
    }


def test_a_stage_s_plan_is_of_the_stage_s_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stage is found in the project before AWS is asked, which a missing profile shows."""
    endpoints = tmp_path / "endpoints" / "staging"
    endpoints.mkdir(parents=True)
    write(endpoints, churn=VALID)
    context = {
        "registry": {"account": "111122223333", "region": "eu-central-1", "groups": {"churn-models": GROUP}},
        "stages": {"staging": {"account": "222233334444", "endpoints": "staging"}},
    }
    (tmp_path / "cdk.json").write_text(json.dumps({"context": context}))
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))

    def told(*options: str) -> str:
        run(["plan", str(tmp_path), "--profile", "nobody", *options])
        return capsys.readouterr().err

    assert "There is no AWS profile nobody." in told("--stage", "staging")
    assert "There is no AWS profile nobody." in told("--stack", "Greenlight-staging")
    assert "with the stack Greenlight-moon" in told("--stage", "moon")


def test_each_stage_answers_below_its_name_and_a_refusal_hides_no_other() -> None:
    answers: list[tuple[Asked, Answer | CommandError]] = [
        (STAGING, answer("churn  v2")),
        (PRODUCTION, REFUSED),
    ]

    check("stages", view(answers, Symbols()), 80)


def test_the_document_has_each_stage_s_own_document_or_its_error() -> None:
    told = document([(STAGING, answer("", endpoints=[])), (PRODUCTION, REFUSED)])

    assert mistakes(told, "stages") == []
    staging, production = told["stages"]
    assert staging == {"stage": "staging", "answer": {"format": 1, "endpoints": []}}
    assert production["error"]["fact"] == REFUSED.fact
    assert mistakes({"format": 1, "error": production["error"]}, "error") == []


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((answer("a"), answer("b")), ExitCode.FINE),
        ((answer("a"), answer("b", ExitCode.BAD_NEWS)), ExitCode.BAD_NEWS),
        ((answer("a", ExitCode.BAD_NEWS), REFUSED), ExitCode.AWS),
    ],
)
def test_the_exit_code_is_of_the_stage_that_needs_somebody_most(
    answers: tuple[Answer | CommandError, ...], code: int
) -> None:
    assert code_of(answers) == code
