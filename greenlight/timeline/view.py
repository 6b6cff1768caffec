"""Shows a timeline, and what served at some time. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from deployer.gateways.requests import ROLLBACK
from greenlight.fleet.view import plain_table
from greenlight.timeline.entries import Kind
from greenlight.words import clock, duration, first_sentence, moment, person, version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from greenlight.fleet.view import Scene
    from greenlight.output import Symbols
    from greenlight.timeline.entries import Entry
    from greenlight.timeline.origin import Origin

_STYLES: Final = {
    Kind.SERVING: "good",
    Kind.PROMOTED: "good",
    Kind.BACK: "held",
    Kind.ABORTED: "held",
    Kind.FAILED: "bad",
    Kind.NOT_PROMOTED: "bad",
    Kind.UNDER_WAY: "busy",
}

_WORDS: Final = {
    Kind.SERVING: "serving",
    Kind.BACK: "given up",
    Kind.ABORTED: "rejected",
    Kind.FAILED: "failed",
    Kind.UNDER_WAY: "under way",
    Kind.PROMOTED: "promoted",
    Kind.NOT_PROMOTED: "not promoted",
    Kind.APPROVED: "approved",
    Kind.IGNORED: "ignored",
}


def timeline_view(entries: Sequence[Entry], scene: Scene, *, more: bool, of_all: bool) -> RenderableType:
    """Return the view of entries that are given newest first: the newest stands last, above the prompt.

    Args:
        entries: The entries.
        scene: The time and the signs.
        more: Whether there are older ones.
        of_all: Whether they are of several endpoints.
    """
    if not entries:
        return Text("Nothing happened in that time.")
    table = plain_table()
    table.show_header = False
    table.add_column(no_wrap=True, style="quiet")
    if of_all:
        table.add_column(style="name", overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(min_width=16, overflow="fold")
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=20)
    for entry in reversed(entries):
        cells: list[RenderableType] = [
            clock(entry.at, scene.now, scene.zone),
            *([entry.endpoint_name] if of_all else []),
            _what(entry, scene.symbols),
            _how(entry, scene),
            person(entry.asked.by if entry.asked is not None else entry.by) or scene.symbols.dash,
        ]
        table.add_row(*cells)
    if not more:
        return table
    told = Text("Older entries are left out: --limit shows more, --since from a time on.", style="quiet")
    return Group(told, table)


def _what(entry: Entry, symbols: Symbols) -> Text:
    sign = {
        Kind.SERVING: symbols.done,
        Kind.PROMOTED: symbols.done,
        Kind.BACK: symbols.back,
        Kind.ABORTED: symbols.back,
        Kind.FAILED: symbols.bad,
        Kind.NOT_PROMOTED: symbols.bad,
        Kind.UNDER_WAY: symbols.busy,
    }.get(entry.kind, symbols.dash)
    about = entry.instead_of if entry.instead_of is not None else entry.version
    words = _WORDS[entry.kind]
    if entry.kind is Kind.BACK and _is_rollback(entry):
        words = "rolled back"
    elif entry.kind is Kind.BACK and entry.was_rejected:
        words = "rejected"
    elif entry.kind is Kind.BACK and entry.instead_of is None:
        words = "serving again"
    text = Text(f"{version(about)} ")
    return text.append(f"{sign} {words}", style=_STYLES.get(entry.kind, "quiet"))


def _is_rollback(entry: Entry) -> bool:
    return entry.asked is not None and entry.asked.verb == ROLLBACK


def _how(entry: Entry, scene: Scene) -> Text:
    took = duration(entry.seconds) if entry.seconds is not None else ""
    asked = _asked(entry, scene)
    match entry.kind:
        case Kind.SERVING | Kind.UNDER_WAY:
            beside = ", ".join(filter(None, (asked, entry.detail)))
            return Text(f"{took} " if took else "").append(f"({beside})" if beside else "", "quiet")
        case Kind.BACK:
            words = (
                f"{version(entry.version)} back after {took}" if took else f"{version(entry.version)} back"
            )
            if entry.asked is not None and entry.asked.reason is not None:
                words += f": {first_sentence(entry.asked.reason)}"
        case Kind.ABORTED:
            words = f"stopped after {took}"
            if entry.detail:
                words += f": {first_sentence(entry.detail)}"
        case _:
            words = first_sentence(entry.detail)
    return Text(words).append(f" ({asked})" if asked else "", "quiet")


def _asked(entry: Entry, scene: Scene) -> str:
    """Return what an operator asked for and when. The column beside it says who."""
    wish = entry.asked
    if wish is None:
        return ""
    asked = f"asked for {clock(wish.at, scene.now, scene.zone)}"
    return asked if _is_rollback(entry) else f"{wish.verb} {asked}"


def origin_view(origin: Origin, scene: Scene) -> RenderableType:
    """Return the view of what served at some time, and what it was made of."""
    served, zone = origin.served, scene.zone
    found = served.deployment
    if found is None:
        return Text(
            f"Nothing served on {origin.endpoint_name} at {moment(served.at, zone)}, "
            "as far as the journal knows."
        )
    head = Text(f"{version(found.version)} of {found.group_name}", style="name")
    head.append(f" served on {origin.endpoint_name} at {moment(served.at, zone)}.", style="not bold")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="quiet", no_wrap=True)
    table.add_column(overflow="fold")
    until = moment(served.until, zone) if served.until is not None else "now"
    since = moment(found.settled_at, zone) if found.settled_at is not None else scene.symbols.dash
    rows = [
        ("from", f"{since} until {until}"),
        ("approved", f"by {found.approved_by}, {moment(found.approved_at, zone)}"),
        ("version", found.version_arn),
        ("config", found.endpoint_config_name),
        ("model", found.model_name),
        *((each.role, f"{version(each.version)}, {each.version_arn}") for each in found.companions),
        *(("image", each) for each in origin.images),
        *(("artifact", each) for each in origin.artifacts),
        ("digest", found.artifact_digest or "unknown"),
    ]
    if origin.registry_says is not None:
        rows.append(("registry", origin.registry_says))
    if served.under_way is not None:
        rows.append(("meanwhile", f"{version(served.under_way.version)} was on its way"))
    for label, words in rows:
        table.add_row(f"  {label}", words)
    return Group(head, table)
