"""The control plane's transitions, in the order in which they are due.

Owns only the order. A subject carries its own due time; an entry is dropped once its subject has a new one.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from local_cloud.sagemaker.state import State


class Subject(Protocol):
    """Something that changes by itself when its time comes."""

    due: datetime | None

    def advance(self, state: State) -> None:
        """Make the due change; set `due` to the next one, or to None."""
        ...


class Timers:
    """A queue of subjects by due time; equal times keep their order of entry."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, Subject]] = []
        self._count = 0

    def put(self, subject: Subject) -> None:
        """Remember a subject at its present due time."""
        assert subject.due is not None, "only what is due gets a timer"
        self._count += 1
        heapq.heappush(self._entries, (subject.due, self._count, subject))

    def next_due(self) -> datetime | None:
        """Return the earliest due time, or None if nothing will change by itself."""
        while self._entries:
            due, _, subject = self._entries[0]
            if subject.due == due:
                return due
            heapq.heappop(self._entries)
        return None

    def take(self, until: datetime) -> Subject | None:
        """Remove and return the earliest subject, if it is due by `until`."""
        due = self.next_due()
        if due is None or due > until:
            return None
        return heapq.heappop(self._entries)[2]
