"""Takes in approvals: from an event, from the registry's list, and what S3 shows of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from deployer.decisions.facts import Facts, reads_first
from deployer.endpoint_pass.round import Next
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.model.approval import Approval, ApprovalSource
from deployer.model.identity import Identity
from deployer.model.model_version import Hidden, ModelVersion
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.model.settings import EndpointSettings
    from deployer.model.trigger import PackageChanged


@reads_first
def _stands(facts: Facts, approval: Approval) -> bool:
    return facts.stands(approval)


class ApprovalsPhase:
    """Journals approvals, and withdraws those that do not stand any more."""

    def __init__(
        self,
        settings: EndpointSettings,
        ledger: Ledger,
        versions: Versions,
        notices: Notices,
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._versions = versions
        self._notices = notices
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Take in what the event and the registry say; stop if nothing was ever approved."""
        self._notices.report_ignored_late()
        if round_.change is not None:
            self._take(round_.change)
        if round_.discover:
            self._discover()
        history = self._ledger.history
        if not history.approvals and history.latest_attempt is None:
            self._logger.info("No version was ever approved for this endpoint: nothing to do")
            return Next.STOP
        self._read_missing_digests()
        return Next.GO_ON

    def _take(self, change: PackageChanged) -> None:
        """Journal what an event reports: an approval, or that one was taken back."""
        if change.approval_status != "Approved" or not self._settings.admits(change.life_cycle):
            for approval in self._ledger.history.approvals:
                if same_arn(approval.version_arn, change.version_arn) and approval.decides:
                    self._withdraw_unless_it_stands(approval)
        # Every update of a version repeats its status: only a change of it, or an unknown version, counts.
        elif self._names_approval(change) or not self._ledger.knows(change.version_arn):
            self._record(change.version_arn, change)

    def _names_approval(self, change: PackageChanged) -> bool:
        """Tell whether an event says that what this endpoint waits for is what changed.

        Where a gate asks for a stage of the life cycle, that is what people set; a version that goes on to a
        later stage is not approved once more for this one.
        """
        gate = self._settings.gate
        if gate is None:
            return change.names_approval
        return change.names_life_cycle and change.life_cycle == gate.asks_for

    def _discover(self) -> None:
        """Journal the approved versions that the journal has never seen, under their last modification."""
        try:
            approved = self._versions.list_approved()
        except RefusedError as refusal:
            if self._settings.stage_name is None or self._ledger.history.approvals:
                raise
            # A stage is deployed before the registry lets it in.
            self._notices.report(
                f"The registry does not show this stage any approval for {self._settings.endpoint_name} "
                f"({refusal}). Deploy the registry's stack; `python -m ops doctor` says what else is missing."
            )
            return
        facts = self._versions.facts
        for approval in self._ledger.history.approvals:
            if approval.decides and facts.follows(approval):
                # An approval that does not stand now is withdrawn, so that the next one is seen as new.
                self._withdraw_unless_it_stands(approval)
        for version_arn in approved:
            if not self._ledger.knows(version_arn):
                self._record(version_arn)

    def _withdraw_unless_it_stands(self, approval: Approval) -> None:
        if not self._versions.decide(partial(_stands, approval=approval)):
            withdraw(self._ledger, approval, self._logger)

    def _record(self, version_arn: str, change: PackageChanged | None = None) -> None:
        version = self._versions.known(version_arn)
        if isinstance(version, Hidden):
            self._notices.report_hidden(version_arn, version)
            return
        if version is None or not self._versions.facts.is_deployable(version):
            self._logger.info(
                "This version is not approved, or not complete: nothing to journal",
                model_package_arn=version_arn,
            )
            return
        digest = self._versions.read_digest(version)
        approval = _approval_of(self._settings, version, change, digest if isinstance(digest, str) else None)
        if not self._ledger.record_approval(approval):
            return
        self._logger.info(
            "Approval journalled",
            model_package_arn=approval.version_arn,
            approved_at=approval.approved_at.isoformat(),
            approved_by=approval.approved_by,
            approval_source=approval.source.value,
            objection=approval.objection,
        )
        if approval.is_ignored:
            self._notices.report_ignored(approval)

    def _read_missing_digests(self) -> None:
        """Journal what was approved, where S3 did not show it then."""
        facts = self._versions.facts
        for approval in self._ledger.history.approvals:
            if approval.decides and approval.artifact_digest is None and facts.follows(approval):
                version = self._versions.known(approval.version_arn)
                if not isinstance(version, ModelVersion):
                    continue
                digest = self._versions.known_digest(version) or self._versions.read_digest(version)
                if isinstance(digest, str):
                    self._ledger.record_artifact_digest(approval, digest)


def withdraw(ledger: Ledger, approval: Approval, logger: Logger) -> None:
    """Journal that an approval does not stand any more."""
    ledger.change_approval(approval, withdrawn=True)
    logger.info("This approval no longer stands", model_package_arn=approval.version_arn)


def _approval_of(
    settings: EndpointSettings, version: ModelVersion, change: PackageChanged | None, digest: str | None
) -> Approval:
    """Return the approval of a version, as the event or the registry's list tells it."""
    # An event that names either may be what admits the version, whichever of them the gate waits for.
    overwritten = (
        change is not None
        and (change.names_approval or change.names_life_cycle)
        and _changed_since(version, change)
    )
    approved_by = None if overwritten else version.last_modified_by
    objection = settings.policy.objection(approved_by=approved_by, registered_by=version.registered_by)
    shadow = settings.shadow
    return Approval(
        endpoint_name=settings.endpoint_name,
        version_arn=version.arn,
        version=version.version,
        group_name=version.group_name,
        approved_at=change.time if change else version.last_modified_time,
        approved_by=(approved_by or Identity()).name,
        source=ApprovalSource.EVENT if change else ApprovalSource.ADOPTED,
        correlation_id=change.event_id if change else f"adopted-{version.group_name}-{version.version}",
        artifact_digest=digest,
        objection=objection,
        shadows=objection is not None
        and shadow is not None
        and shadow.objection(approved_by=approved_by, registered_by=version.registered_by) is None,
    )


def _changed_since(version: ModelVersion, change: PackageChanged) -> bool:
    """Tell whether a version was changed again after the approval that an event reports.

    Then `LastModifiedBy` is not the approver. Both times are SageMaker's; they have whole seconds.
    """
    made = change.last_modified_time
    return made is not None and version.last_modified_time > made
