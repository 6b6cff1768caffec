"""Counts what the deployer does for each cause: what it is invoked with, and which calls follow.

Owns the names of causes and of what is counted.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from tests.simulation.world import OUTCOME, event_name

if TYPE_CHECKING:
    from tests.simulation.world import Call, World

INVOCATIONS: Final = "invocations"
READS: Final = "reads of AWS"
WRITES: Final = "writes to AWS"
JOURNAL_READS: Final = "journal reads"
JOURNAL_WRITES: Final = "journal writes"

COUNTED: Final = (INVOCATIONS, READS, WRITES, JOURNAL_READS, JOURNAL_WRITES)

Counts = Counter[tuple[str, str]]
"""By cause and what is counted: one of COUNTED, or the kind of an outcome."""


def counts_of(world: World) -> Counts:
    """Return what was done in a world for each cause, retries of Lambda included."""
    counts: Counts = Counter()
    for invocation in world.ended:
        counts[event_name(invocation.event), INVOCATIONS] += 1
    for call in world.calls:
        cause = event_name(call.invocation.event)
        if call.operation == "PutEvents":
            counts.update((cause, kind) for kind in _outcomes(call))
        else:
            counts[cause, _what(call)] += 1
    return counts


def _what(call: Call) -> str:
    if call.service == "dynamodb":
        return JOURNAL_READS if call.operation == "Query" else JOURNAL_WRITES
    return WRITES if call.changes_anything else READS


def _outcomes(call: Call) -> list[str]:
    entries = call.request["Entries"] if call.accepted else ()
    return [json.loads(each["Detail"])["Outcome"] for each in entries if each["DetailType"] == OUTCOME]


def table(counts: Counts) -> str:
    """Return the counts as text, one line a cause."""
    kinds = sorted({what for _, what in counts} - {*COUNTED})
    columns = [*COUNTED, *kinds]
    lines = [" " * 62 + "  ".join(columns)]
    for cause in sorted({cause for cause, _ in counts}):
        cells = (f"{counts[cause, column]:,}".rjust(len(column)) for column in columns)
        lines.append(f"{cause:<62}" + "  ".join(cells))
    return "\n".join(lines)
