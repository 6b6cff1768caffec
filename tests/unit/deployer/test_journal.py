from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from deployer.decisions.facts import NotReadError, UnreadAttemptsAfter
from deployer.decisions.served import live_version_arns
from deployer.gateways.journal import WINDOW, Journal
from deployer.model.approval import HeardApproval
from deployer.model.attempt import Action, AttemptStatus, CleanUp, Deletion, Deployment, Promotion
from deployer.model.companion import Companion
from deployer.model.history import History, LastObserved
from deployer.model.life_cycle import LifeCycle
from deployer.model.smoke_test import Failure
from tests.infra.sufficiency.test_gateways import FailingClient
from tests.unit.deployer.builders import (
    ENDPOINT,
    GROUP,
    approval,
    clean_up,
    deployment,
    facts,
    minutes,
    promotion,
    version_arn,
)
from tests.unit.deployer.pipeline import TABLE, Pipeline

if TYPE_CHECKING:
    from deployer.model.attempt import Attempt

REST = LastObserved(
    endpoint_config_name="churn-v1-000000000000",
    last_modified_time=minutes(7),
    tags={"team": "growth"},
    scaling={"AllTraffic": {"MinCapacity": 1}},
    metadata_written=7,
    metadata_live={version_arn(1): "approved"},
    reported="Nothing stands.",
    refused_change=("churn-v1-000000000000", "churn-v2-000000000000"),
    abort_alarm_set=True,
)


@pytest.fixture
def journal() -> Journal:
    return Pipeline().journal


def test_what_is_written_is_read_back(journal: Journal) -> None:
    journal.record_approval(approval(1))
    journal.begin(deployment(1))
    journal.record_last_observed(ENDPOINT, LastObserved(), REST)

    history = journal.read(ENDPOINT)

    assert history.approvals == (approval(1),)
    assert history.attempts == (deployment(1),)
    assert history.last_observed == REST


COMPANIONS = (
    Companion("Shadow", version_arn(2), 2, "churn-v2", is_shadow=True),
    Companion("Champion", version_arn(3), 3, "churn-v3"),
)
SETTLED: dict[str, Any] = {"status": AttemptStatus.FAILED, "settled_at": minutes(5), "reason": "ping"}
FULL = [
    deployment(
        1,
        **SETTLED,
        action=Action.CREATE_ENDPOINT,
        companions=COMPANIONS,
        rolls_back=True,
        accepted_at=minutes(1),
        abort_asked_at=minutes(2),
        deletes_endpoint=True,
        tests_begun=2,
        failed_test=Failure("0a1b", {"Name": "typical"}, {"Status": 500}, "status 200"),
        alarms_left_out=("errors",),
        alarms_unread=True,
        unguarded="It changes its instance type.",
        doubles_instances=True,
        start_reported=True,
        end_reported=True,
    ),
    promotion(
        1,
        **SETTLED,
        companions=COMPANIONS,
        goal=LifeCycle("Production", "Approved"),
        end_reported=True,
    ),
    clean_up(**SETTLED, deletion=Deletion(("config",), ("model", "other"))),
]
"""An attempt of each kind, with no field at its default."""

BARE = [
    deployment(1, replaces_endpoint_config_name=None, endpoint_last_modified_time=None, artifact_digest=None),
    promotion(1, artifact_digest=None),
    clean_up(deletion=Deletion()),
]


def kind(attempt: object) -> str:
    return type(attempt).__name__


@pytest.mark.parametrize("attempt", FULL, ids=kind)
def test_an_attempt_of_each_kind_has_every_field_set_here(attempt: Attempt) -> None:
    assert [each.name for each in fields(attempt) if getattr(attempt, each.name) == each.default] == []


@pytest.mark.parametrize("attempt", [*FULL, *BARE], ids=kind)
def test_all_that_an_attempt_may_know_is_read_back(journal: Journal, attempt: Attempt) -> None:
    journal.begin(attempt)

    assert journal.read(ENDPOINT).attempts == (attempt,)


@pytest.mark.parametrize("attempt", FULL, ids=kind)
def test_an_attempt_of_each_kind_is_moved_as_a_whole(journal: Journal, attempt: Attempt) -> None:
    begun = replace(attempt, status=AttemptStatus.OPEN, settled_at=None, reason=None)
    journal.begin(begun)

    assert journal.move(begun, attempt)
    assert journal.read(ENDPOINT).attempts == (attempt,)


def test_attempts_of_each_kind_are_told_from_each_other(journal: Journal) -> None:
    attempts = [replace(each, number=number) for number, each in enumerate(FULL, 1)]
    for attempt in attempts:
        journal.begin(attempt)

    history = journal.read(ENDPOINT)

    assert [type(each) for each in history.attempts] == [CleanUp, Promotion, Deployment]
    assert history.deployments == [attempts[0]]
    assert history.promotions == [attempts[1]]


def test_an_endpoint_that_never_was_has_an_empty_history(journal: Journal) -> None:
    history = journal.read("never")

    assert (history.approvals, history.attempts, history.last_observed) == ((), (), LastObserved())
    assert history.latest_attempt is None


def test_an_approval_keeps_what_was_approved(journal: Journal) -> None:
    journal.record_approval(approval(1, artifact_digest="0a1b"))

    assert journal.read(ENDPOINT).approvals[0].artifact_digest == "0a1b"


def test_an_approval_that_comes_twice_is_written_once(journal: Journal) -> None:
    assert journal.record_approval(approval(1))
    assert not journal.record_approval(approval(1, correlation_id="a copy"))
    assert journal.read(ENDPOINT).approvals == (approval(1),)


HEARD = HeardApproval(ENDPOINT, version_arn(1), GROUP, minutes(0), "event-1", minutes(-1))


def test_what_was_heard_of_an_unread_version_is_read_back_and_is_no_approval(journal: Journal) -> None:
    assert journal.record_approval(HEARD)
    assert not journal.record_approval(HEARD)
    assert (journal.read(ENDPOINT).heard, journal.read(ENDPOINT).approvals) == ((HEARD,), ())


def test_an_approval_takes_the_place_of_what_was_heard_of_it(journal: Journal) -> None:
    journal.record_approval(HEARD)
    read = approval(1, HEARD.approved_at)

    assert journal.record_approval(read)
    assert not journal.record_approval(read)
    assert not journal.record_approval(HEARD)
    assert (journal.read(ENDPOINT).heard, journal.read(ENDPOINT).approvals) == ((), (read,))


def test_what_was_heard_and_does_not_stand_is_forgotten(journal: Journal) -> None:
    journal.record_approval(HEARD)
    journal.change_approval(replace(HEARD, withdrawn=True), "withdrawn")

    assert (journal.read(ENDPOINT).heard, journal.read(ENDPOINT).approvals) == ((), ())


def test_of_two_invocations_one_claims_the_attempt(journal: Journal) -> None:
    assert journal.begin(deployment(1, invocation_id="one"))
    assert not journal.begin(deployment(2, invocation_id="other"))
    assert journal.read(ENDPOINT).attempts == (deployment(1, invocation_id="one"),)


def test_a_claim_whose_answer_was_lost_is_still_ones_own(journal: Journal) -> None:
    assert journal.begin(deployment(1))
    assert journal.begin(deployment(1))


def test_of_two_invocations_one_moves_the_attempt_on(journal: Journal) -> None:
    journal.begin(deployment(1))
    settled = replace(deployment(1), status=AttemptStatus.SUCCEEDED, settled_at=minutes(5))

    assert journal.move(deployment(1), replace(settled, invocation_id="one"))
    assert not journal.move(deployment(1), replace(settled, invocation_id="other"))


def test_a_move_whose_answer_was_lost_is_still_ones_own(journal: Journal) -> None:
    journal.begin(deployment(1))
    settled = replace(deployment(1), status=AttemptStatus.FAILED, settled_at=minutes(5), reason="ping")

    assert journal.move(deployment(1), settled)
    assert journal.move(deployment(1), settled)
    assert journal.read(ENDPOINT).attempts == (settled,)


def test_a_move_keeps_what_others_noted_in_between(journal: Journal) -> None:
    accepted = replace(deployment(1), status=AttemptStatus.ACCEPTED)
    journal.begin(accepted)
    journal.record_reported(accepted, "start_reported")
    journal.move(accepted, replace(accepted, status=AttemptStatus.SUCCEEDED, settled_at=minutes(5)))

    (read,) = journal.read(ENDPOINT).attempts
    assert isinstance(read, Deployment)
    assert read.start_reported
    assert read.status is AttemptStatus.SUCCEEDED


def test_an_attempt_taken_over_by_another_is_lost_to_the_first(journal: Journal) -> None:
    journal.begin(deployment(1))
    taken_over = replace(deployment(1), lease_until=minutes(12), invocation_id="other")
    assert journal.move(deployment(1), taken_over)

    assert not journal.move(deployment(1), replace(deployment(1), status=AttemptStatus.ACCEPTED))


def test_a_long_history_keeps_the_newest_of_each(journal: Journal) -> None:
    for number in range(1, WINDOW + 31):
        journal.record_approval(approval(number, minutes(number)))
        journal.begin(deployment(1, number=number))
    journal.record_last_observed(ENDPOINT, LastObserved(), REST)

    history = journal.read(ENDPOINT)

    newest = list(range(WINDOW + 30, 30, -1))
    assert [each.version for each in history.approvals] == newest
    assert [each.number for each in history.attempts] == newest
    assert history.last_observed == REST


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
        pipeline.journal.begin(deployment(number, number=number))
    paged = Journal(cast("Any", SmallPages(pipeline.cloud.client("dynamodb"))), table_name=TABLE)

    assert paged.read(ENDPOINT) == pipeline.journal.read(ENDPOINT)
    assert [each.version for each in paged.read(ENDPOINT).approvals] == [4, 3, 2, 1]


def test_a_journal_that_cannot_be_written_is_not_mistaken_for_another_invocations_claim() -> None:
    failing = Journal(cast("Any", FailingClient("ThrottlingException", "…")), table_name=TABLE)

    with pytest.raises(ClientError, match="ThrottlingException"):
        failing.begin(deployment(1))
    with pytest.raises(ClientError, match="ThrottlingException"):
        failing.move(deployment(1), replace(deployment(1), status=AttemptStatus.ACCEPTED))
    with pytest.raises(ClientError, match="ThrottlingException"):
        failing.record_artifact_digest(approval(1), "0" * 64)


def test_what_was_approved_is_what_was_found_first(journal: Journal) -> None:
    given = approval(1, artifact_digest=None)
    journal.record_approval(given)

    assert journal.record_artifact_digest(given, "1" * 64)
    assert not journal.record_artifact_digest(given, "2" * 64)
    assert journal.record_artifact_digest(given, "1" * 64), "a repetition finds its own work"
    assert journal.read(ENDPOINT).approvals[0].artifact_digest == "1" * 64


def test_an_approval_remembers_what_it_was_superseded_by(journal: Journal) -> None:
    journal.record_approval(approval(1, objection="not an approver"))
    journal.change_approval(replace(approval(1), superseded_by=7), "superseded_by")

    (read,) = journal.read(ENDPOINT).approvals
    assert (read.objection, read.superseded_by) == ("not an approver", 7)


def test_a_clean_up_remembers_what_it_deletes(journal: Journal) -> None:
    cleaned = clean_up(deletion=Deletion(("config",), ("model", "other")))
    journal.begin(cleaned)

    assert journal.read(ENDPOINT).attempts == (cleaned,)


def test_endpoints_share_no_history(journal: Journal) -> None:
    journal.record_approval(approval(1))
    journal.record_approval(approval(2, endpoint_name=f"{ENDPOINT}-2"))

    assert [each.version for each in journal.read(ENDPOINT).approvals] == [1]


def test_two_passes_that_note_different_things_of_a_rest_keep_both(journal: Journal) -> None:
    journal.record_last_observed(ENDPOINT, LastObserved(), REST)
    journal.record_last_observed(ENDPOINT, REST, replace(REST, scaling={}))
    journal.record_last_observed(ENDPOINT, REST, replace(REST, reported=None))

    assert journal.read(ENDPOINT).last_observed == replace(REST, scaling={}, reported=None)


def test_what_serves_is_what_succeeded_last_and_not_what_was_tried_since() -> None:
    failed = deployment(3, number=3, status=AttemptStatus.FAILED)
    succeeded = deployment(2, number=2, status=AttemptStatus.SUCCEEDED)

    assert live_version_arns(History((), (failed, succeeded))) == (version_arn(2),)
    assert live_version_arns(History((), (failed,))) == ()


# Beyond the window -------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempt", [FULL[0], FULL[1]], ids=kind)
def test_what_leaves_the_window_is_found_by_its_subject(attempt: Attempt) -> None:
    """A deployment by its config, a promotion by its version: a version is promoted once, on any config."""
    pipeline = Pipeline()
    journal = Journal(pipeline.cloud.client("dynamodb"), table_name=TABLE, window=2)
    journal.begin(attempt)
    for number in (2, 3):
        journal.file_leaving(journal.read(ENDPOINT))
        journal.begin(deployment(9, number=number, status=AttemptStatus.SUCCEEDED))

    history = journal.read(ENDPOINT)

    assert [each.number for each in history.attempts] == [3, 2]
    assert history.forgets
    assert isinstance(attempt, Deployment | Promotion)
    subject = attempt.endpoint_config_name if isinstance(attempt, Deployment) else attempt.version_arn
    other = attempt.version_arn if isinstance(attempt, Deployment) else attempt.endpoint_config_name
    assert journal.attempts_on(ENDPOINT, subject) == [attempt]
    assert journal.attempts_on(ENDPOINT, other) == []


def test_what_was_recalled_after_a_number_is_known_and_not_missing() -> None:
    window = (deployment(9, number=9), deployment(8, number=8))
    older = [deployment(number, number=number) for number in (7, 6, 5)]
    history = History((), window, forgets=True)
    assert history.missing_after(4) == 3
    assert history.missing_after(7) == 0
    assert History((), window).missing_after(4) == 0, "all is known where nothing was forgotten"

    recalled = history.with_recalled_after(4, older)

    assert recalled.missing_after(4) == 0
    assert recalled.missing_after(2) == 5, "read after one number, which says nothing of another"
    assert [each.number for each in recalled.known] == [9, 8, 7, 6, 5]
    assert recalled.attempts == window, "the window stays what it is"


def test_what_was_recalled_twice_is_known_once_and_in_order() -> None:
    history = History((), (deployment(9, number=9),), forgets=True)
    five, seven = deployment(5, number=5), deployment(7, number=7)

    recalled = history.with_recalled("config", [five]).with_recalled_after(4, [seven, five])

    assert [each.number for each in recalled.known] == [9, 7, 5]
    assert not recalled.may_recall("config")
    assert recalled.may_recall("another")


def test_attempts_after_a_number_are_asked_for_as_far_as_they_left_the_window() -> None:
    window = (deployment(9, number=9), clean_up(number=8))
    known = facts(attempts=window, forgets=True)

    with pytest.raises(NotReadError) as raised:
        known.attempts_after(6)

    assert raised.value.unread == UnreadAttemptsAfter(6)
    assert known.attempts_after(8) == [window[0]]
    seven = promotion(7, number=7)
    recalled = replace(known, history=known.history.with_recalled_after(6, [seven]))
    assert recalled.attempts_after(6) == [*window, seven]
