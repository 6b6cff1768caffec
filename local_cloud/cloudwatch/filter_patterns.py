"""Match log events with CloudWatch Logs' filter patterns; pure.

Source: CloudWatch Logs user guide, "Filter pattern syntax" (unstructured and JSON log events). It refuses
what is not modelled: regular expressions, space-delimited events, `?` beside other terms.
"""

from __future__ import annotations

import json
import operator
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Matches = Callable[[str], bool]
    _Test = Callable[[Any], bool]

_TERM: Final = re.compile(r'(?P<sign>[?+-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]+))(?=\s|$)')
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<mark>&&|\|\||!=|<=|>=|[()=<>])|(?P<field>\$(?:\.[\w-]+|\[(?:\d+|"[^"]*"|\'[^\']*\')\])+)'
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[\w.*:/@+-]+))'
)
_STEP: Final = re.compile(r"\.([\w-]+)|\[(\d+)\]|\[[\"']([^\"']*)[\"']\]")
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ABSENT: Final = object()
_MOST_NESTED: Final = 50


class UnsupportedPatternError(Exception):
    """A pattern that is malformed or not modelled; the message names the part."""


def compile_pattern(pattern: str) -> Matches:
    """Return a function that tells whether a message matches.

    Raises:
        UnsupportedPatternError: The pattern is malformed or not modelled.
    """
    pattern = pattern.strip()
    if not pattern:
        return lambda _message: True
    if pattern.startswith("{"):
        if not pattern.endswith("}"):
            raise UnsupportedPatternError(f"the pattern {pattern} has no closing brace")
        test = _Parser(pattern[1:-1]).parse()
        return lambda message: _matches_json(test, message)
    if pattern.startswith("["):
        raise UnsupportedPatternError(
            "patterns of space-delimited events ([a, b]) are not modelled: use terms, or a JSON pattern"
        )
    return _terms(pattern)


def _terms(pattern: str) -> Matches:
    wanted: dict[str, list[str]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(pattern):
        match = _TERM.match(pattern, position)
        if match is None:
            raise UnsupportedPatternError(
                f"{pattern[position:]!r} is no term: quote what is no letter or digit"
            )
        bare = match["bare"]
        if bare is not None and (bare.startswith("%") or not re.fullmatch(r"[\w.-]+", bare)):
            raise UnsupportedPatternError(
                f"the term {bare} has to stand in double quotes; regular expressions are not modelled"
            )
        text = bare if bare is not None else _unescaped(match["quoted"])
        wanted[match["sign"].replace("+", "")].append(text)
        position = match.end()
        position += len(pattern[position:]) - len(pattern[position:].lstrip())
    every, none, some = wanted[""], wanted["-"], wanted["?"]
    if some and (every or none):
        raise UnsupportedPatternError("terms with ? beside others: CloudWatch ignores one of the two kinds")
    return lambda message: (
        all(term in message for term in every)
        and not any(term in message for term in none)
        and (not some or any(term in message for term in some))
    )


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _matches_json(test: _Test, message: str) -> bool:
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and test(document)


class _Parser:
    """`||` of `&&` of comparisons and parentheses."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise UnsupportedPatternError(
                    f"{text[position:].strip()!r} is not modelled in a JSON pattern"
                )
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self._tokens.append(("end", "the end"))
        self._at = 0
        self._depth = 0

    def parse(self) -> _Test:
        test = self._any()
        if self._kind != "end":
            raise self._unexpected("&& or ||")
        return test

    @property
    def _kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def _text(self) -> str:
        return self._tokens[self._at][1]

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _unexpected(self, wanted: str) -> UnsupportedPatternError:
        return UnsupportedPatternError(f"{self._text!r} is not modelled where {wanted} is expected")

    def _any(self) -> _Test:
        tests = [self._all()]
        while (self._kind, self._text) == ("mark", "||"):
            self._next()
            tests.append(self._all())
        return lambda document: any(test(document) for test in tests)

    def _all(self) -> _Test:
        tests = [self._one()]
        while (self._kind, self._text) == ("mark", "&&"):
            self._next()
            tests.append(self._one())
        return lambda document: all(test(document) for test in tests)

    def _one(self) -> _Test:
        if (self._kind, self._text) == ("mark", "("):
            self._next()
            self._depth += 1
            if self._depth > _MOST_NESTED:
                raise UnsupportedPatternError(f"more than {_MOST_NESTED} parentheses in each other")
            test = self._any()
            if (self._kind, self._text) != ("mark", ")"):
                raise self._unexpected(")")
            self._next()
            self._depth -= 1
            return test
        if self._kind != "field":
            raise self._unexpected("a field such as $.a")
        return self._comparison(self._next()[1])

    def _comparison(self, field: str) -> _Test:
        steps = [name or key or int(index) for name, index, key in _STEP.findall(field)]
        kind, text = self._tokens[self._at]
        if kind == "bare" and text.upper() in {"IS", "NOT"}:
            return self._state(steps)
        if kind != "mark" or text not in _COMPARISONS:
            raise self._unexpected("a comparison")
        self._next()
        if self._kind not in {"quoted", "bare"}:
            raise self._unexpected("a value")
        value_kind, value = self._next()
        number = _number(value) if value_kind == "bare" else None
        if number is not None:
            compare = _COMPARISONS[text]
            return lambda document: _compares(_found(document, steps), compare, number)
        if text not in {"=", "!="}:
            raise UnsupportedPatternError(f"{text} compares numbers, and {value!r} is none")
        glob = _glob(_unescaped(value))
        return lambda document: _fits(_found(document, steps), glob, is_wanted=text == "=")

    def _state(self, steps: list[str | int]) -> _Test:
        words = f"{self._next()[1]} {self._next()[1]}".upper()
        match words:
            case "IS NULL":
                return lambda document: _found(document, steps) is None
            case "IS TRUE":
                return lambda document: _found(document, steps) is True
            case "IS FALSE":
                return lambda document: _found(document, steps) is False
            case "NOT EXISTS":
                return lambda document: _found(document, steps) is _ABSENT
            case _:
                raise UnsupportedPatternError(f"{words} is none of IS NULL, IS TRUE, IS FALSE and NOT EXISTS")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _glob(text: str) -> str:
    """Return the text as a pattern in which only the asterisk is special."""
    return re.sub(r"([\[?])", r"[\1]", text)


def _found(document: Any, steps: list[str | int]) -> Any:  # noqa: ANN401 - whatever JSON holds
    for step in steps:
        match document, step:
            case dict(), str() if step in document:
                document = document[step]
            case list(), int() if step < len(document):
                document = document[step]
            case _:
                return _ABSENT
    return document


def _compares(found: object, compare: Callable[[float, float], bool], number: float) -> bool:
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return is_number and compare(found, number)  # type: ignore[arg-type] # a number


def _fits(found: object, glob: str, *, is_wanted: bool) -> bool:
    return isinstance(found, str) and fnmatchcase(found, glob) is is_wanted
