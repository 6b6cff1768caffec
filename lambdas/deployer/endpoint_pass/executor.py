"""Carries out what was planned, each change of SageMaker under an attempt that is journalled first."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, assert_never

from deployer.decisions.endpoint_changes import Shape, refused_after_all
from deployer.decisions.guardrails import without_alarms
from deployer.decisions.plan import (
    CreateEndpoint,
    CreateEndpointConfig,
    CreateModel,
    DeleteFailedEndpoint,
    Deploy,
    UpdateEndpoint,
)
from deployer.decisions.variants import retained_properties, to_deregister
from deployer.endpoint_pass.throttling import LONGEST_TO_BEGIN_SECONDS, LONGEST_TO_FINISH_SECONDS
from deployer.gateways.refusals import Cause, Refusal, UpkeepRefusedError
from deployer.gateways.sagemaker import BusyError, RefusedError, ThrottledError
from deployer.model.attempt import STALE_READ_LIMIT, Action, AttemptStatus
from deployer.model.release import STACK_TAG
from deployer.model.transience import may_be_early

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Choice
    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.throttling import Patience
    from deployer.gateways.sagemaker import SageMaker
    from deployer.model.attempt import Attempt, Deletion
    from deployer.model.endpoint import Endpoint
    from deployer.model.release import Release
    from deployer.phases.upkeep import Upkeep


_DEREGISTER: Final = "deregister"
"""What SageMaker asks for where a variant that scales is to go or to change its instance type: the words are
not documented, except that it asks for this (developer guide, "endpoint-scaling-update")."""


class _RegisteredByOthersError(UpkeepRefusedError):
    """Somebody else registered a variant for automatic scaling, and the update would take that away."""


@contextmanager
def _registered_by_others() -> Iterator[None]:
    """Tell a refusal for what others registered from one for the version or its settings."""
    try:
        yield
    except RefusedError as refusal:
        if _DEREGISTER not in str(refusal):
            raise
        remedy = "Somebody else registered them: deregister them, or leave their instance type as it is."
        told, why = f"{refusal} {remedy}", Refusal(Cause.CONTENT, str(refusal))
        raise _RegisteredByOthersError(told, why) from refusal


SECONDS_TO_BE_KNOWN: Final = (5.0, 15.0, 30.0)
"""The longest waits within an invocation for IAM's edits to be known everywhere: seconds, as is seen
generally. Terraform waits for two minutes (hashicorp/terraform-provider-aws, `aws_sagemaker_model`). What
takes longer is tried again after RETRY_DELAYS."""


CLOCKS_DIFFER: Final = timedelta(seconds=10)
"""By how much SageMaker's clock may be ahead of the deployer's. Nobody documents either; both are AWS's."""


_TO_PUT_BACK: Final = (
    "Write the settings back with which the version served, and approve it again; or approve another one."
)


NO_WAITS: Final[Iterator[float]] = iter(())


class Progress(Enum):
    """How far an attempt came."""

    UNDER_WAY = "under way"
    ENDED = "ended"
    """It ended at once; another round may find something else to do."""

    NAME_TAKEN = "name taken"
    """SageMaker says that the endpoint exists, and does not show it."""


class _NoLongerWantedError(Exception):
    """The approval was taken back, or a newer one came, between choosing it and acting on it."""


class Executor:
    """Acts on one endpoint.

    Args:
        sagemaker: Where the changes are made.
        attempts: The endpoint's attempts.
        still_stands: Asks the registry again whether every version of a release is approved.
        is_news: Asks the journal whether another approval came meanwhile.
        upkeep: Clears the way for an update: the abort alarm, and scaling that it may not touch.
        patience: For writes that SageMaker throttles.
        stack_name: The tag's value on everything that is the deployer's own.
        logger: Where each step is told.
    """

    def __init__(
        self,
        sagemaker: SageMaker,
        attempts: Attempts,
        still_stands: Callable[[Release], bool],
        is_news: Callable[[], bool],
        upkeep: Upkeep,
        patience: Patience,
        logger: Logger,
        *,
        stack_name: str,
    ) -> None:
        self._sagemaker = sagemaker
        self._attempts = attempts
        self._still_stands = still_stands
        self._is_news = is_news
        self._upkeep = upkeep
        self._patience = patience
        self._logger = logger
        self._stack_name = stack_name

    def deploy(
        self, deploy: Deploy, choice: Choice, endpoint: Endpoint | None, *, rolls_back: bool
    ) -> Progress:
        """Put a release on the endpoint, as far as that goes now.

        Raises:
            UpkeepRefusedError: Scaling that is in the way cannot be ended, alarms cannot be set, or somebody
                else's model or config has a name that is needed.
            OvertakenError: Another invocation is at work on this endpoint.
        """
        self._clear_what_hindered(deploy, choice.release, endpoint)
        may_exist = self._attempts.may_have_made(choice.release)
        attempt = self._claim(deploy, choice, endpoint, rolls_back=rolls_back)
        with self._attempts.given_back_if_cut_short(attempt):
            try:
                attempt = self._apply(deploy, choice, attempt, endpoint, may_exist=may_exist)
            except RefusedError as refusal:
                self._end_refused(deploy, attempt, endpoint, refusal)
                return Progress.ENDED
            except _NoLongerWantedError as obstacle:
                self._withdraw(attempt, obstacle)
                return Progress.ENDED
            except UpkeepRefusedError as refusal:
                # What others made or registered is in the way, and the version is not to blame. Only asking
                # again tells when a registration is gone: it stays this attempt, and sweeps add none.
                if not refusal.is_passing and not isinstance(refusal, _RegisteredByOthersError):
                    self._withdraw(attempt, refusal)
                raise
            except BusyError as obstacle:
                # Busy with this very change, if an earlier try took effect and its answer was lost.
                found = self._sagemaker.describe_endpoint(choice.release.endpoint_name)
                if not _took_effect(deploy, attempt, found):
                    if found is None and self._attempts.age(attempt) >= STALE_READ_LIMIT:
                        self._withdraw(attempt, obstacle)
                        return Progress.NAME_TAKEN
                    if found is None or not found.modifying:
                        # Refused as busy, and seen at rest: the read is stale, so it proves nothing.
                        raise
                    self._withdraw(attempt, obstacle)
                    return Progress.ENDED
            if isinstance(deploy.change, DeleteFailedEndpoint):
                self._logger.info(
                    "The failed endpoint is being deleted: the deployment goes on when it is gone"
                )
                self._attempts.give_back(attempt)
            else:
                self._attempts.accept(attempt)
        return Progress.UNDER_WAY

    def _clear_what_hindered(self, deploy: Deploy, release: Release, endpoint: Endpoint | None) -> None:
        """Look at what hindered an earlier try, and end scaling that did, before another one is journalled.

        So sweeps add nothing to the journal as long as it is in the way.

        Raises:
            UpkeepRefusedError: It is still in the way.
        """
        if not self._attempts.was_put_off(release):
            return
        for step in deploy.preparation:
            match step:
                case CreateModel(request):
                    self._sagemaker.has_model(request)
                case CreateEndpointConfig(request):
                    self._sagemaker.has_endpoint_config(request)
                case unknown:
                    assert_never(unknown)
        serving = self._serving_variants(endpoint) if endpoint is not None else None
        wanted = self.variants_of(release)
        if serving is not None and wanted is not None:
            self._upkeep.stop_scaling(to_deregister(serving, wanted), is_known=False)

    def _end_refused(
        self, deploy: Deploy, attempt: Attempt, endpoint: Endpoint | None, refusal: RefusedError
    ) -> None:
        """End an attempt that SageMaker refused: for the change of the endpoint, or for what it asked for."""
        changes = deploy.change.changes if isinstance(deploy.change, UpdateEndpoint) else ()
        if endpoint is None or refused_after_all(changes, str(refusal)) is None:
            self._attempts.settle(attempt, AttemptStatus.FAILED, reason=str(refusal), endpoint=endpoint)
            return
        # Remembered, so that it is not asked for again; the next round says what a person may do.
        refused_change = (endpoint.endpoint_config_name or "", attempt.endpoint_config_name)
        self._upkeep.note(refused_change=refused_change)
        self._withdraw(attempt, refusal)

    def clean_up(self, deletion: Deletion, endpoint: Endpoint | None) -> bool:
        """Delete what nothing needs any more, if it is the deployer's own.

        Returns:
            False if SageMaker throttles for so long that it is left to the sweep.

        Raises:
            OvertakenError: Another invocation is at work on this endpoint.
        """
        attempt = self._attempts.begin_clean_up(deletion)
        with self._attempts.given_back_if_cut_short(attempt):
            try:
                self._patiently(partial(self._delete, attempt), LONGEST_TO_BEGIN_SECONDS)
            except _NoLongerWantedError as obstacle:
                self._withdraw(attempt, obstacle)
            except ThrottledError:
                # Nobody waits for it: the sweep goes on with what is left.
                self._attempts.give_back(attempt)
                return False
            else:
                self._attempts.settle(attempt, AttemptStatus.SUCCEEDED, reason=None, endpoint=endpoint)
        return True

    def _delete(self, attempt: Attempt) -> None:
        deletion, owner = attempt.deletion, (STACK_TAG, self._stack_name)
        # Whatever the journal believes: it may have been restored, and people update endpoints as well.
        in_use = self._sagemaker.names_in_use(attempt.endpoint_name)
        if in_use is None or deletion.sparing(in_use) != deletion:
            raise _NoLongerWantedError("The endpoint serves some of it, or does not show what it serves.")
        for name in deletion.endpoint_config_names:
            self._tell_deleted(name, deleted=self._sagemaker.delete_endpoint_config(name, owner=owner))
        for name in deletion.model_names:
            self._tell_deleted(name, deleted=self._sagemaker.delete_model(name, owner=owner))

    def _claim(
        self, deploy: Deploy, choice: Choice, endpoint: Endpoint | None, *, rolls_back: bool
    ) -> Attempt:
        action = (
            Action.UPDATE_ENDPOINT if isinstance(deploy.change, UpdateEndpoint) else Action.CREATE_ENDPOINT
        )
        update = deploy.change if isinstance(deploy.change, UpdateEndpoint) else None
        left_behind = self._attempts.unsettled
        if left_behind is not None:
            same = (action, choice.release.endpoint_config_name)
            if (left_behind.action, left_behind.endpoint_config_name) == same:
                return self._attempts.take_over(left_behind, choice.decided_by, endpoint, update=update)
            self._attempts.withdraw_left_behind()
        return self._attempts.begin(
            action, choice.decided_by, choice.release, endpoint, rolls_back=rolls_back, update=update
        )

    def _apply(
        self,
        deploy: Deploy,
        choice: Choice,
        attempt: Attempt,
        endpoint: Endpoint | None,
        *,
        may_exist: bool,
    ) -> Attempt:
        """Do what was planned; return the attempt as it was begun in the end."""
        self._logger.info(
            "Deploying",
            attempt=attempt.number,
            action=attempt.action.value,
            model_package_arn=attempt.version_arn,
            endpoint_config_name=attempt.endpoint_config_name,
        )
        if attempt.alarms_left_out:
            self._logger.warning(
                "These alarms are on already, so they cannot stop this update",
                alarms=attempt.alarms_left_out,
            )
        waits = self._waits_to_be_known(choice)
        longest = LONGEST_TO_BEGIN_SECONDS
        for step in deploy.preparation:
            self._patiently(partial(self._prepare, step, may_exist=may_exist), longest, waits)
            longest = LONGEST_TO_FINISH_SECONDS
        if choice.release.is_former:
            self._see_that_it_is_what_served(choice.release)
        kept = self._kept_properties(choice.release, endpoint) if endpoint is not None else {}
        change = deploy.change
        if isinstance(change, UpdateEndpoint) and not self._upkeep.clear_abort():
            # On, it would end the update at once: SageMaker is not to look at it.
            change = without_alarms(change, self._upkeep.abort_alarm_names)
            attempt = self._attempts.amend(attempt, change)
        if isinstance(change, CreateEndpoint):
            # Whatever an endpoint of this name had before went with it. Noted first, as a crash may follow.
            self._upkeep.note(scaling={})
        self._patiently(lambda: self._change(change, choice.release, kept), longest, waits)
        return attempt

    def _waits_to_be_known(self, choice: Choice) -> Iterator[float]:
        """Return for how long a deployment waits at most for permissions, each time it is refused for one.

        All its writes share them. A release that failed so since it was approved waits for its next try only.
        """
        since = choice.decided_by.approved_at
        failed = any(
            each.lacked_access and each.is_failure_of(choice.release, since=since)
            for each in self._attempts.history.attempts
        )
        return iter(() if failed else SECONDS_TO_BE_KNOWN)

    def _patiently(
        self, write: Callable[[], None], longest_seconds: float, waits: Iterator[float] = NO_WAITS
    ) -> None:
        """Write again and again while SageMaker throttles, or does not know of a permission yet.

        Args:
            write: Makes the call.
            longest_seconds: How long to wait at most when it is throttled, each time.
            waits: How long when it is refused for a permission; then no more.

        Raises:
            ThrottledError: There is no time left to wait.
            RefusedError: It is refused, and there is nothing more to wait for.
            _NoLongerWantedError: Something newer came while waiting.
        """
        while True:
            try:
                return write()
            except ThrottledError:
                self._logger.info("SageMaker throttles: waiting before trying again")
                if not self._patience.wait(longest_seconds):
                    raise
            except RefusedError as refusal:
                wait = next(waits, None) if may_be_early(str(refusal)) else None
                if wait is None or not self._patience.wait(wait):
                    raise
                self._logger.info(
                    "A permission may not be known everywhere yet: trying again", reason=str(refusal)
                )
            if self._is_news():
                raise _NoLongerWantedError("A newer approval came while this one waited to be tried again.")

    def _prepare(self, step: CreateModel | CreateEndpointConfig, *, may_exist: bool) -> None:
        match step:
            case CreateModel(request):
                self._sagemaker.create_model(request, may_exist=may_exist)
            case CreateEndpointConfig(request):
                self._sagemaker.create_endpoint_config(request, may_exist=may_exist)
            case unknown:
                assert_never(unknown)

    def _change(
        self,
        change: CreateEndpoint | UpdateEndpoint | DeleteFailedEndpoint,
        release: Release,
        kept: dict[str, object],
    ) -> None:
        self._see_that_it_stands(release)
        match change:
            case CreateEndpoint(request):
                self._sagemaker.create_endpoint(request)
            case UpdateEndpoint(request):
                self._update({**request, **kept}, release)
            case DeleteFailedEndpoint(endpoint_name):
                self._sagemaker.delete_endpoint(endpoint_name)
            case unknown:
                assert_never(unknown)

    def _see_that_it_stands(self, release: Release) -> None:
        """Ask for a release again, at the last moment at which a reject can still be seen.

        Raises:
            _NoLongerWantedError: It was taken back, or is another one by now.
        """
        if not self._still_stands(release):
            told = " or ".join(release.version_arns)
            raise _NoLongerWantedError(f"{told} is no longer approved.")

    def _update(self, request: dict[str, Any], release: Release) -> None:
        try:
            self._sagemaker.update_endpoint(request)
        except RefusedError as refusal:
            # What served was read late, or somebody changed it since: still no failure of the version's.
            if _DEREGISTER not in str(refusal):
                raise
            self._upkeep.stop_scaling()
        else:
            return
        self._see_that_it_stands(release)
        with _registered_by_others():
            self._sagemaker.update_endpoint(request)

    def _kept_properties(self, release: Release, endpoint: Endpoint) -> dict[str, object]:
        """Return how an update keeps the counts and weights that nobody meant to change.

        What it cannot keep scaling is deregistered.
        """
        serving = self._serving_variants(endpoint)
        if serving is None:
            return {}
        wanted = self.variants_of(release)
        if wanted is None:
            raise _was_deleted(f"endpoint config {release.endpoint_config_name}")
        self._upkeep.stop_scaling(to_deregister(serving, wanted))
        return retained_properties(serving, wanted)

    def _see_that_it_is_what_served(self, release: Release) -> None:
        """Look at a former release's config and models: only their names are in the journal.

        Neither can be changed, so one that was there when it served is what served.

        Raises:
            RefusedError: One was deleted, or was made again since.
        """
        config_name = release.endpoint_config_name
        self._see_that_it_was_there(
            f"endpoint config {config_name}", config_name, self._sagemaker.config_made_at(config_name)
        )
        for name in release.model_names:
            self._see_that_it_was_there(f"model {name}", name, self._sagemaker.model_made_at(name))

    def _see_that_it_was_there(self, what: str, name: str, made_at: datetime | None) -> None:
        if made_at is None:
            raise _was_deleted(what)
        vouched_until = self._attempts.vouched_until(name)
        if vouched_until is None or made_at > vouched_until + CLOCKS_DIFFER:
            raise RefusedError(
                f"Its {what} was deleted and made again at {made_at.isoformat(timespec='seconds')}, after it "
                f"had served here. Somebody else may have made it, so it is not put back. {_TO_PUT_BACK}"
            )

    def _serving_variants(self, endpoint: Endpoint) -> list[dict[str, Any]] | None:
        """Return the `ProductionVariants` that an update would replace; None if it replaces none."""
        if endpoint.endpoint_config_name is None or not endpoint.updatable:
            return None
        return self._sagemaker.production_variants(endpoint.endpoint_config_name)

    def shape_of(self, release: Release) -> Shape | None:
        """Return a release's shape; None if it is a former one whose config was deleted."""
        if release.is_former:
            return self._sagemaker.config_shape(release.endpoint_config_name)
        return Shape.of(release.create_endpoint_config)

    def variants_of(self, release: Release) -> list[dict[str, Any]] | None:
        """Return a release's `ProductionVariants`; None if it is a former one whose config was deleted."""
        if release.is_former:
            return self._sagemaker.production_variants(release.endpoint_config_name)
        variants: list[dict[str, Any]] = release.create_endpoint_config["ProductionVariants"]
        return variants

    def _withdraw(self, attempt: Attempt, obstacle: Exception) -> None:
        self._attempts.settle(attempt, AttemptStatus.WITHDRAWN, reason=str(obstacle), endpoint=None)

    def _tell_deleted(self, name: str, *, deleted: bool) -> None:
        if deleted:
            self._logger.info("Deleted, as nothing needs it any more", resource=name)
        else:
            self._logger.warning("Not deleted: it does not carry this stack's tag", resource=name)


def _was_deleted(what: str) -> RefusedError:
    return RefusedError(f"Its {what} was deleted. {_TO_PUT_BACK}")


def _took_effect(deploy: Deploy, attempt: Attempt, found: Endpoint | None) -> bool:
    if isinstance(deploy.change, DeleteFailedEndpoint):
        return found is None or found.status == "Deleting"
    return found is not None and attempt.is_under_way_on(found)
