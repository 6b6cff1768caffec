"""What a run prints about itself."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from demo.timeline import Timeline


def timeline(*, terminal: bool = False, width: int = 120) -> tuple[Timeline, io.StringIO]:
    out = io.StringIO()
    console = Console(
        file=out, width=width, highlight=False, force_terminal=terminal, color_system="standard", _environ={}
    )
    return Timeline(console), out


def printed(shares: dict[str, int]) -> str:
    made, out = timeline()
    made.traffic(shares)
    return out.getvalue()


def test_a_bar_has_a_block_for_each_part_of_the_calls() -> None:
    line = printed({"version 2": 75, "version 4": 25})

    assert line.count("█") == 30
    assert line.count("▒") == 10
    assert "version 2 75 %" in line
    assert "version 4 25 %" in line


def test_one_version_with_all_calls_has_the_whole_bar() -> None:
    assert printed({"version 2": 100}).count("█") == 40


def test_only_the_time_of_a_line_is_dim() -> None:
    made, out = timeline(terminal=True)

    made.say("version 2 serves")

    text = Text.from_ansi(out.getvalue())
    dim = [text.plain[span.start : span.end] for span in text.spans if "dim" in str(span.style)]
    assert "".join(dim).strip() == "0.0s"


def test_a_long_line_goes_on_below_its_own_beginning() -> None:
    made, out = timeline(terminal=True, width=60)

    made.say("word " * 20)

    first, second, *_ = Text.from_ansi(out.getvalue()).plain.splitlines()
    assert second.index("word") == first.index("word")


def test_a_file_gets_each_line_whole() -> None:
    made, out = timeline(width=60)

    made.say("word " * 20)

    assert len(out.getvalue().splitlines()) == 1


def test_a_line_comes_after_what_others_did_before_it() -> None:
    made, out = timeline()
    made.catch_up = lambda: made.line("CreateModel", who="you", style="", at=datetime.now(UTC))

    made.say("done")

    first, second = out.getvalue().splitlines()
    assert ("CreateModel" in first, "done" in second) == (True, True)


def test_a_bar_shows_a_pause_on_a_terminal_and_leaves_nothing_in_a_file() -> None:
    for terminal in (True, False):
        made, out = timeline(terminal=terminal)
        with made.waiting("cdk deploy", about_seconds=10):
            pass
        assert ("cdk deploy" in out.getvalue()) is terminal


def test_the_end_tells_what_held_how_long_it_took_and_what_to_do_now() -> None:
    made, out = timeline()
    made.held("calls that failed", "0 of 20", "0")
    made.held("from reject to rollback", "0.6 s", "at most 20 s")

    made.summary(("make cloud", "keeps one running"))

    end = out.getvalue().split("What held")[1]
    assert "All 2 checks held. It took 0 s." in end
    assert "at most 20 s" in end
    assert "make cloud" in end
