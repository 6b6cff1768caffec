"""The journal's partition of the fleet: a small item for each managed endpoint, by the endpoint's name.

It says with which settings the endpoint was last looked at. So one query tells which settings have changed,
and which endpoints are no longer in the settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployer.contract import FLEET, JOURNAL_SORT_KEY
from deployer.gateways.journal_table import Write

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from deployer.gateways.journal_table import JournalTable


@dataclass(frozen=True, slots=True)
class NotedSettings:
    """The settings that an endpoint was last looked at with.

    Attributes:
        digest: The settings'.
        noted_at: When that was noted.
    """

    digest: str
    noted_at: datetime


class Fleet:
    """The items of all endpoints that this stack looked at."""

    def __init__(self, table: JournalTable) -> None:
        self._table = table

    def noted(self, names: Collection[str] | None = None) -> Mapping[str, NotedSettings]:
        """Return what was noted of all endpoints, or at least of those that are named."""
        first, last = (min(names), max(names)) if names else ("0", "~")
        return {
            item[JOURNAL_SORT_KEY]["S"]: NotedSettings(
                item["settings_digest"]["S"], datetime.fromisoformat(item["noted_at"]["S"])
            )
            for item in self._table.between(FLEET, first, last)
        }

    def note(self, endpoint_name: str, digest: str, *, now: datetime) -> None:
        """Note with which settings an endpoint was looked at."""
        stored = now.astimezone(UTC).isoformat(timespec="microseconds")
        noted = {"settings_digest": {"S": digest}, "noted_at": {"S": stored}}
        self._table.write(Write("Put", FLEET, endpoint_name, noted))

    def forget(self, endpoint_name: str) -> None:
        """Remove an endpoint that is no longer in the settings."""
        self._table.write(Write("Delete", FLEET, endpoint_name))
