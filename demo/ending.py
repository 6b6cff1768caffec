"""End a demo with exit code 0, or at the first failed check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from demo.cdk import CdkError
from demo.scene import NotAsItShouldBeError
from local_cloud.child_process import LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Callable


def run(walk_through: Callable[[], None]) -> int:
    """Run a walkthrough and return its exit code."""
    try:
        walk_through()
    except (CdkError, LocalCloudError, NotAsItShouldBeError) as error:
        Console(stderr=True, highlight=False).print("[bold red]Not as it should be.[/]", str(error))
        return 1
    return 0
