"""Judges how a deployment ended, by what its endpoint shows. Pure.

`InService` proves nothing: after a failed update the endpoint is InService on its *old* config. Success is
"InService *and* on the config that was asked for", and the smoke test passed if there is one.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from deployer.model import statuses
from deployer.model.cause import Cause, of_failed_rollout
from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint


class Verdict(Enum):
    """What an endpoint at rest shows of its unsettled attempt."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    NEVER_ASKED = "never asked"
    """Nothing shows that SageMaker accepted it: the invocation died before its call, or is about to make
    it.
    """

    NOT_SEEN_YET = "not seen yet"
    """SageMaker accepted it, but this read is older."""


@value
class Judgement:
    """A verdict and, for a failure, its reason and cause."""

    verdict: Verdict
    reason: str | None = None
    cause: Cause | None = None


STALE_READ_LIMIT: Final = timedelta(minutes=15)
"""How long a read may lag behind an accepted change before the deployer believes it. SageMaker's reads are
eventually consistent, without a documented bound.
"""


def judge(attempt: Deployment, endpoint: Endpoint | None, *, now: datetime) -> Judgement:
    """Judge an unsettled attempt by its endpoint, which is at rest or absent.

    Sources: `DescribeEndpoint` (botocore) for the statuses; after a failed update the endpoint is InService
    on the old config with `FailureReason` set.
    """
    accepted = attempt.accepted_at is not None
    may_be_stale = attempt.accepted_at is not None and now - attempt.accepted_at < STALE_READ_LIMIT
    if endpoint is None:
        if may_be_stale:
            return Judgement(Verdict.NOT_SEEN_YET)
        if accepted:
            # An abort is no failure of the version, even if the endpoint failed or was deleted since.
            if attempt.abort_asked_at is not None:
                return Judgement(Verdict.ABORTED, _DELETED)
            return Judgement(Verdict.FAILED, _DELETED, Cause.VERSION)
        return Judgement(Verdict.NEVER_ASKED)
    on_its_config = endpoint.endpoint_config_name == attempt.endpoint_config_name
    if on_its_config and endpoint.status == "InService":
        return Judgement(Verdict.SUCCEEDED)
    # Both times are SageMaker's, so no clock is compared with another.
    touched = endpoint.last_modified_time != attempt.endpoint_last_modified_time
    # This compares two clocks. That is safe: a rollout takes longer than clocks differ. If one did not, the
    # deployer would believe its end a quarter of an hour later.
    before = endpoint.last_modified_time <= attempt.started_at and not on_its_config
    if may_be_stale and (before or not touched):
        return Judgement(Verdict.NOT_SEEN_YET)
    # A failure reason alone proves nothing: an earlier update or maintenance may have left it. So an attempt
    # that is not known to be accepted is asked for again, and not failed.
    if not accepted and not (touched and on_its_config):
        return Judgement(Verdict.NEVER_ASKED)
    if attempt.abort_asked_at is not None:
        return Judgement(Verdict.ABORTED, _ABORTED)
    reason = failure_of(endpoint)
    return Judgement(Verdict.FAILED, reason, _cause(attempt, reason))


_DELETED: Final = "The endpoint was deleted before it came to rest."
_ABORTED: Final = "Its approval was taken back while it was being rolled out, so SageMaker rolled it back."


def _cause(attempt: Deployment, reason: str) -> Cause:
    """Return whose fault a failed rollout is.

    If the alarms' states could not be read, an alarm that was on before may have ended the update.
    """
    cause = of_failed_rollout(reason)
    blind = attempt.alarms_unread and attempt.accepted_at is not None
    return Cause.PASSING if blind and cause is Cause.VERSION else cause


def failure_of(endpoint: Endpoint) -> str:
    """Return why an endpoint at rest is not as it was asked for: SageMaker's reason, or what it shows."""
    if endpoint.failure_reason:
        return endpoint.failure_reason
    if endpoint.status in statuses.UPDATABLE:
        return (
            f"SageMaker went back to {endpoint.endpoint_config_name} and gave no reason. "
            "An alarm of the deployment's automatic rollback does that: look at the alarms' history."
        )
    return f"The endpoint came to rest in status {endpoint.status} and SageMaker gave no reason."
