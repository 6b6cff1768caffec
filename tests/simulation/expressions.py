"""DynamoDB's expressions, as far as a journal needs them: conditions, key conditions and updates.

Owns parsing and evaluation over items in DynamoDB's own JSON (`{"S": "text"}`). It refuses everything else,
so that a new expression in the deployer fails loudly here instead of passing untested.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"\s*(?:(<>|<=|>=|[=<>(),+-])|([#:]?[A-Za-z_][A-Za-z0-9_.]*))")


class UnsupportedExpressionError(Exception):
    """The expression uses something that is not modelled here."""


@cache
def _tokens(text: str) -> tuple[str, ...]:
    found, position = [], 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnsupportedExpressionError(text[position:])
        found.append(match.group(1) or match.group(2))
        position = match.end()
    return tuple(found)


def _comparable(value: Mapping[str, Any]) -> tuple[str, Any]:
    ((kind, content),) = value.items()
    return (kind, Decimal(content) if kind == "N" else content)


@dataclass(slots=True)
class _Reader:
    """Reads an expression's tokens from left to right, and evaluates as it reads."""

    tokens: tuple[str, ...]
    names: Mapping[str, str]
    values: Mapping[str, Any]
    item: Mapping[str, Any]
    position: int = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if not token or (expected is not None and token.upper() != expected):
            raise UnsupportedExpressionError(f"{' '.join(self.tokens)}: {expected or 'more'} expected")
        self.position += 1
        return token

    def takes(self, word: str) -> bool:
        if self.peek().upper() != word:
            return False
        self.position += 1
        return True

    def name(self) -> str:
        token = self.take()
        if token.startswith("#"):
            return self.names[token]
        if token.startswith(":") or "." in token:
            raise UnsupportedExpressionError(f"{token} where a name is expected")
        return token

    def operand(self) -> Mapping[str, Any] | None:
        if self.peek().startswith(":"):
            value: Mapping[str, Any] = self.values[self.take()]
            return value
        if self.peek().lower() == "if_not_exists":
            self.take()
            self.take("(")
            present = self.item.get(self.name())
            self.take(",")
            other = self.operand()
            self.take(")")
            return present if present is not None else other
        return self.item.get(self.name())

    # Conditions, loosest binding first.

    def condition(self) -> bool:
        result = self._conjunction()
        while self.takes("OR"):
            result = self._conjunction() or result
        return result

    def _conjunction(self) -> bool:
        result = self._term()
        while self.takes("AND"):
            result = self._term() and result
        return result

    def _term(self) -> bool:
        if self.takes("NOT"):
            return not self._term()
        if self.takes("("):
            result = self.condition()
            self.take(")")
            return result
        match self.peek().lower():
            case "attribute_exists" | "attribute_not_exists" as function:
                self.take()
                self.take("(")
                present = self.name() in self.item
                self.take(")")
                return present is (function == "attribute_exists")
            case "begins_with":
                self.take()
                self.take("(")
                whole = self.operand()
                self.take(",")
                start = self.operand()
                self.take(")")
                assert start is not None
                return whole is not None and whole["S"].startswith(start["S"])
        return self._comparison()

    def _comparison(self) -> bool:
        left = self.operand()
        operator = self.take()
        if operator.upper() == "BETWEEN":
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return _compare(">=", left, low) and _compare("<=", left, high)
        if operator.upper() == "IN":
            self.take("(")
            found = _compare("=", left, self.operand())
            while self.takes(","):
                found = _compare("=", left, self.operand()) or found
            self.take(")")
            return found
        return _compare(operator, left, self.operand())

    # Updates.

    def update(self) -> tuple[dict[str, Any], set[str]]:
        changed: dict[str, Any] = {}
        removed: set[str] = set()
        while self.peek():
            if self.takes("SET"):
                self._set(changed)
                while self.takes(","):
                    self._set(changed)
            elif self.takes("REMOVE"):
                removed.add(self.name())
                while self.takes(","):
                    removed.add(self.name())
            else:
                raise UnsupportedExpressionError(f"{self.peek()} in an update")
        return changed, removed

    def _set(self, changed: dict[str, Any]) -> None:
        name = self.name()
        self.take("=")
        value = self.operand()
        if value is None:
            raise UnsupportedExpressionError(f"SET {name} to an attribute that is missing")
        if self.peek() in {"+", "-"}:
            sign = 1 if self.take() == "+" else -1
            other = self.operand()
            assert other is not None
            value = {"N": str(Decimal(value["N"]) + sign * Decimal(other["N"]))}
        changed[name] = value


def _compare(operator: str, left: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> bool:
    if left is None or right is None:
        return operator == "<>" and left is not right
    (kind, one), (other_kind, other) = _comparable(left), _comparable(right)
    if operator == "=":
        return kind == other_kind and bool(one == other)
    if operator == "<>":
        return kind != other_kind or bool(one != other)
    if kind != other_kind:
        return False
    match operator:
        case "<":
            return bool(one < other)
        case "<=":
            return bool(one <= other)
        case ">":
            return bool(one > other)
        case ">=":
            return bool(one >= other)
    raise UnsupportedExpressionError(operator)


def holds(expression: str, request: Mapping[str, Any], item: Mapping[str, Any] | None) -> bool:
    """Tell whether a condition holds for an item, or for none."""
    reader = _reader(expression, request, item or {})
    result = reader.condition()
    if reader.peek():
        raise UnsupportedExpressionError(f"{expression}: {reader.peek()} is too much")
    return result


def updated(expression: str, request: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the item as an update expression leaves it."""
    changed, removed = _reader(expression, request, item).update()
    return {key: value for key, value in {**item, **changed}.items() if key not in removed}


def _reader(expression: str, request: Mapping[str, Any], item: Mapping[str, Any]) -> _Reader:
    return _Reader(
        _tokens(expression),
        request.get("ExpressionAttributeNames", {}),
        request.get("ExpressionAttributeValues", {}),
        item,
    )
