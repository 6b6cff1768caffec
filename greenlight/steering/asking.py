"""Asks before something goes live, and says what is known if somebody interrupts."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from greenlight.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator


def ask(question: str, *, yes: bool) -> None:
    """Ask a question on the terminal, on standard error; do nothing with `yes`.

    Raises:
        CommandError: The answer is no, or nobody can be asked.
    """
    demand_somebody(question, answered=yes)
    if not agrees(question, yes=yes):
        raise CommandError(
            "Nothing was changed.", "You said no.", "Start it again when you like.", code=ExitCode.BAD_NEWS
        )


def demand_somebody(question: str, *, answered: bool, beforehand: str = "--yes") -> None:
    """Do nothing if a question is answered already, or somebody is there to answer it.

    Raises:
        CommandError: Nobody can be asked.
    """
    if not answered and not sys.stdin.isatty():
        raise CommandError(
            "Nobody can be asked here.",
            f"Standard input is no terminal. The question is: {question}",
            f"Answer beforehand: {beforehand}",
        )


def agrees(question: str, *, yes: bool) -> bool:
    """Ask a question on the terminal, on standard error; return True with `yes`."""
    return yes or typer.confirm(question, err=True)


@contextmanager
def one_call(what: str, look: str) -> Iterator[None]:
    """Make the one call that changes something.

    Raises:
        CommandError: Somebody interrupted it: it may or may not have been made.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise CommandError(
            "Interrupted.",
            f"It is not known whether AWS took the call to {what}: it is one call, made or not.",
            f"See: {look}",
            code=ExitCode.INTERRUPTED,
        ) from None
