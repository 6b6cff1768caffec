"""The schedules' coverage: which fault hit which call, and which event met which state.

Owns the list of everything to hit, and the reasons why some of it cannot be hit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.schedule import (
    ALARM_CALLS,
    ALARM_KINDS,
    ALARM_READ,
    BAKE_EVENT,
    EVENTS,
    GROUP_KINDS,
    HOLD_KINDS,
    LISTS,
    LOG_CALLS,
    MEANWHILE,
    MEDDLING_KINDS,
    OPERATION_NAMES,
    PLAIN_KINDS,
    RECOVERY_KINDS,
    REGISTRY_WRITE,
    REQUEST_KINDS,
    SHAPE_KINDS,
    STAGE_CALLS,
    STAGE_EVENTS,
    STAGE_KINDS,
    STAGE_MEANWHILE,
    STALE_READS,
    STATUSES,
    TELLING,
    VARIANT_CALL,
    EventFaultKind,
    FaultKind,
    Kind,
    RolloutEnd,
    RolloutKind,
    RolloutStart,
)
from tests.simulation.world import DENIED, DEPLOYER_WRITES, GAP, PARTS_PUT

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

CALLS: Final = (*OPERATION_NAMES, PARTS_PUT)
"""Every call there is to hit, but for messages."""

DENIABLE: Final = (*OPERATION_NAMES, TELLING)
"""Every call that can be denied: IAM knows no other name for parts of a sweep."""


def impossible(what: str, how: str) -> str | None:
    """Return why something cannot hit something, or None if it can."""
    if how == FaultKind.STALE and what not in (*STALE_READS, ALARM_READ):
        return "only reads of endpoints, versions and alarms are eventual; the journal is read consistently"
    if how == GAP and what not in LISTS:
        return "this is no list of SageMaker"
    if how == DENIED and what == PARTS_PUT:
        return "whoever may put one event may put the other"
    if what == f"begin {RolloutKind.UNGUARDED}" and how == RolloutStart.ALARM_ON:
        return "an endpoint without guards has no alarms"
    if what == f"rollout {RolloutKind.UNGUARDED}" and how in {RolloutEnd.ABORTED, RolloutEnd.ALARMED}:
        return "what has no alarm is neither aborted nor rolled back by one"
    return None


def everything() -> Iterable[tuple[str, str]]:
    """Yield every pair of what there is to hit and what might hit it."""
    yield from everywhere()
    yield from in_stages()
    yield from apart()


def apart() -> Iterable[tuple[str, str]]:
    """Yield the pairs that are aimed at apart from the others, whose order they leave as it was.

    That is each action that may be denied, what goes wrong with messages to people and with calls for
    alarms, what people do with alarms, changes of an endpoint's kind, lists that lack something, and lost
    journals.
    """
    yield from ((f"endpoint {status}", kind.value) for status in STATUSES for kind in SHAPE_KINDS)
    yield from ((operation, DENIED) for operation in DENIABLE)
    yield from ((TELLING, kind.value) for kind in FaultKind)
    yield from ((call, kind.value) for call in ALARM_CALLS for kind in FaultKind)
    yield from ((call, kind.value) for call in LOG_CALLS for kind in FaultKind)
    yield ALARM_READ, FaultKind.STALE.value
    yield from ((VARIANT_CALL, kind.value) for kind in FaultKind)
    yield from ((VARIANT_CALL, f"meanwhile {kind}") for kind in MEANWHILE)
    yield from ((f"endpoint {status}", kind.value) for status in STATUSES for kind in ALARM_KINDS)
    yield from ((operation, GAP) for operation in LISTS)
    yield from (
        (f"endpoint {status}", kind.value)
        for status in STATUSES
        for kind in (*RECOVERY_KINDS, *HOLD_KINDS, *MEDDLING_KINDS)
    )
    yield from ((f"endpoint {status}", kind.value) for status in STATUSES for kind in REQUEST_KINDS)
    yield from ((f"endpoint {status}", kind.value) for status in STATUSES for kind in GROUP_KINDS)


def everywhere() -> Iterable[tuple[str, str]]:
    """Yield the pairs that there are in every world."""
    yield from (
        (call, kind.value)
        for call in CALLS
        if call not in (*STAGE_CALLS, *ALARM_CALLS, *LOG_CALLS, VARIANT_CALL)
        for kind in FaultKind
        if (call, kind) != (ALARM_READ, FaultKind.STALE)
    )
    writes = [call for call in DEPLOYER_WRITES if call != VARIANT_CALL]
    yield from ((call, f"meanwhile {kind}") for call in writes for kind in MEANWHILE)
    yield from ((f"event {name}", kind.value) for name in (*EVENTS, BAKE_EVENT) for kind in EventFaultKind)
    yield from ((f"endpoint {status}", kind.value) for status in STATUSES for kind in PLAIN_KINDS)
    yield from ((f"begin {kind}", start.value) for kind in RolloutKind for start in RolloutStart)
    yield from ((f"rollout {kind}", end.value) for kind in RolloutKind for end in RolloutEnd)


def in_stages() -> Iterable[tuple[str, str]]:
    """Yield the pairs that there are only where versions pass through stages."""
    yield from ((call, kind.value) for call in STAGE_CALLS for kind in FaultKind)
    yield from ((REGISTRY_WRITE, f"meanwhile {kind}") for kind in STAGE_MEANWHILE)
    yield from ((f"event {name}", kind.value) for name in STAGE_EVENTS for kind in EventFaultKind)
    yield from ((f"endpoint {status}", kind.value) for status in STATUSES for kind in STAGE_KINDS)


def unexplained_holes(covered: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs that were never seen, and could have been."""
    return [pair for pair in everything() if pair not in covered and impossible(*pair) is None]


def table(covered: Counter[tuple[str, str]]) -> str:
    """Return the matrices as text: in how many schedules each pair was seen; `.` where it cannot be."""
    parts = (
        (
            (*CALLS, TELLING),
            [*(kind.value for kind in FaultKind), DENIED, GAP],
            "Which fault hit which call, which was denied, and whose answer had a gap",
        ),
        (
            [f"meanwhile {kind}" for kind in MEANWHILE],
            list(DEPLOYER_WRITES),
            "What happened between the deployer's decision to write and the write",
        ),
        (
            [f"meanwhile {kind}" for kind in STAGE_MEANWHILE],
            [REGISTRY_WRITE],
            "What happened between a stage's decision to write to the registry and the write",
        ),
        (
            [f"event {name}" for name in (*EVENTS, BAKE_EVENT, *STAGE_EVENTS)],
            [kind.value for kind in EventFaultKind],
            "Which fault hit which event",
        ),
        (
            [kind.value for kind in Kind],
            [f"endpoint {status}" for status in STATUSES],
            "Which disturbance met an endpoint in which status",
        ),
        (
            [f"begin {kind}" for kind in RolloutKind],
            [start.value for start in RolloutStart],
            "What was in the way of an update of each kind",
        ),
        (
            [f"rollout {kind}" for kind in RolloutKind],
            [end.value for end in RolloutEnd],
            "How rollouts of each kind ended",
        ),
    )
    return "\n\n".join(f"{title}\n{_matrix(covered, rows, columns)}" for rows, columns, title in parts)


def _matrix(covered: Counter[tuple[str, str]], rows: Iterable[str], columns: list[str]) -> str:
    heads = [column.removeprefix("endpoint ") for column in columns]
    lines = [" " * 44 + "  ".join(heads)]
    for row in rows:
        cells = []
        for column, head in zip(columns, heads, strict=True):
            is_pair = row in {*CALLS, TELLING} or row.startswith(("event ", "begin ", "rollout "))
            pair = (row, column) if is_pair else (column, row)
            shown = "." if impossible(*pair) else str(covered.get(pair, 0))
            cells.append(shown.rjust(len(head)))
        lines.append(f"{row:<44}" + "  ".join(cells))
    return "\n".join(lines)
