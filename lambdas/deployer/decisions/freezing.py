"""Decides until when a freeze window lasts. Pure.

A window begins and ends by the clock on the wall. So a weekend ends at the same hour where clocks change.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from deployer.model.freeze_window import FreezeWindow

_CLOCK_CHANGE: Final = timedelta(days=1)
"""More than a clock on the wall is ever changed by."""


def frozen_until(window: FreezeWindow, now: datetime) -> datetime | None:
    """Return when a window ends; None if it is not open now."""
    # Most endpoints have no window, and most passes plan no rollout: they do without these modules.
    from io import BytesIO  # noqa: PLC0415 - as above
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - as above

    zone = ZoneInfo.from_file(BytesIO(window.timezone_data), key=window.timezone)
    local = now.astimezone(zone).replace(tzinfo=None)
    begins = _beginnings(window, local - window.duration - _CLOCK_CHANGE, local + _CLOCK_CHANGE)
    return max(_open_ends(window, begins, zone, now), default=None)


def _open_ends(
    window: FreezeWindow, begins: Iterable[datetime], zone: ZoneInfo, now: datetime
) -> Iterator[datetime]:
    for begin in begins:
        end = _moment(begin + window.duration, zone)
        if _moment(begin, zone) <= now < end:
            yield end


def _moment(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment that a clock shows. One that it skips counts as if it did not (RFC 5545, 3.3.5)."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def _beginnings(window: FreezeWindow, first: datetime, last: datetime) -> Iterable[datetime]:
    """Return when a window begins between two times of its own clock."""
    if window.rule is None:
        assert window.start is not None, "a window without a rule begins at its start"
        return [window.start] if first <= window.start <= last else []
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - as above

    # Without a start, a rule neither counts nor skips. So it may be expanded from any year on.
    start = window.start or datetime(first.year - 1, 1, 1)  # noqa: DTZ001 - by the window's own clock
    return rrulestr(window.rule, dtstart=start).between(first, last, inc=True)
