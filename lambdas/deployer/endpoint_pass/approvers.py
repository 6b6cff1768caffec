"""Finds out who approved a version, and asks other endpoints if a deployer changed the version last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.approver import given, given_before
from deployer.model.approval import Approval, ApprovalSource
from deployer.model.identity import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deployer.gateways.standing_approvals import StandingApprovals
    from deployer.model.approval import HeardApproval
    from deployer.model.model_version import ModelVersion
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity


class Approvers:
    """Who approved what, for one endpoint.

    Args:
        settings: The endpoint's.
        identity: The stack's.
        standing_approvals: Those of all endpoints.
        followers: Returns the endpoints that follow a group.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        identity: StackIdentity,
        standing_approvals: StandingApprovals,
        followers: Callable[[str], Sequence[str]],
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._standing_approvals = standing_approvals
        self._followers = followers

    def approval_of(self, version: ModelVersion, heard: HeardApproval | None, digest: str | None) -> Approval:
        """Return a version's approval, by the event or by the registry's list.

        Args:
            version: The version, as the registry shows it.
            heard: What its event says; None if it was found in a list.
            digest: Of its artifacts; None if S3 does not show them.
        """
        settings = self._settings
        adopted = f"adopted-{version.group_name}-{version.version}"
        # In stages the policy names the deployers, which are in several accounts.
        if settings.stage_name is None and self._identity.is_deployer(version.last_modified_by):
            by, at = given_before(version, heard, digest, self._known_elsewhere(version))
        else:
            by, at = given(version, heard)
        objection = settings.policy.objection(approved_by=by, registered_by=version.registered_by)
        shadow = settings.shadow
        return Approval(
            endpoint_name=settings.endpoint_name,
            version_arn=version.arn,
            version=version.version,
            group_name=version.group_name,
            approved_at=at,
            approved_by=by.name if by is not None else UNKNOWN,
            approved_with=by.iam_arn if by is not None and by.user_profile_arn else None,
            source=ApprovalSource.EVENT if heard else ApprovalSource.ADOPTED,
            correlation_id=heard.correlation_id if heard else adopted,
            artifact_digest=digest,
            objection=objection,
            shadows=objection is not None
            and shadow is not None
            and shadow.objection(approved_by=by, registered_by=version.registered_by) is None,
            # An event that names no such time is dated by another clock.
            registered_at=min(version.creation_time, at) if version.creation_time else None,
        )

    def _known_elsewhere(self, version: ModelVersion) -> list[Approval]:
        """Return what the other endpoints that follow a version's group have journalled."""
        name = self._settings.endpoint_name
        others = [each for each in self._followers(version.group_name) if each != name]
        known = self._standing_approvals.of(version.arn, others)
        return [each for each in known if version.is_of(each.approved_at)]
