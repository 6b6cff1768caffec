"""Keeps up what belongs to an endpoint besides its release: tags, automatic scaling, and the abort alarm.

None of it takes a rollout. What was done is remembered in the journal's `rest`, so that an endpoint in sync
costs no call.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from deployer.gateways.refusals import UpkeepRefusedError
from deployer.model.release import all_tags

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.attempts import Attempts
    from deployer.gateways.journal import Rest
    from deployer.model.endpoint import Endpoint
    from deployer.model.settings import EndpointSettings
    from deployer.reconciler import Gateways


class Upkeep:
    """One endpoint's.

    Args:
        settings: What is wanted.
        gateways: What is called.
        attempts: Who holds the endpoint's history.
        logger: Where each change is told.
        stack_name: The tag's value on everything that is the deployer's own.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        attempts: Attempts,
        logger: Logger,
        *,
        stack_name: str,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._attempts = attempts
        self._logger = logger
        self.wanted_tags = all_tags(settings, stack_name)

    @property
    def _rest(self) -> Rest:
        return self._attempts.history.rest

    @property
    def up_to_date(self) -> bool:
        """Whether nothing is to be done, as far as the journal knows.

        What a person was told is over once the endpoint is in sync; a pass beside another one may have told.
        """
        return (
            self._rest.tags == self.wanted_tags
            and self._rest.scaling == self._settings.scaling
            and self._rest.told is None
        )

    @property
    def abort_alarm_names(self) -> frozenset[str]:
        """The alarm by which an update is taken back, if the endpoint has one."""
        return frozenset(filter(None, [self._settings.abort_alarm_name]))

    def note(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Rest
        """Remember what was seen, done or said."""
        rest = replace(self._rest, **changes)
        if rest != self._rest:
            self._gateways.journal.record_rest(self._settings.endpoint_name, self._rest, rest)
            self._attempts.history = replace(self._attempts.history, rest=rest)

    def bring_up_to_date(self, endpoint: Endpoint) -> list[str]:
        """Bring tags and automatic scaling to what the settings say; return what a person has to mend.

        What is refused costs nothing else its turn, and is tried again whenever the endpoint is looked at.
        """
        work: list[Callable[[], object]] = [partial(self._bring_tags_up_to_date, endpoint)]
        if endpoint.status == "InService":
            wanted, registered = self._settings.scaling, self._rest.scaling
            work += [
                partial(self.stop_scaling, frozenset({name}))
                for name in sorted(registered.keys() - wanted.keys())
            ]
            # A variant that only the settings know comes with the next release.
            work += [
                partial(self._bring_scaling_up_to_date, endpoint, name)
                for name in sorted(wanted)
                if wanted[name] != registered.get(name) and name in endpoint.variant_names
            ]
        return [trouble for each in work if (trouble := self._refusal_of(each))]

    def _refusal_of(self, work: Callable[[], object]) -> str | None:
        """Do something, and return what a person has to mend before it can be done."""
        try:
            work()
        except UpkeepRefusedError as refusal:
            if not refusal.is_passing:
                return str(refusal)
            self._logger.warning(str(refusal))
        return None

    def _bring_tags_up_to_date(self, endpoint: Endpoint) -> None:
        """Put changed tags on the endpoint itself."""
        wanted, applied = self.wanted_tags, self._rest.tags
        if wanted != applied:
            self._gateways.sagemaker.tag(
                endpoint.arn,
                add={key: value for key, value in wanted.items() if applied.get(key) != value},
                remove=frozenset(applied) - frozenset(wanted),
            )
            self._logger.info("Tags of the endpoint brought up to date")
            self.note(tags=wanted)

    def _bring_scaling_up_to_date(self, endpoint: Endpoint, variant_name: str) -> None:
        """Register a variant for automatic scaling, or change how it scales."""
        wanted, applied = self._settings.scaling[variant_name], self._rest.scaling
        self._gateways.scalable_targets.register(
            endpoint.name, variant_name, wanted, applied.get(variant_name, {})
        )
        self.note(scaling={**applied, variant_name: wanted})
        self._logger.info("Automatic scaling brought up to date", variant_name=variant_name)

    def stop_scaling(self, variant_names: frozenset[str] | None = None, *, is_known: bool = True) -> bool:
        """Deregister those of these variants that the deployer registered, or all that it may have.

        Args:
            variant_names: Which; None for all.
            is_known: Whether the journal knows which are registered.

        Returns:
            Whether there were any.

        Raises:
            UpkeepRefusedError: Application Auto Scaling refuses it.
        """
        known = self._rest.scaling
        if variant_names is None or not is_known:
            # One that was cut short may be registered still, and not be known to be.
            known = {**self._settings.scaling, **known}
        stopped = known.keys() if variant_names is None else variant_names & known.keys()
        for variant_name in sorted(stopped):
            before = self._rest.scaling
            # Noted first: whatever happens now, the next rest registers it again if it is wanted.
            self.note(scaling={name: each for name, each in before.items() if name != variant_name})
            try:
                self._gateways.scalable_targets.deregister(
                    self._settings.endpoint_name, variant_name, known[variant_name]
                )
            except UpkeepRefusedError:
                if variant_name not in self._settings.scaling:
                    # Somebody has to ask for it again; what is wanted is found missing, and registered again.
                    self.note(scaling=before)
                raise
            self._logger.warning("Automatic scaling is off for now", variant_name=variant_name)
        return bool(stopped)

    def abort(self, reason: str) -> str | None:
        """Make SageMaker roll back the update under way.

        Returns:
            What a person has to mend, if CloudWatch refuses that; it may have no such alarm any more.

        Raises:
            UpkeepRefusedError: CloudWatch cannot do it at the moment.
        """
        assert self._settings.abort_alarm_name is not None
        try:
            self._gateways.alarms.set_off(self._settings.abort_alarm_name, reason=reason)
        except UpkeepRefusedError as refusal:
            if refusal.is_passing:
                raise
            return str(refusal)
        return None

    def clear_abort(self) -> bool:
        """Let the next update pass, if the deployer or a person has set off the abort alarm.

        Returns:
            False if CloudWatch refuses that, so that the alarm must not guard the next update.

        Raises:
            UpkeepRefusedError: CloudWatch cannot do it at the moment.
        """
        if self._settings.abort_alarm_name is None:
            return True
        try:
            self._gateways.alarms.clear(self._settings.abort_alarm_name)
        except UpkeepRefusedError as refusal:
            if refusal.is_passing:
                raise
            self._logger.warning(str(refusal))
            return False
        return True
