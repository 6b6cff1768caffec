"""Words times, durations and people for views. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_WEEK: Final = timedelta(days=6)
_DAYS_IN_HOURS: Final = 2

_SSO_ROLE: Final = re.compile(r"AWSReservedSSO_\w+")
"""A role that IAM Identity Center made: its sessions are named after people."""


def age(since: datetime, now: datetime) -> str:
    """Return how long ago something was, in its largest unit."""
    seconds = max(0, int((now - since).total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAYS_IN_HOURS * _DAY:
        return f"{seconds // _HOUR} h"
    return f"{seconds // _DAY} days"


def duration(seconds: float) -> str:
    """Return how long something took, in its two largest units."""
    whole = max(0, round(seconds))
    days, hours, minutes = whole // _DAY, whole % _DAY // _HOUR, whole % _HOUR // _MINUTE
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (whole % _MINUTE, "s")]
    largest = next((place for place, (count, _) in enumerate(parts) if count), 3)
    shown = [f"{count} {unit}" for count, unit in parts[largest : largest + 2] if count]
    return " ".join(shown) or "0 s"


def countdown(seconds: float) -> str:
    """Return minutes and seconds, such as `04:10`."""
    whole = max(0, int(seconds))
    return f"{whole // _MINUTE:02d}:{whole % _MINUTE:02d}"


def clock(time: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Return a time as a wall shows it: with the day if it was not today, with the date if it is far."""
    local, today = time.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if abs(local.date() - today.date()) <= _WEEK:
        return f"{local:%a %H:%M}"
    return f"{local:%Y-%m-%d %H:%M}"


def moment(time: datetime, zone: tzinfo | None) -> str:
    """Return a time with its date and zone, for answers that are kept."""
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def person(identity: str | None) -> str | None:
    """Return a short name for an identity: a Studio profile, a user, a role, or a person's SSO session."""
    if identity is None:
        return None
    if not identity.startswith("arn:"):
        return identity
    kind, _, name = identity.split(":", 5)[5].partition("/")
    if kind == "assumed-role":
        role, _, session = name.partition("/")
        return session if session and _SSO_ROLE.fullmatch(role) else role
    return name.rpartition("/")[2] or kind


def version(number: int | None) -> str:
    """Return a version's short name."""
    return f"v{number}" if number is not None else "-"


def first_sentence(text: str, longest: int = 120) -> str:
    """Return the beginning of a text that somebody else wrote: its first sentence, or as much as fits."""
    line = " ".join(text.split())
    sentence = re.split(r"(?<=[.!?])\s", line, maxsplit=1)[0].rstrip(".")
    return sentence if len(sentence) <= longest else f"{sentence[: longest - 1].rstrip()}…"
