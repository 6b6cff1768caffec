"""Draws what the command shows, for the docs: `python -m tests.pictures`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.pictures.scenes import SCENES, drawn

DIRECTORY = Path(__file__).parents[2] / "docs" / "generated"


def main() -> int:
    """Write a picture for each scene."""
    for name in SCENES:
        path = DIRECTORY / f"command-{name}.svg"
        path.write_text(drawn(name), encoding="utf-8")
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
