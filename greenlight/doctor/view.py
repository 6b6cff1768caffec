"""Shows an examination: what is missing in full, and what is in order in a line. Pure."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from greenlight.doctor.examination import Kind
from greenlight.doctor.findings import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from greenlight.doctor.examination import Examination, Part
    from greenlight.doctor.findings import Finding
    from greenlight.output import Symbols

_STYLES: Final = {Status.GAP: "bad", Status.UNKNOWN: "held", Status.NOTE: "busy"}
_WORDS: Final = {Status.GAP: "missing", Status.UNKNOWN: "not checked", Status.NOTE: "to know"}


def examination_view(examination: Examination, symbols: Symbols) -> RenderableType:
    """Return the view of an examination, with the signs to use."""
    return Group(*_parts(examination, symbols), _summary(examination, symbols))


def _parts(examination: Examination, symbols: Symbols) -> Iterator[RenderableType]:
    for part in examination.parts:
        yield _title(part, examination)
        in_order = part.of(Status.OK)
        if in_order:
            counts = Counter(each.check for each in in_order)
            said = ", ".join(f"{check} ({n})" if n > 1 else check for check, n in counts.items())
            yield _beside(f"  {symbols.done} ", Text(said, style="quiet"), "good")
        for finding in part.of(Status.GAP, Status.UNKNOWN, Status.NOTE):
            yield from _in_full(finding, symbols)
        yield Text()


def _title(part: Part, examination: Examination) -> Text:
    if part.kind is Kind.INSTALLATION:
        text = Text().append(part.name, style="name")
        return text.append(f"  {examination.account}, {examination.region}", style="quiet")
    return Text().append(f"{part.kind.value} ", style="quiet").append(part.name, style="name")


def _in_full(finding: Finding, symbols: Symbols) -> Iterator[RenderableType]:
    sign = {Status.GAP: symbols.bad, Status.UNKNOWN: "?", Status.NOTE: symbols.attention}[finding.status]
    style = _STYLES[finding.status]
    head = Text().append(f"{finding.check}: ", style=style).append(finding.subject, style="name")
    yield _beside(f"  {sign} ", head, style)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="quiet")
    table.add_column(overflow="fold")
    for label, said in (("found", finding.found), ("why", finding.why), ("where", finding.where)):
        if said:
            table.add_row(label, Text(said))
    yield Padding(table, (0, 0, 0, 4))
    if finding.statement is not None:
        # A statement without an effect is an event pattern, which replaces another.
        yield Text("    pattern" if "source" in finding.statement else "    add", style="quiet")
        lines = json.dumps(finding.statement, indent=2).splitlines()
        yield _to_copy("\n".join(f"      {line}" for line in lines))
    if finding.command:
        yield Text("    run", style="quiet")
        yield _to_copy(f"      {finding.command}")


def _beside(sign: str, text: Text, style: str) -> Table:
    """Return a text whose further lines begin below its first, and not below its sign."""
    table = Table.grid()
    table.add_column(no_wrap=True, style=style)
    table.add_column(overflow="fold")
    table.add_row(sign, text)
    return table


def _to_copy(text: str) -> Text:
    """Return what a person copies: no line of it is broken."""
    return Text(text, style="busy", no_wrap=True, overflow="ignore")


def _summary(examination: Examination, symbols: Symbols) -> Text:
    counts = {status: examination.count(status) for status in Status}
    left = [f"{counts[status]} {words}" for status, words in _WORDS.items() if counts[status]]
    said = ", ".join([f"{counts[Status.OK]} in order", *left])
    if counts[Status.GAP]:
        return Text(f"{symbols.bad} {said}", style="bad")
    if counts[Status.UNKNOWN]:
        return Text(f"? {said}", style="held")
    return Text(f"{symbols.done} {said}", style="good")
