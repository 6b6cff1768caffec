"""Decides whether a release that failed may be tried again, and when. Pure.

The cause decides: a failure of the version or of its settings is remembered until the version is approved
again, or the settings change. Trouble that passes is tried again a few times. What the surroundings hinder is
tried again without end.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.cause import Cause
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from deployer.model.approval import Approval
    from deployer.model.attempt import Attempt
    from deployer.model.put_off import PutOff
    from deployer.model.release import Release

RETRY_DELAYS: Final = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 40, 80, 160))
"""How long after its first, second, … failure for a passing reason a release is tried again. Then never."""

LONGEST_RETRY_DELAYS: Final = (
    *RETRY_DELAYS,
    *(timedelta(minutes=minutes) for minutes in (320, 640, 1440)),
)
"""The same for a release that its surroundings hinder, and for every write outside of a deployment that is
refused. After the last, it is tried once a day."""

SECONDS_TO_BE_KNOWN: Final = (5.0, 15.0, 30.0)
"""The longest waits within an invocation until IAM's edits are known everywhere: usually seconds. Terraform
waits for two minutes (hashicorp/terraform-provider-aws, `aws_sagemaker_model`). After these waits,
RETRY_DELAYS apply."""


@value
class Standing:
    """Whether a release may be tried now, by its failures since its approval.

    Attributes:
        failed: It may not be tried now.
        retry_at: When it may be tried again; None if only a new approval or changed settings allow it.
        failure: The last failure, if it may not be tried now.
    """

    failed: bool
    retry_at: datetime | None = None
    failure: Deployment | None = None

    @property
    def lasts(self) -> bool:
        """Whether time alone does not mend it."""
        return self.failed and self.retry_at is None


def standing(
    release: Release, deployments: Iterable[Deployment], *, since: datetime, now: datetime
) -> Standing:
    """Judge a release by its failures at or after its approval."""
    failures = [each for each in deployments if is_failure_of(each, release, since=since)]
    if not failures:
        return Standing(failed=False)
    last = max(failures, key=lambda each: each.number)
    again = retry_at(last, failures)
    if again is not None and now >= again:
        return Standing(failed=False)
    return Standing(failed=True, retry_at=again, failure=last)


def retry_at(failure: Attempt, deployments: Iterable[Deployment]) -> datetime | None:
    """Return when a failed release is tried again automatically; None if never."""
    if (
        not isinstance(failure, Deployment)
        or failure.status is not AttemptStatus.FAILED
        or failure.settled_at is None
    ):
        return None
    failures = [
        each
        for each in _at_the_same(failure, deployments)
        if each.number <= failure.number and each.status is AttemptStatus.FAILED
    ]
    passing = [each for each in failures if each.cause is Cause.PASSING]
    if not all(each.transient for each in failures) or len(passing) > len(RETRY_DELAYS):
        return None
    delays = LONGEST_RETRY_DELAYS if failure.was_hindered else RETRY_DELAYS
    return failure.settled_at + delays[min(len(failures), len(delays)) - 1]


def write_retry_at(refused: PutOff) -> datetime:
    """Return when a refused write outside of a deployment is tried again."""
    return refused.tried_at + LONGEST_RETRY_DELAYS[min(refused.tries, len(LONGEST_RETRY_DELAYS)) - 1]


def is_asked_for(approvals: Iterable[Approval], *, since: datetime) -> bool:
    """Tell whether a person approved a version, or asked to try one again, since a write was refused.

    Then it is tried again at once.
    """
    return any(
        each.approved_at > since or (each.retry is not None and each.retry.at > since) for each in approvals
    )


def was_told(attempt: Deployment, deployments: Iterable[Deployment]) -> bool:
    """Tell whether an earlier attempt at the same release, for the same approval, met the same hindrance."""
    return any(
        each.was_hindered and each.number < attempt.number and each.hindrance == attempt.hindrance
        for each in _at_the_same(attempt, deployments)
    )


def is_retry(attempt: Deployment, deployments: Iterable[Deployment]) -> bool:
    """Tell whether an attempt tries again what its surroundings hindered before."""
    return any(
        each.was_hindered and each.number < attempt.number for each in _at_the_same(attempt, deployments)
    )


def _at_the_same(attempt: Deployment, deployments: Iterable[Deployment]) -> Iterator[Deployment]:
    """Yield the deployments of an attempt's release and approval."""
    for each in deployments:
        same = each.endpoint_config_name == attempt.endpoint_config_name
        if same and each.approved_at == attempt.approved_at:
            yield each


def is_failure_of(attempt: Deployment, release: Release, *, since: datetime) -> bool:
    """Tell whether this release failed at or after that time.

    The failure also answers an approval that was given while the attempt was under way: an event's copy may
    come a second later, and is no second approval. A failure of the attempt that this approval led to answers
    it also if the clocks say otherwise. If the smoke test changed since, the release may pass it, so its
    failure does not count.
    """
    return (
        attempt.status is AttemptStatus.FAILED
        and attempt.endpoint_config_name == release.endpoint_config_name
        and attempt.answers(since)
        and (attempt.failed_test is None or attempt.failed_test.smoke_test == release.smoke_test)
    )


def is_own_failure(attempt: Deployment, release: Release, approval: Approval) -> bool:
    """Tell whether a version failed by itself since its approval, with any settings.

    Only another approval lets it be tried again. If the smoke test changed since, the version may pass.
    """
    return (
        attempt.failed_by_itself
        and approval.is_of(attempt.version_arn, attempt.approved_at)
        and attempt.answers(approval.approved_at)
        and (attempt.failed_test is None or attempt.failed_test.smoke_test == release.smoke_test)
    )


def waits_to_be_known(
    deployments: Iterable[Deployment], release: Release, *, since: datetime
) -> tuple[float, ...]:
    """Return the longest waits of a deployment after refusals for a permission; all its writes share them.

    A release that already failed so since its approval waits for its next try only.
    """
    failed = any(each.was_hindered and is_failure_of(each, release, since=since) for each in deployments)
    return () if failed else SECONDS_TO_BE_KNOWN
