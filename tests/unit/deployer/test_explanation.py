"""Every reason why a version serves or does not has its story, its words, and what would change it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.decisions.choice import Decision, choose
from deployer.decisions.course import NothingApproved, Preview, UnderWay
from deployer.decisions.explanation import explain
from deployer.decisions.plan import (
    Blocked,
    CannotChange,
    Deploy,
    Foreign,
    Held,
    InSync,
    NothingStands,
    OnTestEndpoint,
    WaitForAlarms,
)
from deployer.decisions.reasons import WORDS, Reason
from deployer.decisions.releases import release_of
from deployer.model.approval import HeardApproval
from deployer.model.asked import Asked
from deployer.model.attempt import AttemptStatus
from deployer.model.cause import Cause
from deployer.model.companion import Companion
from deployer.model.first_look import FirstLook
from deployer.model.history import LastObserved
from deployer.model.life_cycle import LifeCycle
from deployer.model.model_version import Hidden
from deployer.model.rollback import Rollback
from deployer.model.steps import UpdateEndpoint
from tests.unit.deployer.builders import (
    GROUP,
    NOW,
    approval,
    deployment,
    endpoint,
    facts,
    minutes,
    model_version,
    settings,
    version_arn,
)
from tests.unit.deployer.test_verdicts import BEFORE, SHADOW, failed, served

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.decisions.course import Course
    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment

ONE, TWO = approval(1, minutes(-8)), approval(2, minutes(-7))
DEPLOYING = Deploy((), UpdateEndpoint({"EndpointName": "churn", "EndpointConfigName": "new"}))
SERVED = served(1)
RESTART = Asked(minutes(-1), "ada", 2)
GATED = settings(StageName="prod", Gate={"Stage": "Production", "StageStatus": "Approved"})


def seen(
    approvals: Sequence[Approval] = (),
    attempts: Sequence[Deployment] = (),
    course: Course = DEPLOYING,
    *,
    serves: Sequence[int] = (),
    rejected: Sequence[int] = (),
    unfit: Sequence[int] = (),
    **more: Any,
) -> Preview:
    versions = [
        model_version(
            each.version,
            approval_status="Rejected" if each.version in rejected else "Approved",
            instance_types={None: ("ml.g5.xlarge",)} if each.version in unfit else {},
        )
        for each in approvals
    ]
    nothing_new = more.pop("nothing_new", False)
    known = facts(approvals, attempts, versions=versions, **more)
    config = BEFORE if serves else None
    decision: Decision | None = None
    if not isinstance(course, NothingApproved):
        answer = choose(known, config, now=NOW, nothing_new=nothing_new)
        assert isinstance(answer, Decision), answer
        decision = answer
    there = endpoint(endpoint_config_name=config) if serves else None
    return Preview(known, there, tuple(map(version_arn, serves)), decision, decision, course, ())


def with_companion(version: int, *, is_shadow: bool) -> Deployment:
    beside = Companion("Beside", version_arn(version), version, "model", is_shadow=is_shadow)
    return replace(SERVED, companions=(beside,))


NOTHING = NothingApproved()
STORIES: dict[Reason, tuple[Preview, int]] = {
    Reason.SERVES: (seen([ONE], [SERVED], InSync(), serves=[1]), 1),
    Reason.SERVES_AS_IT_IS: (
        seen([ONE], [failed(1, cause=Cause.SETTINGS), SERVED], InSync(), serves=[1]),
        1,
    ),
    Reason.RESTARTS: (
        seen([replace(ONE, restart=RESTART)], [SERVED], Held("Held back: a pause."), serves=[1]),
        1,
    ),
    Reason.RESTART_FAILED: (
        seen(
            [replace(ONE, restart=RESTART)],
            [
                failed(
                    1,
                    cause=Cause.SETTINGS,
                    restart=RESTART,
                    reason="No ping.",
                    endpoint_config_name=release_of(
                        facts(), replace(ONE, restart=RESTART)
                    ).endpoint_config_name,
                ),
                SERVED,
            ],
            InSync(),
            serves=[1],
        ),
        1,
    ),
    Reason.LEAVES: (seen([ONE, TWO], [SERVED], serves=[1]), 1),
    Reason.STAYS_UNAPPROVED: (seen([ONE], [SERVED], NothingStands(), serves=[1], rejected=[1]), 1),
    Reason.SERVES_BESIDE: (
        seen([ONE, TWO], [with_companion(2, is_shadow=False)], InSync(), serves=[1, 2]),
        2,
    ),
    Reason.SHADOWS: (seen([ONE, TWO], [with_companion(2, is_shadow=True)], InSync(), serves=[1, 2]), 2),
    Reason.UNDER_WAY: (
        seen([ONE, TWO], [SERVED], UnderWay(deployment(2, status=AttemptStatus.ACCEPTED)), serves=[1]),
        2,
    ),
    Reason.QUEUED: (seen([ONE, TWO], [SERVED], UnderWay(None), serves=[1]), 2),
    Reason.NEXT: (seen([ONE, TWO], [SERVED], serves=[1]), 2),
    Reason.SHADOW_NEXT: (
        seen(
            [ONE, replace(TWO, objection="Not you.", shadows=True)],
            [SERVED],
            Held("Held back: a pause."),
            serves=[1],
            under=SHADOW,
        ),
        2,
    ),
    Reason.TESTED_FIRST: (
        seen([ONE, TWO], [SERVED], OnTestEndpoint(DEPLOYING, endpoint(name="churn-v2-test")), serves=[1]),
        2,
    ),
    Reason.HELD: (seen([ONE, TWO], [SERVED], Held("Held back: a pause."), serves=[1]), 2),
    Reason.WAITS_FOR_ALARMS: (
        seen([ONE, TWO], [SERVED], WaitForAlarms(("churn.errors",), minutes(5)), serves=[1]),
        2,
    ),
    Reason.CANNOT_CHANGE: (
        seen([ONE, TWO], [SERVED], CannotChange("It cannot become serverless"), serves=[1]),
        2,
    ),
    Reason.CANNOT_RETURN: (
        seen([ONE, TWO], [SERVED], replace(DEPLOYING, refusal="Its config was deleted."), serves=[1]),
        2,
    ),
    Reason.BLOCKED: (seen([ONE, TWO], [SERVED], Blocked("OutOfService", None), serves=[1]), 2),
    Reason.FOREIGN: (seen([ONE, TWO], [SERVED], Foreign("It belongs to another stack."), serves=[1]), 2),
    Reason.SUPERSEDED: (
        seen([ONE, replace(TWO, superseded_by=3)], [SERVED], InSync(), serves=[1]),
        2,
    ),
    Reason.ROLLED_BACK: (
        seen([ONE, replace(TWO, rollback=Rollback(NOW, "ada", "slow", 1))], [SERVED], InSync(), serves=[1]),
        2,
    ),
    Reason.FAILED_BEFORE: (
        seen(
            [ONE, TWO],
            [failed(2, cause=Cause.SETTINGS, endpoint_config_name="others"), SERVED],
            serves=[1],
        ),
        2,
    ),
    Reason.FAILED: (seen([ONE, TWO], [failed(2, reason="No ping."), SERVED], InSync(), serves=[1]), 2),
    Reason.WAITS: (
        seen([ONE, TWO], [failed(2, cause=Cause.PASSING, reason="Full."), SERVED], InSync(), serves=[1]),
        2,
    ),
    Reason.INELIGIBLE: (seen([ONE, TWO], [SERVED], InSync(), serves=[1], unfit=[2]), 2),
    Reason.OLDER: (seen([ONE, TWO], [served(2)], InSync(), serves=[2]), 1),
    Reason.ONLY_SHADOWS: (
        seen([ONE, replace(TWO, objection="Not you.", shadows=True)], [SERVED], InSync(), serves=[1]),
        2,
    ),
    Reason.IGNORED: (seen([ONE, replace(TWO, objection="Not you.")], [SERVED], InSync(), serves=[1]), 2),
    Reason.HIDDEN: (
        seen(course=NOTHING, heard=(HeardApproval("churn", version_arn(2), GROUP, NOW, "event"),)),
        2,
    ),
    Reason.BEFORE_FIRST_LOOK: (
        seen(course=NOTHING, last_observed=LastObserved(first_look=FirstLook(GROUP, NOW, frozenset({2})))),
        2,
    ),
    Reason.NOT_SEEN: (seen(course=NOTHING), 2),
    Reason.NOT_APPROVED: (seen(course=NOTHING), 3),
    Reason.NOT_ADMITTED: (seen(course=NOTHING, under=GATED), 2),
    Reason.NOT_FOLLOWED: (seen(course=NOTHING, under=settings(ModelPackageGroupName="fraud")), 2),
    Reason.NO_SUCH_VERSION: (seen(course=NOTHING), 9),
}
REGISTRY = {
    1: model_version(1),
    2: model_version(2, life_cycle=LifeCycle("Staging", "Approved")),
    3: model_version(3, approval_status="Rejected"),
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_story(reason: Reason) -> None:
    preview, version = STORIES[reason]

    found = explain(preview, version_arn(version), REGISTRY.get(version))

    assert (found.reason, found.version) == (reason, version)


@pytest.mark.parametrize("course", [DEPLOYING, UnderWay(None)])
def test_a_restart_that_nothing_holds_back_says_who_asked_for_it_and_when(course: Course) -> None:
    preview = seen([replace(ONE, restart=RESTART)], [SERVED], course, serves=[1])

    found = explain(preview, version_arn(1), REGISTRY[1])

    assert found.reason is Reason.RESTARTS
    assert found.detail == "ada asked for that at 2026-05-04 11:59 UTC."
    assert found.change == "Wait: it serves meanwhile."


def test_what_was_restarted_serves_as_any_version_does() -> None:
    restarted = replace(ONE, restart=RESTART)
    config = release_of(facts(), restarted).endpoint_config_name
    again = served(1, number=2, config=config, settled_at=minutes(0))

    found = explain(
        replace(seen([restarted], [again, SERVED], InSync(), serves=[1])), version_arn(1), REGISTRY[1]
    )

    assert found.reason is Reason.SERVES


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_and_what_would_change_it(reason: Reason) -> None:
    for text in WORDS[reason]:
        assert text[0].isupper()
        assert text.endswith(".")


@pytest.mark.parametrize(
    ("reason", "detail", "change"),
    [
        (Reason.FAILED, "No ping.", "Register a mended version"),
        (Reason.WAITS, "Full.", "Wait until 2026-05-04 12:10 UTC"),
        (Reason.RESTARTS, "Held back: a pause.", "End the pause"),
        (Reason.RESTART_FAILED, "No ping.", "Remove the cause"),
        (Reason.SUPERSEDED, "v3 went out instead.", "Approve it again."),
        (Reason.INELIGIBLE, "the endpoint's settings ask for ml.m5.large", "Set instance_type"),
        (Reason.IGNORED, "Not you.", "one of the endpoint's approvers"),
        (Reason.HELD, "Held back: a pause.", "End the pause"),
        (Reason.SHADOW_NEXT, "Held back: a pause.", "End the pause"),
        (Reason.FOREIGN, "It belongs to another stack.", "Hand the endpoint over"),
        (Reason.CANNOT_CHANGE, "It cannot become serverless.", "Undo the change"),
        (Reason.CANNOT_RETURN, "Its config was deleted.", "Approve it again"),
        (Reason.BLOCKED, "The endpoint is OutOfService", "Look into the endpoint"),
        (Reason.WAITS_FOR_ALARMS, "churn.errors, until 2026-05-04 12:05 UTC", "see to the alarms"),
        (Reason.NOT_APPROVED, "It is Rejected since 2026-05-04 12:00 UTC, by unknown.", "Approve it."),
        (Reason.NOT_ADMITTED, "Its life cycle is Staging/Approved", "to Production/Approved"),
    ],
)
def test_an_explanation_says_what_its_reason_leaves_open(reason: Reason, detail: str, change: str) -> None:
    preview, version = STORIES[reason]

    found = explain(preview, version_arn(version), REGISTRY.get(version))

    assert detail in (found.detail or "")
    assert change in found.change


def test_a_version_that_the_registry_hides_is_explained_by_the_refusal() -> None:
    found = explain(seen(course=NOTHING), version_arn(2), Hidden("AccessDenied: no."))

    assert (found.reason, found.detail) == (Reason.HIDDEN, "AccessDenied: no.")


def test_a_version_that_is_not_new_enough_waits_for_the_end_of_a_hold() -> None:
    preview = seen([ONE, TWO], [SERVED], Held("A pause."), serves=[1], nothing_new=True)

    assert explain(preview, version_arn(2), REGISTRY[2]).reason is Reason.HELD


def test_a_shadow_that_was_chosen_goes_out_next() -> None:
    shadow = replace(TWO, objection="Not you.", shadows=True)

    found = explain(seen([ONE, shadow], [SERVED], serves=[1], under=SHADOW), version_arn(2), REGISTRY[2])

    assert (found.reason, found.detail) == (Reason.SHADOW_NEXT, None)
    assert "the deployer" in found.change


def test_what_holds_the_version_back_that_a_shadow_goes_out_with_holds_the_shadow_back() -> None:
    shadow = replace(TWO, objection="Not you.", shadows=True)
    preview = seen([ONE, shadow], [SERVED], Blocked("OutOfService", None), serves=[1], under=SHADOW)

    found = explain(preview, version_arn(2), REGISTRY[2])

    assert found.reason is Reason.SHADOW_NEXT
    assert found.detail == "The endpoint is OutOfService. SageMaker's reason: none given"
    assert "Look into the endpoint" in found.change
