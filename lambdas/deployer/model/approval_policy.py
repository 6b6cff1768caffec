"""Decides whose approvals count for an endpoint. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from deployer.contract import SettingsKey
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.model.identity import Identity


@value
class ApprovalPolicy:
    """Whose approvals count.

    Attributes:
        approvers: Patterns of identities' ARNs, with `*` and `?`; empty for anybody.
        four_eyes: Whether the approver must not be the one who registered the version. That also stops the
            SageMaker SDK's `ModelPackage.deploy()`, which approves the version that it deploys.
        deployers: Patterns of the ARNs of stages' deployers. They write to the registry, too, and approve
            nothing.
    """

    approvers: tuple[str, ...] = ()
    four_eyes: bool = False
    deployers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> ApprovalPolicy:
        """Read the settings' `ApprovalPolicy`."""
        return cls(
            tuple(document.get(SettingsKey.APPROVERS, ())),
            document.get(SettingsKey.FOUR_EYES, False),
            tuple(document.get(SettingsKey.DEPLOYERS, ())),
        )

    @property
    def asks_who_approved(self) -> bool:
        """Whether it counts who approved."""
        return bool(self.approvers) or self.four_eyes

    def objection(self, *, approved_by: Identity | None, registered_by: Identity) -> str | None:
        """Return why an approval does not count, or None if it does.

        Args:
            approved_by: Who gave it; None if that can no longer be read.
            registered_by: Who registered the version.
        """
        if not self.asks_who_approved:
            return None
        if approved_by is None:
            return (
                "Somebody changed the version after it was approved, before the approver could be read. "
                "Approve it again."
            )
        if _is_one_of(approved_by, self.deployers):
            return (
                f"{approved_by.name}, a stage's deployer, changed the version last, and approves nothing. "
                "Who approved it can no longer be read: approve it again."
            )
        if self.approvers and not _is_one_of(approved_by, self.approvers):
            return f"{approved_by.name} is none of this endpoint's approvers ({', '.join(self.approvers)})."
        if self.four_eyes and approved_by.may_be(registered_by):
            return f"{approved_by.name} also registered the version, and this endpoint asks for four eyes."
        return None


def _is_one_of(identity: Identity, patterns: Iterable[str]) -> bool:
    return any(_matches(arn, pattern) for arn in identity.arns for pattern in patterns)


def _matches(arn: str, pattern: str) -> bool:
    # Not fnmatch: it gives brackets a meaning, which IAM's patterns do not.
    regex = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(regex, arn, re.DOTALL) is not None
