"""Owns `docs/iam-proof.md`: the findings as people read them, and as a test holds the role against them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.iam_proof.mutants import Part, Taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.iam_proof.proof import Finding

PAGE: Final = Path(__file__).parents[2] / "docs" / "iam-proof.md"

_HEAD = """\
# What each permission of the deployer is for

Written by `make iam-proof`. It takes each action, resource and condition from the deployer's synthesised
policies, one at a time, and runs scenarios of the test suite without it: the deployer's own stories, with
IAM enforced (`tests/infra/sufficiency/`), and what it may and may not do (`tests/infra/test_refusals.py`).
The role is that of `featured` in `tests/infra/conftest.py`: its endpoints use whatever needs a permission.

- Without an action, a resource or a condition's value the deployer is refused something that it needs, and
  the scenario named fails.
- Without a condition it may do too much: the scenario named is an attempt that has to be refused, and is not.
- What no scenario needs has its reason beside it. `make iam-proof` fails where there is none, and where one
  is out of date. The test suite fails if the role has anything that is not on this page, or lacks what is.

Not proven like this: the roles of models, of the policy editor and of the outcome rule. What a model may and
may not do is tried in `tests/infra/test_refusals.py`; all of them do their work, with IAM, in `tests/e2e/`.
"""


def written(findings: Iterable[Finding], reasons: Mapping[Taken, str]) -> str:
    """Return the page."""
    failing = [each for each in findings if each.scenario]
    rest = [each for each in findings if not each.scenario]
    lines = [_HEAD, f"## What fails without it ({len(failing)})", "", "| Statement | Taken | | Fails |"]
    lines.append("|---|---|---|---|")
    lines += [f"{_row(each.taken)} `{_short(each.scenario)}` |" for each in failing]
    lines += ["", f"## What no scenario needs ({len(rest)})", "", "| Statement | Taken | | Why it stays |"]
    lines.append("|---|---|---|---|")
    lines += [f"{_row(each.taken)} {reasons.get(each.taken, 'no reason')} |" for each in rest]
    return "\n".join(lines) + "\n"


def taken_on(page: str) -> list[Taken]:
    """Return what the page says was taken, in its order."""
    found = []
    for line in page.splitlines():
        cells = [cell.strip().strip("`") for cell in line.split("|")]
        if len(cells) == 6 and cells[2] in {part.value for part in Part}:
            found.append(Taken(cells[1], Part(cells[2]), cells[3]))
    return found


def _row(taken: Taken) -> str:
    return f"| {taken.sid} | {taken.part.value} | `{taken.text}` |"


def _short(scenario: str) -> str:
    return scenario.removeprefix("tests/infra/").replace("|", "/")
