"""Makes one endpoint what it should be: a pass is an ordered list of phases, in one or more rounds.

Everything is read again in each round, so a pass that runs twice, late or beside another one ends the same.
The order of the phases survives a crash between any two calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.decisions.before_rollout import is_tested_first
from deployer.endpoint_pass.alarm_plans import AlarmPlans
from deployer.endpoint_pass.approvals import Approvals
from deployer.endpoint_pass.approvers import Approvers
from deployer.endpoint_pass.attempts import Attempts
from deployer.endpoint_pass.executor import Executor
from deployer.endpoint_pass.holds import Holds
from deployer.endpoint_pass.last_words import LastWords
from deployer.endpoint_pass.ledger import Ledger, LostLeaseError
from deployer.endpoint_pass.notices import Notices
from deployer.endpoint_pass.refused_writes import RefusedWrites
from deployer.endpoint_pass.reports import Reports
from deployer.endpoint_pass.round import Next, Round
from deployer.endpoint_pass.versions import Versions
from deployer.gateways.refusals import denial
from deployer.model.attempt import AttemptStatus
from deployer.phases.abort_alarm import AbortAlarmPhase
from deployer.phases.aborting import AbortingPhase, was_left_behind
from deployer.phases.adoption import Adoption
from deployer.phases.alarms import AlarmsPhase, ForgottenAlarmsPhase
from deployer.phases.another_endpoint import AnotherEndpointPhase
from deployer.phases.approvals import ApprovalsPhase, NothingApprovedPhase, UnknownConfigPhase
from deployer.phases.autoscaling import AutoscalingPhase
from deployer.phases.before_rollout import BeforeRollout
from deployer.phases.choice import Chooser
from deployer.phases.cleanup import CleanUpPhase
from deployer.phases.deployment import DeploymentPhase
from deployer.phases.first_look import FirstLookPhase
from deployer.phases.planning import Planner
from deployer.phases.promotion import PromotionPhase, VersionMetadataPhase
from deployer.phases.proposal import Proposer
from deployer.phases.repair import RepairPhase
from deployer.phases.repeated_test import RepeatedTest
from deployer.phases.reporting import ReportingPhase
from deployer.phases.requests import RequestsPhase
from deployer.phases.rest import RestPhase
from deployer.phases.rollout import Rollout
from deployer.phases.settlement import SettlementPhase
from deployer.phases.smoke_testing import SmokeTestingPhase
from deployer.phases.tags import TagsPhase
from deployer.phases.variant_properties import UndonePropertiesPhase, VariantPropertiesPhase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.round import Phase
    from deployer.endpoint_pass.throttling import TimeBudget
    from deployer.gateways.gateways import Gateways
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity

MOST_ROUNDS: Final = 10
"""How many rounds one pass may take. Every round but the last ends an attempt for good, so this is only a
guard. The sweep continues where the pass stops."""


class Reconciler:
    """Reconciles one endpoint. Make a new one for each pass, as it remembers what it read."""

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        identity: StackIdentity,
        logger: Logger,
        *,
        invocation_id: str,
        time_budget: TimeBudget,
        followers: Callable[[str], Sequence[str]],
    ) -> None:
        name, now, stack_name = settings.endpoint_name, gateways.now, identity.stack_name
        ledger = Ledger(
            name,
            gateways.journal,
            logger,
            invocation_id=invocation_id,
            writes_metadata=settings.writes_metadata,
        )
        reports = Reports(ledger, gateways.reporter, now=now)
        words = LastWords(gateways.container_logs, logger, quotes=settings.quotes_logs)
        attempts = Attempts(ledger, reports, logger, now=now, last_words=words)
        versions = Versions(settings, identity, ledger, gateways.registry, gateways.s3, logger)
        notices = Notices(name, ledger, gateways.reporter, logger, now=now)
        refused = RefusedWrites(ledger, now=now)
        executor = Executor(settings, gateways, ledger, refused, time_budget, logger, stack_name=stack_name)
        holds = Holds(settings, gateways.journal.pauses, now=now)
        approvers = Approvers(settings, identity, gateways.journal.standing_approvals, followers)
        approvals = Approvals(settings, ledger, versions, approvers, notices, logger)
        approvals_phase = ApprovalsPhase(settings, ledger, approvals, versions, notices, logger)
        adoption = Adoption(settings, gateways, versions)
        models = gateways.models_and_configs
        chooser = Chooser(ledger, versions, models, adoption, holds, approvals, logger, now=now)
        alarm_plans = AlarmPlans(ledger, gateways.alarms, stack_name=stack_name)
        planner = Planner(settings, identity, gateways, ledger, alarm_plans, notices)
        proposer = Proposer(chooser, planner, versions, gateways.endpoints)
        rollout = Rollout(gateways, ledger, attempts, versions, executor, holds, logger)
        testing = SmokeTestingPhase(settings, gateways, ledger, attempts, versions, time_budget, logger)
        before_rollout = BeforeRollout(gateways, attempts, versions, testing, executor, logger)
        repair = RepairPhase(ledger, gateways.models_and_configs, executor, refused, logger)
        aborting = AbortingPhase(settings, ledger, attempts, versions, notices, executor, logger, now=now)
        self._repeated_test = RepeatedTest(settings, gateways, ledger, versions, testing, aborting, logger)
        self._phases: tuple[Phase, ...] = (
            FirstLookPhase(settings, gateways, ledger, versions, approvers, notices, adoption, logger),
            ForgottenAlarmsPhase(gateways.endpoints, ledger, alarm_plans, executor, notices, logger, now=now),
            approvals_phase,
            RequestsPhase(ledger, gateways.journal.requests, notices, logger),
            NothingApprovedPhase(ledger, logger),
            RestPhase(reports, repair, versions, chooser, ledger, alarm_plans, logger, now=now),
            SettlementPhase(
                gateways.endpoints, ledger, attempts, reports, testing, executor, logger, now=now
            ),
            AnotherEndpointPhase(ledger),
            UnknownConfigPhase(approvals_phase, ledger, logger),
            testing,
            aborting,
            UndonePropertiesPhase(settings, ledger, notices),
            DeploymentPhase(proposer, before_rollout, rollout, testing, attempts, versions, notices, logger),
            repair,
            TagsPhase(settings, ledger, executor, stack_name=stack_name),
            AutoscalingPhase(settings, ledger, executor),
            AlarmsPhase(settings, ledger, alarm_plans, executor, refused, logger, now=now),
            VariantPropertiesPhase(settings, ledger, executor),
            AbortAlarmPhase(settings, ledger, executor),
            VersionMetadataPhase(ledger, versions, approvals, executor, refused, logger),
            PromotionPhase(settings, attempts, versions, gateways.alarms, executor, refused, logger, now=now),
            CleanUpPhase(name, gateways, attempts, versions, executor, refused, logger),
            ReportingPhase(ledger, notices, refused),
        )
        self._ledger = ledger
        self._latest_before = ledger.history.latest_attempt
        self._versions = versions
        self._notices = notices
        self._logger = logger
        self._now = now

    def reconcile(self, first: Round) -> bool:
        """Make one pass.

        Args:
            first: The first round, with the trigger of the pass.

        Returns:
            Whether the settings have had their effect: the endpoint is at rest, or an attempt that this pass
            began is in the journal. Otherwise an earlier attempt is under way, or another invocation is at
            work, maybe with other settings.
        """
        began = self._now()
        try:
            followed = self._make_round(first)
            rounds = 1
            while self._goes_again(followed) and rounds < MOST_ROUNDS:
                self._versions.forget()
                followed = self._make_round(Round())
                rounds += 1
        except Exception as error:
            if (denied := denial(error)) is not None:
                self._notices.report(f"{self._ledger.endpoint_name} cannot be looked after. {denied}")
            raise
        finally:
            self._logger.info("Pass over", pass_seconds=(self._now() - began).total_seconds())
        return followed in {Next.GO_ON, Next.STOP} and self._is_settled_or_own()

    def _goes_again(self, followed: Next) -> bool:
        """Read the records again, if that may show more to do; tell whether it does.

        Other invocations leave the endpoint to the one that holds its lease. So that one looks again after an
        attempt ended, and one that leaves looks whether its approval came too late for that.
        """
        if followed is Next.AGAIN:
            self._ledger.refresh()
            return True
        if followed is not Next.LEAVE or not self._ledger.has_changed_approvals:
            return False
        self._ledger.refresh()
        attempt = self._ledger.history.unsettled
        return attempt is None or was_left_behind(attempt, now=self._now())

    def _is_settled_or_own(self) -> bool:
        attempt, before = self._ledger.history.unsettled, self._latest_before
        if attempt is None:
            return True
        is_new = before is None or attempt.number > before.number
        return is_new and attempt.invocation_id == self._ledger.invocation_id

    def _make_round(self, round_: Round) -> Next:
        followed = Next.GO_ON
        try:
            for phase in self._phases:
                followed = phase.run(round_)
                if followed is not Next.GO_ON:
                    break
        except LostLeaseError:
            self._logger.info("Another invocation is at work on this endpoint: leaving it to that one")
            return Next.LEAVE
        for version_arn, hidden in self._versions.hidden.items():
            self._notices.report_hidden(version_arn, hidden)
        return followed

    @property
    def holds_test(self) -> bool:
        """Whether this pass tested a version in the bake, and this invocation is to test it again."""
        return self._repeated_test.is_held

    def test_again(self) -> Next:
        """Repeat the smoke test that this invocation claimed, in place of a pass; see `RepeatedTest.run`."""
        return self._repeated_test.run()

    def release_test(self) -> None:
        """Let any other invocation repeat the smoke test that this one claimed."""
        self._repeated_test.release()

    @property
    def was_cut_short(self) -> bool:
        """Whether an invocation died during the endpoint's smoke test. The next one may, too."""
        attempt = self._ledger.history.unsettled
        return (
            attempt is not None
            and (attempt.status is AttemptStatus.TESTING or is_tested_first(attempt))
            and (self._now() >= attempt.lease_until or attempt.invocation_id == self._ledger.invocation_id)
        )
