"""Owns sharing work out among processes that have everything that this one has made so far."""

from __future__ import annotations

import multiprocessing
import warnings
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")


def shared_out(do: Callable[[_Work], _Result], work: Sequence[_Work], jobs: int) -> list[_Result]:
    """Do each piece of work in one of some processes; return what came out, in the order of the work.

    What comes out is pickled. What the work leaves behind in memory is lost with its process.

    Raises:
        EOFError: A process ended before it was done.
    """
    forking = multiprocessing.get_context("fork")

    def some(first: int, answer: Connection) -> None:
        answer.send([do(piece) for piece in work[first::jobs]])

    started = []
    for first in range(jobs):
        receiver, sender = forking.Pipe(duplex=False)
        process = forking.Process(target=some, args=(first, sender))
        with warnings.catch_warnings():
            # Forking with threads is warned of. The only other one reads what CDK's runtime complains of.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        # The process has its own: without another, its end is seen here.
        sender.close()
        started.append((process, receiver))
    results: list[list[_Result]] = []
    for process, receiver in started:
        results.append(receiver.recv())
        process.join()
    return [results[number % jobs][number // jobs] for number in range(len(work))]
