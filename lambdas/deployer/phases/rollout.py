"""Puts a release on the endpoint: journals an attempt, then makes the deployment's steps."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from deployer.decisions.endpoint_changes import refused_after_all
from deployer.decisions.guardrails import without, without_alarms
from deployer.decisions.judgement import STALE_READ_LIMIT
from deployer.decisions.plan import amended, was_put_off
from deployer.decisions.retries import waits_to_be_known
from deployer.decisions.trying_again import counting
from deployer.endpoint_pass.last_check import LastCheck, NoLongerWantedError
from deployer.endpoint_pass.throttling import LONGEST_TO_BEGIN_SECONDS, LONGEST_TO_FINISH_SECONDS
from deployer.gateways.refusals import Refusal, UpkeepRefusedError
from deployer.gateways.sagemaker_errors import BusyError, RefusedError, ThrottledError
from deployer.model.attempt import AttemptStatus
from deployer.model.cause import REGISTERED_BY_OTHERS, Cause
from deployer.model.release import all_tags
from deployer.model.steps import (
    ClearAbortAlarm,
    CreateEndpoint,
    CreateTestEndpoint,
    DeleteFailedEndpoint,
    DeregisterScaling,
    PutAlarm,
    UpdateEndpoint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Choice
    from deployer.decisions.plan import Deploy
    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.holds import Holds
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.gateways import Gateways
    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint
    from deployer.model.release import Release
    from deployer.model.steps import Step

_DEREGISTER: Final = "deregister"
"""A word in SageMaker's refusal to remove a variant that scales, or to change its instance type. Its full
message is not documented, but it asks for this (developer guide, "endpoint-scaling-update")."""

NEWER_APPROVAL: Final = "A newer approval came while this one waited to be tried again."


class Progress(Enum):
    """How far a rollout got."""

    UNDER_WAY = "under way"
    ENDED = "ended"
    """It ended at once. Another round may find more to do."""

    NAME_TAKEN = "name taken"
    """SageMaker says that the endpoint exists, but does not show it."""


class RegisteredByOthersError(Exception):
    """Somebody else registered a variant for automatic scaling, and the update would end that."""


class Rollout:
    """Rollouts on one endpoint."""

    def __init__(
        self,
        gateways: Gateways,
        ledger: Ledger,
        attempts: Attempts,
        versions: Versions,
        executor: Executor,
        holds: Holds,
        logger: Logger,
    ) -> None:
        self._gateways = gateways
        self._ledger = ledger
        self._attempts = attempts
        self._versions = versions
        self._executor = executor
        self._holds = holds
        self._last_check = LastCheck(versions, holds)
        self._logger = logger

    def start(
        self, deploy: Deploy, choice: Choice, endpoint: Endpoint | None, *, rolls_back: bool, is_new: bool
    ) -> Progress:
        """Make the steps of a deployment as far as possible now.

        Args:
            deploy: What to do.
            choice: What it is for.
            endpoint: The endpoint.
            rolls_back: Whether it brings back a version that served well.
            is_new: Whether it brings anything new, so that a pause or a freeze window holds it back.

        Raises:
            UpkeepRefusedError: Scaling could not be ended, an alarm could not be made or set, or somebody
                else's model, config or alarm has a needed name.
            LostLeaseError: Another invocation is at work on this endpoint.
        """
        self._last_check = LastCheck(self._versions, self._holds if is_new else None)
        self._logger.append_keys(correlation_id=choice.decided_by.correlation_id)
        self._logger.info(
            "Deploying",
            model_package_arn=choice.release.version_arn,
            endpoint_config_name=choice.release.endpoint_config_name,
            steps=deploy.steps,
        )
        if was_put_off(self._ledger.history, choice.release):
            # Do this before an attempt is journalled, so that sweeps add none while an obstacle stays.
            for preparation in deploy.preparation:
                self._executor.check_name_is_free(preparation)
            for step in deploy.clearing:
                self._clear_the_way(step, rolls_back=rolls_back)
        deploy = self._make_alarms(deploy, rolls_back=rolls_back)
        progress = self._attempt(deploy, choice, endpoint, rolls_back=rolls_back)
        if progress is Progress.UNDER_WAY and endpoint is None and isinstance(deploy.change, CreateEndpoint):
            facts = self._versions.facts
            self._ledger.note(tags=all_tags(facts.settings, facts.identity.stack_name))
        return progress

    def _make_alarms(self, deploy: Deploy, *, rolls_back: bool) -> Deploy:
        """Make the alarms that an update names; return the update, perhaps without some of them.

        A new version waits for its alarms. A former one does not, as it takes a worse one out of service. It
        goes out without the alarms that cannot be made, and its outcome says so.

        Raises:
            UpkeepRefusedError: An alarm cannot be made now, and the update waits for it.
        """
        planned = deploy.alarms
        if deploy.refusal is not None or not isinstance(deploy.change, UpdateEndpoint):
            return deploy
        if planned.noted is not None:
            # Also if the update waits: the next one may not be allowed to look whose alarms these are.
            self._ledger.note(alarms=dict(planned.noted))
        if planned.trouble is not None and not rolls_back:
            raise UpkeepRefusedError(planned.trouble, Refusal(Cause.SURROUNDINGS, planned.trouble))
        missing = set(planned.unusable)
        for step in planned.puts:
            try:
                self._clear_the_way(step, rolls_back=rolls_back)
            except UpkeepRefusedError as refusal:
                if refusal.is_passing or not rolls_back:
                    raise
                self._logger.warning(str(refusal))
                missing.add(step.alarm_name)
        left = without(deploy, missing)
        if missing:
            self._logger.warning("Deploying without alarms that cannot be made", steps=left.steps)
        return left

    def _clear_the_way(self, step: DeregisterScaling | PutAlarm, *, rolls_back: bool) -> None:
        """Make a step that an update needs first: if it was refused, after growing delays, or to go back."""
        if rolls_back:
            self._executor.make(step)
        else:
            self._executor.make_if_due(step)

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
            except RegisteredByOthersError as refusal:
                # Only another update shows when the registration is gone.
                self._fail(deployment, str(refusal), Cause.SURROUNDINGS, endpoint)
                return Progress.ENDED
            except UpkeepRefusedError as refusal:
                # Somebody else's resource is the obstacle, and not the version.
                if not refusal.is_passing:
                    self._withdraw(deployment, refusal)
                raise
            except BusyError as busy:
                progress = self._end_busy(deploy, deployment, busy)
                if progress is not None:
                    return progress
            if isinstance(deploy.change, DeleteFailedEndpoint | CreateTestEndpoint):
                self._logger.info("The deployment goes on when SageMaker is done", began=str(deploy.change))
                self._attempts.release_lease(deployment)
            else:
                self._attempts.accept(deployment)
        return Progress.UNDER_WAY

    def _make(self, deploy: Deploy, choice: Choice, deployment: Deployment, *, may_exist: bool) -> Deployment:
        """Make the steps; return the deployment, whose update may differ from the one at its start."""
        if deploy.refusal is not None:
            raise RefusedError(deploy.refusal)
        if deployment.alarms_left_out:
            self._logger.warning(
                "These alarms are on already or cannot be made, so they cannot stop this update",
                alarms=deployment.alarms_left_out,
            )
        waits = iter(
            waits_to_be_known(
                counting(self._ledger.history.deployments, choice.decided_by),
                choice.release,
                since=choice.decided_by.approved_at,
            )
        )
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
        self._make_patiently(deploy.change, longest, waits, release=choice.release)
        return deployment

    def _without_abort_alarm(self, deploy: Deploy, guard: ClearAbortAlarm) -> Deploy:
        """Return the rest of a plan without the abort alarm: it is on, and would end the update at once."""
        assert isinstance(deploy.change, UpdateEndpoint), "only updates are guarded by alarms"
        rest = amended(without_alarms(deploy.change, frozenset({guard.alarm_name})))
        self._logger.warning("Deploying without the abort alarm, which cannot be cleared", steps=rest.steps)
        return rest

    def _make_patiently(
        self,
        step: Step,
        longest_seconds: float,
        waits: Iterator[float],
        *,
        release: Release | None = None,
        may_exist: bool = False,
    ) -> None:
        """Make a step, and repeat it while SageMaker throttles or does not know a permission yet.

        Args:
            step: The step.
            longest_seconds: The longest single wait under throttling.
            waits: The waits after refusals for a permission; no more after these.
            release: The release to check right before each try; None for no check.
            may_exist: Whether to look for the resource before writing.

        Raises:
            NoLongerWantedError: The release no longer stands, or a newer approval came during a wait.
            RefusedError: SageMaker refused the step, and no wait is left.
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
            # The serving config was read late, or somebody changed it since. The version is not to blame.
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
            raise RegisteredByOthersError(f"{refusal} {REGISTERED_BY_OTHERS}") from refusal

    def _may_exist(self, release: Release) -> bool:
        """Tell whether a journalled attempt may have created the release's resources."""
        needed = {each["ModelName"] for each in release.create_models}
        return any(not needed.isdisjoint(each.model_names) for each in self._ledger.history.deployments)

    def _end_refused(
        self, deploy: Deploy, deployment: Deployment, endpoint: Endpoint | None, refusal: RefusedError
    ) -> None:
        """End a deployment that SageMaker refused, for the change of the endpoint or for its content."""
        changes = deploy.change.unknown_changes if isinstance(deploy.change, UpdateEndpoint) else ()
        if endpoint is None or refused_after_all(changes, str(refusal)) is None:
            self._fail(deployment, str(refusal), refusal.cause, endpoint)
            return
        # Remember the change, so that it is not asked for again. The next round reports what a person can do.
        refused_change = (endpoint.endpoint_config_name or "", deployment.endpoint_config_name)
        self._ledger.note(refused_change=refused_change)
        self._withdraw(deployment, refusal)

    def _end_busy(self, deploy: Deploy, deployment: Deployment, busy: BusyError) -> Progress | None:
        """End a deployment whose endpoint is busy; None if it is busy with this very deployment.

        That is so if an earlier try took effect and its answer was lost.
        """
        found = self._gateways.endpoints.describe(deployment.endpoint_name)
        if _took_effect(deploy, deployment, found):
            return None
        if found is None and self._gateways.now() - deployment.started_at >= STALE_READ_LIMIT:
            self._withdraw(deployment, busy)
            return Progress.NAME_TAKEN
        if found is None or not found.modifying:
            # SageMaker refused as busy, but the read shows a rest: the read is stale and proves nothing.
            raise busy
        self._withdraw(deployment, busy)
        return Progress.ENDED

    def _fail(self, deployment: Deployment, reason: str, cause: Cause, endpoint: Endpoint | None) -> None:
        self._attempts.settle(deployment, AttemptStatus.FAILED, reason=reason, cause=cause, endpoint=endpoint)

    def _withdraw(self, deployment: Deployment, reason: Exception) -> None:
        self._attempts.settle(deployment, AttemptStatus.WITHDRAWN, reason=str(reason))


def _took_effect(deploy: Deploy, deployment: Deployment, found: Endpoint | None) -> bool:
    if isinstance(deploy.change, DeleteFailedEndpoint):
        return found is None or found.status == "Deleting"
    return found is not None and deployment.is_under_way_on(found)
