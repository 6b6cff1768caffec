"""Decides whether a release that failed may be tried again, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.model.attempt import AttemptStatus, Deployment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from deployer.model.attempt import Attempt
    from deployer.model.release import Release

RETRY_DELAYS: Final = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 40, 80, 160))
"""How long after its first, second, … transient failure a release may be tried again. Then never."""

SECONDS_TO_BE_KNOWN: Final = (5.0, 15.0, 30.0)
"""The longest waits within an invocation until IAM's edits are known everywhere: usually seconds. Terraform
waits for two minutes (hashicorp/terraform-provider-aws, `aws_sagemaker_model`). After these waits,
RETRY_DELAYS apply."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a release may be tried now, by its failures since its approval.

    Attributes:
        failed: It may not be tried now.
        retry_at: When it may be tried again; None if only a new approval or changed settings allow it.
    """

    failed: bool
    retry_at: datetime | None = None


def standing(
    release: Release, deployments: Iterable[Deployment], *, since: datetime, now: datetime
) -> Standing:
    """Judge a release by its failures at or after its approval."""
    failures = [each for each in deployments if is_failure_of(each, release, since=since)]
    if not failures:
        return Standing(failed=False)
    again = retry_at(max(failures, key=lambda each: each.number), failures)
    if again is not None and now >= again:
        return Standing(failed=False)
    return Standing(failed=True, retry_at=again)


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
        for each in deployments
        if each.number <= failure.number
        and each.status is AttemptStatus.FAILED
        and each.endpoint_config_name == failure.endpoint_config_name
        and each.approved_at == failure.approved_at
    ]
    if not all(each.transient for each in failures) or len(failures) > len(RETRY_DELAYS):
        return None
    return failure.settled_at + RETRY_DELAYS[len(failures) - 1]


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
        and attempt.settled_at is not None
        and (attempt.settled_at >= since or attempt.approved_at == since)
        and (attempt.failed_test is None or attempt.failed_test.smoke_test == release.smoke_test)
    )


def waits_to_be_known(
    deployments: Iterable[Deployment], release: Release, *, since: datetime
) -> tuple[float, ...]:
    """Return the longest waits of a deployment after refusals for a permission; all its writes share them.

    A release that already failed so since its approval waits for its next try only.
    """
    failed = any(each.lacked_access and is_failure_of(each, release, since=since) for each in deployments)
    return () if failed else SECONDS_TO_BE_KNOWN
