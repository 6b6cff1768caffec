"""Builds the release of an approval, with the pinned versions that may serve beside it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.eligibility import obstacle
from deployer.model.model_version import Hidden
from deployer.model.release import Release, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.decisions.facts import Facts
    from deployer.model.approval import Approval


class HiddenPinError(Exception):
    """The registry does not show a version that a variant is pinned to, so no release can be built."""


def release_of(facts: Facts, approval: Approval, shadow: Approval | None = None) -> Release:
    """Build the release of an approval and its shadow, if any, under the current settings."""
    return Release.build(
        facts.settings,
        _version_of(approval),
        pinned=_pinned(facts),
        shadow=_version_of(shadow) if shadow is not None else None,
        execution_role_arn=facts.identity.execution_role_arn,
        stack_name=facts.identity.stack_name,
    )


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
            yield variant_name, number, reason or ""


def _pinned(facts: Facts) -> dict[str, Version]:
    """Return the pinned versions that may serve, by variant name."""
    return {name: found for name, _, found in pin_obstacles(facts) if isinstance(found, Version)}


def _version_of(approval: Approval) -> Version:
    return Version(approval.version_arn, approval.version, approval.artifact_digest)
