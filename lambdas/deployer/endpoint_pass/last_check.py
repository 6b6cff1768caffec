"""Reads a release's versions again, at the last moment at which a reject can still be seen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from deployer.decisions.eligibility import obstacle
from deployer.decisions.facts import Facts, reads_first
from deployer.model.model_version import Hidden, ModelVersion

if TYPE_CHECKING:
    from deployer.endpoint_pass.holds import Holds
    from deployer.endpoint_pass.versions import Versions
    from deployer.model.release import Release


class NoLongerWantedError(Exception):
    """The approval was taken back, or a newer one came, between choosing it and acting on it."""


@reads_first
def _obstacle(facts: Facts, version: ModelVersion | Hidden | None) -> str | Hidden | None:
    return obstacle(facts, version)


class LastCheck:
    """Compares versions as they are now with the release that this round chose.

    Args:
        versions: The versions.
        holds: What may hold the release back; None for a release that waits for nothing.
    """

    def __init__(self, versions: Versions, holds: Holds | None) -> None:
        self._versions = versions
        self._holds = holds

    def check(self, release: Release) -> None:
        """Read a release's versions again, at the last moment at which a reject can still be seen.

        Read S3 first, so that the registry is the last read before the write.

        Raises:
            NoLongerWantedError: A version is no longer approved, its content has changed, or rollouts are
                held back by now.
        """
        versions = self._versions
        hold = self._holds.standing() if self._holds is not None else None
        if hold is not None:
            raise NoLongerWantedError(f"It was held back before it went out, by {hold.description}.")
        chosen = {arn: versions.facts.versions.get(arn.lower()) for arn in release.version_arns}
        if not all(self._is_as_read(version) for version in chosen.values()) or not all(
            self._is_as_chosen(arn, version) for arn, version in chosen.items()
        ):
            arns = " or ".join(release.version_arns)
            raise NoLongerWantedError(f"{arns} is no longer approved.")

    def _is_as_read(self, version: ModelVersion | Hidden | None) -> bool:
        if not isinstance(version, ModelVersion):
            return True
        before = self._versions.known_digest(version)
        return before is None or before == self._versions.read_digest(version)

    def _is_as_chosen(self, version_arn: str, chosen: ModelVersion | Hidden | None) -> bool:
        version = self._versions.reread(version_arn)
        return (
            isinstance(version, ModelVersion)
            and self._versions.decide(partial(_obstacle, version=version)) is None
            and (not isinstance(chosen, ModelVersion) or chosen.containers == version.containers)
        )
