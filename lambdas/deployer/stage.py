"""Keeps a stage's part of the registry: what it did with each version, and which versions it passes on.

Owns the only writes that the deployer makes to the registry. Each of them is an event on the bus again, which
changes nothing: no approval is named in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer import stamps
from deployer.attempt import Action, Attempt, AttemptStatus
from deployer.sagemaker import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.approval import Choice
    from deployer.attempts import Attempts
    from deployer.endpoint import Endpoint
    from deployer.reconciler import Gateways
    from deployer.sagemaker import ModelVersion
    from deployer.settings import EndpointSettings
    from deployer.upkeep import Upkeep


class Stage:
    """One endpoint's part in its stage.

    Args:
        settings: Which stage it is, and what it passes on.
        gateways: What is called.
        attempts: Who holds the endpoint's history.
        upkeep: Who remembers what was done.
        read_version: Asks the registry, again, for a version that may be deployed here.
        logger: Where each write is told.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        attempts: Attempts,
        upkeep: Upkeep,
        read_version: Callable[[str], ModelVersion | None],
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._attempts = attempts
        self._upkeep = upkeep
        self._read_version = read_version
        self._logger = logger

    def is_due(self, endpoint_config_name: str | None) -> bool:
        """Tell, from the journal alone, whether there may be something to write."""
        return bool(self._unstamped()) or self._due(endpoint_config_name) is not None

    # Stamps --------------------------------------------------------------------------------------------

    def stamp(self) -> None:
        """Stamp the versions of the attempts that ended since the last time."""
        unstamped = self._unstamped()
        for version_arn, ended in self._ends(unstamped).items():
            # What is there already is not written again: each write is an event, which leads to a pass, which
            # may be as far as this one before the journal says that it is done.
            version = self._gateways.sagemaker.describe_model_version(version_arn)
            wanted = self._stamps_of(ended, version.artefact_digest) if version is not None else {}
            if version is not None and not wanted.items() <= version.metadata.items():
                self._write_stamps(version_arn, wanted)
        if unstamped:
            self._upkeep.note(stamped=unstamped[-1].number)

    def _unstamped(self) -> list[Attempt]:
        """Return the attempts whose end the registry does not show yet, oldest first."""
        if self._settings.stage_name is None:
            return []
        history = self._attempts.history
        return [
            each
            for each in reversed(history.attempts)
            if each.is_deployment and each.is_told and each.number > history.rest.stamped
        ]

    def _ends(self, attempts: list[Attempt]) -> dict[str, list[Attempt | datetime]]:
        """Return, by version and in order, its attempts that ended and when it ceased to serve."""
        ends: dict[str, list[Attempt | datetime]] = {}
        for attempt in attempts:
            replaced = self._replaced_by(attempt)
            if replaced is not None and attempt.settled_at is not None:
                ends.setdefault(replaced, []).append(attempt.settled_at)
            ends.setdefault(attempt.version_arn, []).append(attempt)
        return ends

    def _replaced_by(self, attempt: Attempt) -> str | None:
        """Return the version that serves no more since an attempt succeeded.

        It is what went live last, which may not be what the attempt found: that may have failed, or an
        endpoint may have been deleted in between.
        """
        if attempt.status is not AttemptStatus.SUCCEEDED:
            return None
        former = next(
            (
                each.version_arn
                for each in self._attempts.history.attempts
                if each.number < attempt.number
                and each.is_deployment
                and each.status is AttemptStatus.SUCCEEDED
            ),
            None,
        )
        return former if former != attempt.version_arn else None

    def _stamps_of(self, ended: list[Attempt | datetime], digest: str) -> dict[str, str]:
        """Return what a version is to say after all that: the last end counts.

        Args:
            ended: Its attempts that ended, and when it ceased to serve, in order.
            digest: Of what it is made of now.
        """
        name, stage_name = self._settings.endpoint_name, self._settings.stage_name
        assert stage_name is not None, "nothing is stamped outside of a stage"
        wanted: dict[str, str] = {}
        for each in ended:
            if isinstance(each, Attempt):
                # What was deployed, also if the version was changed in the registry since.
                wanted |= stamps.of_attempt(each, stage_name, each.artefact_digest or digest)
            else:
                wanted |= stamps.of_replaced(name, stage_name, each)
        return wanted

    def _write_stamps(self, version_arn: str, written: dict[str, str]) -> None:
        try:
            self._gateways.sagemaker.put_metadata(version_arn, written)
        except RefusedError as refusal:
            # What people see in the registry is worth no failure of what serves.
            self._logger.warning(
                f"The registry shows nothing of this: {refusal} `doctor` says what is missing.",
                model_package_arn=version_arn,
            )

    # Promotion -----------------------------------------------------------------------------------------

    def promote(self, choice: Choice, endpoint: Endpoint) -> bool:
        """Pass the version on that serves, once it has served well for long enough; tell whether it was."""
        promotion = self._settings.promotion
        name = endpoint.endpoint_config_name
        attempt = self._due(name)
        if promotion is None or attempt is None or attempt.settled_at is None:
            return False
        if choice.keeps_serving or choice.release.endpoint_config_name != name:
            return False
        if endpoint.status != "InService":
            return False
        quiet_since = self._gateways.alarms.quiet_since(self._settings.rollback_alarm_names)
        if quiet_since is None or self._gateways.now() < promotion.due_at(attempt.settled_at, quiet_since):
            self._logger.info("Not promoted yet: an alarm is on, or was while the version served")
            return False
        version = self._read_version(attempt.version_arn)
        if version is None:
            return False
        if attempt.artefact_digest not in {None, version.artefact_digest}:
            self._logger.warning(
                "Not promoted: its image or artefact was changed in the registry since it was deployed",
                model_package_arn=version.arn,
            )
            return False
        found = version.life_cycle
        is_made = promotion.is_made(found)
        claimed = self._attempts.begin_promotion(attempt, found if found and is_made else promotion.goal)
        try:
            if not is_made:
                self._gateways.sagemaker.put_life_cycle(version.arn, promotion.goal, self._reason(attempt))
        except RefusedError as refusal:
            self._attempts.settle(claimed, AttemptStatus.FAILED, reason=str(refusal), endpoint=endpoint)
        else:
            self._attempts.settle(claimed, AttemptStatus.SUCCEEDED, reason=None, endpoint=endpoint)
        return True

    def _due(self, endpoint_config_name: str | None) -> Attempt | None:
        """Return the attempt whose version may be passed on now, as far as the journal knows."""
        promotion = self._settings.promotion
        attempt = self._attempts.history.latest_attempt_on(endpoint_config_name)
        if (
            promotion is None
            or attempt is None
            or attempt.status is not AttemptStatus.SUCCEEDED
            or attempt.settled_at is None
            or self._gateways.now() < promotion.due_at(attempt.settled_at)
        ):
            return None
        made = [
            each
            for each in self._attempts.history.attempts
            if each.action is Action.PROMOTE and each.version_arn == attempt.version_arn
        ]
        return None if any(self._settles(each) for each in made) else attempt

    def _settles(self, attempt: Attempt) -> bool:
        """Tell whether an attempt to promote a version was the last, unless a person says otherwise.

        What was promoted is not promoted again, also if it was taken back since; what was refused is tried
        again when the version is approved again.
        """
        if attempt.status is not AttemptStatus.FAILED:
            return attempt.status is not AttemptStatus.WITHDRAWN
        return not any(
            each.version_arn == attempt.version_arn
            and attempt.settled_at is not None
            and each.approved_at > attempt.settled_at
            for each in self._attempts.history.approvals
        )

    def _reason(self, attempt: Attempt) -> str:
        return (
            f"Served on {self._settings.endpoint_name} in {self._settings.stage_name} since "
            f"{attempt.settled_at:%Y-%m-%d %H:%M} UTC."
        )
