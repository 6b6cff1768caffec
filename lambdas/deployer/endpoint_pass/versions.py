"""Reads versions from the registry and their artifacts from S3, once a round, and again on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deployer.decisions.facts import (
    Facts,
    UnreadArtifacts,
    UnreadPromotion,
    UnreadVersion,
)
from deployer.decisions.sweep import digest_of_approved
from deployer.gateways.s3 import UnlistedError
from deployer.model.artifacts import artifact_uris, digest_of
from deployer.model.model_version import Hidden, ModelVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.decisions.facts import Unread
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.gateways.model_registry import ModelRegistry
    from deployer.gateways.s3 import S3
    from deployer.model.adopted import Adopted
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity

Answer = TypeVar("Answer")


class Versions:
    """What the registry and S3 show of one endpoint's versions, in one round.

    Args:
        settings: The endpoint's.
        identity: The stack's.
        ledger: The endpoint's history, for decisions.
        registry: Shows versions.
        s3: Lists artifacts. Only a stage's deployer has the permission.
        logger: Logs artifacts that S3 does not show.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        identity: StackIdentity,
        ledger: Ledger,
        registry: ModelRegistry,
        s3: S3,
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._ledger = ledger
        self._registry = registry
        self._s3 = s3 if settings.stage_name is not None else None
        self._logger = logger
        self._versions: dict[str, ModelVersion | Hidden | None] = {}
        self._digests: dict[str, str | Hidden] = {}
        self._listed: dict[str, datetime] | None = None
        self._approved: list[str] | None = None
        self.approved_digest: str | None = None
        """Of what the registry lists as approved; None before it was asked."""
        self.adopted: Adopted | None = None
        """The config that a person made, which serves in the place of one of the deployer's own."""
        self.hidden: dict[str, Hidden] = {}
        """Hidden versions that the round needed. They are reported at its end."""

    @property
    def facts(self) -> Facts:
        """The facts that were read so far."""
        return Facts(
            self._settings,
            self._identity,
            self._ledger.history,
            self._versions,
            self._digests,
            self._listed,
            self.adopted,
        )

    def forget(self) -> None:
        """Forget all facts, so that the next round reads them again."""
        self._versions.clear()
        self._digests.clear()
        self._listed = None
        self._approved = None
        self.approved_digest = None
        self.adopted = None
        self.hidden = {}

    def decide(self, decision: Callable[[Facts], Answer | Unread]) -> Answer:
        """Make a decision again and again, and read the fact that it lacks, until it lacks none."""
        while True:
            match decision(self.facts):
                case UnreadVersion(version_arn):
                    self.read(version_arn)
                case UnreadArtifacts(version):
                    self.read_digest(version)
                case UnreadPromotion(version_arn):
                    self._ledger.read_promotion(version_arn)
                case answer:
                    return answer

    def list_approved(self) -> list[str]:
        """Return the ARNs of the group's approved versions that the settings admit, newest first.

        The registry is asked once a round.

        Raises:
            RefusedError: The registry refuses the request.
        """
        if self._approved is not None:
            return self._approved
        listed = self._registry.approved_versions(self._settings.model_package_group)
        self.approved_digest = digest_of_approved(listed)
        admitted = [each for each in listed if self._settings.admits(each.life_cycle)]
        self._listed = {each.arn.lower(): each.creation_time for each in admitted}
        approved = [each.arn for each in admitted]
        self._approved = approved
        return approved

    def read(self, version_arn: str) -> ModelVersion | Hidden | None:
        """Read a version from the registry now."""
        found = self._registry.describe_version(version_arn)
        self._versions[version_arn.lower()] = found
        return found

    def reread(self, version_arn: str) -> ModelVersion | Hidden | None:
        """Read a version right before it is used. A hidden one is reported after the round."""
        found = self.read(version_arn)
        if isinstance(found, Hidden):
            self.hidden[version_arn] = found
        return found

    def known(self, version_arn: str) -> ModelVersion | Hidden | None:
        """Return a version as last read; read it if it was not."""
        key = version_arn.lower()
        return self._versions[key] if key in self._versions else self.read(version_arn)

    def still_there(self, found: Iterable[tuple[str, datetime]]) -> list[str]:
        """Return the ARNs of versions that models were made of, if each is still that version's.

        Args:
            found: The ARNs, and when the models were made.
        """
        arns = []
        for version_arn, made_at in found:
            version = self.known(version_arn)
            if not isinstance(version, ModelVersion) or version.is_of(made_at):
                arns.append(version_arn)
        return arns

    def may_still_serve(self, version_arn: str) -> bool:
        """Read a version now, and tell whether it may serve. A hidden version still may."""
        found = self.read(version_arn)
        return isinstance(found, Hidden) or self.facts.is_deployable(found)

    def has_news(self) -> bool:
        """Tell whether an approval was journalled that this round does not know."""
        facts = self.facts
        return any(each.decides and facts.follows(each) for each in self._ledger.unknown_approvals())

    def read_digest(self, version: ModelVersion) -> str | Hidden:
        """Read the entity tags of a version's artifacts now, and return the version's digest."""
        containers = version.containers.get(self._settings.inference_specification_name, [])
        digest: str | Hidden
        s3 = self._s3
        try:
            held = [[uri, s3.entity_tags(uri)] for uri in artifact_uris(containers)] if s3 else []
            digest = digest_of(containers, held)
        except UnlistedError as refusal:
            self._logger.warning(str(refusal), model_package_arn=version.arn)
            digest = Hidden(str(refusal))
        self._digests[version.arn.lower()] = digest
        return digest

    def known_digest(self, version: ModelVersion) -> str | None:
        """Return a version's digest as last read; None if it was not read, or S3 hid the artifacts."""
        found = self._digests.get(version.arn.lower())
        return found if isinstance(found, str) else None
