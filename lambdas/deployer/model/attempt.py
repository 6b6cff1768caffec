"""Holds attempts to put a release on an endpoint, and judges how they ended.

An attempt is journalled before the call that it stands for, and settled when the endpoint comes to rest.
`InService` proves nothing: after a failed update the endpoint is InService on its *old* config. Success is
"InService *and* on the config that was asked for", and the smoke test passed if there is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from deployer.model import statuses
from deployer.model.transience import may_be_early, may_pass

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from datetime import datetime

    from deployer.model.endpoint import Endpoint
    from deployer.model.life_cycle import LifeCycle
    from deployer.model.release import Companion, Release
    from deployer.model.smoke_test import Failure


class AttemptStatus(Enum):
    """Where an attempt stands."""

    OPEN = "open"
    """Journalled; SageMaker may or may not have been asked yet."""

    ACCEPTED = "accepted"
    """SageMaker accepted the change; the endpoint has not come to rest since."""

    TESTING = "testing"
    """It serves, and is being tried with the smoke test by whoever holds the lease."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    """Rolled back while under way, as its approval was taken back. It is no failure of the version's."""

    WITHDRAWN = "withdrawn"
    """Never reached SageMaker: refused as busy, or no longer wanted. It counts as neither."""


_ENDS: Final = frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.FAILED, AttemptStatus.ABORTED})
"""The ends that people hear of: SageMaker accepted the change, or refused it for good."""

UNSETTLED = frozenset({AttemptStatus.OPEN, AttemptStatus.ACCEPTED, AttemptStatus.TESTING})


class Action(Enum):
    """What an attempt asks SageMaker for."""

    CREATE_ENDPOINT = "CreateEndpoint"
    UPDATE_ENDPOINT = "UpdateEndpoint"
    CLEAN_UP = "CleanUp"
    """Delete models and endpoint configs that nothing needs any more. It is an attempt, so that nothing else
    is attempted meanwhile; nobody is told of it."""

    PROMOTE = "Promote"
    """Write to the registry that its version may go on to the next stage; an attempt for the same reason."""


_QUOTA: Final = re.compile(r"service limit '(?P<name>[^']+)'")
"""In the message of `ResourceLimitExceeded`, also where it comes as a failure reason."""

RETRY_DELAYS: Final = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 40, 80, 160))
"""How long after its first, second, … transient failure a release may be tried again; then no more."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a clean-up deletes, by name."""

    endpoint_config_names: tuple[str, ...] = ()
    model_names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.endpoint_config_names or self.model_names)

    def sparing(self, in_use: Container[str]) -> Deletion:
        """Return what is left of it once nothing that is in use is deleted."""
        return Deletion(
            tuple(each for each in self.endpoint_config_names if each not in in_use),
            tuple(each for each in self.model_names if each not in in_use),
        )


NOTHING: Final = Deletion()


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
        companions: What serves beside it: pinned versions, and a shadow.
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
        lease_until: Until when that invocation may still be at work on it: asking, or telling of its end.
        status: Where it stands.
        accepted_at: When it was noted that SageMaker accepted it.
        settled_at: When it was settled.
        reason: Why it failed or was withdrawn, in full.
        abort_asked_at: When SageMaker was to be made to roll it back, as its approval no longer stood.
        deletes_endpoint: True if the endpoint had failed and is deleted first, so that it can be created.
        deletion: What a clean-up deletes.
        goal: Where a promotion takes the version, or found that it stands already.
        trials: How often the smoke test of its version was begun; it is counted with the claim.
        failed_test: The smoke test that its version failed once it served; None if it did not come so far.
        alarms_left_out: Names of rollback alarms that do not guard it, as they were on before, say.
        alarms_unread: Whether nobody could see, before it began, whether a rollback alarm was on.
        unguarded: Why guardrails are left out that its settings ask for, if they are.
        doubles_instances: Whether old and new instances count against quotas while it is under way.
        artefact_digest: Of the version's images and artefacts as they were approved; None if nobody knows.
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
    accepted_at: datetime | None = None
    settled_at: datetime | None = None
    reason: str | None = None
    deletes_endpoint: bool = False
    deletion: Deletion = NOTHING
    alarms_left_out: tuple[str, ...] = ()
    alarms_unread: bool = False
    unguarded: str | None = None
    doubles_instances: bool = False
    companions: tuple[Companion, ...] = ()
    abort_asked_at: datetime | None = None
    goal: LifeCycle | None = None
    trials: int = 0
    failed_test: Failure | None = None
    artefact_digest: str | None = None
    started_reported: bool = False
    settled_reported: bool = False

    @property
    def version_arns(self) -> tuple[str, ...]:
        """Every version that it puts on the endpoint, the approved one first."""
        return (self.version_arn, *(each.version_arn for each in self.companions))

    @property
    def model_names(self) -> tuple[str, ...]:
        """Every model that it needs."""
        return (self.model_name, *(each.model_name for each in self.companions))

    def has_beside(self, companion: Companion) -> bool:
        """Tell whether it puts a version beside another one, and so only there."""
        return companion in self.companions and companion.version_arn != self.version_arn

    @property
    def shadow(self) -> Companion | None:
        """What gets copies of the calls, if anything does."""
        return next((each for each in self.companions if each.is_shadow), None)

    @property
    def unsettled(self) -> bool:
        """Whether its end is not known yet."""
        return self.status in UNSETTLED

    def is_under_way_on(self, endpoint: Endpoint) -> bool:
        """Tell whether the endpoint is being brought to this attempt's config, or stays on it."""
        # An endpoint that is being deleted still shows its config, and is brought to nothing. One that is
        # being updated shows the config that it leaves.
        goal = endpoint.pending_endpoint_config_name or endpoint.endpoint_config_name
        return endpoint.status != "Deleting" and self.endpoint_config_name == goal

    @property
    def is_told(self) -> bool:
        """Whether its end is an outcome that people hear of."""
        return self.status in _ENDS and self.action is not Action.CLEAN_UP

    @property
    def is_deployment(self) -> bool:
        """Whether it changes what the endpoint serves."""
        return self.action in {Action.CREATE_ENDPOINT, Action.UPDATE_ENDPOINT}

    @property
    def transient(self) -> bool:
        """Whether it failed for a reason that may pass by itself.

        An alarm that was on before may have ended one that began without a look at the alarms.
        """
        if self.failed_test is not None:
            return False
        if self.alarms_unread and self.accepted_at is not None:
            return True
        return self.reason is not None and may_pass(self.reason)

    @property
    def lacked_access(self) -> bool:
        """Whether it failed for a permission, which may have been granted and not be known everywhere yet."""
        return self.failed_test is None and self.reason is not None and may_be_early(self.reason)

    @property
    def quota(self) -> str | None:
        """The quota that it failed for, if SageMaker names one: `ml.m5.large for endpoint usage`, say."""
        found = _QUOTA.search(self.reason or "")
        return found["name"] if found else None

    def is_failure_of(self, release: Release, *, since: datetime) -> bool:
        """Tell whether this very release failed at or after that time.

        An approval given while the attempt was under way is answered by its failure: events are doubled, and
        a copy that comes a second later is no second approval. A smoke test that was changed since may well
        be passed.
        """
        return (
            self.is_deployment
            and self.status is AttemptStatus.FAILED
            and self.endpoint_config_name == release.endpoint_config_name
            and self.settled_at is not None
            and self.settled_at >= since
            and (self.failed_test is None or self.failed_test.smoke_test == release.smoke_test)
        )

    def retry_at(self, attempts: Iterable[Attempt]) -> datetime | None:
        """Return when this failure's release may be tried again without anybody asking; None if never."""
        if self.status is not AttemptStatus.FAILED or self.settled_at is None or not self.is_deployment:
            return None
        failures = [
            each
            for each in attempts
            if each.number <= self.number
            and each.is_deployment
            and each.status is AttemptStatus.FAILED
            and each.endpoint_config_name == self.endpoint_config_name
            and each.approved_at == self.approved_at
        ]
        if not all(each.transient for each in failures) or len(failures) > len(RETRY_DELAYS):
            return None
        return self.settled_at + RETRY_DELAYS[len(failures) - 1]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a release's failures since its approval mean for trying it now.

    Attributes:
        failed: It may not be tried now.
        retry_at: When it may be tried again; None if not before it is approved again or its settings change.
    """

    failed: bool
    retry_at: datetime | None = None


def standing(release: Release, attempts: Iterable[Attempt], *, since: datetime, now: datetime) -> Standing:
    """Judge a release by its failures at or after its approval."""
    failures = [attempt for attempt in attempts if attempt.is_failure_of(release, since=since)]
    if not failures:
        return Standing(failed=False)
    retry_at = max(failures, key=lambda each: each.number).retry_at(failures)
    if retry_at is not None and now >= retry_at:
        return Standing(failed=False)
    return Standing(failed=True, retry_at=retry_at)


def went_live(release: Release, attempts: Iterable[Attempt]) -> bool:
    """Tell whether this very release, under the same settings, has served before."""
    return any(
        attempt.status is AttemptStatus.SUCCEEDED
        and attempt.is_deployment
        and attempt.endpoint_config_name == release.endpoint_config_name
        for attempt in attempts
    )


class Verdict(Enum):
    """What an endpoint at rest says of the unsettled attempt on it."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
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
    accepted = attempt.accepted_at is not None
    may_be_stale = attempt.accepted_at is not None and now - attempt.accepted_at < STALE_READ_LIMIT
    if endpoint is None:
        if may_be_stale:
            return Judgement(Verdict.NOT_SEEN_YET)
        if accepted:
            # What was aborted is no failure of the version's, whatever else becomes of the endpoint.
            verdict = Verdict.FAILED if attempt.abort_asked_at is None else Verdict.ABORTED
            return Judgement(verdict, "The endpoint was deleted before it came to rest.")
        return Judgement(Verdict.NEVER_ASKED)
    on_its_config = endpoint.endpoint_config_name == attempt.endpoint_config_name
    if on_its_config and endpoint.status == "InService":
        return Judgement(Verdict.SUCCEEDED)
    # Both times are SageMaker's, so no clock is compared with another.
    touched = endpoint.last_modified_time != attempt.endpoint_last_modified_time
    # Here two clocks are compared, which only decides when: a rollout takes longer than clocks disagree, and
    # if it did not, its end would be believed a quarter of an hour later.
    before = endpoint.last_modified_time <= attempt.started_at and not on_its_config
    if may_be_stale and (before or not touched):
        return Judgement(Verdict.NOT_SEEN_YET)
    # A failure reason alone proves nothing: it may be an earlier update's, or maintenance's. So an attempt
    # that nobody saw accepted is asked for (again) rather than blamed for what may be somebody else's.
    if not accepted and not (touched and on_its_config):
        return Judgement(Verdict.NEVER_ASKED)
    if attempt.abort_asked_at is not None:
        return Judgement(Verdict.ABORTED, _ABORTED)
    return Judgement(Verdict.FAILED, _failure(endpoint))


_ABORTED: Final = "Its approval was taken back while it was being rolled out, so SageMaker rolled it back."


def _failure(endpoint: Endpoint) -> str:
    if endpoint.failure_reason:
        return endpoint.failure_reason
    if endpoint.status in statuses.UPDATABLE:
        return (
            f"SageMaker went back to {endpoint.endpoint_config_name} and gave no reason. "
            "An alarm of the deployment's automatic rollback does that: look at the alarms' history."
        )
    return f"The endpoint came to rest in status {endpoint.status} and SageMaker gave no reason."
