"""Waits until SageMaker may take a throttled write, as long as the invocation has time for that.

botocore repeats a throttled call a few times within seconds. When many endpoints deploy at once that is not
enough, and failing would hand the work to Lambda's retries, which come after minutes and then no more.

The waits were chosen by the storm of tests/simulation/storm.py: they keep the write limit busy, and refused
calls few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_TO_BEGIN_SECONDS: Final = 30.0
LONGEST_TO_FINISH_SECONDS: Final = 1.0
"""The longest wait before the first write of a deployment, and before the others. Whoever has begun goes
first: what is half done serves nobody, and may be outdated by the next approval."""

SECONDS_TO_FINISH: Final = 30.0
"""What an invocation needs after its last wait: to write, and to note what became of it."""


class OutOfTimeError(Exception):
    """The invocation has no time left for what is to be done; another one has."""


class TimeBudget:
    """One invocation's.

    Args:
        remaining_seconds: How long the invocation may still run.
        pause: Pauses for a random part of so many seconds, so that waiting invocations spread out.
    """

    def __init__(self, remaining_seconds: Callable[[], float], pause: Callable[[float], None]) -> None:
        self._remaining_seconds = remaining_seconds
        self._pause = pause

    def needs(self, seconds: float) -> None:
        """Make sure that the invocation may still run for so long.

        Raises:
            OutOfTimeError: It may not.
        """
        if self._remaining_seconds() < seconds + SECONDS_TO_FINISH:
            raise OutOfTimeError

    def wait(self, longest_seconds: float) -> bool:
        """Wait before a write is tried again; return False if there is no time left."""
        if self._remaining_seconds() < longest_seconds + SECONDS_TO_FINISH:
            return False
        self._pause(longest_seconds)
        return True
