"""Let edits take a while until they are known, as IAM's do.

Owns what is known of something that changes, and from when on. Nobody says here when it was edited: an edit
counts as made when it is seen first, unless it is known how old the thing is.
Source: IAM user guide, "troubleshoot_general_eventual-consistency": changes are not seen everywhere at once.
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
    """What is known, and the edits that are not yet, each with when it was made."""

    value: Any
    edits: deque[tuple[float, Any]] = field(default_factory=deque)

    @property
    def newest(self) -> Any:  # noqa: ANN401 - whatever is kept
        return self.edits[-1][1] if self.edits else self.value


class Propagation:
    """What is known of things that are edited.

    Attributes:
        seconds: Answers how long an edit takes; with 0, all is known at once.
        now: Answers the time, in seconds.
    """

    def __init__(self, *, seconds: Callable[[], float], now: Callable[[], float]) -> None:
        self.seconds = seconds
        self.now = now
        self._things: dict[Hashable, _Known] = {}

    def known(
        self, thing: Hashable, value: _Value, *, before: _Value, made_at: float | None = None
    ) -> _Value:
        """Return what is known of a thing that is like this now.

        Args:
            thing: What it is.
            value: How it is.
            before: How it was before it was made.
            made_at: When it was made; without it, what is seen first is known already.
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
