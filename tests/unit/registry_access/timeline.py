"""Virtual time for editors of policies: every call takes a while, and others act in the meantime."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped] # it publishes no types

if TYPE_CHECKING:
    from collections.abc import Callable


class Timeline:
    """Run tasks, one at a time, in the order of their times; equal times in the order they were put."""

    def __init__(self) -> None:
        self.now = 0.0
        self._entries: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0

    def at(self, time: float, action: Callable[[], object]) -> None:
        """Do something at a time."""
        self._count += 1
        heapq.heappush(self._entries, (time, self._count, action))

    def start(self, time: float, run: Callable[[], object]) -> Run:
        """Run code at a time; it stops wherever it calls `wait`."""
        return Run(self, time, run)

    def wait(self, seconds: float) -> None:
        """Let everybody else run for so long. Called from within a run."""
        current = getcurrent()
        self.at(self.now + seconds, lambda: None if current.dead else current.switch())
        current.parent.switch()

    def play(self) -> None:
        """Run until nothing is left to do."""
        while self._entries:
            time, _, action = heapq.heappop(self._entries)
            self.now = max(self.now, time)
            action()


class Run:
    """Code in virtual time, and its result."""

    def __init__(self, timeline: Timeline, time: float, run: Callable[[], object]) -> None:
        self.failure: Exception | None = None
        self.finished = False
        self._run = run
        self._greenlet = greenlet(self._body)
        timeline.at(time, self._start)

    def crash(self) -> None:
        """End it where it waits: nothing after that has any effect."""
        if not self._greenlet.dead:
            self._greenlet.parent = getcurrent()
            self._greenlet.throw(GreenletExit)

    def _start(self) -> None:
        if not self._greenlet.dead:
            self._greenlet.parent = getcurrent()
            self._greenlet.switch()

    def _body(self) -> None:
        try:
            self._run()
            self.finished = True
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.failure = error


@dataclass
class SharedPolicy:
    """A policy that several editors change: the stored text, and every write in order."""

    timeline: Timeline
    text: str | None = None
    lag_seconds: float = 0.0
    """How old a read may be: bucket configurations are eventually consistent."""
    writes: list[tuple[float, str | None]] = field(default_factory=list)

    def set(self, text: str | None) -> None:
        """Replace the policy now."""
        if not self.writes:
            self.writes.append((float("-inf"), self.text))
        self.text = text
        self.writes.append((self.timeline.now, text))

    def seen(self) -> str | None:
        """Return the policy as a read shows it now."""
        if not self.writes:
            return self.text
        return [text for time, text in self.writes if time <= self.timeline.now - self.lag_seconds][-1]


@dataclass
class Holder:
    """One editor's view of a shared policy; every call takes effect some time after it began."""

    policy: SharedPolicy
    delays: Callable[[], float]
    largest_bytes: int = 20_480
    name: str = "the bucket models"
    last_read: str | None = None
    based_on: list[tuple[str | None, str | None]] = field(default_factory=list)
    """For each write: the last read before it, and the written text."""
    writing: bool = False
    """Whether a write is under way: from the read before it, as nothing is between, to its effect."""

    def read(self) -> str | None:
        """Read what stands when the answer is made."""
        self.policy.timeline.wait(self.delays())
        self.last_read = self.policy.seen()
        return self.last_read

    def write(self, text: str) -> None:
        """Write, some time after the call began."""
        self._set(text)

    def remove(self) -> None:
        """Remove, some time after the call began."""
        self._set(None)

    def _set(self, text: str | None) -> None:
        self.writing = True
        try:
            self.policy.timeline.wait(self.delays())
        finally:
            self.writing = False
        self.based_on.append((self.last_read, text))
        self.policy.set(text)
