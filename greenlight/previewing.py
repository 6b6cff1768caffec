"""Owns trying the deployer's passes for the command: with the caller's credentials, and without a write."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from deployer.decisions.releases import HiddenPinError
from deployer.gateways.forgetful import SupposedTags
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.preview import preview, read_only, supposing
from greenlight.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.decisions.course import Preview
    from deployer.environment import Environment
    from deployer.gateways.gateways import Gateways
    from deployer.gateways.settings_files import SettingsFiles
    from deployer.model.model_version import Hidden, ModelVersion
    from deployer.model.request import Request
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity
    from deployer.model.trigger import PackageChanged


def _now() -> datetime:
    return datetime.now(UTC)


class Previews:
    """Tries passes in one account.

    Args:
        client_of: Returns a service's client, the same one each time.
        environment: The deployed function's.
        settings: What is deployed with it.
        now: The clock.
    """

    def __init__(
        self,
        client_of: Callable[[str], Any],
        environment: Environment,
        settings: SettingsFiles,
        *,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._client_of = client_of
        self._environment = environment
        self._settings = settings
        self._now = now
        # The pass's own lines are for the deployer's log.
        self._logger = Logger(service="greenlight", level="CRITICAL", stream=io.StringIO())

    @cached_property
    def gateways(self) -> Gateways:
        """The services, as they are."""
        return read_only(self._client_of, table_name=self._environment.journal_table_name, now=self._now)

    @property
    def identity(self) -> StackIdentity:
        """The stack's."""
        return self._environment.identity

    def of(
        self,
        settings: EndpointSettings,
        *,
        supposed: ModelVersion | None = None,
        tags: Mapping[str, Mapping[str, str]] | None = None,
        change: PackageChanged | None = None,
        requests: tuple[Request, ...] = (),
        ahead: bool = False,
    ) -> Preview:
        """Try a pass over an endpoint.

        Args:
            settings: The endpoint's, deployed or not.
            supposed: A version as it would be in the registry; None to take the registry as it is.
            tags: Tags that resources would have beside their own, by ARN.
            change: The event that the pass would answer.
            requests: What an operator would ask for.
            ahead: Whether to tell also what goes out after the first deployment, if each succeeds.

        Raises:
            CommandError: The decision lacks something that AWS does not show.
        """
        gateways = self.gateways
        if supposed is not None:
            gateways = supposing(gateways, self._client_of, supposed)
        if tags is not None:
            gateways = replace(gateways, tags=SupposedTags(self._client_of("sagemaker"), tags))
        try:
            return preview(
                settings,
                gateways,
                self.identity,
                self._logger,
                followers=self._settings.followers,
                change=change,
                requests=requests,
                ahead=ahead,
            )
        except HiddenPinError as error:
            raise CommandError(
                f"Nobody can tell what {settings.endpoint_name} is to serve.",
                f"A pinned version cannot be read. {error}",
                "Run `greenlight doctor`: it says what is missing.",
                code=ExitCode.AWS,
            ) from error
        except UpkeepRefusedError as error:
            raise CommandError(
                f"{settings.endpoint_name} cannot be looked at whole.",
                str(error),
                "Try again in a minute.",
                code=ExitCode.AWS,
            ) from error

    def version(self, settings: EndpointSettings, number: int) -> ModelVersion | Hidden | None:
        """Return a version of the group that an endpoint follows, as the registry shows it."""
        return self.gateways.registry.describe_version(settings.version_name(number))
