"""Finds the last exception in a container's log: Python's, Java's, or a plain line that names an error. Pure.

A container may log anything, secrets too. So the words are one line of printable characters, and short.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST: Final = 300
LONGEST_LINE: Final = 4096
"""What of a line is looked at. Its end is where an exception's text is cut."""

_COLOUR: Final = re.compile(r"\x1b\[[\d;]{0,16}[A-Za-z]")
"""A terminal's escape sequence, as loggers write it for colours."""

_EXCEPTION: Final = re.compile(
    r"(?:^|(?<=[\s>\]|:-]))(?P<told>(?:[A-Za-z_][\w$]*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b(?::\s.*|\s*)$)"
)
"""The line that ends a traceback, or begins a stack trace, behind any prefix of a logger."""

_PYTHON_FRAME: Final = re.compile(r'File "(?P<file>[^"]{1,512})", line (?P<line>\d{1,7})')
_JAVA_FRAME: Final = re.compile(
    r"\bat [\w$.<>/]{1,256}\((?P<file>[\w$]{1,128}\.\w{1,10}):(?P<line>\d{1,7})\)"
)
_PLAIN: Final = re.compile(
    r"\b(?:error|fatal|panic|failed|cannot|out of memory|killed|no such file|segmentation fault|"
    r"permission denied)\b",
    re.IGNORECASE,
)
_FRAMES_NEARBY: Final = 12
"""How many lines of a traceback or a stack trace are looked at for the place."""


def last_words(lines: Sequence[str]) -> str | None:
    """Return the last exception of a log as one line, with its place if the log has it; None without any.

    Args:
        lines: The log's lines, the oldest first.
    """
    shown = [_COLOUR.sub("", line[:LONGEST_LINE]).rstrip() for line in lines]
    for index in range(len(shown) - 1, -1, -1):
        if found := _EXCEPTION.search(shown[index]):
            return _bounded(found["told"], _place(shown, index))
    plain = next((line for line in reversed(shown) if _PLAIN.search(line)), None)
    return _bounded(plain, "") if plain is not None else None


def _place(lines: Sequence[str], index: int) -> str:
    """Return where an exception was raised: Python says so in the lines before, Java in those after it."""
    before = lines[max(0, index - _FRAMES_NEARBY) : index]
    after = lines[index + 1 : index + 1 + _FRAMES_NEARBY]
    python = next((found for each in reversed(before) if (found := _PYTHON_FRAME.search(each))), None)
    if python is not None:
        file = "/".join(python["file"].split("/")[-2:])
        return f" ({file}:{python['line']})"
    java = next((found for each in after if (found := _JAVA_FRAME.search(each))), None)
    return f" ({java['file']}:{java['line']})" if java is not None else ""


def _bounded(text: str, place: str) -> str | None:
    printable = "".join(each if each.isprintable() else " " for each in text)
    told = " ".join(printable.split())
    room = LONGEST - len(place)
    cut = told if len(told) <= room else f"{told[: room - 1]}…"
    plain_place = "".join(each if each.isprintable() else "?" for each in place)
    return f"{cut}{plain_place}" if cut else None
