"""Pages of List calls: filters, order, page size and opaque tokens.

Owns the common part of all List operations. An item is anything with a name and a creation time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from local_cloud.sagemaker import errors
from local_cloud.sagemaker.switch_settings import FilteredPages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

DEFAULT_PAGE_SIZE = 10
"""Documented for ListEndpoints ("This value defaults to 10"); the others give no number."""


class Listed(Protocol):
    """An item of a List call."""

    @property
    def name(self) -> str:
        """The name for NameContains."""
        ...

    @property
    def creation_time(self) -> datetime:
        """When it was created."""
        ...

    @property
    def sequence(self) -> int:
        """Its creation number: orders items of one instant."""
        ...


Item = TypeVar("Item", bound=Listed)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page: its items, and the next page's token, if there is one."""

    items: list[Item]
    next_token: str | None

    def answer(self, list_member: str, summarise: Callable[[Item], dict[str, Any]]) -> dict[str, Any]:
        """Return the response: the summaries under `list_member`, and NextToken if there is more."""
        response: dict[str, Any] = {list_member: [summarise(item) for item in self.items]}
        if self.next_token is not None:
            response["NextToken"] = self.next_token
        return response


def page(
    operation: str,
    request: Mapping[str, Any],
    items: Iterable[Item],
    *,
    descending: bool,
    filtered_pages: FilteredPages,
    accepts: Callable[[Item], bool] = lambda _item: True,
    sort_keys: Mapping[str, Callable[[Item], str]] | None = None,
) -> Page[Item]:
    """Return the page for a List request.

    Args:
        operation: Its name; a token is valid for one operation and the same filters only.
        request: The validated request.
        items: All items, in any order.
        descending: The operation's documented default order.
        filtered_pages: Whether a page is filled after filtering.
        accepts: The operation's own filters, in addition to NameContains and CreationTime{Before,After}.
        sort_keys: Sort keys by values of SortBy, in addition to Name and CreationTime.

    Raises:
        ServiceError: The token does not belong to this request.
    """
    keys: dict[str, Callable[[Item], str]] = {
        "Name": lambda item: item.name,
        # Fixed width, so that texts sort like times.
        "CreationTime": lambda item: f"{item.creation_time.timestamp():020.6f}",
        **(sort_keys or {}),
    }
    key = keys[request.get("SortBy", "CreationTime")]
    if "SortOrder" in request:
        descending = request["SortOrder"] == "Descending"

    def position(item: Item) -> tuple[str, int]:
        return key(item), item.sequence

    ordered = sorted(items, key=position, reverse=descending)

    def is_wanted(item: Item) -> bool:
        after, before = request.get("CreationTimeAfter"), request.get("CreationTimeBefore")
        return (
            request.get("NameContains", "").lower() in item.name.lower()
            and (after is None or item.creation_time > after)
            and (before is None or item.creation_time < before)
            and accepts(item)
        )

    fingerprint = _fingerprint(operation, request)
    start_after = _read_token(request["NextToken"], fingerprint) if "NextToken" in request else None
    if start_after is not None:
        # By position, not by item: the last page's final item may have been deleted.
        ordered = [
            item
            for item in ordered
            if (position(item) < start_after if descending else position(item) > start_after)
        ]
    size = request.get("MaxResults", DEFAULT_PAGE_SIZE)
    if filtered_pages is FilteredPages.SHORT:
        window, rest = ordered[:size], ordered[size:]
        chosen = [item for item in window if is_wanted(item)]
        last = window[-1] if window else None
    else:
        wanted = [item for item in ordered if is_wanted(item)]
        chosen, rest = wanted[:size], wanted[size:]
        last = chosen[-1] if chosen else None
    return Page(chosen, _token(position(last), fingerprint) if rest and last is not None else None)


def _fingerprint(operation: str, request: Mapping[str, Any]) -> str:
    filters = {name: str(value) for name, value in request.items() if name not in {"NextToken", "MaxResults"}}
    return hashlib.sha256(json.dumps([operation, filters], sort_keys=True).encode()).hexdigest()[:16]


def _token(position: tuple[str, int], fingerprint: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([fingerprint, *position]).encode()).decode()


def _read_token(token: str, fingerprint: str) -> tuple[str, int]:
    try:
        content = json.loads(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise errors.invalid_token() from error
    match content:
        case [str(seen), str(key), int(sequence)] if seen == fingerprint:
            return key, sequence
        case _:
            raise errors.invalid_token()
