from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.decisions.choice import Choice, Decision, choose
from deployer.decisions.facts import UnreadArtifacts, UnreadVersion
from deployer.decisions.retries import RETRY_DELAYS
from deployer.model.attempt import AttemptStatus, Deletion
from deployer.model.cause import Cause
from deployer.model.companion import Companion
from deployer.model.model_version import Hidden
from deployer.model.release import Release
from deployer.model.smoke_test import Failure
from tests.unit.deployer.builders import (
    DIGEST,
    GROUP,
    NOW,
    approval,
    clean_up,
    deployment,
    facts,
    minutes,
    model_version,
    release,
    settings,
    version_arn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from deployer.decisions.facts import Facts, Unread
    from deployer.model.approval import Approval
    from deployer.model.attempt import Attempt, Deployment
    from deployer.model.model_version import ModelVersion
    from deployer.model.settings import EndpointSettings

OTHER_SETTINGS = "of other settings"
FOR_GPUS = {None: ("ml.g5.xlarge",)}
"""The instance types of a version that the settings' instance type excludes."""


def registered(number: int, *, rejected: frozenset[int], unfit: frozenset[int]) -> ModelVersion:
    return model_version(
        number,
        approval_status="Rejected" if number in rejected else "Approved",
        instance_types=FOR_GPUS if number in unfit else {},
    )


def chosen(
    approvals: list[Approval],
    attempts: list[Attempt] | None = None,
    *,
    serving: int | None = None,
    rejected: frozenset[int] = frozenset(),
    unfit: frozenset[int] = frozenset(),
    now: datetime = NOW,
) -> Decision:
    live = [] if serving is None else [went_live(serving, OTHER_SETTINGS)]
    known = facts(
        approvals,
        [*(attempts or []), *live],
        versions=[
            registered(number, rejected=rejected, unfit=unfit)
            for number in {each.version for each in approvals}
        ],
    )
    return decided(known, OTHER_SETTINGS if live else None, now=now)


def decided(known: Facts, serving_config_name: str | None, *, now: datetime = NOW) -> Decision:
    """Decide with facts that need no further reading."""
    decision = choose(known, serving_config_name, now=now)
    assert isinstance(decision, Decision), decision
    return decision


def went_live(version: int, config_name: str, **changes: Any) -> Deployment:
    """Return a deployment that succeeded before anything else here."""
    return deployment(
        version,
        **{
            "number": 0,
            "endpoint_config_name": config_name,
            "status": AttemptStatus.SUCCEEDED,
            "approved_at": minutes(-100),
            "settled_at": minutes(-99),
            **changes,
        },
    )


def failed(version: int, at: datetime = NOW, **changes: Any) -> Deployment:
    return deployment(
        version, **{"status": AttemptStatus.FAILED, "settled_at": at, "reason": "ping", **changes}
    )


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
    older, newer = approval(1), approval(2)

    assert chosen([older, newer], rejected=frozenset({1, 2})) == Decision(None, withdrawn=(newer, older))
    assert chosen([]) == Decision(None)


def test_a_version_that_failed_is_not_chosen_again() -> None:
    assert chosen_version([approval(1, minutes(-9)), approval(2, minutes(-5))], [failed(2)], serving=1) == 1


def test_approving_a_failed_version_again_retries_it() -> None:
    approvals = [approval(2, minutes(-5)), approval(2, minutes(5))]

    assert chosen_version(approvals, [failed(2)]) == 2


def test_an_approval_during_the_attempt_is_answered_by_its_failure() -> None:
    assert chosen([approval(2, minutes(-5)), approval(2, minutes(-1))], [failed(2)]) == Decision(None)


def test_a_withdrawn_attempt_is_no_failure() -> None:
    withdrawn = deployment(2, status=AttemptStatus.WITHDRAWN, settled_at=NOW, reason="busy")

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


def read_for(
    decide: Callable[[Facts], Decision | Unread], known: Facts, versions: dict[int, ModelVersion]
) -> tuple[list[Unread], Decision]:
    """Decide as a pass does: read what the decision lacks, and decide again; return the reads, in order."""
    read: list[Unread] = []
    by_arn = {each.arn: each for each in versions.values()}
    while True:
        answer = decide(known)
        match answer:
            case Decision():
                return read, answer
            case UnreadVersion(arn):
                known = replace(known, versions={**known.versions, arn.lower(): by_arn[arn]})
            case UnreadArtifacts(version):
                known = replace(known, digests={**known.digests, version.arn.lower(): DIGEST})
            case _:
                raise AssertionError(answer)
        read.append(answer)


def test_the_registry_is_asked_newest_first_and_no_further_than_needed() -> None:
    approvals = [approval(version, minutes(version)) for version in (1, 2, 3)] + [approval(3, minutes(9))]
    versions = {
        number: registered(number, rejected=frozenset({1, 3}), unfit=frozenset()) for number in (1, 2, 3)
    }

    read, decision = read_for(partial(choose, serving_config_name=None, now=NOW), facts(approvals), versions)

    assert read == [
        UnreadVersion(version_arn(3)),
        UnreadVersion(version_arn(2)),
        UnreadArtifacts(versions[2]),
    ]
    assert decision.choice is not None
    assert decision.choice.approval.version == 2


def test_what_a_list_lacks_is_read_by_itself_before_it_is_given_up() -> None:
    """A list may lag or lack a page; what it shows is not asked for again until it goes out."""
    approvals = [approval(version, minutes(version)) for version in (1, 2, 3)]
    decide = partial(choose, serving_config_name=None, now=NOW)
    rejected = {3: model_version(3, approval_status="Rejected"), 2: model_version(2)}
    lacking = {3: model_version(3)}

    read, decision = read_for(decide, facts(approvals, listed=[1, 2]), rejected)
    assert read == [
        UnreadVersion(version_arn(3)),
        UnreadVersion(version_arn(2)),
        UnreadArtifacts(rejected[2]),
    ]
    assert decision.withdrawn == (approvals[2],)

    _, decision = read_for(decide, facts(approvals, listed=[1, 2]), lacking)
    assert decision.choice is not None
    assert decision.choice.approval.version == 3
    assert decision.withdrawn == ()


def test_a_version_that_the_registry_shows_under_another_case_was_read() -> None:
    loud = approval(1, version_arn=version_arn(1).replace(GROUP, GROUP.upper()))

    assert chosen_version([loud]) == 1


def test_a_failure_counts_for_the_approval_that_led_to_it_whatever_the_clocks_say() -> None:
    """SageMaker may refuse within a second, and its clock may be ahead of the deployer's."""
    given = approval(2, minutes(0))
    before = given.approved_at - timedelta(seconds=2)

    assert chosen_version([given], [failed(2, before, approved_at=given.approved_at)]) is None
    assert chosen_version([given], [failed(2, before, approved_at=before)]) == 2


def test_a_failure_counts_however_much_was_tried_since_and_the_registry_is_not_asked() -> None:
    others = [
        deployment(1, number=number, status=AttemptStatus.FAILED, approved_at=minutes(-9))
        for number in range(300, 3, -1)
    ]
    known = facts([approval(2, minutes(-5))], [*others, failed(2, number=3)])

    assert choose(known, None, now=NOW) == Decision(None)


@pytest.mark.parametrize("hidden", [Hidden("AccessDeniedException: no"), "S3"])
def test_what_is_hidden_is_not_withdrawn_and_has_no_turn(hidden: Hidden | str) -> None:
    older, newer = approval(1, minutes(-9)), approval(2, minutes(-5))
    known = facts([older, newer], versions=[model_version(1), model_version(2)])
    arn = newer.version_arn.lower()
    if isinstance(hidden, Hidden):
        known = replace(known, versions={**known.versions, arn: hidden})
    else:
        known = replace(known, digests={**known.digests, arn: Hidden("s3://models/a is not shown")})

    decision = decided(known, None)

    assert decision.choice is not None
    assert decision.choice.approval == older
    assert [(each.approval, each.is_hidden) for each in decision.ineligible] == [(newer, True)]
    assert decision.withdrawn == ()


def test_what_the_settings_instances_exclude_has_no_turn_while_they_do() -> None:
    older, newer = approval(1, minutes(0)), approval(2, minutes(1))

    decision = chosen([older, newer], unfit=frozenset({2}))

    assert decision.choice is not None
    assert decision.choice.approval == older
    assert [each.approval for each in decision.ineligible] == [newer]
    assert chosen_version([older, newer]) == 2


def test_a_serving_version_that_the_settings_exclude_by_now_stays_as_it_serves() -> None:
    decision = chosen([approval(1, minutes(0)), approval(2, minutes(1))], serving=2, unfit=frozenset({1, 2}))

    assert decision.choice is not None
    assert decision.choice.approval.version == 2
    assert decision.choice.keeps_serving
    assert [each.approval.version for each in decision.ineligible] == [2]


def test_a_misfit_is_told_of_also_while_something_former_is_put_back() -> None:
    older, newer = approval(1, minutes(0)), approval(2, minutes(1))
    served_well = went_live(1, "served well")
    answered_badly = failed(
        1,
        minutes(1),
        number=2,
        endpoint_config_name="tried",
        failed_test=Failure("0a1b", {"Name": "typical"}, {"Status": 500}, "status 200"),
    )
    known = facts(
        [older, newer],
        [answered_badly, failed(1), served_well],
        versions=[model_version(1), model_version(2, instance_types=FOR_GPUS)],
    )

    decision = decided(known, "tried")

    assert decision.choice is not None
    assert decision.choice.release == Release.former(settings(), served_well, stack_name="Greenlight")
    assert [each.approval for each in decision.ineligible] == [newer]


def test_a_release_that_could_not_be_put_back_for_lack_of_capacity_is_waited_for() -> None:
    served_well = went_live(1, "served well")
    answered_badly = failed(
        1,
        minutes(1),
        number=2,
        endpoint_config_name="tried",
        failed_test=Failure("0a1b", {"Name": "typical"}, {"Status": 500}, "status 200"),
    )
    no_room = failed(1, minutes(2), number=3, endpoint_config_name="served well", cause=Cause.PASSING)
    known = facts(
        [approval(1, minutes(0))],
        [no_room, answered_badly, failed(1), served_well],
        versions=[model_version(1)],
    )

    decision = decided(known, "tried")

    assert decision.choice is None
    assert decision.retry_at == minutes(2) + RETRY_DELAYS[0]


@pytest.mark.parametrize(
    ("config_name", "misfits"),
    [
        (release(2).endpoint_config_name, []),
        (
            release(7).endpoint_config_name,
            ["Its image, artifact or environment was changed after it was approved."],
        ),
    ],
)
def test_the_very_release_that_serves_is_not_judged_again(config_name: str, misfits: list[str]) -> None:
    known = facts(
        [approval(2)],
        [went_live(2, config_name)],
        versions=[model_version(2)],
        digests={version_arn(2).lower(): "another"},
    )

    decision = decided(known, config_name)

    assert decision.choice is not None
    assert decision.choice.keeps_serving is bool(misfits)
    assert [each.reason for each in decision.ineligible] == misfits


def test_for_the_very_release_that_serves_no_version_is_read() -> None:
    config_name = release(2).endpoint_config_name
    known = facts([approval(2)], [went_live(2, config_name)], listed=[2])

    assert decided(known, config_name).choice is not None
    assert choose(known, None, now=NOW) == UnreadVersion(version_arn(2))
    assert choose(known, config_name, in_service=False, now=NOW) == UnreadVersion(version_arn(2))


def test_what_no_longer_stands_is_no_misfit() -> None:
    decision = chosen([approval(1)], rejected=frozenset({1}), unfit=frozenset({1}))

    assert decision == Decision(None, withdrawn=(approval(1),))


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


def out_of_capacity(count: int) -> list[Attempt]:
    return [
        failed(2, at=minutes(number), number=number, cause=Cause.PASSING, approved_at=minutes(-5))
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


# Going back ---------------------------------------------------------------------------------------------

NEW_SETTINGS = {"CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]}}


def tried(version: int, status: AttemptStatus, number: int, **changes: Any) -> Deployment:
    """Return how a deployment of a version, approved so many minutes ago as its number says, ended."""
    return deployment(
        version,
        **{
            "number": number,
            "approved_at": minutes(version - 10),
            "status": status,
            "settled_at": minutes(number),
            **({"reason": "ping", "cause": Cause.VERSION} if status is AttemptStatus.FAILED else {}),
            **changes,
        },
    )


def well(version: int, number: int, **changes: Any) -> Deployment:
    return tried(version, AttemptStatus.SUCCEEDED, number, **changes)


def badly(version: int, number: int, **changes: Any) -> Deployment:
    return tried(version, AttemptStatus.FAILED, number, **changes)


def choice_of(approved: Approval, under: EndpointSettings | None = None) -> Choice:
    """Return the choice of an approval, whose approver and time the tags of the config name."""
    return Choice(approved, release(approved.version, under, of=approved))


def in_a_row(*versions: int, **changes: Any) -> list[Approval]:
    return [approval(each, minutes(each - 10), **changes) for each in versions]


def decided_of(
    approvals: list[Approval],
    attempts: Sequence[Attempt],
    serving: str | None,
    *,
    rejected: frozenset[int] = frozenset(),
    unfit: frozenset[int] = frozenset(),
    now: datetime = NOW,
    **more: Any,
) -> Decision:
    """Decide after these attempts, newest first, with everything read."""
    versions = [registered(each, rejected=rejected, unfit=unfit) for each in range(1, 6)]
    return decided(facts(approvals, attempts, versions=versions, **more), serving, now=now)


def version_of(decision: Decision) -> int | None:
    return decision.choice.approval.version if decision.choice is not None else None


def config_of(version: int) -> str:
    return release(version).endpoint_config_name


def test_a_reject_goes_past_what_never_served_to_what_served_well() -> None:
    """The second was superseded before it was ever tried."""
    attempts = [well(3, 2), well(1, 1)]

    decision = decided_of(in_a_row(1, 2, 3), attempts, config_of(3), rejected=frozenset({3}))

    assert version_of(decision) == 1
    assert decision.superseded == ((approval(2, minutes(-8)), 3),)


def test_a_version_that_failed_gives_way_to_what_served_well() -> None:
    attempts = [badly(3, 2), well(1, 1)]

    assert version_of(decided_of(in_a_row(1, 2, 3), attempts, config_of(1))) == 1


def test_what_failed_before_it_was_superseded_does_not_go_out_either() -> None:
    attempts = [badly(3, 3), badly(2, 2, cause=Cause.PASSING), well(1, 1)]

    assert version_of(decided_of(in_a_row(1, 2, 3), attempts, config_of(1), now=minutes(60))) == 1


def test_while_the_newest_waits_for_a_quota_nothing_untried_goes_out() -> None:
    attempts = [badly(3, 2, cause=Cause.PASSING), well(1, 1)]

    decision = decided_of(in_a_row(1, 2, 3), attempts, config_of(1))

    assert version_of(decision) == 1
    assert decision.retry_at == minutes(2) + RETRY_DELAYS[0]


def test_nothing_untried_goes_out_while_what_served_well_waits_for_capacity() -> None:
    attempts = [badly(1, 3, cause=Cause.PASSING), well(3, 2), well(1, 1)]

    decision = decided_of(in_a_row(1, 2, 3), attempts, config_of(3), rejected=frozenset({3}))

    assert decision.choice is None
    assert decision.retry_at == minutes(3) + RETRY_DELAYS[0]


@pytest.mark.parametrize(
    "attempts",
    [
        pytest.param([well(3, 2), well(1, 1)], id="what served well is rejected as well"),
        pytest.param([well(3, 1)], id="nothing else ever served"),
        pytest.param([badly(3, 1)], id="nothing ever served"),
    ],
)
def test_only_where_nothing_that_served_well_stands_the_newest_untried_goes_out(
    attempts: list[Deployment],
) -> None:
    decision = decided_of(in_a_row(1, 2, 3), attempts, config_of(3), rejected=frozenset({1, 3}))

    assert version_of(decision) == 2


def test_an_approval_that_is_newer_than_everything_tried_goes_forward() -> None:
    """The fourth excludes the settings' instances, so the third is the newest that may be deployed."""
    decision = decided_of(
        in_a_row(1, 2, 3, 4), [well(1, 1)], config_of(1), unfit=frozenset({4}), rejected=frozenset()
    )

    assert version_of(decision) == 3
    assert decision.superseded == ()


def test_what_a_version_that_was_approved_again_in_service_passes_over_is_superseded() -> None:
    approvals = [*in_a_row(1, 2), approval(1, minutes(-1))]

    decision = decided_of(approvals, [well(1, 1)], config_of(1), unfit=frozenset({2}))

    assert version_of(decision) == 1
    assert decision.superseded == ((approval(2, minutes(-8)), 1),)


def test_a_journalled_note_that_an_approval_was_superseded_counts() -> None:
    """The deployment that superseded it is forgotten: its approval was taken back, and it was cleaned up."""
    approvals = [*in_a_row(1), approval(2, minutes(-8), superseded_by=3)]

    decision = decided_of(approvals, [well(1, 1)], config_of(1))

    assert version_of(decision) == 1
    assert decision.superseded == ()


def test_a_superseded_version_that_is_approved_again_goes_forward() -> None:
    approvals = [*in_a_row(1), approval(2, minutes(-8), superseded_by=3), approval(2, minutes(3))]

    assert version_of(decided_of(approvals, [well(1, 1)], config_of(1))) == 2


def test_a_withdrawn_attempt_supersedes_nothing() -> None:
    attempts = [tried(3, AttemptStatus.WITHDRAWN, 2), well(1, 1)]

    decision = decided_of(in_a_row(1, 2, 3), attempts, config_of(1), rejected=frozenset({3}))

    assert version_of(decision) == 2


def test_a_shadow_supersedes_nothing_that_may_go_live() -> None:
    shadow = Companion("Shadow", version_arn(4), 4, "churn-v4", is_shadow=True)
    attempts = [well(1, 1, approved_at=minutes(-2), companions=(shadow,))]

    assert version_of(decided_of(in_a_row(1, 2), attempts, config_of(1))) == 2


# Former releases ----------------------------------------------------------------------------------------

BEFORE = "with the settings before"


def test_what_fails_with_the_present_settings_comes_back_as_it_served() -> None:
    served = well(1, 1, endpoint_config_name=BEFORE)
    attempts = [badly(1, 3), well(2, 2), served]

    decision = decided_of(in_a_row(1, 2), attempts, config_of(2), rejected=frozenset({2}))

    assert decision.choice == Choice(
        approval(1, minutes(-9)), Release.former(settings(), served, stack_name="Greenlight")
    )


def test_nothing_is_put_back_in_the_place_of_what_serves_and_stands() -> None:
    """The second was approved again, and failed with the present settings. The first one serves with them."""
    approvals = [*in_a_row(1), approval(2, minutes(1))]
    again = badly(2, 3, approved_at=minutes(1))
    attempts = [again, well(1, 2), well(2, 1, endpoint_config_name=BEFORE)]

    assert version_of(decided_of(approvals, attempts, config_of(1))) == 1


def test_what_comes_back_is_tried_with_the_present_settings_first() -> None:
    attempts = [well(2, 2), well(1, 1, endpoint_config_name=BEFORE)]

    decision = decided_of(in_a_row(1, 2), attempts, config_of(2), rejected=frozenset({2}))

    assert decision.choice == choice_of(approval(1, minutes(-9)))


def test_what_lacks_capacity_with_the_present_settings_comes_back_as_it_served_meanwhile() -> None:
    served = well(1, 1, endpoint_config_name=BEFORE)
    attempts = [badly(1, 3, cause=Cause.PASSING), well(2, 2), served]

    decision = decided_of(in_a_row(1, 2), attempts, config_of(2), rejected=frozenset({2}))

    assert decision.choice is not None
    assert decision.choice.release.endpoint_config_name == BEFORE


def test_what_the_present_instances_exclude_comes_back_as_it_served() -> None:
    attempts = [well(2, 2), well(1, 1, endpoint_config_name=BEFORE)]

    decision = decided_of(
        in_a_row(1, 2), attempts, config_of(2), rejected=frozenset({2}), unfit=frozenset({1})
    )

    assert decision.choice is not None
    assert decision.choice.release.endpoint_config_name == BEFORE


@pytest.mark.parametrize("hidden", ["by the registry", "by S3"])
def test_what_would_come_back_as_it_served_is_told_and_kept_while_it_is_hidden(hidden: str) -> None:
    """An older version serves meanwhile. Clean-ups wait for what is hidden."""
    attempts = [badly(2, 4), well(3, 3), well(2, 2, endpoint_config_name=BEFORE), well(1, 1)]
    why, arn = Hidden("AccessDenied: no"), version_arn(2).lower()
    versions = [registered(each, rejected=frozenset({3}), unfit=NONE) for each in (1, 2, 3)]
    known = facts(in_a_row(1, 2, 3), attempts, versions=versions)
    if hidden == "by S3":
        known = replace(known, digests={**known.digests, arn: why})
    else:
        known = replace(known, versions={**known.versions, arn: why})

    decision = decided(known, config_of(3))

    assert version_of(decision) == 1
    assert [(each.approval.version, each.is_hidden) for each in decision.ineligible] == [(2, True)]


def test_what_failed_to_come_back_as_it_served_is_not_waited_for_while_it_is_hidden() -> None:
    attempts = [badly(2, 5, endpoint_config_name=BEFORE), badly(2, 4), well(3, 3)]
    attempts += [well(2, 2, endpoint_config_name=BEFORE), well(1, 1)]
    versions = [registered(each, rejected=frozenset({3}), unfit=NONE) for each in (1, 2, 3)]
    known = facts(in_a_row(1, 2, 3), attempts, versions=versions)
    unseen = {**known.digests, version_arn(2).lower(): Hidden("AccessDenied: no")}

    decision = decided(replace(known, digests=unseen), config_of(3))

    assert version_of(decision) == 1
    assert decision.ineligible == ()


def test_a_stage_waits_for_what_it_cannot_compare_with_what_served() -> None:
    """The version failed its test with other settings. S3 hides whether it is what served before."""
    failed_test = Failure("0a1b", {"Name": "typical"}, {"Status": 500}, "status 200")
    served = well(2, 2, endpoint_config_name=BEFORE, artifact_digest=DIGEST)
    under, arn = settings(StageName="staging"), version_arn(2).lower()
    present = release(2, under).endpoint_config_name
    attempts = [
        badly(2, 4, endpoint_config_name="tried", failed_test=failed_test),
        badly(2, 3, endpoint_config_name=present),
        served,
        well(1, 1),
    ]
    versions = [registered(each, rejected=NONE, unfit=NONE) for each in (1, 2)]
    known = facts(in_a_row(1, 2), attempts, under=under, versions=versions)

    shown = decided(known, "tried")
    unseen = decided(replace(known, digests={**known.digests, arn: Hidden("AccessDenied: no")}), "tried")

    assert shown.choice is not None
    assert shown.choice.release.endpoint_config_name == BEFORE
    assert version_of(unseen) == 1
    assert [(each.approval.version, each.is_hidden) for each in unseen.ineligible] == [(2, True)]


def test_what_was_changed_since_its_approval_does_not_come_back_as_it_served() -> None:
    attempts = [badly(1, 3), well(2, 2), well(1, 1, endpoint_config_name=BEFORE)]
    digests: dict[str, str | Hidden] = {
        version_arn(each).lower(): "another" if each == 1 else DIGEST for each in range(1, 6)
    }

    decision = decided_of(in_a_row(1, 2), attempts, config_of(2), rejected=frozenset({2}), digests=digests)

    assert decision.choice is None


@pytest.mark.parametrize("gone", ["failed since", "deleted", "failed its smoke test since"])
def test_what_cannot_come_back_as_it_served_gives_way_to_what_served_before(gone: str) -> None:
    served = well(2, 2, endpoint_config_name=BEFORE)
    tested = Failure("0a1b", {"Name": "typical"}, {"Status": 500}, "status 200")
    more = {
        "failed since": badly(2, 5, endpoint_config_name=BEFORE),
        "failed its smoke test since": badly(2, 5, endpoint_config_name=BEFORE, failed_test=tested),
        "deleted": clean_up(
            number=5,
            status=AttemptStatus.SUCCEEDED,
            deletion=Deletion((BEFORE,), (served.model_name,)),
        ),
    }[gone]
    attempts = [more, badly(2, 4), well(3, 3), served, well(1, 1)]

    decision = decided_of(in_a_row(1, 2, 3), attempts, config_of(3), rejected=frozenset({3}))

    assert version_of(decision) == 1


def test_a_version_that_served_well_is_known_to_have_after_its_models_were_deleted() -> None:
    """The journal forgets its deployment, and keeps the note beside the approval."""
    first = approval(1, minutes(-9), served_with="cleaned up")

    decision = decided_of([first, *in_a_row(2, 3)], [well(3, 2)], config_of(3), rejected=frozenset({3}))

    assert version_of(decision) == 1


def test_a_note_that_a_version_served_well_does_not_count_after_its_config_failed_a_smoke_test() -> None:
    first = approval(1, minutes(-9), served_with=config_of(1))
    tested = Failure("0a1b", {"Name": "typical"}, {"Status": 500}, "status 200")
    attempts = [well(3, 3), badly(1, 2, failed_test=tested, approved_at=minutes(-20))]

    decision = decided_of([first, *in_a_row(2, 3)], attempts, config_of(3), rejected=frozenset({3}))

    assert version_of(decision) == 2


def test_what_served_well_is_noted_once_with_the_config_of_its_last_success() -> None:
    attempts = [well(1, 3, endpoint_config_name="present"), well(2, 2), well(1, 1)]
    approvals = [approval(1, minutes(-9), served_with=config_of(1)), *in_a_row(2, 3)]

    decision = decided_of(approvals, attempts, "present")

    assert decision.served == ((approvals[0], "present"), (approvals[1], config_of(2)))
    noted = [replace(each, served_with=config) for each, config in decision.served]
    assert decided_of([*noted, *in_a_row(3)], attempts, "present").served == ()


# Changed settings ---------------------------------------------------------------------------------------


def test_after_changed_settings_the_version_that_serves_takes_them_first() -> None:
    failure = badly(2, 2, reason="ValidationException: no", cause=Cause.SETTINGS)
    approvals, under = in_a_row(1, 2), settings(**NEW_SETTINGS)

    first = decided_of(approvals, [failure, well(1, 1)], config_of(1), under=under)
    taken = release(1, under).endpoint_config_name
    then = decided_of(
        approvals, [well(1, 3, endpoint_config_name=taken), failure, well(1, 1)], taken, under=under
    )

    assert version_of(first) == 1
    assert version_of(then) == 2


def test_settings_that_fail_with_the_version_that_serves_are_not_tried_with_what_failed_before() -> None:
    under = settings(**NEW_SETTINGS)
    again = badly(1, 3, endpoint_config_name=release(1, under).endpoint_config_name)
    attempts = [again, badly(2, 2, cause=Cause.SETTINGS), well(1, 1)]

    decision = decided_of(in_a_row(1, 2), attempts, config_of(1), under=under)

    assert version_of(decision) == 1
    assert decision.choice is not None
    assert decision.choice.keeps_serving


NONE: frozenset[int] = frozenset()


def decided_on_foreign(version: int, known: Facts) -> Decision:
    """Decide for an endpoint in service on a config that the journal does not know."""
    decision = choose(known, "foreign", now=NOW, foreign_version_arn=version_arn(version))
    assert isinstance(decision, Decision), decision
    return decision


def test_what_a_config_serves_that_the_journal_does_not_know_stays_while_its_own_release_fails() -> None:
    """The journal was lost, or somebody made the config by hand."""
    versions = [registered(each, rejected=NONE, unfit=NONE) for each in (1, 2)]
    failed = facts(in_a_row(1, 2), [badly(2, 1, cause=Cause.SETTINGS)], versions=versions)

    decision = decided_on_foreign(2, failed)

    assert version_of(decision) == 2
    assert decision.choice is not None
    assert decision.choice.keeps_serving
    assert version_of(decided(failed, "foreign")) == 1


def test_what_a_config_serves_that_the_journal_does_not_know_gives_way_to_its_own_release() -> None:
    decision = decided_on_foreign(
        2,
        facts(in_a_row(1, 2), [], versions=[registered(each, rejected=NONE, unfit=NONE) for each in (1, 2)]),
    )

    assert decision.choice is not None
    assert decision.choice.release.endpoint_config_name == config_of(2)
    assert not decision.choice.keeps_serving
    assert decision.superseded == ()


def test_what_failed_with_other_settings_is_tried_where_nothing_serves() -> None:
    attempts = [badly(2, 1, cause=Cause.SETTINGS)]

    assert version_of(decided_of(in_a_row(2), attempts, None, under=settings(**NEW_SETTINGS))) == 2


def test_a_versions_own_failure_holds_with_any_settings_until_it_is_approved_again() -> None:
    under = settings(**NEW_SETTINGS)
    taken = release(1, under).endpoint_config_name
    attempts = [well(1, 3, endpoint_config_name=taken), badly(2, 2), well(1, 1)]

    assert version_of(decided_of(in_a_row(1, 2), attempts, taken, under=under)) == 1
    renewed = [*in_a_row(1, 2), approval(2, minutes(5))]
    assert version_of(decided_of(renewed, attempts, taken, under=under)) == 2


def test_a_failure_of_a_version_that_has_served_well_is_the_settings() -> None:
    under = settings(**NEW_SETTINGS)

    decision = decided_of(
        in_a_row(1), [badly(1, 2), well(1, 1, endpoint_config_name=BEFORE)], BEFORE, under=under
    )

    assert decision.choice == choice_of(approval(1, minutes(-9)), under)


def test_a_failure_beside_a_pinned_version_is_not_known_to_be_the_versions_own() -> None:
    under = settings(**NEW_SETTINGS)
    pinned = Companion("Champion", version_arn(4), 4, "churn-v4")

    decision = decided_of(in_a_row(2), [badly(2, 1, companions=(pinned,))], None, under=under)

    assert version_of(decision) == 2
