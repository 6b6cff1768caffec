"""Holds what the journal knows of one endpoint. Decisions read only this: facts, and no list of what was."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from deployer.model.approval import Approval, HeardApproval, Weight, makes_needless
from deployer.model.attempt import ENDS, Attempt, AttemptStatus, CleanUp, Deployment, Promotion
from deployer.model.names import same_arn
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from deployer.model.first_look import FirstLook
    from deployer.model.put_off import PutOff

Kind = TypeVar("Kind", Approval, HeardApproval)

MOST_FAILURES: Final = 10
"""How many failures of one release are kept: more than a release is tried again."""


@value
class LastObserved:
    """What was last observed, done and reported at an endpoint's rest. Its loss costs a few calls.

    Attributes:
        created_at: When the endpoint was created that these notes are about; None if there was none.
        endpoint_config_name: The config with which it was seen in service and in sync.
        last_modified_time: The endpoint's, at that time. While it is the same, the endpoint is unchanged.
        tags: The tags last put on the endpoint itself.
        scaling: Variant name to the automatic scaling that it is registered with. A variant is removed here
            before it is deregistered, so that its scaling is never assumed while it is gone.
        metadata_written: Number of the last attempt whose end the registry shows.
        metadata_live: The role of each version that the registry shows as live here, by its ARN.
        metadata_said: What the registry says of approved versions that do not serve, by their ARNs.
        reported: The `needs_attention` messages of problems that last, so that no sweep repeats them.
        refused_change: Two configs: the one that the endpoint served, and the one that SageMaker refused to
            change it to.
        abort_alarm_set: Whether CloudWatch refused to clear the abort alarm after an abort.
        abort_ended_at: When the last rollout that was to be aborted was found to be over. Its release may be
            cleaned up by now.
        first_look: What was approved at the first look; None before it.
        alarms: Alarm name to the digest of the request that made it or changed it last. An alarm is noted
            here before it is made, with an empty digest, so that a crash leaves none that nobody knows of.
        alarms_seen_at: When these alarms were last read from CloudWatch. None before the first time, when
            CloudWatch is asked for alarms that the journal may have forgotten.
        properties_set: Variant and property to the number of the deployment that left it to be set, and whose
            value was set, or is not needed any more.
        put_off: Writes outside of deployments that were refused, by what they are to write.
    """

    created_at: datetime | None = None
    endpoint_config_name: str | None = None
    last_modified_time: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)
    scaling: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata_written: int = 0
    metadata_live: dict[str, str] = field(default_factory=dict)
    metadata_said: dict[str, str] = field(default_factory=dict)
    reported: tuple[str, ...] = ()
    refused_change: tuple[str, str] | None = None
    abort_alarm_set: bool = False
    abort_ended_at: datetime | None = None
    first_look: FirstLook | None = None
    alarms: dict[str, str] = field(default_factory=dict)
    alarms_seen_at: datetime | None = None
    properties_set: dict[str, int] = field(default_factory=dict)
    put_off: dict[str, PutOff] = field(default_factory=dict)


@value
class ReleaseRecord:
    """What is known of one release, by the name of its endpoint config.

    It is kept while its models and config may exist, and while its failures answer an approval that stands.

    Attributes:
        deployments: Its last deployment, the last one that was not withdrawn, the last one that succeeded,
            and its newest failures, newest first.
        vouched_until: When its config and models were last known to be the deployer's own work.
        made: Whether its models and config may exist.
    """

    deployments: tuple[Deployment, ...]
    vouched_until: datetime | None = None
    made: bool = True

    @property
    def endpoint_config_name(self) -> str:
        """The name of its config."""
        return self.deployments[0].endpoint_config_name

    @property
    def version_arn(self) -> str:
        """The version that it was made for."""
        return self.deployments[0].version_arn

    @property
    def decided_by(self) -> list[str]:
        """The versions whose approvals led to it: the one that it was made for, and its shadow's."""
        shadow = self.deployments[0].shadow
        return [self.version_arn, *([shadow.version_arn] if shadow is not None else [])]

    @property
    def model_names(self) -> tuple[str, ...]:
        """Every model that its config names."""
        return self.deployments[0].model_names

    @property
    def served_last(self) -> int | None:
        """The number of the last deployment with which it served; None if it never did."""
        succeeded = (each.number for each in self.deployments if each.status is AttemptStatus.SUCCEEDED)
        return next(succeeded, None)

    @property
    def has_failed(self) -> bool:
        """Whether it has failures that may answer an approval."""
        return any(each.status is AttemptStatus.FAILED for each in self.deployments)


def with_deployment(record: ReleaseRecord | None, deployment: Deployment) -> ReleaseRecord:
    """Return a release's record with a deployment that ended."""
    before = record.deployments if record is not None else ()
    known = (deployment, *before)
    ended = [each for each in known if each.status in ENDS]
    successes = [each for each in ended if each.status is AttemptStatus.SUCCEEDED]
    failures = [each for each in ended if each.status is AttemptStatus.FAILED]
    kept = {each.number: each for each in (deployment, *ended[:1], *successes[:1], *failures[:MOST_FAILURES])}
    succeeded_at = deployment.settled_at if deployment.status is AttemptStatus.SUCCEEDED else None
    # Before SageMaker accepts a deployment, the deployer has made its config and models, or compared existing
    # ones. A withdrawn attempt proves nothing: somebody else may have used the names.
    proofs = (record.vouched_until if record is not None else None, deployment.accepted_at or succeeded_at)
    newest_first = tuple(kept[number] for number in sorted(kept, reverse=True))
    return ReleaseRecord(newest_first, max(filter(None, proofs), default=None))


@value
class History:
    """What the journal knows of one endpoint.

    Attributes:
        approvals: The approvals that may stand, newest first: of each version at most the newest that counts,
            the newest that only makes it a shadow, and the newest that is ignored.
        heard: Approvals whose versions the registry did not show.
        releases: What is known of each release, by its config's name.
        latest_attempt: The last attempt, settled or not.
        unannounced: Earlier attempts, newest first, whose end was not reported or is not in the registry.
        last_deployment: The last deployment that SageMaker accepted and that ended. It tells when a rollout
            was rolled back, also if its release is cleaned up by now.
        promotions: The last promotion that ended, and those that were read.
        promotions_read: ARNs, in lower case, of the versions whose promotion was read.
        last_observed: The endpoint at its last rest.
    """

    approvals: tuple[Approval, ...] = ()
    heard: tuple[HeardApproval, ...] = ()
    releases: Mapping[str, ReleaseRecord] = field(default_factory=dict)
    latest_attempt: Attempt | None = None
    unannounced: tuple[Attempt, ...] = ()
    last_deployment: Deployment | None = None
    promotions: tuple[Promotion, ...] = ()
    promotions_read: frozenset[str] = frozenset()
    last_observed: LastObserved = field(default_factory=LastObserved)

    @property
    def unsettled(self) -> Attempt | None:
        """The attempt whose end is not known yet, if any."""
        latest = self.latest_attempt
        return latest if latest is not None and latest.unsettled else None

    @property
    def may_be_unannounced(self) -> tuple[Attempt, ...]:
        """The attempts whose end may have to be announced, newest first."""
        return self.unannounced if self.latest_attempt is None else (self.latest_attempt, *self.unannounced)

    @property
    def deployments(self) -> list[Deployment]:
        """The deployments that decide anything, newest first."""
        by_number = {each.number: each for record in self.releases.values() for each in record.deployments}
        for attempt in (self.last_deployment, *reversed(self.may_be_unannounced)):
            if isinstance(attempt, Deployment):
                by_number[attempt.number] = attempt
        return [by_number[number] for number in sorted(by_number, reverse=True)]

    def vouched_until(self, name: str) -> datetime | None:
        """Return when a config or model of this name was last known to be the deployer's own work."""
        proofs = (
            each.vouched_until
            for each in self.releases.values()
            if name in {each.endpoint_config_name, *each.model_names}
        )
        return max(filter(None, proofs), default=None)

    def latest_on(self, endpoint_config_name: str | None) -> Deployment | None:
        """Return the last deployment of a config."""
        return next(
            (each for each in self.deployments if each.endpoint_config_name == endpoint_config_name), None
        )

    def is_proven(self, endpoint_config_name: str) -> bool:
        """Tell whether a config is known to have served and passed its smoke test, if it had one."""
        return any(
            each.endpoint_config_name == endpoint_config_name and each.status is AttemptStatus.SUCCEEDED
            for each in self.deployments
        )

    def has_approval_of(self, version_arn: str, *, registered_at: datetime | None = None) -> bool:
        """Tell whether an approval of a version may stand; not one before the version was registered."""
        known: tuple[Approval | HeardApproval, ...] = (*self.approvals, *self.heard)
        times = [each.approved_at for each in known if same_arn(each.version_arn, version_arn)]
        return any(registered_at is None or time >= registered_at for time in times)

    def replaced_by(self, approval: Approval | HeardApproval) -> list[Approval | HeardApproval]:
        """Return the approvals of the version whose place an approval takes."""
        known: tuple[Approval | HeardApproval, ...] = (*self.approvals, *self.heard)
        return [
            each
            for each in known
            if same_arn(each.version_arn, approval.version_arn)
            and (each.weight is Weight.HEARD or (each.weight is approval.weight and each.key != approval.key))
        ]

    # Changes ------------------------------------------------------------------------------------------

    def with_begun(self, attempt: Attempt, *, is_latest_unannounced: bool) -> History:
        """Return this history with a new attempt."""
        latest = self.latest_attempt
        before = (latest,) if latest is not None and is_latest_unannounced else ()
        return replace(self, latest_attempt=attempt, unannounced=(*before, *self.unannounced))

    def with_moved(self, attempt: Attempt) -> History:
        """Return this history with the newer state of an attempt."""
        if self.latest_attempt is not None and attempt.number == self.latest_attempt.number:
            history = replace(self, latest_attempt=attempt)
        else:
            unannounced = (attempt if each.number == attempt.number else each for each in self.unannounced)
            history = replace(self, unannounced=tuple(unannounced))
        releases = {**self.releases, **{each.endpoint_config_name: each for each in self.records_of(attempt)}}
        return replace(
            history,
            releases={name: each for name, each in releases.items() if self.is_needed(each)},
            last_deployment=kept_deployment(attempt) or self.last_deployment,
            promotions=(*kept_promotion(attempt), *self.promotions),
        )

    def records_of(self, attempt: Attempt) -> list[ReleaseRecord]:
        """Return the releases' records that an attempt's end changes."""
        match attempt:
            case Deployment() if not attempt.unsettled:
                record = self.releases.get(attempt.endpoint_config_name)
                if record is not None and record.deployments[0].number >= attempt.number:
                    return []
                return [with_deployment(record, attempt)]
            case CleanUp(status=AttemptStatus.SUCCEEDED, deletion=deletion):
                return [replace(each, made=False) for each in _unmade(self.releases.values(), deletion.names)]
            case _:
                return []

    def is_needed(self, record: ReleaseRecord) -> bool:
        """Tell whether a release's record is kept: its failures may answer approvals that stand."""
        return record.made or (record.has_failed and all(map(self.has_approval_of, record.decided_by)))

    def with_approval(self, approval: Approval | HeardApproval) -> History:
        """Return this history with an approval added or changed, in the place of the one before it."""
        if isinstance(approval, HeardApproval):
            return replace(self, heard=(*_besides(self.heard, approval), approval))
        approvals = [*_besides(self.approvals, approval), approval]
        heard = (each for each in self.heard if not same_arn(each.version_arn, approval.version_arn))
        return replace(
            self,
            approvals=tuple(sorted(approvals, key=lambda each: each.order, reverse=True)),
            heard=tuple(heard),
        )

    def without_approval(self, approval: Approval | HeardApproval) -> History:
        """Return this history without an approval, and without the failures that only it made matter."""
        history = replace(
            self,
            approvals=tuple(_besides(self.approvals, approval)),
            heard=tuple(_besides(self.heard, approval)),
        )
        releases = {name: each for name, each in self.releases.items() if history.is_needed(each)}
        return replace(history, releases=releases)

    def with_promotion(self, version_arn: str, promotion: Promotion | None) -> History:
        """Return this history with what was read of a version's promotion."""
        found = () if promotion is None else (promotion,)
        return replace(
            self,
            promotions=(*self.promotions, *found),
            promotions_read=self.promotions_read | {version_arn.lower()},
        )


def _unmade(records: Iterable[ReleaseRecord], deleted: frozenset[str]) -> list[ReleaseRecord]:
    """Return the records whose config was deleted, and with it the models that nothing else needs.

    A model that stays is another release's. If the journal was restored, that may be one that it forgot.
    """
    return [each for each in records if each.made and each.endpoint_config_name in deleted]


def _besides(approvals: Iterable[Kind], approval: Approval | HeardApproval) -> list[Kind]:
    """Return all approvals but the one whose place another one takes."""
    return [
        each
        for each in approvals
        if each.weight is not approval.weight or not same_arn(each.version_arn, approval.version_arn)
    ]


def kept_deployment(attempt: Attempt) -> Deployment | None:
    """Return a deployment that changed the endpoint and ended, if the attempt is one."""
    if not isinstance(attempt, Deployment) or attempt.status not in ENDS:
        return None
    changed = attempt.accepted_at is not None or attempt.status is AttemptStatus.SUCCEEDED
    return attempt if changed else None


def kept_promotion(attempt: Attempt) -> tuple[Promotion, ...]:
    """Return a promotion whose end is kept, if the attempt is one: a withdrawn one decides nothing."""
    return (attempt,) if isinstance(attempt, Promotion) and attempt.status in ENDS else ()


def config_request(history: History, endpoint_config_name: str | None) -> Mapping[str, Any] | None:
    """Return what the deployer created a config with; None if the journal does not know."""
    deployment = history.latest_on(endpoint_config_name)
    return deployment.config_request if deployment is not None else None


def standing_of(history: History, approval: Approval | HeardApproval) -> list[Approval]:
    """Return the approvals of an approval's version that may stand."""
    return [each for each in history.approvals if same_arn(each.version_arn, approval.version_arn)]


def covers(history: History, approval: Approval | HeardApproval) -> bool:
    """Tell whether an approval, or one that makes it needless, may stand already."""
    heard = (each for each in history.heard if same_arn(each.version_arn, approval.version_arn))
    known: tuple[Approval | HeardApproval, ...] = (*standing_of(history, approval), *heard)
    return any(makes_needless(each, approval) for each in known)
