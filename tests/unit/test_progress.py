"""A command that takes minutes shows its progress, on a terminal and in a log."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from tests.progress import progress


def test_a_log_has_a_line_for_each_tenth_with_the_time_that_is_left() -> None:
    log, seconds = StringIO(), iter(range(0, 500, 2))

    with progress("Scenarios", 40, Console(file=log, width=80), now=lambda: next(seconds)) as one_more:
        for _ in range(40):
            one_more()

    lines = log.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "Scenarios: 4 of 40, 18 s left"
    assert lines[-1] == "Scenarios: 40 of 40, 0 s left"


def test_a_terminal_has_a_bar() -> None:
    screen = StringIO()

    with progress("Scenarios", 2, Console(file=screen, force_terminal=True, width=80)) as one_more:
        one_more()
        assert "1/2" in screen.getvalue()
        one_more()

    assert "2/2" in screen.getvalue()
