"""The demo's traffic bar says who gets how many of the calls, with and without colours."""

from __future__ import annotations

import io

from rich.console import Console

from demo.timeline import Timeline


def printed(shares: dict[str, int]) -> str:
    out = io.StringIO()
    Timeline(Console(file=out, width=120, highlight=False)).traffic(shares)
    return out.getvalue()


def test_a_bar_has_a_block_for_each_part_of_the_calls() -> None:
    line = printed({"version 2": 75, "version 4": 25})

    assert line.count("█") == 30
    assert line.count("▒") == 10
    assert "version 2 75 %" in line
    assert "version 4 25 %" in line


def test_one_version_with_all_calls_has_the_whole_bar() -> None:
    assert printed({"version 2": 100}).count("█") == 40
