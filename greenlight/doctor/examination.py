"""Owns what an examination is: findings, by the part of the system that they are about. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from greenlight.doctor.findings import Status
from greenlight.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from greenlight.doctor.findings import Finding


class Kind(Enum):
    """What a part of the system is."""

    INSTALLATION = "installation"
    GROUP = "group"
    ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the system, and what was found about it.

    Attributes:
        kind: What it is.
        name: The stack's, the group's or the endpoint's name.
        findings: In the order in which a version passes what was checked.
    """

    kind: Kind
    name: str
    findings: tuple[Finding, ...]

    def of(self, *statuses: Status) -> list[Finding]:
        """Return the findings of some statuses, in that order of statuses."""
        return [each for status in statuses for each in self.findings if each.status is status]


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that one run of the doctor found.

    Attributes:
        stack: The stack.
        account: Its account.
        region: Its region.
        parts: The parts of the system that were looked at.
    """

    stack: str
    account: str
    region: str
    parts: tuple[Part, ...]

    def count(self, status: Status) -> int:
        """Count the findings of a status."""
        return sum(len(part.of(status)) for part in self.parts)

    @property
    def exit_code(self) -> ExitCode:
        """Fine; bad news with a gap; AWS's refusal if nothing but checks that nobody could make is left."""
        if self.count(Status.GAP):
            return ExitCode.BAD_NEWS
        return ExitCode.AWS if self.count(Status.UNKNOWN) else ExitCode.FINE


def document(examination: Examination) -> dict[str, Any]:
    """Return the JSON document: greenlight/schemas/doctor.json."""
    return {
        "format": 1,
        "stack": {
            "name": examination.stack,
            "account": examination.account,
            "region": examination.region,
        },
        "counts": {status.value: examination.count(status) for status in Status},
        "parts": [
            {"kind": part.kind.value, "name": part.name, "findings": list(_findings(part.findings))}
            for part in examination.parts
        ],
    }


def _findings(findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    """Yield findings without what they do not have."""
    for each in findings:
        entry = {
            "found": each.found,
            "why": each.why,
            "where": each.where,
            "statement": each.statement,
            "command": each.command,
        }
        yield {
            "check": each.check,
            "status": each.status.value,
            "subject": each.subject,
            **{name: value for name, value in entry.items() if value},
        }
