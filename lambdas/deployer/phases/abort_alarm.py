"""Clears the abort alarm that CloudWatch refused to clear when the abort was settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.endpoint_pass.round import Next
from deployer.model.steps import ClearAbortAlarm

if TYPE_CHECKING:
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.round import Round
    from deployer.model.settings import EndpointSettings


class AbortAlarmPhase:
    """Leaves no abort alarm set while no update is under way."""

    def __init__(self, settings: EndpointSettings, ledger: Ledger, executor: Executor) -> None:
        self._settings = settings
        self._ledger = ledger
        self._executor = executor

    def run(self, round_: Round) -> Next:
        """Clear the alarm if it is still set. A refusal is reported, and stops no other phase."""
        if not self._ledger.history.last_observed.abort_alarm_set:
            return Next.GO_ON
        alarm_name = self._settings.abort_alarm_name
        if alarm_name not in self._ledger.history.last_observed.alarms:
            # The alarm went with the rollout in the endpoint's YAML, or somebody else's took its place.
            self._ledger.note(abort_alarm_set=False)
        elif alarm_name is not None:
            round_.troubles += self._executor.try_to_make([ClearAbortAlarm(alarm_name)])
        return Next.GO_ON
