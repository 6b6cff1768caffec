"""Holds what the doctor finds, and how a reading that failed is told; knows nothing of what is needed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from ops.facts import Absent, Found, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ops.facts import Reading

T = TypeVar("T")


class Status(Enum):
    """How a check ended."""

    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        check: What kind of check, in one word.
        status: How it ended.
        subject: What was looked at.
        found: What is missing, or what could not be read and why.
        why: What goes wrong without it.
        where: Whose to mend it is, and where.
        statement: The very statement to add, where one is.
        command: The command that mends it, with credentials of the account that `where` names, where one is.
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
    """Say of something that could not be found or read what that means; nothing of what was found."""
    match reading:
        case Absent():
            yield Finding(check, Status.MISSING, subject, absent, why, where, command=command)
        case Unreadable(reason, remedy):
            yield Finding(check, Status.UNKNOWN, subject, reason, why, remedy)
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
    """Say of something that was read whether it is right."""
    if right:
        return Finding(check, Status.OK, subject)
    return Finding(check, Status.MISSING, subject, found, why, where, command=command)
