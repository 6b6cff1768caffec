"""Promotions alone define the order of stages, and contradictions are refused."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.model.life_cycle import Gate, LifeCycle, PromotionRule
from infra.configuration.app_context import PLACE, read_configuration
from infra.configuration.promotion_order import contradictions, later_stages, mistakes
from infra.configuration.registry_and_stages import Stage
from infra.stages.loading import load_stages
from infra.stages.staged_settings import of_stage
from tests.infra.stages.example import REGISTRY, SKLEARN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from infra.settings.problem import Problem

WORDS = ("Staging", "Canary", "Production", "Archive")
PENDING = "PendingApproval"


def stage(gate: str | None = None, promotion: str | None = None, status: str = PENDING) -> dict[str, Any]:
    """A stage in the words of the context; `gate` may be `Production/Released`, say."""
    word, _, asked = (gate or "").partition("/")
    return {
        "account": REGISTRY,
        "endpoints": "x",
        **({"gate": {"stage": word, "stage_status": asked or "Approved"}} if gate else {}),
        **({"promotion": {"stage": promotion, "stage_status": status}} if promotion else {}),
    }


def staged(stages: Mapping[str, dict[str, Any]]) -> dict[str, Stage]:
    return {name: Stage.model_validate(each) for name, each in stages.items()}


def refused(stages: Mapping[str, dict[str, Any]]) -> list[Problem]:
    """Return the problems of stages that all have endpoints of one group."""
    read = staged(stages)
    return [*mistakes(read, PLACE), *contradictions(read, {"churn": list(read)}, PLACE)]


def gate_of(name: str, stages: Mapping[str, dict[str, Any]]) -> Gate:
    read = staged(stages)
    return Gate.parse(of_stage(name, read[name], later_stages(read))["Gate"])


def promotion_of(name: str, stages: Mapping[str, dict[str, Any]]) -> PromotionRule:
    read = staged(stages)
    return PromotionRule.parse(of_stage(name, read[name], later_stages(read))["Promotion"])


CHAIN = {
    "staging": stage("Staging", "Production"),
    "production": stage("Production", "Archive"),
    "archive": stage("Archive"),
}
LANES = {
    "eu-staging": stage(None, "EuProduction"),
    "us-staging": stage(None, "UsProduction"),
    "eu-production": stage("EuProduction"),
    "us-production": stage("UsProduction"),
}


@pytest.mark.parametrize("order", list(permutations(CHAIN)))
@pytest.mark.parametrize("status", [PENDING, "Rejected", "Approved"])
def test_in_whatever_order_stages_are_written_production_admits_nothing_that_is_still_in_staging(
    order: tuple[str, ...], status: str
) -> None:
    stages = {name: CHAIN[name] for name in order}
    production, staging = gate_of("production", stages), gate_of("staging", stages)

    assert not production.admits(LifeCycle("Staging", status))
    assert staging.admits(LifeCycle("Production", status))
    assert staging.admits(LifeCycle("Archive", status))
    assert production.admits(LifeCycle("Production", status)) is (status == "Approved")


@pytest.mark.parametrize("order", list(permutations(CHAIN)))
def test_in_whatever_order_stages_are_written_a_version_that_waits_before_a_promotion_is_promoted(
    order: tuple[str, ...],
) -> None:
    promotion = promotion_of("staging", {name: CHAIN[name] for name in order})

    assert not promotion.is_made(LifeCycle("Staging", "Approved"))
    assert promotion.is_made(LifeCycle("Production", "Rejected"))
    assert promotion.is_made(LifeCycle("Archive", "Approved"))


@pytest.mark.parametrize("order", list(permutations(LANES)))
def test_of_two_lanes_neither_admits_what_is_in_the_other(order: tuple[str, ...]) -> None:
    stages = {name: LANES[name] for name in order}

    for status in (PENDING, "Approved"):
        assert not gate_of("eu-production", stages).admits(LifeCycle("UsProduction", status))
        assert not gate_of("us-production", stages).admits(LifeCycle("EuProduction", status))
    assert not promotion_of("eu-staging", stages).is_made(LifeCycle("UsProduction", "Approved"))


def test_a_gate_that_no_promotion_leads_on_from_admits_nothing_else() -> None:
    """People may move a version on by hand, and then mean that it leaves."""
    stages = {"production": stage("Production"), "archive": stage("Archive")}

    assert later_stages(staged(stages)) == {"Production": [], "Archive": []}


def test_stages_behind_one_gate_both_keep_what_one_of_them_passes_on() -> None:
    stages = {
        "eu": stage("Production", "Archive"),
        "us": stage("Production"),
        "archive": stage("Archive"),
    }

    assert refused(stages) == []
    assert gate_of("us", stages).admits(LifeCycle("Archive", PENDING))


ENDS = st.none() | st.sampled_from(WORDS)
STAGES = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(stage, ENDS, ENDS, st.sampled_from([PENDING, "Approved"])),
    min_size=1,
)


@given(STAGES, st.randoms(use_true_random=False))
def test_law_the_order_of_stages_means_nothing(stages: dict[str, dict[str, Any]], random: Any) -> None:
    names = list(stages)
    random.shuffle(names)
    otherwise = {name: stages[name] for name in names}

    assert later_stages(staged(stages)) == later_stages(staged(otherwise))
    assert bool(refused(stages)) == bool(refused(otherwise))


@given(STAGES)
def test_law_where_nothing_is_refused_no_gate_admits_what_promotions_brought_past_it(
    stages: dict[str, dict[str, Any]],
) -> None:
    """A version passes a gate only after it was at the gate, or a person put it beyond."""
    if refused(stages):
        return
    gates = {each["gate"]["stage"]: gate_of(name, stages) for name, each in stages.items() if "gate" in each}
    for begin, way in ways(staged(stages)):
        stands = LifeCycle(way[-1], PENDING)
        for word, gate in gates.items():
            by_hand = begin is not None and gate.admits(LifeCycle(begin, PENDING))
            assert gate.admits(stands) == (by_hand or word in [begin, *way][:-1])


def ways(stages: Mapping[str, Stage]) -> list[tuple[str | None, tuple[str, ...]]]:
    """Every way that promotions take a version: from no gate, or from one to which a person brought it."""
    found: list[tuple[str | None, tuple[str, ...]]] = []
    promotions = [(each.gate, each.promotion) for each in stages.values() if each.promotion is not None]
    waiting: list[tuple[str | None, tuple[str, ...]]] = [
        (gate.stage if gate else None, (promotion.stage,)) for gate, promotion in promotions
    ]
    while waiting:
        begin, way = waiting.pop()
        found.append((begin, way))
        waiting += [
            (begin, (*way, promotion.stage))
            for gate, promotion in promotions
            if gate is not None and gate.stage == way[-1]
        ]
    return found


REFUSED: dict[str, tuple[dict[str, dict[str, Any]], str, str, str]] = {
    "a promotion to nowhere": (
        {"staging": stage(None, "Moon"), "production": stage("Production")},
        "stages.staging.promotion.stage",
        "'Moon'",
        "choose one of Production",
    ),
    "a promotion to itself": (
        {"staging": stage("Staging", "Staging")},
        "stages.staging.promotion",
        "leads back to staging",
        "take one of them out",
    ),
    "a gate that a promotion never opens": (
        {"staging": stage(None, "Production", "Approved"), "production": stage("Production/Released")},
        "stages.production.gate.stage_status",
        "'Released'",
        "write Approved",
    ),
    "a gate that opens for what still waits for a person": (
        {"staging": stage(None, "Production"), "production": stage(f"Production/{PENDING}")},
        "stages.production.gate.stage_status",
        PENDING,
        "write Approved",
    ),
    "two gates of which moving on opens one and shuts the other": (
        {"eu": stage("Production/Canary"), "us": stage("Production/Released")},
        "stages.us.gate.stage_status",
        "'Released'",
        "write one status in both",
    ),
    "two promotions that take a version away from each other": (
        LANES,
        "stages.us-staging.promotion.stage",
        "eu-staging promotes versions of churn to EuProduction",
        "groups of their own",
    ),
    "a fork behind one gate": (
        {
            "eu": stage("Staging", "EuProduction"),
            "us": stage("Staging", "UsProduction"),
            "eu-production": stage("EuProduction"),
            "us-production": stage("UsProduction"),
        },
        "stages.us.promotion.stage",
        "UsProduction",
        "promote to one stage, which several gates may ask for",
    ),
    "a way around a gate": (
        {
            "lab": stage(None, "Production"),
            "canary": stage("Canary", "Production"),
            "production": stage("Production"),
        },
        "stages.lab.promotion.stage",
        "past the gate Canary of canary",
        "promote to Canary",
    ),
    "two ways that join": (
        {
            "a": stage("Canary", "Production"),
            "b": stage("Staging", "Production"),
            "production": stage("Production"),
        },
        "stages.b.promotion.stage",
        "past the gate Canary of a",
        "promote to Canary",
    ),
    "the first of two stages that opens the gate by itself": (
        {
            "a": stage(None, "Production", "Approved"),
            "b": stage(None, "Production"),
            "production": stage("Production"),
        },
        "stages.a.promotion.stage_status",
        "b promotes versions of churn there too",
        "write PendingApproval",
    ),
}


@pytest.mark.parametrize(("stages", "field", "got", "fix"), REFUSED.values(), ids=REFUSED)
def test_what_promotions_contradict_is_refused_with_what_to_write_instead(
    stages: dict[str, dict[str, Any]], field: str, got: str, fix: str
) -> None:
    [problem] = [each for each in refused(stages) if each.field == field]

    assert got in problem.got
    assert problem.expected
    assert fix in problem.fix


def test_a_way_that_comes_back_is_refused_at_each_of_its_stages_and_not_where_it_is_entered() -> None:
    stages = {
        "first": stage(None, "Staging"),
        "staging": stage("Staging", "Production"),
        "production": stage("Production", "Staging"),
    }

    assert [each.field for each in mistakes(staged(stages), PLACE)] == [
        "stages.staging.promotion",
        "stages.production.promotion",
    ]


def test_stages_that_wait_for_a_person_may_promote_to_one() -> None:
    stages = {
        "eu-staging": stage(None, "Production"),
        "us-staging": stage(None, "Production"),
        "eu-production": stage("Production"),
        "us-production": stage("Production"),
    }

    assert refused(stages) == []


def test_lanes_that_share_no_group_contradict_nothing() -> None:
    stages = staged(LANES)
    lanes = {"churn": ["eu-staging", "eu-production"], "fraud": ["us-staging", "us-production"]}

    assert list(contradictions(stages, lanes, PLACE)) == []


def load(directory: Path, stages: dict[str, dict[str, Any]], files: Mapping[str, str]) -> Sequence[Problem]:
    for file, more in files.items():
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).write_text(
            "model_package_group: churn\ninstance_type: ml.m5.large\n"
            f"endpoint_name: {file.split('/')[0]}\n{more}"
        )
    context = {
        "registry": {
            "account": REGISTRY,
            "region": "eu-central-1",
            "groups": {"churn": {"artifacts": ["s3://models/"], "images": [SKLEARN]}},
        },
        "stages": {name: {**each, "endpoints": name} for name, each in stages.items()},
        "endpoints_dir": str(directory),
    }
    configuration, problems = read_configuration(context)
    assert problems == []
    return load_stages(configuration, PLACE)[1]


def test_which_stages_have_a_group_is_read_from_their_endpoints(tmp_path: Path) -> None:
    [problem] = load(tmp_path, LANES, {f"{name}/churn.yaml": "" for name in LANES})

    assert problem.field == "stages.us-staging.promotion.stage"


APPROVERS = f'approvers: ["arn:aws:iam::{REGISTRY}:role/Lead"]\n'
SHADOW = "shadow:\n  instance_type: ml.m5.large\n"


@pytest.mark.parametrize(
    ("status", "of_production", "count"),
    [
        ("Approved", "four_eyes: true\n", 1),
        ("Approved", APPROVERS, 1),
        # Nobody in particular need have approved what runs in the shadow.
        ("Approved", f"four_eyes: true\n{SHADOW}", 0),
        ("Approved", f"four_eyes: true\n{SHADOW}  {APPROVERS}", 1),
        ("Approved", "", 0),
        (PENDING, "four_eyes: true\n", 0),
        (PENDING, APPROVERS, 0),
    ],
)
def test_a_stage_is_no_approver_for_the_next(
    tmp_path: Path, status: str, of_production: str, count: int
) -> None:
    stages = {"staging": stage(None, "Production", status), "production": stage("Production")}

    problems = load(tmp_path, stages, {"staging/churn.yaml": "", "production/churn.yaml": of_production})

    assert [each.field for each in problems] == ["stages.staging.promotion.stage_status"] * count
    for problem in problems:
        assert "while production there asks for approvers or four_eyes" in problem.got
        assert "write PendingApproval" in problem.fix
