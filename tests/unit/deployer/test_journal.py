from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from deployer.decisions.served import live_version_arns
from deployer.gateways.journal import Journal
from deployer.model.approval import Approval, HeardApproval
from deployer.model.asked import Asked
from deployer.model.attempt import Action, AttemptStatus, Bake, CleanUp, Deletion, Deployment
from deployer.model.companion import Companion
from deployer.model.history import History, LastObserved, covers
from deployer.model.life_cycle import LifeCycle
from deployer.model.put_off import PutOff
from deployer.model.rollback import Rollback
from deployer.model.smoke_test import Failure
from deployer.model.variant_properties import COUNT, PropertyToSet
from tests.infra.sufficiency.test_gateways import FailingClient
from tests.unit.deployer.builders import (
    ENDPOINT,
    GROUP,
    NOW,
    approval,
    clean_up,
    deployment,
    history_of,
    minutes,
    promotion,
    version_arn,
)
from tests.unit.deployer.pipeline import TABLE, Pipeline

if TYPE_CHECKING:
    from deployer.model.attempt import Attempt

REST = LastObserved(
    created_at=minutes(1),
    endpoint_config_name="churn-v1-000000000000",
    last_modified_time=minutes(7),
    tags={"team": "growth"},
    scaling={"AllTraffic": {"MinCapacity": 1}},
    metadata_written=7,
    metadata_live={version_arn(1): "approved"},
    metadata_said={version_arn(2): "skipped: v3 went out instead"},
    reported=("Nothing stands.",),
    refused_change=("churn-v1-000000000000", "churn-v2-000000000000"),
    abort_alarm_set=True,
    abort_ended_at=NOW,
    properties_set={"Champion/DesiredInstanceCount": 7},
    put_off={"ChangeTags-000000000000": PutOff(2, NOW, "The tags are not changed.")},
)


SETTLED_ONCE = deployment(1, status=AttemptStatus.SUCCEEDED, settled_at=minutes(5))


@pytest.fixture
def journal() -> Journal:
    return Pipeline().journal


def journal_of(client: object) -> Journal:
    return Journal(cast("Any", client), table_name=TABLE, now=lambda: NOW)


def test_what_is_written_is_read_back(journal: Journal) -> None:
    journal.record_approval(approval(1))
    journal.begin(deployment(1), None, unannounced=False)
    journal.record_last_observed(ENDPOINT, LastObserved(), REST)

    history = journal.read(ENDPOINT)

    assert history.approvals == (approval(1),)
    assert history.latest_attempt == deployment(1)
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
        to_set=(PropertyToSet("Champion", COUNT, 2, 1),),
        config_request={"EndpointConfigName": "config"},
        at_once=True,
        start_reported=True,
        end_reported=True,
        bake=Bake.LAST,
        test_passed_at=minutes(4),
        test_endpoint_name="churn-v1-0123456789ab",
        rollback=Rollback(minutes(3), "ada", "slow", 1),
        retry=Asked(minutes(3), "bob", 4),
        restart=Asked(minutes(4), "cleo", 5),
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
"""An attempt of each kind, all of whose fields have another value than the one that they have by default."""

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
    journal.begin(attempt, None, unannounced=False)

    assert journal.read(ENDPOINT).latest_attempt == attempt


@pytest.mark.parametrize("attempt", FULL, ids=kind)
def test_an_attempt_of_each_kind_is_moved_as_a_whole(journal: Journal, attempt: Attempt) -> None:
    begun = replace(attempt, status=AttemptStatus.OPEN, settled_at=None, reason=None)
    journal.begin(begun, None, unannounced=False)

    assert journal.move(begun, attempt, is_latest=True)
    assert journal.read(ENDPOINT).latest_attempt == attempt


def test_an_endpoint_that_never_was_has_an_empty_history(journal: Journal) -> None:
    history = journal.read("never")

    assert history == History()


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

    assert journal.record_approval(read, [HEARD])
    assert not journal.record_approval(read, [HEARD])
    assert (journal.read(ENDPOINT).heard, journal.read(ENDPOINT).approvals) == ((), (read,))


def test_an_approval_waits_for_who_knows_what_was_heard_meanwhile(journal: Journal) -> None:
    """Both have one item of the history. The end of the news would say that the approval does not stand."""
    journal.record_approval(HEARD)
    read = approval(1, HEARD.approved_at, objection="Nobody knows who approved it.")

    assert not journal.record_approval(read)
    assert journal.record_approval(read, [HEARD])
    assert not journal.withdraw(HEARD, forget=())
    assert not journal.record_approval(HEARD)


def test_an_approval_does_not_end_what_was_heard_of_a_later_one_meanwhile(journal: Journal) -> None:
    journal.record_approval(HEARD)
    later = replace(HEARD, approved_at=minutes(5))
    journal.record_approval(later, [HEARD])

    assert not journal.record_approval(approval(1, HEARD.approved_at), [HEARD])
    assert journal.read(ENDPOINT).heard == (later,)


def test_what_was_heard_and_does_not_stand_is_forgotten(journal: Journal) -> None:
    journal.record_approval(HEARD)
    journal.withdraw(HEARD, forget=())

    assert (journal.read(ENDPOINT).heard, journal.read(ENDPOINT).approvals) == ((), ())


def test_of_two_invocations_one_claims_the_attempt(journal: Journal) -> None:
    assert journal.begin(deployment(1, invocation_id="one"), None, unannounced=False)
    assert not journal.begin(deployment(2, invocation_id="other"), None, unannounced=False)
    assert journal.read(ENDPOINT).latest_attempt == deployment(1, invocation_id="one")


def test_the_next_attempt_is_claimed_only_by_who_knows_the_last_one(journal: Journal) -> None:
    first, second = SETTLED_ONCE, deployment(2, number=2)
    journal.begin(first, None, unannounced=False)
    assert journal.begin(second, first, unannounced=False)

    assert not journal.begin(deployment(3, number=3), first, unannounced=False)
    assert journal.read(ENDPOINT).latest_attempt == second


def test_nobody_claims_the_next_attempt_who_knows_another_one_from_a_journal_that_was_lost(
    journal: Journal,
) -> None:
    under_way = deployment(2, started_at=minutes(9))
    journal.begin(under_way, None, unannounced=False)

    assert not journal.begin(deployment(3, number=2), SETTLED_ONCE, unannounced=False)
    assert journal.read(ENDPOINT).latest_attempt == under_way


def test_nobody_claims_the_next_attempt_while_a_restored_journal_has_the_last_one_as_under_way(
    journal: Journal,
) -> None:
    under_way = replace(SETTLED_ONCE, status=AttemptStatus.ACCEPTED, settled_at=None)
    journal.begin(under_way, None, unannounced=False)

    assert not journal.begin(deployment(2, number=2), SETTLED_ONCE, unannounced=False)
    assert journal.read(ENDPOINT).latest_attempt == under_way


def test_the_end_that_nobody_heard_of_is_kept_beside_the_next_attempt(journal: Journal) -> None:
    first = SETTLED_ONCE
    journal.begin(first, None, unannounced=False)
    under_way = deployment(2, number=2)
    journal.begin(under_way, first, unannounced=True)
    assert journal.read(ENDPOINT).unannounced == (first,)

    journal.record_reported(first, "end_reported")
    announced = replace(first, end_reported=True)
    assert journal.read(ENDPOINT).unannounced == (announced,)

    second = replace(under_way, status=AttemptStatus.SUCCEEDED, settled_at=minutes(5))
    assert journal.move(under_way, second, is_latest=True)
    journal.begin(deployment(3, number=3), second, unannounced=False, announced=[announced])
    assert journal.read(ENDPOINT).unannounced == ()


def test_an_end_is_noted_as_reported_though_nobody_waits_for_it_any_more(journal: Journal) -> None:
    journal.begin(SETTLED_ONCE, None, unannounced=False)
    journal.begin(deployment(2, number=2), SETTLED_ONCE, unannounced=False)

    journal.record_reported(SETTLED_ONCE, "end_reported")

    assert journal.read(ENDPOINT).unannounced == ()


def test_of_two_invocations_one_moves_the_attempt_on(journal: Journal) -> None:
    journal.begin(deployment(1), None, unannounced=False)
    settled = replace(deployment(1), status=AttemptStatus.SUCCEEDED, settled_at=minutes(5))

    assert journal.move(deployment(1), replace(settled, invocation_id="one"), is_latest=True)
    assert not journal.move(deployment(1), replace(settled, invocation_id="other"), is_latest=True)


def test_a_move_keeps_what_others_noted_in_between(journal: Journal) -> None:
    accepted = replace(deployment(1), status=AttemptStatus.ACCEPTED)
    journal.begin(accepted, None, unannounced=False)
    journal.record_reported(accepted, "start_reported")
    journal.move(
        accepted, replace(accepted, status=AttemptStatus.SUCCEEDED, settled_at=minutes(5)), is_latest=True
    )

    read = journal.read(ENDPOINT).latest_attempt
    assert isinstance(read, Deployment)
    assert read.start_reported
    assert read.status is AttemptStatus.SUCCEEDED


def test_an_attempt_taken_over_by_another_is_lost_to_the_first(journal: Journal) -> None:
    journal.begin(deployment(1), None, unannounced=False)
    taken_over = replace(deployment(1), lease_until=minutes(12), invocation_id="other")
    assert journal.move(deployment(1), taken_over, is_latest=True)

    assert not journal.move(
        deployment(1), replace(deployment(1), status=AttemptStatus.ACCEPTED), is_latest=True
    )


class SmallPages:
    """DynamoDB with pages of two items, as if each were half a megabyte."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def query(self, **request: Any) -> Any:
        return self._client.query(**request, Limit=2)


def test_a_history_that_comes_in_many_pages_is_read_whole() -> None:
    pipeline = Pipeline()
    for number in range(1, 5):
        pipeline.journal.record_approval(approval(number, minutes(number)))
    paged = Journal(
        cast("Any", SmallPages(pipeline.cloud.client("dynamodb"))), table_name=TABLE, now=lambda: NOW
    )

    assert paged.read(ENDPOINT) == pipeline.journal.read(ENDPOINT)
    assert [each.version for each in paged.read(ENDPOINT).approvals] == [4, 3, 2, 1]


def test_a_journal_that_cannot_be_written_is_not_mistaken_for_another_invocations_claim() -> None:
    failing = Journal(
        cast("Any", FailingClient("ThrottlingException", "…")), table_name=TABLE, now=lambda: NOW
    )

    with pytest.raises(ClientError, match="ThrottlingException"):
        failing.begin(deployment(1), None, unannounced=False)
    with pytest.raises(ClientError, match="ThrottlingException"):
        failing.move(deployment(1), replace(deployment(1), status=AttemptStatus.ACCEPTED), is_latest=True)
    with pytest.raises(ClientError, match="ThrottlingException"):
        failing.change_approval(approval(1, artifact_digest="0" * 64), "artifact_digest")


def test_what_was_approved_is_what_was_found_first(journal: Journal) -> None:
    given = approval(1, artifact_digest=None)
    journal.record_approval(given)

    assert journal.change_approval(replace(given, artifact_digest="1" * 64), "artifact_digest")
    assert not journal.change_approval(replace(given, artifact_digest="2" * 64), "artifact_digest")
    assert journal.change_approval(replace(given, artifact_digest="1" * 64), "artifact_digest"), (
        "a repetition finds its own work"
    )
    assert journal.read(ENDPOINT).approvals[0].artifact_digest == "1" * 64


def test_an_approval_remembers_what_it_was_superseded_by(journal: Journal) -> None:
    journal.record_approval(approval(1, objection="not an approver"))
    journal.change_approval(approval(1, objection="not an approver", superseded_by=7), "superseded_by")

    (read,) = journal.read(ENDPOINT).approvals
    assert (read.objection, read.superseded_by) == ("not an approver", 7)


def test_a_clean_up_remembers_what_it_deletes(journal: Journal) -> None:
    cleaned = clean_up(deletion=Deletion(("config",), ("model", "other")))
    journal.begin(cleaned, None, unannounced=False)

    assert journal.read(ENDPOINT).latest_attempt == cleaned


def test_endpoints_share_no_history(journal: Journal) -> None:
    journal.record_approval(approval(1))
    journal.record_approval(approval(2, endpoint_name=f"{ENDPOINT}-2"))

    assert [each.version for each in journal.read(ENDPOINT).approvals] == [1]


def test_two_passes_that_note_different_things_of_a_rest_keep_both(journal: Journal) -> None:
    journal.record_last_observed(ENDPOINT, LastObserved(), REST)
    journal.record_last_observed(ENDPOINT, REST, replace(REST, scaling={}))
    journal.record_last_observed(ENDPOINT, REST, replace(REST, reported=()))

    assert journal.read(ENDPOINT).last_observed == replace(REST, scaling={}, reported=())


def test_a_rest_that_was_lost_with_the_journal_is_not_brought_back_by_a_change_of_it(
    journal: Journal,
) -> None:
    journal.record_last_observed(ENDPOINT, REST, replace(REST, scaling={}))

    assert journal.read(ENDPOINT) == History()


# Releases ---------------------------------------------------------------------------------------------


def settled(number: int, status: AttemptStatus, version: int = 1, **changes: Any) -> Deployment:
    return deployment(version, number=number, status=status, settled_at=minutes(number), **changes)


def failed(number: int, version: int = 1, **changes: Any) -> Deployment:
    return settled(number, AttemptStatus.FAILED, version, reason="ping", **changes)


def test_what_serves_is_what_succeeded_last_and_not_what_was_tried_since() -> None:
    succeeded = settled(2, AttemptStatus.SUCCEEDED, version=2)

    assert live_version_arns(history_of([failed(3, version=3), succeeded])) == (version_arn(2),)
    assert live_version_arns(history_of([failed(3, version=3)])) == ()


def test_a_release_keeps_its_last_success_and_its_failures_however_much_came_since() -> None:
    succeeded = settled(1, AttemptStatus.SUCCEEDED)
    others = [failed(number, version=number) for number in range(3, 200)]

    [first, *_] = history_of([*others, failed(2), succeeded]).releases.values()

    assert first.deployments == (failed(2), succeeded)


def test_a_release_keeps_no_more_failures_than_it_is_tried_again() -> None:
    [record] = history_of([failed(number) for number in range(1, 30)]).releases.values()

    assert [each.number for each in record.deployments] == list(range(29, 19, -1))


def test_what_was_withdrawn_shows_that_names_may_be_used_and_is_forgotten_with_the_next_attempt() -> None:
    withdrawn = settled(1, AttemptStatus.WITHDRAWN)

    assert history_of([withdrawn]).deployments == [withdrawn]
    assert history_of([settled(2, AttemptStatus.SUCCEEDED), withdrawn]).deployments == [
        settled(2, AttemptStatus.SUCCEEDED)
    ]


CLEANED = {"status": AttemptStatus.SUCCEEDED, "settled_at": minutes(9)}


def cleaned(attempt: Deployment, *models: str) -> CleanUp:
    return clean_up(number=9, deletion=Deletion((attempt.endpoint_config_name,), models), **CLEANED)


def test_a_release_is_forgotten_when_it_is_cleaned_up() -> None:
    gone = settled(1, AttemptStatus.SUCCEEDED)

    assert history_of([cleaned(gone, *gone.model_names), gone], [approval(1)]).releases == {}


def test_the_failure_of_a_release_that_is_cleaned_up_is_known_while_its_approval_stands() -> None:
    gone = failed(1)
    known = history_of([cleaned(gone, *gone.model_names), gone], [approval(1)])
    [record] = known.releases.values()

    assert (record.made, record.deployments) == (False, (gone,))
    assert known.without_approval(approval(1)).releases == {}
    assert history_of([cleaned(gone, *gone.model_names), gone]).releases == {}


def test_the_failure_of_a_shadow_is_known_while_both_approvals_stand() -> None:
    shadow = Companion("Shadow", version_arn(2), 2, "churn-v2", is_shadow=True)
    gone = failed(1, companions=(shadow,))
    shadowing = approval(2, objection="no lead", shadows=True)
    known = history_of([cleaned(gone, *gone.model_names), gone], [approval(1), shadowing])

    assert len(known.releases) == 1
    assert known.without_approval(shadowing).releases == {}


def test_a_release_is_forgotten_with_its_config_also_if_a_model_stays_for_somebody_else() -> None:
    """Otherwise a clean-up that spares the model would begin again at every look."""
    spared = settled(1, AttemptStatus.SUCCEEDED)
    other = settled(2, AttemptStatus.SUCCEEDED, endpoint_config_name="other")

    assert history_of([cleaned(spared), spared]).releases == {}
    assert list(history_of([cleaned(spared), other, spared]).releases) == ["other"]


@pytest.mark.parametrize("attempt", [FULL[0]], ids=kind)
def test_a_releases_record_is_read_back(journal: Journal, attempt: Deployment) -> None:
    begun = replace(attempt, status=AttemptStatus.OPEN, settled_at=None, reason=None)
    journal.begin(begun, None, unannounced=False)
    after = history_of([attempt])
    records = list(after.releases.values())
    journal.move(begun, attempt, is_latest=True, records=records)

    assert journal.read(ENDPOINT).releases == after.releases

    journal.move(attempt, attempt, is_latest=True, forget=records)
    assert journal.read(ENDPOINT).releases == {}


# Approvals that stand -----------------------------------------------------------------------------------


def test_an_approval_that_counts_and_one_that_does_not_stand_beside_each_other(journal: Journal) -> None:
    """A lead approved the version, and then somebody who is no approver did, too."""
    counts, ignored = approval(1), approval(1, minutes(5), objection="no lead")
    journal.record_approval(counts)
    journal.record_approval(ignored, standing=[counts])

    assert journal.read(ENDPOINT).approvals == (ignored, counts)


def test_a_later_approval_of_a_version_takes_the_place_of_the_one_before(journal: Journal) -> None:
    journal.record_approval(approval(1))
    later = approval(1, minutes(5))

    assert not journal.record_approval(later), "nobody read the one before"
    assert journal.record_approval(later, [approval(1)])
    assert not journal.record_approval(approval(1), [later]), "its event came late"
    assert journal.read(ENDPOINT).approvals == (later,)


@pytest.mark.parametrize(
    "late",
    [
        approval(1, objection="no lead"),
        approval(1, objection="no lead", shadows=True),
        HeardApproval(ENDPOINT, version_arn(1), GROUP, NOW, "event-1"),
    ],
    ids=["ignored", "shadows", "unread"],
)
def test_a_late_copy_of_an_older_approval_changes_nothing_with_whatever_weight_it_is_read(
    journal: Journal, late: Approval | HeardApproval
) -> None:
    """The version was changed since, so nobody can tell any more who approved it the first time."""
    journal.record_approval(approval(1))
    later = approval(1, minutes(5))
    journal.record_approval(later, [approval(1)])

    assert not journal.record_approval(late, standing=[later])
    assert covers(journal.read(ENDPOINT), late)
    assert journal.read(ENDPOINT).approvals == (later,)
    assert journal.read(ENDPOINT).heard == ()


def test_an_older_approval_that_decides_more_stands_beside_a_later_one(journal: Journal) -> None:
    counts, ignored = approval(1), approval(1, minutes(5), objection="no lead")
    journal.record_approval(ignored)

    assert not covers(journal.read(ENDPOINT), counts)
    assert journal.record_approval(counts, standing=[ignored])
    assert journal.read(ENDPOINT).approvals == (ignored, counts)


def test_an_approval_that_does_not_stand_is_no_fact_and_stays_in_the_history(journal: Journal) -> None:
    journal.record_approval(approval(1))

    assert journal.withdraw(approval(1), forget=())
    assert not journal.withdraw(approval(1), forget=()), "somebody did so already"
    assert journal.read(ENDPOINT).approvals == ()
    assert journal.record_approval(approval(1, minutes(5)))


def test_an_approval_that_is_gone_is_not_brought_back_by_a_note(journal: Journal) -> None:
    journal.record_approval(approval(1))
    journal.withdraw(approval(1), forget=())

    assert not journal.change_approval(approval(1, superseded_by=2), "superseded_by")
    assert not journal.change_approval(approval(1, artifact_digest="0a1b"), "artifact_digest")
    assert journal.read(ENDPOINT).approvals == ()


def test_a_withdrawal_spares_the_approval_that_was_given_meanwhile(journal: Journal) -> None:
    journal.record_approval(approval(1))
    journal.record_approval(approval(1, minutes(5)), [approval(1)])

    assert not journal.withdraw(approval(1), forget=())
    assert journal.read(ENDPOINT).approvals == (approval(1, minutes(5)),)


# Promotions ---------------------------------------------------------------------------------------------


def test_a_versions_last_promotion_is_found_by_its_arn(journal: Journal) -> None:
    begun = promotion(1, number=1)
    journal.begin(begun, None, unannounced=False)
    assert journal.last_promotion(ENDPOINT, version_arn(1)) is None
    ended = replace(begun, status=AttemptStatus.SUCCEEDED, settled_at=minutes(5))
    journal.move(begun, ended, is_latest=True)

    assert journal.last_promotion(ENDPOINT, version_arn(1)) == ended
    assert journal.last_promotion(ENDPOINT, f"{version_arn(1)}0") is None
    assert journal.read(ENDPOINT).promotions == (ended,)


def test_a_promotion_that_was_withdrawn_decides_nothing(journal: Journal) -> None:
    begun = promotion(1, number=1)
    journal.begin(begun, None, unannounced=False)
    journal.move(begun, replace(begun, status=AttemptStatus.WITHDRAWN), is_latest=True)

    assert journal.last_promotion(ENDPOINT, version_arn(1)) is None


# Transactions -------------------------------------------------------------------------------------------


class Conflicting:
    """DynamoDB on which other transactions are under way."""

    def __init__(self, client: Any, times: int) -> None:
        self._client = client
        self.times = times

    def transact_write_items(self, **request: Any) -> Any:
        self.times -= 1
        if self.times >= 0:
            error = {"Code": "TransactionCanceledException", "Message": "conflict"}
            reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
            raise ClientError(
                cast("Any", {"Error": error, "CancellationReasons": reasons}), "TransactWriteItems"
            )
        return self._client.transact_write_items(**request)


def test_a_transaction_that_meets_another_one_is_tried_again() -> None:
    pipeline = Pipeline()
    client = Conflicting(pipeline.cloud.client("dynamodb"), times=4)

    assert journal_of(client).record_approval(approval(1))
    assert pipeline.journal.read(ENDPOINT).approvals == (approval(1),)


def test_a_transaction_that_meets_others_again_and_again_fails() -> None:
    client = Conflicting(Pipeline().cloud.client("dynamodb"), times=5)

    with pytest.raises(ClientError, match="conflict"):
        journal_of(client).record_approval(approval(1))
