"""Makes steps, one after another: the only place that changes anything in AWS."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, assert_never

from deployer.contract import STACK_TAG
from deployer.decisions.at_rest import half_tagged
from deployer.decisions.autoscaling import half_changed
from deployer.decisions.variant_properties import noted_as_set
from deployer.endpoint_pass.refused_writes import key_of
from deployer.gateways.refusals import Refusal, UpkeepRefusedError
from deployer.gateways.sagemaker_errors import BusyError, RefusedError, ThrottledError
from deployer.model import steps
from deployer.model.cause import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.refused_writes import RefusedWrites
    from deployer.endpoint_pass.throttling import TimeBudget
    from deployer.gateways.gateways import Gateways
    from deployer.model.settings import EndpointSettings
    from deployer.model.steps import Step

NO_WAITS: Final[Iterator[float]] = iter(())


class Executor:
    """Makes the steps of one endpoint's plans.

    Args:
        settings: The endpoint's; None if it has none any more.
        gateways: The services that steps call.
        ledger: Takes notes before and after a step.
        refused_writes: Knows which writes it is too early to try again.
        time_budget: Whether the invocation has time to wait.
        logger: Where steps are logged.
        stack_name: The tag's value on all of the deployer's resources.
    """

    def __init__(
        self,
        settings: EndpointSettings | None,
        gateways: Gateways,
        ledger: Ledger,
        refused_writes: RefusedWrites,
        time_budget: TimeBudget,
        logger: Logger,
        *,
        stack_name: str,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._ledger = ledger
        self._refused_writes = refused_writes
        self._time_budget = time_budget
        self._logger = logger
        self._owner = (STACK_TAG, stack_name)

    def make(self, step: Step, *, may_exist: bool = False) -> None:
        """Make a step.

        Args:
            step: The step.
            may_exist: Whether to look for the resource before writing. Under throttling, a refused write also
                counts.

        Raises:
            RefusedError: SageMaker refuses it.
            BusyError: Another change of the endpoint is under way.
            ThrottledError: SageMaker takes no more writes at the moment.
            UpkeepRefusedError: AWS refused a call for the endpoint's upkeep, or somebody else's resource has
                a needed name.
        """
        self._logger.info("Making a step", step=step)
        try:
            self._ask_for(step, may_exist=may_exist)
        finally:
            self._logger.debug("The step is over", step=step)

    def _ask_for(self, step: Step, *, may_exist: bool) -> None:  # noqa: C901, PLR0912, PLR0915 - a case a step
        gateways = self._gateways
        match step:
            case steps.CreateModel(request):
                gateways.models_and_configs.create_model(request, may_exist=may_exist)
            case steps.CreateEndpointConfig(request, repairs):
                gateways.models_and_configs.create_endpoint_config(
                    request, may_exist=may_exist, models_are_new=not repairs
                )
            case steps.CreateEndpoint(request):
                gateways.endpoints.create(request)
            case steps.CreateTestEndpoint(request):
                # One of this name exists. The next pass reads whose it is.
                with suppress(BusyError):
                    gateways.endpoints.create(request)
            case steps.DeleteTestEndpoint(name):
                # The config first: the endpoint is what a later sweep finds.
                gateways.models_and_configs.delete_endpoint_config(name, owner=self._owner)
                gateways.endpoints.delete(name)
            case steps.UpdateEndpoint(request):
                gateways.endpoints.update(request)
            case steps.SetVariantProperties(endpoint_name, to_set, attempt):
                gateways.endpoints.set_properties(endpoint_name, to_set)
                self._ledger.note(properties_set=noted_as_set(self._ledger.history, to_set, attempt))
            case steps.DeleteFailedEndpoint(endpoint_name):
                gateways.endpoints.delete(endpoint_name)
            case steps.DeleteEndpointConfig(name):
                deleted = gateways.models_and_configs.delete_endpoint_config(name, owner=self._owner)
                self._log_deleted(name, deleted=deleted)
            case steps.DeleteModel(name):
                deleted = gateways.models_and_configs.delete_model(name, owner=self._owner)
                self._log_deleted(name, deleted=deleted)
            case steps.ChangeTags(arn, add, remove, wanted):
                # A refusal or a crash may leave a part of each.
                self._ledger.note(tags=half_tagged(self._ledger.history.last_observed.tags, wanted))
                gateways.tags.change(arn, add=add, remove=remove)
                self._ledger.note(tags=dict(wanted))
            case steps.RegisterScaling():
                self._register(step)
            case steps.DeregisterScaling():
                self._deregister(step)
            case steps.PutAlarm():
                self._put_alarm(step)
            case steps.DeleteAlarms(alarm_names):
                gateways.alarms.delete(alarm_names)
                noted = self._ledger.history.last_observed.alarms
                self._ledger.note(
                    alarms={name: each for name, each in noted.items() if name not in alarm_names}
                )
            case steps.SetOffAbortAlarm(alarm_name, reason):
                gateways.alarms.set_off(
                    alarm_name, self._ledger.endpoint_name, at=gateways.now(), reason=reason
                )
            case steps.ClearAbortAlarm(alarm_name):
                gateways.alarms.clear(alarm_name, self._ledger.endpoint_name, at=gateways.now())
                self._ledger.note(abort_alarm_set=False)
            case steps.WriteMetadata(version_arn, properties):
                gateways.registry.put_metadata(version_arn, properties)
            case steps.Promote(version_arn, life_cycle, description, properties):
                gateways.registry.put_life_cycle(version_arn, life_cycle, description, properties)
            case _:
                assert_never(step)

    def may_try_again(
        self, error: RefusedError | ThrottledError, longest_seconds: float, waits: Iterator[float] = NO_WAITS
    ) -> bool:
        """Wait after an error that may pass within this invocation; return False if no try is left.

        Args:
            error: What a step raised.
            longest_seconds: The longest wait when SageMaker throttles.
            waits: The waits for a permission that may not be known everywhere yet; no more after these.
        """
        if isinstance(error, ThrottledError):
            self._logger.info("SageMaker throttles: waiting before trying again")
            return self._time_budget.wait(longest_seconds)
        wait = next(waits, None) if error.cause is Cause.SURROUNDINGS else None
        if wait is None or not self._time_budget.wait(wait):
            return False
        self._logger.info("A permission may not be known everywhere yet: trying again", reason=str(error))
        return True

    def end_abort(self) -> None:
        """Note that the rollout is over that the abort alarm stopped, and clear the alarm.

        Raises:
            UpkeepRefusedError: As from `clear_abort_alarm`.
        """
        self._ledger.note(abort_ended_at=self._gateways.now())
        if self._settings is not None and self._settings.abort_alarm_name is not None:
            step = steps.ClearAbortAlarm(self._settings.abort_alarm_name)
            self._logger.info("Clearing the alarm that stopped the rollout", steps=[step])
            if not self.clear_abort_alarm(step):
                # Nobody looks at a settled attempt again, so a later pass finds this note.
                self._ledger.note(abort_alarm_set=True)

    def clear_abort_alarm(self, step: steps.ClearAbortAlarm) -> bool:
        """Let the next update pass. People may have set off the abort alarm, too.

        Returns:
            False if CloudWatch refuses it for good. The next update must then leave the alarm out.

        Raises:
            UpkeepRefusedError: CloudWatch has transient trouble.
        """
        try:
            self.make(step)
        except UpkeepRefusedError as refusal:
            if refusal.is_passing:
                raise
            self._logger.warning(str(refusal))
            return False
        return True

    def try_to_make(self, planned: Sequence[Step]) -> list[str]:
        """Make steps for the endpoint's upkeep; return what a person must fix, if anything."""
        if planned:
            self._logger.info("Bringing the endpoint in line with its settings", steps=planned)
        troubles: list[str] = []
        for step in planned:
            try:
                self.make_if_due(step)
            except UpkeepRefusedError as refusal:
                if refusal.is_passing:
                    self._logger.warning(str(refusal))
                else:
                    troubles.append(str(refusal))
        return troubles

    def make_if_due(self, step: Step) -> None:
        """Make a step outside of a deployment, unless it was refused and it is too early for another try.

        Raises:
            UpkeepRefusedError: AWS refused it, now or before.
        """
        key = key_of(step)
        if (told := self._refused_writes.put_off(key)) is not None:
            raise UpkeepRefusedError(told, Refusal(Cause.SURROUNDINGS, told))
        try:
            self.make(step)
        except UpkeepRefusedError as refusal:
            if not refusal.is_passing:
                self._refused_writes.note_refused(key, str(refusal))
            raise
        self._refused_writes.note_made(key)

    def check_name_is_free(self, step: steps.CreateModel | steps.CreateEndpointConfig) -> None:
        """Check that nobody else created the resource that a step is to create.

        Raises:
            UpkeepRefusedError: Somebody else created it.
        """
        match step:
            case steps.CreateModel(request):
                self._gateways.models_and_configs.has_model(request)
            case steps.CreateEndpointConfig(request):
                self._gateways.models_and_configs.has_endpoint_config(request)

    def _put_alarm(self, step: steps.PutAlarm) -> None:
        self._gateways.alarms.put(step.request)
        noted = self._ledger.history.last_observed.alarms
        self._ledger.note(alarms={**noted, step.alarm_name: step.digest})

    def _register(self, step: steps.RegisterScaling) -> None:
        if step.applied:
            # A refusal or a crash may leave a part of each.
            self._note_scaling(step.variant_name, half_changed(step.applied, step.wanted))
        name = self._ledger.endpoint_name
        self._gateways.scalable_targets.register(name, step.variant_name, step.wanted, step.applied)
        self._note_scaling(step.variant_name, step.wanted)

    def _note_scaling(self, variant_name: str, scaling: Mapping[str, Any]) -> None:
        before = self._ledger.history.last_observed.scaling
        self._ledger.note(scaling={**before, variant_name: dict(scaling)})

    def _deregister(self, step: steps.DeregisterScaling) -> None:
        name, before = step.variant_name, self._ledger.history.last_observed.scaling
        # Note it first: after a crash, the next rest then registers the variant again if it should scale.
        self._ledger.note(scaling={key: each for key, each in before.items() if key != name})
        try:
            self._gateways.scalable_targets.deregister(self._ledger.endpoint_name, name, step.applied)
        except UpkeepRefusedError:
            if self._settings is None or name not in self._settings.scaling:
                # Note the scaling again, so that the next try ends it. A variant that should scale is
                # registered again anyway.
                self._ledger.note(scaling=before)
            raise

    def _log_deleted(self, name: str, *, deleted: bool) -> None:
        if not deleted:
            self._logger.warning("Not deleted: it does not carry this stack's tag", resource=name)
