"""Asks several stages the same thing, each with its own profile, and tells the answers under one another.

A stage is often in another account, so one of them may refuse what the others answer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from greenlight.connection import connected, stack_of
from greenlight.errors import CommandError, ExitCode
from greenlight.output import error_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import RenderableType

    from greenlight.connection import Connection
    from greenlight.output import Output, Symbols


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb read of one stack.

    Attributes:
        document: What `--json` writes.
        view: What a person sees, with these signs.
        code: The exit code.
    """

    document: Mapping[str, Any]
    view: Callable[[Symbols], RenderableType]
    code: int = ExitCode.FINE


@dataclass(frozen=True, slots=True)
class Asked:
    """A stage that is asked.

    Attributes:
        name: Its name; None for a stack without stages.
        profile: The AWS profile for its account; None for the default one.
    """

    name: str | None
    profile: str | None


def read_stages(words: Sequence[str] | None, profile: str | None) -> tuple[Asked, ...]:
    """Return the stages that the options name.

    Args:
        words: What stands behind each `--stage`: STAGE, or STAGE=PROFILE.
        profile: The profile of the stages that name none.

    Raises:
        CommandError: A stage has no name, or is named twice.
    """
    if not words:
        return (Asked(None, profile),)
    stages = []
    for word in words:
        name, equals, own = word.partition("=")
        if not name or (equals and not own):
            raise CommandError(
                f"--stage {word} names no stage.",
                "It takes a stage's name, or the name and the AWS profile for its account.",
                "Write it so: --stage staging, or --stage staging=PROFILE",
            )
        stages.append(Asked(name, own or profile))
    names = [each.name for each in stages]
    twice = sorted({str(each) for each in names if names.count(each) > 1})
    if twice:
        raise CommandError(
            f"--stage names {', '.join(twice)} more than once.",
            "Each stage is one stack, and answers once.",
            "Name each stage once.",
        )
    return tuple(stages)


def tell(
    stages: Sequence[Asked],
    region: str | None,
    stack: str,
    output: Output,
    read: Callable[[Connection], Answer],
) -> int:
    """Ask each stage, and tell what they answer.

    Args:
        stages: The stages.
        region: The region; None for each profile's own.
        stack: The stack's name, without a stage.
        output: Where the answers go.
        read: Reads a stack's answer.

    Returns:
        The exit code: of the first stage that could not be asked, else the worst one.

    Raises:
        CommandError: The only stage could not be asked.
    """

    def ask(stage: Asked) -> Answer:
        with connected(stage.profile, region, stack_of(stack, stage.name)) as connection:
            return read(connection)

    def ask_one_of_several(stage: Asked) -> Answer | CommandError:
        try:
            return ask(stage)
        except CommandError as error:
            return error

    if len(stages) == 1:
        answer = ask(stages[0])
        output.tell(answer.document, answer.view)
        return answer.code
    with ThreadPoolExecutor(len(stages)) as pool:
        answers = list(zip(stages, pool.map(ask_one_of_several, stages), strict=True))
    output.tell(document(answers), lambda symbols: view(answers, symbols))
    return code_of([each for _, each in answers])


def document(answers: Sequence[tuple[Asked, Answer | CommandError]]) -> dict[str, Any]:
    """Return the answers as `--json` writes them: greenlight/schemas/stages.json."""
    return {
        "format": 1,
        "stages": [
            {"stage": stage.name, "error": each.document()["error"]}
            if isinstance(each, CommandError)
            else {"stage": stage.name, "answer": dict(each.document)}
            for stage, each in answers
        ],
    }


def view(answers: Sequence[tuple[Asked, Answer | CommandError]], symbols: Symbols) -> RenderableType:
    """Return the answers, each below its stage's name."""
    parts: list[RenderableType] = []
    for stage, each in answers:
        parts += [Text("")] if parts else []
        parts.append(Text(str(stage.name), style="head"))
        parts += error_lines(each, symbols) if isinstance(each, CommandError) else [each.view(symbols)]
    return Group(*parts)


def code_of(answers: Sequence[Answer | CommandError]) -> int:
    """Return the exit code of several answers."""
    errors = [each.code for each in answers if isinstance(each, CommandError)]
    return int(errors[0]) if errors else max(each.code for each in answers)
