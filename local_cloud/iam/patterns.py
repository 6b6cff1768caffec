"""Match what a policy says with what a request is: wildcards, ARNs and policy variables.

Source: IAM user guide, "Resource" and "Policy variables" of the policy elements reference, and the Arn
condition operators. Everything here is pure. `variables` are the request's keys, in lower case; without them
`${…}` is plain text, as in policies of the version 2008-10-17.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.iam.policies import Values

_ARN_FIELDS = 6
_VARIABLE = re.compile(r"\$\{\s*([^}]*?)\s*\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}
"""`${*}` is an asterisk, not a wildcard; so are the other two."""


class UnresolvedVariableError(Exception):
    """A policy variable has no single value in this request."""


def matches_action(pattern: str, action: str) -> bool:
    """Tell whether a policy's action names this one; case does not matter, wildcards may be anywhere."""
    return _wildcards(pattern.lower()).fullmatch(action.lower()) is not None


def matches_text(pattern: str, text: str, variables: Mapping[str, Values] | None) -> bool:
    """Tell whether a text is like a pattern, as `StringLike` compares: case matters.

    Raises:
        UnresolvedVariableError: The pattern has a variable without a value.
    """
    return _compiled(pattern, variables).fullmatch(text) is not None


def matches_arn(pattern: str, arn: str, variables: Mapping[str, Values] | None) -> bool:
    """Tell whether an ARN is like a pattern: field by field, each of which may have wildcards.

    A pattern with fewer than six fields has wildcards for the rest; `*` alone is everything. What follows
    the fifth colon is one field, in which a wildcard may stand for colons and slashes.

    Raises:
        UnresolvedVariableError: The pattern has a variable without a value.
    """
    if pattern == "*":
        return True
    if arn == "*":
        return False
    wanted = _fields(pattern)
    given = arn.split(":", _ARN_FIELDS - 1)
    if len(given) != _ARN_FIELDS:
        return matches_text(pattern, arn, variables)
    wanted += ["*"] * (_ARN_FIELDS - len(wanted))
    return all(matches_text(field, text, variables) for field, text in zip(wanted, given, strict=True))


def substituted(text: str, variables: Mapping[str, Values] | None) -> str:
    """Return a text with its variables' values in their places, to be compared as it is.

    Raises:
        UnresolvedVariableError: A variable has no single value.
    """
    if variables is None or "${" not in text:
        return text
    return _VARIABLE.sub(lambda found: _value_of(found[1], variables), text)


def _fields(pattern: str) -> list[str]:
    """Split a pattern at its colons, but not at those in variables such as `${aws:username}`."""
    hidden = _VARIABLE.sub(lambda found: found[0].replace(":", "\0"), pattern)
    return [field.replace("\0", ":") for field in hidden.split(":", _ARN_FIELDS - 1)]


def _compiled(pattern: str, variables: Mapping[str, Values] | None) -> re.Pattern[str]:
    if variables is None or "${" not in pattern:
        return _wildcards(pattern)
    expression, position = "", 0
    for found in _VARIABLE.finditer(pattern):
        expression += _expression(pattern[position : found.start()])
        # A value is compared as it is: a tag with an asterisk in it is no wildcard.
        expression += re.escape(_value_of(found[1], variables))
        position = found.end()
    return re.compile(expression + _expression(pattern[position:]), re.DOTALL)


def _value_of(variable: str, values: Mapping[str, Values]) -> str:
    if variable in _LITERALS:
        return _LITERALS[variable]
    name, comma, default = variable.partition(",")
    value = values.get(name.strip().lower())
    if isinstance(value, str):
        return value
    if value is None and comma:
        return default.strip().strip("'")
    raise UnresolvedVariableError(variable)


@lru_cache(maxsize=4096)
def _wildcards(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern), re.DOTALL)


def _expression(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern)
