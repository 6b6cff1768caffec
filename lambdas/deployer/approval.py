"""Holds approvals, and decides which of them an endpoint should serve.

The registry knows what is approved, not when it was approved; the journal of approvals does. The rule is one
sentence: *the newest approval that still stands, and has not failed with these settings since*.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from deployer.names import same_arn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from deployer.attempt import Attempt
    from deployer.settings import Release


class ApprovalSource(Enum):
    """How the deployer learnt of an approval."""

    EVENT = "event"
    ADOPTED = "adopted"
    """Found Approved in the registry by the sweep: its event was lost, or the stack came later."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval of one model version for one endpoint.

    Attributes:
        endpoint_name: The endpoint it concerns.
        version_arn: The model package's ARN.
        version: Its number in the group.
        group_name: The model package group.
        approved_at: The event's time or, when adopted, the version's last modification: UTC, whole seconds.
        approved_by: The approver's identity; read together with the approval, since any later update of the
            version overwrites it.
        source: How the deployer learnt of it.
        correlation_id: The id of the event it came with; it runs through every log line and outcome.
    """

    endpoint_name: str
    version_arn: str
    version: int
    group_name: str
    approved_at: datetime
    approved_by: str
    source: ApprovalSource
    correlation_id: str

    @property
    def order(self) -> tuple[datetime, int]:
        """Sort key: the time, and the version where two approvals share a second."""
        return (self.approved_at, self.version)


@dataclass(frozen=True, slots=True)
class Choice:
    """The approval to serve, as a release.

    Attributes:
        approval: The approval that decides.
        release: What it asks of SageMaker under the current settings.
        keeps_serving: True if what serves now is this version and its release with the current settings
            failed: then what serves stays.
    """

    approval: Approval
    release: Release
    keeps_serving: bool = False


def latest_per_version(approvals: Iterable[Approval]) -> Iterator[Approval]:
    """Yield each version's newest approval, newest first."""
    seen: set[str] = set()
    for approval in sorted(approvals, key=lambda each: each.order, reverse=True):
        key = approval.version_arn.lower()
        if key not in seen:
            seen.add(key)
            yield approval


def choose(
    approvals: Iterable[Approval],
    attempts: Sequence[Attempt],
    *,
    serving_version_arn: str | None,
    still_stands: Callable[[Approval], bool],
    release_for: Callable[[Approval], Release],
) -> Choice | None:
    """Return the newest approval that still stands and has not failed, or None.

    Args:
        approvals: Those of the endpoint's group, in any order.
        attempts: Those journalled for the endpoint, in any order.
        serving_version_arn: The version that the endpoint serves now, if the journal knows it.
        still_stands: Asks the registry; called at most once per version, newest first, and no further than
            needed.
        release_for: Builds an approval's release under the current settings.
    """
    for approval in latest_per_version(approvals):
        release = release_for(approval)
        failed = any(attempt.is_failure_of(release, since=approval.approved_at) for attempt in attempts)
        serves = serving_version_arn is not None and same_arn(approval.version_arn, serving_version_arn)
        if failed and not serves:
            continue
        if not still_stands(approval):
            continue
        # A version that serves and still stands is the floor: settings that failed on it are no reason to go
        # back to an older version, with those same settings.
        return Choice(approval=approval, release=release, keeps_serving=failed)
    return None
