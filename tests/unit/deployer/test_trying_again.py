"""Which failures count since a person asked to try a version again, and what cannot be tried again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.decisions.retries import is_asked_for
from deployer.decisions.served import ServedWell
from deployer.decisions.trying_again import (
    as_retry,
    counting,
    counting_like,
    last_failure,
    retried_by,
    still_renewed,
)
from deployer.decisions.turns import Turns
from deployer.gateways.requests import RETRY, request_key
from deployer.model.asked import Asked
from deployer.model.attempt import AttemptStatus
from deployer.model.companion import Companion
from deployer.model.request import Request
from deployer.model.rollback import Rollback
from tests.unit.deployer.builders import ENDPOINT, approval, deployment, history_of, minutes, version_arn

if TYPE_CHECKING:
    from deployer.model.attempt import Deployment
    from deployer.model.history import History

RENEWED = Asked(minutes(50), "ada", 4)
HELD = Rollback(minutes(50), "ada", "slow", 1)


def failed(version: int, number: int, **changes: Any) -> Deployment:
    return deployment(
        version,
        **{
            "number": number,
            "status": AttemptStatus.FAILED,
            "approved_at": minutes(version),
            "settled_at": minutes(number),
            "endpoint_config_name": f"config-{number}",
            "reason": "no answer",
            **changes,
        },
    )


def asked(version: int, at: float = 60, **changes: Any) -> Request:
    key = request_key(ENDPOINT, RETRY, minutes(at), "1f")
    return replace(Request(ENDPOINT, RETRY, version_arn(version), None, "ada", minutes(at), key), **changes)


def known(*attempts: Deployment, **changes: Any) -> History:
    """Return a history with two approvals, the newer of which has these changes."""
    approvals = (approval(2, minutes(2), **changes), approval(1, minutes(1)))
    return history_of(sorted(attempts, key=lambda each: -each.number), approvals)


def numbers(found: list[Deployment]) -> list[int]:
    return [each.number for each in found]


def test_only_failures_since_the_retry_count() -> None:
    history = known(failed(2, 3), failed(2, 4), failed(2, 5), retry=RENEWED)
    newer, older = history.approvals

    assert numbers(counting(history.deployments, newer)) == [5, 4]
    assert numbers(counting(history.deployments, older)) == [5, 4, 3]
    assert last_failure(known(failed(2, 3), retry=RENEWED), newer) is None


def test_what_led_to_a_failure_tells_which_ones_count_beside_it() -> None:
    history = known(failed(2, 3), failed(2, 4), retry=RENEWED)
    of_nothing = failed(2, 4, approved_at=minutes(99))

    assert numbers(counting_like(history, failed(2, 4))) == [4]
    assert numbers(counting_like(history, of_nothing)) == [4, 3]
    assert numbers(counting_like(history, failed(1, 4))) == [4, 3]


def test_a_retry_is_noted_on_each_approval_of_a_version_that_failed() -> None:
    history = known(failed(2, 3))

    found = retried_by(history, asked(2))

    assert [each.version for each in found if not isinstance(each, str)] == [2]
    assert as_retry(history, asked(2)) == Asked(minutes(60), "ada", 4)
    assert as_retry(history_of(), asked(2, by=None)) == Asked(minutes(60), "somebody", 1)


def test_what_is_under_way_for_the_version_is_the_new_try() -> None:
    of_it = known(failed(2, 3), deployment(2, number=4, status=AttemptStatus.ACCEPTED))
    of_another = known(failed(2, 3), deployment(1, number=4, status=AttemptStatus.ACCEPTED))

    assert as_retry(of_it, asked(2)).first_attempt == 4
    assert as_retry(of_another, asked(2)).first_attempt == 5


def test_a_repeated_request_renews_nothing_and_a_later_one_does_after_another_failure() -> None:
    again = known(failed(2, 3), failed(2, 4), retry=RENEWED)

    assert retried_by(again, asked(2, at=50)) == ()
    assert not isinstance(retried_by(again, asked(2, at=51)), str)
    assert retried_by(known(failed(2, 3), retry=RENEWED), asked(2, at=51)) == (
        "v2 has not failed here since its approval"
    )


SHADOW = (Companion("Shadow", version_arn(2), 2, "model-2", is_shadow=True),)


@pytest.mark.parametrize(
    ("history", "request_", "why"),
    [
        (known(failed(2, 3)), asked(9), "v9 is not approved here"),
        (known(failed(2, 3)), asked(1), "v1 has not failed here since its approval"),
        (known(failed(2, 3), objection="not you"), asked(2), "v2 is not approved here"),
        (known(failed(2, 3), rollback=HELD), asked(2), f"v2 is held back, as {HELD.words}"),
        (known(failed(1, 3, companions=SHADOW)), asked(1), "v1 has not failed here since its approval"),
        (
            known(failed(2, 1, settled_at=minutes(1), approved_at=minutes(0))),
            asked(2),
            "v2 has not failed here since its approval",
        ),
        (
            known(failed(2, 3)),
            asked(2, version_arn=None, faults=("version_arn is missing",)),
            "its record is wrong: version_arn is missing",
        ),
        (known(failed(2, 3)), asked(2, faults=("by is missing",)), "its record is wrong: by is missing"),
    ],
)
def test_what_cannot_be_tried_again_says_why(history: History, request_: Request, why: str) -> None:
    assert retried_by(history, request_) == why


def test_a_shadow_that_failed_is_tried_again() -> None:
    assert not isinstance(retried_by(known(failed(1, 3, companions=SHADOW)), asked(2)), str)


def test_a_retry_still_counts_for_an_approval_that_came_before_it_and_is_heard_of_after_it() -> None:
    history = known(failed(2, 3), retry=RENEWED)

    assert still_renewed(history, approval(2, RENEWED.at)) == RENEWED
    assert still_renewed(history, approval(2, minutes(51))) is None
    assert still_renewed(history, approval(1, minutes(3))) is None
    assert still_renewed(history, approval(2, minutes(3), objection="not you")) is None


def test_a_version_that_failed_with_other_settings_has_its_turn_again() -> None:
    history = known(failed(2, 3), retry=RENEWED)
    turns = Turns(history, ServedWell.on(history))

    assert turns.failed_with_other_settings(history.approvals[0], "another") is None
    assert turns.failed_with_other_settings(approval(2, minutes(2)), "another") is not None


def test_a_retry_has_refused_writes_tried_again_as_well() -> None:
    approvals = known(retry=RENEWED).approvals

    assert is_asked_for(approvals, since=minutes(49))
    assert not is_asked_for(approvals, since=minutes(50))
