"""Decides which approvals have their turn in order, and which are the last resort. Pure.

The last resort are versions that nobody has seen serve here, and that something speaks against: a later
approval went out instead, or they failed with other settings than the present ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.decisions.trying_again import counting
from deployer.model.attempt import AttemptStatus
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deployer.decisions.served import ServedWell
    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment
    from deployer.model.history import History

TRIED: Final = frozenset(AttemptStatus) - {AttemptStatus.OPEN, AttemptStatus.WITHDRAWN}
"""The statuses of a deployment that AWS accepted or refused."""


def latest_per_version(approvals: Iterable[Approval]) -> Iterator[Approval]:
    """Yield each version's newest approval, newest first."""
    seen: set[str] = set()
    for approval in sorted(approvals, key=lambda each: each.order, reverse=True):
        key = approval.version_arn.lower()
        if key not in seen:
            seen.add(key)
            yield approval


class Turns:
    """What speaks against approvals."""

    def __init__(self, history: History, served_well: ServedWell) -> None:
        self._approvals = history.approvals
        self._served_well = served_well
        # A deployment with a shadow was decided by the shadow's approval, and fails for the shadow.
        self._deployments = [each for each in history.deployments if each.shadow is None]

    def superseded_by(self, approval: Approval) -> int | None:
        """Return the later version that went out before this one ever served well; None if there is none."""
        if self._served_well.has(approval):
            return None
        return approval.superseded_by or self._went_out_instead(approval)

    def newly_superseded(self, serving: Approval | None) -> tuple[tuple[Approval, int], ...]:
        """Return each approval that is not called superseded yet, and the version that went out instead.

        Args:
            serving: The approval that keeps a version in service; None if none does. It may have been given
                while the version served.
        """
        found: list[tuple[Approval, int]] = []
        for each in self._approvals:
            if not each.counts or each.superseded_by is not None or self._served_well.has(each):
                continue
            by = self._went_out_instead(each)
            if by is None and serving is not None and serving.order > each.order:
                by = serving.version
            if by is not None:
                found.append((each, by))
        return tuple(found)

    def newly_served(self) -> tuple[tuple[Approval, str], ...]:
        """Return each approval whose version served well, and the config, if that is not noted yet."""
        found: list[tuple[Approval, str]] = []
        for each in self._approvals:
            last = self._served_well.last(each) if each.counts else None
            if last is not None and each.served_with != last.endpoint_config_name:
                found.append((each, last.endpoint_config_name))
        return tuple(found)

    def failed_with_other_settings(self, approval: Approval, endpoint_config_name: str) -> Deployment | None:
        """Return the last failure of a version since its approval; None if this config failed, too."""
        failures = [
            each
            for each in counting(self._deployments, approval)
            if each.status is AttemptStatus.FAILED
            and not each.was_hindered
            and approval.is_of(each.version_arn, each.approved_at)
            and each.answers(approval.approved_at)
        ]
        if any(each.endpoint_config_name == endpoint_config_name for each in failures):
            return None
        return next(iter(failures), None)

    def _went_out_instead(self, approval: Approval) -> int | None:
        """Return the version of the last deployment that a later approval led to; None if there is none."""
        later = (
            each.version
            for each in self._deployments
            if each.status in TRIED
            and (each.approved_at, each.version) > approval.order
            and not same_arn(each.version_arn, approval.version_arn)
        )
        return next(later, None)
