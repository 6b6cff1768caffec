"""Owns `docs/iam-proof.md`: findings as people read them, and as a test holds the policies against them.

A row is a statement, with everything in it that was changed: what fails then, or why nothing does, and where
it is shown that AWS accepts the statement as it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.iam_proof.mutants import Part, Taken
from tests.iam_proof.reasons import reason_for
from tests.infra.roles import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.iam_proof.evidence import Open
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

Each row is a statement:

- **Fails without it** shows that it is necessary. An **action**, **resource**, **value** or **principal** is
  taken away: somebody is refused what he needs, and the scenario named fails. A **condition** or a **denial**
  is taken away, all resources are allowed instead of those named (**scope**), or everybody instead of the one
  named (**whom**): the scenario named is an attempt that has to be refused, and is not.
- **Stays all the same** has the reason for what no scenario misses. `make iam-proof` fails where there is
  none, and where one is about nothing any more.
- **Evidence** shows that AWS accepts the statement as it is written. R is a row of AWS's service
  authorization reference, which fits action, resource and condition keys; the numbers are the sources below.
  A statement without evidence, or narrower than it, makes `make iam-proof` and `make iam-evidence` fail. With
  **?** something is open: below is what a probe on a real account has to settle, and why the product is right
  meanwhile.

Not widened: whom a statement names whose condition names roles with their account, whom a key's grant names,
and the resource in its own policy, but for a bucket's objects. There is nothing to see: no grant is for
everybody, and the policy is asked about nothing else. The test suite fails if a policy has anything that is
not on this page, or lacks what is.

Not proven like this: what more the switches `admit: both_roles`, `organization` and `resource_names` of the
context key `registry` grant; their evidence is. They stand for what AWS does not say; a group whose name has
capitals is granted in both its spellings for the same reason.
"""

_COLUMNS: Final = 6
_CHANGED: Final = re.compile(rf"({'|'.join(part.value for part in Part)}) `([^`]*)`")
_BETWEEN: Final = "<br>"
_LEADS_TO: Final = " → "


def written(
    findings: Iterable[Finding],
    evidence: Mapping[tuple[Subject, str], str],
    sources: Sequence[str],
    questions: Iterable[Open],
) -> str:
    """Return the page.

    Args:
        findings: What was changed, and what failed.
        evidence: The column of each statement, by subject and Sid.
        sources: What its numbers stand for, from 1.
        questions: What is open.
    """
    by_subject: dict[Subject, list[Finding]] = {}
    for finding in findings:
        by_subject.setdefault(finding.subject, []).append(finding)
    lines = [_HEAD]
    for subject, found in by_subject.items():
        lines += _section(subject, found, evidence)
    lines += ["## Sources", "", *(f"{number}. {source}" for number, source in enumerate(sources, start=1))]
    lines += ["", "## Open", "", "| A probe has to settle | Meanwhile |", "|---|---|"]
    lines += [f"| {each.question} | {each.hedge} |" for each in questions]
    return "\n".join(lines) + "\n"


def _section(
    subject: Subject, found: Sequence[Finding], evidence: Mapping[tuple[Subject, str], str]
) -> Iterator[str]:
    yield from (f"## {subject}", "", "| Statement | Fails without it | Stays all the same | Evidence |")
    yield "|---|---|---|---|"
    for sid in dict.fromkeys(each.taken.sid for each in found):
        of_statement = [each for each in found if each.taken.sid == sid]
        failing: dict[str, list[Taken]] = {}
        staying: dict[str, list[Taken]] = {}
        for each in of_statement:
            if each.scenario:
                failing.setdefault(f"`{_short(each.scenario)}`", []).append(each.taken)
            else:
                reason = reason_for(subject, each.taken)
                staying.setdefault(reason.why if reason else "no reason", []).append(each.taken)
        cells = (sid, _cell(failing), _cell(staying), evidence.get((subject, sid), ""))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _cell(groups: Mapping[str, Sequence[Taken]]) -> str:
    return _BETWEEN.join(
        ", ".join(f"{each.part.value} `{each.text}`" for each in taken) + _LEADS_TO + end
        for end, taken in groups.items()
    )


def taken_on(page: str) -> list[tuple[Subject, Taken, str]]:
    """Return what the page says was changed, in its order, with the scenario or the reason."""
    return [
        (subject, Taken(sid, Part(part), text), end)
        for subject, sid, cells in _rows(page)
        for cell in cells[:2]
        for group in cell.split(_BETWEEN)
        for changed, _, end in [group.partition(_LEADS_TO)]
        for part, text in _CHANGED.findall(changed)
    ]


def evidence_on(page: str) -> dict[tuple[Subject, str], str]:
    """Return the column of evidence, by subject and Sid."""
    return {(subject, sid): cells[2] for subject, sid, cells in _rows(page)}


def _rows(page: str) -> Iterator[tuple[Subject, str, list[str]]]:
    subject = Subject("", "")
    for line in page.splitlines():
        if line.startswith("## "):
            stack, _, holder = line.removeprefix("## ").partition(": ")
            subject = Subject(stack, holder)
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == _COLUMNS and cells[1] not in {"Statement", "---"}:
            yield subject, cells[1], cells[2:5]


def _short(scenario: str) -> str:
    return scenario.removeprefix("tests/infra/").replace("|", "/")
