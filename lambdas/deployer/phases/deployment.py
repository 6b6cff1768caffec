"""Deploys what the endpoint should serve, or reports why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from deployer.decisions.going_back import goes_back
from deployer.decisions.pins import left_out
from deployer.decisions.plan import (
    Blocked,
    CannotChange,
    Deploy,
    Foreign,
    Held,
    InSync,
    NothingStands,
    OnTestEndpoint,
    WaitForAlarms,
    WaitToRetry,
)
from deployer.endpoint_pass.round import Next
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.model.excerpts import sentence
from deployer.phases.rollout import Progress

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Choice, Decision
    from deployer.decisions.plan import Plan
    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.model.approval import Approval
    from deployer.model.endpoint import Endpoint
    from deployer.phases.before_rollout import BeforeRollout
    from deployer.phases.proposal import Proposer
    from deployer.phases.rollout import Rollout
    from deployer.phases.smoke_testing import SmokeTestingPhase


class DeploymentPhase:
    """Chooses, plans, and acts on the plan."""

    def __init__(
        self,
        proposer: Proposer,
        before_rollout: BeforeRollout,
        rollout: Rollout,
        smoke_testing: SmokeTestingPhase,
        attempts: Attempts,
        versions: Versions,
        notices: Notices,
        logger: Logger,
    ) -> None:
        self._proposer = proposer
        self._before_rollout = before_rollout
        self._rollout = rollout
        self._smoke_testing = smoke_testing
        self._attempts = attempts
        self._versions = versions
        self._notices = notices
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Deploy if the plan says so; otherwise go on with the phases of an endpoint at rest."""
        endpoint = round_.endpoint
        decision = round_.chosen = self._proposer.choose(endpoint)
        self._notices.report_ineligible(decision.ineligible)
        followed = self._follow(*self._proposer.plan(decision, endpoint), round_)
        if followed is Next.GO_ON:
            self._attempts.withdraw_left_behind(but_clean_ups=True)
        return followed

    def _follow(self, planned: Plan, decision: Decision, round_: Round) -> Next:
        endpoint, choice = round_.endpoint, decision.choice
        match planned:
            case Foreign(message):
                return self._leave_alone(message)
            case Deploy():
                assert choice is not None, "a deployment is planned for a choice"
                return self._deploy(planned, choice, endpoint)
            case OnTestEndpoint():
                assert choice is not None, "what is tested was chosen"
                return self._before_rollout.run(planned, choice, round_)
            case CannotChange(change):
                assert choice is not None, "a change is planned for a choice"
                round_.report = _cannot_change(change, choice.approval, endpoint)
                round_.is_another_kind = True
            case InSync():
                if endpoint and choice and self._smoke_testing.begin_again(choice, endpoint):
                    return Next.AGAIN
                self._logger.info("In sync")
                round_.report = self._versions.decide(left_out)
            case WaitToRetry(retry_at):
                self._logger.info("Waiting to try again", retry_at=retry_at.isoformat())
                round_.waits = True
            case WaitForAlarms(alarm_names, until):
                self._logger.info(
                    "Waiting for alarms of the rollout before to end",
                    alarms=alarm_names,
                    until=until.isoformat(),
                )
                round_.waits = True
            case Held(message, cause):
                self._notices.report_held(message)
                round_.held_by = cause
                round_.waits = True
            case NothingStands() if round_.change is not None:
                # A person who takes an approval back often gives it again, or another one, within a minute.
                # The endpoint serves on meanwhile: the next sweep tells of it if nothing stands by then.
                self._logger.info("No approved version is left to serve: told by the next sweep if it lasts")
                round_.waits = True
            case NothingStands() | Blocked():
                round_.report = self._stuck(planned, endpoint)
            case _:
                assert_never(planned)
        return Next.GO_ON

    def _stuck(self, planned: NothingStands | Blocked, endpoint: Endpoint | None) -> str:
        settings = self._versions.facts.settings
        if isinstance(planned, NothingStands):
            return (
                f"No approved version of {settings.group_name} is left to serve on {settings.endpoint_name}. "
                f"The endpoint is left as it is{_state(endpoint)}: approve a version, or delete the endpoint."
            )
        return (
            f"Endpoint {settings.endpoint_name} is {planned.status}, and AWS does not document what may be "
            f"done then. SageMaker's reason: {sentence(planned.failure_reason or 'none given')} "
            "Look into it. Once it is in service or deleted, the deployer goes on by itself."
        )

    def _leave_alone(self, message: str) -> Next:
        """Report why the endpoint is left alone, with its tags and scaling."""
        self._notices.report(message)
        self._attempts.withdraw_left_behind()
        return Next.STOP

    def _deploy(self, planned: Deploy, choice: Choice, endpoint: Endpoint | None) -> Next:
        facts, approval = self._versions.facts, choice.approval
        name, rolls_back = facts.settings.endpoint_name, goes_back(facts.history, choice, endpoint)
        try:
            progress = self._rollout.start(
                planned,
                choice,
                endpoint,
                rolls_back=rolls_back,
                is_new=self._proposer.is_new(choice, endpoint),
            )
        except UpkeepRefusedError as refusal:
            if refusal.is_passing:
                raise
            self._notices.report(
                f"Version {approval.version} of {approval.group_name} is not deployed to {name} yet. "
                f"{refusal}"
            )
            return Next.STOP
        match progress:
            case Progress.UNDER_WAY:
                return Next.STOP
            case Progress.ENDED:
                return Next.AGAIN
            case Progress.NAME_TAKEN:
                self._notices.report(
                    f"SageMaker says that an endpoint named {name} exists, and does not show it: its name "
                    "may have another letter case. Write the exact name in the YAML, or delete the endpoint."
                )
                return Next.STOP
            case _:
                assert_never(progress)


def _cannot_change(change: str, approval: Approval, endpoint: Endpoint | None) -> str:
    return (
        f"Version {approval.version} of {approval.group_name} is not deployed to {approval.endpoint_name}: "
        f"{change}, and SageMaker refuses that change. It keeps serving{_state(endpoint)}. "
        "Delete the endpoint, and it is created again with this version. Or undo the change in its YAML, or "
        "write another endpoint_name there."
    )


def _state(endpoint: Endpoint | None) -> str:
    return f" ({endpoint.status}, {endpoint.endpoint_config_name})" if endpoint is not None else ""
