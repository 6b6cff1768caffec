"""Virtual time and its tasks: one agenda, to which every task returns at each of its calls.

Owns the order of everything. Exactly one task runs at any moment, and only `Agenda.run_next` lets one run, so
equal schedules give equal runs. A task is a greenlet: the deployer's own code, unchanged, stops in the middle
of a call and continues when its time has come.
"""

from __future__ import annotations

import heapq
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped] # it publishes no types

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from local_cloud.testing.virtual_clock import VirtualClock
    from tests.simulation.clients import Network


class CrashError(BaseException):
    """The process of an invocation ends here: nothing after it has any effect."""


class Agenda:
    """Future actions by time; equal times keep the order in which they were put."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._entries: list[tuple[datetime, int, Callable[[], object]]] = []
        self._count = 0

    def put(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something so many seconds from now."""
        self._count += 1
        heapq.heappush(self._entries, (self._clock.now() + timedelta(seconds=seconds), self._count, action))

    def next_due(self) -> datetime | None:
        """Return when the next thing happens, or None."""
        return self._entries[0][0] if self._entries else None

    def run_next(self) -> None:
        """Go to the next thing's time and do it."""
        due, _, action = heapq.heappop(self._entries)
        self._clock.set(max(due, self._clock.now()))
        action()


class Task:
    """Code that runs in virtual time, and stops wherever it calls `pause`.

    Args:
        agenda: Where it waits.
        run: The code.
        ended: Called with the code's exception, or None.
        network: The services behind botocore's clients while this code runs.
    """

    def __init__(
        self,
        agenda: Agenda,
        run: Callable[[], None],
        ended: Callable[[BaseException | None], None],
        network: Network,
    ) -> None:
        self._agenda = agenda
        self._run = run
        self._ended = ended
        self._greenlet = greenlet(self._body)
        self._greenlet.network = network
        self.dead = False

    def start(self) -> None:
        """Run until the first pause."""
        self._greenlet.parent = getcurrent()
        self._greenlet.switch()

    def pause(self, seconds: float) -> None:
        """Let everybody else run for so long. Called from within the task."""
        self._agenda.put(seconds, self._resume)
        self._greenlet.parent.switch()
        if self.dead:
            raise CrashError

    def crash(self) -> NoReturn:
        """End the process: the code unwinds, but nothing it still tries has any effect."""
        self.dead = True
        raise CrashError

    def kill(self) -> None:
        """End a task that waits, from outside."""
        self.dead = True
        if not self._greenlet.dead:
            self._greenlet.switch()

    def _resume(self) -> None:
        if not self._greenlet.dead:
            self._greenlet.switch()

    def _body(self) -> None:
        problem: BaseException | None = None
        try:
            self._run()
        except (Exception, CrashError) as error:  # noqa: BLE001 - Lambda takes whatever comes out
            problem = error
        self._ended(CrashError() if self.dead else problem)
