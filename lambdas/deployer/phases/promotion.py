"""Writes to the registry what the stage did with each version, and promotes a version that served well."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from deployer.decisions.promotion import (
    broken_elsewhere,
    due_for_promotion,
    held_back,
    is_promoted,
    metadata_changes,
    plan_promotion,
    serves_as_chosen,
    unwritten,
)
from deployer.decisions.version_metadata import MOST_PROPERTIES, that_fit
from deployer.endpoint_pass.round import Next
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.gateways.sagemaker_errors import RefusedError, registry_refusals
from deployer.model.attempt import AttemptStatus
from deployer.model.model_version import Hidden, ModelVersion
from deployer.model.steps import WriteMetadata

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.attempts import Attempts
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.round import Round
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.alarms import Alarms
    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint
    from deployer.model.life_cycle import PromotionRule
    from deployer.model.settings import EndpointSettings


class VersionMetadataPhase:
    """Writes how deployments ended to their versions' customer metadata."""

    def __init__(
        self,
        settings: EndpointSettings,
        ledger: Ledger,
        versions: Versions,
        executor: Executor,
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._versions = versions
        self._executor = executor
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Write what the registry does not show yet."""
        ended = unwritten(self._versions.facts) if round_.endpoint is not None else []
        if not ended:
            return Next.GO_ON
        changes = metadata_changes(self._versions.facts, ended)
        for step in changes.steps:
            try:
                self._write(step)
            except RefusedError as refusal:
                # A stamp is for people to read. A failure to write it must not fail the pass.
                self._logger.warning(
                    f"The registry shows nothing of this: {refusal} `doctor` says what is missing.",
                    model_package_arn=step.version_arn,
                )
        self._ledger.note(metadata_written=ended[-1].number, metadata_live=changes.live)
        return Next.GO_ON

    def _write(self, step: WriteMetadata) -> None:
        # The stage may no longer read versions of a group that it no longer follows.
        with registry_refusals():
            version = self._versions.read(step.version_arn)
        if isinstance(version, Hidden):
            raise RefusedError(version.reason)
        if version is None:
            return
        fitting = that_fit(step.properties, version.metadata)
        if fitting.keys() < step.properties.keys():
            self._logger.warning(
                f"The version has {len(version.metadata)} of {MOST_PROPERTIES} metadata properties: some are "
                "left out, so that stages can still write digests and promotions.",
                model_package_arn=version.arn,
                left_out=sorted(step.properties.keys() - fitting.keys()),
            )
        # Write nothing that is there already.
        if not fitting.items() <= version.metadata.items():
            write = WriteMetadata(step.version_arn, fitting)
            self._logger.info("Writing to the registry what is not there yet", steps=[write])
            self._executor.make(write)


class PromotionPhase:
    """Promotes the serving version once it has served well for the soak."""

    def __init__(
        self,
        settings: EndpointSettings,
        attempts: Attempts,
        versions: Versions,
        alarms: Alarms,
        executor: Executor,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._attempts = attempts
        self._versions = versions
        self._alarms = alarms
        self._executor = executor
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
            status = AttemptStatus.SUCCEEDED if cause is None else AttemptStatus.FAILED
            self._attempts.settle(promotion, status, reason=reason, cause=cause, endpoint=endpoint)
