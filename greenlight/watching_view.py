"""Shows what a watch reads: live on a terminal, elsewhere a line for each change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rich.live import Live

from greenlight.fleet.view import Scene, serves, share, state

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import RenderableType

    from greenlight.fleet.state import Standing
    from greenlight.output import Output

Read = TypeVar("Read")


class Shown(Generic[Read]):
    """Where a watch is shown.

    Args:
        output: The output.
        view: Returns the view of what was read.
        standings: Returns how the endpoints stand that were read.
    """

    def __init__(
        self,
        output: Output,
        view: Callable[[Read], RenderableType],
        standings: Callable[[Read], list[Standing]],
    ) -> None:
        self._output = output
        self._view = view
        self._standings = standings
        self._told: dict[str, Any] = {}
        self._live = Live(console=output.console, auto_refresh=False, vertical_overflow="ellipsis")

    def __enter__(self) -> Shown[Read]:
        """Take the terminal, if there is one."""
        if self._output.is_live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the terminal back, with the last view on it."""
        if self._output.is_live:
            self._live.stop()

    def show(self, found: Read) -> None:
        """Show what was read."""
        if self._output.as_json:
            return
        if self._output.is_live:
            self._live.update(self._view(found), refresh=True)
            return
        now = datetime.now(UTC)
        scene = Scene(now, None, self._output.symbols)
        for each in self._standings(found):
            if self._told.get(each.name) != (key := change_of(each)):
                self._told[each.name] = key
                self._output.write(line(each, scene))
        self._output.console.file.flush()


def change_of(each: Standing) -> tuple[object, ...]:
    """Return what has to differ for another line: not the seconds of a bar."""
    progress = each.progress
    return (
        each.state,
        each.serves.version if each.serves is not None else None,
        each.coming.version if each.coming is not None else None,
        each.why,
        (progress.stage, progress.share_percent) if progress is not None else None,
    )


def line(each: Standing, scene: Scene) -> str:
    """Return a line about one endpoint."""
    part = f"  {share(each.progress)}" if each.progress is not None else ""
    words = state(each, scene, roomy=True).plain
    at = scene.now.astimezone(scene.zone)
    return f"{at:%H:%M:%S}  {each.name}  {serves(each, scene.symbols)}{part}  {words}"
