"""What a restart rolls out once more, what it cannot, and which deployments are its doing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.decisions.choice import Choice
from deployer.decisions.restarting import (
    as_restart,
    led_to,
    restart_of,
    restarted_by,
    retry_of,
    still_restarted,
)
from deployer.gateways.requests import RESTART, request_key
from deployer.model.asked import Asked
from deployer.model.attempt import AttemptStatus
from deployer.model.request import Request
from deployer.model.rollback import Rollback
from deployer.model.tellings import of_start
from tests.unit.deployer.builders import (
    ENDPOINT,
    approval,
    deployment,
    history_of,
    minutes,
    release,
    version_arn,
)

if TYPE_CHECKING:
    from deployer.model.attempt import Deployment
    from deployer.model.history import History

ASKED = Asked(minutes(50), "ada", 3)
HELD = Rollback(minutes(50), "ada", "slow", 1)


def ended(version: int, number: int, config: str = "config", **changes: Any) -> Deployment:
    return deployment(
        version,
        **{
            "number": number,
            "status": AttemptStatus.SUCCEEDED,
            "settled_at": minutes(number),
            "endpoint_config_name": config,
            **changes,
        },
    )


def failed(version: int, number: int, config: str = "config") -> Deployment:
    return ended(version, number, config, status=AttemptStatus.FAILED, reason="no answer")


def asked(version: int, at: float = 60, **changes: Any) -> Request:
    key = request_key(ENDPOINT, RESTART, minutes(at), "1f")
    return replace(Request(ENDPOINT, RESTART, version_arn(version), None, "ada", minutes(at), key), **changes)


def known(*attempts: Deployment, **changes: Any) -> History:
    """Return a history with two approvals, the newer of which has these changes."""
    approvals = (approval(2, minutes(2), **changes), approval(1, minutes(1)))
    return history_of(sorted(attempts, key=lambda each: -each.number), approvals)


def test_a_restart_is_noted_on_the_approval_of_the_version_that_serves() -> None:
    history = known(ended(1, 1), ended(2, 2))

    found = restarted_by(history, asked(2))

    assert [each.version for each in found if not isinstance(each, str)] == [2]
    assert as_restart(history, asked(2)) == Asked(minutes(60), "ada", 3)


def test_it_can_be_noted_after_the_journal_was_lost() -> None:
    assert not isinstance(restarted_by(known(), asked(2)), str)
    assert as_restart(known(), asked(2, by=None)) == Asked(minutes(60), "somebody", 1)


def test_a_repeated_request_restarts_nothing_and_a_later_one_does() -> None:
    history = known(ended(2, 2), restart=ASKED)

    assert restarted_by(history, asked(2, at=50)) == ()
    assert not isinstance(restarted_by(history, asked(2, at=51)), str)
    assert restarted_by(history, asked(2, at=51)) != ()


def test_a_request_that_a_crash_repeats_is_no_mistake_once_another_version_serves() -> None:
    history = history_of([ended(3, 4), ended(2, 3)], [approval(3, minutes(3)), approval(2, restart=ASKED)])

    assert restarted_by(history, asked(2, at=50)) == ()


@pytest.mark.parametrize(
    ("history", "request_", "why"),
    [
        (known(ended(2, 2)), asked(9), "v9 is not approved here"),
        (known(ended(2, 2)), asked(1), "v2 serves, and v1 does not"),
        (known(ended(2, 2), objection="not you"), asked(2), "v2 is not approved here"),
        (known(ended(2, 2), rollback=HELD), asked(2), f"v2 is held back, as {HELD.words}"),
        (
            known(ended(2, 2)),
            asked(2, version_arn=None, faults=("version_arn is missing",)),
            "its record is wrong: version_arn is missing",
        ),
        (known(ended(2, 2)), asked(2, faults=("by is missing",)), "its record is wrong: by is missing"),
    ],
)
def test_what_cannot_be_restarted_says_why(history: History, request_: Request, why: str) -> None:
    assert restarted_by(history, request_) == why


@pytest.mark.parametrize(
    ("attempts", "config", "doing"),
    [
        ((ended(2, 2),), "again", ASKED),
        ((ended(2, 2), failed(2, 3, "again")), "again", ASKED),
        ((ended(2, 2), failed(2, 3, "again")), "of other settings", None),
        ((ended(2, 2), failed(2, 3, "again")), None, None),
        ((ended(2, 2), ended(2, 3, "again")), "again", None),
        ((ended(2, 2), ended(1, 3, "other")), "again", ASKED),
        (
            (ended(2, 2), ended(2, 3, "other", status=AttemptStatus.WITHDRAWN)),
            "again",
            ASKED,
        ),
        ((ended(2, 2),), None, ASKED),
    ],
)
def test_a_deployment_is_its_doing_until_one_succeeded_or_had_another_reason(
    attempts: tuple[Deployment, ...], config: str | None, doing: Asked | None
) -> None:
    assert led_to(ASKED, known(*attempts), version_arn(2), config) == doing


def test_a_retry_and_a_restart_that_are_tried_again_by_themselves_are_their_doing_still() -> None:
    given = approval(2, retry=ASKED, restart=Asked(minutes(51), "bob", 3))
    of_it = Choice(given, release(2, of=given))
    tried = failed(2, 3, of_it.release.endpoint_config_name)

    assert retry_of(known(tried), of_it) == given.retry
    assert restart_of(known(tried), of_it) == given.restart
    assert retry_of(known(failed(2, 3)), of_it) is None
    assert restart_of(known(failed(2, 3)), of_it) is None


def test_a_shadow_is_tried_again_and_the_version_that_serves_is_restarted() -> None:
    live = approval(1, retry=ASKED, restart=ASKED)
    shadow = approval(2, objection="not you", shadows=True, retry=Asked(minutes(51), "bob", 3))
    with_it = Choice(live, release(1, of=live), shadow=shadow)

    assert retry_of(known(), with_it) == shadow.retry
    assert restart_of(known(), with_it) == live.restart


def test_what_nobody_asked_for_is_nobody_s_doing() -> None:
    assert led_to(None, known(ended(2, 2)), version_arn(2), "again") is None


def test_another_approval_of_the_version_keeps_the_restart_and_so_the_name_of_what_serves() -> None:
    history = known(restart=ASKED)

    assert still_restarted(history, approval(2, minutes(99))) == ASKED
    assert still_restarted(history, approval(1, minutes(99))) is None
    assert still_restarted(history, approval(3, minutes(99))) is None
    assert still_restarted(history, approval(2, minutes(99), objection="not you")) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"restart": ASKED}, "ada asked for a restart."),
        ({"retry": ASKED}, "ada asked to try it again."),
        ({}, None),
    ],
)
def test_people_hear_who_asked_for_a_rollout(changes: dict[str, Any], why: str | None) -> None:
    assert of_start(deployment(2, **changes)).why == why
