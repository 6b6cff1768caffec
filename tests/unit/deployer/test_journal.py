from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from deployer.gateways.journal import WINDOW, History, Journal, Rest
from deployer.model.attempt import Action, AttemptStatus, Deletion
from deployer.model.life_cycle import LifeCycle
from deployer.model.release import Companion
from deployer.model.smoke_test import Failure
from tests.infra.sufficiency.test_gateways import FailingClient
from tests.unit.deployer.builders import ENDPOINT, approval, attempt, minutes, version_arn
from tests.unit.deployer.pipeline import TABLE, Pipeline

REST = Rest(
    "churn-v1-000000000000",
    minutes(7),
    {"team": "growth"},
    {"AllTraffic": {"MinCapacity": 1}},
    7,
    "Nothing stands.",
)


@pytest.fixture
def journal() -> Journal:
    return Pipeline().journal


def test_what_is_written_is_read_back(journal: Journal) -> None:
    journal.record_approval(approval(1))
    journal.begin(attempt(1))
    journal.record_rest(ENDPOINT, Rest(), REST)

    history = journal.read(ENDPOINT)

    assert history.approvals == (approval(1),)
    assert history.attempts == (attempt(1),)
    assert history.rest == REST


def test_all_that_an_attempt_may_know_is_read_back(journal: Journal) -> None:
    told = attempt(
        1,
        companions=(Companion("Shadow", version_arn(2), 2, "churn-v2", is_shadow=True),),
        goal=LifeCycle("Production", "Approved"),
        failed_test=Failure("0a1b", {"Name": "typical"}, {"Status": 500}, "status 200"),
        alarms_left_out=("errors",),
    )
    journal.begin(told)

    assert journal.read(ENDPOINT).attempts == (told,)


def test_an_endpoint_that_never_was_has_an_empty_history(journal: Journal) -> None:
    history = journal.read("never")

    assert (history.approvals, history.attempts, history.rest) == ((), (), Rest())
    assert history.latest_attempt is None


def test_an_approval_keeps_what_was_approved(journal: Journal) -> None:
    journal.record_approval(approval(1, artefact_digest="0a1b"))

    assert journal.read(ENDPOINT).approvals[0].artefact_digest == "0a1b"


def test_an_approval_that_comes_twice_is_written_once(journal: Journal) -> None:
    assert journal.record_approval(approval(1))
    assert not journal.record_approval(approval(1, correlation_id="a copy"))
    assert journal.read(ENDPOINT).approvals == (approval(1),)


def test_of_two_invocations_one_claims_the_attempt(journal: Journal) -> None:
    assert journal.begin(attempt(1, invocation_id="one"))
    assert not journal.begin(attempt(2, invocation_id="other"))
    assert journal.read(ENDPOINT).attempts == (attempt(1, invocation_id="one"),)


def test_a_claim_whose_answer_was_lost_is_still_ones_own(journal: Journal) -> None:
    assert journal.begin(attempt(1))
    assert journal.begin(attempt(1))


def test_of_two_invocations_one_moves_the_attempt_on(journal: Journal) -> None:
    journal.begin(attempt(1))
    settled = replace(attempt(1), status=AttemptStatus.SUCCEEDED, settled_at=minutes(5))

    assert journal.move(attempt(1), replace(settled, invocation_id="one"))
    assert not journal.move(attempt(1), replace(settled, invocation_id="other"))


def test_a_move_whose_answer_was_lost_is_still_ones_own(journal: Journal) -> None:
    journal.begin(attempt(1))
    settled = replace(attempt(1), status=AttemptStatus.FAILED, settled_at=minutes(5), reason="ping")

    assert journal.move(attempt(1), settled)
    assert journal.move(attempt(1), settled)
    assert journal.read(ENDPOINT).attempts == (settled,)


def test_a_move_keeps_what_others_noted_in_between(journal: Journal) -> None:
    accepted = replace(attempt(1), status=AttemptStatus.ACCEPTED)
    journal.begin(accepted)
    journal.note_reported(accepted, "started_reported")
    journal.move(accepted, replace(accepted, status=AttemptStatus.SUCCEEDED, settled_at=minutes(5)))

    (read,) = journal.read(ENDPOINT).attempts
    assert read.started_reported
    assert read.status is AttemptStatus.SUCCEEDED


def test_an_attempt_taken_over_by_another_is_lost_to_the_first(journal: Journal) -> None:
    journal.begin(attempt(1))
    taken_over = replace(attempt(1), lease_until=minutes(12), invocation_id="other")
    assert journal.move(attempt(1), taken_over)

    assert not journal.move(attempt(1), replace(attempt(1), status=AttemptStatus.ACCEPTED))


def test_a_long_history_keeps_the_newest_of_each(journal: Journal) -> None:
    for number in range(1, WINDOW + 31):
        journal.record_approval(approval(number, minutes(number)))
        journal.begin(attempt(1, number=number))
    journal.record_rest(ENDPOINT, Rest(), REST)

    history = journal.read(ENDPOINT)

    newest = list(range(WINDOW + 30, 30, -1))
    assert [each.version for each in history.approvals] == newest
    assert [each.number for each in history.attempts] == newest
    assert history.rest == REST


class SmallPages:
    """DynamoDB with pages of two items, as if each were half a megabyte."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def query(self, **request: Any) -> Any:
        return self._client.query(**{**request, "Limit": min(2, request["Limit"])})


def test_a_history_that_comes_in_many_pages_is_read_whole() -> None:
    pipeline = Pipeline()
    for number in range(1, 5):
        pipeline.journal.record_approval(approval(number, minutes(number)))
        pipeline.journal.begin(attempt(number, number=number))
    paged = Journal(cast("Any", SmallPages(pipeline.cloud.client("dynamodb"))), table_name=TABLE)

    assert paged.read(ENDPOINT) == pipeline.journal.read(ENDPOINT)
    assert [each.version for each in paged.read(ENDPOINT).approvals] == [4, 3, 2, 1]


def test_a_journal_that_cannot_be_written_is_not_mistaken_for_another_invocations_claim() -> None:
    failing = Journal(cast("Any", FailingClient("ThrottlingException", "…")), table_name=TABLE)

    with pytest.raises(ClientError, match="ThrottlingException"):
        failing.begin(attempt(1))
    with pytest.raises(ClientError, match="ThrottlingException"):
        failing.move(attempt(1), replace(attempt(1), status=AttemptStatus.ACCEPTED))
    with pytest.raises(ClientError, match="ThrottlingException"):
        failing.record_artefact_digest(approval(1), "0" * 64)


def test_what_was_approved_is_what_was_found_first(journal: Journal) -> None:
    given = approval(1)
    journal.record_approval(given)

    assert journal.record_artefact_digest(given, "1" * 64)
    assert not journal.record_artefact_digest(given, "2" * 64)
    assert journal.record_artefact_digest(given, "1" * 64), "a repetition finds its own work"
    assert journal.read(ENDPOINT).approvals[0].artefact_digest == "1" * 64


def test_an_approval_remembers_what_it_was_superseded_by(journal: Journal) -> None:
    journal.record_approval(approval(1, objection="not an approver"))
    journal.record_superseded(approval(1), by=7)

    (read,) = journal.read(ENDPOINT).approvals
    assert (read.objection, read.superseded_by) == ("not an approver", 7)


def test_a_clean_up_remembers_what_it_deletes(journal: Journal) -> None:
    clean_up = attempt(1, action=Action.CLEAN_UP, deletion=Deletion(("config",), ("model", "other")))
    journal.begin(clean_up)

    assert journal.read(ENDPOINT).attempts == (clean_up,)


def test_endpoints_share_no_history(journal: Journal) -> None:
    journal.record_approval(approval(1))
    journal.record_approval(approval(2, endpoint_name=f"{ENDPOINT}-2"))

    assert [each.version for each in journal.read(ENDPOINT).approvals] == [1]


def test_two_passes_that_note_different_things_of_a_rest_keep_both(journal: Journal) -> None:
    journal.record_rest(ENDPOINT, Rest(), REST)
    journal.record_rest(ENDPOINT, REST, replace(REST, scaling={}))
    journal.record_rest(ENDPOINT, REST, replace(REST, told=None))

    assert journal.read(ENDPOINT).rest == replace(REST, scaling={}, told=None)


def test_what_serves_is_what_succeeded_last_and_not_what_was_tried_since() -> None:
    failed = attempt(3, number=3, status=AttemptStatus.FAILED)
    succeeded = attempt(2, number=2, status=AttemptStatus.SUCCEEDED)

    assert History((), (failed, succeeded)).live_version_arns == (version_arn(2),)
    assert History((), (failed,)).live_version_arns == ()
