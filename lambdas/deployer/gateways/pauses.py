"""The journal's partition of pauses: an item for each, by the endpoint's name, or `*` for all endpoints.

An operator writes these items, so anything may be in them. An item with faults is a pause all the same, as
somebody wanted one. No fault is raised as an error, and going back does not read pauses at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployer.contract import ALL_ENDPOINTS, JOURNAL_SORT_KEY, PAUSES
from deployer.model.excerpts import excerpt
from deployer.model.pause import Pause

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.gateways.journal_table import JournalTable


class Pauses:
    """The pauses of this stack's endpoints."""

    def __init__(self, table: JournalTable) -> None:
        self._table = table

    def of(self, endpoint_name: str) -> list[Pause]:
        """Return an endpoint's pauses, and those of all endpoints, also those that are over."""
        return pauses_of(endpoint_name, self.all())

    def all(self) -> list[Pause]:
        """Return every pause, also those that are over."""
        return [_pause(each) for each in self._table.between(PAUSES, ALL_ENDPOINTS, "~")]


def pauses_of(endpoint_name: str, pauses: Iterable[Pause]) -> list[Pause]:
    """Return an endpoint's pauses, and those of all endpoints."""
    mine = {None, endpoint_name.lower()}
    return [each for each in pauses if (each.endpoint_name and each.endpoint_name.lower()) in mine]


def _pause(item: Mapping[str, Any]) -> Pause:
    name = item[JOURNAL_SORT_KEY]["S"]
    texts = {key: _text(item, key) for key in ("reason", "by", "until")}
    faults = [f"{key} is no text" for key, text in texts.items() if key in item and text is None]
    faults += [f"{key} is missing" for key in ("reason", "by") if key not in item]
    until = None
    if texts["until"] is not None:
        until = _time(texts["until"])
        if until is None:
            faults.append(f"until is no time: {excerpt(texts['until'])}")
    return Pause(
        endpoint_name=None if name == ALL_ENDPOINTS else name,
        reason=texts["reason"],
        by=texts["by"],
        until=until,
        faults=tuple(faults),
    )


def _text(item: Mapping[str, Any], key: str) -> str | None:
    value = item.get(key, {}).get("S")
    return excerpt(value) if isinstance(value, str) else None


def _time(text: str) -> datetime | None:
    """Return a time, in UTC unless it has another offset; None if it is none."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
