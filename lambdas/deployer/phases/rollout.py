"""Puts a release on the endpoint: makes a deployment's steps, under an attempt that is journalled first."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from deployer.decisions.choice import superseded
from deployer.decisions.endpoint_changes import refused_after_all
from deployer.decisions.guardrails import without_alarms
from deployer.decisions.judgement import STALE_READ_LIMIT
from deployer.decisions.plan import amended, was_put_off
from deployer.decisions.retries import is_failure_of
from deployer.endpoint_pass.last_check import LastCheck, NoLongerWantedError
from deployer.endpoint_pass.throttling import LONGEST_TO_BEGIN_SECONDS, LONGEST_TO_FINISH_SECONDS
from deployer.gateways.refusals import Cause, Refusal, UpkeepRefusedError
from deployer.gateways.sagemaker_errors import BusyError, RefusedError, ThrottledError
from deployer.model.attempt import AttemptStatus
from deployer.model.release import all_tags
from deployer.model.steps import (
    ClearAbortAlarm,
    CreateEndpoint,
    CreateEndpointConfig,
    CreateModel,
    DeleteFailedEndpoint,
    DeregisterScaling,
    UpdateEndpoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Choice
    from deployer.decisions.plan import Deploy
    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.gateways import Gateways
    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint
    from deployer.model.release import Release

_DEREGISTER: Final = "deregister"
"""What SageMaker asks for where a variant that scales is to go or to change its instance type: the words are
not documented, except that it asks for this (developer guide, "endpoint-scaling-update")."""

SECONDS_TO_BE_KNOWN: Final = (5.0, 15.0, 30.0)
"""The longest waits within an invocation for IAM's edits to be known everywhere: seconds, as is seen
generally. Terraform waits for two minutes (hashicorp/terraform-provider-aws, `aws_sagemaker_model`). What
takes longer is tried again after RETRY_DELAYS."""


NEWER_APPROVAL: Final = "A newer approval came while this one waited to be tried again."


class Progress(Enum):
    """How far a rollout came."""

    UNDER_WAY = "under way"
    ENDED = "ended"
    """It ended at once; another round may find something else to do."""

    NAME_TAKEN = "name taken"
    """SageMaker says that the endpoint exists, and does not show it."""


class RegisteredByOthersError(UpkeepRefusedError):
    """Somebody else registered a variant for automatic scaling, and the update would take that away."""


class Rollout:
    """Rollouts on one endpoint."""

    def __init__(
        self,
        gateways: Gateways,
        ledger: Ledger,
        attempts: Attempts,
        versions: Versions,
        executor: Executor,
        logger: Logger,
    ) -> None:
        self._gateways = gateways
        self._ledger = ledger
        self._attempts = attempts
        self._versions = versions
        self._executor = executor
        self._last_check = LastCheck(versions)
        self._logger = logger

    def start(
        self, deploy: Deploy, choice: Choice, endpoint: Endpoint | None, *, rolls_back: bool
    ) -> Progress:
        """Make the steps of a deployment, as far as that goes now.

        Raises:
            UpkeepRefusedError: Scaling that is in the way cannot be ended, alarms cannot be set, or somebody
                else's model or config has a name that is needed.
            LostLeaseError: Another invocation is at work on this endpoint.
        """
        self._logger.append_keys(correlation_id=choice.decided_by.correlation_id)
        self._logger.info(
            "Deploying",
            model_package_arn=choice.release.version_arn,
            endpoint_config_name=choice.release.endpoint_config_name,
            steps=deploy.steps,
        )
        if was_put_off(self._ledger.history, choice.release):
            # Before another attempt is journalled, so that sweeps add none as long as something is in the
            # way.
            for preparation in deploy.preparation:
                self._executor.check_name_is_free(preparation)
            for step in deploy.clearing:
                self._executor.make(step)
        progress = self._attempt(deploy, choice, endpoint, rolls_back=rolls_back)
        if progress is Progress.UNDER_WAY and endpoint is None:
            facts = self._versions.facts
            self._ledger.note(tags=all_tags(facts.settings, facts.identity.stack_name))
        self._note_superseded(choice.approval)
        return progress

    def _attempt(
        self, deploy: Deploy, choice: Choice, endpoint: Endpoint | None, *, rolls_back: bool
    ) -> Progress:
        may_exist = self._may_exist(choice.release)
        deployment = self._attempts.begin_deployment(deploy, choice, endpoint, rolls_back=rolls_back)
        with self._attempts.released_if_cut_short(deployment):
            try:
                deployment = self._make(deploy, choice, deployment, may_exist=may_exist)
            except RefusedError as refusal:
                self._end_refused(deploy, deployment, endpoint, refusal)
                return Progress.ENDED
            except NoLongerWantedError as reason:
                self._withdraw(deployment, reason)
                return Progress.ENDED
            except UpkeepRefusedError as refusal:
                # Something that others made or registered is in the way, and the version is not to blame.
                # Only another update tells when a registration is gone: it stays this attempt, and sweeps add
                # none.
                if not refusal.is_passing and not isinstance(refusal, RegisteredByOthersError):
                    self._withdraw(deployment, refusal)
                raise
            except BusyError as busy:
                progress = self._end_busy(deploy, deployment, busy)
                if progress is not None:
                    return progress
            if isinstance(deploy.change, DeleteFailedEndpoint):
                self._logger.info(
                    "The failed endpoint is being deleted: the deployment goes on when it is gone"
                )
                self._attempts.release_lease(deployment)
            else:
                self._attempts.accept(deployment)
        return Progress.UNDER_WAY

    def _make(self, deploy: Deploy, choice: Choice, deployment: Deployment, *, may_exist: bool) -> Deployment:
        """Make the steps; return the deployment, which may ask for another update than it was begun with."""
        if deploy.refusal is not None:
            raise RefusedError(deploy.refusal)
        if deployment.alarms_left_out:
            self._logger.warning(
                "These alarms are on already, so they cannot stop this update",
                alarms=deployment.alarms_left_out,
            )
        waits = self._waits_to_be_known(choice)
        longest = LONGEST_TO_BEGIN_SECONDS
        for preparation in deploy.preparation:
            self._make_patiently(preparation, longest, waits, may_exist=may_exist)
            longest = LONGEST_TO_FINISH_SECONDS
        for guard in deploy.guards:
            match guard:
                case DeregisterScaling():
                    self._executor.make(guard)
                case ClearAbortAlarm():
                    if not self._executor.clear_abort_alarm(guard):
                        deploy = self._without_abort_alarm(deploy, guard)
                        deployment = self._attempts.change_terms(deployment, deploy)
        if isinstance(deploy.change, CreateEndpoint):
            # A former endpoint of this name took its scaling with it. Noted first, as a crash may follow.
            self._ledger.note(scaling={})
        self._make_patiently(deploy.change, longest, waits, release=choice.release)
        return deployment

    def _without_abort_alarm(self, deploy: Deploy, guard: ClearAbortAlarm) -> Deploy:
        """Return the rest of a plan without an alarm that is on, and would end the update at once."""
        assert isinstance(deploy.change, UpdateEndpoint), "only updates are guarded by alarms"
        rest = amended(without_alarms(deploy.change, frozenset({guard.alarm_name})))
        self._logger.warning("Deploying without the abort alarm, which cannot be cleared", steps=rest.steps)
        return rest

    def _note_superseded(self, by: Approval) -> None:
        history = self._ledger.history
        remembered = [each for each in history.approvals if history.reaches(each.approved_at)]
        for approval in superseded(remembered, history.attempts, by):
            self._ledger.change_approval(approval, superseded_by=by.version)
            self._logger.info("Superseded by a newer approval", model_package_arn=approval.version_arn)

    def _make_patiently(
        self,
        step: CreateModel | CreateEndpointConfig | CreateEndpoint | UpdateEndpoint | DeleteFailedEndpoint,
        longest_seconds: float,
        waits: Iterator[float],
        *,
        release: Release | None = None,
        may_exist: bool = False,
    ) -> None:
        """Make a step again and again while SageMaker throttles, or does not know of a permission yet.

        Args:
            step: The step.
            longest_seconds: How long to wait at most when it is throttled, each time.
            waits: How long when it is refused for a permission; then no more.
            release: The release that must still stand right before each try; None if that is not checked.
            may_exist: Whether to look first whether the resource exists.

        Raises:
            NoLongerWantedError: The release does not stand any more, or a newer approval came while waiting.
            RefusedError: It is refused, and there is nothing more to wait for.
            ThrottledError: There is no time left to wait.
        """
        while True:
            try:
                if release is not None:
                    self._last_check.check(release)
                if isinstance(step, UpdateEndpoint) and release is not None:
                    self._update(step, release)
                else:
                    self._executor.make(step, may_exist=may_exist)
            except (RefusedError, ThrottledError) as error:
                if not self._executor.may_try_again(error, longest_seconds, waits):
                    raise
            else:
                return
            if self._versions.has_news():
                raise NoLongerWantedError(NEWER_APPROVAL)

    def _update(self, step: UpdateEndpoint, release: Release) -> None:
        try:
            self._executor.make(step)
        except RefusedError as refusal:
            # The serving config was read late, or somebody changed it since: no failure of the version's.
            if _DEREGISTER not in str(refusal):
                raise
        else:
            return
        scaling = {**self._versions.facts.settings.scaling, **self._ledger.history.last_observed.scaling}
        rest = amended(step, guards=[DeregisterScaling(name, scaling[name]) for name in sorted(scaling)])
        self._logger.warning("SageMaker asks to end automatic scaling before the update", steps=rest.steps)
        for guard in rest.guards:
            self._executor.make(guard)
        self._last_check.check(release)
        try:
            self._executor.make(step)
        except RefusedError as refusal:
            if _DEREGISTER not in str(refusal):
                raise
            remedy = "Somebody else registered them: deregister them, or leave their instance type as it is."
            cause = Refusal(Cause.CONTENT, str(refusal))
            raise RegisteredByOthersError(f"{refusal} {remedy}", cause) from refusal

    def _waits_to_be_known(self, choice: Choice) -> Iterator[float]:
        """Return for how long a deployment waits at most for permissions, each time it is refused for one.

        All its writes share them. A release that failed so since it was approved waits for its next try only.
        """
        since = choice.decided_by.approved_at
        failed = any(
            each.lacked_access and is_failure_of(each, choice.release, since=since)
            for each in self._ledger.history.deployments
        )
        return iter(() if failed else SECONDS_TO_BE_KNOWN)

    def _may_exist(self, release: Release) -> bool:
        """Tell whether an attempt that the journal knows may have made what the release needs."""
        needed = {each["ModelName"] for each in release.create_models}
        return any(not needed.isdisjoint(each.model_names) for each in self._ledger.history.deployments)

    def _end_refused(
        self, deploy: Deploy, deployment: Deployment, endpoint: Endpoint | None, refusal: RefusedError
    ) -> None:
        """End a deployment that SageMaker refused: for the change of the endpoint, or for its content."""
        changes = deploy.change.unknown_changes if isinstance(deploy.change, UpdateEndpoint) else ()
        if endpoint is None or refused_after_all(changes, str(refusal)) is None:
            self._attempts.settle(deployment, AttemptStatus.FAILED, reason=str(refusal), endpoint=endpoint)
            return
        # Remembered, so that it is not asked for again; the next round says what a person may do.
        refused_change = (endpoint.endpoint_config_name or "", deployment.endpoint_config_name)
        self._ledger.note(refused_change=refused_change)
        self._withdraw(deployment, refusal)

    def _end_busy(self, deploy: Deploy, deployment: Deployment, busy: BusyError) -> Progress | None:
        """End a deployment whose endpoint is busy; None if it is busy with this very deployment.

        It is if an earlier try took effect and its answer was lost.
        """
        found = self._gateways.endpoints.describe(deployment.endpoint_name)
        if _took_effect(deploy, deployment, found):
            return None
        if found is None and self._gateways.now() - deployment.started_at >= STALE_READ_LIMIT:
            self._withdraw(deployment, busy)
            return Progress.NAME_TAKEN
        if found is None or not found.modifying:
            # Refused as busy, and seen at rest: the read is stale, so it proves nothing.
            raise busy
        self._withdraw(deployment, busy)
        return Progress.ENDED

    def _withdraw(self, deployment: Deployment, reason: Exception) -> None:
        self._attempts.settle(deployment, AttemptStatus.WITHDRAWN, reason=str(reason))


def _took_effect(deploy: Deploy, deployment: Deployment, found: Endpoint | None) -> bool:
    if isinstance(deploy.change, DeleteFailedEndpoint):
        return found is None or found.status == "Deleting"
    return found is not None and deployment.is_under_way_on(found)
