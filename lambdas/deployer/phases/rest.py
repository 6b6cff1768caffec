"""Stops before any read if the endpoint has not changed since it was last seen in sync."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from deployer.decisions.alarms import SEARCH, searched_again_at
from deployer.decisions.at_rest import is_chosen, is_unchanged
from deployer.decisions.promotion import due_for_promotion, unwritten
from deployer.decisions.retention import plan_clean_up
from deployer.decisions.waiting import has_words
from deployer.endpoint_pass.round import Next
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.model.model_version import Hidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.alarm_plans import AlarmPlans
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.reports import Reports
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.phases.choice import Chooser
    from deployer.phases.repair import RepairPhase


_FAR_OFF: Final = datetime.max.replace(tzinfo=UTC)
"""Every soak is over by then."""


class RestPhase:
    """Compares the summary of `ListEndpoints` with the last observation."""

    def __init__(
        self,
        reports: Reports,
        repair: RepairPhase,
        versions: Versions,
        chooser: Chooser,
        ledger: Ledger,
        alarm_plans: AlarmPlans,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._reports = reports
        self._repair = repair
        self._versions = versions
        self._chooser = chooser
        self._ledger = ledger
        self._alarm_plans = alarm_plans
        self._logger = logger
        self._now = now

    def run(self, round_: Round) -> Next:
        """Stop if the endpoint is in sync and has not changed since the last observation."""
        facts, summary = self._versions.facts, round_.summary
        searched_again = searched_again_at(facts.history.last_observed)
        stack_name = facts.identity.stack_name
        if (
            summary is None
            or round_.troubles
            or not is_unchanged(facts.settings, facts.history, summary, stack_name=stack_name)
            or (searched_again is not None and self._now() >= searched_again)
            or self._reports.owed
            or unwritten(facts)
        ):
            return Next.GO_ON
        serving = facts.history.last_observed.endpoint_config_name
        if self._versions.decide(partial(due_for_promotion, endpoint_config_name=serving, now=self._now())):
            return Next.GO_ON
        decision = self._chooser.choose(serving)
        if (
            not is_chosen(decision, serving)
            or self._versions.decide(partial(plan_clean_up, decision=decision, serving_config_name=serving))
            or has_words(self._versions.facts)
        ):
            return Next.GO_ON
        if round_.is_whole and (self._repair.is_needed(serving) or not self._alarms_are_there()):
            return Next.GO_ON
        self._logger.info("In sync, and unchanged since it was last looked at")
        # A soak ends without an event.
        soaks = self._versions.decide(partial(due_for_promotion, endpoint_config_name=serving, now=_FAR_OFF))
        # No event tells that the registry or S3 shows a version again, or that it was deleted meanwhile.
        is_hidden = any(each.is_hidden for each in decision.ineligible) or any(
            isinstance(each, Hidden) for each in facts.versions.values()
        )
        round_.rests = soaks is None and not facts.history.heard and not is_hidden
        round_.retry_at = min(filter(None, (decision.retry_at, searched_again)), default=None)
        return Next.STOP

    def _alarms_are_there(self) -> bool:
        """Read the alarms, and tell whether they are as a journal has them that may have been restored."""
        facts = self._versions.facts
        last = facts.history.last_observed
        if SEARCH in last.put_off:
            # It has its own times.
            return True
        try:
            planned, _, noted = self._alarm_plans.search(facts.settings.alarms)
        except UpkeepRefusedError as refusal:
            self._logger.warning(str(refusal))
            return False
        return noted == last.alarms and not planned.steps and planned.trouble is None
