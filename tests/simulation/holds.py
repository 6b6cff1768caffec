"""What holds rollouts back in a world: pauses that people write into the journal, and freeze windows.

Owns what people did, and when. It judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import ALL_ENDPOINTS, PAUSES
from infra.settings.compiling.stored_freeze import stored_window
from infra.settings.keys.freeze_windows import FreezeWindow

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.simulation.sites import Site
    from tests.simulation.world import Call, World

_PAUSE_MINUTES: Final = (None, None, 1, 10, 45, 300)
_WINDOW_HOURS: Final = (0.1, 0.5, 3.0, 12.0)
_MALFORMED: Final = 9


@dataclass(slots=True)
class Held:
    """A time in which nothing new may go out.

    Attributes:
        site: In whose account.
        endpoint_name: The endpoint; None for all of that account.
        after: The number of the last call before it began.
        began: When it began.
        until: When it ends by itself; None if it does not.
        is_window: Whether it is a window of the settings, which an invocation has from its beginning.
        ended_after: The number of the last call before somebody ended it; None if nobody did.
    """

    site: Site
    endpoint_name: str | None
    after: int
    began: datetime
    until: datetime | None
    is_window: bool = False
    ended_after: int | None = None

    def could_be_read_at(self, call: Call, endpoint_name: str) -> bool:
        """Tell whether an invocation that reads what holds an endpoint back at this call finds this."""
        return (
            call.invocation.site is self.site
            and self.endpoint_name in {None, endpoint_name}
            and self.after < call.number
            and (self.ended_after is None or call.number <= self.ended_after)
            and (self.until is None or call.time < self.until)
            and (not self.is_window or self.began < call.invocation.started)
        )


@dataclass(slots=True)
class Holds:
    """Everything that ever held rollouts back in a world."""

    world: World
    all: list[Held] = field(default_factory=list)
    windows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The present settings of endpoints with a window."""

    def pause(self, endpoint: str, how: int) -> None:
        """Pause an endpoint, or all of them, by a record that may be malformed."""
        item = ALL_ENDPOINTS if how % 2 else endpoint
        minutes, now = _PAUSE_MINUTES[how % len(_PAUSE_MINUTES)], self.world.clock.now()
        until = now + timedelta(minutes=minutes) if minutes is not None else None
        written: dict[str, Any] = {"reason": {"S": f"pause {how}"}, "by": {"S": "ada"}}
        if until is not None:
            written["until"] = {"S": until.isoformat()}
        if how == _MALFORMED:
            until, written = None, {"reason": {"N": "7"}, "until": {"S": "soon"}}
        self.end_pause(endpoint, how)
        key = {"endpoint": {"S": PAUSES}, "item": {"S": item}}
        site = self.world.site_of(endpoint)
        site.memory.table.put_item({"TableName": "journal", "Item": {**key, **written}})
        self.all.append(Held(site, None if how % 2 else endpoint, self._number, now, until))
        self.world.tell("ada", "pauses", f"{item} until {until}")

    def end_pause(self, endpoint: str, how: int) -> None:
        """Remove the pause of an endpoint, or that of all."""
        name = None if how % 2 else endpoint
        site = self.world.site_of(endpoint)
        table = site.memory.table
        table.restore(
            PAUSES,
            {
                key: item
                for key, item in table.partitions.get(PAUSES, {}).items()
                if key != (name or ALL_ENDPOINTS)
            },
        )
        self._end(lambda each: each.site is site and not each.is_window and each.endpoint_name == name)
        self.world.tell("ada", "ends a pause", name or ALL_ENDPOINTS)

    def end_pauses(self) -> None:
        """Remove every pause, or lose them with the journal."""
        for site in self.world.sites:
            site.memory.table.restore(PAUSES, {})
        self._end(lambda each: not each.is_window)

    def freeze(self, endpoint: str, how: int) -> None:
        """Let the next settings of an endpoint have a window that begins now, or none."""
        now = self.world.clock.now()
        self._end(lambda each: each.is_window and each.endpoint_name == endpoint)
        self.windows.pop(endpoint, None)
        if how >= len(_WINDOW_HOURS):
            return
        start = now.replace(microsecond=0)
        hours = _WINDOW_HOURS[how]
        keys = FreezeWindow(
            reason=f"window {how}", start=f"{start:%Y-%m-%dT%H:%M:%S}", duration_hours=hours, timezone="UTC"
        )
        self.windows[endpoint] = {"Freeze": [stored_window(keys)]}
        until = start + timedelta(hours=hours)
        self.all.append(
            Held(self.world.site_of(endpoint), endpoint, self._number, now, until, is_window=True)
        )

    def roll_back(self, endpoint: str, document: dict[str, Any]) -> None:
        """Note that older settings are deployed, which may lack the window."""
        if document.get("Freeze") != self.windows.get(endpoint, {}).get("Freeze"):
            self._end(lambda each: each.is_window and each.endpoint_name == endpoint)

    @property
    def _number(self) -> int:
        return self.world.calls[-1].number if self.world.calls else 0

    def _end(self, is_over: Callable[[Held], bool]) -> None:
        for each in self.all:
            if is_over(each) and each.ended_after is None:
                each.ended_after = self._number
