"""Reads an endpoint's alarms, and plans their changes: before an update, at rest, and after a removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from deployer.contract import alarm_prefix
from deployer.decisions.alarms import plan_alarms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from deployer.decisions.alarms import AlarmPlan
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.gateways.alarms import Alarms
    from deployer.model.alarm import ObservedAlarm


class AlarmLook(NamedTuple):
    """What CloudWatch showed, and what follows from it.

    Attributes:
        plan: The changes.
        seen: The alarms that exist, by their names.
        noted: The journal's note before the changes.
    """

    plan: AlarmPlan
    seen: Mapping[str, ObservedAlarm]
    noted: dict[str, str]


class AlarmPlans:
    """Plans for the alarms of one endpoint. It changes nothing."""

    def __init__(self, ledger: Ledger, alarms: Alarms, *, stack_name: str) -> None:
        self._ledger = ledger
        self._alarms = alarms
        self._stack_name = stack_name

    def look(self, wanted: Sequence[Mapping[str, Any]], others: Sequence[str]) -> AlarmLook:
        """Return what an update's alarms need, by the names that are known.

        Args:
            wanted: Requests of `PutMetricAlarm`.
            others: Alarms of which only the state counts.

        Raises:
            UpkeepRefusedError: CloudWatch does not show them.
        """
        own, noted = self._own(wanted), self._ledger.history.last_observed.alarms
        return self._plan(wanted, noted, self._alarms.look(own, others))

    def search(self, wanted: Sequence[Mapping[str, Any]]) -> AlarmLook:
        """Return what makes the endpoint's alarms those that are wanted, by all that have its name.

        A journal that was lost or restored may not know some of them.

        Args:
            wanted: Requests of `PutMetricAlarm`; none if the endpoint is to have no alarms.

        Raises:
            UpkeepRefusedError: CloudWatch does not show them.
        """
        prefix = alarm_prefix(self._stack_name, self._ledger.endpoint_name)
        seen = self._alarms.find(prefix, self._own(wanted))
        noted = self._ledger.history.last_observed.alarms
        return self._plan(wanted, {**dict.fromkeys(seen, ""), **noted}, seen)

    def _own(self, wanted: Sequence[Mapping[str, Any]]) -> list[str]:
        noted = self._ledger.history.last_observed.alarms
        return list(dict.fromkeys([*(each["AlarmName"] for each in wanted), *noted]))

    def _plan(
        self,
        wanted: Sequence[Mapping[str, Any]],
        noted: Mapping[str, str],
        seen: Mapping[str, ObservedAlarm],
    ) -> AlarmLook:
        plan = plan_alarms(
            wanted, noted, seen, endpoint_name=self._ledger.endpoint_name, stack_name=self._stack_name
        )
        assert plan.noted is not None, "CloudWatch was asked"
        return AlarmLook(plan, seen, dict(plan.noted))
