"""Keeps up what belongs to an endpoint besides its release: tags, automatic scaling, and the abort alarm.

None of it takes a rollout. What was done is remembered in the journal's `rest`, so that an endpoint in sync
costs no call.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deployer.release import all_tags

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.attempts import Attempts
    from deployer.endpoint import Endpoint
    from deployer.journal import Rest
    from deployer.reconciler import Gateways
    from deployer.settings import EndpointSettings


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

    def note(self, **changes: Any) -> None:  # noqa: ANN401 - the fields of Rest
        """Remember what was seen, done or said."""
        rest = replace(self._rest, **changes)
        if rest != self._rest:
            self._gateways.journal.record_rest(self._settings.endpoint_name, self._rest, rest)
            self._attempts.history = replace(self._attempts.history, rest=rest)

    def bring_tags_up_to_date(self, endpoint: Endpoint) -> None:
        """Put changed tags on the endpoint itself."""
        wanted, applied = self.wanted_tags, self._rest.tags
        if wanted != applied:
            self._gateways.sagemaker.tag(
                endpoint.arn,
                add={key: value for key, value in wanted.items() if applied.get(key) != value},
                remove=frozenset(applied) - frozenset(wanted),
            )
            self._logger.info("Tags of the endpoint brought up to date")

    def bring_scaling_up_to_date(self, endpoint: Endpoint) -> None:
        """Register, change and deregister variants' automatic scaling.

        Raises:
            ScalingRefusedError: Some of it is refused; what was done until then is noted.
        """
        if endpoint.status != "InService":
            return
        wanted = self._settings.scaling
        self.stop_scaling(frozenset(self._rest.scaling) - frozenset(wanted))
        for variant_name in sorted(wanted):
            applied = self._rest.scaling
            # A variant that only the settings know comes with the next release.
            if wanted[variant_name] != applied.get(variant_name) and variant_name in endpoint.variant_names:
                self._gateways.scalable_targets.register(
                    endpoint.name, variant_name, wanted[variant_name], applied.get(variant_name, {})
                )
                self.note(scaling={**applied, variant_name: wanted[variant_name]})
                self._logger.info("Automatic scaling brought up to date", variant_name=variant_name)

    def stop_scaling(self, variant_names: frozenset[str] | None = None) -> bool:
        """Deregister those of these variants, or of all, that the deployer registered; return whether any."""
        registered = self._rest.scaling
        stopped = registered.keys() if variant_names is None else variant_names & registered.keys()
        for variant_name in sorted(stopped):
            # Noted first: whatever happens now, the next rest registers it again if it is wanted.
            self.note(
                scaling={name: each for name, each in self._rest.scaling.items() if name != variant_name}
            )
            self._gateways.scalable_targets.deregister(
                self._settings.endpoint_name, variant_name, registered[variant_name]
            )
            self._logger.warning("Automatic scaling is off for now", variant_name=variant_name)
        return bool(stopped)

    def abort(self, reason: str) -> None:
        """Make SageMaker roll back the update under way."""
        assert self._settings.abort_alarm_name is not None
        self._gateways.alarms.set_off(self._settings.abort_alarm_name, reason=reason)

    def clear_abort(self) -> None:
        """Let the next update pass, whoever set off the abort alarm: the deployer before, or a person."""
        if self._settings.abort_alarm_name is not None:
            self._gateways.alarms.clear(self._settings.abort_alarm_name)
