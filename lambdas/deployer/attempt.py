"""Holds attempts to put a release on an endpoint, and judges how they ended.

An attempt is journalled before the call that it stands for, and settled when the endpoint comes to rest.
`InService` proves nothing: after a failed update the endpoint is InService on its *old* config. Success is
"InService *and* on the config that was asked for".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from deployer import statuses

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.endpoint import Endpoint
    from deployer.settings import Release


class AttemptStatus(Enum):
    """Where an attempt stands."""

    OPEN = "open"
    """Journalled; SageMaker may or may not have been asked yet."""

    ACCEPTED = "accepted"
    """SageMaker accepted the change; the endpoint has not come to rest since."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    """Never reached SageMaker: refused as busy, or no longer wanted. It counts as neither."""


UNSETTLED = frozenset({AttemptStatus.OPEN, AttemptStatus.ACCEPTED})


class Action(Enum):
    """What an attempt asks SageMaker for."""

    CREATE_ENDPOINT = "CreateEndpoint"
    UPDATE_ENDPOINT = "UpdateEndpoint"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to put one release on one endpoint.

    Attributes:
        endpoint_name: The endpoint.
        number: 1, 2, 3, … per endpoint. Claiming the next number is what makes one of several concurrent
            invocations the one that acts.
        action: What is asked for.
        version_arn: The version to serve.
        version: Its number.
        group_name: Its model package group.
        model_name: The model created for it.
        endpoint_config_name: The config to serve.
        replaces_endpoint_config_name: What served before, if anything did.
        endpoint_last_modified_time: The endpoint's, as observed before the attempt; None when it was absent.
        rolls_back: True if a newer version was given up for this one because it no longer stands.
        approved_at: When the approval that decided was given.
        approved_by: Who gave it.
        correlation_id: Of that approval.
        started_at: When it was journalled.
        invocation_id: The invocation that wrote this state; by it an invocation whose write was answered by
            a time-out, and then refused as a repetition, knows its own.
        lease_until: Until when that invocation may still be at work on it.
        status: Where it stands.
        settled_at: When it was settled.
        reason: Why it failed or was withdrawn, in full.
        started_reported: Whether the outcome `started` was put on the bus.
        settled_reported: Whether its last outcome was put on the bus.
    """

    endpoint_name: str
    number: int
    action: Action
    version_arn: str
    version: int
    group_name: str
    model_name: str
    endpoint_config_name: str
    replaces_endpoint_config_name: str | None
    endpoint_last_modified_time: datetime | None
    rolls_back: bool
    approved_at: datetime
    approved_by: str
    correlation_id: str
    started_at: datetime
    invocation_id: str
    lease_until: datetime
    status: AttemptStatus = AttemptStatus.OPEN
    settled_at: datetime | None = None
    reason: str | None = None
    started_reported: bool = False
    settled_reported: bool = False

    @property
    def unsettled(self) -> bool:
        """Whether its end is not known yet."""
        return self.status in UNSETTLED

    def is_under_way_on(self, endpoint: Endpoint) -> bool:
        """Tell whether the endpoint is being brought to this attempt's config, or is on it."""
        return self.endpoint_config_name in (
            endpoint.endpoint_config_name,
            endpoint.pending_endpoint_config_name,
        )

    def is_failure_of(self, release: Release, *, since: datetime) -> bool:
        """Tell whether this very release failed at or after that time.

        An approval given while the attempt was under way is answered by its failure: events are doubled, and
        a copy that comes a second later is no second approval.
        """
        return (
            self.status is AttemptStatus.FAILED
            and self.endpoint_config_name == release.endpoint_config_name
            and self.settled_at is not None
            and self.settled_at >= since
        )


class Verdict(Enum):
    """What an endpoint at rest says of the unsettled attempt on it."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NEVER_ASKED = "never asked"
    """Nothing shows that SageMaker ever accepted it: the invocation died first, or is about to ask."""

    NOT_SEEN_YET = "not seen yet"
    """SageMaker accepted it, but this read is older than that."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and, for a failure, its reason."""

    verdict: Verdict
    reason: str | None = None


STALE_READ_LIMIT: Final = timedelta(minutes=15)
"""How long a read may lag behind a change that was accepted, before it is taken at its word. SageMaker's
reads are eventually consistent, without a documented bound."""


def judge(attempt: Attempt, endpoint: Endpoint | None, *, now: datetime) -> Judgement:
    """Judge an unsettled attempt by its endpoint, which is at rest or absent.

    Sources: `DescribeEndpoint` (botocore) for the statuses; after a failed update the endpoint is InService
    on the old config with `FailureReason` set.
    """
    accepted = attempt.status is AttemptStatus.ACCEPTED
    may_be_stale = accepted and now - attempt.started_at < STALE_READ_LIMIT
    if endpoint is None:
        if may_be_stale:
            return Judgement(Verdict.NOT_SEEN_YET)
        if accepted:
            return Judgement(Verdict.FAILED, "The endpoint was deleted before it came to rest.")
        return Judgement(Verdict.NEVER_ASKED)
    on_its_config = endpoint.endpoint_config_name == attempt.endpoint_config_name
    if on_its_config and endpoint.status == "InService":
        return Judgement(Verdict.SUCCEEDED)
    # Both times are SageMaker's, so no clock is compared with another.
    touched = endpoint.last_modified_time != attempt.endpoint_last_modified_time
    if may_be_stale and not touched:
        return Judgement(Verdict.NOT_SEEN_YET)
    # A failure reason alone proves nothing: it may be left from an earlier failure.
    if not accepted and not (touched and (endpoint.failure_reason or on_its_config)):
        return Judgement(Verdict.NEVER_ASKED)
    return Judgement(Verdict.FAILED, _failure(endpoint))


def _failure(endpoint: Endpoint) -> str:
    if endpoint.failure_reason:
        return endpoint.failure_reason
    if endpoint.status in statuses.UPDATABLE:
        return (
            f"SageMaker went back to {endpoint.endpoint_config_name} and gave no reason. "
            "An alarm of the deployment's automatic rollback does that: look at the alarms' history."
        )
    return f"The endpoint came to rest in status {endpoint.status} and SageMaker gave no reason."
