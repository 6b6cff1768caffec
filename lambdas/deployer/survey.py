"""Asks what changed in the fleet, with calls that do not grow with what stayed as it was."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from deployer.decisions.alarms import are_as_wanted
from deployer.decisions.before_rollout import may_be_for_a_test
from deployer.decisions.sweep import (
    SEARCHED,
    digest_of_approved,
    is_check_due,
    is_weekly_look_due,
    last_check_due,
    needs_look,
    newest_changes,
    reads_all,
)
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.gateways.settings_files import DamagedSettingsError
from deployer.model.fleet import FleetRecord, Look
from deployer.model.names import account_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.decisions.sweep import GroupChange
    from deployer.gateways.gateways import Gateways
    from deployer.gateways.settings_files import SettingsFiles
    from deployer.model.alarm import ObservedAlarm
    from deployer.model.endpoint import EndpointSummary
    from deployer.model.fleet import FleetNotes
    from deployer.model.request import Request
    from deployer.model.settings import EndpointSettings


_UNLISTED: Final = "unlisted"
"""Differs from every list, so that a list that comes later is a change."""

_MOST_ALARMS: Final = 100
"""Of one request (botocore: `AlarmNames`)."""


class Looks(NamedTuple):
    """The endpoints that a sweep looks at.

    Attributes:
        needed: Those that changed, or have something to do.
        due: Those whose daily check or weekly look is due, the earliest first. A later sweep can make what
            this one has no time for.
        of_tests: Listed endpoints at rest that may be test endpoints, by their names.
    """

    needed: list[Look]
    due: list[Look]
    of_tests: list[str]


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
        self._due: list[Look] = []
        self.failure: ClientError | BotoCoreError | None = None
        """Why Search told nothing. The rest of the sweep goes on without it."""

    @cached_property
    def requests(self) -> Sequence[Request]:
        """What operators ask for. What they ask of an endpoint that nobody manages is forgotten."""
        asked = self._gateways.journal.requests.all()
        for each in asked:
            if each.endpoint_name not in self._settings.digests:
                self._logger.warning(
                    f"Nobody manages {each.endpoint_name}: its {each.verb or 'request'} is not done"
                )
                self._gateways.journal.requests.end(each)
        return [each for each in asked if each.endpoint_name in self._settings.digests]

    def looks(self, notes: FleetNotes) -> Looks:
        """Return the looks that a sweep has to make. A request leads to one at once."""
        digests = self._settings.digests
        summaries = self._gateways.endpoints.summaries()
        changed = self._changed()
        needed: list[Look] = []
        due: list[tuple[datetime, Look]] = []
        for name, settings_digest in digests.items():
            look = self._look(name, notes.records, summaries.get(name))
            if look.requests or needs_look(look, settings_digest, changed=changed.get(name), now=self._now):
                needed.append(look)
            elif is_check_due(look, notes.checked_until, self._now):
                is_whole = is_weekly_look_due(look, notes.checked_until, self._now)
                checked = replace(look, is_due_only=True, is_whole=is_whole)
                due.append((last_check_due(name, self._now), checked))
        self._due = [look for _, look in sorted(due, key=itemgetter(0))]
        of_tests = [
            name
            for name, summary in summaries.items()
            if name not in digests and may_be_for_a_test(name) and not summary.modifying
        ]
        return Looks(needed, self._due, of_tests)

    def looks_at(self, names: Iterable[str], records: Mapping[str, FleetRecord]) -> list[Look]:
        """Return looks at some endpoints, which a sweep handed over by their names, or for which one asks."""
        return [self._look(name, records, self._summary(name)) for name in names]

    def differs(self, look: Look, settings: EndpointSettings) -> bool:
        """Check an endpoint at rest: tell whether the registry or CloudWatch shows other than its look saw.

        The list of another account's group was compared before.
        """
        if look.approved_digest is None:
            approved = self._listed(settings.model_package_group)
            if approved != look.record.approved_digest:
                return True
        exists = look.summary is not None
        return exists and not are_as_wanted(settings.alarms, self._alarms)

    def _look(self, name: str, records: Mapping[str, FleetRecord], summary: EndpointSummary | None) -> Look:
        look = Look(name, records.get(name, FleetRecord()), summary, self._approved_elsewhere(name))
        asked = tuple(each for each in self.requests if each.endpoint_name == name)
        return replace(look, is_whole=reads_all(look, self._now), requests=asked)

    @cached_property
    def _alarms(self) -> Mapping[str, ObservedAlarm]:
        """The alarms of all endpoints that have their check, read a hundred at a time."""
        names = [name for look in self._due if not look.is_whole for name in self._alarm_names(look)]
        found: dict[str, ObservedAlarm] = {}
        for first in range(0, len(names), _MOST_ALARMS):
            try:
                found |= self._gateways.alarms.look((), names[first : first + _MOST_ALARMS])
            except (UpkeepRefusedError, ClientError, BotoCoreError) as refusal:
                # The looks say so where it is news.
                self._logger.warning(f"CloudWatch does not show the endpoints' alarms: {refusal}")
        return found

    def _alarm_names(self, look: Look) -> list[str]:
        try:
            settings = self._settings.read(look.endpoint_name)
        except DamagedSettingsError:
            # The endpoint's turn says so.
            return []
        return [] if settings is None else [each["AlarmName"] for each in settings.alarms]

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
        return self._listed(group) if group is not None else None

    def _listed(self, group: str) -> str:
        """Return the digest of what the registry lists as approved in a group, which is asked once."""
        if group not in self._approved:
            try:
                listed = self._gateways.registry.approved_versions(group)
            except (RefusedError, ClientError, BotoCoreError) as refusal:
                self._logger.warning(f"The registry does not list {group}: {refusal}")
                self._approved[group] = _UNLISTED
            else:
                self._approved[group] = digest_of_approved(listed)
        return self._approved[group]
