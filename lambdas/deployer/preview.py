"""Tries a pass over one endpoint and forgets it: what the deployer would do now, and why.

The phases are those of a real pass. Only the journal and the reporter are stand-ins, so nothing is written
anywhere. The function's own handler never imports this module.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deployer.decisions.course import NothingApproved, Preview, UnderWay
from deployer.decisions.plan import Deploy, OnTestEndpoint
from deployer.endpoint_pass.alarm_plans import AlarmPlans
from deployer.endpoint_pass.approvals import Approvals
from deployer.endpoint_pass.approvers import Approvers
from deployer.endpoint_pass.attempts import Attempts
from deployer.endpoint_pass.holds import Holds
from deployer.endpoint_pass.ledger import Ledger
from deployer.endpoint_pass.notices import Notices
from deployer.endpoint_pass.reports import Reports
from deployer.endpoint_pass.round import Next, Round
from deployer.endpoint_pass.versions import Versions
from deployer.gateways.forgetful import ForgetfulJournal, SilentReporter, SupposedRegistry
from deployer.gateways.gateways import Gateways
from deployer.model import statuses
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.endpoint import EndpointSummary
from deployer.model.names import version_number
from deployer.phases.aborting import was_left_behind
from deployer.phases.adoption import Adoption
from deployer.phases.approvals import ApprovalsPhase, NothingApprovedPhase
from deployer.phases.choice import Chooser
from deployer.phases.first_look import FirstLookPhase
from deployer.phases.planning import Planner
from deployer.phases.proposal import Proposer
from deployer.phases.requests import RequestsPhase
from deployer.phases.settlement import end_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Choice, Decision
    from deployer.decisions.course import Course
    from deployer.model.endpoint import Endpoint
    from deployer.model.model_version import ModelVersion
    from deployer.model.request import Request
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity
    from deployer.model.trigger import PackageChanged


def read_only(client_of: Callable[[str], Any], *, table_name: str, now: Callable[[], datetime]) -> Gateways:
    """Return gateways that keep nothing that a pass journals or reports.

    Args:
        client_of: As in `Gateways.connect`.
        table_name: The journal's.
        now: The clock.
    """
    journal = ForgetfulJournal(client_of("dynamodb"), table_name=table_name, now=now)
    connected = Gateways.connect(client_of, journal, SilentReporter(), now=now, pause=lambda _: None)
    return replace(connected, registry=SupposedRegistry(client_of("sagemaker")))


def preview(
    settings: EndpointSettings,
    gateways: Gateways,
    identity: StackIdentity,
    logger: Logger,
    *,
    followers: Callable[[str], Sequence[str]],
    change: PackageChanged | None = None,
    requests: tuple[Request, ...] = (),
    ahead: bool = False,
) -> Preview:
    """Try a pass over an endpoint.

    Args:
        settings: The endpoint's, deployed or not.
        gateways: What `read_only` returns.
        identity: The stack's.
        logger: Takes the lines that the pass would log.
        followers: Returns the endpoints that follow a group.
        change: An event that the pass would answer.
        requests: What operators would ask for.
        ahead: Whether to tell also what goes out after the first deployment, if each succeeds.
    """
    return _Tried(settings, gateways, identity, logger, followers).run(change, requests, ahead=ahead)


def supposing(gateways: Gateways, client_of: Callable[[str], Any], version: ModelVersion) -> Gateways:
    """Return read-only gateways to a registry in which one version is changed."""
    return replace(gateways, registry=SupposedRegistry(client_of("sagemaker"), version))


class _Tried:
    """One tried pass."""

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        identity: StackIdentity,
        logger: Logger,
        followers: Callable[[str], Sequence[str]],
    ) -> None:
        name, now = settings.endpoint_name, gateways.now
        self._reporter = SilentReporter()
        gateways = replace(gateways, reporter=self._reporter)
        self._settings = settings
        self._gateways = gateways
        self._ledger = ledger = Ledger(name, gateways.journal, logger, invocation_id="preview")
        self._versions = versions = Versions(
            settings, identity, ledger, gateways.registry, gateways.s3, logger
        )
        notices = Notices(name, ledger, gateways.reporter, logger, now=now)
        self._attempts = Attempts(ledger, Reports(ledger, gateways.reporter, now=now), logger, now=now)
        self._adoption = adoption = Adoption(settings, gateways, versions)
        approvers = Approvers(settings, identity, gateways.journal.standing_approvals, followers)
        self._first_look = FirstLookPhase(
            settings, gateways, ledger, versions, approvers, notices, adoption, logger
        )
        approvals = Approvals(settings, ledger, versions, approvers, notices, logger)
        self._approvals = ApprovalsPhase(settings, ledger, approvals, versions, notices, logger)
        self._requests = RequestsPhase(ledger, gateways.journal.requests, notices, logger)
        self._nothing_approved = NothingApprovedPhase(ledger, logger)
        holds = Holds(settings, gateways.journal.pauses, now=now)
        models = gateways.models_and_configs
        chooser = Chooser(ledger, versions, models, adoption, holds, approvals, logger, now=now)
        self._chooser = chooser
        alarm_plans = AlarmPlans(ledger, gateways.alarms, stack_name=identity.stack_name)
        planner = Planner(settings, identity, gateways, ledger, alarm_plans, notices)
        self._proposer = Proposer(chooser, planner, versions, gateways.endpoints)

    def run(self, change: PackageChanged | None, requests: tuple[Request, ...], *, ahead: bool) -> Preview:
        endpoint = self._gateways.endpoints.describe(self._settings.endpoint_name)
        name, asked = self._settings.endpoint_name, self._gateways.journal.requests.all()
        # What was asked for and is not done yet is done first.
        waiting = tuple(each for each in asked if each.endpoint_name == name)
        round_ = Round(change=change, discover=True, requests=(*waiting, *requests))
        if endpoint is not None:
            round_.summary = EndpointSummary(endpoint.status, endpoint.last_modified_time)
        self._first_look.run(round_)
        self._approvals.run(round_)
        self._requests.run(round_)
        if self._nothing_approved.run(round_) is not Next.GO_ON:
            return self._seen(endpoint, NothingApproved())
        self._settle(endpoint)
        chosen = self._proposer.choose(endpoint)
        attempt = self._ledger.history.unsettled
        waits = attempt is not None and not was_left_behind(attempt, now=self._gateways.now())
        if waits or (endpoint is not None and endpoint.modifying):
            return self._seen(endpoint, UnderWay(attempt if waits else None), chosen, chosen)
        planned, decision = self._proposer.plan(chosen, endpoint)
        seen = self._seen(endpoint, planned, chosen, decision)
        deploy = planned.deploy if isinstance(planned, OnTestEndpoint) else planned
        if not ahead or not isinstance(deploy, Deploy) or deploy.refusal is not None:
            return seen
        return replace(seen, in_turn=tuple(self._in_turn(deploy, decision.choice, endpoint)))

    def _in_turn(self, planned: Deploy, choice: Choice | None, endpoint: Endpoint | None) -> Iterator[Choice]:
        """Let each deployment succeed, and yield what is chosen then, as long as that changes anything."""
        made: set[str] = set()
        while choice is not None and choice.release.endpoint_config_name not in made:
            yield choice
            name = choice.release.endpoint_config_name
            made.add(name)
            deployment = self._attempts.begin_deployment(planned, choice, endpoint, rolls_back=False)
            self._attempts.settle(deployment, AttemptStatus.SUCCEEDED)
            following = self._chooser.choose(name).choice
            choice = None if following is not None and following.keeps_serving else following

    def _settle(self, endpoint: Endpoint | None) -> None:
        """Settle what has ended, as the next pass would, unless a smoke test has to tell how it ended."""
        deployment = self._ledger.history.unsettled
        if not isinstance(deployment, Deployment) or deployment.status is AttemptStatus.TESTING:
            return
        end = end_of(deployment, endpoint, now=self._gateways.now())
        if end is None or end[0] is AttemptStatus.ACCEPTED:
            return
        status, judgement = end
        is_proven = self._ledger.history.is_proven(deployment.endpoint_config_name)
        is_tested = self._settings.smoke_test is not None and not is_proven
        if status is AttemptStatus.SUCCEEDED and is_tested and deployment.test_passed_at is None:
            return
        self._attempts.settle(
            deployment, status, reason=judgement.reason, cause=judgement.cause, endpoint=endpoint
        )

    def _seen(
        self,
        endpoint: Endpoint | None,
        course: Course,
        chosen: Decision | None = None,
        planned_for: Decision | None = None,
    ) -> Preview:
        told = tuple(self._reporter.outcomes)
        return Preview(
            self._versions.facts, endpoint, self._serves(endpoint), chosen, planned_for, course, told
        )

    def _serves(self, endpoint: Endpoint | None) -> tuple[str, ...]:
        """Return the versions on the endpoint's config, the approved one first."""
        if endpoint is None or endpoint.endpoint_config_name is None or endpoint.status in statuses.FAILED:
            return ()
        name = endpoint.endpoint_config_name
        deployment = self._ledger.history.latest_on(name)
        if deployment is not None:
            return deployment.version_arns
        adopted = self._adoption.recognise(name)
        shown = self._gateways.models_and_configs.versions_on(name) if adopted is None else []
        found = [adopted] if adopted is not None else self._versions.still_there(shown)
        return tuple(sorted(found, key=version_number))
