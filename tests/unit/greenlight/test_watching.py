"""When a watch is over, how it ended, and how often it reads."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from deployer.model.attempt import AttemptStatus
from deployer.model.rollback import Rollback
from greenlight.errors import ExitCode
from greenlight.fleet.progress import Progress, Stage
from greenlight.fleet.state import Standing, State, standing_of
from greenlight.output import Output
from greenlight.watching import Verdict, Watch, at_rest, has_work, of_version, waited_for
from greenlight.watching_view import Shown
from tests.unit.deployer.builders import NOW, approval, deployment, history_of, minutes
from tests.unit.greenlight.fakes import served
from tests.unit.greenlight.test_fleet_state import SERVES, failed, seen
from tests.unit.greenlight.test_why import previews_of, serving, settings_of


def judged(number: int, **changes: Any) -> tuple[ExitCode, str] | None:
    found = seen(**changes)
    verdict = of_version(standing_of(found, NOW), found.history, number)
    return (verdict.code, verdict.words) if verdict is not None else None


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([State.IN_SYNC, State.EMPTY, State.UNMANAGED, State.HELD], ExitCode.FINE),
        ([State.IN_SYNC, State.FAILED], ExitCode.BAD_NEWS),
        ([State.ATTENTION], ExitCode.BAD_NEWS),
        ([State.FAILED, State.ROLLOUT], None),
        ([State.ROLLING_BACK], None),
        ([State.WAITING], None),
    ],
)
def test_a_fleet_is_watched_until_all_of_it_rests(states: list[State], code: ExitCode | None) -> None:
    verdict = at_rest(Standing(f"endpoint-{each.value}", each) for each in states)

    assert (verdict.code if verdict is not None else None) is code


def test_right_after_a_decision_an_endpoint_has_work_before_the_deployer_hears_of_it() -> None:
    pipeline = serving()
    settings, previews = settings_of(pipeline), previews_of(pipeline)
    rests = has_work(previews.of(settings).course)

    pipeline.approve(pipeline.register())

    assert (rests, has_work(previews.of(settings).course)) == (False, True)


def test_a_version_that_serves_is_fine() -> None:
    assert judged(1) == (ExitCode.FINE, "v1 serves.")


def test_a_version_that_is_not_approved_yet_is_waited_for() -> None:
    assert judged(2) is None
    assert waited_for(standing_of(seen(), NOW), seen().history, 2).startswith("v2 is not approved for churn")


def test_a_version_that_rolls_out_is_waited_for() -> None:
    coming = deployment(2, number=2, status=AttemptStatus.ACCEPTED)
    history = history_of([coming, SERVES], [approval(2), approval(1, SERVES.approved_at)])

    assert judged(2, history=history, status="Updating") is None
    found = seen(history=history, status="Updating")
    assert waited_for(standing_of(found, NOW), found.history, 2) == "churn: v2 is on its way."


def test_a_version_that_failed_is_bad_news() -> None:
    history = history_of([failed(), SERVES], [approval(3, minutes(-5)), approval(1, SERVES.approved_at)])

    assert judged(3, history=history) == (ExitCode.BAD_NEWS, "v3 does not serve: It did not answer.")


def test_a_version_that_was_rejected_in_its_rollout_is_bad_news() -> None:
    aborted = deployment(2, number=2, status=AttemptStatus.ABORTED, settled_at=minutes(-1))

    assert judged(2, history=history_of([aborted, SERVES], [approval(1, SERVES.approved_at)])) == (
        ExitCode.BAD_NEWS,
        "v2 was taken back.",
    )


def test_a_version_in_whose_place_a_newer_one_serves_is_bad_news() -> None:
    history = history_of([served(3, minutes_ago=2)], [approval(3, minutes(-4)), approval(2, minutes(-9))])
    serving = history.deployments[0].endpoint_config_name

    assert judged(2, history=history, serving_config=serving) == (
        ExitCode.BAD_NEWS,
        "v3 was approved later, and serves instead.",
    )


def test_a_version_is_waited_for_that_a_rollback_brings_back() -> None:
    """Right after the rollback the later version serves still, and its approval does not count any more."""
    left = replace(approval(3, minutes(-4)), rollback=Rollback(minutes(-1), "ada", "slow", 2))
    history = history_of([served(3, minutes_ago=2)], [left, approval(2, minutes(-9))])
    serving_config = history.deployments[0].endpoint_config_name

    assert judged(2, history=history, serving_config=serving_config) is None


@dataclass
class Clock:
    """A clock that goes on by sleeping, and by reading."""

    now: float = 0.0
    reads: list[float] = field(default_factory=list)
    shows: int = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def read(self) -> int:
        self.reads.append(self.now)
        self.now += 0.25
        return len(self.reads)

    def show(self, _found: int) -> None:
        self.shows += 1

    def watch(self, over_after: int | None) -> Watch[int]:
        fine = Verdict(ExitCode.FINE, "At rest.")
        return Watch(
            self.read,
            lambda count: fine if count == over_after else None,
            self.show,
            seconds=lambda: self.now,
            sleep=self.sleep,
            between=2,
            frame=0.5,
        )


def test_a_watch_reads_at_its_pace_and_draws_in_between() -> None:
    clock = Clock()

    found, verdict = clock.watch(over_after=4).run(None)

    assert (found, verdict and verdict.code) == (4, ExitCode.FINE)
    assert clock.reads == [0, 2, 4, 6]
    assert clock.shows > 12


def test_a_watch_gives_up_when_its_time_is_up() -> None:
    clock = Clock()

    found, verdict = clock.watch(over_after=None).run(5)

    assert (found, verdict) == (3, None)
    assert 5 <= clock.now < 6


def test_without_a_terminal_each_change_is_one_line() -> None:
    file = io.StringIO()
    output = Output(file=file)
    baking = Progress(Stage.BAKING, "canary", 25, minutes(-1), 600)
    rollout = Standing("churn", State.ROLLOUT, progress=baking)
    rest = Standing("churn", State.IN_SYNC)

    with Shown[list[Standing]](output, lambda _: "", lambda found: found) as shown:
        for each in (rollout, rollout, rest):
            shown.show([each])

    lines = file.getvalue().splitlines()
    assert [line[10:] for line in lines][1:] == ["churn  -  ● in sync"]
    assert "canary 25 %" in lines[0]


def test_json_is_written_at_the_end_and_not_before() -> None:
    file = io.StringIO()

    with Shown[list[Standing]](Output(as_json=True, file=file), lambda _: "", lambda found: found) as shown:
        shown.show([Standing("churn", State.IN_SYNC)])

    assert file.getvalue() == ""
