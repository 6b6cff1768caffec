"""Takes in approvals from events and from the registry's list, and their digests from S3."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from deployer.decisions.facts import Facts, reads_first
from deployer.endpoint_pass.round import Next
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.model.approval import HeardApproval
from deployer.model.excerpts import sentence
from deployer.model.model_version import ModelVersion
from deployer.model.names import same_arn, version_number
from deployer.phases.first_look import CLOCKS

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.approvals import Approvals
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.model.approval import Approval
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
        approvals: Approvals,
        versions: Versions,
        notices: Notices,
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._approvals = approvals
        self._ledger = ledger
        self._versions = versions
        self._notices = notices
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Take in the event and the registry's list."""
        self._notices.report_ignored_late()
        if round_.change is not None:
            self._take(round_.change)
        if round_.discover:
            self.discover(round_)
        else:
            # Only a sweep can tell whether the registry lists versions again.
            reported = self._ledger.history.last_observed.reported
            round_.troubles += [each for each in reported if each.startswith(_UNLISTED)]
        self._read_missing_digests()
        return Next.GO_ON

    def _take(self, change: PackageChanged) -> None:
        """Journal the approval or the reject that an event reports."""
        if change.approval_status != "Approved" or not self._settings.admits(change.life_cycle):
            for approval in self._ledger.history.approvals:
                if same_arn(approval.version_arn, change.version_arn) and approval.decides:
                    self._withdraw_unless_it_stands(approval)
        # Every update of a version repeats its status. So only a changed status or an unknown version counts.
        elif self._names_approval(change) or not self._ledger.history.has_approval_of(
            change.version_arn, registered_at=change.registered_at
        ):
            self._approvals.record(change.version_arn, _heard(self._settings.endpoint_name, change))

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
                    "whose event is lost is not found. `greenlight doctor` says what is missing. The next "
                    "sweep tries again."
                )
                return
            # A stage is deployed before the registry admits it.
            self._notices.report(
                f"The registry does not show this stage any approval for {self._settings.endpoint_name} "
                f"({refusal}). Deploy the registry's stack; `greenlight doctor` says what else is missing."
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
                self._approvals.record(heard.version_arn, heard)
        before, history = self._approved_before(approved), self._ledger.history
        listed = self._versions.facts.listed or {}
        for version_arn in approved:
            at = listed.get(version_arn.lower())
            if version_number(version_arn) not in before and not history.has_approval_of(
                version_arn, registered_at=at
            ):
                self._approvals.find(version_arn)

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
        # Their group was made again since, and they are other versions than those of the look.
        listed = self._versions.facts.listed or {}
        gone |= {version_number(each) for each, at in listed.items() if at > look.at + 2 * CLOCKS}
        gone &= look.versions
        if gone:
            look = replace(look, versions=look.versions - gone)
            self._ledger.note(first_look=look)
        return look.versions

    def _withdraw_unless_it_stands(self, approval: Approval) -> None:
        if not self._versions.decide(partial(_stands, approval=approval)):
            self._approvals.withdraw(approval)

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


class NothingApprovedPhase:
    """Stops the pass if no version was ever approved for the endpoint."""

    def __init__(self, ledger: Ledger, logger: Logger) -> None:
        self._ledger = ledger
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Stop if there is nothing to do, now that events, the registry and operators were heard."""
        history, last = self._ledger.history, self._ledger.history.last_observed
        if (
            history.approvals
            or history.latest_attempt is not None
            # With any of these, the endpoint serves a version that a lost journal had.
            or last.tags
            or last.scaling
            or last.alarms
        ):
            return Next.GO_ON
        self._logger.info("No version was ever approved for this endpoint: nothing to do")
        round_.rests = not history.heard
        return Next.STOP


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
