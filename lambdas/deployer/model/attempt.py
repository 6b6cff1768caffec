"""Holds attempts: what the deployer began to do to one endpoint, each in the journal before its first call.

There are three kinds. A deployment changes what the endpoint serves. A promotion passes the serving version
on in the registry. A clean-up deletes models and endpoint configs. One endpoint has one attempt at a time.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final

from deployer.model.cause import DRAWN, Cause
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from datetime import datetime

    from deployer.model.asked import Asked
    from deployer.model.companion import Companion
    from deployer.model.endpoint import Endpoint
    from deployer.model.life_cycle import LifeCycle
    from deployer.model.rollback import Rollback
    from deployer.model.smoke_test import Failure
    from deployer.model.variant_properties import PropertyToSet


class AttemptStatus(Enum):
    """Where an attempt stands."""

    OPEN = "open"
    """Journalled. The call may or may not have been made yet."""

    ACCEPTED = "accepted"
    """SageMaker accepted the change, and the endpoint has not been seen at rest since."""

    TESTING = "testing"
    """All calls reach the version. The invocation that holds the lease runs its smoke test."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    """SageMaker rolled it back because its approval was taken back. The version has not failed."""

    WITHDRAWN = "withdrawn"
    """It never reached SageMaker: the endpoint was busy, or another release was wanted. It is no failure."""


ENDS: Final = frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.FAILED, AttemptStatus.ABORTED})
"""The ends that become an outcome: AWS accepted the change, or refused it for good."""

UNSETTLED: Final = frozenset({AttemptStatus.OPEN, AttemptStatus.ACCEPTED, AttemptStatus.TESTING})


class Action(Enum):
    """What an attempt asks AWS for."""

    CREATE_ENDPOINT = "CreateEndpoint"
    UPDATE_ENDPOINT = "UpdateEndpoint"
    CLEAN_UP = "CleanUp"
    PROMOTE = "Promote"


class Bake(Enum):
    """Which bake of an update has all calls on the new fleet, and the old one beside it."""

    ONLY = "only"
    LAST = "last"
    """Canary or linear: the bakes before it have a part of the calls."""


_QUOTA: Final = re.compile(r"service limit '(?P<name>[^']+)'")
"""In the message of `ResourceLimitExceeded`, also if that is a failure reason."""


@value
class Deletion:
    """What a clean-up deletes, by name."""

    endpoint_config_names: tuple[str, ...] = ()
    model_names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names)

    @property
    def names(self) -> frozenset[str]:
        """Every name."""
        return frozenset((*self.endpoint_config_names, *self.model_names))

    def sparing(self, in_use: Container[str]) -> Deletion:
        """Return this deletion without the names that are in use."""
        return Deletion(
            tuple(each for each in self.endpoint_config_names if each not in in_use),
            tuple(each for each in self.model_names if each not in in_use),
        )


NOTHING: Final = Deletion()


@value(kw_only=True)
class Attempt:
    """The fields of every attempt: an endpoint's next number, claimed by one invocation.

    Attributes:
        endpoint_name: The endpoint.
        number: 1, 2, 3, … per endpoint. Of several concurrent invocations, the one that writes the next
            number acts.
        correlation_id: The id of the event that brought the approval; it runs through log lines and outcomes.
        started_at: When it was journalled.
        invocation_id: The invocation that wrote this state. When a write times out and its repetition is
            refused, the invocation recognises its own write by this.
        lease_until: Until when that invocation may be at work on the attempt or on its outcome.
        status: Where it stands.
        settled_at: When it was settled.
        reason: Why it failed or was withdrawn, in full.
        cause: Whose fault it is that it failed; None for every other end.
    """

    endpoint_name: str
    number: int
    correlation_id: str
    started_at: datetime
    invocation_id: str
    lease_until: datetime
    status: AttemptStatus = AttemptStatus.OPEN
    settled_at: datetime | None = None
    reason: str | None = None
    cause: Cause | None = None

    @property
    def unsettled(self) -> bool:
        """Whether its end is not known yet."""
        return self.status in UNSETTLED


@value(kw_only=True)
class CleanUp(Attempt):
    """An attempt to delete models and configs that nothing needs. It has no outcome.

    Attributes:
        deletion: What is deleted.
    """

    action: ClassVar[Action] = Action.CLEAN_UP
    deletion: Deletion


@value(kw_only=True)
class _OfVersion(Attempt):
    """The fields that a deployment and its promotion share.

    Attributes:
        version_arn: The version that was approved.
        version: Its number.
        group_name: Its model package group.
        model_name: The model created for it.
        endpoint_config_name: The config that serves it.
        companions: The versions that serve beside it: pinned ones, and a shadow.
        approved_at: When the approval that decided was given.
        approved_by: Who gave it.
        artifact_digest: Of the version's images and artifacts as they were approved; None if unknown.
        end_reported: Whether the outcome of its end was handed over.
    """

    version_arn: str
    version: int
    group_name: str
    model_name: str
    endpoint_config_name: str
    approved_at: datetime
    approved_by: str
    companions: tuple[Companion, ...] = ()
    artifact_digest: str | None = None
    end_reported: bool = False

    @property
    def version_arns(self) -> tuple[str, ...]:
        """Every version on the endpoint's config, the approved one first."""
        return (self.version_arn, *(each.version_arn for each in self.companions))

    @property
    def has_outcome(self) -> bool:
        """Whether its end is reported as an outcome."""
        return self.status in ENDS

    @property
    def shadow(self) -> Companion | None:
        """The version that receives copies of the calls, if there is one."""
        return next((each for each in self.companions if each.is_shadow), None)


@value(kw_only=True)
class Promotion(_OfVersion):
    """An attempt to set the serving version's life cycle to the next stage.

    Attributes:
        goal: The life cycle that is written, or that the registry showed already.
    """

    action: ClassVar[Action] = Action.PROMOTE
    goal: LifeCycle


@value(kw_only=True)
class Deployment(_OfVersion):
    """An attempt to put one release on the endpoint.

    Attributes:
        action: Whether the endpoint is created or updated.
        replaces_endpoint_config_name: The config that served before, if any.
        endpoint_last_modified_time: The endpoint's, as read before the attempt; None if there was none.
        rolls_back: Whether a version that served well comes back, and the one that served was given up.
        at_once: Whether the update goes without the steps, waits and alarms of the settings, as it goes back.
        accepted_at: When the deployer noted that SageMaker accepted the change.
        abort_asked_at: When the deployer set off the abort alarm for it.
        deletes_endpoint: Whether the endpoint had failed, so that it is deleted and created again.
        tests_begun: How often the smoke test was begun. It is counted when the test is claimed.
        failed_test: The smoke test that the version failed; None if it did not come to that. If it failed in
            the bake, the end of the rollout is not known yet.
        test_endpoint_name: The test endpoint on which the version is tested before its rollout, if it is.
        test_passed_at: When the version passed its smoke test on the test endpoint or in the bake; None if it
            did not.
        bake: The bake in which the smoke test may run; None if the old fleet cannot take calls back.
        alarms_left_out: Rollback alarms that do not guard it, for example because they were on before.
        alarms_unread: Whether the deployer could not read the alarms' states before it began.
        unguarded: Why it goes out without its settings' guardrails; None if they guard it.
        doubles_instances: Whether old and new instances count against quotas at the same time.
        to_set: Counts and weights that are set once it is over.
        config_request: What its endpoint config was created with, so that the config can be created again if
            somebody deletes it. SageMaker needs it for the next update.
        start_reported: Whether the outcome `started` was handed over.
        rollback: The rollback that it follows, if a person rolled the endpoint back.
        retry: The word of a person to try its version again, if it follows that.
        restart: The word of a person to roll its version out once more, if it follows that.
    """

    action: Action
    replaces_endpoint_config_name: str | None
    endpoint_last_modified_time: datetime | None
    rolls_back: bool
    accepted_at: datetime | None = None
    abort_asked_at: datetime | None = None
    deletes_endpoint: bool = False
    tests_begun: int = 0
    failed_test: Failure | None = None
    alarms_left_out: tuple[str, ...] = ()
    alarms_unread: bool = False
    unguarded: str | None = None
    doubles_instances: bool = False
    to_set: tuple[PropertyToSet, ...] = ()
    config_request: Mapping[str, Any] | None = None
    at_once: bool = False
    start_reported: bool = False
    bake: Bake | None = None
    test_endpoint_name: str | None = None
    test_passed_at: datetime | None = None
    rollback: Rollback | None = None
    retry: Asked | None = None
    restart: Asked | None = None

    @property
    def is_written_to_registry(self) -> bool:
        """Whether its end is written to its version's metadata. A hindrance says nothing of the version."""
        return self.has_outcome and not self.was_hindered

    @property
    def model_names(self) -> tuple[str, ...]:
        """Every model that its config names."""
        return (self.model_name, *(each.model_name for each in self.companions))

    def is_under_way_on(self, endpoint: Endpoint) -> bool:
        """Tell whether the endpoint is being brought to this attempt's config, or stays on it."""
        # During a deletion an endpoint still shows its config. During an update it shows the old config.
        goal = endpoint.pending_endpoint_config_name or endpoint.endpoint_config_name
        return endpoint.status != "Deleting" and self.endpoint_config_name == goal

    @property
    def transient(self) -> bool:
        """Whether it is tried again without anybody's approval."""
        return self.failed_test is None and self.cause in {Cause.SURROUNDINGS, Cause.PASSING}

    @property
    def was_hindered(self) -> bool:
        """Whether its surroundings kept it from going live: then neither its version nor its settings failed.

        A smoke test that could not be made is no such hindrance: the version serves, and nobody knows how.
        """
        return (
            self.status is AttemptStatus.FAILED
            and self.failed_test is None
            and self.cause is Cause.SURROUNDINGS
        )

    @property
    def tried_on(self) -> str:
        """The endpoint whose containers its version is in: the test endpoint's, until it passed there."""
        passed = self.test_passed_at is not None
        return self.endpoint_name if self.test_endpoint_name is None or passed else self.test_endpoint_name

    @property
    def was_tested_in_service(self) -> bool:
        """Whether its smoke test began where its callers are, and not on a test endpoint."""
        return self.tests_begun > 0 and self.test_endpoint_name is None

    @property
    def hindrance(self) -> str:
        """What hindered it, without what AWS draws for each answer: the same hindrance is told once."""
        return DRAWN.sub("…", self.reason or "")

    def answers(self, approved_at: datetime) -> bool:
        """Tell whether its end answers an approval of its version that was given at that time.

        It may have been given while the deployment was under way, or have led to it, whatever the clocks say.
        """
        return self.settled_at is not None and (
            self.settled_at >= approved_at or self.approved_at == approved_at
        )

    @property
    def failed_by_itself(self) -> bool:
        """Whether its version failed, and would fail with other settings, too.

        A pinned version or a shadow beside it may be to blame as well.
        """
        is_version = self.status is AttemptStatus.FAILED and self.cause is Cause.VERSION
        return is_version and not self.companions

    @property
    def quota(self) -> str | None:
        """The quota that it failed for, such as `ml.m5.large for endpoint usage`; None if none is named."""
        found = _QUOTA.search(self.reason or "")
        return found["name"] if found else None
