"""Brings one endpoint to what it should be: observe, settle, choose, plan, and have it carried out.

Everything is read again on each pass, so a pass that runs twice, late or beside another one ends the same.
Decisions are made by pure functions (`approval.choose`, `attempt.judge`, `planner.plan`,
`retention.disposable`); this module only connects them to the gateways, in an order that survives a crash
between any two calls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from deployer.decisions import version_metadata
from deployer.decisions.choice import (
    Approval,
    ApprovalSource,
    Choice,
    Decision,
    Misfit,
    Serving,
    choose,
    superseded,
    with_shadow,
)
from deployer.decisions.guardrails import heed_alarms, heed_change, rollback_alarms, with_alarms_unread
from deployer.decisions.instance_types import misfit
from deployer.decisions.plan import (
    Blocked,
    CannotChange,
    Deploy,
    InSync,
    NothingStands,
    Plan,
    UpdateEndpoint,
    WaitForAlarms,
    WaitToRetry,
    plan,
)
from deployer.decisions.retention import disposable
from deployer.endpoint_pass.artifacts import Artefacts
from deployer.endpoint_pass.attempts import REPORT_GRACE, Attempts, OvertakenError
from deployer.endpoint_pass.executor import Executor, Progress
from deployer.endpoint_pass.notices import Unreadable
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.gateways.s3 import UnlistedError
from deployer.gateways.sagemaker import RefusedError, UnreadableError, registry_refusals, unreadable_told
from deployer.model import outcomes, statuses
from deployer.model.attempt import NOTHING, Action, went_live
from deployer.model.identity import Identity
from deployer.model.names import same_arn
from deployer.model.release import Release, Version
from deployer.phases.promotion import Stage
from deployer.phases.smoke_testing import Probation
from deployer.phases.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.throttling import Patience
    from deployer.gateways.alarms import Alarms
    from deployer.gateways.invocations import Invocations
    from deployer.gateways.journal import History, Journal
    from deployer.gateways.reporter import Reporter
    from deployer.gateways.s3 import S3
    from deployer.gateways.sagemaker import ModelVersion, SageMaker
    from deployer.gateways.scalable_targets import ScalableTargets
    from deployer.model.attempt import Attempt, Deletion
    from deployer.model.endpoint import Endpoint, Sighting
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import Ownership
    from deployer.triggers import PackageChanged

MOST_ROUNDS: Final = 10
"""How often one invocation goes on with an endpoint whose attempt ended at once. Every round ends one for
good, so this is only a guard; the sweep goes on where it stops."""


@dataclass(frozen=True, slots=True)
class Gateways:
    """The services a pass calls, and the clock.

    Attributes:
        pause: Pauses for a random part of so many seconds.
    """

    sagemaker: SageMaker
    alarms: Alarms
    scalable_targets: ScalableTargets
    invocations: Invocations
    s3: S3
    journal: Journal
    reporter: Reporter
    now: Callable[[], datetime]
    pause: Callable[[float], None]


class Reconciler:
    """Reconciles one endpoint, once. Make a new one for each pass: it remembers what it read."""

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        ownership: Ownership,
        logger: Logger,
        *,
        invocation_id: str,
        patience: Patience,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._sagemaker = gateways.sagemaker
        self._alarms = gateways.alarms
        self._journal = gateways.journal
        self._reporter = gateways.reporter
        self._now = gateways.now
        self._ownership = ownership
        self._logger = logger
        self._name = settings.endpoint_name
        self._versions: dict[str, ModelVersion | None] = {}
        # Outside of stages, no bucket is known to be one that the deployer may look into.
        self._artefacts = Artefacts(
            settings.inference_specification_name, gateways.s3 if settings.stage_name is not None else None
        )
        self._approved: frozenset[str] | None = None
        self._unreadable = Unreadable(
            self._name, gateways.journal, gateways.reporter, logger, now=gateways.now
        )
        self._attempts = Attempts(
            gateways.journal.read(self._name),
            gateways.journal,
            gateways.reporter,
            logger,
            now=gateways.now,
            invocation_id=invocation_id,
        )
        self._upkeep = Upkeep(settings, gateways, self._attempts, logger, stack_name=ownership.stack_name)
        self._stage = Stage(
            settings, gateways, self._attempts, self._upkeep, self._read_deployable, self._look, logger
        )
        self._probation = Probation(
            settings,
            gateways,
            self._attempts,
            patience,
            self._read_version,
            self._may_still_stand,
            self._is_overtaken,
            logger,
        )
        self._executor = Executor(
            gateways.sagemaker,
            self._attempts,
            self._stands_now,
            self._is_news,
            self._upkeep,
            patience,
            logger,
            stack_name=ownership.stack_name,
        )

    def reconcile(
        self,
        *,
        hint: PackageChanged | None = None,
        adopt: bool = False,
        sighting: Sighting | None = None,
    ) -> None:
        """Make one pass.

        Args:
            hint: The registry's event that led here, if one did.
            adopt: Whether to look for approved versions that the journal has never seen.
            sighting: The endpoint as a list showed it just now, if one did.
        """
        try:
            again = self._pass(hint, sighting, adopt=adopt)
            rounds = 1
            while again and rounds < MOST_ROUNDS:
                # Whoever came meanwhile found the endpoint claimed, and left it to this invocation.
                self._forget()
                again = self._pass(None, None, adopt=False)
                rounds += 1
        except OvertakenError:
            self._logger.info("Another invocation is at work on this endpoint: leaving it to that one")

    @property
    def was_cut_short(self) -> bool:
        """Whether the last invocation to look at the endpoint died while it tried a version."""
        return self._attempts.was_cut_short

    def _forget(self) -> None:
        """Forget what was read, so that the next round reads it again."""
        self._attempts.history = self._journal.read(self._name)
        self._versions.clear()
        self._artefacts.forget()
        self._approved = None

    @property
    def _history(self) -> History:
        return self._attempts.history

    def _pass(self, hint: PackageChanged | None, sighting: Sighting | None, *, adopt: bool) -> bool:
        """Make one round; return whether another one is due at once."""
        self._tell_ignored_late()
        if hint is not None:
            self._take_hint(hint)
        if adopt:
            self._adopt()
        if not self._history.approvals and self._history.latest_attempt is None:
            self._logger.info("No version was ever approved for this endpoint: nothing to do")
            return False
        if sighting is not None and self._rests_in_sync(sighting):
            self._logger.info("In sync, and unchanged since it was last looked at")
            return False
        endpoint = self._sagemaker.describe_endpoint(self._name)
        self._attempts.follow(
            endpoint, is_tested=self._probation.applies_to, clear_abort=self._upkeep.clear_abort
        )
        self._attempts.report_late(endpoint)
        unsettled = self._attempts.unsettled
        if unsettled is not None and self._attempts.holds(unsettled):
            assert endpoint is not None, "an attempt is only claimed for the smoke test of what serves"
            self._probation.settle(unsettled, endpoint)
            return True
        if unsettled is not None and not self._attempts.may_take_over(unsettled):
            self._abort_if_taken_back(unsettled, endpoint)
            self._logger.info("An attempt is under way: waiting", attempt=unsettled.number)
            return False
        if endpoint is not None and endpoint.modifying:
            self._logger.info("The endpoint is being modified: waiting", status=endpoint.status)
            return False
        serves = endpoint is not None and endpoint.status not in statuses.FAILED
        decision = self._choose(
            endpoint.endpoint_config_name if serves and endpoint else None,
            in_service=endpoint is not None and endpoint.status == "InService",
        )
        self._tell_misfits(decision)
        planned = plan(decision, endpoint)
        if endpoint is not None and not self._is_ours(endpoint, planned):
            self._attempts.withdraw_left_behind()
            return False
        planned = self._heed_change(planned, decision, endpoint)
        planned = self._heed_alarms(planned, endpoint)
        return self._carry_out(planned, decision, endpoint)

    def _is_ours(self, endpoint: Endpoint, planned: Plan) -> bool:
        """Tell whether an endpoint may be touched; if not, tell people whose it seems to be.

        Asked only before something is done to it: an endpoint in sync costs no call.
        """
        if not isinstance(planned, Deploy) and self._upkeep.up_to_date:
            return True
        tags = self._sagemaker.tags(endpoint.arn)
        if self._ownership.has(tags):
            return True
        self._tell(self._ownership.word_endpoint(endpoint, tags))
        return False

    # What is known -----------------------------------------------------------------------------------

    def _take_hint(self, hint: PackageChanged) -> None:
        """Journal what an event reports: an approval, or that one was taken back."""
        if hint.approval_status != "Approved" or not self._settings.admits(hint.life_cycle):
            for approval in self._history.approvals:
                if same_arn(approval.version_arn, hint.version_arn) and approval.decides:
                    self._stands(approval)
        # Every update of a version repeats its status: only a change of it, or an unknown version, counts.
        elif self._names_approval(hint) or not self._knows(hint.version_arn):
            self._record(hint.version_arn, hint=hint)

    def _names_approval(self, hint: PackageChanged) -> bool:
        """Tell whether an event says that what this endpoint waits for is what changed.

        Where a gate asks for a stage of the life cycle, that is what people set; a version that goes on to a
        later stage is not approved once more for this one.
        """
        gate = self._settings.gate
        if gate is None:
            return hint.names_approval
        return hint.names_life_cycle and hint.life_cycle == gate.asks_for

    def _adopt(self) -> None:
        """Journal the approved versions that the journal has never seen, under their last modification."""
        try:
            with registry_refusals():
                listed = self._sagemaker.approved_versions(self._settings.model_package_group)
        except RefusedError as refusal:
            if self._settings.stage_name is None or self._history.approvals:
                raise
            # A stage is deployed before the registry lets it in.
            self._tell(
                f"The registry does not show this stage any approval for {self._name} ({refusal}). "
                "Deploy the registry's stack; `python -m ops doctor` says what else is missing."
            )
            return
        approved = [arn for arn, life_cycle in listed if self._settings.admits(life_cycle)]
        self._approved = frozenset(arn.lower() for arn in approved)
        for approval in self._history.approvals:
            if approval.decides and self._follows(approval):
                # What is not approved now is withdrawn, so that its next approval is seen as a new one.
                self._stands(approval)
        for arn in approved:
            if not self._knows(arn):
                self._record(arn)

    def _knows(self, version_arn: str) -> bool:
        """Tell whether the version's approval that stands now is in the journal already."""
        if self._history.knows(version_arn):
            return True
        if any(same_arn(each.version_arn, version_arn) for each in self._history.approvals):
            return False
        return self._history.full and self._journal.knows(self._name, version_arn)

    def _record(self, version_arn: str, *, hint: PackageChanged | None = None) -> None:
        try:
            version = self._read_version(version_arn)
        except UnreadableError as refusal:
            self._unreadable.tell(version_arn, refusal)
            return
        if version is None or not self._is_deployable(version):
            self._logger.info(
                "This version is not approved, or not complete: nothing to journal",
                model_package_arn=version_arn,
            )
            return
        # An event that names either may be what admits the version, whichever of them the gate waits for.
        overwritten = (
            hint is not None
            and (hint.names_approval or hint.names_life_cycle)
            and _changed_since(version, hint)
        )
        approved_by = None if overwritten else version.last_modified_by
        objection = self._settings.policy.objection(
            approved_by=approved_by, registered_by=version.registered_by
        )
        shadow = self._settings.shadow
        approval = Approval(
            endpoint_name=self._name,
            version_arn=version.arn,
            version=version.version,
            group_name=version.group_name,
            approved_at=hint.time if hint else version.last_modified_time,
            approved_by=(approved_by or Identity()).name,
            source=ApprovalSource.EVENT if hint else ApprovalSource.ADOPTED,
            correlation_id=hint.event_id if hint else f"adopted-{version.group_name}-{version.version}",
            artefact_digest=self._look(version),
            objection=objection,
            shadows=objection is not None
            and shadow is not None
            and shadow.objection(approved_by=approved_by, registered_by=version.registered_by) is None,
        )
        if not self._journal.record_approval(approval):
            # It is there, as it was read when its event came first: who gave it, and for what, may have been
            # overwritten in the registry since.
            if all(each.key != approval.key for each in self._history.approvals):
                self._attempts.history = self._journal.read(self._name)
            return
        self._attempts.history = self._history.with_approval(approval)
        self._logger.info(
            "Approval journalled",
            model_package_arn=approval.version_arn,
            approved_at=approval.approved_at.isoformat(),
            approved_by=approval.approved_by,
            approval_source=approval.source.value,
            objection=approval.objection,
        )
        if approval.is_ignored:
            self._tell_ignored(approval)

    def _read_version(self, version_arn: str, *, again: bool = False) -> ModelVersion | None:
        key = version_arn.lower()
        if again or key not in self._versions:
            with unreadable_told():
                self._versions[key] = self._sagemaker.describe_model_version(version_arn)
        return self._versions[key]

    def _read_deployable(self, version_arn: str) -> ModelVersion | None:
        """Ask the registry, again, for a version that may be deployed here."""
        try:
            version = self._read_version(version_arn, again=True)
        except UnreadableError as refusal:
            self._unreadable.tell(version_arn, refusal)
            return None
        return version if self._is_deployable(version) else None

    def _may_still_stand(self, version_arn: str) -> bool:
        """Tell whether a version may be deployed here, or may not be read: that takes no approval back."""
        try:
            return self._is_deployable(self._read_version(version_arn, again=True))
        except UnreadableError:
            return True

    def _stands(self, approval: Approval) -> bool:
        """Tell whether an approval stands, as far as was read on this pass; journal it if it does not."""
        if self._approved is not None:
            stands = approval.version_arn.lower() in self._approved
        else:
            try:
                stands = self._is_deployable(self._read_version(approval.version_arn))
            except UnreadableError:
                # It has no turn until it can be read (see `_misfit`), and is not withdrawn for that.
                return True
        if not stands:
            self._journal.record_withdrawn(approval)
            self._attempts.history = self._history.with_approval(replace(approval, withdrawn=True))
            self._logger.info("This approval no longer stands", model_package_arn=approval.version_arn)
        return stands

    def _stands_now(self, release: Release) -> bool:
        """Ask the registry whether every version of a release is approved, and still what was chosen.

        What S3 holds is looked at first: the registry's word is the last before the write.
        """
        chosen = [self._versions.get(arn.lower()) for arn in release.version_arns]
        return all(version is None or self._is_as_seen(version) for version in chosen) and all(
            self._is_as_chosen(arn) for arn in release.version_arns
        )

    def _is_as_seen(self, version: ModelVersion) -> bool:
        seen = self._artefacts.seen(version.arn)
        return seen is None or seen == self._look(version)

    def _is_as_chosen(self, version_arn: str) -> bool:
        chosen = self._versions.get(version_arn.lower())
        version = self._read_deployable(version_arn)
        return (
            version is not None
            and self._obstacle(version) is None
            and (chosen is None or chosen.containers == version.containers)
        )

    def _is_news(self) -> bool:
        """Tell whether an approval was journalled that this round does not know."""
        known = {each.key for each in self._history.approvals}
        fresh = self._journal.read(self._name).approvals
        return any(each.decides and self._follows(each) and each.key not in known for each in fresh)

    def _is_deployable(self, version: ModelVersion | None) -> bool:
        return (
            version is not None
            and version.deployable
            and self._settings.admits(version.life_cycle)
            and self._settings.follows(
                version.arn, version.group_name, own_account=self._ownership.account_id
            )
        )

    def _rests_in_sync(self, sighting: Sighting) -> bool:
        """Tell whether an endpoint that has not changed since it was seen in sync still is."""
        rest = self._history.rest
        if (
            sighting.status != "InService"
            or sighting.last_modified_time != rest.last_modified_time
            or self._attempts.unsettled is not None
            or self._attempts.owes_report
            or not self._upkeep.up_to_date
            or self._stage.is_due(rest.endpoint_config_name)
        ):
            return False
        decision = self._choose(rest.endpoint_config_name)
        choice = decision.choice
        return (
            choice is not None
            and not any(_untold(each) for each in decision.misfits)
            and not choice.keeps_serving
            and choice.release.endpoint_config_name == rest.endpoint_config_name
            and not self._disposable(decision, rest.endpoint_config_name)
        )

    def _is_overtaken(self, attempt: Attempt) -> bool:
        """Tell whether a version that was approved after an attempt's may be deployed."""
        return any(
            each.counts
            and self._follows(each)
            and each.order > (attempt.approved_at, attempt.version)
            and not same_arn(each.version_arn, attempt.version_arn)
            and self._read_deployable(each.version_arn) is not None
            for each in self._history.approvals
        )

    def _abort_if_taken_back(self, attempt: Attempt, endpoint: Endpoint | None) -> None:
        """Make SageMaker roll back an update whose approval was taken back, instead of finishing it."""
        if (
            self._settings.abort_alarm_name is None
            or endpoint is None
            or endpoint.status != "Updating"
            or not attempt.is_under_way_on(endpoint)
        ):
            return
        taken_back = [each for each in attempt.version_arns if self._is_withdrawn(each)]
        if all(self._may_still_stand(each) for each in taken_back):
            return
        # Noted first: whoever settles the attempt must know that this is no failure of the version's.
        self._attempts.note_abort(attempt)
        obstacle = self._upkeep.abort(
            f"Greenlight: version {attempt.version} of {attempt.group_name} is no longer approved."
        )
        if obstacle is not None:
            self._tell(
                f"Version {attempt.version} of {attempt.group_name} is no longer approved, and its rollout "
                f"on {self._name} cannot be stopped. When it is over, the version before it is put back. "
                f"{obstacle}"
            )
            return
        self._logger.warning(
            "Its approval was taken back: SageMaker is made to roll back",
            attempt=attempt.number,
        )

    def _is_withdrawn(self, version_arn: str) -> bool:
        """Tell whether the journal knows that a version's approvals were all taken back."""
        given = [each for each in self._history.approvals if same_arn(each.version_arn, version_arn)]
        return bool(given) and all(each.withdrawn for each in given)

    # What is wanted ----------------------------------------------------------------------------------

    def _choose(
        self,
        serving_config_name: str | None,
        *,
        in_service: bool = True,
        besides: Approval | None = None,
        at: datetime | None = None,
    ) -> Decision:
        """Choose among the approvals of the endpoint's group, all or all but those of one version."""
        for each in self._history.approvals:
            if each.decides and each.artefact_digest is None and self._follows(each):
                self._see_what_was_approved(each)
        approvals = [
            each
            for each in self._history.approvals
            if self._follows(each)
            and (besides is None or not same_arn(each.version_arn, besides.version_arn))
        ]
        now = at or self._now()
        decision = choose(
            approvals,
            self._history.attempts,
            now=now,
            serving=self._serving(serving_config_name, in_service=in_service),
            still_stands=self._stands,
            release_for=self._release,
            misfit_of=self._misfit,
            older=self._older,
        )
        if self._settings.shadow is None:
            return decision
        return with_shadow(
            decision,
            approvals,
            self._history.attempts,
            now=now,
            still_stands=self._stands,
            release_for=self._release,
            misfit_of=partial(self._misfit, as_shadow=True),
            older=self._older,
        )

    def _older(self, approval: Approval, release: Release) -> tuple[Attempt, ...]:
        """Return what has left the window of the attempts at a release: its failure may have."""
        if self._history.reaches(approval.approved_at):
            return ()
        self._attempts.recall(release.endpoint_config_name)
        return self._history.recalled

    def _serving(self, endpoint_config_name: str | None, *, in_service: bool) -> Serving | None:
        attempt = self._attempts.latest_on(endpoint_config_name)
        if attempt is None:
            return None
        live = attempt.endpoint_config_name if in_service else None
        if attempt.failed_test is None:
            return Serving(attempt.version_arn, live)
        self._attempts.recall(attempt.replaces_endpoint_config_name)
        former = self._history.former_attempt(attempt.version_arn, besides=attempt.endpoint_config_name)
        may_serve = former is not None and self._may_serve_again(former)
        return Serving(
            attempt.version_arn,
            live,
            failed_at=attempt.settled_at,
            former=Release.former(self._settings, former) if former is not None and may_serve else None,
        )

    def _may_serve_again(self, former: Attempt) -> bool:
        """Tell whether what served by an attempt may go out again, and is what it was."""
        try:
            versions = [self._read_version(each) for each in former.version_arns]
        except UnreadableError:
            return False
        version = versions[0]
        if version is None or any(self._obstacle(each) is not None for each in versions):
            return False
        if self._settings.stage_name is None or former.artefact_digest is None:
            # Its model names what the registry said then, and nobody knows what is there by now.
            return True
        return former.artefact_digest == self._look(version)

    def _follows(self, approval: Approval) -> bool:
        return self._settings.follows(
            approval.version_arn, approval.group_name, own_account=self._ownership.account_id
        )

    def _release(self, approval: Approval, shadow: Approval | None = None) -> Release:
        return Release.build(
            self._settings,
            _version_of(approval),
            pinned=self._pinned(),
            shadow=_version_of(shadow) if shadow is not None else None,
            execution_role_arn=self._ownership.execution_role_arn,
            stack_name=self._ownership.stack_name,
        )

    def _misfit(self, approval: Approval, release: Release, *, as_shadow: bool = False) -> Misfit | None:
        """Tell why a version, which is read from the registry, has no turn under these settings.

        What served with these settings before fits their instances, whatever is listed by now.
        """
        settings = self._settings
        variants = settings.shadow_variants if as_shadow else [*settings.following_variants.values()]
        try:
            version = self._read_version(approval.version_arn)
        except UnreadableError as refusal:
            return _unseen(approval, f"The registry does not show it: {refusal}.")
        if version is None:
            # Deleted since it was listed: that is seen before anything is asked of SageMaker.
            return None
        changed = self._changed(approval, version)
        if changed is None and not as_shadow:
            self._attempts.recall(release.endpoint_config_name)
        if changed is not None or (went_live(release, self._history.known) and not as_shadow):
            return changed
        return misfit(approval, settings, variants, version.instance_types)

    def _changed(self, approval: Approval, version: ModelVersion) -> Misfit | None:
        """Tell whether a version is something else by now than what was approved, or went through a stage."""
        try:
            digest = self._artefacts.look(version)
        except UnlistedError as refusal:
            return _unseen(approval, f"What its artefact is cannot be seen: {refusal}.")
        if approval.artefact_digest != digest:
            return Misfit(
                approval,
                reason="Its image, artefact or environment was changed after it was approved.",
                remedy="Approve it again if that is what is wanted.",
            )
        other = self._stage_with_another(version, digest)
        if other is None:
            return None
        return Misfit(
            approval,
            reason=f"Its image, artefact or environment is not what stage {other} deployed as this version.",
            remedy="Register what is wanted as a new version, and let it pass through the stages.",
        )

    def _see_what_was_approved(self, approval: Approval) -> None:
        """Journal what was approved, where it could not be seen then: it is what is found first."""
        try:
            version = self._read_version(approval.version_arn)
        except UnreadableError:
            return
        digest = self._look(version) if version is not None else None
        if digest is None:
            return
        if self._journal.record_artefact_digest(approval, digest):
            seen = replace(approval, artefact_digest=digest)
            self._attempts.history = self._history.with_approval(seen)
        else:
            self._attempts.history = self._journal.read(self._name)

    def _stage_with_another(self, version: ModelVersion, digest: str) -> str | None:
        """Return a stage that deployed something else as this version, if there is one."""
        name = self._settings.stage_name
        if name is None:
            return None
        specification_name = self._settings.inference_specification_name
        return version_metadata.stage_with_another_digest(version.metadata, name, specification_name, digest)

    def _look(self, version: ModelVersion) -> str | None:
        """Return a digest of what a version is made of; None if S3 does not show it."""
        try:
            return self._artefacts.look(version)
        except UnlistedError as refusal:
            self._logger.warning(str(refusal), model_package_arn=version.arn)
            return None

    def _tell_misfits(self, decision: Decision) -> None:
        """Tell of approvals that have no turn under these settings, each once for each reason."""
        for found in filter(_untold, decision.misfits):
            if self._reporter.report(outcomes.misfit(found, time=self._now())):
                self._note_told(found.approval, found.reason)

    def _tell_ignored_late(self) -> None:
        """Tell of approvals that an earlier pass ignored, and then could not tell of."""
        for approval in self._history.approvals:
            owed = approval.is_ignored and not approval.withdrawn and approval.misfit_told is None
            if owed and self._now() - approval.approved_at >= REPORT_GRACE:
                self._tell_ignored(approval)

    def _tell_ignored(self, approval: Approval) -> None:
        """Tell of an approval that does not count, and note that in the journal."""
        assert approval.objection is not None
        if self._reporter.report(outcomes.ignored(approval)):
            self._note_told(approval, approval.objection)

    def _note_told(self, approval: Approval, reason: str) -> None:
        self._journal.record_misfit_told(approval, reason)
        self._attempts.history = self._history.with_approval(replace(approval, misfit_told=reason))

    def _heed_change(self, planned: Plan, decision: Decision, endpoint: Endpoint | None) -> Plan:
        """Return what is planned, as far as SageMaker makes such a change: see `endpoint_changes`."""
        if (
            endpoint is None
            or endpoint.endpoint_config_name is None
            or decision.choice is None
            or not isinstance(planned, Deploy)
            or not isinstance(planned.change, UpdateEndpoint)
        ):
            return planned
        wanted = self._executor.shape_of(decision.choice.release)
        serving = self._sagemaker.config_shape(endpoint.endpoint_config_name)
        if wanted is None or serving is None:
            return planned
        asked = (endpoint.endpoint_config_name, decision.choice.release.endpoint_config_name)
        return heed_change(
            planned, serving, wanted, refused_before=self._history.rest.refused_change == asked
        )

    def _heed_alarms(self, planned: Plan, endpoint: Endpoint | None) -> Plan:
        """Return what is planned, as alarms that are on already leave it: before anything is journalled."""
        if endpoint is None or not isinstance(planned, Deploy):
            return planned
        # The abort alarm is cleared right before the update, whoever set it off.
        abort = self._settings.abort_alarm_name
        names = [name for name in rollback_alarms(planned) if name != abort]
        if not names:
            return planned
        try:
            on = self._alarms.on(names)
        except UpkeepRefusedError as refusal:
            if refusal.is_passing:
                raise
            self._tell(f"{refusal} {self._name} is updated all the same, guarded by all of them.")
            return with_alarms_unread(planned)
        return heed_alarms(planned, on, self._history.attempts, endpoint, now=self._now())

    def _pinned(self) -> dict[str, Version]:
        """Return the versions that variants are pinned to, of those that may serve."""
        pinned: dict[str, Version] = {}
        for variant_name, number in self._settings.pins.items():
            version = self._read_version(self._settings.version_name(number))
            if version is not None and self._obstacle(version) is None:
                pinned[variant_name] = Version(version.arn, version.version)
        return pinned

    def _obstacle(self, version: ModelVersion | None) -> str | None:
        """Say why a version may not go out, whoever approved it; None if it may."""
        if version is None or not self._is_deployable(version):
            return f"not approved in {self._settings.group_name}"
        if any(same_arn(each, version.arn) for each in self._history.live_version_arns):
            # What serves is not taken away for what happened to the objects that it was loaded from.
            return None
        digest = self._artefacts.seen(version.arn) or self._look(version)
        if digest is None:
            return "its artefact cannot be seen: `python -m ops doctor` says what is missing"
        other = self._stage_with_another(version, digest)
        return f"not what stage {other} deployed as this version" if other is not None else None

    # What is done ------------------------------------------------------------------------------------

    def _carry_out(self, planned: Plan, decision: Decision, endpoint: Endpoint | None) -> bool:
        told = self._history.rest.told
        match planned:
            case Deploy():
                assert decision.choice is not None
                return self._deploy(planned, decision.choice, endpoint)
            case InSync():
                if endpoint and decision.choice and self._probation.begin_again(decision.choice, endpoint):
                    return True
                self._logger.info("In sync")
                told = self._left_out() or self._held_back(decision, endpoint)
            case WaitToRetry():
                self._logger.info("Waiting to try again", retry_at=planned.retry_at.isoformat())
            case WaitForAlarms():
                self._logger.info(
                    "Waiting for alarms to end that the rollout before may have raised",
                    alarms=planned.alarm_names,
                    until=planned.until.isoformat(),
                )
            case NothingStands():
                told = (
                    f"No approved version of {self._settings.group_name} is left to serve on {self._name}. "
                    f"The endpoint is left as it is{_seen(endpoint)}: "
                    "approve a version, or delete the endpoint."
                )
            case Blocked():
                told = (
                    f"Endpoint {self._name} is {planned.status}, and what may be done to it so is not known. "
                    f"SageMaker's reason: {planned.failure_reason or 'none given'}. "
                    "Look into it; once it is in service or deleted, the deployer goes on by itself."
                )
            case CannotChange():
                assert decision.choice is not None
                approval = decision.choice.approval
                self._tell(
                    f"Version {approval.version} of {approval.group_name} is not deployed to {self._name}: "
                    f"{planned.change}, and SageMaker refuses to change an endpoint so. It keeps serving"
                    f"{_seen(endpoint)}. Delete the endpoint, and it is created again with this version; or "
                    "put another endpoint_name, or what it was, into its YAML."
                )
                # Its scaling and tags are settled for another kind of endpoint: they are left alone.
                self._attempts.withdraw_left_behind()
                return False
            case unknown:
                assert_never(unknown)
        return self._rest(decision, endpoint, told, waits=isinstance(planned, WaitToRetry | WaitForAlarms))

    def _deploy(self, planned: Deploy, choice: Choice, endpoint: Endpoint | None) -> bool:
        rolls_back = choice.release.is_former or self._rolls_back(choice.approval, endpoint)
        try:
            progress = self._executor.deploy(planned, choice, endpoint, rolls_back=rolls_back)
        except UpkeepRefusedError as refusal:
            if refusal.is_passing:
                raise
            approval = choice.approval
            self._tell(
                f"Version {approval.version} of {approval.group_name} is not deployed to {self._name} yet. "
                f"{refusal}"
            )
            return False
        history = self._history
        remembered = [each for each in history.approvals if history.reaches(each.approved_at)]
        for approval in superseded(remembered, history.attempts, choice.approval):
            self._journal.record_superseded(approval, by=choice.approval.version)
            self._logger.info("Superseded by a newer approval", model_package_arn=approval.version_arn)
        match progress:
            case Progress.UNDER_WAY:
                if endpoint is None:
                    self._upkeep.note(tags=self._upkeep.wanted_tags)
                return False
            case Progress.ENDED:
                return True
            case Progress.NAME_TAKEN:
                self._tell(
                    f"SageMaker says that an endpoint named {self._name} exists, and does not show one: it "
                    "may have another letter case. Write its name so in the YAML, or delete it."
                )
                return False
            case unknown:
                assert_never(unknown)

    def _left_out(self) -> str | None:
        """Say which variants are left out, as what they are pinned to is not approved."""
        missing = [
            f"{variant_name} (version {number}: {obstacle})"
            for variant_name, number in self._settings.pins.items()
            if (obstacle := self._obstacle(self._read_version(self._settings.version_name(number))))
        ]
        if not missing:
            return None
        return (
            f"Left out of {self._name}: {', '.join(missing)}. The other variants take the calls. "
            "Approve the version, or pin another."
        )

    def _held_back(self, decision: Decision, endpoint: Endpoint | None) -> str | None:
        """Say what keeps the version that serves from being promoted, though its time has come."""
        if decision.choice is None or endpoint is None:
            return None
        return self._stage.held_back(decision.choice, endpoint)

    def _rolls_back(self, approval: Approval, endpoint: Endpoint | None) -> bool:
        """Tell whether what serves was approved later than what is about to: going back, not forward."""
        serving = self._history.version_served_by(endpoint.endpoint_config_name) if endpoint else None
        return serving is not None and any(
            same_arn(each.version_arn, serving) and each.order > approval.order
            for each in self._history.approvals
        )

    def _rest(self, decision: Decision, endpoint: Endpoint | None, told: str | None, *, waits: bool) -> bool:
        """Do what can wait until the endpoint rests: tags, remembering what was seen, cleaning up.

        Args:
            decision: What is wanted.
            endpoint: What there is.
            told: What a person has to hear of it.
            waits: Whether that was said before, and stands until something else is to be said.
        """
        self._attempts.withdraw_left_behind(besides=Action.CLEAN_UP)
        wanted = decision.choice.release.endpoint_config_name if decision.choice is not None else None
        troubles: list[str] = []
        if endpoint is not None:
            if endpoint.status == "InService" and endpoint.endpoint_config_name == wanted:
                self._upkeep.note(endpoint_config_name=wanted, last_modified_time=endpoint.last_modified_time)
            troubles = self._upkeep.bring_up_to_date(endpoint)
            self._stage.stamp()
            if decision.choice is not None and self._stage.promote(decision.choice, endpoint):
                return True
        self._tell(" ".join([*([told] if told and not (waits and troubles) else []), *troubles]) or None)
        deletion = NOTHING
        # What is tried again needs its model and config again.
        if decision.retry_at is None:
            deletion = self._disposable(
                decision, endpoint.endpoint_config_name if endpoint is not None else None
            )
        if deletion:
            in_use = self._sagemaker.names_in_use(self._name)
            if in_use is None:
                self._logger.warning("Nothing is deleted: the config that serves cannot be read")
            deletion = deletion.sparing(in_use) if in_use is not None else NOTHING
        if not deletion:
            self._attempts.withdraw_left_behind()
        return bool(deletion) and self._executor.clean_up(deletion, endpoint)

    def _disposable(self, decision: Decision, serving_config_name: str | None) -> Deletion:
        attempts, keep, choice = self._history.attempts, self._settings.keep, decision.choice
        if any(each.is_unseen for each in decision.misfits):
            # What S3 does not show now may be what goes out once it does, or what a reject would bring back.
            return NOTHING
        needed = set() if serving_config_name is None else {serving_config_name}
        if choice is not None and not choice.keeps_serving:
            # A release that may not go out is not needed. Its version may have been changed while its models
            # were made: they would pass for what was approved once the version is changed back.
            needed.add(choice.release.endpoint_config_name)
        for name in needed:
            self._attempts.latest_on(name)
        deletion = disposable(attempts, keep=keep, needed=needed, recalled=self._history.recalled)
        if not deletion or choice is None:
            return deletion
        # Only now, as it asks the registry: what a reject of this version would bring back, if not at once
        # then when every passing reason has passed.
        others = self._choose(None, besides=choice.approval, at=datetime.max.replace(tzinfo=UTC))
        if any(each.is_unseen for each in others.misfits):
            return NOTHING
        former = others.choice
        fallback = former.release.endpoint_config_name if former is not None else None
        self._attempts.latest_on(fallback)
        return disposable(
            attempts, keep=keep, needed=needed, fallback=fallback, recalled=self._history.recalled
        )

    def _tell(self, message: str | None) -> None:
        """Tell a person what needs one, once; None when nothing does any more."""
        if message == self._history.rest.told:
            return
        if message is not None:
            self._logger.warning(message)
            latest = max(self._history.approvals, key=lambda each: each.order, default=None)
            outcome = outcomes.needs_attention(
                self._name,
                message,
                time=self._now(),
                correlation_id=latest.correlation_id if latest else self._name,
            )
            if not self._reporter.report(outcome):
                # An endpoint at rest would not be looked at, and the message lost.
                self._upkeep.note(last_modified_time=None)
                return
        self._upkeep.note(told=message)


def _changed_since(version: ModelVersion, hint: PackageChanged) -> bool:
    """Tell whether a version was changed again after the approval that an event tells of.

    Then `LastModifiedBy` is not the approver. Both times are SageMaker's; they have whole seconds.
    """
    made = hint.last_modified_time
    return made is not None and version.last_modified_time > made


def _version_of(approval: Approval) -> Version:
    return Version(approval.version_arn, approval.version, approval.artefact_digest)


def _unseen(approval: Approval, reason: str) -> Misfit:
    remedy = "`python -m ops doctor` says what is missing; nothing has to be approved again."
    return Misfit(approval, reason=reason, remedy=remedy, is_unseen=True)


def _untold(found: Misfit) -> bool:
    return found.approval.misfit_told != found.reason


def _seen(endpoint: Endpoint | None) -> str:
    return f" ({endpoint.status}, {endpoint.endpoint_config_name})" if endpoint is not None else ""
