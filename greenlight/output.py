"""Owns how the command writes: views on a terminal, plain text elsewhere, and JSON for scripts."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from greenlight.addressing import addressed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from rich.console import ConsoleOptions, RenderableType, RenderResult

    from greenlight.errors import CommandError

THEME: Final = Theme(
    {
        "head": "dim",
        "good": "green",
        "bad": "red",
        "busy": "cyan",
        "held": "yellow",
        "quiet": "dim",
        "name": "bold",
    },
    inherit=False,
)

_UNCUT: Final = 400
"""How wide a line may be where no terminal limits it: a pipe or a file gets whole sentences."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """The signs of views; ASCII where the output cannot take others."""

    good: str = "●"
    busy: str = "◐"
    bad: str = "✗"
    held: str = "‖"
    attention: str = "!"
    unmanaged: str = "○"
    done: str = "✓"
    back: str = "↩"
    arrow: str = "→"
    filled: str = "█"
    empty: str = "░"
    dash: str = "-"


ASCII: Final = Symbols("*", "~", "x", "=", "!", "o", "+", "<", "->", "#", ".")


def symbols_for(encoding: str) -> Symbols:
    """Return the signs that an encoding can take."""
    try:
        Symbols().busy.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return ASCII
    return Symbols()


class Output:
    """Where a verb's answer goes.

    Args:
        as_json: Whether it is JSON.
        file: The file; standard output by default.
    """

    def __init__(self, *, as_json: bool = False, file: TextIO | None = None) -> None:
        self.as_json = as_json
        self.console = console(file or sys.stdout)

    @property
    def symbols(self) -> Symbols:
        """The signs of its views."""
        return symbols_for(self.console.encoding)

    @property
    def is_live(self) -> bool:
        """Whether somebody looks at a terminal."""
        return self.console.is_terminal and not self.as_json

    def tell(self, document: Mapping[str, Any], view: Callable[[Symbols], RenderableType]) -> None:
        """Write an answer: its document as JSON, or its view."""
        if self.as_json:
            self.write_json(document)
        else:
            self.write(view(self.symbols))

    def write(self, view: RenderableType) -> None:
        """Write a view. It fits the width, but for a command to copy. In files, no line ends with spaces."""
        if self.console.is_terminal:
            self.console.print(_Addressed(view), crop=False)
            return
        with self.console.capture() as captured:
            self.console.print(_Addressed(view), crop=False)
        lines = captured.get().splitlines()
        self.console.file.write("".join(f"{line.rstrip()}\n" for line in lines))

    def write_json(self, document: Mapping[str, Any]) -> None:
        """Write a document as JSON, uncoloured and uncut."""
        self.console.file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


@dataclass(frozen=True, slots=True)
class _Addressed:
    """A view whose hints name the account and stack that the person asked."""

    view: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        view = Text(self.view) if isinstance(self.view, str) else self.view
        for segment in console.render(view, options):
            yield Segment(addressed(segment.text), segment.style, segment.control)


def console(file: TextIO) -> Console:
    """Return a console for a file: Rich itself respects NO_COLOR, FORCE_COLOR, COLUMNS and dumb terminals."""
    made = Console(file=file, theme=THEME, highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _UNCUT
    return made


def tell_error(error: CommandError, *, as_json: bool = False, file: TextIO | None = None) -> None:
    """Write an error to standard error: three lines, or a document."""
    out = Output(as_json=as_json, file=file or sys.stderr)
    if as_json:
        out.write_json(error.document())
        return
    for line in error_lines(error, out.symbols):
        out.console.print(line, soft_wrap=True)


def error_lines(error: CommandError, symbols: Symbols) -> list[Text]:
    """Return an error's three lines."""
    lines = ((f"{symbols.bad} ", error.fact), ("  Why   ", error.cause), ("  Next  ", error.next_step))
    return [
        Text(label, style="bad" if text is error.fact else "quiet").append(
            addressed(text), style="name" if text is error.fact else ""
        )
        for label, text in lines
    ]
