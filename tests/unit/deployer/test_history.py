"""History is for people: it may expire, or be lost, and nothing that the deployer does changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from deployer.contract import FLEET, JOURNAL_EXPIRY
from deployer.endpoint_pass.ledger import Ledger
from deployer.gateways.approval_items import APPROVAL
from deployer.gateways.journal import Journal
from deployer.gateways.journal_items import ATTEMPT
from deployer.model.approval import ApprovalSource
from deployer.model.attempt import AttemptStatus
from tests.unit.deployer.builders import ENDPOINT, approval, deployment, minutes
from tests.unit.deployer.pipeline import TABLE, Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

DAYS = 400


@pytest.fixture
def pipeline() -> Pipeline:
    """Return an account whose history expires."""
    pipeline = Pipeline()
    pipeline.journal = Journal(
        pipeline.deployer_cloud.client("dynamodb"),
        table_name=TABLE,
        now=lambda: pipeline.now(),  # noqa: PLW0108 - tests set the clock later
        history_days=DAYS,
    )
    return pipeline


def items(pipeline: Pipeline) -> list[dict[str, Any]]:
    found = pipeline.cloud.client("dynamodb").scan(TableName=TABLE)["Items"]
    return sorted(map(dict, found), key=lambda each: (each["endpoint"]["S"], each["item"]["S"]))


def is_history(item: dict[str, Any]) -> bool:
    key: str = item["item"]["S"]
    return item["endpoint"]["S"] != FLEET and key.startswith((APPROVAL, ATTEMPT))


def lose_history(pipeline: Pipeline) -> None:
    for item in filter(is_history, items(pipeline)):
        keys = {name: item[name] for name in ("endpoint", "item")}
        pipeline.cloud.client("dynamodb").delete_item(TableName=TABLE, Key=keys)


def tell_a_story(pipeline: Pipeline, after_each_pass: Callable[[], None]) -> list[Any]:
    """Approve, fail, reject, change settings, repeat events, remove; return what people and callers saw."""
    seen: list[Any] = []

    def happen(seconds: float = 900) -> None:
        pipeline.deliver()
        after_each_pass()
        pipeline.run()
        after_each_pass()
        pipeline.pass_time(seconds)
        pipeline.sweep()
        after_each_pass()
        pipeline.run()
        after_each_pass()
        seen.append(pipeline.serving())

    pipeline.manage()
    first, second, broken = (pipeline.register() for _ in range(3))
    pipeline.approve(first)
    happen()
    approved = pipeline.events.events[:]
    pipeline.approve(second)
    happen()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    happen()
    pipeline.reject(second)
    happen()
    # A late copy of each event.
    pipeline.events.events.extend(approved)
    happen()
    pipeline.approve(second)
    pipeline.manage(Tags={"team": "growth"})
    happen()
    pipeline.manage(Keep=0)
    happen(24 * 3600)
    pipeline.unmanage()
    happen()
    happen()
    outcomes = [(each["Outcome"], each.get("ModelPackageVersion")) for each in pipeline.outcomes]
    assert pipeline.journal.fleet.records() == {}
    return [seen, outcomes]


def test_a_whole_story_ends_the_same_if_its_history_is_lost_again_and_again() -> None:
    kept, losing = Pipeline(), Pipeline()
    expected = tell_a_story(kept, lambda: None)
    found = tell_a_story(losing, lambda: lose_history(losing))

    assert found == expected
    assert [each for each in items(losing) if is_history(each)] == []
    outcomes = [kind for kind, _ in expected[1]]
    assert {"started", "succeeded", "failed", "rolled_back", "unmanaged"} <= set(outcomes), outcomes


def test_history_expires_so_long_after_its_last_change_and_facts_never(pipeline: Pipeline) -> None:
    tell_a_story(pipeline, lambda: None)
    found = items(pipeline)
    expiring = [each for each in found if JOURNAL_EXPIRY in each]

    assert expiring == [each for each in found if is_history(each)]
    assert len(expiring) < len(found)
    latest = max(int(each[JOURNAL_EXPIRY]["N"]) for each in expiring)
    assert latest <= (pipeline.now() + timedelta(days=DAYS)).timestamp()
    assert latest > (pipeline.now() + timedelta(days=DAYS - 2)).timestamp()


def test_history_is_kept_for_ever_by_default() -> None:
    pipeline = Pipeline()
    pipeline.journal.record_approval(approval(1))

    assert not any(JOURNAL_EXPIRY in each for each in items(pipeline))


def test_what_changes_after_its_history_expired_is_written_as_a_whole(pipeline: Pipeline) -> None:
    journal = pipeline.journal
    journal.record_approval(approval(1))
    begun = deployment(1)
    journal.begin(begun, None, unannounced=False)
    before = [each for each in items(pipeline) if is_history(each)]
    lose_history(pipeline)
    ended = replace(begun, status=AttemptStatus.SUCCEEDED, settled_at=minutes(5))
    assert journal.move(begun, ended, is_latest=True)
    lose_history(pipeline)
    journal.record_reported(ended, "end_reported")
    assert journal.withdraw(approval(1), forget=())

    after = [each for each in items(pipeline) if is_history(each)]
    assert [each.keys() - {"withdrawn", "settled_at"} for each in after] == [each.keys() for each in before]
    assert after[0]["withdrawn"] == {"BOOL": True}
    assert after[1]["end_reported"] == {"BOOL": True}


def test_an_approval_is_recorded_once_whoever_approved_it_by_a_copy_of_its_event(pipeline: Pipeline) -> None:
    ledger = Ledger(ENDPOINT, pipeline.journal, pipeline.logger, invocation_id="i")
    other = Ledger(ENDPOINT, pipeline.journal, pipeline.logger, invocation_id="j")
    assert ledger.record_approval(approval(1))
    lose_history(pipeline)
    copy = approval(1, objection="no lead")

    assert not other.record_approval(copy), "it read the journal before"
    assert not other.record_approval(copy)
    assert pipeline.journal.read(ENDPOINT).approvals == (approval(1),)


def test_an_approval_is_recorded_although_another_one_was_meanwhile(pipeline: Pipeline) -> None:
    ledger = Ledger(ENDPOINT, pipeline.journal, pipeline.logger, invocation_id="i")
    ignored = approval(1, objection="no lead")
    assert pipeline.journal.record_approval(ignored)
    assert ledger.record_approval(approval(1, minutes(5)))

    assert pipeline.journal.read(ENDPOINT).approvals == (approval(1, minutes(5)), ignored)


@pytest.mark.parametrize(
    ("source", "objection", "registered_at", "is_recorded"),
    [
        (ApprovalSource.ADOPTED, None, minutes(-5), False),
        (ApprovalSource.ADOPTED, "no lead", minutes(-5), False),
        (ApprovalSource.EVENT, None, minutes(-5), True),
        (ApprovalSource.ADOPTED, None, minutes(4), True),
    ],
    ids=["adopted", "adopted, and ignored", "told by an event", "of a version that got the ARN since"],
)
def test_an_approval_that_no_event_told_of_gives_way_to_one_that_was_recorded_meanwhile(
    pipeline: Pipeline,
    source: ApprovalSource,
    objection: str | None,
    registered_at: datetime,
    *,
    is_recorded: bool,
) -> None:
    """The deployer changed the version last, if it was deployed meanwhile: later than it was approved."""
    ledger = Ledger(ENDPOINT, pipeline.journal, pipeline.logger, invocation_id="i")
    told = approval(1)
    assert pipeline.journal.record_approval(told)
    late = approval(1, minutes(5), source=source, objection=objection, registered_at=registered_at)

    assert ledger.record_approval(late) is is_recorded
    assert (told in pipeline.journal.read(ENDPOINT).approvals) is not is_recorded
    assert (late in pipeline.journal.read(ENDPOINT).approvals) is is_recorded
