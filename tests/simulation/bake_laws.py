"""What must hold of smoke tests in the bake: one class a law, whose docstring is the rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from local_cloud.sagemaker.switch_settings import PendingVariantStatus
from tests.simulation.alarm_laws import EFFECT
from tests.simulation.laws import SETTLED, Law, alarms_of, last_query, repeats_test
from tests.simulation.people import abort_alarm
from tests.simulation.schedule import FaultKind, RolloutKind
from tests.simulation.world import ASIDE

if TYPE_CHECKING:
    from datetime import datetime

    from tests.simulation.laws import Facts, Rollout
    from tests.simulation.world import Call, Invocation, World


@dataclass(frozen=True, slots=True)
class Shown:
    """A bake with all calls that DescribeEndpoint showed to an invocation.

    Attributes:
        call: The answer.
        endpoint_name: The endpoint.
        item: The attempt's in the journal.
    """

    call: Call
    endpoint_name: str
    item: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A version that failed its smoke test in the bake.

    Attributes:
        rollout: The rollout that was to end.
        noted_at: When that was noted.
        by: Who noted it, and was to abort the rollout.
    """

    rollout: Rollout
    noted_at: datetime
    by: Invocation


class Law29TestedInTheBake(Law):
    """Calls to a version that fails its smoke test end with the test in the bake, plus one rollback.

    - Once all calls are on the new fleet and the old one waits, an invocation that is shown so claims the
      test, if nobody has. It is shown so if SageMaker shows the variants' statuses, and for canary and linear
      updates also their messages. The abort alarm must guard the update, and the version must not have served
      well with this config.
    - An invocation that the event of such a bake brings, and that reads an earlier stage of the update, reads
      again.
    - Two minutes after the journal has the failure, callers do not reach the version any more, unless its
      rollout was over by then. Then law 27 has it go back.
    - No call of a test is made while the invocation last read that an update is under way and callers reached
      another config: the answer would be another version's.
    - What passed in the bake is not tested again, unless the settings have the test repeated. Law 38 says
      where it may be.

    The law excludes invocations with a failed or denied call or a stale read, journals that were lost
    meanwhile, and alarms that a person took away. An invocation that read the journal before the update was
    accepted need not claim the test, nor must one whose settings have no abort alarm or no test.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._shown: list[Shown] = []
        self._old: list[Shown] = []
        """Reads that were older than the bake."""
        self._failed: dict[tuple[str, str], Failed] = {}
        self._accepted: dict[tuple[str, str], int] = {}
        self._reached: dict[tuple[int, str], tuple[bool, set[str]]] = {}

    def check_call(self, call: Call) -> None:
        """Look at reads of endpoints, calls of tests, and notes about attempts."""
        match call.operation:
            case "DescribeEndpoint" if call.accepted and not call.stale:
                self._note_read(call)
            case "DescribeEndpoint" if call.accepted:
                self._note_old_read(call)
            case "InvokeEndpoint":
                self._check_test(call)
            case "PutItem" | "UpdateItem" if call.accepted:
                key = call.request.get("Key") or call.request["Item"]
                if key["item"]["S"].startswith("attempt#"):
                    self._note_attempt(call, key["endpoint"]["S"], key["item"]["S"])

    def check_change(self) -> None:
        """Look whether callers still reach a version that failed its test."""
        for (name, item), failed in list(self._failed.items()):
            rollout = failed.rollout
            if rollout.ended is not None or self._was_hindered(failed):
                del self._failed[name, item]
            elif self.world.clock.now() > failed.noted_at + EFFECT and rollout.endpoint_config_name in (
                self._receiving(name)
            ):
                raise self.broken(
                    f"callers of {name} reach {rollout.endpoint_config_name}, which failed its test"
                )

    def check_rest(self) -> None:
        """Look whether every invocation that was shown a bake claimed the test."""
        for shown in self._shown:
            invocation, name = shown.call.invocation, shown.endpoint_name
            if leaves_untested(shown.call, shown.item):
                raise self.broken(f"{invocation.name} sees {name} bake, and does not test it")
        for old in self._old:
            invocation = old.call.invocation
            is_odd = any(each.fault not in {None, FaultKind.STALE.value} for each in invocation.calls)
            if invocation.problem is None and not is_odd and not self._read_again(old):
                raise self.broken(f"{invocation.name} hears of a bake of {old.endpoint_name}, and reads once")

    def _read_again(self, old: Shown) -> bool:
        return any(
            each.operation == "DescribeEndpoint"
            and each.number > old.call.number
            and each.request["EndpointName"] == old.endpoint_name
            for each in old.call.invocation.calls
        )

    def _note_old_read(self, call: Call) -> None:
        """Note a read that is older than the bake of which its invocation's event tells."""
        name, answer = call.request["EndpointName"], call.response
        attempt, rollout = self.facts.unsettled(name), self._under_way(name)
        pending = answer.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
        if (
            attempt is not None
            and attempt["action"] not in ASIDE
            and rollout is not None
            and answer["EndpointStatus"] == "Updating"
            and pending == attempt["endpoint_config_name"]
            and not self._bakes(answer)
            and self._tells_of_bake(call.invocation, name)
            and self._is_due(call, name, attempt, rollout)
        ):
            self._old.append(Shown(call, name, attempt["item"]))

    def _tells_of_bake(self, invocation: Invocation, name: str) -> bool:
        """Tell whether an invocation's event says that all calls are on an endpoint's new fleet."""
        detail = invocation.event["detail"]
        if detail.get("EndpointName") != name or not self._bakes(detail):
            return False
        variants = detail["PendingDeploymentSummary"]["ProductionVariants"]
        messages = [status["StatusMessage"] for each in variants for status in each["VariantStatus"]]
        is_only = self.world.schedule.rollout is RolloutKind.ALL_AT_ONCE
        return is_only or all("full capacity" in each for each in messages)

    def _note_read(self, call: Call) -> None:
        name, answer = call.request["EndpointName"], call.response
        updating = answer["EndpointStatus"] == "Updating"
        self._reached[id(call.invocation), name] = (updating, self._receiving(name))
        attempt, rollout = self.facts.unsettled(name), self._under_way(name)
        if (
            not updating
            or attempt is None
            or attempt["action"] in ASIDE
            or rollout is None
            or not self._is_due(call, name, attempt, rollout)
        ):
            return
        if (
            self._is_shown()
            and self._bakes(answer)
            and self._receiving(name) == {rollout.endpoint_config_name}
        ):
            self._shown.append(Shown(call, name, attempt["item"]))

    def _is_due(self, call: Call, name: str, attempt: dict[str, Any], rollout: Rollout) -> bool:
        """Tell whether a rollout's version should be tested in the bake, and the invocation knows of it."""
        if (
            attempt["status"] != "accepted"
            or any(key in attempt for key in ("abort_asked_at", "failed_test", "test_passed_at"))
            or int(attempt["number"]) != rollout.attempt
            or self.facts.recovered(name, rollout.call.time)
            or self._accepted.get((name, attempt["item"]), 0) >= last_query(call.invocation, name)
            or not self._keeps_the_old_fleet(rollout)
        ):
            return False
        return self._wants_test(call.invocation, name) and not any(
            each["endpoint_config_name"] == attempt["endpoint_config_name"] and each["status"] == "succeeded"
            for each in self.facts.attempts(name)
            if each["action"] not in ASIDE
        )

    def _keeps_the_old_fleet(self, rollout: Rollout) -> bool:
        config = dict(rollout.call.request.get("DeploymentConfig", {}))
        wait = config.get("BlueGreenUpdatePolicy", {}).get("TerminationWaitInSeconds", 0)
        return wait > 0 and abort_alarm(rollout.endpoint_name) in alarms_of(config)

    def _wants_test(self, invocation: Invocation, name: str) -> bool:
        settings = invocation.settings.read(name)
        return (
            settings is not None and settings.smoke_test is not None and settings.abort_alarm_name is not None
        )

    def _is_shown(self) -> bool:
        """Tell whether SageMaker shows which bake has all calls."""
        shown = self.world.schedule.chosen_switches().pending_variant_status
        is_only = self.world.schedule.rollout.value == "all at once"
        return shown is PendingVariantStatus.WITH_MESSAGE or (
            shown is PendingVariantStatus.WITHOUT_MESSAGE and is_only
        )

    def _bakes(self, answer: dict[str, Any]) -> bool:
        variants = answer.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
        statuses = [status["Status"] for each in variants for status in each.get("VariantStatus", [])]
        return bool(statuses) and set(statuses) == {"Baking"}

    def _check_test(self, call: Call) -> None:
        name = call.request["EndpointName"]
        attempt = self.facts.unsettled(name)
        if attempt is None or self.facts.recovered(name, call.invocation.started):
            return
        if "test_passed_at" in attempt and not repeats_test(call.invocation, name):
            raise self.broken(f"attempt {attempt['number']} of {name} is tested again after it passed")
        updating, reached = self._reached.get((id(call.invocation), name), (False, set()))
        stale = any(each.stale for each in call.invocation.calls)
        if updating and not stale and reached - {attempt["endpoint_config_name"]}:
            raise self.broken(
                f"attempt {attempt['number']} of {name} is tested while callers reach {sorted(reached)}"
            )

    def _note_attempt(self, call: Call, name: str, item: str) -> None:
        attempt = self.world.journalled(name, item)
        if attempt["status"] == "accepted":
            self._accepted.setdefault((name, item), call.number)
        rollout = self._under_way(name)
        if (
            rollout is None
            or attempt["status"] in SETTLED
            or "failed_test" not in attempt
            or (name, item) in self._failed
        ):
            return
        self._failed[name, item] = Failed(rollout, call.time, call.invocation)

    def _was_hindered(self, failed: Failed) -> bool:
        """Tell whether something may have kept an invocation from aborting a rollout."""
        taken = self.world.alarms.deleted_at.get(abort_alarm(failed.rollout.endpoint_name))
        return failed.by.faulty or (taken is not None and taken >= failed.rollout.call.time)

    def _under_way(self, name: str) -> Rollout | None:
        running = [each for each in self.facts.rollouts if each.endpoint_name == name and each.ended is None]
        return running[-1] if running else None

    def _receiving(self, name: str) -> set[str]:
        return {spec.endpoint_config_name for spec, _ in self.world.hosting.receiving(name)}


def shows_bake(world: World, answer: dict[str, Any]) -> bool:
    """Tell whether an answer of DescribeEndpoint shows that all calls are on the new fleet."""
    variants = answer.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
    statuses = [status for each in variants for status in each.get("VariantStatus", [])]
    is_only = world.schedule.rollout is RolloutKind.ALL_AT_ONCE
    return bool(statuses) and all(
        each["Status"] == "Baking" and (is_only or "full capacity" in each.get("StatusMessage", ""))
        for each in statuses
    )


BAKE_LAWS: Final[tuple[type[Law], ...]] = (Law29TestedInTheBake,)


def leaves_untested(call: Call, item: str) -> bool:
    """Tell whether an invocation began no test of an attempt after a call, though nothing was in its way."""
    invocation = call.invocation
    if invocation.faulty or invocation.problem is not None or any(each.stale for each in invocation.calls):
        return False
    return not any(
        each.operation == "UpdateItem"
        and each.number > call.number
        and ":tests_begun" in each.request["ExpressionAttributeValues"]
        and each.request["Key"]["item"]["S"] == item
        for each in invocation.calls
    )
