"""Delay edits until they are known, as in IAM.

Owns the known state of a changing thing. This module is not told when a thing was edited: an edit counts from
its first sight, unless the thing's age is known. Source: IAM user guide,
"troubleshoot_general_eventual-consistency": changes are not visible everywhere at once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_Value = TypeVar("_Value")


@dataclass(slots=True)
class _Known:
    """The known state, and the pending edits, each with its time."""

    value: Any
    edits: deque[tuple[float, Any]] = field(default_factory=deque)

    @property
    def newest(self) -> Any:  # noqa: ANN401 - whatever is kept
        return self.edits[-1][1] if self.edits else self.value


class Propagation:
    """The known state of edited things.

    Attributes:
        seconds: Returns the delay of an edit; with 0, everything is known at once.
        now: Returns the time, in seconds.
    """

    def __init__(self, *, seconds: Callable[[], float], now: Callable[[], float]) -> None:
        self.seconds = seconds
        self.now = now
        self._things: dict[Hashable, _Known] = {}

    def known(
        self, thing: Hashable, value: _Value, *, before: _Value, made_at: float | None = None
    ) -> _Value:
        """Return the known state of a thing.

        Args:
            thing: The thing.
            value: Its present state.
            before: Its state before it was made.
            made_at: When it was made; if None, the first state seen is known at once.
        """
        now, seconds = self.now(), self.seconds()
        kept = self._things.get(thing)
        if kept is None:
            is_new = made_at is not None and now - made_at < seconds
            kept = self._things[thing] = _Known(before if is_new else value)
            if is_new:
                kept.edits.append((made_at if made_at is not None else now, value))
        elif kept.newest != value:
            kept.edits.append((now, value))
        while kept.edits and now - kept.edits[0][0] >= seconds:
            kept.value = kept.edits.popleft()[1]
        known: _Value = kept.value
        return known
