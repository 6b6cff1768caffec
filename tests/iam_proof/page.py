"""Owns `docs/iam-proof.md`: findings as people read them, and as a test holds the policies against them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.iam_proof.mutants import Part, Taken
from tests.iam_proof.reasons import reason_for
from tests.infra.roles import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.iam_proof.proof import Finding

PAGE: Final = Path(__file__).parents[2] / "docs" / "iam-proof.md"

_HEAD: Final = """\
# What each permission is for

Written by `make iam-proof`. It takes everything that Greenlight's stacks grant apart, one thing at a time,
and runs scenarios of the test suite without it: what the deployer, the models, the rules and the policy
editor do, with IAM enforced on them (`tests/infra/sufficiency/`), and what must be refused
(`tests/infra/test_refusals.py`, `tests/infra/test_refusals_of_resources.py`). Each section is about one role,
one trust policy, or one resource's policy: those of one account (`featured` in `tests/infra/conftest.py`,
whose endpoints use whatever needs a permission), and what a stage in another account, a stage in the
registry's account, and the registry's stack have besides (`tests/infra/estate.py`). *Statements in …* are
those that the policy editor merges into resources of the registry's account, for one group: another's are
made by the same lines.

- **action**, **resource**, **value**, **principal**: taken away. Somebody is refused what he needs, and the
  scenario named fails.
- **condition**: taken away; **scope**: all resources instead of those named; **whom**: everybody instead of
  the one named; **denial**: taken away. Too much is allowed: the scenario named is an attempt that has to be
  refused, and is not.
- Not widened: whom a statement names whose condition names roles with their account, whom a key's grant
  names, and the resource in its own policy, but for a bucket's objects. There is nothing to see: no grant is
  for everybody, and the policy is asked about nothing else.
- What no scenario misses has its reason beside it. `make iam-proof` fails where there is none, and where one
  is about nothing any more. The test suite fails if a policy has anything that is not on this page, or lacks
  what is.

Not proven like this: what more the switches `admit: both_roles`, `organization` and `resource_names` of the
context key `registry` grant. They stand for what AWS does not say; a group whose name has capitals is granted
in both its spellings for the same reason.
"""

_COLUMNS: Final = 6


def written(findings: Iterable[Finding]) -> str:
    """Return the page."""
    by_subject: dict[Subject, list[Finding]] = {}
    for finding in findings:
        by_subject.setdefault(finding.subject, []).append(finding)
    lines = [_HEAD]
    for subject, found in by_subject.items():
        lines += _section(subject, found)
    return "\n".join(lines) + "\n"


def _section(subject: Subject, found: Sequence[Finding]) -> Iterator[str]:
    failing = [each for each in found if each.scenario]
    rest = [each for each in found if not each.scenario]
    yield f"## {subject}"
    yield ""
    if failing:
        yield "| Statement | Changed | | Fails |"
        yield "|---|---|---|---|"
        yield from (f"{_row(each.taken)} `{_short(each.scenario)}` |" for each in failing)
        yield ""
    if rest:
        yield "| Statement | Changed | | Why nothing fails, and it stays as it is |"
        yield "|---|---|---|---|"
        for each in rest:
            reason = reason_for(subject, each.taken)
            yield f"{_row(each.taken)} {reason.why if reason else 'no reason'} |"
        yield ""


def taken_on(page: str) -> list[tuple[Subject, Taken]]:
    """Return what the page says was taken, in its order."""
    found = []
    subject = Subject("", "")
    for line in page.splitlines():
        if line.startswith("## "):
            stack, _, holder = line.removeprefix("## ").partition(": ")
            subject = Subject(stack, holder)
        cells = [cell.strip().strip("`") for cell in line.split("|")]
        if len(cells) == _COLUMNS and cells[2] in {part.value for part in Part}:
            found.append((subject, Taken(cells[1], Part(cells[2]), cells[3])))
    return found


def _row(taken: Taken) -> str:
    return f"| {taken.sid} | {taken.part.value} | `{taken.text}` |"


def _short(scenario: str) -> str:
    return scenario.removeprefix("tests/infra/").replace("|", "/")
