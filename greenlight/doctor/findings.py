"""Hold the doctor's findings, including failed reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from greenlight.doctor.facts import Absent, Found, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from greenlight.doctor.facts import Reading

T = TypeVar("T")


class Status(Enum):
    """The result of a check."""

    OK = "ok"
    GAP = "gap"
    """An approval would not serve, or nobody would notice."""

    UNKNOWN = "unknown"
    """Nobody could check it; it is not known to be in order."""

    NOTE = "note"
    """Approvals serve all the same."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        check: The kind of check, in one word.
        status: The result.
        subject: The thing that was checked.
        found: What is missing, or what could not be read and why.
        why: What goes wrong without it.
        where: Who has to correct it, and where.
        statement: The statement to add, if any.
        command: The command that corrects it, with credentials of the account in `where`, if any.
    """

    check: str
    status: Status
    subject: str
    found: str = ""
    why: str = ""
    where: str = ""
    statement: Mapping[str, Any] | None = None
    command: str = ""


def judge(
    reading: Reading[T], check: str, subject: str, *, absent: str, why: str, where: str, command: str = ""
) -> Iterator[Finding]:
    """Report a thing that is missing or could not be read; nothing for a fact that was read."""
    match reading:
        case Absent():
            yield Finding(check, Status.GAP, subject, absent, why, where, command=command)
        case Unreadable(reason, remedy, statement):
            yield Finding(check, Status.UNKNOWN, subject, reason, why, remedy, statement)
        case Found():
            return


def told(
    check: str,
    subject: str,
    right: bool,  # noqa: FBT001 - the outcome itself
    found: str,
    why: str,
    where: str,
    command: str = "",
) -> Finding:
    """Report whether a fact that was read is right."""
    if right:
        return Finding(check, Status.OK, subject)
    return Finding(check, Status.GAP, subject, found, why, where, command=command)
