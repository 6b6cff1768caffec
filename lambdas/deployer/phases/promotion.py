"""Writes to the registry what became of each version, and promotes a version that served well in a stage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from deployer.decisions.promotion import (
    broken_elsewhere,
    due_for_promotion,
    held_back,
    is_promoted,
    metadata_changes,
    not_promoted,
    plan_promotion,
    serves_as_chosen,
    unwritten,
)
from deployer.decisions.version_metadata import MOST_PROPERTIES, of_words, that_fit
from deployer.decisions.waiting import unsaid, words_on
from deployer.endpoint_pass.refused_writes import key_of
from deployer.endpoint_pass.round import Next
from deployer.gateways.refusals import AGAIN, Refusal, UpkeepRefusedError
from deployer.gateways.sagemaker_errors import RefusedError, registry_refusals
from deployer.model.attempt import AttemptStatus
from deployer.model.cause import Cause
from deployer.model.excerpts import sentence
from deployer.model.model_version import Hidden, ModelVersion
from deployer.model.names import fingerprint
from deployer.model.steps import WriteMetadata
from deployer.phases.first_look import CLOCKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.approvals import Approvals
    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.refused_writes import RefusedWrites
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.alarms import Alarms
    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint
    from deployer.model.life_cycle import PromotionRule
    from deployer.model.settings import EndpointSettings


_REMEDY: Final = f"`greenlight doctor` says what is missing. {AGAIN}"
_REMEDY_WITHOUT_STAGES: Final = (
    f"Allow it, or write `version_metadata: false` in the endpoint's YAML. {AGAIN}"
)


class VersionMetadataPhase:
    """Writes how deployments ended to their versions' customer metadata."""

    def __init__(
        self,
        ledger: Ledger,
        versions: Versions,
        approvals: Approvals,
        executor: Executor,
        refused_writes: RefusedWrites,
        logger: Logger,
    ) -> None:
        self._ledger = ledger
        self._versions = versions
        self._approvals = approvals
        self._executor = executor
        self._refused_writes = refused_writes
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Write what the registry does not show yet. A denied write stays due, and stops no other phase."""
        self._write_ends(round_)
        if self._versions.facts.settings.writes_metadata:
            self._write_words(round_)
        return Next.GO_ON

    def _write_ends(self, round_: Round) -> None:
        ended = unwritten(self._versions.facts) if round_.endpoint is not None else []
        if not ended:
            return
        changes = metadata_changes(self._versions.facts, ended)
        tried = (self._write_if_due(step, changes.deployed_at[step.version_arn]) for step in changes.steps)
        denied = [*filter(None, tried)]
        if denied:
            round_.troubles += denied
        else:
            self._ledger.note(metadata_written=ended[-1].number, metadata_live=changes.live)

    def _write(self, step: WriteMetadata, deployed_at: datetime | None) -> None:
        """Write what the registry does not show of a stamp.

        Args:
            step: The stamp.
            deployed_at: When the deployment of the version began that it tells of; None if it is of none.

        Raises:
            UpkeepRefusedError: The deployer may not write it now.
            RefusedError: The registry does not show the version, or refuses the stamp.
        """
        # A stage may no longer read versions of a group that it no longer follows.
        with registry_refusals():
            version = self._versions.read(step.version_arn)
        if isinstance(version, Hidden):
            raise RefusedError(version.reason)
        if version is None or (deployed_at is not None and not version.is_of(deployed_at + CLOCKS)):
            # Deleted. Its group may have been made again since, with another version of the same ARN.
            return
        fitting = that_fit(step.properties, version.metadata)
        if fitting.keys() < step.properties.keys():
            self._logger.warning(
                f"The version has {len(version.metadata)} of {MOST_PROPERTIES} metadata properties: some are "
                "left out, to keep room for other writers.",
                model_package_arn=version.arn,
                left_out=sorted(step.properties.keys() - fitting.keys()),
            )
        # Write nothing that is there already.
        if not fitting.items() <= version.metadata.items():
            self._approvals.find_unknown(version)
            write = WriteMetadata(step.version_arn, fitting)
            self._logger.info("Writing to the registry what is not there yet", steps=[write])
            try:
                self._executor.make(write)
            except RefusedError as refusal:
                if refusal.cause is not Cause.SURROUNDINGS:
                    raise
                is_staged = self._versions.facts.settings.stage_name is not None
                remedy = _REMEDY if is_staged else _REMEDY_WITHOUT_STAGES
                told = f"{step.version_arn} does not show what happened to it here: {sentence(str(refusal))}"
                raise UpkeepRefusedError(
                    f"{told} {remedy}", Refusal(Cause.SURROUNDINGS, str(refusal))
                ) from refusal

    def _write_if_due(self, step: WriteMetadata, deployed_at: datetime | None = None) -> str | None:
        """Write a stamp, unless it is too early for another try; return what a person must fix, if anything.

        A stamp is for people to read. So what else keeps it from being written is logged, and it is given up.
        """
        key = key_of(step)
        if (told := self._refused_writes.put_off(key)) is not None:
            return told
        try:
            self._write(step, deployed_at)
        except UpkeepRefusedError as denial:
            self._refused_writes.note_refused(key, str(denial))
            return str(denial)
        except RefusedError as refusal:
            self._logger.warning(
                f"The registry shows nothing of this: {refusal} `doctor` says what is missing.",
                model_package_arn=step.version_arn,
            )
        self._refused_writes.note_made(key)
        return None

    def _write_words(self, round_: Round) -> None:
        """Write of approved versions that do not serve what they wait for, once for each change of that."""
        history, choice = self._ledger.history, round_.decision.choice
        name, stage_name = self._ledger.endpoint_name, self._versions.facts.settings.stage_name
        chosen = (choice.approval, choice.shadow) if choice is not None else ()
        held = [each for each in chosen if each is not None and round_.held_by is not None]
        words = words_on(history, held, round_.held_by or "")
        said, left = history.last_observed.metadata_said, set[str]()
        for arn, text in unsaid(history, words).items():
            refused = self._write_if_due(WriteMetadata(arn, of_words(text, name, stage_name)))
            if refused is not None:
                round_.troubles.append(refused)
                left.add(arn)
        now_said = {arn: text for arn, text in said.items() if arn in left}
        now_said |= {arn: text for arn, text in words.items() if arn not in left}
        if now_said != said:
            self._ledger.note(metadata_said=now_said)


class PromotionPhase:
    """Promotes the serving version once it has served well for the soak."""

    def __init__(
        self,
        settings: EndpointSettings,
        attempts: Attempts,
        versions: Versions,
        alarms: Alarms,
        executor: Executor,
        refused_writes: RefusedWrites,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._attempts = attempts
        self._versions = versions
        self._alarms = alarms
        self._executor = executor
        self._refused_writes = refused_writes
        self._logger = logger
        self._now = now

    def run(self, round_: Round) -> Next:
        """Promote the version after its soak, or report what prevents it."""
        endpoint, choice, rule = round_.endpoint, round_.decision.choice, self._settings.promotion
        if endpoint is None or choice is None or rule is None or not serves_as_chosen(choice, endpoint):
            return Next.GO_ON
        deployment = self._versions.decide(
            partial(
                due_for_promotion,
                endpoint_config_name=endpoint.endpoint_config_name,
                now=self._now(),
            )
        )
        if deployment is None:
            return Next.GO_ON
        if (told := self._refused_writes.put_off(_key(deployment, rule))) is not None:
            round_.troubles.append(told)
            return Next.GO_ON
        disturbing = self._disturbing(rule)
        version = self._versions.reread(deployment.version_arn)
        if not isinstance(version, ModelVersion) or not self._versions.facts.is_deployable(version):
            return Next.GO_ON
        if disturbing:
            if not is_promoted(self._settings, version) and round_.report is None:
                round_.report = held_back(rule, deployment, disturbing)
            return Next.GO_ON
        if broken := broken_elsewhere(self._settings, version):
            self._logger.info("Not promoted: this stage found it broken", endpoints=broken)
            return Next.GO_ON
        digest = self._versions.read_digest(version)
        if isinstance(digest, Hidden):
            return Next.GO_ON
        self._promote(rule, deployment, version, digest, endpoint)
        return Next.AGAIN

    def _disturbing(self, rule: PromotionRule) -> Sequence[str]:
        """Return the alarms that were not quiet throughout the last soak."""
        names = self._settings.rollback_alarm_names
        try:
            return self._alarms.disturbed_since(self._now() - rule.soak, names)
        except UpkeepRefusedError as refusal:
            self._logger.warning(str(refusal))
            return sorted(names)

    def _promote(
        self,
        rule: PromotionRule,
        deployment: Deployment,
        version: ModelVersion,
        digest: str,
        endpoint: Endpoint,
    ) -> None:
        planned = plan_promotion(self._settings, rule, deployment, version, digest, now=self._now())
        promotion = self._attempts.begin_promotion(deployment, planned.goal)
        reason, cause = planned.reason, planned.cause
        with self._attempts.released_if_cut_short(promotion):
            if planned.steps:
                self._logger.info("Promoting", attempt=promotion.number, steps=planned.steps)
            try:
                for step in planned.steps:
                    self._executor.make(step)
            except RefusedError as refusal:
                reason, cause = str(refusal), refusal.cause
                if cause in {Cause.SURROUNDINGS, Cause.PASSING}:
                    # Nobody decided anything about the version, so it is tried again.
                    told = f"{not_promoted(deployment, rule)}: {sentence(reason)} {_REMEDY}"
                    self._refused_writes.note_refused(_key(deployment, rule), told)
                    self._attempts.settle(promotion, AttemptStatus.WITHDRAWN, reason=reason)
                    return
            self._refused_writes.note_made(_key(deployment, rule))
            status = AttemptStatus.SUCCEEDED if cause is None else AttemptStatus.FAILED
            self._attempts.settle(promotion, status, reason=reason, cause=cause, endpoint=endpoint)


def _key(deployment: Deployment, rule: PromotionRule) -> str:
    """Return what a promotion is known by among refused writes: each try is another attempt."""
    return f"Promote-{fingerprint([deployment.version_arn.lower(), *rule.goal])}"
