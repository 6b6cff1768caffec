"""Holds the journal of one endpoint: its approvals, its attempts, and its last observation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.model.approval import HeardApproval
from deployer.model.attempt import Attempt, AttemptStatus, Deployment, Promotion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from deployer.model.approval import Approval

Kind = TypeVar("Kind", bound=Attempt)


@dataclass(frozen=True, slots=True)
class LastObserved:
    """What was last observed, done and reported at an endpoint's rest. Its loss costs a few calls.

    Attributes:
        endpoint_config_name: The config with which it was seen in service and in sync.
        last_modified_time: The endpoint's, at that time. While it is the same, the endpoint is unchanged.
        tags: The tags last put on the endpoint itself.
        scaling: Variant name to the automatic scaling that it is registered with. A variant is removed here
            before it is deregistered, so that its scaling is never assumed while it is gone.
        metadata_written: Number of the last attempt whose end the registry shows.
        metadata_live: The role of each version that the registry shows as live here, by its ARN.
        reported: The last `needs_attention` message, so that a sweep does not repeat it.
        refused_change: Two configs: the one that the endpoint served, and the one that SageMaker refused to
            change it to.
        abort_alarm_set: Whether CloudWatch refused to clear the abort alarm after an abort.
    """

    endpoint_config_name: str | None = None
    last_modified_time: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)
    scaling: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata_written: int = 0
    metadata_live: dict[str, str] = field(default_factory=dict)
    reported: str | None = None
    refused_change: tuple[str, str] | None = None
    abort_alarm_set: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """What the journal holds of one endpoint, newest first.

    Attributes:
        approvals: The newest approvals.
        heard: Approvals among the newest whose versions the registry did not show.
        attempts: The newest attempts.
        last_observed: The endpoint at its last rest.
        full: Whether there may be approvals older than the window.
        forgets: Whether there are older attempts than these.
        recalled: Older attempts that were read, by their subject or by their number.
        recalled_subjects: Names of configs, and ARNs of promoted versions, whose attempts were read.
        recalled_after: The number after which older attempts were read; None if none were.
    """

    approvals: tuple[Approval, ...]
    attempts: tuple[Attempt, ...]
    last_observed: LastObserved = field(default_factory=LastObserved)
    full: bool = False
    forgets: bool = False
    recalled: tuple[Attempt, ...] = ()
    recalled_subjects: frozenset[str] = frozenset()
    recalled_after: int | None = None
    heard: tuple[HeardApproval, ...] = ()

    @property
    def latest_attempt(self) -> Attempt | None:
        """The last attempt, settled or not."""
        return self.attempts[0] if self.attempts else None

    @property
    def unsettled(self) -> Attempt | None:
        """The attempt whose end is not known yet, if any."""
        latest = self.latest_attempt
        return latest if latest is not None and latest.unsettled else None

    @property
    def known(self) -> tuple[Attempt, ...]:
        """The window's attempts, and the older ones that were recalled, newest first."""
        return (*self.attempts, *self.recalled)

    @property
    def deployments(self) -> list[Deployment]:
        """The known deployments."""
        return _of_kind(Deployment, self.known)

    @property
    def promotions(self) -> list[Promotion]:
        """The known promotions."""
        return _of_kind(Promotion, self.known)

    def with_attempt(self, attempt: Attempt) -> History:
        """Return this history with an attempt added, or replaced by its newer state."""
        others = [each for each in self.attempts if each.number != attempt.number]
        attempts = sorted([*others, attempt], key=lambda each: each.number, reverse=True)
        return replace(self, attempts=tuple(attempts))

    def with_approval(self, approval: Approval | HeardApproval) -> History:
        """Return this history with an approval added, or replaced by its newer state."""
        heard = [each for each in self.heard if each.key != approval.key]
        if isinstance(approval, HeardApproval):
            return replace(self, heard=tuple(heard if approval.withdrawn else [*heard, approval]))
        others = [each for each in self.approvals if each.order != approval.order]
        approvals = sorted([*others, approval], key=lambda each: each.order, reverse=True)
        return replace(self, approvals=tuple(approvals), heard=tuple(heard))

    def with_recalled(self, subject: str, attempts: Iterable[Attempt]) -> History:
        """Return this history with a subject's attempts that are older than the window."""
        recalled_subjects = self.recalled_subjects | {subject}
        return replace(self._with_older(attempts), recalled_subjects=recalled_subjects)

    def with_recalled_after(self, number: int, attempts: Iterable[Attempt]) -> History:
        """Return this history with the older attempts after a number."""
        return replace(self._with_older(attempts), recalled_after=number)

    def _with_older(self, attempts: Iterable[Attempt]) -> History:
        known = {each.number for each in self.known}
        recalled = [*self.recalled, *(each for each in attempts if each.number not in known)]
        return replace(self, recalled=tuple(sorted(recalled, key=lambda each: each.number, reverse=True)))

    def missing_after(self, number: int) -> int:
        """Return how many attempts after a number have left the window and were not read."""
        if not self.forgets or self.recalled_after == number:
            return 0
        return max(0, self.attempts[-1].number - 1 - number)

    def may_recall(self, subject: str | None) -> bool:
        """Tell whether a config, or a promoted version, may have older attempts that were not read."""
        return bool(subject) and self.forgets and subject not in self.recalled_subjects

    def reaches(self, time: datetime) -> bool:
        """Tell whether the window has all attempts that ended at or after a time: attempts never overlap."""
        return not self.forgets or self.attempts[-1].started_at <= time

    def latest_on(self, endpoint_config_name: str | None) -> Deployment | None:
        """Return the last known deployment of a config."""
        return next(
            (each for each in self.deployments if each.endpoint_config_name == endpoint_config_name), None
        )

    def is_proven(self, endpoint_config_name: str) -> bool:
        """Tell whether a config is known to have served and passed its smoke test, if it had one."""
        return any(
            each.endpoint_config_name == endpoint_config_name and each.status is AttemptStatus.SUCCEEDED
            for each in self.deployments
        )


def _of_kind(kind: type[Kind], attempts: Iterable[Attempt]) -> list[Kind]:
    return [each for each in attempts if isinstance(each, kind)]
