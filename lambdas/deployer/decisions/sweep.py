"""Decides which endpoints a sweep looks at: those that changed, and each of them at its times. Pure.

Search may be late or show nothing. So each endpoint has a check once a day, and a whole look once a week. A
check compares what the registry and CloudWatch show with what the last look saw. It leads to a look only if
they differ.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from deployer.model.names import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.model.fleet import FleetRecord, Look
    from deployer.model.model_version import ApprovedVersion, VersionChange

SEARCHED: Final = timedelta(hours=3)
"""How far back a sweep asks Search for changes. Sweeps may fail, or Search be late, for almost as long."""

OVERLAP: Final = timedelta(minutes=10)
"""A change this long before the last look counts as unseen: reads may be old, and clocks differ."""

REGISTRATION: Final = timedelta(minutes=30)
"""How long a new version counts as changing: its completion may not move its LastModifiedTime."""

FIRST_DELAY: Final = timedelta(minutes=15)
LONGEST_DELAY: Final = timedelta(days=1)

TAKING_EFFECT: Final = timedelta(minutes=1)
"""How long after a deployment Lambda may still start invocations with the code and settings before it. This
is not documented: a minute is assumed. A removal that is noted later only waits for the next sweep."""

LONGEST_AT_WORK: Final = timedelta(minutes=10)
"""How long after a removal was noted an invocation with the settings may be at work. It began within
`TAKING_EFFECT`, and Lambda ends it after five minutes."""

_MOST_DOUBLINGS: Final = 10

_DAY: Final = timedelta(days=1)
_DAYS_OF_A_WEEK: Final = 7


def retry_delay(failures: int) -> timedelta:
    """Return how long a sweep leaves an endpoint alone after so many looks that failed in a row."""
    doublings: int = min(failures - 1, _MOST_DOUBLINGS)
    return min(FIRST_DELAY * 2.0**doublings, LONGEST_DELAY)


def last_check_due(endpoint_name: str, now: datetime) -> datetime:
    """Return the last time at which an endpoint's daily check was due: each has its own time of day."""
    at = timedelta(seconds=int.from_bytes(_spread(endpoint_name)[:4]) % int(_DAY.total_seconds()))
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    today = midnight + at
    return today if today <= now else today - _DAY


def last_weekly_look_due(endpoint_name: str, now: datetime) -> datetime:
    """Return the last time at which an endpoint's weekly look was due, instead of a check."""
    check = last_check_due(endpoint_name, now)
    weekday = _spread(endpoint_name)[4] % _DAYS_OF_A_WEEK
    return check - _DAY * ((check.weekday() - weekday) % _DAYS_OF_A_WEEK)


def _spread(endpoint_name: str) -> bytes:
    return hashlib.sha256(endpoint_name.lower().encode()).digest()


def digest_of_approved(listed: Iterable[ApprovedVersion]) -> str:
    """Return a digest of what a registry lists as approved in one group."""
    return digest(
        sorted(
            [each.arn.lower(), each.creation_time.isoformat(), *(each.life_cycle or ())] for each in listed
        )
    )


class GroupChange(NamedTuple):
    """When the versions of a group changed last.

    Attributes:
        at: The time of the last change.
        until: Until when they may have gone on changing: that of a registration has no time of its own.
    """

    at: datetime
    until: datetime


def _change(change: VersionChange, now: datetime) -> GroupChange | None:
    """Return when a version changed; None if it was never approved, so that no endpoint cares."""
    at = change.last_modified_time
    if change.is_approved:
        # An approval given at registration counts from the completion, which may move no time.
        until = change.creation_time + REGISTRATION if change.is_completed else now
        return GroupChange(at, max(at, min(now, until)))
    return GroupChange(at, at) if at > change.creation_time else None


def needs_look(look: Look, settings_digest: str, *, changed: GroupChange | None, now: datetime) -> bool:
    """Tell whether a sweep has to look at an endpoint for another reason than the day.

    Args:
        look: What was read for it.
        settings_digest: Of its settings.
        changed: When a version that it may follow changed last, as Search showed it.
        now: The time.
    """
    record, summary = look.record, look.summary
    if record.failures and record.tried_at is not None:
        return (
            now >= record.tried_at + retry_delay(record.failures)
            or settings_digest != record.tried_digest
            or (changed is not None and changed.at >= record.tried_at)
        )
    return (
        not record.rests
        or record.looked_at is None
        or settings_digest != record.settings_digest
        or record.rests_at != (summary.last_modified_time if summary is not None else None)
        or (changed is not None and changed.until >= record.looked_at - OVERLAP)
        or (look.approved_digest is not None and look.approved_digest != record.approved_digest)
        or (record.retry_at is not None and now >= record.retry_at)
    )


def is_check_due(look: Look, checked_until: datetime | None, now: datetime) -> bool:
    """Tell whether an endpoint that needs no look for another reason has its daily check now.

    Args:
        look: What was read for it.
        checked_until: Until when checks and weekly looks that were due are made.
        now: The time.
    """
    seen_at = _seen_at(look, checked_until)
    return (
        not look.record.failures and seen_at is not None and seen_at < last_check_due(look.endpoint_name, now)
    )


def is_weekly_look_due(look: Look, checked_until: datetime | None, now: datetime) -> bool:
    """Tell whether an endpoint has its weekly look now, and not only its check."""
    seen_at = _seen_at(look, checked_until)
    return seen_at is None or seen_at < last_weekly_look_due(look.endpoint_name, now)


def reads_all(look: Look, now: datetime) -> bool:
    """Tell whether a look that something led to reads also what no event tells.

    A check since the last look does not count: the endpoint may not have been at rest, and had none.
    """
    looked_at = look.record.looked_at
    return looked_at is None or looked_at < last_check_due(look.endpoint_name, now)


def _seen_at(look: Look, checked_until: datetime | None) -> datetime | None:
    looked_at = look.record.looked_at
    return looked_at if looked_at is None or checked_until is None else max(looked_at, checked_until)


def after_look(
    look: Look,
    settings_digest: str,
    *,
    ended: bool,
    rests: bool,
    began: datetime,
    now: datetime,
    approved_digest: str | None = None,
    retry_at: datetime | None = None,
) -> FleetRecord:
    """Return what is known of an endpoint after a look that ended well.

    Args:
        look: What was read for it.
        settings_digest: Of the settings that it was made with.
        ended: Whether the settings had their effect.
        rests: Whether there was nothing to do.
        began: When the invocation began: what it read is not older.
        now: The time.
        approved_digest: Of what the registry listed as approved, as the look read it itself.
        retry_at: When a release that failed may be tried again, if one waits.
    """
    record = replace(look.record, rests=False, failures=0, tried_at=None, tried_digest=None)
    if ended and record.settings_digest != settings_digest:
        record = replace(record, settings_digest=settings_digest, noted_at=now)
    if rests and ended:
        rests_at = look.summary.last_modified_time if look.summary is not None else None
        record = replace(
            record,
            rests=True,
            rests_at=rests_at,
            # The sweep notes for all endpoints at once how far it came with checks and weekly looks.
            looked_at=record.looked_at if look.is_due_only else began,
            approved_digest=look.approved_digest or approved_digest,
            retry_at=retry_at,
        )
    return record


def departed(records: Mapping[str, FleetRecord], digests: Mapping[str, str], *, began: datetime) -> list[str]:
    """Return the endpoints that left the settings and for which something is left to do.

    One that was noted just now may be of newer settings than this invocation's.

    Args:
        records: What the fleet's partition holds.
        digests: The settings' digests, by endpoint.
        began: When the invocation began.
    """

    def is_due(record: FleetRecord) -> bool:
        if record.left_at is not None:
            return not record.removal_reported or is_over(record, began=began)
        since = record.managed_since
        return since is not None and since < began - TAKING_EFFECT

    return [name for name, record in records.items() if name not in digests and is_due(record)]


def is_over(record: FleetRecord, *, began: datetime) -> bool:
    """Tell whether no invocation can be at work any more that has the settings that an endpoint left."""
    return record.left_at is not None and record.left_at < began - LONGEST_AT_WORK


def has_returned(record: FleetRecord, *, began: datetime) -> bool:
    """Tell whether an invocation with settings of an endpoint that left them must have newer ones."""
    return record.left_at is not None and record.left_at < began - TAKING_EFFECT


def after_failed_look(look: Look, settings_digest: str, *, began: datetime, passes: bool) -> FleetRecord:
    """Return what is known of an endpoint after a look that failed.

    Args:
        look: What was read for it.
        settings_digest: Of the settings that it was made with.
        began: When the invocation began.
        passes: Whether the reason is gone in seconds. Then it does not count: Lambda's retry looks again.
    """
    failures = 0 if passes else look.record.failures + 1
    return replace(look.record, rests=False, failures=failures, tried_at=began, tried_digest=settings_digest)


def newest_changes(changes: Iterable[VersionChange], now: datetime) -> dict[str, GroupChange]:
    """Return when the versions of each group changed last, by the group's name in lower case."""
    newest: dict[str, GroupChange] = {}
    for version in changes:
        change = _change(version, now)
        if change is not None:
            known = newest.get(version.group_name, change)
            newest[version.group_name] = GroupChange(*map(max, change, known))
    return newest
