"""Writes what `make scale` measured into docs/benchmarks.md, with a plot.

Owns the page's marked part and the picture. The picture is plain SVG: three lines need no library.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulation.scale import IN_SYNC, ONE_APPROVAL, SOME_CHANGED, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.simulation.scale import Measured

PUBLISHED: Final = 10_000
"""From this size on the pages are written; a smaller measurement is only printed."""

_DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = _DOCS / "benchmarks.md"
PLOT: Final = _DOCS / "generated" / "scale.svg"

_MARKED: Final = re.compile(r"(?<=<!-- scale -->\n).*(?=<!-- end of scale -->)", re.DOTALL)
_WIDTH, _HEIGHT = 260, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 24, 60, 24
_COLOURS: Final = ("#1b6ca8", "#c0392b", "#27864a")
_INK: Final = "#777777"
"""Readable on a white page and on a dark one."""


def write(measured: Sequence[Measured]) -> None:
    """Write the table and the plot."""
    PLOT.write_text(plot(measured), encoding="utf-8")
    PAGE.write_text(with_numbers(PAGE.read_text(encoding="utf-8"), measured), encoding="utf-8")


def with_numbers(page: str, measured: Sequence[Measured]) -> str:
    """Return the page with these numbers between its marks.

    Raises:
        ValueError: It has no such marks.
    """
    picture = f"![Calls, seconds and memory against the number of endpoints](generated/{PLOT.name})"
    changed, count = _MARKED.subn(lambda _: f"{table(measured)}\n\n{picture}\n", page)
    if count != 1:
        raise ValueError(f"{PAGE.name} has to have the marks <!-- scale --> and <!-- end of scale --> once")
    return changed


def plot(measured: Sequence[Measured]) -> str:
    """Return an SVG of calls, seconds and memory against the number of endpoints, all logarithmic."""
    sizes = [each.endpoints for each in measured]
    whats = (IN_SYNC, SOME_CHANGED, ONE_APPROVAL)
    panels: tuple[tuple[str, Mapping[str, Sequence[float]]], ...] = (
        ("calls of AWS", {name: [each.costs[name].total for each in measured] for name in whats}),
        (
            "seconds of this machine",
            {
                "to set it up": [each.set_up_seconds for each in measured],
                IN_SYNC: [each.costs[IN_SYNC].seconds for each in measured],
            },
        ),
        ("memory in MB", {"the whole process": [each.peak_megabytes for each in measured]}),
    )
    drawn = "".join(
        f'<g transform="translate({number * _WIDTH},0)">{_panel(title, sizes, lines)}</g>'
        for number, (title, lines) in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(panels) * _WIDTH} {_HEIGHT}" '
        f'font-family="sans-serif" font-size="10" fill="{_INK}">{drawn}</svg>\n'
    )


def _panel(title: str, sizes: Sequence[int], lines: Mapping[str, Sequence[float]]) -> str:
    low, high = _decades([value for line in lines.values() for value in line])
    left, right = _decades(sizes)

    def at(size: float, value: float) -> tuple[float, float]:
        across = (math.log10(size) - left) / (right - left)
        up = (math.log10(max(value, 10.0**low)) - low) / (high - low)
        return (
            round(_LEFT + across * (_WIDTH - _LEFT - _RIGHT), 1),
            round(_HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM), 1),
        )

    parts = [f'<text x="{_LEFT}" y="14" font-weight="bold">{title}</text>']
    for decade in range(low, high + 1):
        x, y = at(10.0**left, 10.0**decade)
        parts.append(
            f'<path d="M{x} {y}H{_WIDTH - _RIGHT}" stroke="{_INK}" stroke-width="0.3"/>'
            f'<text x="{x - 4}" y="{y + 3}" text-anchor="end">{_label(decade)}</text>'
        )
    for decade in range(left, right + 1):
        x, y = at(10.0**decade, 10.0**low)
        parts.append(f'<text x="{x}" y="{y + 14}" text-anchor="middle">{_label(decade)}</text>')
    for number, (name, values) in enumerate(lines.items()):
        points = " ".join(f"{x},{y}" for x, y in (at(*each) for each in zip(sizes, values, strict=True)))
        colour = _COLOURS[number]
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
            f'<text x="{_LEFT}" y="{26 + 11 * number}" fill="{colour}">{name}</text>'
        )
    return "".join(parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten that hold all values between them."""
    low = math.floor(math.log10(max(min(values), 0.01)))
    return low, max(math.ceil(math.log10(max(values))), low + 1)


def _label(decade: int) -> str:
    return f"{10**decade:,}" if decade >= 0 else f"{10.0**decade:g}"
