"""Hold a request's keys: known, absent or unknown.

Owns the difference between an absent key and an unknown one. The local cloud enforces policies and knows
every key. The doctor looks from outside and knows a few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Values: TypeAlias = str | tuple[str, ...]
"""A condition key's value: a text, or several for a key with many values. Without values, the key is
absent."""


@dataclass(frozen=True, slots=True)
class Context:
    """The known keys of a request.

    Attributes:
        keys: By their names in lower case. A key without values is known to be absent.
        is_complete: Whether every other key is absent; if not, other keys are unknown.
    """

    keys: Mapping[str, Values]
    is_complete: bool = True

    def values(self, key: str) -> tuple[str, ...] | None:
        """Return all values of a key, in any letter case; none if it is absent, None if it is unknown."""
        value = self.keys.get(key.lower())
        if value is None:
            return () if self.is_complete else None
        return (value,) if isinstance(value, str) else value

    def is_single(self, key: str) -> bool:
        """Tell whether a key has a single value, not a list of values."""
        return isinstance(self.keys.get(key.lower()), str)
