"""Kleene's three-valued logic.

Owns and, or and not over True, False and None (unknown). With known parts they equal Python's own. Source:
Kleene, "Introduction to Metamathematics", paragraph 64 (strong tables).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Truth: TypeAlias = bool | None
"""True, False, or None if the answer depends on something unknown."""


def every(parts: Iterable[Truth]) -> Truth:
    """Tell whether all parts hold: one False decides, even beside unknown parts."""
    is_unknown = False
    for part in parts:
        if part is False:
            return False
        is_unknown = is_unknown or part is None
    return None if is_unknown else True


def some(parts: Iterable[Truth]) -> Truth:
    """Tell whether any part holds: one True decides, even beside unknown parts."""
    is_unknown = False
    for part in parts:
        if part:
            return True
        is_unknown = is_unknown or part is None
    return None if is_unknown else False


def negated(part: Truth) -> Truth:
    """Tell whether a part does not hold."""
    return None if part is None else not part
