"""Decides what is written to the registry: stamps on versions, and a stage's promotions. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from deployer.decisions import version_metadata
from deployer.decisions.facts import reads_first
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.cause import Cause
from deployer.model.steps import Promote, WriteMetadata
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from deployer.decisions.choice import Choice
    from deployer.decisions.facts import Facts
    from deployer.model.attempt import Promotion
    from deployer.model.endpoint import Endpoint
    from deployer.model.history import History
    from deployer.model.life_cycle import LifeCycle, PromotionRule
    from deployer.model.model_version import ModelVersion
    from deployer.model.settings import EndpointSettings


APPROVED: Final = "approved"
"""The role of the version that an endpoint was rolled out for."""


@value
class MetadataChanges:
    """What the registry is to show of an endpoint.

    Attributes:
        steps: One step per version.
        live: The role of each version that is stamped as live afterwards, by its ARN.
        deployed_at: When the deployment began that the stamp is of, by the version's ARN. A version that was
            registered later is another one of the same ARN.
    """

    steps: tuple[WriteMetadata, ...]
    live: dict[str, str]
    deployed_at: dict[str, datetime]


def unwritten(facts: Facts) -> list[Deployment]:
    """Return the deployments whose end the registry does not show yet, oldest first."""
    if not facts.settings.writes_metadata:
        return []
    return [
        each
        for each in reversed(facts.history.may_be_unannounced)
        if isinstance(each, Deployment)
        and each.is_written_to_registry
        and each.number > facts.history.last_observed.metadata_written
    ]


def metadata_changes(facts: Facts, ended: Sequence[Deployment]) -> MetadataChanges:
    """Return the stamps that these deployments' ends lead to: the last end of a version counts.

    Args:
        facts: What was read.
        ended: Deployments that have an outcome, oldest first.
    """
    name, stage_name = facts.settings.endpoint_name, facts.settings.stage_name
    live = facts.history.last_observed.metadata_live
    wanted: dict[str, dict[str, str]] = defaultdict(dict)
    deployed_at: dict[str, datetime] = {}
    for deployment in ended:
        at = deployment.settled_at
        assert at is not None, "a deployment with an outcome is settled"
        if deployment.status is AttemptStatus.SUCCEEDED:
            former, live = live, _roles(deployment)
            for version_arn in former.keys() - live.keys():
                wanted[version_arn] |= version_metadata.of_replaced(
                    name, stage_name, at, role=former[version_arn]
                )
                deployed_at[version_arn] = _deployed_before(facts.history, version_arn, deployment)
            for companion in deployment.companions:
                if former.get(companion.version_arn) != companion.role:
                    properties = version_metadata.of_companion(companion, name, stage_name, at)
                    wanted[companion.version_arn] |= properties
            wanted[deployment.version_arn] |= _digest_metadata(facts.settings, deployment)
        # Stamp the approved version last: a companion may be of the same version.
        wanted[deployment.version_arn] |= version_metadata.of_attempt(deployment, stage_name)
        deployed_at |= dict.fromkeys(deployment.version_arns, deployment.started_at)
    steps = tuple(WriteMetadata(version_arn, properties) for version_arn, properties in wanted.items())
    return MetadataChanges(steps, live, deployed_at)


def _deployed_before(history: History, version_arn: str, deployment: Deployment) -> datetime:
    """Return when the deployment began that brought a version into service, before another one replaced it.

    A later one that failed may have been of another version of its ARN. The journal may not know the former
    any more. Then the version was there at the latest when it was replaced.
    """
    before = (
        each.started_at
        for each in history.deployments
        if each.number < deployment.number
        and each.status is AttemptStatus.SUCCEEDED
        and version_arn in each.version_arns
    )
    return next(before, deployment.started_at)


def _roles(deployment: Deployment) -> dict[str, str]:
    """Return what each version does on the endpoint, by its ARN. The approved one may be pinned as well."""
    roles = {each.version_arn: each.role for each in deployment.companions}
    return {**roles, deployment.version_arn: APPROVED}


@reads_first
def due_for_promotion(facts: Facts, endpoint_config_name: str | None, *, now: datetime) -> Deployment | None:
    """Return the deployment whose version may be promoted now, by the journal; None if there is none."""
    rule = facts.settings.promotion
    deployment = facts.history.latest_on(endpoint_config_name)
    if (
        rule is None
        or deployment is None
        or deployment.status is not AttemptStatus.SUCCEEDED
        or deployment.settled_at is None
        or now < rule.due_at(deployment.settled_at)
    ):
        return None
    promotions = facts.promotions_of(deployment.version_arn)
    return None if any(_settles(facts.history, each) for each in promotions) else deployment


def serves_as_chosen(choice: Choice, endpoint: Endpoint) -> bool:
    """Tell whether the endpoint is in service with the release that was chosen."""
    return (
        not choice.keeps_serving
        and choice.release.endpoint_config_name == endpoint.endpoint_config_name
        and endpoint.status == "InService"
    )


def _settles(history: History, promotion: Promotion) -> bool:
    """Tell whether an earlier promotion of a version rules out another.

    A promoted version is not promoted again, even if a person took the promotion back. A refused promotion is
    tried again when the version is approved again.
    """
    if promotion.status is not AttemptStatus.FAILED:
        return promotion.status is not AttemptStatus.WITHDRAWN
    return not any(
        each.version_arn == promotion.version_arn
        and promotion.settled_at is not None
        and each.approved_at > promotion.settled_at
        for each in history.approvals
    )


@value
class PromotionPlan:
    """How a version is promoted, or why not.

    Attributes:
        goal: The life cycle that is written, or that the registry shows already.
        steps: One step, or none.
        reason: Why nothing is written.
        cause: Whose fault it is, if the reason is reported as a failure.
    """

    goal: LifeCycle
    steps: tuple[Promote, ...] = ()
    reason: str | None = None
    cause: Cause | None = None


def is_promoted(settings: EndpointSettings, version: ModelVersion) -> bool:
    """Tell whether a version has reached the rule's goal, or this stage promoted it before."""
    rule = settings.promotion
    return (rule is not None and rule.is_made(version.life_cycle)) or version_metadata.is_promoted(
        version.metadata, _stage_name(settings)
    )


def broken_elsewhere(settings: EndpointSettings, version: ModelVersion) -> list[str]:
    """Return the other endpoints on which this stage found the version broken."""
    return version_metadata.broken_on(version.metadata, _stage_name(settings), besides=settings.endpoint_name)


def plan_promotion(
    settings: EndpointSettings,
    rule: PromotionRule,
    deployment: Deployment,
    version: ModelVersion,
    digest: str,
    *,
    now: datetime,
) -> PromotionPlan:
    """Return how a version is promoted, or why it is not.

    Args:
        settings: The endpoint's.
        rule: The settings' promotion rule.
        deployment: The deployment that put the version on the endpoint.
        version: The version, read just now.
        digest: Of its containers and artifacts, read just now.
        now: The time.
    """
    found = version.life_cycle
    if is_promoted(settings, version):
        goal = found or rule.goal
        reason = f"It is {'/'.join(goal)} or was promoted before: nothing was written."
        return PromotionPlan(goal, reason=reason)
    if deployment.artifact_digest not in {None, digest}:
        reason = "Its image, artifact or environment is not what served here any more."
        return PromotionPlan(rule.goal, reason=reason, cause=Cause.VERSION)
    if not rule.may_follow(found, settings.gate):
        reason = f"Somebody set its life cycle to {'/'.join(found or ())} meanwhile."
        return PromotionPlan(rule.goal, reason=reason, cause=Cause.VERSION)
    stage_name = _stage_name(settings)
    since = f"{deployment.settled_at:%Y-%m-%d %H:%M} UTC"
    description = f"Served on {settings.endpoint_name} in {stage_name} since {since}."
    properties = version_metadata.of_promotion(rule.goal, stage_name, now)
    properties |= _digest_metadata(settings, deployment)
    return PromotionPlan(rule.goal, (Promote(version.arn, rule.goal, description, properties),))


def held_back(rule: PromotionRule, deployment: Deployment, disturbing: Sequence[str]) -> str:
    """Describe which alarms alone prevent a promotion."""
    return (
        f"{not_promoted(deployment, rule)}, as each of these rollback alarms is on, changed in the "
        f"last {rule.soak.total_seconds():g} seconds, or cannot be seen (a deleted one cannot): "
        f"{', '.join(disturbing)}. It is promoted once all of them were quiet for that long. "
        "If the version is well, see to the alarms, or set its life cycle by hand."
    )


def not_promoted(deployment: Deployment, rule: PromotionRule) -> str:
    """Return the beginning of a sentence that says that a version is not promoted."""
    return (
        f"Version {deployment.version} of {deployment.group_name} serves on {deployment.endpoint_name} and "
        f"is not promoted to {'/'.join(rule.goal)}"
    )


def _digest_metadata(settings: EndpointSettings, deployment: Deployment) -> dict[str, str]:
    """Return what the next stages compare, if there are stages."""
    stage_name, digest = settings.stage_name, deployment.artifact_digest
    if stage_name is None or digest is None:
        return {}
    return version_metadata.of_digest(digest, stage_name, settings.inference_specification_name)


def _stage_name(settings: EndpointSettings) -> str:
    assert settings.stage_name is not None, "outside of stages nothing is promoted"
    return settings.stage_name
