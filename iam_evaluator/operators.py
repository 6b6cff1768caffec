"""Compare a request's value with a policy's value, by IAM's condition operators.

Owns comparing texts, numbers, dates, booleans, addresses and ARNs, and the spelling of operators. Policy
variables work only in texts and ARNs. Source: IAM user guide, "IAM JSON policy elements: Condition
operators", and for variables "Condition element" of "Policy variables".
"""

from __future__ import annotations

import base64
import ipaddress
import operator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from iam_evaluator import matching

if TYPE_CHECKING:
    from collections.abc import Callable

    from iam_evaluator.request_context import Context
    from iam_evaluator.truth import Truth

Compare: TypeAlias = "Callable[[str, str, Context | None], Truth]"
"""Takes a request's value, a policy's value, and the keys of its variables."""


class Quantifier(Enum):
    """How an operator treats a key with many values."""

    ONE = ""
    ALL = "forallvalues"
    ANY = "foranyvalue"


@dataclass(frozen=True, slots=True)
class Operator:
    """A parsed condition operator; without `compare` it is `Null`."""

    compare: Compare | None
    is_negated: bool = False
    if_exists: bool = False
    quantifier: Quantifier = Quantifier.ONE


def parse_operator(name: str) -> Operator | None:
    """Parse an operator such as `ForAnyValue:StringNotLikeIfExists`; None if IAM does not know it."""
    prefix, colon, rest = name.lower().partition(":")
    if not colon:
        prefix, rest = "", name.lower()
    quantifiers = {each.value: each for each in Quantifier}
    if prefix not in quantifiers or (colon and not prefix):
        return None
    if rest == "null":
        return Operator(None) if not colon else None
    base = rest.removesuffix("ifexists")
    if base not in _COMPARES:
        return None
    compare, is_negated = _COMPARES[base]
    return Operator(compare, is_negated, base != rest, quantifiers[prefix])


def demands_key(name: str) -> bool:
    """Tell whether a condition with this operator fails if the request lacks the key."""
    found = parse_operator(name)
    if found is None or found.compare is None:
        return False
    return not (found.is_negated or found.if_exists) and found.quantifier is not Quantifier.ALL


def _equal(value: str, wanted: str, context: Context | None) -> Truth:
    return matching.equals_text(wanted, value, context)


def _equal_ignoring_case(value: str, wanted: str, context: Context | None) -> Truth:
    return matching.equals_text(wanted, value, context, ignores_case=True)


def _like(value: str, wanted: str, context: Context | None) -> Truth:
    return matching.matches_text(wanted, value, context)


def _arn_like(value: str, wanted: str, context: Context | None) -> Truth:
    return matching.matches_arn(wanted, value, context)


def _same_bytes(value: str, wanted: str, _context: Context | None) -> bool:
    try:
        return base64.b64decode(value, validate=True) == base64.b64decode(wanted, validate=True)
    except ValueError:
        return False


def _same_boolean(value: str, wanted: str, _context: Context | None) -> bool:
    return value.lower() == wanted.lower()


def _in_network(value: str, wanted: str, _context: Context | None) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _ordered(read: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> Compare:
    def compare(value: str, wanted: str, _context: Context | None) -> bool:
        given, limit = read(value), read(wanted)
        return given is not None and limit is not None and holds(given, limit)

    return compare


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _instant(text: str) -> datetime | None:
    """Read seconds since 1970, or an ISO 8601 date."""
    seconds = _number(text)
    try:
        if seconds is not None:
            return datetime.fromtimestamp(float(seconds), UTC)
        found = datetime.fromisoformat(text)
    except (OSError, OverflowError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": operator.eq,
    "lessthan": operator.lt,
    "lessthanequals": operator.le,
    "greaterthan": operator.gt,
    "greaterthanequals": operator.ge,
}
_COMPARES: dict[str, tuple[Compare, bool]] = {
    "stringequals": (_equal, False),
    "stringnotequals": (_equal, True),
    "stringequalsignorecase": (_equal_ignoring_case, False),
    "stringnotequalsignorecase": (_equal_ignoring_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "arnequals": (_arn_like, False),
    "arnlike": (_arn_like, False),
    "arnnotequals": (_arn_like, True),
    "arnnotlike": (_arn_like, True),
    "binaryequals": (_same_bytes, False),
    "bool": (_same_boolean, False),
    "ipaddress": (_in_network, False),
    "notipaddress": (_in_network, True),
    **{f"numeric{name}": (_ordered(_number, holds), False) for name, holds in _ORDERS.items()},
    **{f"date{name}": (_ordered(_instant, holds), False) for name, holds in _ORDERS.items()},
    "numericnotequals": (_ordered(_number, operator.eq), True),
    "datenotequals": (_ordered(_instant, operator.eq), True),
}
"""How each operator compares, and whether it negates the comparison."""
