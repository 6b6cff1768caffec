"""Decides whether a version that is approved may be deployed under the settings. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.contract import digest_property
from deployer.decisions.instance_types import unsupported_instances
from deployer.decisions.served import live_version_arns
from deployer.decisions.version_metadata import stage_with_another_digest
from deployer.model.approval import Ineligible
from deployer.model.artifacts import is_of_known_format
from deployer.model.excerpts import sentence
from deployer.model.model_version import Hidden
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from deployer.decisions.facts import Facts
    from deployer.model.approval import Approval
    from deployer.model.model_version import ModelVersion
    from deployer.model.release import Release


def ineligible(
    facts: Facts, approval: Approval, release: Release, *, as_shadow: bool = False
) -> Ineligible | None:
    """Return why an approved version may not be deployed under these settings; None if it may.

    A release that served before fits its instances, even if the version's list excludes them today.
    """
    version = facts.version(approval.version_arn)
    if isinstance(version, Hidden):
        return hidden(approval, f"The registry does not show it: {sentence(version.reason)}")
    if version is None:
        # Somebody deleted the version after it was listed. The read right before the first write shows that.
        return None
    difference = changed(facts, approval, version)
    served = facts.history.is_proven(release.endpoint_config_name)
    if difference is not None or (served and not as_shadow):
        return difference
    settings = facts.settings
    variants = settings.shadow_variants if as_shadow else [*settings.following_variants.values()]
    return unsupported_instances(approval, settings, variants, version.instance_types)


def ineligible_shadow(
    facts: Facts, approval: Approval, release: Release, *, live: Approval, without_shadow: Release
) -> Ineligible | None:
    """Return why an approved version may not become the shadow of another one; None if it may.

    The other one is deployed again with it, although it serves already.
    """
    blocked = ineligible(facts, live, without_shadow)
    if blocked is None:
        return ineligible(facts, approval, release, as_shadow=True)
    reason = f"It is to shadow version {live.version}, which may not be deployed again now. {blocked.reason}"
    return replace(blocked, approval=approval, reason=reason)


def changed(facts: Facts, approval: Approval, version: ModelVersion) -> Ineligible | None:
    """Return why a version differs from what was approved, or from what an earlier stage deployed."""
    digest = facts.digest(version)
    if isinstance(digest, Hidden):
        return hidden(approval, f"Its artifact cannot be seen: {sentence(digest.reason)}")
    if approval.artifact_digest != digest:
        return Ineligible(
            approval,
            reason="Its image, artifact or environment was changed after it was approved.",
            remedy="If the change is wanted, approve it again.",
        )
    other = stage_that_deployed_another(facts, version, digest)
    if other is None:
        return None
    if not is_of_known_format(version.metadata[digest_property(other, _specification_name(facts))]):
        return Ineligible(
            approval,
            reason=f"Stage {other} noted what it deployed in a format that this release does not know.",
            remedy="Let both stages run the same release of Greenlight.",
        )
    return Ineligible(
        approval,
        reason=f"Its image, artifact or environment is not what stage {other} deployed as this version.",
        remedy="Register the wanted content as a new version, and let it pass through the stages.",
    )


def obstacle(facts: Facts, version: ModelVersion | Hidden | None) -> str | Hidden | None:
    """Return why a version may not serve, or cannot be seen; None if it may. Approvers do not count."""
    if isinstance(version, Hidden):
        return version
    if version is None or not facts.is_deployable(version):
        return f"not approved in {facts.settings.group_name}"
    if any(same_arn(each, version.arn) for each in live_version_arns(facts.history)):
        # A serving version stays. Its instances have loaded it, so a change in S3 does not affect them.
        return None
    digest = facts.digest(version)
    if isinstance(digest, Hidden):
        return digest
    other = stage_that_deployed_another(facts, version, digest)
    return f"not what stage {other} deployed as this version" if other is not None else None


def stage_that_deployed_another(facts: Facts, version: ModelVersion, digest: str) -> str | None:
    """Return the name of a stage that deployed other content as this version; None if there is none."""
    stage_name = facts.settings.stage_name
    if stage_name is None:
        return None
    return stage_with_another_digest(version.metadata, stage_name, _specification_name(facts), digest)


def _specification_name(facts: Facts) -> str | None:
    return facts.settings.inference_specification_name


def hidden(approval: Approval, reason: str) -> Ineligible:
    """Describe an approval whose version the registry or S3 hides."""
    remedy = "`greenlight doctor` says what is missing; nothing has to be approved again."
    return Ineligible(approval, reason=reason, remedy=remedy, is_hidden=True)
