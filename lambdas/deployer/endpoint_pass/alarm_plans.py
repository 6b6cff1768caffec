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

    def look(self, wanted: Sequence[Mapping[str, Any]], others: Sequence[str] = ()) -> AlarmLook:
        """Return what makes the endpoint's alarms those that are wanted, by the names that are known.

        Args:
            wanted: Requests of `PutMetricAlarm`; none if the endpoint is to have no alarms.
            others: Alarms of which only the state counts.

        Raises:
            UpkeepRefusedError: CloudWatch does not show them.
        """
        noted = self._ledger.history.last_observed.alarms
        own = dict.fromkeys([*(each["AlarmName"] for each in wanted), *noted])
        return self._plan(wanted, noted, self._alarms.look(list(own), others))

    def search(self, wanted: Sequence[Mapping[str, Any]]) -> AlarmLook:
        """Return the same by what CloudWatch has under the endpoint's name.

        A journal that was lost knows no alarms. So an endpoint's first look does not rely on it.

        Raises:
            UpkeepRefusedError: CloudWatch does not show them.
        """
        seen = self._alarms.find(alarm_prefix(self._stack_name, self._ledger.endpoint_name))
        noted = self._ledger.history.last_observed.alarms
        return self._plan(wanted, {**dict.fromkeys(seen, ""), **noted}, seen)

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
