"""Journals approvals of versions, as the registry shows the versions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.model.history import covers
from deployer.model.model_version import Hidden, ModelVersion
from deployer.model.names import same_arn, version_number

if TYPE_CHECKING:
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.approvers import Approvers
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.versions import Versions
    from deployer.model.approval import Approval, HeardApproval
    from deployer.model.settings import EndpointSettings


class Approvals:
    """One endpoint's approvals: those that an event names, that a list shows, or of what serves."""

    def __init__(
        self,
        settings: EndpointSettings,
        ledger: Ledger,
        versions: Versions,
        approvers: Approvers,
        notices: Notices,
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._approvers = approvers
        self._ledger = ledger
        self._versions = versions
        self._notices = notices
        self._logger = logger

    def record(self, version_arn: str, heard: HeardApproval | None = None) -> None:
        """Journal the approval of a version, if the registry shows that it stands.

        Args:
            version_arn: The version.
            heard: What an event says of the approval; None if a list shows it. It is kept until the registry
                shows the version.
        """
        version, is_kept = self._versions.known(version_arn), heard in self._ledger.history.heard
        if isinstance(version, Hidden):
            if heard is not None and not is_kept:
                # Its event comes once. Without this, an approval of a version that was approved before would
                # be lost: the registry's list does not say when a version was approved.
                self._ledger.record_approval(heard)
            self._notices.report_hidden(version_arn, version)
            return
        if version is None or not self._versions.facts.is_deployable(version):
            self._logger.info(
                "This version is not approved, or not complete: nothing to journal",
                model_package_arn=version_arn,
            )
            if heard is not None and is_kept:
                self.withdraw(heard)
            elif heard is not None:
                # The event may be newer than what the registry shows. The next sweep looks again.
                self._ledger.record_approval(heard)
            return
        digest = self._versions.read_digest(version)
        approval = self._approvers.approval_of(version, heard, digest if isinstance(digest, str) else None)
        approval = replace(approval, served_with=self._served_with(approval))
        if not self._ledger.record_approval(approval):
            history = self._ledger.history
            if heard is not None and heard in history.heard and covers(history, approval):
                # Nothing else takes its place, and an endpoint that waits for news never rests.
                self.withdraw(heard)
            return
        self._logger.info(
            "Approval journalled",
            model_package_arn=approval.version_arn,
            approved_at=approval.approved_at.isoformat(),
            approved_by=approval.approved_by,
            approval_source=approval.source.value,
            objection=approval.objection,
        )
        if not approval.decides:
            self._notices.report_ignored(approval)

    def withdraw(self, approval: Approval | HeardApproval) -> None:
        """Journal that an approval does not stand any more."""
        self._ledger.withdraw(approval)
        self._logger.info("This approval no longer stands", model_package_arn=approval.version_arn)

    def find(self, version_arn: str, *, serves: bool = False) -> None:
        """Journal the approval of a version that the journal has never seen.

        If the first look's list lacked it, it counts as that look would have counted it: beside a version
        that served, none; otherwise only one that is higher than all others. The rest does not count until it
        is approved again.
        """
        version, look = self._versions.known(version_arn), self._ledger.history.last_observed.first_look
        newest = max((each.version for each in self._ledger.history.approvals if each.decides), default=0)
        if (
            look is not None
            and look.group == self._settings.model_package_group
            and isinstance(version, ModelVersion)
            and version.last_modified_time <= look.at
            and (version.version < newest or (look.served and not serves))
        ):
            self._ledger.note(first_look=replace(look, versions=look.versions | {version.version}))
            return
        self.record(version_arn)

    def find_unknown(self, version: ModelVersion) -> None:
        """Journal an approval that nobody knows yet, before a write to the version hides who gave it.

        Its event was lost, or is still on its way.
        """
        look = self._ledger.history.last_observed.first_look
        is_left_out = look is not None and version.version in look.versions
        is_known = self._ledger.history.has_approval_of(version.arn, registered_at=version.creation_time)
        if not (is_known or is_left_out) and self._versions.facts.is_deployable(version):
            self.find(version.arn)

    def find_serving(self, version_arn: str, approved_at: datetime) -> None:
        """Journal the approval of the version that serves, if it stands and the journal has none of it.

        A restored journal has lost it, or its event is still on its way. No older approval takes its place.

        Args:
            version_arn: The version.
            approved_at: When it was approved that serves. A later version may have its ARN.
        """
        history, number = self._ledger.history, version_number(version_arn)
        look = history.last_observed.first_look
        if history.has_approval_of(version_arn) or (look is not None and number in look.versions):
            return
        version = self._versions.known(version_arn)
        is_another = isinstance(version, ModelVersion) and not version.is_of(approved_at)
        if self._versions.facts.is_deployable(version) and not is_another:
            self.find(version_arn, serves=True)

    def _served_with(self, approval: Approval) -> str | None:
        """Return the config with which the version served well, by the approval that this one renews."""
        renewed = (
            each.served_with
            for each in self._ledger.history.approvals
            if same_arn(each.version_arn, approval.version_arn)
            and each.weight is approval.weight
            and each.artifact_digest == approval.artifact_digest
        )
        return next(renewed, None)
