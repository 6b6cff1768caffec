"""The alarms on endpoints: which versions raise them, when, and for how long.

Owns the CloudWatch of a simulated account. The deployer and SageMaker see only states; laws also see the
cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from local_cloud.sagemaker.ports import AlarmState
from local_cloud.testing.scripted_ports import ScriptedAlarms
from tests.simulation.clients import REGION
from tests.simulation.schedule import ALARM_LASTS

if TYPE_CHECKING:
    from datetime import datetime

    from tests.simulation.world import World

EVALUATION_SECONDS: Final = 60.0
"""From a version's first request until its errors are an alarm: one period of CloudWatch, and shorter than
every wait of a rollout, as alarms must be to guard one."""

CALM_LASTS: Final = 1500.0
"""How many seconds an alarm stays on that waits for a hand, once nobody disturbs anything any more."""


def rollback_alarm(endpoint_name: str) -> str:
    """Return the name of the alarm on an endpoint's errors, by which SageMaker rolls updates back."""
    return f"Greenlight-{endpoint_name}-error-ratio"


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


class SimulatedAlarms(ScriptedAlarms):
    """The account's alarms; the traffic of endpoints raises and clears them.

    Attributes:
        raised: Every alarm that went on, in order.
        on_since: When each alarm that is on went on.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._blamed: dict[str, frozenset[str]] = {}
        self._changed: dict[str, datetime] = {}
        self.raised: list[Raised] = []
        self.on_since: dict[str, datetime] = {}

    def set(self, alarm_name: str, state: AlarmState | None) -> None:
        """Give an alarm a state, as SetAlarmState does."""
        self._raise_or_clear(alarm_name, state, frozenset())

    def describe(self, alarm_names: list[str]) -> dict[str, Any]:
        """Return what DescribeAlarms answers of some alarms."""
        start = self._world.start
        return {
            "MetricAlarms": [
                {
                    "AlarmName": name,
                    "AlarmArn": f"arn:aws:cloudwatch:{REGION}:123456789012:alarm:{name}",
                    "StateValue": state.value,
                    "StateUpdatedTimestamp": self._changed.get(name, start).timestamp(),
                    "StateTransitionedTimestamp": self._changed.get(name, start).timestamp(),
                }
                for name in alarm_names
                if (state := self.states.get(name, self.default)) is not None
            ],
            "CompositeAlarms": [],
        }

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
        now = self._world.clock.now()
        if self.states.get(alarm_name) != state:
            self._changed[alarm_name] = now
        super().set(alarm_name, state)
        if state is not AlarmState.ALARM:
            self.on_since.pop(alarm_name, None)
        elif alarm_name not in self.on_since:
            self.on_since[alarm_name] = now
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
