"""Takes in approvals from events and from the registry's list, and their digests from S3."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from deployer.decisions.facts import Facts, reads_first
from deployer.endpoint_pass.round import Next
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.model.approval import Approval, ApprovalSource, HeardApproval
from deployer.model.excerpts import sentence
from deployer.model.identity import Identity
from deployer.model.model_version import Hidden, ModelVersion
from deployer.model.names import same_arn, version_number

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.model.settings import EndpointSettings
    from deployer.model.trigger import PackageChanged


_UNLISTED: Final = "The registry does not list the approved versions"


@reads_first
def _stands(facts: Facts, approval: Approval) -> bool:
    return facts.stands(approval)


class ApprovalsPhase:
    """Journals approvals, and withdraws those that no longer stand."""

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
        """Take in the event and the registry's list; stop if nothing was ever approved."""
        self._notices.report_ignored_late()
        if round_.change is not None:
            self._take(round_.change)
        if round_.discover:
            self.discover(round_)
        else:
            # Only a sweep can tell whether the registry lists versions again.
            reported = self._ledger.history.last_observed.reported
            round_.troubles += [each for each in reported if each.startswith(_UNLISTED)]
        history, last = self._ledger.history, self._ledger.history.last_observed
        if (
            not history.approvals
            and history.latest_attempt is None
            # With any of these, the endpoint serves a version that a lost journal had.
            and not (last.tags or last.scaling or last.alarms)
        ):
            self._logger.info("No version was ever approved for this endpoint: nothing to do")
            round_.rests = not history.heard
            return Next.STOP
        self._read_missing_digests()
        return Next.GO_ON

    def _take(self, change: PackageChanged) -> None:
        """Journal the approval or the reject that an event reports."""
        if change.approval_status != "Approved" or not self._settings.admits(change.life_cycle):
            for approval in self._ledger.history.approvals:
                if same_arn(approval.version_arn, change.version_arn) and approval.decides:
                    self._withdraw_unless_it_stands(approval)
        # Every update of a version repeats its status. So only a changed status or an unknown version counts.
        elif self._names_approval(change) or not self._ledger.history.has_approval_of(change.version_arn):
            self._record(change.version_arn, _heard(self._settings.endpoint_name, change))

    def _names_approval(self, change: PackageChanged) -> bool:
        """Tell whether an event reports a change of the status that this endpoint waits for.

        With a gate, people approve by setting the life cycle. A version that moves on to a later stage is not
        approved again for this one.
        """
        gate = self._settings.gate
        if gate is None:
            return change.names_approval
        return change.names_life_cycle and change.life_cycle == gate.asks_for

    def discover(self, round_: Round) -> None:
        """Journal approvals that were heard of, and the approved versions that the journal has never seen.

        The latter count as approved when they were modified last.
        """
        try:
            approved = self._versions.list_approved()
        except RefusedError as refusal:
            if self._settings.stage_name is None or self._ledger.history.approvals:
                # The other phases need no list.
                group = self._settings.model_package_group
                round_.troubles.append(
                    f"{_UNLISTED} of {group}: {sentence(str(refusal))} An approval "
                    "whose event is lost is not found. `python -m ops doctor` says what is missing. The next "
                    "sweep tries again."
                )
                return
            # A stage is deployed before the registry admits it.
            self._notices.report(
                f"The registry does not show this stage any approval for {self._settings.endpoint_name} "
                f"({refusal}). Deploy the registry's stack; `python -m ops doctor` says what else is missing."
            )
            return
        round_.approved_digest = self._versions.approved_digest
        facts = self._versions.facts
        for approval in self._ledger.history.approvals:
            if approval.decides and facts.follows(approval):
                # Withdraw an approval that does not stand now, so that the next one counts as new.
                self._withdraw_unless_it_stands(approval)
        for heard in self._ledger.history.heard:
            if facts.follows(heard):
                self._record(heard.version_arn, heard)
        before, history = self._approved_before(approved), self._ledger.history
        for version_arn in approved:
            if version_number(version_arn) not in before and not history.has_approval_of(version_arn):
                self._find(version_arn)

    def find_serving(self, version_arn: str) -> None:
        """Journal the approval of the version that serves, if it stands and the journal has none of it.

        A restored journal has lost it, or its event is still on its way. No older approval takes its place.
        """
        history, number = self._ledger.history, version_number(version_arn)
        look = history.last_observed.first_look
        if history.has_approval_of(version_arn) or (look is not None and number in look.versions):
            return
        if self._versions.facts.is_deployable(self._versions.known(version_arn)):
            self._find(version_arn, serves=True)

    def _find(self, version_arn: str, *, serves: bool = False) -> None:
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
        self._record(version_arn)

    def _approved_before(self, approved: list[str]) -> frozenset[int]:
        """Return the versions that were approved before the first look, and stand ever since.

        One that does not stand any more counts as new when it is approved again.
        """
        look = self._ledger.history.last_observed.first_look
        if look is None or look.group != self._settings.model_package_group:
            return frozenset()
        unlisted = look.versions - {version_number(each) for each in approved}
        # A list may lag, or lack a page.
        name = self._settings.version_name
        gone = {each for each in unlisted if not self._versions.may_still_serve(name(each))}
        if gone:
            look = replace(look, versions=look.versions - gone)
            self._ledger.note(first_look=look)
        return look.versions

    def _withdraw_unless_it_stands(self, approval: Approval) -> None:
        if not self._versions.decide(partial(_stands, approval=approval)):
            self._withdraw(approval)

    def _withdraw(self, approval: Approval | HeardApproval) -> None:
        self._ledger.withdraw(approval)
        self._logger.info("This approval no longer stands", model_package_arn=approval.version_arn)

    def _record(self, version_arn: str, heard: HeardApproval | None = None) -> None:
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
                self._withdraw(heard)
            elif heard is not None:
                # The event may be newer than what the registry shows. The next sweep looks again.
                self._ledger.record_approval(heard)
            return
        digest = self._versions.read_digest(version)
        approval = approval_of(self._settings, version, heard, digest if isinstance(digest, str) else None)
        approval = replace(approval, served_with=self._served_with(approval))
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
        if not approval.decides:
            self._notices.report_ignored(approval)

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

    def _read_missing_digests(self) -> None:
        """Journal the digests of approvals whose artifacts S3 did not show before."""
        facts = self._versions.facts
        for approval in self._ledger.history.approvals:
            if approval.decides and approval.artifact_digest is None and facts.follows(approval):
                version = self._versions.known(approval.version_arn)
                if not isinstance(version, ModelVersion):
                    continue
                digest = self._versions.known_digest(version) or self._versions.read_digest(version)
                if isinstance(digest, str):
                    self._ledger.change_approval(approval, artifact_digest=digest)


class UnknownConfigPhase:
    """Looks for approvals in an event's pass, too, if the journal does not know the config that serves.

    The journal was restored to an earlier time, so it may not know the version that serves: an older one
    would go out. Or somebody else updated the endpoint, and the list shows nothing new.
    """

    def __init__(self, approvals: ApprovalsPhase, ledger: Ledger, logger: Logger) -> None:
        self._approvals = approvals
        self._ledger = ledger
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Take in what the registry lists, unless the pass did."""
        endpoint, history = round_.endpoint, self._ledger.history
        serving = endpoint.endpoint_config_name if endpoint is not None else None
        if serving is not None and not round_.discover and history.latest_on(serving) is None:
            self._logger.info("The journal does not know the config that serves", endpoint_config=serving)
            self._approvals.discover(round_)
        return Next.GO_ON


def _heard(endpoint_name: str, change: PackageChanged) -> HeardApproval:
    # A gate may wait for the status or for the life cycle, so an event of either may bring the approval.
    names_it = change.names_approval or change.names_life_cycle
    return HeardApproval(
        endpoint_name=endpoint_name,
        version_arn=change.version_arn,
        group_name=change.group_name,
        # By the registry's clock, as a sweep dates approvals: the event's own time may be another clock's.
        approved_at=change.last_modified_time or change.time,
        correlation_id=change.event_id,
        changed_at=change.last_modified_time if names_it else None,
    )


def approval_of(
    settings: EndpointSettings, version: ModelVersion, heard: HeardApproval | None, digest: str | None
) -> Approval:
    """Return a version's approval, by the event or by the registry's list.

    Args:
        settings: The endpoint's.
        version: The version, as the registry shows it.
        heard: What its event says; None if it was found in a list.
        digest: Of its artifacts; None if S3 does not show them.
    """
    # If somebody changed the version after the approval, `LastModifiedBy` is not the approver. Both times are
    # SageMaker's, in whole seconds.
    made = heard.changed_at if heard is not None else None
    overwritten = made is not None and version.last_modified_time > made
    approved_by = None if overwritten else version.last_modified_by
    objection = settings.policy.objection(approved_by=approved_by, registered_by=version.registered_by)
    shadow = settings.shadow
    return Approval(
        endpoint_name=settings.endpoint_name,
        version_arn=version.arn,
        version=version.version,
        group_name=version.group_name,
        approved_at=heard.approved_at if heard else version.last_modified_time,
        approved_by=(approved_by or Identity()).name,
        source=ApprovalSource.EVENT if heard else ApprovalSource.ADOPTED,
        correlation_id=heard.correlation_id if heard else f"adopted-{version.group_name}-{version.version}",
        artifact_digest=digest,
        objection=objection,
        shadows=objection is not None
        and shadow is not None
        and shadow.objection(approved_by=approved_by, registered_by=version.registered_by) is None,
    )
