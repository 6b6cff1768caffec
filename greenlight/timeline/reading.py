"""Reads the journal's history of an endpoint, newest first and a page at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from deployer.gateways.approval_items import APPROVAL, read_approval
from deployer.gateways.fact_items import LATEST_ATTEMPT
from deployer.gateways.journal_items import ATTEMPT, read_attempt
from deployer.gateways.journal_table import stored_time
from greenlight.journal import JournalPages, journal_of
from greenlight.timeline.entries import BEGINNING, Entry, Item, merged, timeline, with_given_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from deployer.model.approval import Approval
    from greenlight.connection import Connection

_AT_ONCE: Final = 8
_LAST: Final = "~"
"""Sorts after every digit."""


def read_items(
    connection: Connection, endpoint_name: str, *, since: datetime = BEGINNING, until: datetime | None = None
) -> Iterator[Item]:
    """Yield approvals and attempts of an endpoint, newest first; a page is read when it is needed.

    Args:
        connection: The way to AWS.
        endpoint_name: The endpoint.
        since: Nothing older.
        until: No newer approvals, and no attempts that began later; None for all.
    """
    pages = JournalPages(connection.client("dynamodb"), connection.stack.table_name)
    attempts = map(read_attempt, pages.backwards(endpoint_name, ATTEMPT, f"{ATTEMPT}{_LAST}"))
    last = f"{APPROVAL}{stored_time(until)}{_LAST}" if until is not None else f"{APPROVAL}{_LAST}"
    approvals = _approvals(pages.backwards(endpoint_name, f"{APPROVAL}{stored_time(since)}", last))
    recent = takewhile(lambda each: each.started_at >= since, attempts)
    return merged((each for each in recent if until is None or each.started_at <= until), approvals)


def _approvals(items: Iterator[dict[str, Any]]) -> Iterator[Approval]:
    """Yield approvals, but those of versions that the registry did not show."""
    return (read_approval(each) for each in items if "unread" not in each)


def read_timeline(
    connection: Connection, endpoint_name: str, *, since: datetime, limit: int | None
) -> tuple[list[Entry], bool]:
    """Return an endpoint's entries, newest first, and whether there are more than the limit."""
    found: list[Entry] = []
    for entry in timeline(read_items(connection, endpoint_name, since=since)):
        if limit is not None and len(found) == limit:
            return with_given_up(found), True
        found.append(entry)
    return with_given_up(found), False


def read_timelines(
    connection: Connection,
    names_of: Callable[[Connection], Sequence[str]],
    *,
    since: datetime,
    limit: int | None,
) -> tuple[list[Entry], bool]:
    """Return the entries of all endpoints, newest first, and whether there are more than the limit.

    Only endpoints are read that had an attempt since then, or that do not rest.
    """
    journal = journal_of(connection.client("dynamodb"), connection.stack.table_name)
    records, names = journal.fleet.records(), names_of(connection)
    every = sorted({*records, *names})
    pages = JournalPages(connection.client("dynamodb"), connection.stack.table_name)
    latest = pages.batch((name, LATEST_ATTEMPT) for name in every)
    recent = {name for (name, _), item in latest.items() if read_attempt(item).started_at >= since}
    asked = [name for name in every if name in recent or name not in records or not records[name].rests]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda name: read_timeline(connection, name, since=since, limit=limit), asked))
    entries = sorted((each for part, _ in found for each in part), key=lambda each: each.at, reverse=True)
    more = any(is_cut for _, is_cut in found) or (limit is not None and len(entries) > limit)
    return entries[:limit], more
