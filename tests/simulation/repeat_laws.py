"""What must hold of tests that are repeated in the bake: one class a law, whose docstring is the rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import PART_DETAIL_TYPE
from tests.simulation.bake_laws import leaves_untested, shows_bake
from tests.simulation.history_laws import TEST_TIME
from tests.simulation.laws import SETTLED, Law, last_query
from tests.simulation.world import ASIDE

if TYPE_CHECKING:
    from tests.simulation.laws import Facts, Rollout
    from tests.simulation.world import Call, Invocation, World

SLACK: Final = timedelta(seconds=20)
"""For the calls of a pass, and for an event that hands an endpoint over."""

SKEW: Final = timedelta(seconds=5)
"""More than the deployer's clock differs from AWS's."""


@dataclass(slots=True)
class Fading:
    """A version that has passed its test in the bake and answers badly by now.

    Attributes:
        rollout: Its rollout.
        item: Its attempt in the journal.
        due: When the journal must have the failure.
    """

    rollout: Rollout
    item: str
    due: datetime


class Law38RepeatedInTheBake(Law):
    """With `every_seconds`, a version that begins to fail its test in the bake is found out by the next test.

    - A version that passed in the bake and answers badly later has failed by the journal after the time
      between two tests and the time of one, if the bake lasts that long. Law 29 has it lose its calls within
      two minutes from there.
    - No call is made of a version that passed, unless its invocation last read that it bakes with all calls,
      and the journal has that invocation as the one that tests. So two invocations never repeat one test.
    - No invocation notes that a version is live while the journal has another one as the
      one that tests: its test began in the bake, and may be about to fail.
    - An invocation that reads such a bake, and reads in the journal that nobody repeats the test, claims it.
      So what an invocation left that died is taken up.

    The first rule excludes rollouts during which anything went wrong with an invocation, or a part of a sweep
    was late, and those whose settings, alarms or journal changed meanwhile. The others exclude invocations
    with a failed call or a stale read.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._fading: dict[str, Fading] = {}
        self._done: set[tuple[str, str]] = set()
        self._seen: dict[tuple[int, str], bool] = {}
        """Whether an invocation last read of an endpoint that it bakes."""
        self._left: list[tuple[Call, str]] = []
        self._before: dict[tuple[str, str], dict[str, Any]] = {}
        """Each attempt before its last change."""

    def check_call(self, call: Call) -> None:
        """Look at reads of endpoints, and at calls of tests."""
        if not self.world.schedule.every_seconds:
            return
        name = call.request.get("EndpointName", "")
        if call.operation == "DescribeEndpoint" and call.accepted:
            bakes = call.response["EndpointStatus"] == "Updating" and shows_bake(self.world, call.response)
            self._seen[id(call.invocation), name] = bakes
            if bakes and not call.stale:
                self._note_left(call, name)
        elif call.operation == "InvokeEndpoint":
            self._check_test(call, name)
        elif call.operation in {"PutItem", "UpdateItem"} and call.accepted:
            key = call.request.get("Key") or call.request["Item"]
            if key["item"]["S"].startswith("attempt#"):
                self._check_end(call, key["endpoint"]["S"], key["item"]["S"])

    def _check_end(self, call: Call, name: str, item: str) -> None:
        """Look whether a version counts as live while another invocation may be testing it."""
        attempt = self.world.journalled(name, item)
        before = self._before.get((name, item))
        self._before[name, item] = attempt
        if (
            before is not None
            and attempt["status"] == "succeeded"
            and before["status"] == "testing"
            and "test_passed_at" in before
            and "abort_asked_at" not in before
            and before["invocation_id"] != call.invocation.invocation_id
            and call.time < datetime.fromisoformat(before["lease_until"]) - SKEW
            and self._guard(call.invocation, name) is not None
        ):
            raise self.broken(f"{item} of {name} counts as live while {before['invocation_id']} tests it")

    def _check_test(self, call: Call, name: str) -> None:
        attempt = self.facts.unsettled(name)
        if (
            attempt is None
            or "test_passed_at" not in attempt
            or self.facts.recovered(name, call.invocation.started)
        ):
            return
        if not self._seen.get((id(call.invocation), name), False):
            raise self.broken(f"attempt {attempt['number']} of {name} is tested again outside of its bake")
        by = attempt["invocation_id"]
        if by != call.invocation.invocation_id and "abort_asked_at" not in attempt:
            raise self.broken(f"{call.invocation.name} tests {name} again, which is the turn of {by}")

    def _note_left(self, call: Call, name: str) -> None:
        """Note a bake whose test nobody repeats, and of which an invocation knows."""
        attempt, invocation = self.facts.unsettled(name), call.invocation
        if (
            attempt is None
            or attempt["action"] in ASIDE
            or "test_passed_at" not in attempt
            or "abort_asked_at" in attempt
            or self._guard(invocation, name) is None
            or self.facts.recovered(name, invocation.started)
        ):
            return
        asked = last_query(invocation, name)
        at = next((each.time for each in invocation.calls if each.number == asked), None)
        lease = datetime.fromisoformat(attempt["lease_until"])
        is_free = attempt["status"] == "accepted" or (at is not None and lease < at - SKEW)
        if at is not None and is_free and attempt["status"] in {"accepted", "testing"}:
            self._left.append((call, attempt["item"]))

    def check_change(self) -> None:
        """Look for versions that answer badly by now, and for those that nobody has found out in time."""
        if not self.world.schedule.every_seconds:
            return
        now = self.world.clock.now()
        for name, fading in list(self._fading.items()):
            attempt = self.world.journalled(name, fading.item)
            ended = fading.rollout.ended
            if (
                "failed_test" in attempt
                or "abort_asked_at" in attempt
                or attempt.get("status") in SETTLED
                or (ended is not None and ended <= fading.due)
                or self._was_hindered(fading)
            ):
                del self._fading[name]
            elif now > fading.due:
                raise self.broken(f"{name} answers badly in its bake since long, and no test says so")
        for rollout in self.facts.rollouts:
            if rollout.ended is None:
                self._note_fading(rollout, now)

    def _note_fading(self, rollout: Rollout, now: datetime) -> None:
        name = rollout.endpoint_name
        attempt = self.facts.unsettled(name)
        if (
            attempt is None
            or (name, attempt["item"]) in self._done
            or "test_passed_at" not in attempt
            or "failed_test" in attempt
            or int(attempt["number"]) != rollout.attempt
        ):
            return
        receiving = [spec for spec, _ in self.world.hosting.receiving(name)]
        if not receiving or any(
            each.endpoint_config_name != rollout.endpoint_config_name or not self.world.hosting.fails(each)
            for each in receiving
        ):
            return
        self._done.add((name, attempt["item"]))
        every = timedelta(seconds=self.world.schedule.every_seconds)
        self._fading[name] = Fading(rollout, attempt["item"], now + every + TEST_TIME + SLACK)

    def check_rest(self) -> None:
        """Look whether what was left was taken up."""
        for call, item in self._left:
            if leaves_untested(call, item):
                raise self.broken(
                    f"{call.invocation.name} sees a bake whose test nobody repeats, and leaves it"
                )

    def _was_hindered(self, fading: Fading) -> bool:
        since, name = fading.rollout.call.time, fading.rollout.endpoint_name
        if (
            self.facts.recovered(name, since)
            or self.world.people.last_done > since
            or any(each.event == PART_DETAIL_TYPE for each in self.world.schedule.event_faults)
        ):
            return True
        others = [*self.world.ended, *self.world.running.values()]
        return any(
            (each.faulty or each.problem is not None or any(call.stale for call in each.calls))
            for each in others
            if not each.calls or each.calls[-1].time >= since
        )

    def _guard(self, invocation: Invocation, name: str) -> str | None:
        """Return an endpoint's abort alarm by an invocation's settings, if these have the test repeated."""
        settings = invocation.settings.read(name)
        test = settings.smoke_test if settings is not None else None
        if settings is None or test is None or test.every_seconds is None:
            return None
        return settings.abort_alarm_name


REPEAT_LAWS: Final[tuple[type[Law], ...]] = (Law38RepeatedInTheBake,)
