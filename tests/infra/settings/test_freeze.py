"""Test freeze windows: what they compile to, and every mistake."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.infra.settings.builders import VALID, load, problems

if TYPE_CHECKING:
    from pathlib import Path

LASTS = "reason: the weekend, duration_hours: 62, timezone: Europe/Berlin"


def freeze(keys: str) -> str:
    return f"{VALID}freeze:\n- {{{keys}}}\n"


def compiled(directory: Path, text: str) -> list[dict[str, Any]]:
    [spec], found = load(directory, churn=text)
    assert found == []
    windows: list[dict[str, Any]] = spec.compiled["Freeze"]
    return windows


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ("cron: '0 17 * * FRI'", "FREQ=DAILY;BYDAY=FR;BYHOUR=17;BYMINUTE=0;BYSECOND=0"),
        (
            "cron: '30 8 1,15 1-3 *'",
            "FREQ=DAILY;BYMONTH=1,2,3;BYMONTHDAY=1,15;BYHOUR=8;BYMINUTE=30;BYSECOND=0",
        ),
        ("cron: '0 0 * jan,dec 0'", "FREQ=DAILY;BYMONTH=1,12;BYDAY=SU;BYHOUR=0;BYMINUTE=0;BYSECOND=0"),
        ("cron: '0 0 ? * 7'", "FREQ=DAILY;BYDAY=SU;BYHOUR=0;BYMINUTE=0;BYSECOND=0"),
        ("cron: '0 0 10/10 * *'", "FREQ=DAILY;BYMONTHDAY=10,20,30;BYHOUR=0;BYMINUTE=0;BYSECOND=0"),
        ("rule: 'RRULE:FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17'", "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17"),
        ("rule: freq=yearly;bymonth=12;bymonthday=-1", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=-1"),
        (
            "rule: FREQ=WEEKLY;BYDAY=FR;UNTIL=20270701T220000Z",
            "FREQ=WEEKLY;BYDAY=FR;UNTIL=20270702T000000",
        ),
        ("rule: FREQ=WEEKLY;BYDAY=FR;UNTIL=20270701", "FREQ=WEEKLY;BYDAY=FR;UNTIL=20270701T000000"),
    ],
)
def test_every_beginning_becomes_a_recurrence_rule(tmp_path: Path, keys: str, rule: str) -> None:
    [window] = compiled(tmp_path, freeze(f"{keys}, {LASTS}"))

    assert window["Rule"] == rule
    assert "Start" not in window
    assert window["DurationSeconds"] == 62 * 3600
    assert window["Reason"] == "the weekend"


def test_a_window_brings_its_time_zone_with_it(tmp_path: Path) -> None:
    """Lambda's runtime may have no time zone database."""
    [window] = compiled(tmp_path, freeze(f"start: '2026-12-18T17:00', {LASTS}"))
    zone = ZoneInfo.from_file(BytesIO(b64decode(window["TimezoneData"])), key=window["Timezone"])

    assert window["Start"] == "2026-12-18T17:00:00"
    assert "Rule" not in window
    assert str(zone) == "Europe/Berlin"
    assert len(window["TimezoneData"]) < 2000


def test_defaults_have_windows_for_all_endpoints_and_an_endpoint_may_have_none(tmp_path: Path) -> None:
    window = f"freeze:\n- {{cron: '0 17 * * FRI', {LASTS}}}\n"
    specs, found = load(tmp_path, defaults=window, churn=VALID, other=f"{VALID}freeze: null\n")

    assert found == []
    assert ["Freeze" in each.compiled for each in specs] == [True, False]


MISTAKES = [
    ("", "freeze[0].rule", "no rule, cron or start", 'add cron: "0 17 * * FRI", say'),
    ("cron: '0 17 * * 5', rule: FREQ=DAILY", "freeze[0].cron", "cron beside rule", "remove one"),
    ("cron: '0 17 * * 5', start: '2026-01-01T00:00'", "freeze[0].start", "start beside cron", "remove start"),
    ("cron: '0 17 ? * FRI *'", "freeze[0].cron", "6 fields", "leave the year out"),
    ("cron: '0 17 * *'", "freeze[0].cron", "4 fields", "correct it"),
    ("cron: '0 25 * * *'", "freeze[0].cron", "25", "correct it"),
    ("cron: '0 9-8 * * *'", "freeze[0].cron", "9-8", "correct it"),
    ("cron: '0 8/0 * * *'", "freeze[0].cron", "8/0", "correct it"),
    ("cron: '0 noon * * *'", "freeze[0].cron", "noon", "correct it"),
    ("cron: '0 17 13 * FRI'", "freeze[0].cron", "0 17 13 * FRI", "write two windows"),
    ("cron: '0 0 31 2 *'", "freeze[0].cron", "0 0 31 2 *", "correct it"),
    ("rule: BYDAY=FR", "freeze[0].rule", "no FREQ", "FREQ=DAILY"),
    ("rule: FREQ=HOURLY", "freeze[0].rule", "FREQ=HOURLY", "BYHOUR=8,20"),
    ("rule: FREQ=DAILY;BYHOURS=3", "freeze[0].rule", "BYHOURS=3", "did you mean BYHOUR?"),
    ("rule: FREQ=DAILY;BYHOUR=24", "freeze[0].rule", "BYHOUR=24", "correct it"),
    ("rule: FREQ=DAILY;BYHOUR=-1", "freeze[0].rule", "BYHOUR=-1", "correct it"),
    ("rule: FREQ=MONTHLY;BYMONTHDAY=-32", "freeze[0].rule", "BYMONTHDAY=-32", "correct it"),
    ("rule: FREQ=DAILY;FREQ=DAILY", "freeze[0].rule", "FREQ=DAILY", "correct it"),
    ("rule: FREQ=WEEKLY;BYDAY=FRI", "freeze[0].rule", "BYDAY=FRI", "correct it"),
    ("rule: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "freeze[0].rule", "BYMONTHDAY=30", "correct it"),
    ("rule: FREQ=WEEKLY;BYDAY=FR;UNTIL=soon", "freeze[0].rule", "UNTIL=SOON", "correct it"),
    ("rule: FREQ=DAILY;COUNT=2;UNTIL=20270101", "freeze[0].rule", "COUNT beside UNTIL", "remove one"),
    ("rule: FREQ=WEEKLY", "freeze[0].start", "no BYDAY, and no start", "add start"),
    ("rule: FREQ=YEARLY;BYMONTH=12", "freeze[0].start", "and no start", "add start"),
    ("rule: FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "freeze[0].start", "INTERVAL without start", "add start"),
    ("rule: FREQ=WEEKLY;COUNT=2;BYDAY=FR", "freeze[0].start", "COUNT without start", "add start"),
    ("start: '2026-12-18T17:00Z'", "freeze[0].start", "'2026-12-18T17:00Z'", "correct it"),
    ("start: christmas", "freeze[0].start", "'christmas'", "correct it"),
    ("cron: '0 17 * * *'", "freeze[0].duration_hours", "62 hours", "shorten it"),
    ("rule: FREQ=DAILY;BYHOUR=1", "freeze[0].duration_hours", "begins again after 24", "shorten it"),
]


@pytest.mark.parametrize(("keys", "field", "got", "fix"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_a_window_that_says_nothing_or_never_begins_or_ends_is_a_mistake(
    tmp_path: Path, keys: str, field: str, got: str, fix: str
) -> None:
    [problem] = problems(tmp_path, freeze(f"{keys}, {LASTS}" if keys else LASTS))

    assert problem.field == field
    assert got in problem.got
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("zone", "fix"),
    [("Europe/Berlim", "did you mean Europe/Berlin"), ("CEST", ""), ("../etc/passwd", ""), ("''", "")],
)
def test_a_time_zone_has_a_name_of_the_iana(tmp_path: Path, zone: str, fix: str) -> None:
    [problem] = problems(
        tmp_path, freeze(f"cron: '0 17 * * FRI', reason: x, duration_hours: 1, timezone: {zone}")
    )

    assert problem.field == "freeze[0].timezone"
    assert fix in problem.fix


def test_a_reason_a_duration_and_a_time_zone_are_required(tmp_path: Path) -> None:
    found = problems(tmp_path, freeze("cron: '0 17 * * FRI'"))

    assert {each.field for each in found} == {
        "freeze[0].reason",
        "freeze[0].duration_hours",
        "freeze[0].timezone",
    }
