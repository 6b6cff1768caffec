from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from deployer.decisions.choice import Choice, Decision
from deployer.decisions.facts import UnreadVersion
from deployer.decisions.retention import disposable, plan_clean_up
from deployer.model.approval import Ineligible
from deployer.model.attempt import NOTHING, UNSETTLED, AttemptStatus, Deletion
from deployer.model.cause import Cause
from deployer.model.model_version import Hidden
from tests.unit.deployer.builders import (
    approval,
    clean_up,
    deployment,
    facts,
    history_of,
    minutes,
    model_version,
    release,
    settings,
    version_arn,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.decisions.facts import Facts
    from deployer.model.attempt import Attempt, CleanUp, Deployment
    from deployer.model.history import History, ReleaseRecord


def made(
    number: int,
    config: str,
    model: str | None = None,
    status: AttemptStatus = AttemptStatus.SUCCEEDED,
    **changes: Any,
) -> Deployment:
    return deployment(
        number,
        number=number,
        endpoint_config_name=config,
        model_name=model or f"m-{config}",
        status=status,
        **changes,
    )


def cleaned(number: int, *configs: str, status: AttemptStatus = AttemptStatus.SUCCEEDED) -> CleanUp:
    deletion = Deletion(configs, tuple(f"m-{each}" for each in configs))
    return clean_up(number=number, status=status, deletion=deletion)


def records(attempts: Iterable[Attempt]) -> list[ReleaseRecord]:
    return [each for each in history_of(attempts).releases.values() if each.made]


def test_the_last_former_releases_stay() -> None:
    attempts = [made(number, f"c{number}") for number in (6, 5, 4, 3, 2, 1)]

    assert disposable(records(attempts), keep=3, needed=["c6"]) == Deletion(("c2", "c1"), ("m-c2", "m-c1"))


def test_with_nothing_to_keep_only_what_is_needed_stays() -> None:
    attempts = [made(number, f"c{number}") for number in (3, 2, 1)]

    assert disposable(records(attempts), keep=0, needed=["c3", "c1"]) == Deletion(("c2",), ("m-c2",))


def test_the_second_fallback_takes_no_place_of_a_former_release() -> None:
    attempts = [made(number, f"c{number}") for number in (5, 4, 3, 2, 1)]
    fallbacks = ("c2", "c1")

    left = disposable(records(attempts), keep=2, needed=["c5"], fallbacks=fallbacks)

    assert left == Deletion(("c3",), ("m-c3",))
    none = disposable(records(attempts), keep=0, needed=["c5"], fallbacks=fallbacks)
    assert none == Deletion(("c4", "c3"), ("m-c4", "m-c3"))


def test_what_failed_or_was_withdrawn_does_not_stay() -> None:
    attempts = [
        made(4, "c4"),
        made(3, "c3", status=AttemptStatus.FAILED),
        made(2, "c2", status=AttemptStatus.WITHDRAWN),
        made(1, "c1"),
    ]

    assert disposable(records(attempts), keep=3, needed=["c4"]) == Deletion(("c3", "c2"), ("m-c3", "m-c2"))


def test_a_model_stays_as_long_as_a_config_that_stays_uses_it() -> None:
    attempts = [made(2, "c2", "shared"), made(1, "c1", "shared")]

    assert disposable(records(attempts), keep=0, needed=["c2"]) == Deletion(("c1",), ())


def test_what_is_gone_is_not_deleted_again() -> None:
    attempts = [cleaned(4, "c1"), made(3, "c3"), made(2, "c2"), made(1, "c1")]

    assert disposable(records(attempts), keep=0, needed=["c3"]) == Deletion(("c2",), ("m-c2",))


def test_what_was_made_again_is_there_again() -> None:
    attempts = [made(5, "c5"), made(4, "c1"), cleaned(3, "c1"), made(2, "c2"), made(1, "c1")]

    assert disposable(records(attempts), keep=0, needed=["c5"]) == Deletion(("c1", "c2"), ("m-c1", "m-c2"))


def test_a_clean_up_that_was_cut_short_deleted_nothing_for_certain() -> None:
    attempts = [cleaned(3, "c1", status=AttemptStatus.WITHDRAWN), made(2, "c2"), made(1, "c1")]

    assert disposable(records(attempts), keep=0, needed=["c2"]) == Deletion(("c1",), ("m-c1",))


ENDED = sorted(set(AttemptStatus) - UNSETTLED, key=lambda each: each.value)
HISTORIES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(ENDED)), max_size=20)


@given(HISTORIES, st.integers(0, 4), st.sets(st.sampled_from("abcdef")))
def test_nothing_that_is_needed_is_ever_disposable(
    history: list[tuple[str, AttemptStatus]], keep: int, needed: set[str]
) -> None:
    attempts = [made(number, name, status=status) for number, (name, status) in enumerate(history, 1)][::-1]

    deletion = disposable(records(attempts), keep=keep, needed=needed)

    left = {each.endpoint_config_name for each in attempts} - set(deletion.endpoint_config_names)
    assert not needed & set(deletion.endpoint_config_names)
    assert not {f"m-{each}" for each in left} & set(deletion.model_names)
    assert len(left - needed) <= keep


# What has to be read for it ----------------------------------------------------------------------------

APPROVALS = [approval(number, minutes(number)) for number in (3, 2, 1)]
DECISION = Decision(Choice(APPROVALS[0], release(3)))
SERVING = release(3).endpoint_config_name


def served(*numbers: int, **changes: Any) -> Facts:
    """Return the facts about an endpoint on which these versions went live, the last one first."""
    attempts = [deployment(each, number=each, status=AttemptStatus.SUCCEEDED) for each in numbers]
    return facts(APPROVALS, attempts, under=settings(Keep=0), **changes)


def of(*numbers: int) -> Deletion:
    """Return the deletion of these versions' configs and models."""
    made = [release(each) for each in numbers]
    return Deletion(
        tuple(each.endpoint_config_name for each in made), tuple(each.model_name for each in made)
    )


def test_the_registry_is_asked_what_a_reject_would_bring_back_only_where_something_may_go() -> None:
    assert plan_clean_up(served(3), DECISION, SERVING) == NOTHING
    assert plan_clean_up(served(3, 2, 1), DECISION, SERVING) == UnreadVersion(version_arn(2))


def test_what_a_reject_would_bring_back_stays_though_nothing_is_kept() -> None:
    known = served(3, 2, 1, versions=[model_version(2)])
    rejected = served(3, 2, 1, versions=[model_version(2, approval_status="Rejected"), model_version(1)])

    assert plan_clean_up(known, DECISION, SERVING) == of(1)
    assert plan_clean_up(rejected, DECISION, SERVING) == of(2)


def tried(known: Facts, attempt: Deployment) -> History:
    return known.history.with_begun(attempt, is_latest_unannounced=False).with_moved(attempt)


def test_what_a_reject_would_bring_back_once_a_reason_has_passed_stays() -> None:
    known = served(3, 1, versions=[model_version(1), model_version(2)])
    failed = deployment(
        2,
        number=2,
        status=AttemptStatus.FAILED,
        settled_at=minutes(3),
        cause=Cause.PASSING,
        approved_at=minutes(2),
    )

    passing = replace(known, history=tried(known, failed))
    lasting = replace(known, history=tried(known, replace(failed, cause=Cause.VERSION)))

    assert plan_clean_up(passing, DECISION, SERVING) == of(1)
    assert plan_clean_up(lasting, DECISION, SERVING) == of(2)


def test_nothing_is_deleted_while_a_version_is_hidden() -> None:
    known = served(3, 2, 1, versions=[model_version(1)])
    hidden = {**known.versions, version_arn(2).lower(): Hidden("AccessDeniedException: no")}
    decision = replace(DECISION, ineligible=(Ineligible(APPROVALS[1], "…", "…", is_hidden=True),))

    assert plan_clean_up(replace(known, versions=hidden), DECISION, SERVING) is None
    assert plan_clean_up(known, decision, SERVING) is None
