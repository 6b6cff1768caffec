"""Holds the facts that one round has read, and names the fact that a decision lacks. Pure.

A decision takes facts and returns a value. If it lacks a fact, it returns the fact's name; the caller reads
it and decides again. So nothing is read that is not needed, and a decision makes no call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeAlias, TypeVar

from deployer.model.attempt import Promotion
from deployer.model.model_version import Hidden
from deployer.model.names import same_arn
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from deployer.model.adopted import Adopted
    from deployer.model.approval import Approval, HeardApproval
    from deployer.model.history import History
    from deployer.model.model_version import ModelVersion
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity

Answer = TypeVar("Answer")
Arguments = ParamSpec("Arguments")


@value
class UnreadVersion:
    """The registry's entry of a version."""

    version_arn: str


@value
class UnreadArtifacts:
    """What S3 holds at the URIs of a version's artifacts."""

    version: ModelVersion


@value
class UnreadPromotion:
    """The last promotion of a version by this endpoint."""

    version_arn: str


Unread: TypeAlias = UnreadVersion | UnreadArtifacts | UnreadPromotion


class NotReadError(Exception):
    """A decision needs a fact that was not read."""

    def __init__(self, unread: Unread) -> None:
        super().__init__(unread)
        self.unread = unread


@value
class Facts:
    """What is known of one endpoint in one round.

    Attributes:
        settings: The endpoint's.
        identity: The stack's.
        history: What the journal holds.
        versions: The versions that were read, by their ARN in lower case.
        digests: The digests of versions' containers and artifacts, by the same key.
        listed: When each version was registered that the registry listed as approved and complete, by the
            same key; None if they were not listed in this round.
        adopted: The config that serves, if somebody else made it and it stands for one of the deployer's own.
    """

    settings: EndpointSettings
    identity: StackIdentity
    history: History
    versions: Mapping[str, ModelVersion | Hidden | None]
    digests: Mapping[str, str | Hidden]
    listed: Mapping[str, datetime] | None = None
    adopted: Adopted | None = None

    def version(self, version_arn: str) -> ModelVersion | Hidden | None:
        """Return a version as the registry showed it; None if it does not exist."""
        key = version_arn.lower()
        if key not in self.versions:
            raise NotReadError(UnreadVersion(version_arn))
        return self.versions[key]

    def digest(self, version: ModelVersion) -> str | Hidden:
        """Return the digest of a version's containers and artifacts."""
        key = version.arn.lower()
        if key not in self.digests:
            raise NotReadError(UnreadArtifacts(version))
        return self.digests[key]

    def promotions_of(self, version_arn: str) -> list[Promotion]:
        """Return the known promotions of a version. Its last one is among them."""
        history, latest = self.history, self.history.latest_attempt
        known = (*history.promotions, *([latest] if isinstance(latest, Promotion) else []))
        found = [each for each in known if same_arn(each.version_arn, version_arn)]
        if not found and version_arn.lower() not in history.promotions_read:
            raise NotReadError(UnreadPromotion(version_arn))
        return found

    def follows(self, approval: Approval | HeardApproval) -> bool:
        """Tell whether the endpoint follows the group of an approval's version."""
        return self.settings.follows(
            approval.version_arn, approval.group_name, own_account=self.identity.account_id
        )

    def is_deployable(self, version: ModelVersion | Hidden | None) -> bool:
        """Tell whether a version is approved, complete, of the group, and admitted by the stage's gate."""
        return (
            version is not None
            and not isinstance(version, Hidden)
            and version.deployable
            and self.settings.admits(version.life_cycle)
            and self.settings.follows(version.arn, version.group_name, own_account=self.identity.account_id)
        )

    def stands(self, approval: Approval) -> bool:
        """Tell whether an approval stands. An approval of a hidden version still stands.

        A list may lag, or lack a page. So what it lacks is read by itself before it is given up. A version
        that was registered after the approval is another one: its group was deleted and made again.
        """
        created_at = (self.listed or {}).get(approval.version_arn.lower())
        if created_at is not None and created_at <= approval.approved_at:
            return True
        version = self.version(approval.version_arn)
        if isinstance(version, Hidden):
            return True
        return version is not None and version.is_of(approval.approved_at) and self.is_deployable(version)


def reads_first(
    decide: Callable[Concatenate[Facts, Arguments], Answer],
) -> Callable[Concatenate[Facts, Arguments], Answer | Unread]:
    """Let a decision return the missing fact instead of raising `NotReadError`."""

    def decide_or_ask(facts: Facts, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer | Unread:
        try:
            return decide(facts, *args, **kwargs)
        except NotReadError as error:
            return error.unread

    return decide_or_ask
