"""Waits until SageMaker may take a throttled write, if the invocation has the time.

botocore repeats a throttled call a few times within seconds. When many endpoints deploy at once, that is not
enough. A failure would leave the work to Lambda's retries, which come after minutes and are few.

tests/simulation/storm.py showed that these waits keep the write limit busy and refused calls few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_TO_BEGIN_SECONDS: Final = 20.0
LONGEST_TO_FINISH_SECONDS: Final = 1.0
"""The longest waits before a deployment's first write, and before the others. A deployment that has begun
goes first: half of one serves nobody, and the next approval may outdate it."""

SECONDS_TO_FINISH: Final = 30.0
"""What an invocation needs after its last wait, to write and to note the result."""


class OutOfTimeError(Exception):
    """The invocation has no time left for the work; another one has."""


class TimeBudget:
    """The time that one invocation has left.

    Args:
        remaining_seconds: How long the invocation may still run.
        pause: Pauses for a random part of so many seconds, so that waiting invocations spread out.
    """

    def __init__(self, remaining_seconds: Callable[[], float], pause: Callable[[float], None]) -> None:
        self._remaining_seconds = remaining_seconds
        self._pause = pause

    def needs(self, seconds: float) -> None:
        """Make sure that the invocation may still run for some seconds.

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
