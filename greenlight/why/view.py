"""Shows why versions serve or do not: one version as a story, several as a table. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from deployer.decisions.course import NothingApproved, UnderWay
from deployer.decisions.plan import Deploy, Held, NothingStands, OnTestEndpoint, WaitForAlarms, WaitToRetry
from deployer.decisions.reasons import Reason
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.excerpts import excerpt
from greenlight.words import clock, person, version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

    from rich.console import RenderableType

    from greenlight.output import Symbols
    from greenlight.why.account import Account, Told

_STATES = {
    AttemptStatus.OPEN: "begun",
    AttemptStatus.ACCEPTED: "going out",
    AttemptStatus.TESTING: "in its smoke test",
    AttemptStatus.SUCCEEDED: "came into service",
    AttemptStatus.FAILED: "failed",
    AttemptStatus.ABORTED: "stopped, as it was taken back",
}


class WhyView:
    """The views of one account.

    Args:
        account: The endpoint and its versions.
        symbols: The signs to use.
        now: The time.
        zone: The reader's; None for the machine's.
    """

    def __init__(self, account: Account, symbols: Symbols, now: datetime, zone: tzinfo | None) -> None:
        self._account = account
        self._symbols = symbols
        self._now = now
        self._zone = zone

    def one(self) -> RenderableType:
        """Show one version: what it is, what happened, why, what serves now, and the next step."""
        [told] = self._account.versions
        table = _grid()
        for when, event, style in self._events(told):
            table.add_row(Text(f"  {when}", style="quiet"), Text(event, style=style))
        for label, line in self._lines(told):
            table.add_row(Text(f"  {label}", style="quiet"), line)
        return Group(self._headline(told), table)

    def _headline(self, told: Told) -> Text:
        account, explanation = self._account, told.explanation
        sign = self._symbols.good if told.serves else self._symbols.bad
        text = Text().append(f"{sign} ", style="good" if told.serves else "bad")
        text.append(version(explanation.version), style="name")
        if explanation.reason is Reason.NO_SUCH_VERSION:
            return text.append(f" of {account.group_name} does not exist.")
        said = "serves" if told.serves else "does not serve"
        is_approved = told.explanation.approval is not None and told.explanation.approval.counts
        joint = "is approved, and " if is_approved else ""
        return text.append(f" of {account.group_name} {joint}{said} on {account.endpoint_name}.")

    def _events(self, told: Told) -> Iterator[tuple[str, str, str]]:
        events: list[tuple[datetime, str, str]] = []
        for approval in told.approvals:
            by = person(approval.approved_by) or "somebody"
            said = f"approved by {by}" if approval.counts else f"approved by {by}, which does not count"
            events.append((approval.approved_at, said, ""))
        for attempt in told.attempts:
            at = attempt.settled_at or attempt.started_at
            is_bad = attempt.status is AttemptStatus.FAILED
            said = _STATES[attempt.status]
            if attempt.reason is not None and is_bad:
                said = f"{said}: {excerpt(attempt.reason)}"
            events.append((at, said, "bad" if is_bad else ""))
        for at, said, style in sorted(events, key=lambda each: each[0]):
            yield clock(at, self._now, self._zone), said, style

    def _lines(self, told: Told) -> Iterator[tuple[str, RenderableType]]:
        explanation = told.explanation
        why = Text(explanation.rule)
        told_before = {attempt.reason for attempt in told.attempts if attempt.reason is not None}
        if explanation.detail is not None and explanation.detail not in told_before:
            why.append(f" {explanation.detail}")
        yield "why", why
        yield "now", Text(" ".join(self._now_lines()))
        step = Text(explanation.change)
        command = told.command(self._account.endpoint_name, self._account.group)
        yield "next", step if command is None else step.append(f"\n{command}", style="busy")

    def _now_lines(self) -> Iterator[str]:
        serves, course = self._account.serves, self._account.preview.course
        beside = f", with {' and '.join(map(version, serves[1:]))} beside it" if serves[1:] else ""
        yield f"{version(serves[0])} serves{beside}." if serves else "Nothing serves."
        chosen = self._account.preview.planned_for
        choice = version(chosen.choice.approval.version) if chosen and chosen.choice else "Nothing"
        match course:
            case UnderWay(Deployment() as attempt):
                yield f"{version(attempt.version)} is going out."
            case UnderWay():
                yield "SageMaker is at work on the endpoint."
            case Deploy(refusal=None):
                yield f"{choice} goes out at the deployer's next look."
            case OnTestEndpoint():
                yield f"{choice} is on its test endpoint."
            case Held():
                yield f"{choice} is held back."
            case WaitToRetry(retry_at):
                yield f"The next try is at {clock(retry_at, self._now, self._zone)}."
            case WaitForAlarms(until=until):
                yield f"{choice} waits for alarms until {clock(until, self._now, self._zone)} at most."
            case NothingStands():
                yield "No approved version is left to serve."
            case NothingApproved():
                yield "No version was ever approved for it."
            case _:
                pass

    def several(self) -> RenderableType:
        """Show several versions in a table, below what serves now."""
        account = self._account
        head = Text().append(account.endpoint_name, style="name").append(f"  {' '.join(self._now_lines())}")
        table = _grid(columns=3)
        for told in account.versions:
            explanation = told.explanation
            sign, style = (self._symbols.good, "good") if told.serves else (self._symbols.unmanaged, "quiet")
            if explanation.reason in {Reason.FAILED, Reason.INELIGIBLE, Reason.CANNOT_CHANGE}:
                sign, style = self._symbols.bad, "bad"
            table.add_row(
                Text().append(f"  {sign} ", style=style).append(version(explanation.version), style="name"),
                Text(self._approved(told), style="quiet"),
                Text(explanation.rule),
            )
        if not account.versions:
            return Group(head, Text(f"  Approve a version of {account.group_name}, and it serves."))
        hint = Text(f"\n  More of one: greenlight why {account.endpoint_name} VERSION", style="quiet")
        return Group(head, table, hint)

    def _approved(self, told: Told) -> str:
        approval = told.explanation.approval
        if approval is None:
            return ""
        return f"{clock(approval.approved_at, self._now, self._zone)} {person(approval.approved_by) or ''}"


def _grid(columns: int = 2) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(columns - 1):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table
