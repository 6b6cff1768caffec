"""Holds what a sweep knows of an endpoint without reading its own records or its registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deployer.model.endpoint import EndpointSummary
    from deployer.model.request import Request


@value
class FleetRecord:
    """One endpoint, as its last looks left it. Its loss costs one look.

    Attributes:
        settings_digest: Of the settings that the last finished look was made with; None before the first.
        noted_at: When that was noted.
        known_since: When the first thing was written of the endpoint, if that was no finished look.
        left_at: When a sweep found that the endpoint has no settings any more. From then on no look is noted:
            it would be one of an older invocation, which still has the settings.
        removal_reported: Whether people were told so, or need not be: the endpoint was never this stack's.
        rests: Whether a look found nothing to do, and nothing was journalled since.
        rests_at: The endpoint's LastModifiedTime then; None if there was no endpoint.
        looked_at: When the last such look began, but for weekly looks. It had read the registry.
        approved_digest: Of what the registry listed as approved then; None if it showed no list.
        retry_at: When a release that failed may be tried again, as no event tells; None if none waits.
        failures: How many looks failed, one after the other.
        tried_at: When the last of these began.
        tried_digest: Of the settings that it was made with.
        mark: Counts what was journalled, so that no look notes a rest if something was journalled meanwhile.
            None before there is anything.
    """

    settings_digest: str | None = None
    noted_at: datetime | None = None
    known_since: datetime | None = None
    left_at: datetime | None = None
    removal_reported: bool = False
    rests: bool = False
    rests_at: datetime | None = None
    looked_at: datetime | None = None
    approved_digest: str | None = None
    retry_at: datetime | None = None
    failures: int = 0
    tried_at: datetime | None = None
    tried_digest: str | None = None
    mark: int | None = None

    @property
    def managed_since(self) -> datetime | None:
        """When its last settings were noted, or else the first thing of it; None if nothing was."""
        return self.noted_at or self.known_since


class FleetNotes(NamedTuple):
    """What the fleet's partition holds.

    Attributes:
        records: What is known of each endpoint, by its name.
        checked_until: Until when daily checks and weekly looks that were due are made; None before the first.
    """

    records: Mapping[str, FleetRecord]
    checked_until: datetime | None


@value
class Look:
    """A look at one endpoint, with what the sweep has read for it.

    Attributes:
        endpoint_name: The endpoint.
        record: What the fleet's partition holds of it.
        summary: The endpoint as `ListEndpoints` showed it; None if it was not listed.
        approved_digest: Of what another account's registry lists as approved; None in this account.
        is_due_only: Whether nothing but its time led to this look, or to the check before it.
        is_whole: Whether it reads also what no event tells: the alarms, and the config that serves.
        requests: What operators ask for, the earliest first.
    """

    endpoint_name: str
    record: FleetRecord
    summary: EndpointSummary | None = None
    approved_digest: str | None = None
    is_due_only: bool = False
    is_whole: bool = False
    requests: tuple[Request, ...] = ()
