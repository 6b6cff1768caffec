"""Freeze windows: when one is open, by the clock of its time zone, and until when."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest

from deployer.decisions.freezing import frozen_until
from deployer.decisions.holds import standing_hold
from deployer.model.freeze_window import FreezeWindow
from deployer.model.pause import Pause

WEEKEND = "FREQ=DAILY;BYDAY=FR;BYHOUR=17;BYMINUTE=0;BYSECOND=0"


def window(rule: str | None = WEEKEND, hours: float = 62, zone: str = "Berlin", **more: Any) -> FreezeWindow:
    """Build a window; it begins on Friday at five and lasts until Monday at seven, in Berlin."""
    data = resources.files("tzdata.zoneinfo.Europe").joinpath(zone).read_bytes()
    return FreezeWindow.parse(
        {
            "Reason": "the weekend",
            "DurationSeconds": round(hours * 3600),
            "Timezone": f"Europe/{zone}",
            "TimezoneData": b64encode(data).decode(),
            **({"Rule": rule} if rule is not None else {}),
            **more,
        }
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-05-08T14:59:59", None),  # Friday
        ("2026-05-08T15:00", "2026-05-11T05:00"),
        ("2026-05-11T04:59:59", "2026-05-11T05:00"),
        ("2026-05-11T05:00", None),  # Monday
        ("2026-12-11T15:59:59", None),  # in winter, the clock is an hour nearer to UTC
        ("2026-12-11T16:00", "2026-12-14T06:00"),
        ("2026-03-27T16:00", "2026-03-30T05:00"),  # the weekend of the change to summer time has 61 hours
        ("2026-10-23T15:00", "2026-10-26T06:00"),  # that of the change back has 63
        ("2051-05-12T14:59:59", None),
        ("2051-05-15T04:59:59", "2051-05-15T05:00"),  # a rule without an end goes on
    ],
)
def test_a_window_is_open_by_the_clock_on_the_wall(now: str, until: str | None) -> None:
    assert frozen_until(window(), utc(now)) == (utc(until) if until else None)


def test_a_window_without_a_rule_is_open_once() -> None:
    once = window(None, hours=2, Start="2026-05-08T17:00:00")

    assert frozen_until(once, utc("2026-05-08T16:59")) == utc("2026-05-08T17:00")
    assert frozen_until(once, utc("2026-05-08T17:00")) is None
    assert frozen_until(once, utc("2026-05-15T16:59")) is None


def test_a_rule_with_a_start_counts_from_it() -> None:
    every_other = window("FREQ=WEEKLY;INTERVAL=2;COUNT=2", hours=1, Start="2026-05-08T17:00:00")

    opens = [day for day in range(1, 31) if frozen_until(every_other, utc(f"2026-05-{day:02d}T15:30"))]

    assert opens == [8, 22]


def test_a_beginning_that_the_clock_skips_counts_as_if_it_did_not() -> None:
    """Half past two does not exist in Berlin on the 29th of March 2026 (RFC 5545, 3.3.5)."""
    night = window("FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0", hours=1)

    assert frozen_until(night, utc("2026-03-29T01:29")) is None
    assert frozen_until(night, utc("2026-03-29T01:30")) is None, "from half past three to half past three"
    assert frozen_until(night, utc("2026-03-30T00:30")) == utc("2026-03-30T01:30")


def test_of_several_holds_the_longest_is_told() -> None:
    night = window("FREQ=DAILY;BYHOUR=20;BYMINUTE=0;BYSECOND=0", hours=10)
    hold = standing_hold([], [night, window()], now=utc("2026-05-08T19:00"))

    assert hold is not None
    assert hold.until == utc("2026-05-11T05:00")
    assert hold.description == "a freeze window of its settings, until 2026-05-11 05:00 UTC: the weekend"
    assert standing_hold([], [night], now=utc("2026-05-08T17:59")) is None


@pytest.mark.parametrize(("now", "stands"), [("2026-05-08T14:59:59", True), ("2026-05-08T15:00", False)])
def test_a_pause_stands_until_its_end(now: str, stands: bool) -> None:  # noqa: FBT001 - a table of cases
    pause = Pause("churn", "incident 7", "ada", utc("2026-05-08T15:00"))
    hold = standing_hold([pause], [], now=utc(now))

    assert (hold is not None) is stands
    if hold is not None:
        assert hold.description == "a pause of this endpoint by ada, until 2026-05-08 15:00 UTC: incident 7"


def test_a_pause_without_an_end_stands_longest_and_says_what_is_wrong_with_it() -> None:
    whole = Pause(None, "incident 7", "ada", utc("2026-06-01T00:00"))
    broken = Pause(None, None, None, None, ("until is no time: soon", "by is missing"))
    hold = standing_hold([broken, whole], [window()], now=utc("2026-05-08T15:00"))

    assert hold is not None
    assert hold.until is None
    assert hold.description == (
        "a pause of all endpoints by somebody, until somebody ends it: without a reason "
        "(its record is to be corrected, as until is no time: soon and by is missing)"
    )
    assert standing_hold([whole, broken], [], now=utc("2026-05-08T15:00")) == hold
