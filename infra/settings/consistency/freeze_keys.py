"""Owns which freeze windows say nothing, never begin, or never end."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final

from dateutil.rrule import rrulestr

from infra.settings.compiling.recurrence import RecurrenceError, rule_of, start_of, zone_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.keys.freeze_windows import FreezeWindow
    from infra.settings.problem import FieldPath, Problem
    from infra.settings.reading.document import Document

_ANY_YEAR: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - by the clock of whichever time zone
_LOOKED_AT: Final = timedelta(days=366 * 9)
"""A window may begin on the 29th of February only, and the next one may be eight years away."""

_MOST: Final = 400


def freeze_problems(document: Document, windows: list[FreezeWindow]) -> Iterator[Problem]:
    """Find windows that say nothing, never begin, or never end."""
    for index, window in enumerate(windows):
        path: FieldPath = ("freeze", index)
        try:
            zone_data(window.timezone)
            yield from _recurrence_problems(document, path, window)
        except RecurrenceError as error:
            yield document.problem((*path, error.key), got=error.got, expected=error.expected, fix=error.fix)


def _recurrence_problems(document: Document, path: FieldPath, window: FreezeWindow) -> Iterator[Problem]:
    start, rule = start_of(window), rule_of(window)
    if rule is None:
        return
    key = "rule" if window.cron is None else "cron"
    begins = list(islice(_beginnings(rule, start or _ANY_YEAR), _MOST))
    if not begins:
        yield document.problem(
            (*path, key), got=window.rule or str(window.cron), expected="a time that comes", fix="correct it"
        )
    shortest = min((later - earlier for earlier, later in pairwise(begins)), default=None)
    if shortest is not None and shortest <= timedelta(hours=window.duration_hours):
        yield document.problem(
            (*path, "duration_hours"),
            got=f"{window.duration_hours:g} hours of a window that begins again after "
            f"{shortest.total_seconds() / 3600:g}",
            expected="less time than between two beginnings: otherwise nothing new ever goes out",
            fix=f"shorten it, or let {key} begin it less often",
        )


def _beginnings(rule: str, start: datetime) -> Iterator[datetime]:
    """Yield when a window begins, by its own clock, however often it may."""
    parts = [each for each in rule.split(";") if not each.startswith("COUNT=")]
    if not any(each.startswith("UNTIL=") for each in parts):
        parts.append(f"UNTIL={start + _LOOKED_AT:%Y%m%dT%H%M%S}")
    yield from rrulestr(";".join(parts), dtstart=start)
