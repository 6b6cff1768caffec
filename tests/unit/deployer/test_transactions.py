"""What finds no room in one transaction of the journal stays as it was, and a later one takes it up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.endpoint_pass.ledger import Ledger
from deployer.gateways.journal_table import MOST_WRITES
from deployer.model.attempt import AttemptStatus, Deletion
from deployer.model.history import with_deployment
from tests.unit.deployer.builders import ENDPOINT, approval, clean_up, deployment, minutes
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from deployer.model.attempt import CleanUp
    from deployer.model.history import ReleaseRecord

MANY = MOST_WRITES + 50


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


def ledger(pipeline: Pipeline) -> Ledger:
    return Ledger(ENDPOINT, pipeline.journal, pipeline.logger, invocation_id="i")


def failed(number: int) -> ReleaseRecord:
    """Return the record of a release that failed under version 1's approval, under settings of its own."""
    name = f"churn-v1-{number:012d}"
    return with_deployment(
        None,
        deployment(
            number=number,
            status=AttemptStatus.FAILED,
            settled_at=minutes(number),
            endpoint_config_name=name,
            model_name=name,
        ),
    )


def keep(pipeline: Pipeline, records: list[ReleaseRecord]) -> CleanUp:
    """Journal an approval and these releases' records; return the attempt that comes last."""
    journal, last = pipeline.journal, clean_up(number=MANY + 1, status=AttemptStatus.WITHDRAWN)
    journal.record_approval(approval(1))
    journal.begin(last, None, unannounced=False)
    for first in range(0, len(records), MOST_WRITES // 2):
        journal.move(last, last, is_latest=True, records=records[first : first + MOST_WRITES // 2])
    assert len(journal.read(ENDPOINT).releases) == len(records)
    return last


def delete_all(pipeline: Pipeline, number: int) -> None:
    """Clean up everything that may exist."""
    books = ledger(pipeline)
    made = [each for each in books.history.releases.values() if each.made]
    names = tuple(each.endpoint_config_name for each in made)
    deletion = Deletion(names, tuple(name for each in made for name in each.model_names))
    begun = books.begin(clean_up(number=number, deletion=deletion))
    books.move(begun, status=AttemptStatus.SUCCEEDED, settled_at=minutes(number))


def test_a_withdrawal_takes_effect_at_once_and_its_many_failures_go_with_later_attempts(
    pipeline: Pipeline,
) -> None:
    cleaned_up = [replace(failed(number), made=False) for number in range(1, MANY + 1)]
    keep(pipeline, cleaned_up)
    [standing] = pipeline.journal.read(ENDPOINT).approvals
    ledger(pipeline).withdraw(standing)

    left = pipeline.journal.read(ENDPOINT)
    assert left.approvals == ()
    assert len(left.releases) == MANY - (MOST_WRITES - 2)
    for number in (MANY + 2, MANY + 3):
        delete_all(pipeline, number)
    assert pipeline.journal.read(ENDPOINT).releases == {}


def test_a_clean_up_of_many_releases_is_noted_whole_by_clean_ups_that_follow(pipeline: Pipeline) -> None:
    keep(pipeline, [failed(number) for number in range(1, MANY + 1)])
    delete_all(pipeline, MANY + 2)

    half = pipeline.journal.read(ENDPOINT).releases
    assert len(half) == MANY, "their failures answer an approval that stands"
    assert 0 < sum(each.made for each in half.values()) < MANY
    delete_all(pipeline, MANY + 3)

    whole = pipeline.journal.read(ENDPOINT).releases
    assert len(whole) == MANY
    assert not any(each.made for each in whole.values())
    assert all(each.has_failed for each in whole.values())


def test_many_ends_that_were_announced_are_forgotten_by_attempts_that_follow(pipeline: Pipeline) -> None:
    journal, latest = pipeline.journal, None
    for number in range(1, MANY + 2):
        attempt = deployment(
            number=number, status=AttemptStatus.FAILED, settled_at=minutes(number), end_reported=False
        )
        journal.begin(attempt, latest, unannounced=latest is not None)
        latest = attempt
    owed = journal.read(ENDPOINT).unannounced
    assert len(owed) == MANY
    for each in owed:
        journal.record_reported(each, "end_reported")
    for number in (MANY + 2, MANY + 3):
        books = ledger(pipeline)
        begun = books.begin(deployment(number=number))
        books.move(begun, status=AttemptStatus.WITHDRAWN, settled_at=minutes(number))

    # The one whose end nobody reported is kept.
    assert [each.number for each in journal.read(ENDPOINT).unannounced] == [MANY + 1]
