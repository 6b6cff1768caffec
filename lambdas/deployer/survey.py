"""Asks what changed in the fleet, with calls that do not grow with what stayed as it was."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from deployer.decisions.sweep import SEARCHED, is_daily_look_due, needs_look, newest_changes
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.model.fleet import FleetRecord, Look
from deployer.model.names import account_of, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.decisions.sweep import GroupChange
    from deployer.gateways.gateways import Gateways
    from deployer.gateways.settings_files import SettingsFiles
    from deployer.model.endpoint import EndpointSummary


_UNLISTED: Final = "unlisted"
"""Differs from every list, so that a list that comes later is a change."""


class Looks(NamedTuple):
    """The endpoints that a sweep looks at.

    Attributes:
        needed: Those that changed, or have something to do.
        daily: Those whose daily look is due. A later sweep can make what this one has no time for.
    """

    needed: list[Look]
    daily: list[Look]


class Survey:
    """One sweep's view of all endpoints.

    Args:
        settings: The endpoints' settings.
        gateways: The services.
        logger: Logs what a service refused.
        account_id: The account that Search shows versions of.
        now: When the sweep began.
    """

    def __init__(
        self,
        settings: SettingsFiles,
        gateways: Gateways,
        logger: Logger,
        *,
        account_id: str,
        now: datetime,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._logger = logger
        self._now = now
        self._account_id = account_id
        self._approved: dict[str, str] = {}
        self.failure: ClientError | BotoCoreError | None = None
        """Why Search told nothing. The rest of the sweep goes on without it."""

    def looks(self, records: Mapping[str, FleetRecord]) -> Looks:
        """Return the looks that a sweep has to make."""
        digests = self._settings.digests
        summaries = self._gateways.endpoints.summaries() if digests else {}
        changed = self._changed()
        looks = Looks([], [])
        for name, settings_digest in digests.items():
            look = Look(
                name, records.get(name, FleetRecord()), summaries.get(name), self._approved_elsewhere(name)
            )
            if needs_look(look, settings_digest, changed=changed.get(name), now=self._now):
                looks.needed.append(look)
            elif is_daily_look_due(look, self._now):
                looks.daily.append(look)
        return looks

    def looks_at(self, names: Iterable[str], records: Mapping[str, FleetRecord]) -> list[Look]:
        """Return looks at some endpoints, which a sweep handed over by their names."""
        return [
            Look(name, records.get(name, FleetRecord()), self._summary(name), self._approved_elsewhere(name))
            for name in names
        ]

    def _summary(self, endpoint_name: str) -> EndpointSummary | None:
        try:
            return self._gateways.endpoints.summary(endpoint_name)
        except (ClientError, BotoCoreError) as error:
            # The pass describes the endpoint again, and fails by itself if it has to.
            self._logger.warning(f"SageMaker does not describe {endpoint_name}: {error}")
            return None

    @cached_property
    def _elsewhere(self) -> dict[str, str]:
        """The groups of other accounts, by the names of the endpoints that follow them."""
        return {
            name: arn
            for name, arn in self._settings.group_arns.items()
            if account_of(arn) != self._account_id
        }

    def _changed(self) -> dict[str, GroupChange]:
        """Return when a version that an endpoint may follow changed last, by the endpoint's name."""
        if len(self._elsewhere) == len(self._settings.digests):
            return {}
        try:
            changes = self._gateways.registry.changed_since(self._now - SEARCHED)
        except (ClientError, BotoCoreError) as error:
            self._logger.exception("Search does not tell which versions changed")
            self.failure = error
            return {}
        newest = newest_changes(changes, self._now)
        followers = self._settings.followers
        return {name: change for group, change in newest.items() for name in followers(group)}

    def _approved_elsewhere(self, endpoint_name: str) -> str | None:
        """Return the digest of what another account's registry lists as approved for an endpoint.

        Search does not show other accounts' versions. Each group is listed once.
        """
        group = self._elsewhere.get(endpoint_name)
        if group is None:
            return None
        if group not in self._approved:
            try:
                listed = self._gateways.registry.approved_versions(group)
            except (RefusedError, ClientError, BotoCoreError) as refusal:
                self._logger.warning(f"The registry does not list {group}: {refusal}")
                self._approved[group] = _UNLISTED
            else:
                approved = sorted(
                    [each.arn.lower(), each.creation_time.isoformat(), *(each.life_cycle or ())]
                    for each in listed
                )
                self._approved[group] = digest(approved)
        return self._approved[group]
