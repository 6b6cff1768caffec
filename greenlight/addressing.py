"""Repeats in every hint whom the person asked: a command that is copied asks the same account and stack.

A verb's options such as `--stage` stand in its arguments. `run` notes them once, and output reads them.
"""

from __future__ import annotations

import re
import shlex
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OPTIONS: Final = ("--profile", "--region", "--stack", "--stage")
_HINT: Final = re.compile(
    r"\bgreenlight (adopt|approve|doctor|history|logs|pause|plan|reject|remove|restart|resume|retry|rollback"
    r"|status|version|watch|why)\b(?! --(profile|region|stack|stage))"
)
"""A command in a text, by a verb that takes the options."""

_given: ContextVar[str] = ContextVar("given", default="")


@contextmanager
def addressing(arguments: Sequence[str]) -> Iterator[None]:
    """Until the end, give hints the options that some arguments have."""
    token = _given.set(options_in(arguments))
    try:
        yield
    finally:
        _given.reset(token)


def options_in(arguments: Sequence[str]) -> str:
    """Return the options that say whom to ask, as typed; nothing of several stages, since a hint asks one."""
    found: dict[str, list[str]] = {}
    rest = iter(arguments)
    for argument in rest:
        name, sign, value = argument.partition("=")
        if name in _OPTIONS:
            found.setdefault(name, []).append(value if sign else next(rest, ""))
    if len(found.get("--stage", ())) > 1:
        return ""
    return "".join(f" {name} {shlex.quote(values[-1])}" for name, values in found.items())


def addressed(text: str) -> str:
    """Return a text whose commands have the options that the person gave."""
    given = _given.get()
    return _HINT.sub(lambda found: f"{found[0]}{given}", text) if given else text
