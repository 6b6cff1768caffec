"""Decides, once for each group, which of the versions that were approved before counts for the endpoint.

Nobody saw when they were approved: the registry only tells when each was changed last. So these times order
nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.decisions.first_look import order
from deployer.endpoint_pass.round import Next
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.model.approval import Approval, ApprovalSource, HeardApproval, Weight
from deployer.model.first_look import FirstLook
from deployer.model.model_version import Hidden
from deployer.model.names import same_arn, version_number

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.approvers import Approvers
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.gateways import Gateways
    from deployer.model.settings import EndpointSettings
    from deployer.phases.adoption import Adoption


CLOCKS: Final = timedelta(seconds=10)
"""How much the deployer's clock may differ from the registry's."""


class FirstLookPhase:
    """Looks at an endpoint that the journal does not know, or that follows another group than before.

    It is new, was handed over, or its journal was lost.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        ledger: Ledger,
        versions: Versions,
        approvers: Approvers,
        notices: Notices,
        adoption: Adoption,
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._ledger = ledger
        self._versions = versions
        self._approvers = approvers
        self._notices = notices
        self._adoption = adoption
        self._logger = logger
        self._now = gateways.now

    def run(self, round_: Round) -> Next:
        """Journal the approval that counts, and note which versions were approved before."""
        group, known = self._settings.model_package_group, self._ledger.history.last_observed.first_look
        if known is not None and known.group == group:
            return Next.GO_ON
        try:
            approved = self._versions.list_approved()
        except RefusedError:
            # The next phase says so, where it is news.
            return Next.GO_ON
        if not approved and round_.summary is None:
            # A registry that does not let this account in yet shows no version either: look again.
            return Next.GO_ON
        news = round_.change.version_arn if round_.change is not None else ""
        serving = self._serving(approved)
        # The next phase journals the version that the event reports. If that version serves, this look
        # journals it: otherwise another version would count in its place.
        before = [
            each
            for each in dict.fromkeys([*approved, *filter(None, [serving])])
            if (each == serving or not same_arn(each, news))
            and not self._is_known(each, is_new=known is None)
        ]
        if not approved and not before:
            return Next.GO_ON
        chosen = self._take(order(before, serving))
        others = frozenset(version_number(each) for each in before if each not in chosen)
        look = FirstLook(group, self._now() - CLOCKS, others, served=self._counts(serving))
        self._ledger.note(first_look=look)
        self._report(before, [version_number(each) for each in chosen], serving)
        return Next.GO_ON

    def _is_known(self, version_arn: str, *, is_new: bool) -> bool:
        """Tell whether the journal has an approval of a version, and not by a look that is not noted yet.

        Another invocation makes that look now, or crashed. What it took must not make room for one more.
        """
        history = self._ledger.history
        found = [each for each in history.approvals if same_arn(each.version_arn, version_arn)]
        if is_new and found and all(each.source is ApprovalSource.ADOPTED for each in found):
            return False
        return history.has_approval_of(version_arn)

    def _take(self, candidates: list[str]) -> list[str]:
        """Journal the first approval that counts, and the first that only makes its version a shadow."""
        taken: list[str] = []
        ignored: Approval | None = None
        for version_arn in candidates:
            approval = self._approval(version_arn)
            if approval is None or (taken and approval.weight is Weight.SHADOWS):
                continue
            if isinstance(approval, Approval) and approval.weight is Weight.IGNORED:
                ignored = ignored or approval
                continue
            self._ledger.record_approval(approval)
            taken.append(version_arn)
            if approval.weight is not Weight.SHADOWS:
                return taken
        if ignored is not None and self._ledger.record_approval(ignored):
            self._notices.report_ignored(ignored)
        return taken

    def _approval(self, version_arn: str) -> Approval | HeardApproval | None:
        version = self._versions.known(version_arn)
        if isinstance(version, Hidden):
            self._notices.report_hidden(version_arn, version)
            return HeardApproval(
                endpoint_name=self._settings.endpoint_name,
                version_arn=version_arn,
                group_name=self._settings.group_name,
                approved_at=self._now().replace(microsecond=0),
                correlation_id=f"adopted-{self._settings.group_name}-{version_number(version_arn)}",
            )
        if version is None or not self._versions.facts.is_deployable(version):
            return None
        digest = self._versions.read_digest(version)
        return self._approvers.approval_of(version, None, digest if isinstance(digest, str) else None)

    def _serving(self, approved: list[str]) -> str | None:
        """Return the approved version that the endpoint serves, if its models tell.

        If they may not be read, the look waits: any other version would take that one from its callers.
        """
        endpoint = self._gateways.endpoints.describe(self._settings.endpoint_name)
        if endpoint is None or not endpoint.endpoint_config_name:
            return None
        config_name = endpoint.endpoint_config_name
        shown = self._gateways.models_and_configs.versions_on(config_name, may_skip=False)
        found = self._versions.still_there(shown)
        if not found:
            adopted = self._adoption.recognise(config_name)
            found = [adopted] if adopted is not None else []
        listed = {each.lower(): each for each in approved}
        # A list may lag, or lack a page. It takes no version from its callers.
        serving = [
            listed.get(each.lower(), each) for each in found if each.lower() in listed or self._stands(each)
        ]
        return max(serving, key=version_number, default=None)

    def _stands(self, version_arn: str) -> bool:
        return self._versions.facts.is_deployable(self._versions.known(version_arn))

    def _counts(self, version_arn: str | None) -> bool:
        return any(each.counts and each.version_arn == version_arn for each in self._ledger.history.approvals)

    def _report(self, before: list[str], taken: list[int], serving: str | None) -> None:
        name, group = self._settings.endpoint_name, self._settings.group_name
        self._logger.info("First look", approved=len(before), taken=taken)
        if len(before) <= max(len(taken), 1):
            # No other one is left out.
            return
        which = "none of them counts by the approval policy"
        if taken:
            why = "which it serves already" if serving is not None else "the highest that counts"
            which = f"version {taken[-1]} is taken as approved, {why}"
        self._notices.report(
            f"{name} is new to this deployer, and {group} has {len(before)} approved versions: {which}. "
            "Another one goes out once it is approved again."
        )
