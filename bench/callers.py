"""Calls an endpoint at a steady rate, and measures what a bad version did to the callers."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SECONDS_BETWEEN_CALLS: Final = 0.05


class Answer(Enum):
    """The result of a call."""

    FORMER = "the former version answered"
    BAD = "the bad version answered"
    FAILED = "it failed"


@dataclass(slots=True)
class Caller:
    """Calls an endpoint at a steady rate while the context lasts, however slow the answers are.

    Attributes:
        answers: For each call in order, when it began on the monotonic clock, and its result.
    """

    endpoint_name: str
    call: Callable[[], Answer]
    answers: list[tuple[float, Answer]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._call_until_stopped, name=self.endpoint_name, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    @property
    def exposed_at(self) -> float | None:
        """When the bad version's first call began."""
        return next((at for at, answer in self.answers if answer is not Answer.FORMER), None)

    def _call_until_stopped(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            began = time.monotonic()
            self.answers.append((began, self.call()))
            due = max(due + SECONDS_BETWEEN_CALLS, began)


@dataclass(frozen=True, slots=True)
class Measured:
    """The bad version as the endpoint's callers saw it.

    Attributes:
        calls: Calls in the window.
        failed: Failed calls among them.
        exposed_seconds: From the bad version's first call in the window to its last.
        exposed_calls: Calls within these seconds.
    """

    calls: int
    failed: int
    exposed_seconds: float
    exposed_calls: int

    @classmethod
    def of(cls, answers: Sequence[tuple[float, Answer]], begins_at: float, seconds: float) -> Measured:
        """Measure a window with this start and length."""
        window = [(at, answer) for at, answer in answers if begins_at <= at < begins_at + seconds]
        last = max(at for at, answer in window if answer is not Answer.FORMER)
        return cls(
            calls=len(window),
            failed=sum(answer is Answer.FAILED for _, answer in window),
            exposed_seconds=last - begins_at,
            exposed_calls=sum(at <= last for at, _ in window),
        )

    @property
    def percent(self) -> float:
        """The share of the window's calls that failed."""
        return 100 * self.failed / self.calls

    @property
    def exposed_percent(self) -> float:
        """The share of failed calls while the bad version got any."""
        return 100 * self.failed / self.exposed_calls
