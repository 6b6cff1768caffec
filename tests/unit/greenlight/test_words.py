"""Times, durations and people in few words."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from greenlight.words import age, clock, duration, first_sentence, person
from tests.unit.deployer.builders import NOW


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (100_000, "27 h"), (3 * 86400, "3 days")],
)
def test_an_age_has_one_unit(seconds: float, words: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (3.4, "3 s"), (426, "7 min 6 s"), (420, "7 min"), (4200, "1 h 10 min"), (90_061, "1 d 1 h")],
)
def test_a_duration_has_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(minutes=44), "11:16"),
        (timedelta(days=2), "Sat 12:00"),
        (timedelta(days=9), "2026-04-25 12:00"),
        (timedelta(hours=-20), "Tue 08:00"),
    ],
)
def test_a_clock_says_the_day_where_it_is_another(ago: timedelta, words: str) -> None:
    assert clock(NOW - ago, NOW, UTC) == words


def test_a_clock_shows_the_zone_of_who_reads_it() -> None:
    assert clock(NOW, NOW, ZoneInfo("Europe/Berlin")) == "14:00"


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        (None, None),
        ("unknown", "unknown"),
        ("arn:aws:iam::111122223333:root", "root"),
        ("arn:aws:iam::111122223333:user/team/ada", "ada"),
        ("arn:aws:sts::111122223333:assumed-role/ds-lead/session-7", "ds-lead"),
        ("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_DS_0a1b/ada@example.com", "ada@example.com"),
        ("arn:aws:sagemaker:eu-central-1:111122223333:user-profile/d-1/ada", "ada"),
    ],
)
def test_a_person_has_the_name_that_colleagues_know(identity: str | None, name: str | None) -> None:
    assert person(identity) == name


def test_a_reason_is_cut_after_its_first_sentence() -> None:
    assert first_sentence("It did not\nanswer. See the log.") == "It did not answer"
    assert first_sentence("word " * 100, longest=20) == "word word word word…"
