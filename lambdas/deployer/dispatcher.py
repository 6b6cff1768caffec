"""Turns a trigger into passes: finds the endpoints it is about, and reconciles each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, assert_never

from deployer.reconciler import Gateways, Ownership, Reconciler
from deployer.settings import EndpointSettings, InvalidSettingsError
from deployer.triggers import (
    EndpointChanged,
    PackageChanged,
    SettingsChanged,
    Sweep,
    Trigger,
    Unusable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_lambda_powertools import Logger

    from deployer.parameters import Parameters


class PassesFailedError(Exception):
    """Some endpoints could not be reconciled; the others were."""


class Dispatcher:
    """Dispatches triggers to reconcilers."""

    def __init__(
        self, parameters: Parameters, gateways: Gateways, ownership: Ownership, logger: Logger
    ) -> None:
        self._parameters = parameters
        self._gateways = gateways
        self._ownership = ownership
        self._logger = logger

    def dispatch(self, trigger: Trigger, *, invocation_id: str) -> None:
        """Reconcile every endpoint that the trigger is about.

        Args:
            trigger: What happened.
            invocation_id: Unique to this run of the function, or shared with Lambda's retries of it.

        Raises:
            PassesFailedError: Some passes failed; Lambda's retry makes them again.
        """
        if not isinstance(trigger, Unusable):
            # The correlation id becomes the approval's where a pass goes on with an attempt; this one stays.
            self._logger.append_keys(event_id=trigger.event_id)
        passes = partial(self._reconcile, invocation_id=invocation_id)
        match trigger:
            case Unusable():
                self._logger.warning(f"Event ignored: {trigger.reason}")
            case PackageChanged():
                followers = [each for each in self._read_all() if each.follows(trigger.group_name)]
                if not followers:
                    self._logger.info(f"No endpoint follows {trigger.group_name}: nothing to do")
                passes(followers, hint=trigger)
            case EndpointChanged():
                passes(self._read(trigger.endpoint_name))
            case SettingsChanged():
                name = self._parameters.endpoint_name(trigger.parameter_name)
                if name is None:
                    self._logger.warning(f"Event ignored: {trigger.parameter_name} holds no settings of ours")
                elif trigger.operation == "Delete":
                    self._logger.warning(f"{name} is no longer managed. It keeps serving what it has.")
                else:
                    passes(self._read(name), adopt=True)
            case Sweep():
                passes(self._read_all(), adopt=True)
            case unknown:
                assert_never(unknown)

    def _read(self, endpoint_name: str) -> list[EndpointSettings]:
        try:
            settings = self._parameters.read(endpoint_name)
        except InvalidSettingsError as error:
            self._logger.error(str(error))  # noqa: TRY400 - the trace would say less than the message
            return []
        if settings is None:
            self._logger.info(f"Nobody manages endpoint {endpoint_name}: nothing to do")
            return []
        return [settings]

    def _read_all(self) -> tuple[EndpointSettings, ...]:
        found = self._parameters.read_all()
        for error in found.invalid:
            self._logger.error(str(error))
        return found.readable

    def _reconcile(
        self,
        endpoints: Iterable[EndpointSettings],
        *,
        invocation_id: str,
        hint: PackageChanged | None = None,
        adopt: bool = False,
    ) -> None:
        failures: dict[str, Exception] = {}
        for settings in endpoints:
            self._logger.append_keys(endpoint=settings.endpoint_name)
            try:
                Reconciler(
                    settings, self._gateways, self._ownership, self._logger, invocation_id=invocation_id
                ).reconcile(hint=hint, adopt=adopt)
            except Exception as error:
                # One endpoint's trouble must not cost the others their turn.
                self._logger.exception("This endpoint could not be reconciled")
                failures[settings.endpoint_name] = error
        if failures:
            told = "; ".join(f"{name}: {type(error).__name__}: {error}" for name, error in failures.items())
            raise PassesFailedError(told) from next(iter(failures.values()))
