"""Run the SageMaker control plane in real time: one call at a time, each state transition when it is due.

The control plane is synchronous and has no threads; this module gives it a lock, a clock and a timer. It adds
no behaviour.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from local_cloud.sagemaker.protocol import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.timings import Timings

_LOGGER = logging.getLogger("local_cloud.real_time")
_SECONDS_AFTER_A_FAILURE = 1.0
_T = TypeVar("_T")


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)


class RealTimeControlPlane:
    """The control plane for the gateway's event loop."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._lock = threading.Lock()
        self._changed = asyncio.Event()

    @property
    def timings(self) -> Timings:
        """The present timings."""
        return self._control_plane.timings

    async def handle(self, *, target: str, body: bytes, caller: Caller) -> tuple[int, dict[str, str], bytes]:
        """Answer one request of the control plane's JSON protocol."""
        answer = await self._exclusively(
            lambda: wire.handle(self._control_plane, target=target, body=body, caller=caller)
        )
        self._changed.set()
        return answer

    async def apply(self, change: Callable[[ControlPlane], _T]) -> _T:
        """Run `change` on the control plane under its lock, and return the result."""
        result = await self._exclusively(lambda: change(self._control_plane))
        self._changed.set()
        return result

    async def advance_forever(self) -> None:
        """Run every transition when it is due, until cancelled."""
        while True:
            self._changed.clear()
            try:
                wait_seconds = await self._exclusively(self._advance)
            except Exception:
                # One endpoint's failed transition must not freeze all the others.
                _LOGGER.exception("A state transition failed; trying again in %s s", _SECONDS_AFTER_A_FAILURE)
                wait_seconds = _SECONDS_AFTER_A_FAILURE
            try:
                await asyncio.wait_for(self._changed.wait(), wait_seconds)
            except TimeoutError:
                continue

    def _advance(self) -> float | None:
        self._control_plane.advance()
        due = self._control_plane.next_due()
        return None if due is None else max(0.0, (due - datetime.now(UTC)).total_seconds())

    async def _exclusively(self, work: Callable[[], _T]) -> _T:
        def locked() -> _T:
            with self._lock:
                return work()

        return await asyncio.to_thread(locked)
