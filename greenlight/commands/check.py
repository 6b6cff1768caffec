"""`greenlight check`: every mistake in the settings and the context, in a second and without CDK."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from greenlight.errors import CommandError, ExitCode
from greenlight.options import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from greenlight.checking import Finding
    from greenlight.output import Symbols
    from infra.settings.problem import Problem

DIRECTORY = Path()

Directory = Annotated[
    Path,
    typer.Argument(help="The project, with its cdk.json; or a directory of settings alone.", metavar="DIR"),
]
Context = Annotated[
    list[str] | None,
    typer.Option("--context", "-c", help="A context key, as `cdk synth -c` takes it.", metavar="KEY=VALUE"),
]


def check(directory: Directory = DIRECTORY, *, context: Context = None, as_json: Json = False) -> int:
    """Find every mistake in the settings and the context, as synth does, in a second."""
    if not directory.is_dir():
        raise CommandError(
            f"There is no directory {directory}.",
            "The command looks there for cdk.json, or for settings in YAML.",
            "Name the project: greenlight check DIR",
        )
    given = dict(pair(each) for each in context or ())
    from greenlight.checking import check as findings_of
    from greenlight.output import Output

    out = Output(as_json=as_json)
    seen: list[Finding] = []
    for finding in findings_of(directory, given):
        seen.append(finding)
        if not as_json:
            for problem in finding.mistakes:
                out.console.print(_view(problem, "bad"), soft_wrap=True)
            for problem in finding.warnings:
                out.console.print(_view(problem, "held", "warning: "), soft_wrap=True)
    if as_json:
        out.write_json(document(seen))
    else:
        out.console.print(_summary(seen, out.symbols), soft_wrap=True)
    return ExitCode.BAD_NEWS if any(each.mistakes for each in seen) else ExitCode.FINE


def pair(text: str) -> tuple[str, str]:
    """Return a context key and its value.

    Raises:
        CommandError: It is none.
    """
    key, sign, value = text.partition("=")
    if not sign:
        raise CommandError(
            f"{text} is no context key.",
            "A context key is given as KEY=VALUE.",
            "See the words: greenlight check --help",
        )
    return key, value


def document(findings: list["Finding"]) -> dict[str, Any]:
    """Return the JSON document."""
    return {
        "format": 1,
        "files": sum(each.files for each in findings),
        "mistakes": [_entry(problem) for each in findings for problem in each.mistakes],
        "warnings": [_entry(problem) for each in findings for problem in each.warnings],
    }


def _entry(problem: "Problem") -> dict[str, Any]:
    """Return a mistake without what it does not have: a place in its file, a rule of AWS's."""
    entry = {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "field": problem.field,
        "got": problem.got,
        "expected": problem.expected,
        "fix": problem.fix,
        "rule": problem.source,
    }
    return {name: value for name, value in entry.items() if value}


def _view(problem: "Problem", style: str, kind: str = "") -> "Text":
    from rich.text import Text

    place = [problem.file, *(str(each) for each in (problem.line, problem.column) if each)]
    text = Text().append(":".join(place), style="name")
    text.append(f": {kind}{problem.field}", style=style)
    for label, said in _lines(problem):
        text.append(f"\n  {label:<10}", style="quiet")
        text.append(said)
    return text


def _lines(problem: "Problem") -> "Iterator[tuple[str, str]]":
    yield "got", problem.got
    yield "expected", problem.expected
    yield "fix", problem.fix
    if problem.source:
        yield "rule", problem.source


def _summary(findings: list["Finding"], symbols: "Symbols") -> "Text":
    from rich.text import Text

    files = sum(each.files for each in findings)
    mistakes = [problem for each in findings for problem in each.mistakes]
    notes = " ".join(each.note for each in findings if each.note)
    if not mistakes:
        text = Text().append(f"{symbols.done} {_counted(files, 'file')}, no mistakes.", style="good")
    else:
        wrong = len({problem.file for problem in mistakes})
        said = f"{symbols.bad} {_counted(len(mistakes), 'mistake')} in {wrong} of {_counted(files, 'file')}."
        text = Text().append(said, style="bad")
        if any(problem.source for problem in mistakes):
            text.append("\n  If AWS takes it all the same, add unchecked: true to the file.", style="quiet")
    return text.append(f"\n{notes}", style="quiet") if notes else text


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
