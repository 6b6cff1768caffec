"""Owns the order that promotions give to the stages of a version's life, and what contradicts it.

Pure. The registry's ModelLifeCycle has one value, so a version that went on stands no longer where a gate
asks for it, and has passed it all the same. What comes after what is said by promotions alone: the order in
which stages are written says nothing.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from infra.settings.problem import Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.configuration.registry_and_stages import Promotion, Stage

APPROVED: Final = "Approved"
"""What a promotion, or a person after one that is pending, writes for the next gate."""


def later_stages(stages: Mapping[str, Stage]) -> dict[str, list[str]]:
    """Say, by ModelLifeCycle Stage, which others come after it: where promotions lead, step by step.

    Sorted, and whatever the order of the stages. One that comes after itself is a mistake, see `mistakes`.
    """
    steps: dict[str, set[str]] = {}
    for stage in stages.values():
        for end in (stage.gate, stage.promotion):
            if end is not None:
                steps.setdefault(end.stage, set())
        if stage.gate is not None and stage.promotion is not None:
            steps[stage.gate.stage].add(stage.promotion.stage)
    return {begin: sorted(_reached(begin, steps)) for begin in steps}


def _reached(begin: str, steps: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [*steps[begin]]
    while waiting:
        step = waiting.pop()
        if step not in reached:
            reached.add(step)
            waiting += steps[step]
    return reached


def mistakes(stages: Mapping[str, Stage], place: str) -> Iterator[Problem]:
    """Find promotions that lead nowhere or back, and gates that they do not open, or open to nobody's yes."""
    later = later_stages(stages)
    gates = {name: stage.gate for name, stage in stages.items() if stage.gate is not None}
    for name, promotion in _promotions(stages).items():
        at = f"stages.{name}.promotion"
        if promotion.stage not in {gate.stage for gate in gates.values()}:
            expected = "the stage of another stage's gate"
            known = sorted({gate.stage for gate in gates.values()})
            fix = f"choose one of {', '.join(known)}" if known else "give the next stage a gate"
            yield Problem(place, 0, f"{at}.stage", shown(promotion.stage), expected, fix)
        elif name in gates and gates[name].stage in {promotion.stage, *later[promotion.stage]}:
            expected = "a way that ends: promotions must not come back to where they began"
            got = f"a promotion that leads back to {name}"
            yield Problem(place, 0, at, got, expected, "take one of them out")
    for name, gate in gates.items():
        at = f"stages.{name}.gate.stage_status"
        promoting = [other for other, each in _promotions(stages).items() if each.stage == gate.stage]
        first = next(other for other, each in gates.items() if each.stage == gate.stage)
        if promoting and gate.stage_status != APPROVED:
            expected = (
                f"{APPROVED}: {' and '.join(promoting)} promotes to {gate.stage}, and a version that waits "
                "there for a person is PendingApproval"
            )
            yield Problem(place, 0, at, shown(gate.stage_status), expected, f"write {APPROVED}")
        elif not promoting and gate.stage_status != gates[first].stage_status:
            expected = (
                f"{gates[first].stage_status}, as in {first}: a version has one status in a stage of its "
                "life, so one of the two would give it back"
            )
            fix = "write one status in both, or name two stages of a version's life"
            yield Problem(place, 0, at, shown(gate.stage_status), expected, fix)


def contradictions(
    stages: Mapping[str, Stage], carrying: Mapping[str, Sequence[str]], place: str
) -> Iterator[Problem]:
    """Find promotions of one group's versions that contradict each other.

    Args:
        stages: All stages, without a mistake of their own.
        carrying: By group, the names of the stages that have endpoints of it.
        place: How problems name the context.
    """
    later = later_stages(stages)
    for group, names in sorted(carrying.items()):
        among = {name: stages[name] for name in names}
        yield from _rivals(group, among, later, place)
        yield from _ways_around(group, among, later, place)
        yield from _hasty(group, among, place)


def _rivals(
    group: str, stages: Mapping[str, Stage], later: Mapping[str, Sequence[str]], place: str
) -> Iterator[Problem]:
    """Find two stages that promote to two places, of which neither comes after the other."""
    for (first, one), (second, two) in combinations(_promotions(stages).items(), 2):
        if one.stage != two.stage and one.stage not in later[two.stage] and two.stage not in later[one.stage]:
            got = f"{two.stage}, while {first} promotes versions of {group} to {one.stage}"
            expected = (
                "one after the other: a version stands in one stage of its life at a time, so each promotion "
                "would take it away from where the other led"
            )
            fix = "promote to one stage, which several gates may ask for; or give them groups of their own"
            yield Problem(place, 0, f"stages.{second}.promotion.stage", got, expected, fix)


def _ways_around(
    group: str, stages: Mapping[str, Stage], later: Mapping[str, Sequence[str]], place: str
) -> Iterator[Problem]:
    """Find promotions past a gate: it would take for its own what never stood before it."""
    for name, promotion in _promotions(stages).items():
        gate = stages[name].gate
        for other, stage in stages.items():
            passed = stage.gate
            if passed is None or promotion.stage not in later[passed.stage]:
                continue
            if gate is None or gate.stage not in {passed.stage, *later[passed.stage]}:
                got = f"{promotion.stage}, past the gate {passed.stage} of {other}, which has {group} too"
                expected = (
                    "no way around a gate: what stands further on counts as having passed it, so "
                    f"{other} would deploy what was never at {passed.stage}"
                )
                fix = f"promote to {passed.stage}, or give them groups of their own"
                yield Problem(place, 0, f"stages.{name}.promotion.stage", got, expected, fix)


def _hasty(group: str, stages: Mapping[str, Stage], place: str) -> Iterator[Problem]:
    """Find automatic promotions by one of several stages, which wait for none of the others."""
    for name, promotion in _promotions(stages).items():
        others = [
            other
            for other, each in _promotions(stages).items()
            if other != name and each.stage == promotion.stage
        ]
        if promotion.stage_status == APPROVED and others:
            got = f"{APPROVED}, while {' and '.join(others)} promotes versions of {group} there too"
            expected = (
                "PendingApproval where several stages promote to one: the first would open the gate, "
                "whatever the others find"
            )
            fix = "write PendingApproval, for a person to look at both; or put one stage after the other"
            yield Problem(place, 0, f"stages.{name}.promotion.stage_status", got, expected, fix)


def _promotions(stages: Mapping[str, Stage]) -> dict[str, Promotion]:
    return {name: stage.promotion for name, stage in stages.items() if stage.promotion is not None}
