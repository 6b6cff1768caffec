"""Owns turning the beginnings of a freeze window into one recurrence rule of RFC 5545, in local time.

The deployer expands the rule with python-dateutil. That library accepts rules that never occur, and looks for
an occurrence until the year 9999. So every number is checked here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import resources
from io import BytesIO
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from infra.settings.problem import nearest, shown

if TYPE_CHECKING:
    from infra.settings.keys.freeze_windows import FreezeWindow

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_CRON_DAYS: Final = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_CRON_MONTHS: Final = {name: number for number, name in enumerate(_MONTHS, start=1)}
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_RANGES: Final[dict[str, tuple[int, int, bool]]] = {
    "BYSECOND": (0, 59, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYSETPOS": (1, 366, True),
    "INTERVAL": (1, 1000, False),
    "COUNT": (1, 10_000, False),
}
"""The lowest and highest number of a part, and whether it may also count from the end (RFC 5545, 3.3.10)."""

_PARTS: Final = ("FREQ", "UNTIL", "WKST", "BYDAY", *_RANGES)
_DAY: Final = re.compile(rf"([+-]?[1-9]\d?)?({'|'.join(DAYS)})")
_NAMES_DAYS: Final[dict[str, tuple[str, ...]]] = {
    "DAILY": ("",),
    "WEEKLY": ("BYDAY",),
    "MONTHLY": ("BYDAY", "BYMONTHDAY"),
    "YEARLY": ("BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"),
}
"""By frequency, the parts of which a rule needs one, unless `start` says on which day it begins."""


class RecurrenceError(Exception):
    """A window does not say when it begins."""

    def __init__(self, key: str, *, got: str, expected: str, fix: str) -> None:
        super().__init__(key, got, expected, fix)
        self.key, self.got, self.expected, self.fix = key, got, expected, fix


def zone_data(name: str) -> bytes:
    """Return the rules of a time zone as the pinned `tzdata` has them, in the format of RFC 8536.

    Raises:
        RecurrenceError: There is no such zone.
    """
    known = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    if name in known:
        package, _, file = f"tzdata/zoneinfo/{name}".rpartition("/")
        return resources.files(package.replace("/", ".")).joinpath(file).read_bytes()
    meant = nearest(name, known)
    raise RecurrenceError(
        "timezone",
        got=shown(name),
        expected="a time zone's name, such as Europe/Berlin",
        fix=f"did you mean {' or '.join(meant)}?" if meant else "write the name of its region and city",
    )


def start_of(window: FreezeWindow) -> datetime | None:
    """Return the first beginning by the clock of the window's time zone.

    Raises:
        RecurrenceError: It is no such time.
    """
    if window.start is None:
        return None
    try:
        start = datetime.fromisoformat(window.start)
    except ValueError:
        start = None
    if start is None or start.tzinfo is not None:
        raise RecurrenceError(
            "start",
            got=shown(window.start),
            expected="a time without an offset, such as 2026-12-18T17:00: timezone gives it",
            fix="correct it",
        )
    return start.replace(microsecond=0)


def rule_of(window: FreezeWindow) -> str | None:
    """Return a window's recurrence rule; None if it begins once, at `start`.

    Raises:
        RecurrenceError: It does not say when it begins, or not in a way that is understood.
    """
    if window.rule is not None and window.cron is not None:
        raise RecurrenceError(
            "cron", got="cron beside rule", expected="one of the two", fix="remove one of the two"
        )
    if window.cron is not None:
        if window.start is not None:
            raise RecurrenceError(
                "start",
                got="start beside cron",
                expected="cron alone: it has no beginning",
                fix="remove start, or write a rule",
            )
        return _of_cron(window.cron)
    if window.rule is not None:
        return _checked(window.rule, window)
    if window.start is None:
        raise RecurrenceError(
            "rule",
            got="no rule, cron or start",
            expected="when the window begins",
            fix='add cron: "0 17 * * FRI", say',
        )
    return None


def _checked(rule: str, window: FreezeWindow) -> str:
    """Check a recurrence rule; return it with its end, if it has one, by the clock of the time zone."""
    parts: dict[str, str] = {}
    for written in rule.upper().removeprefix("RRULE:").split(";"):
        name, _, value = written.strip().partition("=")
        if name not in _PARTS or name in parts or not value:
            meant = nearest(name, _PARTS)
            raise _bad_rule(
                shown(written),
                f"parts such as BYDAY=FR, each once: {', '.join(_PARTS)} (RFC 5545, 3.3.10)",
                f"did you mean {meant[0]}?" if meant and name not in parts else "correct it",
            )
        parts[name] = value
    frequency = parts.get("FREQ")
    if frequency not in _FREQUENCIES:
        raise _bad_rule(
            f"FREQ={frequency}" if frequency else "no FREQ",
            f"FREQ={' or FREQ='.join(_FREQUENCIES)}",
            "write FREQ=DAILY;BYHOUR=8,20 for several beginnings a day",
        )
    for name, (low, high, may_be_negative) in _RANGES.items():
        for number in parts[name].split(",") if name in parts else ():
            sign = "[+-]?" if may_be_negative else ""
            digits = number.lstrip("+-")
            if not re.fullmatch(rf"{sign}\d{{1,5}}", number) or not low <= int(digits) <= high:
                ending = ", or with - from the end" if may_be_negative else ""
                raise _bad_rule(f"{name}={parts[name]}", f"{low} to {high}{ending}", "correct it")
    for name in ("BYDAY", "WKST"):
        if name in parts and not all(map(_DAY.fullmatch, parts[name].split(","))):
            raise _bad_rule(
                f"{name}={parts[name]}", f"days: {', '.join(DAYS)}; the last Friday is -1FR", "correct it"
            )
    if "UNTIL" in parts and "COUNT" in parts:
        raise _bad_rule("COUNT beside UNTIL", "one of the two (RFC 5545, 3.3.10)", "remove one of the two")
    if "UNTIL" in parts:
        parts["UNTIL"] = _local(parts["UNTIL"], window.timezone)
    if window.start is None:
        _need_no_start(parts, frequency)
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _need_no_start(parts: dict[str, str], frequency: str) -> None:
    counted = [
        name for name in ("INTERVAL", "COUNT") if parts.get(name, "1") != "1" or name == "COUNT" in parts
    ]
    days = _NAMES_DAYS[frequency]
    if counted or not any(not name or name in parts for name in days):
        missing = f"{counted[0]} without start" if counted else f"no {' or '.join(days)}, and no start"
        raise RecurrenceError(
            "start", got=missing, expected="the first beginning, from which the rule counts",
            fix='add start: "2026-12-18T17:00", say',
        )  # fmt: skip


def _bad_rule(got: str, expected: str, fix: str) -> RecurrenceError:
    return RecurrenceError("rule", got=got, expected=expected, fix=fix)


def _local(until: str, timezone: str) -> str:
    """Return the end of a rule by the clock of its time zone; RFC 5545 wants it in UTC."""
    for form in ("%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S", "%Y%m%d"):
        try:
            end = datetime.strptime(until, form)  # noqa: DTZ007 - only the first form has a zone, which is UTC
        except ValueError:
            continue
        if form.endswith("Z"):
            zone = ZoneInfo.from_file(BytesIO(zone_data(timezone)))
            end = end.replace(tzinfo=UTC).astimezone(zone)
        return end.strftime("%Y%m%dT%H%M%S")
    raise _bad_rule(f"UNTIL={until}", "a time, such as UNTIL=20271231T230000Z", "correct it")


# cron -----------------------------------------------------------------------------------------------------


def _of_cron(cron: str) -> str:
    fields = cron.split()
    if len(fields) != 5:  # noqa: PLR2004 - cron has five
        raise _bad_cron(
            f"{len(fields)} fields: {cron}",
            "the five fields of cron: minute, hour, day of the month, month, day of the week",
            "leave the year out, and write * in place of ?" if len(fields) == 6 else "correct it",  # noqa: PLR2004 - as AWS has them
        )
    minute, hour, day, month, weekday = fields
    parts = {
        "BYMONTH": _numbers(month, 1, 12, _CRON_MONTHS),
        "BYMONTHDAY": _numbers(day, 1, 31, {}),
        "BYDAY": _numbers(weekday, 0, 7, _CRON_DAYS),
        "BYHOUR": _numbers(hour, 0, 23, {}) or list(range(24)),
        "BYMINUTE": _numbers(minute, 0, 59, {}) or list(range(60)),
    }
    if parts["BYMONTHDAY"] and parts["BYDAY"]:
        raise _bad_cron(
            cron,
            "a day of the month or a day of the week: with both, cron means either of them",
            "write two windows",
        )
    words = {name: [str(each) for each in numbers] for name, numbers in parts.items()}
    words["BYDAY"] = [DAYS[(number - 1) % 7] for number in parts["BYDAY"]]
    given = [f"{name}={','.join(dict.fromkeys(each))}" for name, each in words.items() if each]
    return ";".join(["FREQ=DAILY", *given, "BYSECOND=0"])


def _numbers(field: str, low: int, high: int, names: dict[str, int]) -> list[int]:
    """Return the numbers that a field of cron stands for; none if it stands for all."""
    if field in {"*", "?"}:
        return []
    found: list[int] = []
    for item in field.split(","):
        whole, _, step = item.partition("/")
        first, _, last = whole.partition("-")
        ends = [names.get(each.upper(), each) for each in (first, last or first)]
        if whole == "*":
            ends = [low, high]
        elif step and not last:
            ends[1] = high
        if not all(re.fullmatch(r"\d{1,2}", str(each)) for each in (*ends, step or "1")):
            raise _bad_cron(field, f"numbers from {low} to {high}, such as 1-5 or 0,30", "correct it")
        begin, end = map(int, ends)
        if not low <= begin <= end <= high or int(step or "1") == 0:
            raise _bad_cron(field, f"numbers from {low} to {high}, the lower one first", "correct it")
        found += range(begin, end + 1, int(step or "1"))
    return sorted(set(found))


def _bad_cron(got: str, expected: str, fix: str) -> RecurrenceError:
    return RecurrenceError("cron", got=got, expected=expected, fix=fix)
