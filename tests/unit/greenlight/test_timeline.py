"""The timeline of an endpoint, what served at some time, and how much is read for it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.model.asked import Asked
from deployer.model.attempt import AttemptStatus, Bake
from deployer.model.companion import Companion
from deployer.model.rollback import Rollback
from greenlight.connection import DeployedStack
from greenlight.errors import CommandError
from greenlight.fleet.view import Scene
from greenlight.output import Symbols
from greenlight.timeline.document import origin_document, timeline_document
from greenlight.timeline.entries import Item, Kind, merged, served_at, timeline, with_given_up
from greenlight.timeline.origin import Origin
from greenlight.timeline.reading import read_items, read_timeline, read_timelines
from greenlight.timeline.view import origin_view, timeline_view
from greenlight.times import read_moment, read_span
from tests.unit.deployer.builders import NOW, approval, clean_up, deployment, minutes, promotion, version_arn
from tests.unit.greenlight.fakes import Fake, config_of, served
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.snapshots import check

SCENE = Scene(NOW, UTC, Symbols())
STACK = DeployedStack("Greenlight", "111122223333", "eu-central-1", "t", "f", "a", "l", "0.1.0")
CANARY_SECONDS = 426
WRONG = Rollback(minutes(-19.5), "ada", "wrong in Spain", 1)


def failed(version: int, number: int, minute: float, **changes: Any) -> Any:
    return deployment(
        version,
        **{
            "number": number,
            "status": AttemptStatus.FAILED,
            "approved_at": minutes(minute - 1),
            "started_at": minutes(minute),
            "settled_at": minutes(minute) + timedelta(seconds=6),
            "reason": "The container did not answer /ping. See its log.",
            **changes,
        },
    )


def day() -> list[Item]:
    """Return what happened on a day, newest first."""
    attempts = [
        deployment(
            6, number=9, status=AttemptStatus.ACCEPTED, started_at=minutes(-1), approved_at=minutes(-2)
        ),
        promotion(
            5, number=8, status=AttemptStatus.SUCCEEDED, started_at=minutes(-20), settled_at=minutes(-20)
        ),
        served(5, minutes_ago=30, number=7, companions=(Companion("Champion", version_arn(1), 1, "model"),)),
        replace(clean_up(number=6), started_at=minutes(-33)),
        failed(4, 5, -40),
        deployment(3, number=4, status=AttemptStatus.WITHDRAWN, started_at=minutes(-45)),
        served(1, minutes_ago=50, seconds=4, number=3, rolls_back=True, at_once=True),
        served(2, minutes_ago=52, seconds=CANARY_SECONDS, number=2, bake=Bake.LAST),
        served(1, minutes_ago=65, seconds=3, number=1),
    ]
    approvals = [
        approval(6, minutes(-2)),
        approval(7, minutes(-10), objection="ada registered the version herself (four eyes)."),
        approval(4, minutes(-41)),
        approval(3, minutes(-46), superseded_by=4),
    ]
    return list(merged(attempts, approvals))


def test_a_day_as_people_read_it() -> None:
    entries = with_given_up(list(timeline(day())))

    check("history", timeline_view(entries, SCENE, more=False, of_all=False), 50, 80, 120)
    check("history-of-all", timeline_view(entries, SCENE, more=True, of_all=True), 80)
    assert mistakes(timeline_document(entries, STACK, more=False), "history") == []


def steered() -> list[Item]:
    """Return a day on which operators asked for things, newest first."""
    aborted = deployment(
        3,
        number=6,
        status=AttemptStatus.ABORTED,
        started_at=minutes(-20),
        settled_at=minutes(-19),
        reason=f"While it was being rolled out, {WRONG.words}",
    )
    return [
        deployment(
            1,
            number=8,
            status=AttemptStatus.ACCEPTED,
            started_at=minutes(-1),
            restart=Asked(minutes(-1.5), "cleo", 8),
            retry=Asked(minutes(-90), "bob", 2),
        ),
        served(1, minutes_ago=18, seconds=4, number=7, rolls_back=True, at_once=True, rollback=WRONG),
        aborted,
        served(2, minutes_ago=40, seconds=9, number=5, bake=Bake.LAST, retry=Asked(minutes(-42), "bob", 5)),
        failed(2, 4, -50, retry=Asked(minutes(-1500), "bob", 4)),
        failed(2, 3, -55),
        served(1, minutes_ago=60, seconds=9, number=2, restart=Asked(minutes(-61), "cleo", 2)),
    ]


def test_what_operators_asked_for_says_who_and_when() -> None:
    entries = with_given_up(list(timeline(steered())))

    check("history-steered", timeline_view(entries, SCENE, more=False, of_all=False), 60, 120)
    document = timeline_document(entries, STACK, more=False)
    assert mistakes(document, "history") == []
    asked = [each["asked"] and (each["asked"]["for"], each["asked"]["by"]) for each in document["entries"]]
    assert asked == [
        *(("restart", "cleo"), ("rollback", "ada"), None),
        *(("retry", "bob"), ("retry", "bob"), None, ("restart", "cleo")),
    ]
    assert document["entries"][1]["asked"] == {
        "for": "rollback",
        "by": "ada",
        "at": WRONG.at.isoformat(),
        "reason": "wrong in Spain",
    }


def test_an_approval_that_led_to_a_deployment_has_no_line_of_its_own() -> None:
    entries = list(timeline(day()))

    assert [(each.version, each.kind) for each in entries if each.number is None] == [
        (7, Kind.IGNORED),
        (3, Kind.APPROVED),
    ]


def test_what_went_back_says_what_was_given_up() -> None:
    rejected = with_given_up(list(timeline(day())))[-3]
    fell = with_given_up(list(timeline([served(1, minutes_ago=1, rolls_back=True), failed(2, 1, -5)])))[0]

    assert (rejected.version, rejected.instead_of, rejected.was_rejected) == (1, 2, True)
    assert (fell.version, fell.instead_of, fell.was_rejected) == (1, 2, False)


def test_nothing_is_a_sentence() -> None:
    check("no-history", timeline_view([], SCENE, more=False, of_all=False), 80)


@pytest.mark.parametrize(
    ("minute", "version", "until", "under_way"),
    [
        (0, 5, None, 6),
        (-35, 1, -30, None),
        (-51, 2, -50, None),
        (-55, 1, -52, 2),
        (-70, None, -65, None),
    ],
)
def test_what_served_at_a_time(
    minute: float, version: int | None, until: float | None, under_way: int | None
) -> None:
    found = served_at(day(), minutes(minute))

    assert (found.deployment.version if found.deployment else None) == version
    assert found.until == (minutes(until) if until is not None else None)
    assert (found.under_way.version if found.under_way else None) == under_way


def test_an_origin_as_people_read_it() -> None:
    known = Origin(
        "churn",
        served_at(day(), minutes(0)),
        ("repository/image@sha256:0a1b",),
        ("s3://bucket/5/model.tar.gz",),
    )
    deleted = Origin("churn", served_at(day(), minutes(-55)), registry_says="ModelPackage does not exist")
    nothing = Origin("churn", served_at(day(), minutes(-70)))

    check("origin", origin_view(known, SCENE), 80)
    check("origin-deleted", origin_view(deleted, SCENE), 80)
    check("origin-nothing", origin_view(nothing, SCENE), 80)
    for each in (known, deleted, nothing):
        assert mistakes(origin_document(each, STACK), "history") == []


@pytest.fixture(scope="module")
def long_history() -> Fake:
    """Five thousand approvals, and a deployment of each: ten thousand items."""
    fake = Fake()
    fake.manage("churn")
    for number in range(5_000):
        fake.remember("churn", served(number + 1, minutes_ago=6_000 - number, number=number + 1))
    return fake


@pytest.mark.parametrize(
    ("limit", "queries"),
    [
        pytest.param(30, 2, id="the last entries: a page of each kind"),
        pytest.param(None, 102, id="all of it: a call for a hundred items"),
    ],
)
def test_a_history_of_ten_thousand_items_is_read_page_by_page(
    long_history: Fake, limit: int | None, queries: int
) -> None:
    long_history.calls.clear()
    began = time.process_time()

    entries, more = read_timeline(long_history.connection, "churn", since=minutes(-10_000), limit=limit)

    assert time.process_time() - began < 5
    assert [each.version for each in entries] == list(range(5_000, 5_000 - (limit or 5_000), -1))
    assert more is (limit is not None)
    assert long_history.calls["Query"] == queries


def test_since_leaves_out_what_is_older() -> None:
    fake = Fake()
    fake.manage("churn")
    for version, ago in ((1, 300), (2, 200), (3, 100)):
        fake.record("churn", served(version, minutes_ago=ago))

    entries, more = read_timeline(fake.connection, "churn", since=minutes(-250), limit=None)

    assert ([each.version for each in entries], more) == ([3, 2], False)


def test_until_leaves_out_what_is_newer() -> None:
    fake = Fake()
    fake.manage("churn")
    for version, ago in ((1, 300), (2, 200), (3, 100)):
        fake.record("churn", served(version, minutes_ago=ago))

    items = list(read_items(fake.connection, "churn", until=minutes(-150)))

    assert [each.version for each in items if hasattr(each, "version")] == [2, 2, 1, 1]


def test_the_history_of_all_reads_only_endpoints_at_which_something_happened() -> None:
    fake = Fake()
    for name, ago in (("busy", 10), ("calm", 9000), ("odd", 9000)):
        fake.manage(name)
        fake.record(name, served(1, minutes_ago=ago))
        fake.rest(name, config_of(1))
    fake.record("odd", failed(2, 2, -5))
    fake.calls.clear()

    entries, more = read_timelines(
        fake.connection, lambda _: list(fake.settings), since=minutes(-60), limit=None
    )

    assert [(each.endpoint_name, each.kind) for each in entries] == [
        ("odd", Kind.FAILED),
        ("busy", Kind.SERVING),
    ]
    assert not more
    # The fleet's partition, and two for each of the two.
    assert fake.calls["Query"] == 5


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("today", datetime(2026, 5, 4, tzinfo=UTC)),
        ("yesterday", datetime(2026, 5, 3, tzinfo=UTC)),
        ("2d", NOW - timedelta(days=2)),
        ("90min", NOW - timedelta(minutes=90)),
        ("2026-05-03T14:03", datetime(2026, 5, 3, 14, 3, tzinfo=UTC)),
        ("2026-05-03", datetime(2026, 5, 3, tzinfo=UTC)),
        ("2026-05-03T14:03+02:00", datetime(2026, 5, 3, 12, 3, tzinfo=UTC)),
    ],
)
def test_times_as_people_write_them(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW, UTC) == moment


def test_the_local_zone_is_the_one_of_the_machine() -> None:
    midnight = read_moment("today", NOW, None)

    assert (midnight.hour, midnight.utcoffset()) == (0, midnight.astimezone().utcoffset())


@pytest.mark.parametrize("text", ["monday", "2026-13-01", ""])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(CommandError) as raised:
        read_moment(text, NOW, UTC)

    assert "2026-05-03" in raised.value.next_step


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("1h30m", 5400), ("2 d", 172_800), ("45s", 45)])
def test_spans_as_people_write_them(text: str, seconds: int) -> None:
    assert read_span(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["soon", "30", "5 parsecs", ""])
def test_what_is_no_span_is_refused_with_examples(text: str) -> None:
    with pytest.raises(CommandError, match="is no duration"):
        read_span(text)
