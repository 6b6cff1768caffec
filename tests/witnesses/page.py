"""The page of all witnesses, and the number of the fidelity page's rows with one.

Owns `docs/witnesses.md`, and the sentence of `docs/fidelity.md` with the counts. `python -m tests.witnesses`
writes both.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.witnesses.witness import Witness, witness_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

DOCUMENTATION: Final = Path(__file__).parents[2] / "docs"
WITNESSES_PAGE: Final = DOCUMENTATION / "witnesses.md"
FIDELITY_PAGE: Final = DOCUMENTATION / "fidelity.md"
COMMAND: Final = "python -m tests.witnesses"

_SUBJECTS: Final = {
    "test_models": "Models",
    "test_endpoint_configs": "Endpoint configs",
    "test_serverless": "Serverless endpoints",
    "test_endpoints": "Endpoints",
    "test_updates_and_failures": "Updates and failures",
    "test_guardrails": "Guardrails",
    "test_alarms": "Alarms",
    "test_scaling": "Automatic scaling",
    "test_asynchronous": "Asynchronous endpoints",
    "test_registry": "The registry",
    "test_events": "Events",
    "test_iam_refusals": "What IAM refuses",
}
_REFERENCE: Final = re.compile(r"`W:([a-z0-9-]+)`")
_COUNT: Final = re.compile(r"Of the \d+ rows below, \d+ name a witness and \d+ have none\.")
_ROWS_BEGIN, _ROWS_END = "## What is modelled", "## What is a switch"
_INTRODUCTION: Final = f"""\
# What others observed on AWS

Each row is a fact that somebody observed on a real account. Its source is a test that ran there, AWS's output
in a public report, code written for an answer of AWS, or an answer kept as test data. `tests/witnesses/`
repeats each fact as a test of the local cloud. If a fact contradicted the local cloud, we changed the local
cloud. [fidelity.md](fidelity.md) refers to a fact as `W:…`. `{COMMAND}` writes this page.
"""


def subjects() -> dict[str, str]:
    """Return the titles of all subjects by the name of their module, in the page's order."""
    return dict(_SUBJECTS)


def restatements(module: ModuleType) -> Iterator[tuple[str, Callable[..., None]]]:
    """Return a module's tests with their names, in its order."""
    return ((name, test) for name, test in vars(module).items() if name.startswith("test_"))


def gathered() -> dict[str, list[Witness]]:
    """Return all witnesses by the title of their subject."""
    found: dict[str, list[Witness]] = {}
    for name, title in _SUBJECTS.items():
        module = importlib.import_module(f"tests.witnesses.{name}")
        told = (witness_of(test) for _, test in restatements(module))
        found[title] = [each for each in told if each is not None]
    return found


def references(page: str) -> list[str]:
    """Return the names of the witnesses that a page refers to."""
    return _REFERENCE.findall(page)


def rendered(found: Mapping[str, list[Witness]]) -> str:
    """Return the page of all witnesses."""
    count = sum(map(len, found.values()))
    parts = [_INTRODUCTION, f"There are {count}.\n"]
    for title, witnesses in found.items():
        lines = [f"| {_cells(each)} |" for each in witnesses]
        parts.append(
            "\n".join(
                [f"## {title}\n", "| Witness | Fact | Observed | Source |", "|---|---|---|---|", *lines, ""]
            )
        )
    return "\n".join(parts)


def counted(fidelity: str) -> str:
    """Return the sentence of the fidelity page about its rows, with the right counts."""
    begin, end = fidelity.index(_ROWS_BEGIN), fidelity.index(_ROWS_END)
    rows = [
        line
        for line in fidelity[begin:end].splitlines()
        if line.startswith("| ") and not line.startswith("| Behaviour |")
    ]
    seen = sum(1 for row in rows if _REFERENCE.search(row))
    return f"Of the {len(rows)} rows below, {seen} name a witness and {len(rows) - seen} have none."


def with_count(fidelity: str) -> str:
    """Return the fidelity page with the right counts in its sentence about rows.

    Raises:
        ValueError: The page has no such sentence, or more than one.
    """
    sentence = counted(fidelity)
    written, replaced = _COUNT.subn(sentence, fidelity)
    if replaced != 1:
        raise ValueError(f"docs/fidelity.md has to have one sentence like this: {sentence}")
    return written


def _cells(told: Witness) -> str:
    source = f"[{_short(told.source)}]({told.url})"
    return " | ".join((f"`{told.name}`", told.fact, f"{told.date}, {told.observed}", source))


def _short(source: str) -> str:
    repository, at, place = source.partition("@")
    if not at:
        return source
    _, _, path = place.partition(":")
    path, _, part = path.partition(":")
    file = path.rpartition("/")[2]
    return f"{repository}, {file}" + (f", {part}" if part else "")
