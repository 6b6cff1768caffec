"""Virtual time: a clock that tests set, and a control plane that runs on it until it rests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_cloud.sagemaker.control_plane import ControlPlane


START = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """A clock that stands still until it is set."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time that was set last."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by some seconds."""
        self.set(self._now + timedelta(seconds=seconds))

    def set(self, time: datetime) -> None:
        """Move on to a time.

        Raises:
            ValueError: The time is in the past.
        """
        if time < self._now:
            raise ValueError(f"The clock is at {self._now} and cannot go back to {time}.")
        self._now = time


def settle(control_plane: ControlPlane, clock: VirtualClock, limit_seconds: float = 86400.0) -> None:
    """Let time pass from transition to transition until nothing changes by itself.

    Raises:
        RuntimeError: Something still changes after the limit.
    """
    end = clock.now() + timedelta(seconds=limit_seconds)
    control_plane.advance()
    while (due := control_plane.next_due()) is not None:
        if due > end:
            raise RuntimeError(f"The control plane did not come to rest within {limit_seconds} seconds.")
        clock.set(max(due, clock.now()))
        control_plane.advance()
