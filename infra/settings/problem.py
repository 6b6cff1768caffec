"""Owns how a mistake in the configuration is shown to the person who made it.

It does not find mistakes, and never raises an error for a single one: callers collect them all.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FieldPath: TypeAlias = tuple[str | int, ...]
"""A place in a document: mapping keys and list indices, from the root."""

_LONGEST_GOT: Final = 120
_SHORT: Final = 3
"""Letters with which any number of names may end."""

_WAY_OUT: Final = "; if AWS takes it all the same, add unchecked: true to the file"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Report one mistake: its place, the value found, the value expected, and the correction.

    `line` and `column` count from 1; 0 means the whole file. `source` names the AWS page behind the rule, and
    is empty for Greenlight's own rules. AWS's pages age: `unchecked: true` waives a problem with a source.
    """

    file: str
    line: int
    field: str
    got: str
    expected: str
    fix: str
    source: str = ""
    column: int = 0


class ConfigurationError(Exception):
    """Carry every problem, for `app.py` to print in place of a traceback."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__(report(self.problems))


def report(problems: Sequence[Problem]) -> str:
    """Render problems for a terminal, grouped by file and in the order of their lines."""
    count = len(problems)
    lines = [f"{count} problem{'' if count == 1 else 's'} in the configuration; nothing was synthesised."]
    return "\n".join([*lines, *_listed(problems, _WAY_OUT)])


def warned(problems: Sequence[Problem]) -> str:
    """Render the problems that `unchecked: true` waived, for a terminal."""
    count = len(problems)
    lines = [f"{count} warning{'' if count == 1 else 's'}: unchecked settings that AWS may refuse."]
    return "\n".join([*lines, *_listed(problems, "")])


def _listed(problems: Sequence[Problem], way_out: str) -> list[str]:
    lines: list[str] = []
    for file, found in groupby(sorted(problems), key=lambda problem: problem.file):
        lines += ["", file]
        for problem in found:
            place = f"line {problem.line}: " if problem.line else ""
            lines += [
                f"  {place}{problem.field}",
                f"    got       {problem.got}",
                f"    expected  {problem.expected}",
                f"    fix       {problem.fix}",
            ]
            if problem.source:
                lines.append(f"    rule      {problem.source}{way_out}")
    return lines


def shown(value: object) -> str:
    """Render a value as YAML's reader understood it, short enough for one line."""
    match value:
        case None:
            text = "nothing (an empty value)"
        case bool():
            text = f"{str(value).lower()} (a boolean)"
        case int() | float():
            text = f"{value} (a number)"
        case str():
            text = repr(value)
        case dict():
            text = "a mapping" if value else "an empty mapping"
        case list():
            text = f"a list of {len(value)}"
        case _:
            text = f"{value} (a {type(value).__name__})"
    return text if len(text) <= _LONGEST_GOT else f"{text[:_LONGEST_GOT]}… ({len(text)} characters)"


def field_name(path: FieldPath) -> str:
    """Render a path for people: `overrides.model.Containers[0].Mode`."""
    name = ""
    for part in path:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or "the file"


def nearest(word: str, candidates: Iterable[str], *, count: int = 3) -> list[str]:
    """Find the candidates that a person may have meant by `word`, best first.

    Ignores letter case, underscores and hyphens: people often use another style for API names.
    """
    by_letters = {letters(candidate): candidate for candidate in candidates}
    wanted = letters(word)
    # `m5.large` is `ml.m5.large` without its beginning, and closer to it than `ml.r5.large`.
    ended = [each for each in by_letters if len(wanted) > _SHORT and each.endswith(wanted)]
    close = difflib.get_close_matches(wanted, by_letters, n=count, cutoff=0.6)
    return [by_letters[each] for each in dict.fromkeys([*ended, *close])][:count]


def letters(word: str) -> str:
    """Return a name without its style: letter case, underscores and hyphens."""
    return word.replace("_", "").replace("-", "").lower()
