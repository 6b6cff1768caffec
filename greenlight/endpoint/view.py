"""Shows one endpoint. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from greenlight.fleet.state import State
from greenlight.fleet.view import since, state
from greenlight.timeline.view import timeline_view
from greenlight.words import age, moment, person, version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from deployer.model.approval import Approval
    from greenlight.endpoint.detail import Detail, Variant
    from greenlight.fleet.served import Served
    from greenlight.fleet.view import Scene


def detail_view(detail: Detail, scene: Scene) -> RenderableType:
    """Return the view of one endpoint: its state first, then what serves, then what is around it."""
    standing = detail.standing
    head = Text().append(f"{standing.name}  ", style="name")
    head.append_text(state(standing, scene, roomy=False))
    if standing.progress is not None:
        head.append(f"  {since(standing, scene)}", style="quiet")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="quiet", no_wrap=True)
    table.add_column(overflow="fold")
    for label, words in _rows(detail, scene):
        table.add_row(f"  {label}", words)
    parts: list[RenderableType] = [head, table]
    if detail.lately:
        lately = timeline_view(detail.lately, scene, more=False, of_all=False)
        parts += [Text("\n  lately", style="quiet"), Padding(lately, (0, 0, 0, 2))]
    return Group(*parts)


def _rows(detail: Detail, scene: Scene) -> Iterator[tuple[str, str | Text]]:
    standing, zone = detail.standing, scene.zone
    if standing.why and standing.state in {State.FAILED, State.ATTENTION, State.UNMANAGED}:
        yield "why", standing.why
    if standing.coming is not None and standing.state in {State.ROLLOUT, State.ROLLING_BACK}:
        yield "coming", _approved(standing.coming, scene)
    if standing.retry_at is not None:
        yield "retry", f"by itself at {moment(standing.retry_at, zone)}"
    serves = standing.serves
    if serves is not None:
        yield "serves", f"{version(serves.version)}{_since(serves, scene)}"
        yield "approved", f"by {person(serves.approved_by)}, {moment(serves.approved_at, zone)}"
        yield "version", serves.version_arn
    elif standing.state is not State.EMPTY:
        yield "serves", "nothing that the journal knows"
    yield from _around(detail, scene)
    if serves is not None:
        yield "config", serves.endpoint_config_name


def _around(detail: Detail, scene: Scene) -> Iterator[tuple[str, str | Text]]:
    if detail.group is not None:
        yield "follows", detail.group
    for each in detail.variants:
        yield "variant", _variant(each)
    if detail.rollout is not None:
        yield "rollout", detail.rollout
    for name, alarm_state in detail.alarms.items():
        style = {"OK": "good", "ALARM": "bad"}.get(alarm_state or "", "quiet")
        line = Text(f"{name}  ").append(alarm_state or "missing", style=style)
        value = detail.measured.get(name)
        yield "alarm", line.append("  ").append(value.words, style="quiet") if value is not None else line
    if detail.hold is not None:
        yield "hold", detail.hold.description
    if detail.waiting is not None:
        yield "waits", _approved(detail.waiting, scene)


def _approved(what: Served | Approval, scene: Scene) -> str:
    by, at = person(what.approved_by), moment(what.approved_at, scene.zone)
    return f"{version(what.version)}, approved by {by}, {at}"


def _since(serves: Served, scene: Scene) -> str:
    if serves.since is None:
        return ""
    return f" since {moment(serves.since, scene.zone)} ({age(serves.since, scene.now)})"


def _variant(each: Variant) -> str:
    if each.is_serverless:
        size = "serverless"
    else:
        count = f"{each.count}" if each.count == each.wanted_count else f"{each.count} of {each.wanted_count}"
        size = f"{count} x {each.instance_type or 'instances'}"
    scales = f", scales from {each.scales[0]} to {each.scales[1]}" if each.scales is not None else ""
    calls = "copies of the calls" if each.is_shadow else f"{each.share_percent} % of the calls"
    return f"{each.name}: {version(each.version)}, {size}{scales}, {calls}"
