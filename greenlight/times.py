"""Reads times and durations that people write on the command line. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from greenlight.errors import CommandError

if TYPE_CHECKING:
    from datetime import tzinfo

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SPAN: Final = re.compile(r"(\d+)\s*(s|min|m|h|d|w)")
_DATE: Final = re.compile(r"\d{4}-")


def read_span(text: str) -> timedelta:
    """Return a duration such as `30m`, `2h`, `1h30m` or `2d`.

    Raises:
        CommandError: It is none.
    """
    compact = text.strip().lower()
    parts = _SPAN.findall(compact)
    if not parts or _SPAN.sub("", compact).strip():
        raise CommandError(
            f"{text!r} is no duration.",
            "A duration is a number with a unit.",
            "Write, such as: 30m, 2h or 2d",
        )
    return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in parts))


def read_moment(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    """Return a time: `today`, `yesterday`, so long ago (`2d`), or ISO 8601 in the local zone.

    Raises:
        CommandError: It is none.
    """
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    word = text.strip().lower()
    if word in {"today", "yesterday"}:
        day = midnight if word == "today" else midnight - timedelta(days=1)
        # The zone's own offset of that day: it may differ from today's.
        return day.replace(tzinfo=None).astimezone(zone) if zone is None else day
    if _SPAN.fullmatch(word):
        return now - read_span(word)
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CommandError(
            f"{text!r} is no time.",
            "A time is a word, so long ago, or ISO 8601.",
            "Write, such as: yesterday, 2d, 2026-05-03 or 2026-05-03T14:03",
        ) from None
    if time.tzinfo is not None:
        return time
    return time.replace(tzinfo=zone) if zone is not None else time.astimezone()


def read_future(text: str, now: datetime, zone: tzinfo | None) -> datetime:
    """Return a time to come: so long from now (`2h`), or ISO 8601 in the local zone.

    Raises:
        CommandError: It is none, or it is over.
    """
    compact = text.strip().lower()
    time = now + read_span(compact) if _SPAN.match(compact) and not _DATE.match(compact) else None
    time = time or read_moment(text, now, zone)
    if time <= now:
        raise CommandError(
            f"{text!r} is over.",
            f"It is {now.astimezone(zone):%Y-%m-%d %H:%M} now.",
            "Write a time to come, such as: 2h, 2026-12-01 or 2026-12-01T08:00",
        )
    return time
