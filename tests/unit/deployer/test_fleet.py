"""The fleet's partition: how a look ended is read back, and is not noted over what was journalled since."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.gateways.journal_table import MOST_WRITES
from deployer.model.fleet import FleetNotes, FleetRecord
from tests.unit.deployer.builders import ENDPOINT, NOW, approval, minutes
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from deployer.gateways.journal import Journal

RESTING = FleetRecord(
    settings_digest="d1",
    noted_at=NOW,
    rests=True,
    rests_at=minutes(-60),
    looked_at=minutes(-5),
    approved_digest="a1",
    retry_at=minutes(20),
    mark=0,
)


@pytest.fixture
def journal() -> Journal:
    return Pipeline().journal


def test_nothing_is_known_of_an_endpoint_before_its_first_look(journal: Journal) -> None:
    assert journal.fleet.records() == {}


def test_an_endpoint_that_rests_is_read_back(journal: Journal) -> None:
    journal.fleet.note_look(ENDPOINT, replace(RESTING, mark=None))

    assert journal.fleet.records() == {ENDPOINT: RESTING}
    assert journal.fleet.records(["a", "z"]) == {ENDPOINT: RESTING}
    assert journal.fleet.records(["x", "z"]) == {}


def test_a_look_that_failed_is_read_back_and_forgotten_by_one_that_ended_well(journal: Journal) -> None:
    failed = FleetRecord(known_since=NOW, failures=2, tried_at=NOW, tried_digest="d1", mark=0)
    journal.fleet.note_look(ENDPOINT, replace(failed, mark=None))
    assert journal.fleet.records() == {ENDPOINT: failed}

    well = FleetRecord(settings_digest="d1", noted_at=NOW, known_since=NOW, mark=0)
    journal.fleet.note_look(ENDPOINT, well)
    assert journal.fleet.records() == {ENDPOINT: well}


def test_what_is_journalled_says_that_the_endpoint_does_not_rest(journal: Journal) -> None:
    journal.fleet.note_look(ENDPOINT, replace(RESTING, mark=None))
    journal.record_approval(approval(1))
    journal.record_unreadable(ENDPOINT, "arn")

    found = journal.fleet.records()[ENDPOINT]
    assert found == replace(RESTING, known_since=found.known_since, rests=False, mark=2)


def test_no_look_says_that_an_endpoint_rests_of_which_something_was_journalled_meanwhile(
    journal: Journal,
) -> None:
    journal.fleet.note_look(ENDPOINT, replace(RESTING, mark=None))
    seen = journal.fleet.records()[ENDPOINT]
    journal.record_approval(approval(1))
    journal.fleet.note_look(ENDPOINT, seen)
    assert not journal.fleet.records()[ENDPOINT].rests

    journal.fleet.note_look("new", replace(RESTING, mark=None))
    journal.record_unreadable("another", "arn")
    journal.fleet.note_look("another", replace(RESTING, mark=None))
    assert [name for name, each in journal.fleet.records().items() if each.rests] == ["new"]


def test_a_look_that_leaves_something_to_do_is_noted_also_if_it_journalled_itself(journal: Journal) -> None:
    journal.record_approval(approval(1))
    journal.fleet.note_look(ENDPOINT, FleetRecord(settings_digest="d1", noted_at=NOW))

    found = journal.fleet.records()[ENDPOINT]
    assert found == FleetRecord(settings_digest="d1", noted_at=NOW, known_since=found.known_since, mark=1)


def test_many_endpoints_that_rest_are_noted_together_but_for_those_that_do_not(journal: Journal) -> None:
    names = [f"endpoint-{number:03d}" for number in range(MOST_WRITES + 5)]
    journal.record_unreadable(names[7], "arn")
    journal.fleet.note_rests(dict.fromkeys(names, replace(RESTING, mark=None)))
    found = journal.fleet.records()

    assert [name for name, each in found.items() if not each.rests] == [names[7]]
    assert len(found) == len(names)


def test_an_endpoint_of_which_something_was_journalled_is_known_since_then() -> None:
    pipeline = Pipeline()
    first = pipeline.now()
    pipeline.journal.record_approval(approval(1))
    pipeline.pass_time(60)
    pipeline.journal.record_unreadable(ENDPOINT, "arn")

    assert pipeline.journal.fleet.records()[ENDPOINT].managed_since == first


def test_an_endpoint_whose_looks_all_failed_is_known_since_the_first_one(journal: Journal) -> None:
    journal.fleet.note_look(ENDPOINT, FleetRecord(failures=1, tried_at=NOW, tried_digest="d1"))

    assert journal.fleet.records()[ENDPOINT].managed_since is not None


def test_how_far_the_checks_came_is_read_back_beside_the_endpoints(journal: Journal) -> None:
    assert journal.fleet.notes() == FleetNotes({}, None)
    journal.fleet.note_look(ENDPOINT, replace(RESTING, mark=None))
    journal.fleet.note_checks(minutes(-3))
    journal.fleet.note_checks(NOW)

    assert journal.fleet.notes() == FleetNotes({ENDPOINT: RESTING}, NOW)
    assert journal.fleet.records() == {ENDPOINT: RESTING}


def left(journal: Journal) -> FleetRecord:
    journal.fleet.note_look(ENDPOINT, replace(RESTING, mark=None))
    noted = journal.fleet.note_left(ENDPOINT, journal.fleet.records()[ENDPOINT])
    assert noted is not None
    return noted


def test_an_endpoint_that_left_is_read_back_and_rests_no_more(journal: Journal) -> None:
    noted = left(journal)

    assert journal.fleet.records() == {ENDPOINT: noted}
    assert noted == replace(RESTING, rests=False, left_at=noted.left_at)
    assert noted.left_at is not None


def test_no_look_is_noted_of_an_endpoint_that_left(journal: Journal) -> None:
    noted = left(journal)
    journal.fleet.note_look(ENDPOINT, RESTING)
    journal.fleet.note_look(ENDPOINT, replace(RESTING, mark=None))
    journal.fleet.note_look(
        ENDPOINT, replace(RESTING, rests=False, settings_digest="d2", noted_at=minutes(1))
    )

    assert journal.fleet.records() == {ENDPOINT: noted}


def test_no_removal_is_noted_over_a_look_with_settings_or_twice(journal: Journal) -> None:
    journal.fleet.note_look(ENDPOINT, replace(RESTING, mark=None))
    journal.record_unreadable("unnoted", "arn")
    seen = journal.fleet.records()
    for name in (ENDPOINT, "unnoted"):
        journal.fleet.note_look(name, FleetRecord(settings_digest="d2", noted_at=minutes(1)))
        assert journal.fleet.note_left(name, seen[name]) is None

    noted = journal.fleet.records()[ENDPOINT]
    assert journal.fleet.note_left(ENDPOINT, noted) is not None
    assert journal.fleet.note_left(ENDPOINT, noted) is None
    assert journal.fleet.note_left("never", FleetRecord()) is None


def test_a_reported_removal_is_read_back(journal: Journal) -> None:
    noted = left(journal)
    journal.fleet.note_removal_reported(ENDPOINT, noted)

    assert journal.fleet.records() == {ENDPOINT: replace(noted, removal_reported=True)}


def test_an_endpoint_is_forgotten_unless_something_was_journalled_meanwhile(journal: Journal) -> None:
    noted = left(journal)
    journal.record_unreadable(ENDPOINT, "arn")
    assert not journal.fleet.forget(ENDPOINT, noted)
    assert journal.fleet.forget(ENDPOINT, journal.fleet.records()[ENDPOINT])

    assert journal.fleet.records() == {}


def test_an_endpoint_that_returned_is_not_forgotten_for_the_removal_before(journal: Journal) -> None:
    before = left(journal)
    journal.fleet.begin_again(ENDPOINT, before)
    assert journal.fleet.records() == {}
    journal.fleet.note_look(ENDPOINT, replace(RESTING, mark=None))
    journal.fleet.begin_again(ENDPOINT, before)
    journal.fleet.note_removal_reported(ENDPOINT, before)
    assert not journal.fleet.forget(ENDPOINT, before)

    assert journal.fleet.records() == {ENDPOINT: RESTING}
