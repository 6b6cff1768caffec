"""Owns the record of the proof: findings as people look them up, and as tests hold the policies against it.

A row is a statement, with everything in it that was changed: what fails then, or why nothing does, and where
it is shown that AWS accepts the statement as it is. The page that people read has only the record's verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.iam_proof.mutants import Part, Taken
from tests.iam_proof.reasons import reason_for
from tests.infra.roles import Subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from tests.iam_proof.evidence import Open
    from tests.iam_proof.proof import Finding

_REPOSITORY: Final = Path(__file__).parents[2]
PAGE: Final = _REPOSITORY / "docs" / "iam-proof.md"
RECORD: Final = _REPOSITORY / "docs" / "generated" / "iam-proof.md"
DETAILS: Final = _REPOSITORY / ".build" / "iam-proof.txt"
"""Details of what each scenario was refused or allowed: too much to keep."""

_HEAD: Final = """\
# What each permission is for, one by one

`make iam-proof` writes this; [iam-proof.md](../iam-proof.md) says how to read it.
"""

_VERDICT: Final = re.compile(r"(?<=<!-- verdict -->\n).*(?=\n<!-- end -->)")
_NO_REASON: Final = "no reason"
_COLUMNS: Final = 6
_CHANGED: Final = re.compile(rf"({'|'.join(part.value for part in Part)}) `([^`]*)`")
_BETWEEN: Final = "<br>"
_LEADS_TO: Final = " → "


@dataclass(frozen=True, slots=True)
class Tally:
    """How many changes there were.

    Attributes:
        failing: Those that a scenario misses.
        staying: Those that no scenario misses, with a reason.
        unexplained: Those without.
    """

    failing: int
    staying: int
    unexplained: int

    @classmethod
    def of(cls, findings: Collection[Finding]) -> Tally:
        """Count findings."""
        surviving = [each for each in findings if not each.scenario]
        unexplained = sum(reason_for(each.subject, each.taken) is None for each in surviving)
        return cls(len(findings) - len(surviving), len(surviving) - unexplained, unexplained)

    @classmethod
    def of_record(cls, record: str) -> Tally:
        """Count a record's rows."""
        ends = [end for _, _, end in taken_on(record)]
        failing, unexplained = sum("::" in end for end in ends), ends.count(_NO_REASON)
        return cls(failing, len(ends) - failing - unexplained, unexplained)

    def __str__(self) -> str:
        changed = self.failing + self.staying + self.unexplained
        return (
            f"{changed} things changed: {self.failing} fail a scenario, {self.staying} stay for a reason, "
            f"{self.unexplained} for none."
        )


def with_verdict(page: str, tally: Tally) -> str:
    """Return the page that people read with a verdict in its place."""
    found, count = _VERDICT.subn(str(tally), page)
    assert count == 1, "the page has no place for the verdict"
    return found


def written(
    findings: Iterable[Finding],
    evidence: Mapping[tuple[Subject, str], str],
    sources: Sequence[str],
    questions: Iterable[Open],
) -> str:
    """Return the record.

    Args:
        findings: The changes, and the failing scenarios.
        evidence: The column of each statement, by subject and Sid.
        sources: The sources' numbers, from 1.
        questions: The open questions.
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
                failing.setdefault(f"`{shortened(each.scenario)}`", []).append(each.taken)
            else:
                reason = reason_for(subject, each.taken)
                staying.setdefault(reason.why if reason else _NO_REASON, []).append(each.taken)
        cells = (sid, _cell(failing), _cell(staying), evidence.get((subject, sid), ""))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _cell(groups: Mapping[str, Sequence[Taken]]) -> str:
    return _BETWEEN.join(
        ", ".join(f"{each.part.value} `{each.text}`" for each in taken) + _LEADS_TO + end
        for end, taken in groups.items()
    )


def scenarios_on(record: str) -> dict[tuple[Subject, Taken], str]:
    """Return the record's failing scenario by change."""
    return {(subject, taken): end.strip("`") for subject, taken, end in taken_on(record) if "::" in end}


def taken_on(record: str) -> list[tuple[Subject, Taken, str]]:
    """Return the record's changes, in its order, with the scenario or the reason."""
    return [
        (subject, Taken(sid, Part(part), text), end)
        for subject, sid, cells in _rows(record)
        for cell in cells[:2]
        for group in cell.split(_BETWEEN)
        for changed, _, end in [group.partition(_LEADS_TO)]
        for part, text in _CHANGED.findall(changed)
    ]


def evidence_on(record: str) -> dict[tuple[Subject, str], str]:
    """Return the column of evidence, by subject and Sid."""
    return {(subject, sid): cells[2] for subject, sid, cells in _rows(record)}


def _rows(record: str) -> Iterator[tuple[Subject, str, list[str]]]:
    subject = Subject("", "")
    for line in record.splitlines():
        if line.startswith("## "):
            stack, _, holder = line.removeprefix("## ").partition(": ")
            subject = Subject(stack, holder)
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == _COLUMNS and cells[1] not in {"Statement", "---"}:
            yield subject, cells[1], cells[2:5]


def shortened(scenario: str) -> str:
    """Return a scenario's name as a record has it."""
    return scenario.removeprefix("tests/infra/").replace("|", "/")
