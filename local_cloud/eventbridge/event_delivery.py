"""Deliver AWS services' events to event buses, no more reliably than AWS promises.

Owns when and how often an event arrives, and the log of emitted events. It does not interpret events.
"""

from __future__ import annotations

import heapq
import logging
import random
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.timings import MOST_SECONDS, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LOGGER = logging.getLogger("local_cloud.event_delivery")
_KEPT_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class DeliverySwitches:
    """How events are delivered; AWS reserves each of these (best effort, at least once, unordered).

    Probabilities are from 0 to 1. Each delivery's delay is uniform from zero to `delay_seconds`, so events
    overtake each other.
    """

    duplicate_probability: float = 0.0
    drop_probability: float = 0.0
    delay_seconds: float = 0.0

    def to_document(self) -> dict[str, float]:
        """Return the settings as a JSON object."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], base: DeliverySwitches) -> DeliverySwitches:
        """Build settings from a JSON object; missing members come from `base`.

        Raises:
            ValueError: A member is unknown, or a value is not from 0 (to 1 for a probability).
        """
        known = {field.name for field in fields(cls)}
        for name, value in document.items():
            if name not in known:
                raise ValueError(f"Unknown delivery switch {name!r}. There is: {', '.join(sorted(known))}.")
            highest = 1 if name.endswith("_probability") else MOST_SECONDS
            if not is_number(value, highest=highest):
                raise ValueError(
                    f"Delivery switch {name!r} cannot be {value!r}. It is a number from 0 to {highest}."
                )
        return replace(base, **document)


@dataclass(frozen=True, slots=True)
class EmittedEvent:
    """One emitted event, and its number of deliveries (0: it was lost)."""

    seq: int
    time: str
    deliveries: int
    event: dict[str, Any]


class EventDelivery:
    """An `EventSink` that hands events to a bus on its own thread, and logs them."""

    def __init__(
        self,
        put: Callable[[dict[str, Any]], None],
        *,
        switches: DeliverySwitches | None = None,
        seed: int = 0,
    ) -> None:
        """Deliver by calling `put` with the envelope; `seed` draws losses, delays and repetitions."""
        self.switches = switches or DeliverySwitches()
        self._put = put
        self._random = random.Random(seed)  # noqa: S311 - a simulated fault, not a secret
        self._log: deque[EmittedEvent] = deque(maxlen=_KEPT_EVENTS)
        self._sequence = count(1)
        self._pending: list[tuple[float, int, dict[str, Any]]] = []
        self._order = count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._deliver, name="event-delivery", daemon=True)
        self._thread.start()

    def emit(self, event: dict[str, Any]) -> None:
        """Log an event and schedule its deliveries; return at once."""
        with self._changed:
            switches = self.switches
            deliveries = 1 + (self._random.random() < switches.duplicate_probability)
            if self._random.random() < switches.drop_probability:
                deliveries = 0
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._log.append(EmittedEvent(next(self._sequence), now, deliveries, event))
            for _ in range(deliveries):
                due = time.monotonic() + self._random.uniform(0, switches.delay_seconds)
                heapq.heappush(self._pending, (due, next(self._order), event))
            self._changed.notify()

    def emitted(self, *, after: int = 0) -> list[EmittedEvent]:
        """Return the logged events whose sequence number is greater than `after`."""
        with self._changed:
            return [emitted for emitted in self._log if emitted.seq > after]

    def stop(self) -> None:
        """Stop delivering; pending events are lost."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join(timeout=5)

    def _deliver(self) -> None:
        while (event := self._wait_for_next()) is not None:
            try:
                self._put(event)
            except Exception:
                # An event that makes one rule's target fail must not stop the delivery of all others.
                _LOGGER.exception("Could not deliver %s %s", event.get("detail-type"), event.get("id"))

    def _wait_for_next(self) -> dict[str, Any] | None:
        with self._changed:
            while not self._stopped:
                if not self._pending:
                    self._changed.wait()
                    continue
                remaining = self._pending[0][0] - time.monotonic()
                if remaining <= 0:
                    return heapq.heappop(self._pending)[2]
                self._changed.wait(remaining)
        return None
