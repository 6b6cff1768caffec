"""Decides when a watch is over, and how it ended; and watches. Time, reads and views come from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from deployer.decisions.plan import Deploy
from deployer.decisions.rollbacks import rollback_of
from deployer.model.attempt import AttemptStatus
from greenlight.errors import ExitCode
from greenlight.fleet.state import BAD, UNDER_WAY, State
from greenlight.words import first_sentence, version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deployer.decisions.course import Course
    from deployer.model.history import History
    from greenlight.fleet.state import Standing

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a watch ended.

    Attributes:
        code: The exit code.
        words: The same as a sentence.
    """

    code: ExitCode
    words: str


def at_rest(standings: Iterable[Standing]) -> Verdict | None:
    """Judge endpoints once all of them rest; None while one is under way."""
    found = list(standings)
    if any(each.state in UNDER_WAY for each in found):
        return None
    bad = [each.name for each in found if each.state in BAD]
    if bad:
        return Verdict(ExitCode.BAD_NEWS, f"At rest, and not well: {', '.join(bad)}.")
    return Verdict(ExitCode.FINE, "At rest.")


def has_work(course: Course) -> bool:
    """Tell whether a pass would begin something, as right after a decision that nobody has heard of yet."""
    return isinstance(course, Deploy) and course.refusal is None


def of_version(standing: Standing, history: History, number: int) -> Verdict | None:
    """Judge one version on an endpoint; None while it may still go live.

    Args:
        standing: How the endpoint stands.
        history: What the journal knows of it.
        number: The version.
    """
    wanted, serves, coming = version(number), standing.serves, standing.coming
    if standing.state in {State.ROLLOUT, State.ROLLING_BACK} and coming is not None:
        return None
    if serves is not None and serves.version == number:
        if standing.state is State.FAILED and coming is not None and coming.version == number:
            return Verdict(ExitCode.BAD_NEWS, f"{wanted} failed: {first_sentence(standing.why)}.")
        if standing.state is State.WAITING and coming is not None and coming.version == number:
            # It is to go out once more.
            return None
        return Verdict(ExitCode.FINE, f"{wanted} serves.")
    if standing.state in BAD and (coming is None or coming.version == number):
        return Verdict(ExitCode.BAD_NEWS, f"{wanted} does not serve: {first_sentence(standing.why)}.")
    approvals = [each for each in history.approvals if each.version == number and each.counts]
    ended = [each for each in history.deployments if each.version == number and not each.unsettled]
    if not approvals and ended and ended[0].status in {AttemptStatus.ABORTED, AttemptStatus.SUCCEEDED}:
        return Verdict(ExitCode.BAD_NEWS, f"{wanted} was taken back.")
    if serves is not None and rollback_of(history, serves.version_arn) is not None:
        return None
    if approvals and serves is not None and serves.approved_at > approvals[0].approved_at:
        words = f"{version(serves.version)} was approved later, and serves instead."
        return Verdict(ExitCode.BAD_NEWS, words)
    return None


def waited_for(standing: Standing, history: History | None = None, number: int | None = None) -> str:
    """Return what a watch waits for on an endpoint, as a sentence.

    Args:
        standing: How the endpoint stands.
        history: What the journal knows of it.
        number: The version that is watched, if one is.
    """
    approvals = history.approvals if history is not None else ()
    if number is not None and not any(each.version == number for each in approvals):
        return f"{version(number)} is not approved for {standing.name}, or its approval has not arrived yet."
    if standing.coming is not None and standing.state is State.ROLLOUT:
        return f"{standing.name}: {version(standing.coming.version)} is on its way."
    return f"{standing.name}: {first_sentence(standing.why or standing.state.value.replace('_', ' '))}."


class Watch(Generic[Read]):
    """Reads again and again until a verdict or the timeout.

    Args:
        read: Reads.
        judge: Judges what was read; None to go on.
        show: Shows what was read.
        seconds: A clock that never goes back.
        sleep: Waits.
        between: How many seconds lie between two reads.
        frame: How many seconds lie between two views: a bar goes on between reads.
    """

    def __init__(
        self,
        read: Callable[[], Read],
        judge: Callable[[Read], Verdict | None],
        show: Callable[[Read], None],
        *,
        seconds: Callable[[], float],
        sleep: Callable[[float], None],
        between: float,
        frame: float,
    ) -> None:
        self._read = read
        self._judge = judge
        self._show = show
        self._seconds = seconds
        self._sleep = sleep
        self._between = between
        self._frame = frame

    def run(self, timeout_seconds: float | None) -> tuple[Read, Verdict | None]:
        """Watch; return what was read last, and the verdict, or None after the timeout."""
        began = self._seconds()
        while True:
            read_at = self._seconds()
            found = self._read()
            self._show(found)
            verdict = self._judge(found)
            if verdict is not None:
                return found, verdict
            while (now := self._seconds()) < read_at + self._between:
                if timeout_seconds is not None and now >= began + timeout_seconds:
                    return found, None
                self._sleep(min(self._frame, read_at + self._between - now))
                self._show(found)
            if timeout_seconds is not None and self._seconds() >= began + timeout_seconds:
                return found, None
