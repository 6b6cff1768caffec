"""Views as text: what a terminal of some width shows, compared with a file.

`GREENLIGHT_SNAPSHOTS=write pytest tests/unit/greenlight` writes the files again; look at the difference.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from greenlight.output import THEME

if TYPE_CHECKING:
    from rich.console import RenderableType

DIRECTORY = Path(__file__).parent / "snapshots"


def rendered(view: RenderableType, width: int) -> str:
    """Return what a terminal of this width shows."""
    file = io.StringIO()
    console = Console(
        file=file, theme=THEME, width=width, highlight=False, markup=False, emoji=False, color_system=None
    )
    console.print(view, crop=False)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def check(name: str, view: RenderableType, *widths: int) -> None:
    """Compare a view at some widths with its files."""
    for width in widths:
        shown, path = rendered(view, width), DIRECTORY / f"{name}-{width}.txt"
        lines = [line for line in shown.splitlines() if not line.startswith(("  greenlight ", "      aws "))]
        assert max(map(len, lines)) <= width
        if os.environ.get("GREENLIGHT_SNAPSHOTS") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(shown, encoding="utf-8")
        assert shown == path.read_text(encoding="utf-8"), path.name
