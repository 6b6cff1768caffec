"""Shows the fleet as a table without boxes, and its summary. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from greenlight.fleet.state import BAD, State
from greenlight.words import age, clock, countdown, first_sentence, person, version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from greenlight.fleet.progress import Progress
    from greenlight.fleet.state import Standing
    from greenlight.output import Symbols

BAR: Final = 10
"""How wide a bar is."""

_MOST_HINTS: Final = 5

_STYLES: Final = {
    State.IN_SYNC: "good",
    State.ROLLOUT: "busy",
    State.ROLLING_BACK: "held",
    State.FAILED: "bad",
    State.HELD: "held",
    State.WAITING: "busy",
    State.ATTENTION: "bad",
    State.EMPTY: "quiet",
    State.UNMANAGED: "quiet",
}
_COUNTED: Final = {
    State.IN_SYNC: "in sync",
    State.ROLLOUT: "rolling out",
    State.ROLLING_BACK: "going back",
    State.WAITING: "next",
    State.HELD: "held",
    State.FAILED: "failed",
    State.ATTENTION: "in need of attention",
    State.EMPTY: "without a version",
    State.UNMANAGED: "unmanaged",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a view needs beside its value: the time, the zone, the signs."""

    now: datetime
    zone: tzinfo | None
    symbols: Symbols


@dataclass(frozen=True, slots=True)
class FleetView:
    """The fleet's table, as wide as the console: columns that can be missed go first."""

    standings: Sequence[Standing]
    scene: Scene

    _REASONS_FROM = 100
    _APPROVER_FROM = 76
    _SINCE_FROM = 56

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render for a width."""
        width = options.max_width
        if not self.standings:
            yield Text("No endpoint is managed yet. Write endpoints/<name>.yaml, then: npx cdk deploy --all")
            return
        table = plain_table()
        table.add_column("ENDPOINT", style="name", overflow="fold")
        table.add_column("SERVES", no_wrap=True)
        columns = 2
        if width >= self._SINCE_FROM:
            table.add_column("SINCE", no_wrap=True)
            columns = 3
        if width >= self._APPROVER_FROM:
            table.add_column("APPROVED BY", overflow="ellipsis", no_wrap=True, max_width=20)
            columns = 4
        table.add_column("STATE", min_width=14)
        for each in self.standings:
            cells: list[RenderableType] = [
                each.name,
                serves(each, self.scene.symbols),
                since(each, self.scene),
                person(_approver(each)) or self.scene.symbols.dash,
            ]
            table.add_row(*cells[:columns], state(each, self.scene, roomy=width >= self._REASONS_FROM))
        yield table
        yield from self._end()

    def _end(self) -> RenderResult:
        counts = Counter(each.state for each in self.standings)
        told = [f"{counts[each]} {words}" for each, words in _COUNTED.items() if counts[each]]
        yield Text(f"\n{_endpoints(len(self.standings))}: {', '.join(told)}", style="quiet")
        bad = [each for each in self.standings if each.state in BAD]
        for each in bad[:_MOST_HINTS]:
            # Uncut, to be copied.
            version_asked = f" {each.coming.version}" if each.coming is not None else ""
            hint = f"  greenlight why {each.name}{version_asked}"
            yield Text(hint, style="quiet", no_wrap=True, overflow="ignore")
        if len(bad) > _MOST_HINTS:
            yield Text(f"  and {len(bad) - _MOST_HINTS} more", style="quiet")


def plain_table() -> Table:
    """Return a table without boxes."""
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="head", expand=False)


def _endpoints(count: int) -> str:
    return "1 endpoint" if count == 1 else f"{count} endpoints"


def _approver(each: Standing) -> str | None:
    if each.state in {State.ROLLOUT, State.ROLLING_BACK} and each.coming is not None:
        return each.coming.approved_by
    return each.serves.approved_by if each.serves is not None else None


def serves(each: Standing, symbols: Symbols) -> str:
    """Return what serves, and what is on its way."""
    here = version(each.serves.version if each.serves is not None else None)
    if each.state not in {State.ROLLOUT, State.ROLLING_BACK} or each.coming is None:
        return here
    if each.serves is not None and each.coming.version == each.serves.version:
        return f"{here} again"
    return f"{here} {symbols.arrow} {version(each.coming.version)}"


def since(each: Standing, scene: Scene) -> str:
    """Return since when it serves, or how far a rollout is."""
    if each.progress is not None and each.state in {State.ROLLOUT, State.ROLLING_BACK}:
        return share(each.progress)
    if each.serves is None or each.serves.since is None:
        return scene.symbols.dash
    return age(each.serves.since, scene.now)


def share(progress: Progress) -> str:
    """Return how a rollout shifts calls, and how many are on the new version."""
    if progress.share_percent is None:
        return progress.kind
    return f"{progress.kind} {progress.share_percent} %"


def state(each: Standing, scene: Scene, *, roomy: bool) -> Text:
    """Return the state: its sign, and what a person wants to know of it.

    Args:
        each: How the endpoint stands.
        scene: The time and the signs.
        roomy: Whether there is room for reasons.
    """
    symbols = scene.symbols
    sign = {
        State.IN_SYNC: symbols.good,
        State.FAILED: symbols.bad,
        State.HELD: symbols.held,
        State.ATTENTION: symbols.attention,
        State.EMPTY: symbols.unmanaged,
        State.UNMANAGED: symbols.unmanaged,
        State.ROLLING_BACK: symbols.back,
    }.get(each.state, symbols.busy)
    text = Text(f"{sign} ", style=_STYLES[each.state])
    text.append_text(_words(each, scene, roomy=roomy))
    return text


def _words(each: Standing, scene: Scene, *, roomy: bool) -> Text:
    match each.state:
        case State.ROLLOUT | State.ROLLING_BACK:
            return rollout(each, scene)
        case State.FAILED:
            return _failed(each, scene, roomy=roomy)
        case State.IN_SYNC:
            return Text("in sync").append(f", {each.why}" if each.why else "", style="quiet")
        case State.UNMANAGED:
            return Text("unmanaged").append(f": {each.why}", style="quiet")
        case _:
            return Text(first_sentence(each.why))


def _failed(each: Standing, scene: Scene, *, roomy: bool) -> Text:
    what = f"{version(each.coming.version)} failed" if each.coming is not None else "failed"
    at = f" {clock(each.at, scene.now, scene.zone)}" if each.at is not None else ""
    text = Text(f"{what}{at}")
    if roomy:
        text.append(f": {first_sentence(each.why)}", style="quiet")
    if each.retry_at is not None:
        text.append(f"; again at {clock(each.retry_at, scene.now, scene.zone)}", style="quiet")
    return text


def rollout(each: Standing, scene: Scene) -> Text:
    """Return how far a rollout is: a bar if its end is known, else how long it takes already."""
    progress = each.progress
    after = f", {each.why}" if each.why else ""
    if progress is None:
        is_back = each.state is State.ROLLING_BACK
        return Text("going back" if is_back else "asked for").append(after, style="quiet")
    elapsed = progress.elapsed_seconds(scene.now)
    if progress.lasts_seconds and elapsed is not None:
        text = bar(elapsed / progress.lasts_seconds, scene.symbols).append(" ")
        text.append(f"{countdown(elapsed)}/{countdown(progress.lasts_seconds)}")
        return text.append(after, style="quiet")
    words = progress.stage.value
    timed = "" if elapsed is None else f" {countdown(elapsed)}"
    return Text(f"{words}{timed}").append(after, style="quiet")


def bar(part: float, symbols: Symbols) -> Text:
    """Return a bar that is filled to a part."""
    filled = min(BAR, max(0, int(part * BAR)))
    return Text(symbols.filled * filled, style="busy").append(symbols.empty * (BAR - filled), style="quiet")
