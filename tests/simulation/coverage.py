"""What the schedules reached and what they missed: which fault hit which call, what met which state.

Owns the list of everything that there is to hit, and the reasons why some of it cannot be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.schedule import OPERATION_NAMES, STALE_READS, EventFaultKind, FaultKind, Kind

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

STATUSES: Final = (
    "absent",
    "Creating",
    "InService",
    "Updating",
    "SystemUpdating",
    "RollingBack",
    "Failed",
    "Deleting",
    "OutOfService",
    "UpdateRollbackFailed",
)
EVENTS: Final = (
    "SageMaker Model Package State Change",
    "SageMaker Endpoint State Change",
    "Parameter Store Change",
)


def _impossible(what: str, how: str) -> str | None:
    """Return why something cannot hit something, or None if it can."""
    if how == FaultKind.STALE and what not in STALE_READS:
        return "only the reads of endpoints are modelled as eventual; the journal is read consistently"
    return None


def everything() -> Iterable[tuple[str, str]]:
    """Yield every pair of what there is to hit and what might hit it."""
    yield from ((operation, kind.value) for operation in OPERATION_NAMES for kind in FaultKind)
    yield from ((f"event {name}", kind.value) for name in EVENTS for kind in EventFaultKind)
    yield from ((f"endpoint {status}", kind.value) for status in STATUSES for kind in Kind)


def unexplained_holes(covered: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs that were never seen, and could have been."""
    return [pair for pair in everything() if pair not in covered and _impossible(*pair) is None]


def table(covered: Counter[tuple[str, str]]) -> str:
    """Return the matrices as text: in how many schedules each pair was seen; `.` where it cannot be."""
    parts = (
        (OPERATION_NAMES, [kind.value for kind in FaultKind], "Which fault hit which call"),
        (
            [f"event {name}" for name in EVENTS],
            [kind.value for kind in EventFaultKind],
            "Which fault hit which event",
        ),
        (
            [kind.value for kind in Kind],
            [f"endpoint {status}" for status in STATUSES],
            "Which disturbance met an endpoint in which status",
        ),
    )
    return "\n\n".join(f"{title}\n{_matrix(covered, rows, columns)}" for rows, columns, title in parts)


def _matrix(covered: Counter[tuple[str, str]], rows: Iterable[str], columns: list[str]) -> str:
    heads = [column.removeprefix("endpoint ") for column in columns]
    lines = [" " * 44 + "  ".join(heads)]
    for row in rows:
        cells = []
        for column, head in zip(columns, heads, strict=True):
            pair = (column, row) if column.startswith("endpoint ") else (row, column)
            shown = "." if _impossible(*pair) else str(covered.get(pair, 0))
            cells.append(shown.rjust(len(head)))
        lines.append(f"{row:<44}" + "  ".join(cells))
    return "\n".join(lines)
