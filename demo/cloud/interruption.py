"""Ends a program at Ctrl-C or SIGTERM, but only where that leaves nothing behind."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Notes a signal while the context lasts, and raises `KeyboardInterrupt` where `allowed`.

    Attributes:
        is_wanted: Whether a signal has come.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        self._is_allowed = False

    def __enter__(self) -> Self:
        self._before = [signal.signal(each, self._note) for each in _SIGNALS]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for each, handler in zip(_SIGNALS, self._before, strict=True):
            signal.signal(each, handler)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let a signal interrupt the context: at once, or at its begin if one has come already."""
        self._is_allowed = True
        try:
            if self.is_wanted:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_allowed = False

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.is_wanted = True
        if self._is_allowed:
            # A second signal must not interrupt what cleans up after the first.
            self._is_allowed = False
            raise KeyboardInterrupt
