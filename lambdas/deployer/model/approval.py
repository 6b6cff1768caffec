"""Holds approvals. The registry knows the versions that are approved, the journal knows since when."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from deployer.model.identity import UNKNOWN, Identity
from deployer.model.names import same_arn, version_number
from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.asked import Asked
    from deployer.model.rollback import Rollback

_PROFILE: Final = ":user-profile/"
"""In the ARN of a Studio user profile (service authorization reference)."""


class ApprovalSource(Enum):
    """How the deployer learnt of an approval."""

    EVENT = "event"
    ADOPTED = "adopted"
    """A sweep found it Approved in the registry: its event was lost, or the stack is newer."""


class Weight(Enum):
    """What an approval may decide, by the endpoint's approval policy."""

    COUNTS = "counts"
    SHADOWS = "shadows"
    """It makes the version a shadow, and does not count for the version that serves."""

    IGNORED = "ignored"
    HEARD = "heard"
    """The registry did not show the version, so nobody knows yet."""


_MAY_DECIDE: Final = {Weight.IGNORED: 0, Weight.SHADOWS: 1, Weight.COUNTS: 2, Weight.HEARD: 2}
"""How much an approval may decide at most, by its weight."""


@value
class Approval:
    """One approval of one model version for one endpoint.

    Attributes:
        endpoint_name: The endpoint it concerns.
        version_arn: The model package's ARN.
        version: Its number in the group.
        group_name: The model package group.
        approved_at: The version's last modification, by the event or when adopted: UTC, whole seconds.
        approved_by: The approver's identity. It is read together with the approval, as any later update of
            the version overwrites it.
        approved_with: The approver's IAM identity, if the one above is a Studio user profile.
        source: How the deployer learnt of it.
        correlation_id: The id of the event it came with; it runs through every log line and outcome.
        artifact_digest: Of the approved images and artifacts; None while S3 does not show them.
        objection: Why it does not count, by the endpoint's approval policy; None if it counts.
        shadows: Whether it makes the version a shadow, though it does not count for the version that serves.
        superseded_by: The later approved version that went out before this one had ever served; None if this
            one served, or still may go out before it.
        served_with: The config with which its version last served well, with the approved content; None if it
            never did.
        ineligible_reported: The last reported reason why it is not deployed: its version was changed, the
            settings' instance types exclude it, or its objection. It decides nothing, as each pass judges
            again.
        rollback: The rollback that holds it back; None if none does. Only another approval ends that.
        registered_at: When its version was registered; None if nobody noted that. What was done for an
            earlier approval was for another version of the same ARN.
        retry: A person's word to try its version again, since when older failures do not count; None if
            nobody gave it.
        restart: The last word of a person to roll out once more what serves, its version. It gives the
            version's releases other names. None if nobody gave it.
    """

    endpoint_name: str
    version_arn: str
    version: int
    group_name: str
    approved_at: datetime
    approved_by: str
    source: ApprovalSource
    correlation_id: str
    artifact_digest: str | None = None
    objection: str | None = None
    shadows: bool = False
    superseded_by: int | None = None
    served_with: str | None = None
    ineligible_reported: str | None = None
    rollback: Rollback | None = None
    retry: Asked | None = None
    restart: Asked | None = None
    approved_with: str | None = None
    registered_at: datetime | None = None

    @property
    def approver(self) -> Identity | None:
        """Who gave it; None if nobody can tell."""
        if self.approved_by == UNKNOWN:
            return None
        if _PROFILE in self.approved_by:
            return Identity(self.approved_by, self.approved_with)
        return Identity(iam_arn=self.approved_by)

    def is_of(self, version_arn: str, approved_at: datetime) -> bool:
        """Tell whether its version is the one that had an ARN when that was approved at a time."""
        is_later = self.registered_at is None or approved_at >= self.registered_at
        return is_later and same_arn(version_arn, self.version_arn)

    @property
    def weight(self) -> Weight:
        """What it may decide."""
        if self.objection is None:
            return Weight.COUNTS
        return Weight.SHADOWS if self.shadows else Weight.IGNORED

    @property
    def counts(self) -> bool:
        """Whether it may decide which version serves."""
        return self.weight is Weight.COUNTS

    @property
    def decides(self) -> bool:
        """Whether it may decide anything: which version serves, or which one shadows it."""
        return self.weight is not Weight.IGNORED

    @property
    def key(self) -> tuple[str, datetime]:
        """What tells it from every other approval of its endpoint."""
        return (self.version_arn.lower(), self.approved_at)

    @property
    def order(self) -> tuple[datetime, int]:
        """Sort key: the time, and the version where two approvals share a second."""
        return (self.approved_at, self.version)


@value
class HeardApproval:
    """What an event says of an approval, without what only the registry knows of it.

    It is kept while the registry does not show the version, and becomes an approval once it does.

    Attributes:
        endpoint_name: The endpoint it concerns.
        version_arn: The version.
        group_name: The model package group.
        approved_at: The version's last modification, by the event; the event's time if it names none.
        correlation_id: The event's id.
        changed_at: When the change was made that the event names, if it names one that may admit the version
            and says when.
    """

    endpoint_name: str
    version_arn: str
    group_name: str
    approved_at: datetime
    correlation_id: str
    changed_at: datetime | None = None

    @property
    def weight(self) -> Weight:
        """What it may decide: nobody knows yet."""
        return Weight.HEARD

    @property
    def version(self) -> int:
        """The version's number, by its ARN."""
        return version_number(self.version_arn)

    @property
    def key(self) -> tuple[str, datetime]:
        """What tells it from every other approval of its endpoint."""
        return (self.version_arn.lower(), self.approved_at)


def makes_needless(known: Approval | HeardApproval, approval: Approval | HeardApproval) -> bool:
    """Tell whether one approval of a version makes another needless: it is the same, or later and no weaker.

    Events are doubled and late. A late copy of an approval may find another approver in the registry, and so
    another weight.
    """
    if known.weight is Weight.HEARD and approval.weight is not Weight.HEARD:
        return False
    is_weaker = _MAY_DECIDE[known.weight] < _MAY_DECIDE[approval.weight]
    return known.approved_at == approval.approved_at or (
        known.approved_at > approval.approved_at and not is_weaker
    )


@value
class Ineligible:
    """An approval that stands, of a version that may not be deployed under these settings.

    Attributes:
        approval: The approval.
        reason: Why not.
        remedy: What a person can do.
        is_hidden: Whether the registry or S3 hides the version. It is eligible again once they show it.
    """

    approval: Approval
    reason: str
    remedy: str
    is_hidden: bool = False

    @property
    def is_unreported(self) -> bool:
        """Whether this reason has not been reported."""
        return self.approval.ineligible_reported != self.reason
