"""The journal's partition of requests: an item for each.

An operator writes these items, so anything may be in them. No fault is raised as an error. The deployer
deletes an item once it has done what it says, or has said why not. The sort key has the time of the request,
and a mark that no other request has: so none takes the place of another that still waits.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import JOURNAL_SORT_KEY, REQUESTS
from deployer.gateways.journal_table import Write, stored_time
from deployer.model.excerpts import excerpt
from deployer.model.names import version_number
from deployer.model.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.gateways.journal_table import JournalTable

ROLLBACK: Final = "rollback"
RETRY: Final = "retry"
RESTART: Final = "restart"

_NEEDED: Final = {
    ROLLBACK: ("version_arn", "reason", "by"),
    RETRY: ("version_arn", "by"),
    RESTART: ("version_arn", "by"),
}
"""What a record says, by its verb."""

_KNOWN: Final = ("version_arn", "reason", "by")

_FIRST: Final = datetime.min.replace(tzinfo=UTC)


def request_key(endpoint_name: str, verb: str, at: datetime, mark: str) -> str:
    """Return the sort key of a request. No endpoint's name has a number sign.

    Args:
        endpoint_name: The endpoint.
        verb: What is asked for.
        at: When.
        mark: Tells it from a request of the same second.
    """
    return f"{endpoint_name}#{stored_time(at)}#{verb}#{mark}"


class Requests:
    """The requests of this stack's operators that are not done yet."""

    def __init__(self, table: JournalTable) -> None:
        self._table = table

    def all(self) -> list[Request]:
        """Return every request, the earliest first."""
        found = map(_request, self._table.between(REQUESTS, "!", "~"))
        return sorted(found, key=lambda each: (each.at or _FIRST, each.key))

    def end(self, request: Request) -> None:
        """Delete a request."""
        self._table.write(Write("Delete", REQUESTS, request.key))


def _request(item: Mapping[str, Any]) -> Request:
    key = item[JOURNAL_SORT_KEY]["S"]
    name, _, rest = key.partition("#")
    time, _, rest = rest.partition("#")
    verb = rest.partition("#")[0]
    texts = {key: _text(item, key) for key in _KNOWN}
    needed = _NEEDED.get(verb, ())
    faults = [f"{key} is no text" if key in item else f"{key} is missing" for key in needed if not texts[key]]
    at = _time(time)
    if at is None:
        faults.append(f"its key has no time: {excerpt(key)}")
    version_arn = texts["version_arn"]
    if version_arn is not None and not _is_version(version_arn):
        faults.append(f"version_arn is no version: {excerpt(version_arn)}")
    if verb not in _NEEDED:
        faults.insert(0, f"nothing is known of the verb {excerpt(verb)}" if verb else "its key has no verb")
    reason, by = (excerpt(text) if (text := texts[key]) is not None else None for key in ("reason", "by"))
    return Request(name, verb, version_arn, reason, by, at, key, tuple(faults))


def _text(item: Mapping[str, Any], key: str) -> str | None:
    value = item.get(key, {}).get("S")
    return value if isinstance(value, str) else None


def _is_version(arn: str) -> bool:
    try:
        version_number(arn)
    except ValueError:
        return False
    return True


def _time(text: str) -> datetime | None:
    """Return a time, in UTC unless it has another offset; None if it is none."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
