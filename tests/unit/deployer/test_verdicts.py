"""A decision says of each version which rule put it where it is, and never contradicts itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.decisions.choice import Decision, choose
from deployer.decisions.verdicts import CHOSEN_BY, Rule, Verdict
from deployer.model.attempt import AttemptStatus
from deployer.model.cause import Cause
from tests.unit.deployer.builders import (
    NOW,
    approval,
    deployment,
    facts,
    minutes,
    model_version,
    release,
    settings,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment

BEFORE = "of the settings before"
SHADOW = settings(
    CreateEndpointConfig={
        "ProductionVariants": [{"VariantName": "AllTraffic", "InstanceType": "ml.m5.large"}],
        "ShadowProductionVariants": [{"VariantName": "Shadow", "InstanceType": "ml.m5.large"}],
    },
    Shadow={"Approvers": ["*"]},
)
ONE, TWO, THREE = (approval(version, minutes(version - 9)) for version in (1, 2, 3))


def served(version: int, number: int = 1, config: str = BEFORE, **changes: Any) -> Deployment:
    return deployment(
        version,
        **{
            "number": number,
            "endpoint_config_name": config,
            "status": AttemptStatus.SUCCEEDED,
            "approved_at": minutes(version - 9),
            "settled_at": minutes(version - 8.5),
            **changes,
        },
    )


def failed(version: int, number: int = 5, **changes: Any) -> Deployment:
    return deployment(
        version,
        **{
            "number": number,
            "status": AttemptStatus.FAILED,
            "approved_at": minutes(version - 9),
            "settled_at": NOW,
            **changes,
        },
    )


def decided(
    approvals: Sequence[Approval],
    attempts: Sequence[Deployment] = (),
    *,
    serving: str | None = None,
    rejected: Sequence[int] = (),
    unfit: Sequence[int] = (),
    **more: Any,
) -> Decision:
    versions = [
        model_version(
            each.version,
            approval_status="Rejected" if each.version in rejected else "Approved",
            instance_types={None: ("ml.g5.xlarge",)} if each.version in unfit else {},
        )
        for each in approvals
    ]
    under = more.pop("under", None)
    decision = choose(facts(approvals, attempts, under=under, versions=versions), serving, now=NOW, **more)
    assert isinstance(decision, Decision)
    return decision


def rules(decision: Decision) -> dict[int, Rule]:
    return {each.approval.version: each.rule for each in decision.verdicts}


BECAUSE: dict[str, tuple[Decision, dict[int, Rule]]] = {
    "the newest goes forward": (decided([ONE, TWO]), {2: Rule.CHOSEN}),
    "a reject": (decided([ONE, TWO], rejected=[2]), {2: Rule.WITHDRAWN, 1: Rule.CHOSEN}),
    "its own failure": (
        decided([ONE, TWO], [failed(2), served(1)], serving=BEFORE),
        {2: Rule.FAILED, 1: Rule.CHOSEN},
    ),
    "no capacity": (
        decided([ONE, TWO], [failed(2, cause=Cause.PASSING), served(1)], serving=BEFORE),
        {2: Rule.WAITS, 1: Rule.CHOSEN},
    ),
    "the wrong instance type": (
        decided([ONE, TWO], unfit=[2]),
        {2: Rule.INELIGIBLE, 1: Rule.CHOSEN},
    ),
    "a later one went out instead": (
        decided([ONE, TWO], [failed(2)]),
        {2: Rule.FAILED, 1: Rule.CHOSEN},
    ),
    "superseded, and another one serves well": (
        decided([ONE, TWO, THREE], [served(3, 2, "threes"), served(1)], serving="threes", rejected=[3]),
        {3: Rule.WITHDRAWN, 2: Rule.SUPERSEDED, 1: Rule.CHOSEN},
    ),
    "it failed with other settings, and what serves has not taken these": (
        decided(
            [ONE, TWO],
            [failed(2, cause=Cause.SETTINGS, endpoint_config_name="others"), served(1)],
            serving=BEFORE,
        ),
        {2: Rule.FAILED_BEFORE, 1: Rule.CHOSEN},
    ),
    "the present settings fail with what serves": (
        decided([TWO], [failed(2, cause=Cause.SETTINGS), served(2)], serving=BEFORE),
        {2: Rule.KEPT},
    ),
    "what serves stays while its settings find no capacity": (
        decided([TWO], [failed(2, cause=Cause.PASSING), served(2)], serving=BEFORE),
        {2: Rule.KEPT},
    ),
    "it returns as it served": (
        decided(
            [ONE, TWO],
            [failed(1, 6, cause=Cause.SETTINGS), served(2, 4, "twos"), served(1)],
            serving="twos",
            rejected=[2],
        ),
        {2: Rule.WITHDRAWN, 1: Rule.PUT_BACK},
    ),
    "nothing new goes out": (
        decided([ONE, TWO], [served(1)], serving=BEFORE, nothing_new=True),
        {2: Rule.UNPROVEN, 1: Rule.CHOSEN},
    ),
    "a shadow": (
        decided([ONE, approval(2, minutes(-7), objection="No.", shadows=True)], under=SHADOW),
        {1: Rule.CHOSEN, 2: Rule.SHADOWS},
    ),
    "a shadow's own failure": (
        decided(
            [ONE, approval(2, minutes(-7), objection="No.", shadows=True)],
            [],
            under=SHADOW,
            unfit=[2],
        ),
        {1: Rule.CHOSEN, 2: Rule.INELIGIBLE},
    ),
}


@pytest.mark.parametrize("story", BECAUSE)
def test_a_decision_says_which_rule_decided_about_each_version(story: str) -> None:
    decision, because = BECAUSE[story]

    assert rules(decision) == because


def test_a_verdict_says_what_failed_and_when_it_is_tried_again() -> None:
    failure = failed(2, cause=Cause.PASSING)

    found = decided([ONE, TWO], [failure, served(1)], serving=BEFORE).verdicts

    assert found[0] == Verdict(TWO, Rule.WAITS, failure=failure, retry_at=NOW + timedelta(minutes=10))


def test_a_verdict_says_which_version_went_out_instead() -> None:
    decision, _ = BECAUSE["superseded, and another one serves well"]

    assert [each.superseded_by for each in decision.verdicts] == [None, 3, None]


ENDS = st.sampled_from([AttemptStatus.SUCCEEDED, AttemptStatus.FAILED, AttemptStatus.ABORTED])


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(-30, 0)), max_size=5),
    st.lists(st.tuples(st.integers(1, 4), ENDS, st.booleans(), st.sampled_from(Cause)), max_size=5),
    st.frozensets(st.integers(1, 4)),
    st.frozensets(st.integers(1, 4)),
    st.none() | st.integers(1, 4),
)
def test_no_verdict_contradicts_the_decision(
    given_at: list[tuple[int, int]],
    tried: list[tuple[int, AttemptStatus, bool, Cause]],
    rejected: frozenset[int],
    unfit: frozenset[int],
    serving: int | None,
) -> None:
    approvals = [approval(version, minutes(at)) for version, at in dict(given_at).items()]
    attempts = [
        deployment(
            version,
            number=number,
            status=status,
            cause=cause if status is AttemptStatus.FAILED else None,
            settled_at=minutes(-20 + number),
            approved_at=minutes(-25),
            **({} if is_present else {"endpoint_config_name": f"other-{version}"}),
        )
        for number, (version, status, is_present, cause) in enumerate(tried, start=1)
    ]
    config = release(serving).endpoint_config_name if serving is not None else None

    decision = decided(
        approvals, attempts[::-1], serving=config, rejected=sorted(rejected), unfit=sorted(unfit)
    )

    by_rule: dict[Rule, set[str]] = {}
    for each in decision.verdicts:
        by_rule.setdefault(each.rule, set()).add(each.approval.version_arn)
    chosen = {arn for rule in CHOSEN_BY for arn in by_rule.get(rule, set())}
    choice = decision.choice
    assert chosen == ({choice.approval.version_arn} if choice is not None else set())
    assert (Rule.KEPT in by_rule) == (choice is not None and choice.keeps_serving)
    assert (Rule.PUT_BACK in by_rule) == (choice is not None and choice.release.is_former)
    assert by_rule.get(Rule.WITHDRAWN, set()) == {each.version_arn for each in decision.withdrawn}
    assert decision.retry_at is not None or Rule.WAITS not in by_rule
    said = {each.approval.version_arn for each in decision.verdicts}
    if choice is None:
        assert said == {each.version_arn for each in approvals}
    else:
        assert said >= {each.version_arn for each in approvals if each.order > choice.approval.order}
