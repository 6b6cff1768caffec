from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.decisions.choice import Approval, Decision, Misfit, Serving, choose, superseded
from deployer.model.attempt import RETRY_DELAYS, Attempt, AttemptStatus
from tests.unit.deployer.builders import NOW, approval, attempt, minutes, release, version_arn


def chosen(
    approvals: list[Approval],
    attempts: list[Attempt] | None = None,
    *,
    serving: int | None = None,
    rejected: frozenset[int] = frozenset(),
    unfit: frozenset[int] = frozenset(),
    now: datetime = NOW,
) -> Decision:
    return choose(
        approvals,
        attempts or [],
        now=now,
        serving=Serving(version_arn(serving), "of other settings") if serving is not None else None,
        still_stands=lambda each: each.version not in rejected,
        release_for=lambda each: release(each.version),
        misfit_of=lambda each, _: Misfit(each, "unfit", "…") if each.version in unfit else None,
    )


def failed(version: int, at: datetime = NOW, **changes: Any) -> Attempt:
    return attempt(version, **{"status": AttemptStatus.FAILED, "settled_at": at, "reason": "ping", **changes})


def chosen_version(
    approvals: list[Approval],
    attempts: list[Attempt] | None = None,
    *,
    serving: int | None = None,
    rejected: frozenset[int] = frozenset(),
    unfit: frozenset[int] = frozenset(),
    now: datetime = NOW,
) -> int | None:
    choice = chosen(approvals, attempts, serving=serving, rejected=rejected, unfit=unfit, now=now).choice
    return choice.approval.version if choice else None


def test_the_newest_approval_wins_not_the_newest_version() -> None:
    assert chosen_version([approval(1, minutes(2)), approval(2, minutes(1))]) == 1


def test_of_two_approvals_in_one_second_the_higher_version_wins() -> None:
    assert chosen_version([approval(1), approval(3), approval(2)]) == 3


def test_a_reject_goes_back_to_the_approval_before_it() -> None:
    approvals = [approval(1, minutes(0)), approval(2, minutes(1)), approval(3, minutes(2))]

    assert chosen_version(approvals, serving=3, rejected=frozenset({3})) == 2


def test_rejecting_a_version_that_is_not_live_changes_nothing() -> None:
    approvals = [approval(1, minutes(0)), approval(2, minutes(1))]

    assert chosen_version(approvals, serving=2, rejected=frozenset({1})) == 2


def test_nothing_is_chosen_when_nothing_stands() -> None:
    assert chosen([approval(1), approval(2)], rejected=frozenset({1, 2})) == Decision(None)
    assert chosen([]) == Decision(None)


def test_a_version_that_failed_is_not_chosen_again() -> None:
    assert chosen_version([approval(1, minutes(-9)), approval(2, minutes(-5))], [failed(2)], serving=1) == 1


def test_approving_a_failed_version_again_retries_it() -> None:
    approvals = [approval(2, minutes(-5)), approval(2, minutes(5))]

    assert chosen_version(approvals, [failed(2)]) == 2


def test_an_approval_during_the_attempt_is_answered_by_its_failure() -> None:
    assert chosen([approval(2, minutes(-5)), approval(2, minutes(-1))], [failed(2)]) == Decision(None)


def test_a_withdrawn_attempt_is_no_failure() -> None:
    withdrawn = attempt(2, status=AttemptStatus.WITHDRAWN, settled_at=NOW, reason="busy")

    assert chosen_version([approval(2, minutes(-5))], [withdrawn]) == 2


def test_settings_that_failed_on_the_serving_version_are_no_reason_to_serve_an_older_one() -> None:
    approvals = [approval(1, minutes(-9)), approval(2, minutes(-5))]

    choice = chosen(approvals, [failed(2)], serving=2).choice

    assert choice is not None
    assert choice.approval.version == 2
    assert choice.keeps_serving


def test_a_serving_version_that_failed_and_no_longer_stands_is_given_up() -> None:
    approvals = [approval(1, minutes(-9)), approval(2, minutes(-5))]

    assert chosen_version(approvals, [failed(2)], serving=2, rejected=frozenset({2})) == 1


def test_the_registry_is_asked_newest_first_and_no_further_than_needed() -> None:
    asked: list[int] = []

    def still_stands(each: Approval) -> bool:
        asked.append(each.version)
        return each.version == 2

    choose(
        [approval(version, minutes(version)) for version in (1, 2, 3)] + [approval(3, minutes(9))],
        [],
        now=NOW,
        serving=None,
        still_stands=still_stands,
        release_for=lambda each: release(each.version),
        misfit_of=lambda *_: None,
    )

    assert asked == [3, 2]


def test_what_the_settings_instances_exclude_has_no_turn_while_they_do() -> None:
    older, newer = approval(1, minutes(0)), approval(2, minutes(1))

    decision = chosen([older, newer], unfit=frozenset({2}))

    assert decision.choice is not None
    assert decision.choice.approval == older
    assert [each.approval for each in decision.misfits] == [newer]
    assert chosen_version([older, newer]) == 2


def test_a_serving_version_that_the_settings_exclude_by_now_stays_as_it_serves() -> None:
    decision = chosen([approval(1, minutes(0)), approval(2, minutes(1))], serving=2, unfit=frozenset({1, 2}))

    assert decision.choice is not None
    assert decision.choice.approval.version == 2
    assert decision.choice.keeps_serving
    assert [each.approval.version for each in decision.misfits] == [2]


def test_a_misfit_is_told_of_also_while_something_former_is_put_back() -> None:
    older, newer = approval(1, minutes(0)), approval(2, minutes(1))
    decision = choose(
        [older, newer],
        [failed(1)],
        now=NOW,
        serving=Serving(older.version_arn, "tried", failed_at=minutes(1), former=release(7)),
        still_stands=lambda _: True,
        release_for=lambda each: release(each.version),
        misfit_of=lambda each, _: Misfit(each, "unfit", "…") if each is newer else None,
    )

    assert decision.choice is not None
    assert decision.choice.release == release(7)
    assert [each.approval for each in decision.misfits] == [newer]


@pytest.mark.parametrize(
    ("config_name", "misfits"),
    [(release(2).endpoint_config_name, []), (release(7).endpoint_config_name, ["unfit"])],
)
def test_the_very_release_that_serves_is_not_judged_again(config_name: str, misfits: list[str]) -> None:
    decision = choose(
        [approval(2)],
        [],
        now=NOW,
        serving=Serving(version_arn(2), config_name),
        still_stands=lambda _: True,
        release_for=lambda each: release(each.version),
        misfit_of=lambda each, _: Misfit(each, "unfit", "…"),
    )

    assert decision.choice is not None
    assert decision.choice.keeps_serving is bool(misfits)
    assert [each.reason for each in decision.misfits] == misfits


def test_what_no_longer_stands_is_no_misfit() -> None:
    assert chosen([approval(1)], rejected=frozenset({1}), unfit=frozenset({1})) == Decision(None)


histories = st.lists(st.tuples(st.integers(1, 5), st.integers(-30, 30)), max_size=12)


@given(histories, st.frozensets(st.integers(1, 5)), st.none() | st.integers(1, 5))
def test_what_is_chosen_stands_and_nothing_newer_could_have_been(
    history: list[tuple[int, int]], rejected: frozenset[int], serving: int | None
) -> None:
    approvals = [approval(version, minutes(at)) for version, at in history]

    choice = chosen(approvals, serving=serving, rejected=rejected).choice

    standing = [each for each in approvals if each.version not in rejected]
    assert (choice.approval if choice else None) == max(standing, key=lambda each: each.order, default=None)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_in_which_approvals_arrive_does_not_matter(order: int) -> None:
    approvals = [approval(1, minutes(3)), approval(2, minutes(1)), approval(3, minutes(2))]

    assert chosen_version(approvals[::order]) == 1


CAPACITY = "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error."


def out_of_capacity(count: int) -> list[Attempt]:
    return [
        failed(2, at=minutes(number), number=number, reason=CAPACITY, approved_at=minutes(-5))
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", range(1, len(RETRY_DELAYS) + 1))
def test_what_failed_for_a_passing_reason_is_due_again_after_a_growing_delay(count: int) -> None:
    approvals = [approval(1, minutes(-9)), approval(2, minutes(-5))]
    due = minutes(count) + RETRY_DELAYS[count - 1]

    early = chosen(approvals, out_of_capacity(count), serving=1, now=due - timedelta(seconds=1))

    assert early.choice is not None
    assert early.choice.approval.version == 1
    assert early.retry_at == due
    assert chosen_version(approvals, out_of_capacity(count), serving=1, now=due) == 2


def test_delays_grow() -> None:
    assert list(RETRY_DELAYS) == sorted(set(RETRY_DELAYS))


def test_after_five_retries_a_passing_reason_counts_as_a_failure() -> None:
    decision = chosen([approval(2, minutes(-5))], out_of_capacity(6), now=minutes(99_999))

    assert decision == Decision(None)


def test_a_lasting_failure_among_passing_ones_lasts() -> None:
    attempts = [*out_of_capacity(2), failed(2, at=minutes(3), number=3, approved_at=minutes(-5))]

    assert chosen([approval(2, minutes(-5))], attempts, now=minutes(99_999)) == Decision(None)


def test_an_approval_that_does_not_count_is_never_chosen() -> None:
    approvals = [approval(1, minutes(-9)), approval(2, minutes(-5), objection="not an approver")]

    assert chosen_version(approvals) == 1


def test_approvals_that_had_no_turn_are_superseded_by_the_one_that_goes_out() -> None:
    live, between, newest = approval(1, minutes(-9)), approval(2, minutes(-5)), approval(3)
    ignored = approval(4, minutes(-4), objection="not an approver")
    attempts = [attempt(1, approved_at=minutes(-9)), attempt(3, number=2, approved_at=NOW)]

    assert superseded([live, between, newest, ignored], attempts, newest) == [between]
    assert superseded([approval(2, minutes(-5), superseded_by=3)], attempts, newest) == []
