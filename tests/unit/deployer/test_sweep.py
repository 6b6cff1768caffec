"""A sweep looks at what changed and at what has something to do, and checks each endpoint once a day."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from deployer.decisions.sweep import (
    LONGEST_DELAY,
    OVERLAP,
    REGISTRATION,
    GroupChange,
    after_failed_look,
    after_look,
    is_check_due,
    is_weekly_look_due,
    last_check_due,
    last_weekly_look_due,
    needs_look,
    newest_changes,
    reads_all,
    retry_delay,
)
from deployer.model.endpoint import EndpointSummary
from deployer.model.fleet import FleetRecord, Look
from deployer.model.model_version import VersionChange
from tests.unit.deployer.builders import NOW, minutes

SEEN = EndpointSummary("InService", minutes(-60))
RESTING = FleetRecord(settings_digest="d1", rests=True, rests_at=minutes(-60), looked_at=minutes(-30), mark=7)
FAILING = replace(RESTING, rests=False, rests_at=None, tried_at=minutes(-10), tried_digest="d1", failures=1)


def _look(record: FleetRecord, summary: EndpointSummary | None = SEEN, approved: str | None = None) -> Look:
    return Look("churn", record, summary, approved)


def _needs_look(
    record: FleetRecord,
    *,
    digest: str = "d1",
    summary: EndpointSummary | None = SEEN,
    changed_minutes: float | None = None,
    approved: str | None = None,
) -> bool:
    at = minutes(changed_minutes or 0)
    changed = None if changed_minutes is None else GroupChange(at, at)
    return needs_look(_look(record, summary, approved), digest, changed=changed, now=NOW)


def test_an_endpoint_at_rest_needs_no_look() -> None:
    assert not _needs_look(RESTING)
    assert not _needs_look(replace(RESTING, rests_at=None), summary=None)


@pytest.mark.parametrize(
    "record",
    [
        FleetRecord(),
        replace(RESTING, settings_digest="d0"),
        replace(RESTING, rests=False),
        replace(RESTING, rests_at=None),
        replace(RESTING, rests_at=minutes(-61)),
        replace(RESTING, looked_at=None),
    ],
)
def test_an_endpoint_that_is_not_known_to_rest_as_it_is_needs_one(record: FleetRecord) -> None:
    assert _needs_look(record)


def test_an_endpoint_that_is_gone_needs_one() -> None:
    assert _needs_look(RESTING, summary=None)


def test_a_version_that_changed_since_the_last_look_or_shortly_before_needs_one() -> None:
    overlap = OVERLAP.total_seconds() / 60

    assert _needs_look(RESTING, changed_minutes=-1)
    assert _needs_look(RESTING, changed_minutes=-30 - overlap)
    assert not _needs_look(RESTING, changed_minutes=-31 - overlap)


def test_a_release_that_may_be_tried_again_needs_one_then() -> None:
    waiting = after_look(
        _look(RESTING), "d1", ended=True, rests=True, began=NOW, now=NOW, retry_at=minutes(20)
    )

    assert not needs_look(_look(waiting), "d1", changed=None, now=minutes(19))
    assert needs_look(_look(waiting), "d1", changed=None, now=minutes(20))


def test_another_list_of_another_accounts_approvals_needs_one() -> None:
    noted = replace(RESTING, approved_digest="a1")

    assert _needs_look(noted, approved="a2")
    assert not _needs_look(noted, approved="a1")
    assert _needs_look(RESTING, approved="a1")


def test_a_look_that_failed_is_repeated_later_and_later_up_to_a_day() -> None:
    assert [retry_delay(failures) for failures in (1, 2, 3)] == [
        timedelta(minutes=15),
        timedelta(minutes=30),
        timedelta(hours=1),
    ]
    assert retry_delay(8) == retry_delay(10_000) == LONGEST_DELAY
    assert not _needs_look(FAILING)
    assert _needs_look(replace(FAILING, tried_at=minutes(-15)))
    assert not _needs_look(replace(FAILING, tried_at=minutes(-29), failures=2))


def test_what_may_mend_a_failing_endpoint_is_looked_at_at_once() -> None:
    assert _needs_look(FAILING, digest="d2")
    assert _needs_look(FAILING, changed_minutes=-5)
    assert not _needs_look(FAILING, changed_minutes=-11)
    assert not _needs_look(FAILING, summary=None)


def test_each_endpoint_has_its_own_time_of_day() -> None:
    names = [f"endpoint-{number}" for number in range(2400)]
    hours = Counter(last_check_due(name, NOW).hour for name in names)
    weekdays = Counter(last_weekly_look_due(name, NOW).weekday() for name in names)

    assert all(NOW - timedelta(days=1) < last_check_due(name, NOW) <= NOW for name in names)
    assert all(NOW - timedelta(days=7) < last_weekly_look_due(name, NOW) <= NOW for name in names)
    assert (len(hours), len(weekdays)) == (24, 7)
    for counts in (hours, weekdays):
        assert max(counts.values()) < 2 * min(counts.values())


def test_the_weekly_look_is_one_of_seven_checks() -> None:
    days = [NOW + timedelta(days=number) for number in range(7)]

    assert sum(last_check_due("churn", day) == last_weekly_look_due("churn", day) for day in days) == 1
    assert last_weekly_look_due("churn", days[-1] + timedelta(days=1)) == last_weekly_look_due(
        "churn", NOW
    ) + timedelta(days=7)


def test_a_check_is_due_once_a_day() -> None:
    due = last_check_due("churn", NOW)
    before, after = due - timedelta(seconds=1), due + timedelta(seconds=1)
    old = _look(replace(RESTING, looked_at=before))

    assert is_check_due(old, None, NOW)
    assert is_check_due(old, before, NOW)
    assert not is_check_due(old, after, NOW)
    assert is_check_due(old, after, NOW + timedelta(days=1))
    assert not is_check_due(_look(replace(RESTING, looked_at=after)), before, NOW)
    assert not is_check_due(_look(replace(FAILING, looked_at=before)), None, NOW)
    assert not is_check_due(_look(FleetRecord()), None, NOW)


def test_a_look_reads_all_if_no_look_came_since_the_check_was_due() -> None:
    due = last_check_due("churn", NOW)

    assert reads_all(_look(FleetRecord()), NOW)
    assert reads_all(_look(replace(RESTING, looked_at=due - timedelta(seconds=1))), NOW)
    assert not reads_all(_look(replace(RESTING, looked_at=due)), NOW)


def test_a_weekly_look_that_no_sweep_made_in_time_is_due_still() -> None:
    due = last_weekly_look_due("churn", NOW)
    before, after = due - timedelta(seconds=1), due + timedelta(seconds=1)
    old = _look(replace(RESTING, looked_at=before))

    assert is_weekly_look_due(old, before, due + timedelta(days=6))
    assert not is_weekly_look_due(old, after, due + timedelta(days=6))
    assert is_weekly_look_due(old, after, due + timedelta(days=7))
    assert is_weekly_look_due(_look(FleetRecord()), after, NOW)


def test_a_look_that_finds_nothing_to_do_notes_what_it_saw() -> None:
    look = _look(replace(FAILING, settings_digest="d0"), approved="a1")
    record = after_look(look, "d1", ended=True, rests=True, began=minutes(-1), now=NOW)

    assert record == FleetRecord(
        settings_digest="d1",
        noted_at=NOW,
        rests=True,
        rests_at=SEEN.last_modified_time,
        looked_at=minutes(-1),
        approved_digest="a1",
        mark=7,
    )
    assert not needs_look(replace(look, record=record), "d1", changed=None, now=NOW)


def test_a_look_that_only_its_time_led_to_changes_nothing_that_is_known() -> None:
    """So it costs no write: the sweep notes for all endpoints how far it came."""
    noted = after_look(_look(RESTING), "d1", ended=True, rests=True, began=NOW, now=NOW, approved_digest="a1")
    due = replace(_look(noted), is_due_only=True)
    later = minutes(60 * 24)

    def looked(approved_digest: str) -> FleetRecord:
        return after_look(
            due, "d1", ended=True, rests=True, began=later, now=later, approved_digest=approved_digest
        )

    assert looked("a1") == noted
    assert looked("a2") == replace(noted, approved_digest="a2")


def test_a_look_that_leaves_something_to_do_leads_to_another() -> None:
    look = _look(RESTING)
    busy = after_look(look, "d2", ended=False, rests=False, began=NOW, now=NOW)
    done = after_look(look, "d2", ended=True, rests=False, began=NOW, now=NOW)

    assert busy == replace(RESTING, rests=False)
    assert done == replace(RESTING, rests=False, settings_digest="d2", noted_at=NOW)


def test_a_look_that_failed_counts_until_one_ends_well() -> None:
    once = after_failed_look(_look(RESTING), "d1", began=minutes(-5), passes=False)
    twice = after_failed_look(_look(once), "d2", began=NOW, passes=False)

    assert (once.failures, once.tried_at, once.tried_digest) == (1, minutes(-5), "d1")
    assert (twice.failures, twice.tried_at, twice.tried_digest) == (2, NOW, "d2")
    assert after_look(_look(twice), "d2", ended=True, rests=False, began=NOW, now=NOW).failures == 0


def _change(
    *, created: float, modified: float, approved: bool = True, completed: bool = True
) -> VersionChange:
    return VersionChange("churn", minutes(created), minutes(modified), approved, completed)


def _newest(*changes: VersionChange) -> tuple[float, float] | None:
    """Return how many minutes after NOW the group changed last, and until when it may have."""
    found = newest_changes(changes, NOW).get("churn")
    return None if found is None else tuple((at - NOW).total_seconds() / 60 for at in found)  # type: ignore[return-value] # both of them


def test_a_group_changed_when_its_version_changed_last() -> None:
    one, other = _change(created=-200, modified=-90), _change(created=-200, modified=-100, approved=False)

    assert _newest(one, other) == _newest(other, one) == (-90, -90)


def test_a_version_that_was_never_approved_changes_nothing() -> None:
    assert _newest(_change(created=-5, modified=-5, approved=False)) is None
    assert _newest(_change(created=-9, modified=-5, approved=False)) == (-5, -5)


def test_a_version_that_was_registered_as_approved_may_change_for_a_while() -> None:
    """Its completion may move no time."""
    grace = REGISTRATION.total_seconds() / 60

    assert _newest(_change(created=-5, modified=-5)) == (-5, 0)
    assert _newest(_change(created=-60, modified=-60)) == (-60, -60 + grace)
    assert _newest(_change(created=-170, modified=-170, completed=False)) == (-170, 0)


def test_a_version_that_may_go_on_changing_mends_no_endpoint_that_fails() -> None:
    change = GroupChange(minutes(-20), NOW)

    assert needs_look(_look(RESTING), "d1", changed=change, now=NOW)
    assert not needs_look(_look(FAILING), "d1", changed=change, now=NOW)
