"""The keys of a request: what is known of them, and what it means that nothing is.

Owns the difference between a key that a request does not have and one of which nobody knows. Whoever enforces
policies knows every key; whoever looks at them from outside, as the doctor does, knows a few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Values: TypeAlias = str | tuple[str, ...]
"""A condition key's value: a text, or several for a key that has many. Without any, the key is absent."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a request's keys are.

    Attributes:
        keys: By their names in lower case. A key with no values is known to be absent.
        is_complete: Whether a key that is not here is absent too; otherwise nobody knows.
    """

    keys: Mapping[str, Values]
    is_complete: bool = True

    def values(self, key: str) -> tuple[str, ...] | None:
        """Return all values of a key, whose case does not matter; none if it is absent, None if unknown."""
        value = self.keys.get(key.lower())
        if value is None:
            return () if self.is_complete else None
        return (value,) if isinstance(value, str) else value

    def is_single(self, key: str) -> bool:
        """Tell whether a key's value is one text, and not one of several that a key may have."""
        return isinstance(self.keys.get(key.lower()), str)
