"""Begin a demo with its option, and end it with exit code 0, or at the first failed check."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from rich.console import Console

from demo.cdk import CdkError
from demo.scene import NotAsItShouldBeError
from local_cloud.child_process import LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERRUPTED: Final = 130


def shows_reads(program: str, description: str) -> bool:
    """Read the command line: whether to show reads as well."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show reads and AWS's events as well as writes"
    )
    return bool(parser.parse_args().verbose)


def run(walk_through: Callable[[], None]) -> int:
    """Run a walkthrough and return its exit code."""
    errors = Console(stderr=True, highlight=False)
    try:
        walk_through()
    except (CdkError, LocalCloudError, NotAsItShouldBeError) as error:
        errors.print("[bold red]Not as it should be.[/]", str(error))
        return 1
    except KeyboardInterrupt:
        errors.print("Interrupted. Nothing is left running.")
        return _INTERRUPTED
    return 0
