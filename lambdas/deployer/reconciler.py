"""Brings one endpoint to what it should be: observe, plan, apply, report.

Everything is read again on each pass, so a pass that runs twice, late or beside another one ends the same.
Decisions are made by pure functions (`approval.choose`, `attempt.judge`, `planner.plan`); this module only
connects them to the gateways, in an order that survives a crash between any two calls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from deployer import outcomes
from deployer.approval import Approval, ApprovalSource, Choice, choose
from deployer.attempt import Action, Attempt, AttemptStatus, Verdict, judge
from deployer.names import same_arn
from deployer.planner import (
    Blocked,
    CreateEndpoint,
    CreateEndpointConfig,
    CreateModel,
    Deploy,
    InSync,
    NothingStands,
    Plan,
    UpdateEndpoint,
    Wait,
    plan,
)
from deployer.sagemaker import BusyError, RefusedError
from deployer.settings import Release, all_tags

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint import Endpoint
    from deployer.journal import History, Journal
    from deployer.outcomes import Outcome
    from deployer.reporter import Reporter
    from deployer.sagemaker import ModelVersion, SageMaker
    from deployer.settings import EndpointSettings
    from deployer.triggers import PackageChanged

LEASE: Final = timedelta(minutes=6)
"""How long an attempt belongs to the invocation that claimed it: longer than the function's time limit, so
that nobody takes over from one that is still running."""

REPORT_GRACE: Final = timedelta(seconds=30)
"""How long whoever settled an attempt has for reporting it, before another pass does."""


@dataclass(frozen=True, slots=True)
class Gateways:
    """The services a pass calls, and the clock."""

    sagemaker: SageMaker
    journal: Journal
    reporter: Reporter
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Ownership:
    """What the stack gives to everything the deployer makes."""

    execution_role_arn: str
    stack_name: str


class Reconciler:
    """Reconciles one endpoint, once. Make a new one for each pass: it remembers what it read."""

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        ownership: Ownership,
        logger: Logger,
        *,
        invocation_id: str,
    ) -> None:
        self._settings = settings
        self._sagemaker = gateways.sagemaker
        self._journal = gateways.journal
        self._reporter = gateways.reporter
        self._now = gateways.now
        self._ownership = ownership
        self._logger = logger
        self._invocation_id = invocation_id
        self._name = settings.endpoint_name
        self._versions: dict[str, ModelVersion | None] = {}

    def reconcile(self, *, hint: PackageChanged | None = None, adopt: bool = False) -> None:
        """Make one pass.

        Args:
            hint: The registry's event that led here, if one did.
            adopt: Whether to look for approved versions that the journal has never seen.
        """
        history = self._journal.read(self._name)
        if hint is not None:
            history = self._take_hint(hint, history)
        if adopt:
            history = self._adopt(history)
        if not history.approvals and history.latest_attempt is None:
            self._logger.info("No version was ever approved for this endpoint: nothing to do")
            return
        endpoint = self._sagemaker.describe_endpoint(self._name)
        history = self._follow(history, endpoint)
        history = self._report_late(history, endpoint)
        current = history.latest_attempt
        if current is not None and current.unsettled and not self._may_take_over(current):
            self._logger.info("An attempt is under way: waiting", attempt=current.number)
            return
        if endpoint is not None and endpoint.modifying:
            self._logger.info("The endpoint is being modified: waiting", status=endpoint.status)
            return
        choice = self._choose(history, endpoint)
        self._carry_out(plan(choice, endpoint), choice, endpoint, history, hint)

    # What is known -----------------------------------------------------------------------------------

    def _take_hint(self, hint: PackageChanged, history: History) -> History:
        """Journal the approval that an event reports, if it is one."""
        known = any(same_arn(each.version_arn, hint.version_arn) for each in history.approvals)
        # Every update of a version repeats its status: only a change of it, or an unknown version, counts.
        if hint.approval_status != "Approved" or (known and not hint.names_approval):
            return history
        return self._record(hint.version_arn, ApprovalSource.EVENT, history, hint.time, hint.event_id)

    def _adopt(self, history: History) -> History:
        """Journal the approved versions that the journal has never seen, under their last modification."""
        known = {each.version_arn.lower() for each in history.approvals}
        for arn in self._sagemaker.approved_version_arns(self._settings.model_package_group):
            if arn.lower() not in known:
                history = self._record(arn, ApprovalSource.ADOPTED, history)
        return history

    def _record(
        self,
        version_arn: str,
        source: ApprovalSource,
        history: History,
        approved_at: datetime | None = None,
        correlation_id: str | None = None,
    ) -> History:
        version = self._read_version(version_arn)
        if version is None or not version.deployable or not self._settings.follows(version.group_name):
            self._logger.info(
                "This version is not approved, or not complete: nothing to journal",
                model_package_arn=version_arn,
            )
            return history
        approval = Approval(
            endpoint_name=self._name,
            version_arn=version.arn,
            version=version.version,
            group_name=version.group_name,
            approved_at=approved_at or version.last_modified_time,
            approved_by=version.last_modified_by,
            source=source,
            correlation_id=correlation_id or f"adopted-{version.group_name}-{version.version}",
        )
        if self._journal.record_approval(approval):
            self._logger.info(
                "Approval journalled",
                model_package_arn=approval.version_arn,
                approved_at=approval.approved_at.isoformat(),
                approved_by=approval.approved_by,
                approval_source=source.value,
            )
        return history.with_approval(approval)

    def _read_version(self, version_arn: str, *, again: bool = False) -> ModelVersion | None:
        key = version_arn.lower()
        if again or key not in self._versions:
            self._versions[key] = self._sagemaker.describe_model_version(version_arn)
        return self._versions[key]

    def _still_stands(self, approval: Approval, *, again: bool = False) -> bool:
        version = self._read_version(approval.version_arn, again=again)
        return version is not None and version.deployable and self._settings.follows(version.group_name)

    # What became of the last attempt -----------------------------------------------------------------

    def _follow(self, history: History, endpoint: Endpoint | None) -> History:
        """Settle the attempt under way, as far as the endpoint shows how it ended."""
        attempt = history.latest_attempt
        if attempt is None or not attempt.unsettled:
            return history
        self._logger.append_keys(correlation_id=attempt.correlation_id)
        if endpoint is not None and endpoint.modifying:
            # Whoever asked died before it could note that SageMaker accepted.
            if attempt.status is AttemptStatus.OPEN and attempt.is_under_way_on(endpoint):
                return self._accept(history, attempt)
            return history
        judgement = judge(attempt, endpoint, now=self._now())
        match judgement.verdict:
            case Verdict.SUCCEEDED:
                return self._settle(history, attempt, AttemptStatus.SUCCEEDED, None, endpoint)
            case Verdict.FAILED:
                return self._settle(history, attempt, AttemptStatus.FAILED, judgement.reason, endpoint)
            case Verdict.NEVER_ASKED | Verdict.NOT_SEEN_YET:
                return history
            case unknown:
                assert_never(unknown)

    def _may_take_over(self, attempt: Attempt) -> bool:
        """Tell whether an unsettled attempt was left behind, by an invocation that died or gave it back."""
        return attempt.status is AttemptStatus.OPEN and self._now() >= attempt.lease_until

    def _accept(self, history: History, attempt: Attempt) -> History:
        accepted = replace(attempt, status=AttemptStatus.ACCEPTED, invocation_id=self._invocation_id)
        if not self._journal.move(attempt, accepted):
            return history.with_attempt(accepted)
        self._logger.info("SageMaker accepted the change", attempt=attempt.number)
        return self._report(history.with_attempt(accepted), accepted, outcomes.started(accepted))

    def _settle(
        self,
        history: History,
        attempt: Attempt,
        status: AttemptStatus,
        reason: str | None,
        endpoint: Endpoint | None,
    ) -> History:
        settled = replace(
            attempt,
            status=status,
            reason=reason,
            settled_at=self._now(),
            invocation_id=self._invocation_id,
        )
        if not self._journal.move(attempt, settled):
            # Another pass settled it at the same moment, and reports it.
            return history.with_attempt(settled)
        self._logger.info("Attempt settled", attempt=attempt.number, status=status.value, reason=reason)
        history = history.with_attempt(settled)
        if status is AttemptStatus.WITHDRAWN:
            return history
        return self._report(history, settled, _settled_outcome(settled, endpoint))

    # What people are told ----------------------------------------------------------------------------

    def _report(self, history: History, attempt: Attempt, outcome: Outcome) -> History:
        self._reporter.report(outcome)
        if outcome.kind is outcomes.OutcomeKind.STARTED:
            self._journal.note_reported(attempt, "started_reported")
            return history.with_attempt(replace(attempt, started_reported=True))
        self._journal.note_reported(attempt, "settled_reported")
        return history.with_attempt(replace(attempt, settled_reported=True))

    def _report_late(self, history: History, endpoint: Endpoint | None) -> History:
        """Report what an earlier pass settled and then could not report."""
        due = self._now() - REPORT_GRACE
        for attempt in history.attempts:
            match attempt.status:
                case AttemptStatus.ACCEPTED if not attempt.started_reported and attempt.started_at <= due:
                    history = self._report(history, attempt, outcomes.started(attempt))
                case AttemptStatus.SUCCEEDED | AttemptStatus.FAILED if not attempt.settled_reported:
                    assert attempt.settled_at is not None
                    if attempt.settled_at <= due:
                        history = self._report(history, attempt, _settled_outcome(attempt, endpoint))
                case _:
                    pass
        return history

    def _tell(self, hint: PackageChanged | None, message: str) -> None:
        """Say that nothing can be done: as an outcome where somebody waits for one, always in the log."""
        self._logger.warning(message)
        if hint is not None:
            self._reporter.report(
                outcomes.ignored(
                    endpoint_name=self._name,
                    version_arn=hint.version_arn,
                    event_id=hint.event_id,
                    time=hint.time,
                    message=message,
                )
            )

    # What is done ------------------------------------------------------------------------------------

    def _release(self, approval: Approval) -> Release:
        return Release.build(
            self._settings,
            version_arn=approval.version_arn,
            version=approval.version,
            execution_role_arn=self._ownership.execution_role_arn,
            stack_name=self._ownership.stack_name,
        )

    def _choose(self, history: History, endpoint: Endpoint | None) -> Choice | None:
        return choose(
            (each for each in history.approvals if self._settings.follows(each.group_name)),
            history.attempts,
            serving_version_arn=_serving_version_arn(history, endpoint),
            still_stands=self._still_stands,
            release_for=self._release,
        )

    def _carry_out(
        self,
        planned: Plan,
        choice: Choice | None,
        endpoint: Endpoint | None,
        history: History,
        hint: PackageChanged | None,
    ) -> None:
        match planned:
            case InSync():
                self._withdraw_left_behind(history)
                self._logger.info("In sync")
                if endpoint is not None:
                    self._bring_tags_up_to_date(endpoint, history)
            case Wait():
                self._logger.info("The endpoint is being modified: waiting", status=planned.status)
            case NothingStands():
                self._withdraw_left_behind(history)
                self._tell(
                    hint,
                    f"No approved version of {self._settings.group_name} is left for {self._name}. "
                    "The endpoint keeps serving what it has: approve a version, or delete the endpoint.",
                )
            case Blocked():
                self._tell(
                    hint,
                    f"Endpoint {self._name} is {planned.status}, and the deployer may not change it so. "
                    f"Reason: {planned.failure_reason or 'SageMaker gave none'}. "
                    "Look into it, delete the endpoint, and approve a version again.",
                )
            case Deploy():
                assert choice is not None
                self._deploy(planned, choice, endpoint, history)
            case unknown:
                assert_never(unknown)

    def _deploy(self, deploy: Deploy, choice: Choice, endpoint: Endpoint | None, history: History) -> None:
        attempt = self._claim(deploy, choice, endpoint, history)
        if attempt is None:
            self._logger.info("Another invocation is at work on this endpoint: leaving it to that one")
            return
        history = history.with_attempt(attempt)
        self._logger.append_keys(correlation_id=attempt.correlation_id)
        try:
            self._apply(deploy, choice, attempt)
        except RefusedError as refusal:
            self._settle(history, attempt, AttemptStatus.FAILED, str(refusal), endpoint)
            return
        except _NoLongerStandsError as obstacle:
            self._settle(history, attempt, AttemptStatus.WITHDRAWN, str(obstacle), endpoint)
            return
        except BusyError as obstacle:
            # Busy with this very change, if an earlier try of the call took effect and its answer was lost.
            found = self._sagemaker.describe_endpoint(self._name)
            if found is None or not attempt.is_under_way_on(found):
                self._settle(history, attempt, AttemptStatus.WITHDRAWN, str(obstacle), endpoint)
                return
        except BaseException:
            # Whether SageMaker was asked is open. Give the lease back, so that a retry need not wait for it.
            given_back = replace(attempt, lease_until=self._now(), invocation_id=self._invocation_id)
            self._journal.move(attempt, given_back)
            raise
        self._accept(history, attempt)
        if endpoint is None:
            self._journal.record_tags(self._name, all_tags(self._settings, self._ownership.stack_name))

    def _claim(
        self, deploy: Deploy, choice: Choice, endpoint: Endpoint | None, history: History
    ) -> Attempt | None:
        """Journal the attempt before anything is asked of SageMaker; None if another invocation was first."""
        now = self._now()
        left_behind = history.latest_attempt
        release, approval = choice.release, choice.approval
        if left_behind is not None and left_behind.unsettled:
            if left_behind.endpoint_config_name == release.endpoint_config_name:
                renewed = replace(left_behind, lease_until=now + LEASE, invocation_id=self._invocation_id)
                return renewed if self._journal.move(left_behind, renewed) else None
            self._withdraw_left_behind(history)
        serving = _serving_version_arn(history, endpoint)
        attempt = Attempt(
            endpoint_name=self._name,
            number=left_behind.number + 1 if left_behind else 1,
            action=Action.CREATE_ENDPOINT
            if isinstance(deploy.change, CreateEndpoint)
            else Action.UPDATE_ENDPOINT,
            version_arn=release.version_arn,
            version=release.version,
            group_name=approval.group_name,
            model_name=release.model_name,
            endpoint_config_name=release.endpoint_config_name,
            replaces_endpoint_config_name=endpoint.endpoint_config_name if endpoint else None,
            endpoint_last_modified_time=endpoint.last_modified_time if endpoint else None,
            rolls_back=_rolls_back(approval, serving, history),
            approved_at=approval.approved_at,
            approved_by=approval.approved_by,
            correlation_id=approval.correlation_id,
            started_at=now,
            invocation_id=self._invocation_id,
            lease_until=now + LEASE,
        )
        return attempt if self._journal.begin(attempt) else None

    def _withdraw_left_behind(self, history: History) -> None:
        attempt = history.latest_attempt
        if attempt is not None and attempt.unsettled:
            self._settle(history, attempt, AttemptStatus.WITHDRAWN, "It is no longer wanted.", None)

    def _apply(self, deploy: Deploy, choice: Choice, attempt: Attempt) -> None:
        self._logger.info(
            "Deploying",
            attempt=attempt.number,
            action=attempt.action.value,
            model_package_arn=attempt.version_arn,
            endpoint_config_name=attempt.endpoint_config_name,
        )
        for step in deploy.preparation:
            match step:
                case CreateModel(request):
                    self._sagemaker.create_model(request)
                case CreateEndpointConfig(request):
                    self._sagemaker.create_endpoint_config(request)
                case unknown_step:
                    assert_never(unknown_step)
        # The last moment at which a reject can still be seen.
        if not self._still_stands(choice.approval, again=True):
            raise _NoLongerStandsError(f"{choice.approval.version_arn} is no longer approved.")
        match deploy.change:
            case CreateEndpoint(request):
                self._sagemaker.create_endpoint(request)
            case UpdateEndpoint(request):
                self._sagemaker.update_endpoint(request)
            case unknown_change:
                assert_never(unknown_change)

    def _bring_tags_up_to_date(self, endpoint: Endpoint, history: History) -> None:
        """Put changed tags on the endpoint itself: they are no reason for a rollout."""
        wanted = all_tags(self._settings, self._ownership.stack_name)
        applied = history.applied_tags or {}
        if wanted == applied:
            return
        self._sagemaker.tag(
            endpoint.arn,
            add={key: value for key, value in wanted.items() if applied.get(key) != value},
            remove=frozenset(applied) - frozenset(wanted),
        )
        self._journal.record_tags(self._name, wanted)
        self._logger.info("Tags of the endpoint brought up to date")


class _NoLongerStandsError(Exception):
    """The approval was taken back between choosing it and acting on it."""


def _serving_version_arn(history: History, endpoint: Endpoint | None) -> str | None:
    return history.version_served_by(endpoint.endpoint_config_name) if endpoint is not None else None


def _rolls_back(approval: Approval, serving_version_arn: str | None, history: History) -> bool:
    """Tell whether what serves was approved later than what is about to: going back, not forward."""
    return any(
        serving_version_arn is not None
        and same_arn(each.version_arn, serving_version_arn)
        and each.order > approval.order
        for each in history.approvals
    )


def _settled_outcome(attempt: Attempt, endpoint: Endpoint | None) -> Outcome:
    serves = endpoint is not None and endpoint.updatable
    return outcomes.settled(
        attempt, serving_endpoint_config_name=endpoint.endpoint_config_name if serves and endpoint else None
    )
