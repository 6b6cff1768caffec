"""The alarms on endpoints: who made them, which versions raise them, when, and for how long.

Owns the CloudWatch of a simulated account. The deployer and SageMaker see only alarms and their states. Laws
also see the cause, and the alarms that people deleted or replaced.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import STACK_TAG
from local_cloud.sagemaker.ports import AlarmState
from local_cloud.sagemaker.switch_settings import SetAlarmState
from local_cloud.testing.scripted_ports import ScriptedAlarms
from tests.simulation.clients import REGION
from tests.simulation.schedule import ALARM_LASTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tests.simulation.world import World

EVALUATION_SECONDS: Final = 60.0
"""From a version's first request until its errors are an alarm: one period of CloudWatch, and shorter than
every wait of a rollout, as alarms must be to guard one."""

RETURN_SECONDS: Final = 10.0
"""From SetAlarmState until CloudWatch takes the state back, if it does: "often within seconds"."""

LOOK_SECONDS: Final = 15.0
"""Between two looks of SageMaker at an alarm, where CloudWatch takes states back. Nobody documents it."""

CALM_LASTS: Final = 1500.0
"""How many seconds an alarm stays on that waits for a hand, once nobody disturbs anything any more."""


LATE: Final = timedelta(seconds=45)
"""For how long DescribeAlarms may answer what was before an alarm was made, changed or deleted."""

_ARN: Final = f"arn:aws:cloudwatch:{REGION}:123456789012:alarm:"


def latency_alarm(endpoint_name: str) -> str:
    """Return the name of an alarm of an endpoint that no update names, and that some settings lack."""
    return f"Greenlight.{endpoint_name}.model-latency-p90"


def rollback_alarm(endpoint_name: str) -> str:
    """Return the name of the alarm on an endpoint's errors, by which SageMaker rolls updates back."""
    return f"Greenlight.{endpoint_name}.error-ratio"


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm went on.

    Attributes:
        alarm_name: Which.
        time: When.
        urls: The model data of the versions that were to blame; empty if none was.
    """

    alarm_name: str
    time: datetime
    urls: frozenset[str]


@dataclass(frozen=True, slots=True)
class Made:
    """An alarm that somebody made.

    Attributes:
        request: What it was made with, without tags.
        tags: Its tags.
    """

    request: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_foreign(self) -> bool:
        """Whether it is not the deployer's."""
        return STACK_TAG not in self.tags


class SimulatedAlarms(ScriptedAlarms):
    """The account's alarms; the traffic of endpoints raises and clears them.

    Attributes:
        made: The alarms that exist, by their names.
        puts: How often an alarm was made or changed.
        deleted_at: When a person last deleted or replaced an alarm.
        raised: Every alarm that went on, in order.
        on_since: When each alarm that is on went on.
    """

    def __init__(self, world: World) -> None:
        super().__init__(default=None)
        self._world = world
        self.made: dict[str, Made] = {}
        self.deleted_at: dict[str, datetime] = {}
        self.puts = 0
        self._before: dict[str, tuple[datetime, Made | None]] = {}
        self._published: dict[str, float] = {}
        self._blamed: dict[str, frozenset[str]] = {}
        self._changed: dict[str, datetime] = {}
        self.raised: list[Raised] = []
        self.on_since: dict[str, datetime] = {}

    def set(self, alarm_name: str, state: AlarmState | None) -> None:
        """Give an alarm a state, if there is such an alarm."""
        self._raise_or_clear(alarm_name, state, frozenset())

    def state(self, account_id: str, region: str, alarm_name: str) -> AlarmState | None:
        """Return the state that SageMaker sees: it misses what is shorter than the time between two looks."""
        state = super().state(account_id, region, alarm_name)
        since = self.on_since.get(alarm_name)
        is_short = since is not None and self._world.clock.now() - since < timedelta(seconds=LOOK_SECONDS)
        return AlarmState.OK if self._takes_states_back and is_short else state

    @property
    def _takes_states_back(self) -> bool:
        setting = self._world.control_plane.switches.set_alarm_state
        return setting is SetAlarmState.UNTIL_EVALUATED

    def handle(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer as CloudWatch; return the status and the document."""
        match operation:
            case "DescribeAlarms":
                return 200, self.describe(request)
            case "ListTagsForResource":
                made = self.made.get(request["ResourceARN"].removeprefix(_ARN))
                if made is None:
                    return _missing("ResourceNotFoundException")
                return 200, {"Tags": [{"Key": key, "Value": each} for key, each in made.tags.items()]}
            case "PutMetricAlarm":
                self._put({key: each for key, each in request.items() if key != "Tags"}, request["Tags"])
            case "DeleteAlarms":
                for name in request["AlarmNames"]:
                    self._change(name, None)
            case "PutMetricData":
                self._publish(request)
            case _:
                assert operation == "SetAlarmState", operation
                if request["AlarmName"] not in self.made:
                    return _missing("ResourceNotFound")
                self._set_state(request["AlarmName"], AlarmState(request["StateValue"]))
        return 200, {}

    def describe(self, request: Mapping[str, Any], *, late: bool = False) -> dict[str, Any]:
        """Return what DescribeAlarms answers of some alarms: as they are, or as some were before."""
        start, found = self._world.start, []
        if "AlarmNamePrefix" in request:
            known = sorted({*self.made, *self._before})
            asked = [name for name in known if name.startswith(request["AlarmNamePrefix"])]
        else:
            asked = request["AlarmNames"]
        for name in asked:
            time, before = self._before.get(name, (start, None))
            is_late = late and self._world.clock.now() - time <= LATE and name in self._before
            made = before if is_late else self.made.get(name)
            state = self.states.get(name) or AlarmState.OK
            if made is not None:
                found.append(
                    {
                        **made.request,
                        "AlarmArn": f"{_ARN}{name}",
                        "StateValue": state.value,
                        "StateUpdatedTimestamp": self._changed.get(name, start).timestamp(),
                        "StateTransitionedTimestamp": self._changed.get(name, start).timestamp(),
                    }
                )
        return {"MetricAlarms": found, "CompositeAlarms": []}

    def last(self, name: str) -> Made | None:
        """Return an alarm, or the one of that name that was deleted last."""
        _, before = self._before.get(name, (None, None))
        return self.made.get(name, before)

    def _put(self, request: Mapping[str, Any], tags: list[dict[str, str]]) -> None:
        """Make an alarm, or change one, whose tags and state stay."""
        self.puts += 1
        name, present = request["AlarmName"], self.made.get(request["AlarmName"])
        if present is not None:
            self._change(name, Made(request, present.tags))
            return
        self._change(name, Made(request, {each["Key"]: each["Value"] for each in tags}))

    def _change(self, name: str, made: Made | None) -> None:
        present = self.made.get(name)
        if made == present:
            return
        self._before[name] = self._world.clock.now(), present
        if made is None:
            del self.made[name]
            self.states.pop(name, None)
            self.on_since.pop(name, None)
            self._changed[name] = self._world.clock.now()
            return
        self.made[name] = made
        if present is None:
            self._raise_or_clear(name, AlarmState.INSUFFICIENT_DATA, frozenset())
            endpoint_name = name.split(".")[1]
            if name == rollback_alarm(endpoint_name) and self._to_blame(endpoint_name):
                self._world.agenda.put(EVALUATION_SECONDS, partial(self._evaluate, endpoint_name))

    def delete_by_hand(self, name: str) -> None:
        """Delete an alarm as a person does."""
        if name in self.made:
            self._world.tell("ada", f"deletes alarm {name}")
            self.deleted_at[name] = self._world.clock.now()
            self._change(name, None)

    def replace_by_hand(self, name: str) -> None:
        """Put a person's alarm in place of one of the deployer's, or before it makes that one."""
        self._world.tell("ada", f"makes an alarm named {name}")
        self.deleted_at[name] = self._world.clock.now()
        self._change(name, None)
        self._change(name, Made({"AlarmName": name, "Namespace": "Theirs", "MetricName": "Own"}))

    def delete_foreign(self) -> None:
        """Let people delete the alarms that they put in place of the deployer's."""
        for name in [name for name, made in self.made.items() if made.is_foreign]:
            self.delete_by_hand(name)

    # The abort alarm ---------------------------------------------------------------------------------

    def _publish(self, request: Mapping[str, Any]) -> None:
        """Take what an abort alarm measures, and let CloudWatch look at it soon."""
        [datum] = request["MetricData"]
        [dimension] = datum["Dimensions"]
        self._published[dimension["Value"]] = datum["Value"]
        self._world.agenda.put(EVALUATION_SECONDS, partial(self._evaluate_abort, dimension["Value"]))

    def _set_state(self, name: str, state: AlarmState) -> None:
        self.set(name, state)
        if self._takes_states_back:
            self._world.agenda.put(RETURN_SECONDS, partial(self._evaluate_abort, name.split(".")[1]))

    def _evaluate_abort(self, endpoint_name: str) -> None:
        name, value = f"Greenlight.{endpoint_name}.abort", self._published.get(endpoint_name)
        if name not in self.made or self.made[name].is_foreign:
            return
        if value is None:
            self.set(name, AlarmState.INSUFFICIENT_DATA)
        else:
            self.set(name, AlarmState.ALARM if value > 0 else AlarmState.OK)

    def changed_at(self, alarm_name: str) -> datetime | None:
        """Return when an alarm came into its state; None if it never changed."""
        return self._changed.get(alarm_name)

    def follow_traffic(self) -> None:
        """Look which endpoints' requests go to versions that fail them, and let alarms follow."""
        for name in self._world.people.endpoints:
            blamed = self._to_blame(name)
            if blamed == self._blamed.get(name, frozenset()):
                continue
            self._blamed[name] = blamed
            if blamed:
                self._world.agenda.put(EVALUATION_SECONDS, partial(self._evaluate, name))
            else:
                self._clear_later(name)

    def raise_for_a_while(self, endpoint_name: str) -> None:
        """Set an endpoint's alarm off, although no version is to blame."""
        self._world.tell("aws", f"alarm {rollback_alarm(endpoint_name)} goes on for nothing")
        self.set(rollback_alarm(endpoint_name), AlarmState.ALARM)
        self._clear_later(endpoint_name)

    def reset(self, endpoint_name: str) -> None:
        """Clear an endpoint's alarm by hand; it goes on again if its cause is still there."""
        self.set(rollback_alarm(endpoint_name), AlarmState.OK)
        if self._to_blame(endpoint_name):
            self._world.agenda.put(EVALUATION_SECONDS, partial(self._evaluate, endpoint_name))

    def _clear_later(self, endpoint_name: str) -> None:
        world = self._world
        lasts = ALARM_LASTS[world.schedule.alarm_lasts % len(ALARM_LASTS)]
        if lasts is None and world.calmed:
            lasts = CALM_LASTS
        if lasts is not None:
            world.agenda.put(lasts, partial(self._clear, endpoint_name))

    def _evaluate(self, endpoint_name: str) -> None:
        blamed = self._to_blame(endpoint_name)
        name = rollback_alarm(endpoint_name)
        if blamed and self.states.get(name) != AlarmState.ALARM:
            self._world.tell("aws", f"alarm {name} goes on", ", ".join(sorted(blamed)))
            self._raise_or_clear(name, AlarmState.ALARM, blamed)

    def _clear(self, endpoint_name: str) -> None:
        name = rollback_alarm(endpoint_name)
        if not self._to_blame(endpoint_name) and self.states.get(name) == AlarmState.ALARM:
            self._world.tell("aws", f"alarm {name} goes off")
            self.set(name, AlarmState.OK)

    def _raise_or_clear(self, alarm_name: str, state: AlarmState | None, blamed: frozenset[str]) -> None:
        if alarm_name not in self.made:
            return
        now = self._world.clock.now()
        if self.states.get(alarm_name) != state:
            self._changed[alarm_name] = now
        super().set(alarm_name, state)
        if state is not AlarmState.ALARM:
            self.on_since.pop(alarm_name, None)
        elif alarm_name not in self.on_since:
            self.on_since[alarm_name] = now
            if self._takes_states_back:
                self._world.agenda.put(LOOK_SECONDS, lambda: None)
            self.raised.append(Raised(alarm_name, now, blamed))

    def _to_blame(self, endpoint_name: str) -> frozenset[str]:
        """Return the model data of the versions that get requests of an endpoint and fail them."""
        hosting = self._world.hosting
        return frozenset(
            url
            for spec, _ in hosting.receiving(endpoint_name)
            for container in spec.containers
            if (url := container.model_data_url) is not None and url in hosting.alarming_urls
        )


def _missing(code: str) -> tuple[int, dict[str, Any]]:
    return 404, {"__type": code, "message": "There is no such alarm."}
