"""Metric math: the expressions of alarms, over the values of one period.

Owns parsing and computing them; the caller supplies values. A missing value is None, and so is every result
that needs it, unless `FILL` replaces it. Division by zero gives no value, as in CloudWatch. Source: "Using
math expressions with CloudWatch metrics". Search expressions, anomaly bands and functions over whole time
series are refused by name.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value: TypeAlias = "float | None"

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign><=|>=|==|!=|&&|\|\||[-+*/^(),<>\[\]]))"
)
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}
_OF_ONE: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_OF_MANY: dict[str, Callable[[list[float]], float]] = {
    "MAX": max,
    "MIN": min,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}
FUNCTIONS = ("IF", "FILL", *_OF_ONE, *_OF_MANY)
"""Every known function."""


class ExpressionError(Exception):
    """An expression is malformed, or uses something that is not modelled."""


class UnknownIdError(ExpressionError):
    """An expression uses an id without a value so far."""


def compute(expression: str, values: Mapping[str, Value]) -> Value:
    """Return an expression's value, or None if there is none.

    Args:
        expression: Metric math, such as `IF(m1 > 0, 100 * m2 / m1, 0)`.
        values: The values of its ids.

    Raises:
        ExpressionError: It is malformed, or uses an unknown id or function.
    """
    return _Reader(expression, values).whole()


class _Reader:
    """Parses and computes at the same time, by recursive descent."""

    def __init__(self, expression: str, values: Mapping[str, Value]) -> None:
        self._expression = expression
        self._values = values
        self._tokens = _tokens(expression)
        self._next = 0

    def whole(self) -> Value:
        value = self._disjunction()
        if self._next < len(self._tokens):
            raise self._error(f"unexpected {self._tokens[self._next]!r}")
        return value

    def _error(self, what: str) -> ExpressionError:
        return _error(self._expression, what)

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self, *signs: str) -> str | None:
        """Take the next token if it is one of these."""
        if self._peek() in signs and self._peek():
            self._next += 1
            return self._tokens[self._next - 1]
        return None

    def _demand(self, sign: str) -> None:
        if self._take(sign) is None:
            raise self._error(f"{sign!r} is missing before {self._peek() or 'its end'!r}")

    def _disjunction(self) -> Value:
        value = self._conjunction()
        while self._take("||", "OR"):
            value = _both(value, self._conjunction(), lambda left, right: bool(left) or bool(right))
        return value

    def _conjunction(self) -> Value:
        value = self._comparison()
        while self._take("&&", "AND"):
            value = _both(value, self._comparison(), lambda left, right: bool(left) and bool(right))
        return value

    def _comparison(self) -> Value:
        value = self._sum()
        while sign := self._take(*_COMPARISONS):
            value = _both(value, self._sum(), _COMPARISONS[sign])
        return value

    def _sum(self) -> Value:
        value = self._product()
        while sign := self._take("+", "-"):
            factor = 1 if sign == "+" else -1
            value = _both(value, self._product(), lambda left, right, by=factor: left + by * right)  # type: ignore[misc] # the default binds the loop's variable
        return value

    def _product(self) -> Value:
        value = self._power()
        while sign := self._take("*", "/"):
            value = _both(value, self._power(), _times if sign == "*" else _over)
        return value

    def _power(self) -> Value:
        if self._take("-"):
            return _both(0.0, self._power(), lambda left, right: left - right)
        value = self._atom()
        if self._take("^"):
            return _both(value, self._power(), lambda left, right: left**right)
        return value

    def _atom(self) -> Value:
        if self._take("("):
            value = self._disjunction()
            self._demand(")")
            return value
        token = self._peek()
        if not token or not (token[0].isalnum() or token[0] == "_"):
            raise self._error(f"a value is missing before {token or 'its end'!r}")
        self._next += 1
        if token[0].isdigit():
            return float(token)
        if self._take("("):
            return self._function(token)
        if token not in self._values:
            raise UnknownIdError(str(self._error(f"there is no {token!r}")))
        return self._values[token]

    def _function(self, name: str) -> Value:
        arguments = self._arguments()
        self._demand(")")
        match name, arguments:
            case "IF", [condition, yes, no]:
                return None if condition is None else yes if condition else no
            case "FILL", [value, instead]:
                return instead if value is None else value
            case _, [value] if name in _OF_ONE:
                return None if value is None else _OF_ONE[name](value)
            case _, [*values] if name in _OF_MANY and values:
                present = [value for value in values if value is not None]
                return _OF_MANY[name](present) if present else None
        raise self._error(
            f"there is no {name} of {len(arguments)} value(s); the local cloud knows {', '.join(FUNCTIONS)}"
        )

    def _arguments(self) -> list[Value]:
        """Return a function's arguments; a list in brackets counts as its members."""
        is_list = self._take("[") is not None
        arguments = [self._disjunction()]
        while self._take(","):
            arguments.append(self._disjunction())
        if is_list:
            self._demand("]")
        return arguments


def _tokens(expression: str) -> list[str]:
    tokens, position, text = [], 0, expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _error(expression, f"unexpected {text[position:].strip()[0]!r}")
        tokens.append(match[0].strip())
        position = match.end()
    return tokens


def _error(expression: str, what: str) -> ExpressionError:
    return ExpressionError(f"The metric math expression {expression!r} cannot be used: {what}.")


def _both(left: Value, right: Value, compute_both: Callable[[float, float], float | None]) -> Value:
    if left is None or right is None:
        return None
    value = compute_both(left, right)
    return None if value is None else float(value)


def _times(left: float, right: float) -> float:
    return left * right


def _over(left: float, right: float) -> float | None:
    return left / right if right else None
