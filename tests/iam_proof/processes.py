"""Owns sharing work out among processes that have everything that this one has made so far."""

from __future__ import annotations

import multiprocessing
import warnings
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")


def shared_out(
    do: Callable[[_Work], _Result],
    work: Sequence[_Work],
    jobs: int,
    after_each: Callable[[], None] = lambda: None,
) -> list[_Result]:
    """Do each piece of work in one of several processes; return the results in the order of the work.

    Results are pickled. Other effects of the work end with its process. `after_each` is called in this
    process after each piece.

    Raises:
        EOFError: A process ended before its work was done.
    """
    forking = multiprocessing.get_context("fork")

    def some(first: int, answer: Connection) -> None:
        for piece in work[first::jobs]:
            answer.send(do(piece))

    started = {}
    for first in range(min(jobs, len(work))):
        receiver, sender = forking.Pipe(duplex=False)
        process = forking.Process(target=some, args=(first, sender))
        with warnings.catch_warnings():
            # Forking with threads is warned of. The only other one reads what CDK's runtime complains of.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        # The process has its own: without another, its end is seen here.
        sender.close()
        started[receiver] = (process, iter(range(first, len(work), jobs)))
    results: dict[int, _Result] = {}
    waiting = list(started)
    while waiting:
        ready = wait(waiting)
        for receiver in [each for each in waiting if each in ready]:
            process, numbers = started[receiver]
            number = next(numbers)
            results[number] = receiver.recv()
            after_each()
            if number + jobs >= len(work):
                process.join()
                waiting.remove(receiver)
    return [results[number] for number in range(len(work))]
