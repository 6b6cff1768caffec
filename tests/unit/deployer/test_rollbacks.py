"""What a rollback holds back, and to what an endpoint may go back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.decisions.rollbacks import (
    as_rollback,
    before,
    held_by,
    rollback_from,
    rollback_of,
    still_holding,
    why_aborted,
)
from deployer.gateways.requests import ROLLBACK, request_key
from deployer.model.attempt import AttemptStatus
from deployer.model.request import Request
from deployer.model.rollback import Rollback
from tests.unit.deployer.builders import ENDPOINT, approval, deployment, history_of, minutes, version_arn

if TYPE_CHECKING:
    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment
    from deployer.model.history import History

HELD = Rollback(minutes(50), "ada", "slow", 1)


def served(version: int, **changes: Any) -> Deployment:
    return deployment(
        version,
        number=version,
        status=AttemptStatus.SUCCEEDED,
        settled_at=minutes(version),
        approved_at=minutes(version),
        endpoint_config_name=f"config-{version}",
        **changes,
    )


def approvals(*versions: int, **changes: Any) -> list[Approval]:
    """Return approvals of versions, each given in the minute of its number, newest first."""
    return [approval(each, minutes(each), **changes) for each in sorted(versions, reverse=True)]


def history(*versions: int, proven: tuple[int, ...] = ()) -> History:
    return history_of([served(each) for each in sorted(proven, reverse=True)], approvals(*versions))


def holding(known: History, version: int) -> History:
    """Return a history with a rollback that holds a version back."""
    held = (replace(each, rollback=HELD) if each.version == version else each for each in known.approvals)
    return replace(known, approvals=tuple(held))


def back_to(version: int, at: float = 60, **changes: Any) -> Request:
    arn, key = version_arn(version), request_key(ENDPOINT, ROLLBACK, minutes(at), "1f")
    asked = Request(ENDPOINT, ROLLBACK, arn, "slow", "ada", minutes(at), key)
    return replace(asked, **changes)


def versions(held: tuple[Approval, ...] | str) -> list[int]:
    assert not isinstance(held, str), held
    return [each.version for each in held]


def test_everything_newer_is_held_that_was_approved_before_the_rollback() -> None:
    known = history(1, 2, 3, 4, proven=(1, 2, 3))

    assert versions(held_by(known, back_to(2))) == [4, 3]
    assert versions(held_by(known, back_to(2, at=3))) == [3]
    assert versions(held_by(known, back_to(2, at=2.9))) == []


def test_what_is_held_already_ignored_or_only_a_shadow_is_left_as_it_is() -> None:
    known = replace(
        history(1, proven=(1,)),
        approvals=(
            *approvals(4, objection="not you"),
            *approvals(3, objection="not you", shadows=True),
            *approvals(2, rollback=HELD),
            *approvals(1),
        ),
    )

    assert versions(held_by(known, back_to(1))) == []


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (back_to(9), "v9 is not approved here"),
        (back_to(3), "v3 has not served well here"),
        (back_to(2), f"v2 is held back itself, as {HELD.words}"),
        (
            back_to(1, faults=("reason is missing", "by is missing")),
            "its record is wrong: reason is missing and by",
        ),
        (back_to(1, version_arn=None, faults=("version_arn is missing",)), "its record is wrong"),
    ],
)
def test_what_cannot_be_gone_back_to_says_why(asked: Request, why: str) -> None:
    known = history(1, 2, 3, proven=(1, 2))
    known = replace(
        known,
        approvals=tuple(
            replace(each, rollback=HELD if each.version == 2 else None) for each in known.approvals
        ),
    )

    told = held_by(known, asked)

    assert isinstance(told, str)
    assert why in told


def test_the_version_before_is_the_newest_older_one_that_served_well_and_is_not_held() -> None:
    known = history(1, 2, 3, 4, proven=(1, 2, 4))

    found = before(known, version_arn(4))
    assert found is not None
    assert found.version == 2

    held = replace(
        known,
        approvals=tuple(
            replace(each, rollback=HELD if each.version == 2 else None) for each in known.approvals
        ),
    )
    found = before(held, version_arn(4))
    assert found is not None
    assert found.version == 1
    assert before(known, version_arn(1)) is None


def test_what_served_before_another_approval_of_the_version_counts_as_older() -> None:
    known = history(2, proven=(1, 2))
    # Version 1 serves since it was approved again, after version 2.
    again = replace(known, approvals=(approval(1, minutes(5)), *known.approvals))

    found = before(again, version_arn(1))
    assert found is not None
    assert found.version == 2
    assert before(again, version_arn(2)) is None


def test_the_version_that_serves_may_have_lost_its_approval() -> None:
    known = history(1, proven=(1, 2))

    found = before(known, version_arn(2))
    assert found is not None
    assert found.version == 1


def test_a_rollback_is_known_by_the_version_that_leaves() -> None:
    known = replace(history(1, proven=(1, 2)), approvals=(*approvals(2, rollback=HELD), *approvals(1)))

    assert rollback_of(known, version_arn(2)) == HELD
    assert rollback_of(known, version_arn(1)) is None
    assert rollback_from(known, "config-2") == HELD
    assert rollback_from(known, "config-1") is None
    assert rollback_from(known, "by-hand") is None
    assert why_aborted(known, served(2), "its approval") == f"While it was being rolled out, {HELD.words}"
    assert why_aborted(known, served(1), "its approval") == "its approval"


def test_a_rollback_still_holds_an_approval_that_came_before_it_and_is_heard_of_after_it() -> None:
    known = holding(history(1, 2, proven=(1, 2)), 2)

    assert still_holding(known, approval(2, HELD.at)) == HELD
    assert still_holding(known, approval(2, minutes(51))) is None
    assert still_holding(known, approval(3, minutes(3))) is None


def test_a_rollback_in_words() -> None:
    asked = as_rollback(back_to(1, by=None, reason=None))

    assert (asked.by, asked.reason, asked.to) == ("somebody", "", 1)
    assert as_rollback(back_to(1)).words == "ada rolled it back to v1 at 2026-05-04 13:00 UTC: slow"
