"""Holds approvals, and decides which of them an endpoint should serve.

The registry knows what is approved, not when it was approved; the journal of approvals does. The rule is one
sentence: *the newest approval that still stands, and has not failed with these settings since*.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from deployer.model.attempt import standing
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from deployer.model.attempt import Attempt, Standing
    from deployer.model.release import Release


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
        artefact_digest: Of the images and artefacts that were approved; None as long as S3 does not show
            them.
        objection: Why it does not count, by the endpoint's approval policy; None if it counts.
        shadows: Whether it puts the version beside the one that serves, as its shadow, though it does not
            count for what serves.
        withdrawn: Whether it was seen not to stand any more; approving the version again is a new approval.
        superseded_by: The version that went out instead, approved later; None if it had its own turn, or may
            still have it.
        misfit_told: Why it has no turn (its version was changed since, the settings' instance types exclude
            it, or its objection), as people were told last. It decides nothing: each pass judges again.
    """

    endpoint_name: str
    version_arn: str
    version: int
    group_name: str
    approved_at: datetime
    approved_by: str
    source: ApprovalSource
    correlation_id: str
    artefact_digest: str | None = None
    objection: str | None = None
    shadows: bool = False
    withdrawn: bool = False
    superseded_by: int | None = None
    misfit_told: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it may still decide what serves."""
        return self.objection is None and not self.withdrawn

    @property
    def decides(self) -> bool:
        """Whether it may still decide anything: what serves, or what shadows it."""
        return (self.objection is None or self.shadows) and not self.withdrawn

    @property
    def is_ignored(self) -> bool:
        """Whether it never decided anything, by the endpoint's approval policy."""
        return self.objection is not None and not self.shadows

    @property
    def key(self) -> tuple[str, datetime]:
        """What tells it from every other approval of its endpoint."""
        return (self.version_arn.lower(), self.approved_at)

    @property
    def order(self) -> tuple[datetime, int]:
        """Sort key: the time, and the version where two approvals share a second."""
        return (self.approved_at, self.version)


@dataclass(frozen=True, slots=True)
class Misfit:
    """An approval that stands, of a version that has no turn under these settings.

    Attributes:
        approval: The approval.
        reason: Why not.
        remedy: What a person can do.
        is_unseen: Whether that is only so as long as S3 does not show what its artefact is.
    """

    approval: Approval
    reason: str
    remedy: str
    is_unseen: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The approval to serve, as a release.

    Attributes:
        approval: The approval that decides what serves.
        release: What it asks of SageMaker under the current settings.
        keeps_serving: True if what serves now is this version and its release with the current settings
            failed, or asks for instances that the version does not support: then what serves stays.
        shadow: The approval of what shadows it, if anything does.
    """

    approval: Approval
    release: Release
    keeps_serving: bool = False
    shadow: Approval | None = None

    @property
    def decided_by(self) -> Approval:
        """The approval that came last of those that made it so."""
        return self.shadow or self.approval


@dataclass(frozen=True, slots=True)
class Serving:
    """What an endpoint serves now, as far as the journal knows.

    Attributes:
        version_arn: The version.
        endpoint_config_name: The config that serves it; None if it does not serve as it should.
        failed_at: When it failed its smoke test with what serves; None if it did not.
        former: What the same version served as before, well; only of interest if it failed.
    """

    version_arn: str
    endpoint_config_name: str | None
    failed_at: datetime | None = None
    former: Release | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What an endpoint should serve.

    Attributes:
        choice: The newest approval that stands and may be tried; None if there is none.
        retry_at: When a newer one, which failed for a reason that may pass, may be tried again.
        misfits: Newer ones, and perhaps this one, which may not be deployed as they are, newest first.
    """

    choice: Choice | None
    retry_at: datetime | None = None
    misfits: tuple[Misfit, ...] = ()


def latest_per_version(approvals: Iterable[Approval]) -> Iterator[Approval]:
    """Yield each version's newest approval, newest first."""
    seen: set[str] = set()
    for approval in sorted(approvals, key=lambda each: each.order, reverse=True):
        key = approval.version_arn.lower()
        if key not in seen:
            seen.add(key)
            yield approval


def _nothing_older(_approval: Approval, _release: Release) -> Sequence[Attempt]:
    return ()


def _judged(
    approval: Approval,
    release: Release,
    attempts: Sequence[Attempt],
    older: Callable[[Approval, Release], Sequence[Attempt]],
    now: datetime,
    *,
    since: datetime | None = None,
) -> Standing:
    """Judge an approval's release, by older attempts as well if it may be tried as far as the others show.

    What failed before the approval, or another time, is left out.
    """
    since = since or approval.approved_at
    judged = standing(release, attempts, since=since, now=now)
    if judged.failed and judged.retry_at is None:
        return judged
    return standing(release, [*attempts, *older(approval, release)], since=since, now=now)


def choose(
    approvals: Iterable[Approval],
    attempts: Sequence[Attempt],
    *,
    now: datetime,
    serving: Serving | None,
    still_stands: Callable[[Approval], bool],
    release_for: Callable[[Approval], Release],
    misfit_of: Callable[[Approval, Release], Misfit | None],
    older: Callable[[Approval, Release], Sequence[Attempt]] = _nothing_older,
) -> Decision:
    """Decide for the newest approval that still stands, fits the settings, and has not failed.

    Args:
        approvals: Those of the endpoint's group, in any order.
        attempts: Those journalled for the endpoint, in any order.
        now: The time; it decides whether what failed for a passing reason is due again.
        serving: What the endpoint serves now, if the journal knows it.
        still_stands: Asks the registry; called at most once per version, newest first, and no further than
            needed.
        release_for: Builds an approval's release under the current settings.
        misfit_of: Tells why an approval's release may not go out as it is now; called for what stands, and
            not for the very release that serves.
        older: Returns attempts that are not among the others, and may be at an approval's release; called for
            what those do not show to have failed.
    """
    misfits: list[Misfit] = []
    retry_at: datetime | None = None
    for approval in latest_per_version(each for each in approvals if each.counts):
        release = release_for(approval)
        judged = _judged(approval, release, attempts, older, now)
        serves = serving is not None and same_arn(approval.version_arn, serving.version_arn)
        if judged.failed and judged.retry_at is None and not serves:
            continue
        if not still_stands(approval):
            continue
        if serving is not None and serves and judged.failed and serving.failed_at is not None:
            back = _put_back(approval, attempts, older, serving, since=serving.failed_at, now=now)
            if back is None:
                continue
            return replace(back, misfits=tuple(misfits))
        retry_at = retry_at or judged.retry_at
        is_live = serving is not None and release.endpoint_config_name == serving.endpoint_config_name
        misfit = None if is_live else misfit_of(approval, release)
        misfits += [misfit] if misfit is not None else []
        # A version that serves and still stands is the floor: settings that failed on it, or that it does not
        # fit, are no reason to go back to an older version, with those same settings.
        unfit = judged.failed or misfit is not None
        if serves or not unfit:
            return Decision(Choice(approval, release, keeps_serving=unfit), retry_at, tuple(misfits))
    return Decision(None, retry_at, tuple(misfits))


def _put_back(
    approval: Approval,
    attempts: Sequence[Attempt],
    older: Callable[[Approval, Release], Sequence[Attempt]],
    serving: Serving,
    *,
    since: datetime,
    now: datetime,
) -> Decision | None:
    """Decide for what the version that failed its smoke test served as before, if it did and may again.

    SageMaker itself goes back to the former config when an update fails; it knows nothing of smoke tests.
    """
    if serving.former is None:
        return None
    judged = _judged(approval, serving.former, attempts, older, now, since=since)
    if not judged.failed:
        return Decision(Choice(approval, serving.former))
    return Decision(None, judged.retry_at) if judged.retry_at is not None else None


def with_shadow(
    decision: Decision,
    approvals: Iterable[Approval],
    attempts: Sequence[Attempt],
    *,
    now: datetime,
    still_stands: Callable[[Approval], bool],
    release_for: Callable[[Approval, Approval], Release],
    misfit_of: Callable[[Approval, Release], Misfit | None],
    older: Callable[[Approval, Release], Sequence[Attempt]] = _nothing_older,
) -> Decision:
    """Put the newest version beside a choice that may shadow it: approved for that, since, and not failed.

    Args:
        decision: For what is to serve.
        approvals: Those of the endpoint's group, in any order.
        attempts: Those journalled for the endpoint, in any order.
        now: The time.
        still_stands: Asks the registry.
        release_for: Builds the release of an approval and the one that shadows it.
        misfit_of: Tells why the version of an approval may not shadow as it is now.
        older: Returns older attempts, as for what is to serve.
    """
    choice = decision.choice
    if choice is None or choice.keeps_serving or choice.release.is_former:
        return decision
    live, misfits = choice.approval, list(decision.misfits)
    for shadow in latest_per_version(each for each in approvals if each.decides and not each.counts):
        if shadow.order <= live.order:
            break
        release = release_for(live, shadow)
        if (
            same_arn(shadow.version_arn, live.version_arn)
            or _judged(shadow, release, attempts, older, now).failed
            or not still_stands(shadow)
        ):
            continue
        misfit = misfit_of(shadow, release)
        if misfit is None:
            chosen = replace(choice, release=release, shadow=shadow)
            return replace(decision, choice=chosen, misfits=tuple(misfits))
        misfits.append(misfit)
    return replace(decision, misfits=tuple(misfits))


def superseded(approvals: Iterable[Approval], attempts: Iterable[Attempt], by: Approval) -> list[Approval]:
    """Return the approvals that never had a turn and now go out behind a newer one: those in between.

    Args:
        approvals: All of the endpoint.
        attempts: All of the endpoint, the one for `by` included.
        by: The approval that goes out.
    """
    tried = {(attempt.version_arn.lower(), attempt.approved_at) for attempt in attempts}
    return [
        each
        for each in approvals
        if each.order < by.order and each.counts and each.superseded_by is None and each.key not in tried
    ]
