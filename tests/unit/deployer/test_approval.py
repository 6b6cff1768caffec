from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.approval import Approval, Choice, choose
from deployer.attempt import Attempt, AttemptStatus
from tests.unit.deployer.builders import NOW, approval, attempt, minutes, release, version_arn


def chosen(
    approvals: list[Approval],
    attempts: list[Attempt] | None = None,
    *,
    serving: int | None = None,
    rejected: frozenset[int] = frozenset(),
) -> Choice | None:
    return choose(
        approvals,
        attempts or [],
        serving_version_arn=version_arn(serving) if serving is not None else None,
        still_stands=lambda each: each.version not in rejected,
        release_for=lambda each: release(each.version),
    )


def failed(version: int, at: datetime = NOW) -> Attempt:
    return attempt(version, status=AttemptStatus.FAILED, settled_at=at, reason="ping")


def chosen_version(
    approvals: list[Approval],
    attempts: list[Attempt] | None = None,
    *,
    serving: int | None = None,
    rejected: frozenset[int] = frozenset(),
) -> int | None:
    choice = chosen(approvals, attempts, serving=serving, rejected=rejected)
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
    assert chosen([approval(1), approval(2)], rejected=frozenset({1, 2})) is None
    assert chosen([]) is None


def test_a_version_that_failed_is_not_chosen_again() -> None:
    assert chosen_version([approval(1, minutes(-9)), approval(2, minutes(-5))], [failed(2)], serving=1) == 1


def test_approving_a_failed_version_again_retries_it() -> None:
    approvals = [approval(2, minutes(-5)), approval(2, minutes(5))]

    assert chosen_version(approvals, [failed(2)]) == 2


def test_an_approval_during_the_attempt_is_answered_by_its_failure() -> None:
    assert chosen([approval(2, minutes(-5)), approval(2, minutes(-1))], [failed(2, at=NOW)]) is None


def test_a_withdrawn_attempt_is_no_failure() -> None:
    withdrawn = attempt(2, status=AttemptStatus.WITHDRAWN, settled_at=NOW, reason="busy")

    assert chosen_version([approval(2, minutes(-5))], [withdrawn]) == 2


def test_settings_that_failed_on_the_serving_version_are_no_reason_to_serve_an_older_one() -> None:
    approvals = [approval(1, minutes(-9)), approval(2, minutes(-5))]

    choice = chosen(approvals, [failed(2)], serving=2)

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
        serving_version_arn=None,
        still_stands=still_stands,
        release_for=lambda each: release(each.version),
    )

    assert asked == [3, 2]


histories = st.lists(st.tuples(st.integers(1, 5), st.integers(-30, 30)), max_size=12)


@given(histories, st.frozensets(st.integers(1, 5)), st.none() | st.integers(1, 5))
def test_what_is_chosen_stands_and_nothing_newer_could_have_been(
    history: list[tuple[int, int]], rejected: frozenset[int], serving: int | None
) -> None:
    approvals = [approval(version, minutes(at)) for version, at in history]

    choice = chosen(approvals, serving=serving, rejected=rejected)

    standing = [each for each in approvals if each.version not in rejected]
    assert (choice.approval if choice else None) == max(standing, key=lambda each: each.order, default=None)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_in_which_approvals_arrive_does_not_matter(order: int) -> None:
    approvals = [approval(1, minutes(3)), approval(2, minutes(1)), approval(3, minutes(2))]

    assert chosen_version(approvals[::order]) == 1
