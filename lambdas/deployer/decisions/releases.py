"""Builds the release of an approval, with the pinned versions that may serve beside it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.decisions.eligibility import obstacle
from deployer.decisions.facts import reads_first
from deployer.model.model_version import Hidden
from deployer.model.names import same_arn
from deployer.model.release import Release, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.decisions.facts import Facts
    from deployer.model.approval import Approval


_UNSEEN: Final = "its artifact cannot be seen: `greenlight doctor` says what is missing"


class HiddenPinError(Exception):
    """The registry does not show a version that a variant is pinned to, so no release can be built."""


def release_of(facts: Facts, approval: Approval, shadow: Approval | None = None) -> Release:
    """Build the release of an approval and its shadow, if any, under the current settings.

    The release for which an adopted config stands has the name of that config: it serves already.
    """
    release = Release.build(
        facts.settings,
        _version_of(approval),
        pinned=_pinned(facts),
        shadow=_version_of(shadow) if shadow is not None else None,
        restart=approval.restart.at.isoformat() if approval.restart is not None else None,
        execution_role_arn=facts.identity.execution_role_arn,
        stack_name=facts.identity.stack_name,
    )
    adopted = facts.adopted
    if adopted is not None and release.endpoint_config_name == adopted.stands_for:
        return release.under(adopted.endpoint_config_name)
    return release


def release_called(facts: Facts, version_arn: str, endpoint_config_name: str) -> Release | None:
    """Return the release of an approved version that has a name; None if no approval makes it."""
    made = (
        release_of(facts, each)
        for each in facts.history.approvals
        if each.counts and same_arn(each.version_arn, version_arn)
    )
    return next((each for each in made if each.endpoint_config_name == endpoint_config_name), None)


find_release = reads_first(release_called)
"""`release_called`, but a fact that was not read is returned, not raised."""


def pin_obstacles(facts: Facts) -> Iterator[tuple[str, int, Version | str]]:
    """Yield each pinned variant, its version's number, and the version or the reason why it may not serve."""
    for variant_name, number in facts.settings.pins.items():
        version = facts.version(facts.settings.version_name(number))
        if isinstance(version, Hidden):
            raise HiddenPinError(f"Version {number}, which {variant_name} is pinned to: {version.reason}")
        reason = obstacle(facts, version)
        if version is not None and reason is None:
            yield variant_name, number, Version(version.arn, version.version)
        else:
            yield variant_name, number, _UNSEEN if isinstance(reason, Hidden) else reason or ""


def _pinned(facts: Facts) -> dict[str, Version]:
    """Return the pinned versions that may serve, by variant name."""
    return {name: found for name, _, found in pin_obstacles(facts) if isinstance(found, Version)}


def _version_of(approval: Approval) -> Version:
    return Version(
        approval.version_arn,
        approval.version,
        approval.artifact_digest,
        approval.approved_by,
        approval.approved_at,
    )


def newly_adopted(facts: Facts, approval: Approval, release: Release) -> Iterator[tuple[Approval, str]]:
    """Yield the approval of a release that an adopted config serves, and the config for which that stands."""
    adopted = facts.adopted
    serves = adopted is not None and release.endpoint_config_name == adopted.endpoint_config_name
    if adopted is not None and serves and approval.served_with != adopted.stands_for:
        yield approval, adopted.stands_for
