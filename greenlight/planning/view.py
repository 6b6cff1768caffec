"""Shows what would become of endpoints: a paragraph for each that changes, a count of the others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from greenlight.planning.outlook import Effect
from greenlight.words import duration, version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from greenlight.output import Symbols
    from greenlight.planning.outlook import Outlook
    from greenlight.planning.rollouts import RolloutPlan

_BAD: Final = frozenset({Effect.FOREIGN, Effect.CANNOT_CHANGE, Effect.STUCK})
_MOST_CHANGES: Final = 12


def plan_view(outlooks: Sequence[Outlook], symbols: Symbols) -> RenderableType:
    """Return the view of several endpoints, with the signs to use."""
    changed = [each for each in outlooks if each.effect is not Effect.NOTHING or each.checks]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="name")
    table.add_column(overflow="fold")
    for outlook in changed:
        table.add_row(outlook.endpoint_name, Group(*_lines(outlook, symbols)))
    parts: list[RenderableType] = [table] if changed else []
    same = len(outlooks) - len(changed)
    if same:
        what = "1 endpoint does" if same == 1 else f"{same} endpoints do"
        parts.append(Text(f"{symbols.done} {what} not change.", style="good"))
    if not outlooks:
        parts.append(Text("There are no endpoints, here or deployed.", style="quiet"))
    return Group(*parts)


def _lines(outlook: Outlook, symbols: Symbols) -> Iterator[Text]:
    """Yield what becomes of an endpoint, then what changes, then what is to be seen to."""
    yield Text(headline(outlook), style="bad" if outlook.effect in _BAD else "")
    for change in outlook.changes[:_MOST_CHANGES]:
        if change.before is None and change.after is None:
            yield Text(f"{change.key} changes", style="quiet")
            continue
        before, after = change.before or "(none)", change.after or "(none)"
        line = Text().append(f"{change.key}  ", style="quiet")
        yield line.append(f"{before} {symbols.arrow} {after}", style="busy")
    if len(outlook.changes) > _MOST_CHANGES:
        yield Text(f"and {len(outlook.changes) - _MOST_CHANGES} more keys (--json has all)", style="quiet")
    for number in outlook.failed_before:
        what = f"{version(number)} failed with other settings"
        if outlook.in_turn[:1] == (number,):
            yield Text(f"{symbols.attention} {what}, and is tried first.", style="held")
        elif number in outlook.in_turn:
            yield Text(f"{symbols.attention} {what}, and is tried after that.", style="held")
    if outlook.message is not None:
        yield Text(outlook.message)
    if outlook.checks:
        yield _checks(outlook, symbols)
    for check in outlook.checks:
        if check.message is not None and check.passed is not True:
            yield Text(f"{check.name}: {check.message}", style="quiet" if check.passed is None else "bad")


_HEADLINES: Final = {
    Effect.CREATES: "new: {first} goes out{then}",
    Effect.RECREATES: "failed, and is created again with {first}{then}",
    Effect.UPDATES: "{what}{then}{how}",
    Effect.TESTS_FIRST: "{first} is tested on a test endpoint first, and then goes out{then}",
    Effect.WITHOUT_ROLLOUT: "{serves} stays; its settings change without a rollout",
    Effect.WAITS_FOR_APPROVAL: "new: serves the next version of {group} that is approved",
    Effect.UNDER_WAY: "is changing now: plan again when that is over",
    Effect.HELD: "{serves} stays for now, and the rollout waits",
    Effect.WAITS: "{serves} stays for now",
    Effect.FOREIGN: "exists, and is not Greenlight's",
    Effect.CANNOT_CHANGE: "{serves} stays: SageMaker cannot take the settings",
    Effect.STUCK: "{serves} stays: a person has to act",
    Effect.NO_LONGER_MANAGED: "is no longer managed",
    Effect.NOTHING: "{serves} stays",
}


def headline(outlook: Outlook) -> str:
    """Return what becomes of an endpoint, as a sentence without its full stop."""
    first = version(outlook.in_turn[0]) if outlook.in_turn else "another version"
    serves = version(outlook.serves[0]) if outlook.serves else "nothing"
    return _HEADLINES[outlook.effect].format(
        first=first,
        then="".join(f", then {version(each)}" for each in outlook.in_turn[1:]),
        serves=serves,
        what=_what(outlook, first, serves),
        how=f"; {_rollout(outlook.rollout, sum(outlook.instances.values()))}"
        if outlook.rollout is not None
        else "",
        group=outlook.group_name,
    )


def _what(outlook: Outlook, first: str, serves: str) -> str:
    if not outlook.keeps_version:
        return f"{serves} gives way to {first}"
    return f"{first} goes out once more" if outlook.restarts else f"{first} stays"


def _rollout(rollout: RolloutPlan, instances: int) -> str:
    waits = f", {duration(rollout.waits_seconds)} of waits" if rollout.waits_seconds else ""
    meanwhile = f", {instances} instances meanwhile" if instances else ""
    return f"{rollout.kind}{waits}{meanwhile}"


def _checks(outlook: Outlook, symbols: Symbols) -> Text:
    text = Text()
    for check in outlook.checks:
        sign, style = {True: (symbols.done, "good"), False: (symbols.bad, "bad"), None: ("?", "quiet")}[
            check.passed
        ]
        text.append(f"{check.name} ", style="quiet").append(sign, style=style).append("   ")
    text.rstrip()
    return text
