"""`python -m demo`: run the main job from end to end; exit non-zero at the first thing that is not right."""

from __future__ import annotations

import sys

from rich.console import Console

from demo.cdk import CdkError
from demo.scene import NotAsItShouldBeError
from demo.walkthrough import walk_through
from local_cloud.process import LocalCloudError


def main() -> int:
    """Run the walkthrough and return its exit code."""
    try:
        walk_through()
    except (CdkError, LocalCloudError, NotAsItShouldBeError) as error:
        Console(stderr=True, highlight=False).print(f"[bold red]Not as it should be.[/] {error}", markup=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
