"""Owns which keys of a rollout contradict each other, and which alarms could never stop it.

`rules/guardrail_limits.py` checks the compiled values that SageMaker would refuse, so overrides follow the
same rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.settings.compiling.capacity_size import Instances, share_of, steps_of
from infra.settings.compiling.deployment_config import size_of
from infra.settings.keys.rollout_options import (
    LONGEST_WINDOW_SECONDS,
    MOST_ALARMS,
    Kind,
    RollbackAlarms,
    Rollout,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.settings.problem import Problem
    from infra.settings.reading.document import Document

_SIZED: Final[frozenset[Kind]] = frozenset({"canary", "linear", "rolling"})
_KINDS_WITH: Final[dict[str, frozenset[Kind]]] = {
    "size_percent": _SIZED,
    "size_instances": _SIZED,
    "wait_seconds": _SIZED,
    "termination_wait_seconds": frozenset({"all_at_once", "canary", "linear"}),
    "rollback_size_percent": frozenset({"rolling"}),
    "rollback_size_instances": frozenset({"rolling"}),
}


def rollout_problems(
    document: Document, rollout: Rollout, following: Sequence[Instances]
) -> Iterator[Problem]:
    """Find contradicting keys of a rollout, and alarms that could never stop it.

    `following` is the number of possible instances of each variant that approvals change.
    """
    yield from _misplaced(document, rollout)
    for size in ("size", "rollback_size"):
        if None not in (getattr(rollout, f"{size}_percent"), getattr(rollout, f"{size}_instances")):
            yield document.problem(
                ("rollout", f"{size}_instances"),
                got=f"{size}_instances beside {size}_percent",
                expected="one of the two",
                fix="remove one of the two",
            )
    if rollout.kind in _SIZED and rollout.size_percent is None and rollout.size_instances is None:
        yield document.problem(
            ("rollout", "size_percent"),
            got="nothing",
            expected=f"how much a {rollout.kind} rollout takes at a time: size_percent or size_instances",
            fix="add size_percent: 10, say",
        )
    for instances in dict.fromkeys(following):
        yield from _blind_alarms(document, rollout, instances)
    yield from _too_many_alarms(document, rollout.alarms, len(following))


def _too_many_alarms(document: Document, alarms: RollbackAlarms, following: int) -> Iterator[Problem]:
    made, existing = alarms.thresholds * following, len(alarms.existing)
    total = 1 + made + existing
    if total > MOST_ALARMS:
        each = f"{alarms.thresholds} of thresholds"
        if following > 1:
            each = f"{made} of {alarms.thresholds} thresholds for each of {following} variants that follow"
        yield document.problem(
            ("rollout", "alarms", "existing") if existing else ("rollout", "alarms"),
            got=f"{total} alarms: one that aborts, {each}, and {existing} existing",
            expected=f"at most {MOST_ALARMS} in all: SageMaker watches no more",
            fix=f"remove {total - MOST_ALARMS}, or join existing ones in a composite alarm",
        )


def _misplaced(document: Document, rollout: Rollout) -> Iterator[Problem]:
    for key, kinds in _KINDS_WITH.items():
        if getattr(rollout, key) is not None and rollout.kind not in kinds:
            yield document.problem(
                ("rollout", key),
                got=f"{key}, with kind: {rollout.kind}",
                expected=f"{key} with {' or '.join(sorted(kinds))} only",
                fix=f"remove {key}, or choose another kind",
            )


def _blind_alarms(document: Document, rollout: Rollout, instances: Instances) -> Iterator[Problem]:
    """Find alarms that are slower than the rollout, and thresholds that its first share can never reach."""
    alarms = rollout.alarms
    if alarms.window_seconds > LONGEST_WINDOW_SECONDS:
        yield document.problem(
            ("rollout", "alarms", "evaluation_periods"),
            got=f"{alarms.evaluation_periods} periods of {alarms.period_seconds} seconds",
            expected=f"at most {LONGEST_WINDOW_SECONDS:,} seconds in all: CloudWatch looks back no further",
            fix="lower one of the two",
        )
    watched, key = _watched(rollout, instances)
    if alarms.thresholds and watched < alarms.window_seconds:
        yield document.problem(
            ("rollout", key),
            got=f"{watched} seconds in which the alarms could stop this {rollout.kind} rollout",
            expected=f"at least the {alarms.window_seconds} seconds that they need to go off "
            f"({alarms.evaluation_periods} periods of {alarms.period_seconds} seconds)",
            fix=f"raise {key}, or lower evaluation_periods",
        )
    share = share_of(size_of(rollout), instances.most)
    if rollout.kind != "canary" or share is None:
        return
    if alarms.error_ratio_percent is not None and alarms.error_ratio_percent >= share:
        yield _unreachable(
            document, "error_ratio_percent", share, f"less than {share:g}: a canary that fails every call "
            f"makes {share:g} % of all calls fail, so the alarm could not go off before the canary is over"
        )  # fmt: skip
    for percentile, key in ((90, "model_latency_p90_ms"), (99, "model_latency_p99_ms")):
        if getattr(alarms, key) is not None and share <= 100 - percentile:
            yield _unreachable(
                document, key, share, f"a canary of more than {100 - percentile} %: while fewer calls go "
                f"to it, the p{percentile} of all calls is that of the old version"
            )  # fmt: skip


def _unreachable(document: Document, key: str, share: float, expected: str) -> Problem:
    return document.problem(
        ("rollout", "alarms", key),
        got=f"{key} with a canary of {share:g} %",
        expected=expected,
        fix="use a larger canary, or another threshold",
    )


def _watched(rollout: Rollout, instances: Instances) -> tuple[int, str]:
    """Return how long a rollout can still be stopped, and the key that decides it."""
    match rollout.kind:
        case "all_at_once":
            return rollout.termination_wait, "termination_wait_seconds"
        case "canary":
            return rollout.wait, "wait_seconds"
        case _:
            waits = rollout.wait * steps_of(size_of(rollout), instances.least)
            return waits + rollout.termination_wait, "wait_seconds"
