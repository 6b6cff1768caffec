"""Composes what people read of an outcome: title, why, who, how long, next step, links. Pure.

Others wrote some of it: reasons, names of approvers, answers of containers. Such text is one line here, and
bounded.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from deployer.model.outcome import OutcomeKind
from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from deployer.messages.place import Link, Place
    from deployer.model.outcome import Outcome, Telling

LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 1200
"""More than SageMaker's longest reason (botocore: `FailureReason`)."""

LONGEST_NAME: Final = 100

MARKS: Final = {
    OutcomeKind.STARTED: "◐",
    OutcomeKind.SUCCEEDED: "✓",
    OutcomeKind.FAILED: "✗",
    OutcomeKind.ABORTED: "✗",
    OutcomeKind.ROLLED_BACK: "↩",
    OutcomeKind.IGNORED: "∅",
    OutcomeKind.NEEDS_ATTENTION: "!",
    OutcomeKind.HELD: "‖",
    OutcomeKind.PROMOTED: "↑",
    OutcomeKind.UNMANAGED: "○",
}
"""What a title begins with."""


@value
class Message:
    """One message, before it is written for mail or a chat.

    Attributes:
        mark: One character for the kind of outcome.
        title: One line: the endpoint, and what happened.
        why: The reason.
        model: The version and its group.
        who: Who approved it, and when.
        took: How long it took.
        next_step: What a person can do.
        links: Where to read on.
        thread: What all messages of one deployment have in common.
    """

    mark: str
    title: str
    why: str | None
    model: str | None
    who: str | None
    took: str | None
    next_step: str | None
    links: tuple[Link, ...]
    thread: str

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What there is to say beside the title, by label."""
        why = [("Why", self.why)] if self.why is not None else []
        step = [("Next", self.next_step)] if self.next_step is not None else []
        return [*why, *self.short_facts, *step]

    @property
    def short_facts(self) -> list[tuple[str, str]]:
        """What fits into a phrase, by label."""
        labelled = (("Model", self.model), ("Who", self.who), ("Took", self.took))
        return [(label, text) for label, text in labelled if text is not None]


def compose(outcome: Outcome, place: Place) -> Message:
    """Return the message of an outcome."""
    telling = outcome.telling
    group, version = (outcome.detail.get(f"ModelPackage{each}") for each in ("GroupName", "Version"))
    return Message(
        mark=MARKS[outcome.kind],
        title=line(f"{outcome.endpoint_name}: {telling.headline}", LONGEST_TITLE),
        why=line(telling.why or "", LONGEST_TEXT) or None,
        model=line(f"version {version} of {group}", LONGEST_NAME) if group is not None else None,
        who=_who(telling, outcome.time),
        took=_took(outcome.time - telling.began) if telling.began is not None else None,
        next_step=line(telling.next_step or "", LONGEST_TEXT) or None,
        links=place.links(telling.tried_on or outcome.endpoint_name, group, telling.page),
        thread=line(f"{place.stack_name}/{telling.thread}", LONGEST_TITLE),
    )


def line(text: str, longest: int) -> str:
    """Return a text as one line of printable characters, cut if it is too long."""
    printable = "".join(each if each.isprintable() else " " for each in text[: 4 * longest])
    plain = " ".join(printable.split())
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def person(arn: str) -> str:
    """Return how colleagues call an approver: the end of an ARN."""
    return line(arn.rpartition("/")[2] or arn, LONGEST_NAME)


def _who(telling: Telling, now: datetime) -> str | None:
    if telling.approved_by is None or telling.approved_at is None:
        return None
    when = telling.approved_at.astimezone(UTC)
    is_today = when.date() == now.astimezone(UTC).date()
    time = f"{when:%H:%M}" if is_today else f"{when:%Y-%m-%d %H:%M}"
    return f"approved by {person(telling.approved_by)}, {time} UTC"


def _took(elapsed: timedelta) -> str:
    minutes, seconds = divmod(max(0, round(elapsed.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
