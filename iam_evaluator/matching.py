"""Match a policy's patterns with a request: wildcards, ARNs and policy variables.

Source: IAM user guide, "Resource" and "Policy variables" of the policy elements reference, and the Arn
condition operators. Pure. `request_context` has the keys of variables; without it `${…}` is plain text, as in
policies of the version 2008-10-17.

A variable whose key is absent, or has several values, "is effectively null. There is no equal or like value"
("Policy variables with no value"). Its text matches nothing, so a negated operator holds. If the key is
unknown, the match is unknown.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from iam_evaluator.truth import every

if TYPE_CHECKING:
    from iam_evaluator.request_context import Context
    from iam_evaluator.truth import Truth

_ARN_FIELDS = 6
_VARIABLE = re.compile(r"\$\{\s*([^}]*?)\s*\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}
"""`${*}` is an asterisk, not a wildcard; the other two likewise."""


class _Piece(NamedTuple):
    """A part of a pattern: as written, or a variable's value, which has no wildcards."""

    text: str
    is_literal: bool


def matches_action(pattern: str, action: str) -> bool:
    """Tell whether a policy's action matches this one, with wildcards anywhere and in any letter case."""
    return _compiled_action(pattern).fullmatch(action) is not None


def equals_text(wanted: str, text: str, context: Context | None, *, ignores_case: bool = False) -> Truth:
    """Tell whether a text equals a policy's, as `StringEquals` compares: without wildcards."""
    resolves = _resolves(wanted, context)
    if resolves is not True:
        return resolves
    whole = "".join(piece.text for piece in _pieces(wanted, context))
    return whole.lower() == text.lower() if ignores_case else whole == text


def matches_text(pattern: str, text: str, context: Context | None) -> Truth:
    """Tell whether a text matches a pattern, as `StringLike` compares: case matters."""
    resolves = _resolves(pattern, context)
    if resolves is not True:
        return resolves
    return _compiled(_pieces(pattern, context)).fullmatch(text) is not None


def matches_arn(pattern: str, arn: str, context: Context | None) -> Truth:
    """Tell whether an ARN matches a pattern: field by field, each with wildcards.

    A pattern with fewer than six fields has wildcards for the rest; `*` alone is everything. Everything after
    the fifth colon is one field, in which a wildcard may match colons and slashes.
    """
    if pattern == "*":
        return True
    if arn == "*":
        return False
    given = arn.split(":", _ARN_FIELDS - 1)
    if len(given) != _ARN_FIELDS:
        return matches_text(pattern, arn, context)
    resolves = _resolves(pattern, context)
    if resolves is not True:
        return resolves
    wanted = _compiled_fields(_pieces(pattern, context))
    return all(field.fullmatch(text) is not None for field, text in zip(wanted, given, strict=True))


def matches_resource(pattern: str, arn: str, context: Context | None) -> Truth:
    """Tell whether a policy's resource matches this one, as `matches_arn` does.

    A variable may appear only after the fifth colon ("Resource element" of "Policy variables"). AWS does not
    document others; here they match nothing.
    """
    if context is not None and "${" in pattern:
        variable = _VARIABLE.search(pattern)
        if variable is not None and pattern.count(":", 0, variable.start()) < _ARN_FIELDS - 1:
            return False
    return matches_arn(pattern, arn, context)


def may_overlap(pattern: str, other: str) -> bool:
    """Tell whether some ARN matches both patterns; a variable may have any value.

    Like `matches_arn`, field by field; a pattern with fewer than six fields has wildcards for the rest.
    """
    ours, theirs = (_VARIABLE.sub("*", each).split(":", _ARN_FIELDS - 1) for each in (pattern, other))
    return all(_texts_overlap(one, two) for one, two in zip(ours, theirs, strict=False))


@lru_cache(maxsize=4096)
def _texts_overlap(one: str, two: str) -> bool:
    """Tell whether some text matches both patterns."""
    # The possible prefixes of `two` for the part of `one` that was read.
    possible = _beyond_asterisks({0}, two)
    for character in one:
        if character == "*":
            possible = set(range(min(possible, default=len(two) + 1), len(two) + 1))
            continue
        after = set()
        for position in possible:
            if position == len(two):
                continue
            if two[position] == "*":
                after.add(position)
            elif character == "?" or two[position] in {character, "?"}:
                after.add(position + 1)
        possible = _beyond_asterisks(after, two)
    return len(two) in possible


def _beyond_asterisks(positions: set[int], pattern: str) -> set[int]:
    """Return the positions, and those after asterisks there, which may match nothing."""
    found = set(positions)
    for position in range(len(pattern)):
        if position in found and pattern[position] == "*":
            found.add(position + 1)
    return found


def _resolves(text: str, context: Context | None) -> Truth:
    """Tell whether every variable of a text has a value."""
    if context is None or "${" not in text:
        return True
    return every(_has_value(found[1], context) for found in _VARIABLE.finditer(text))


def _has_value(variable: str, context: Context) -> Truth:
    if variable in _LITERALS:
        return True
    name, comma, _ = variable.partition(",")
    values = context.values(name.strip())
    if values is None:
        return None
    return context.is_single(name.strip()) if values else bool(comma)


def _value_of(variable: str, context: Context) -> str:
    """Return the value of a variable that has one."""
    if variable in _LITERALS:
        return _LITERALS[variable]
    name, _, default = variable.partition(",")
    values = context.values(name.strip())
    return values[0] if values else default.strip().strip("'")


def _pieces(pattern: str, context: Context | None) -> tuple[_Piece, ...]:
    if context is None or "${" not in pattern:
        return (_Piece(pattern, is_literal=False),)
    pieces, position = [], 0
    for found in _VARIABLE.finditer(pattern):
        pieces.append(_Piece(pattern[position : found.start()], is_literal=False))
        # A value is compared literally: an asterisk in a tag is no wildcard.
        pieces.append(_Piece(_value_of(found[1], context), is_literal=True))
        position = found.end()
    return (*pieces, _Piece(pattern[position:], is_literal=False))


@lru_cache(maxsize=4096)
def _compiled_action(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern, is_literal=False), re.IGNORECASE)


@lru_cache(maxsize=4096)
def _compiled(pieces: tuple[_Piece, ...]) -> re.Pattern[str]:
    return re.compile(
        "".join(_expression(piece.text, is_literal=piece.is_literal) for piece in pieces), re.DOTALL
    )


@lru_cache(maxsize=4096)
def _compiled_fields(pieces: tuple[_Piece, ...]) -> tuple[re.Pattern[str], ...]:
    """Split a pattern at its first five colons, including colons from variables."""
    fields = [""]
    for text, is_literal in pieces:
        first, *others = text.split(":", _ARN_FIELDS - len(fields))
        fields[-1] += _expression(first, is_literal=is_literal)
        fields += [_expression(other, is_literal=is_literal) for other in others]
    fields += [".*"] * (_ARN_FIELDS - len(fields))
    return tuple(re.compile(field, re.DOTALL) for field in fields)


def _expression(text: str, *, is_literal: bool) -> str:
    if is_literal:
        return re.escape(text)
    return "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in text)
