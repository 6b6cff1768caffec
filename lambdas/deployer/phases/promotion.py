"""Keeps a stage's part of the registry: what it did with each version, and which versions it passes on.

Owns the only writes that the deployer makes to the registry. Each of them is an event on the bus again, which
changes nothing: no approval is named in it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from deployer.decisions import version_metadata
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.gateways.sagemaker import RefusedError, registry_refusals
from deployer.model.attempt import Action, Attempt, AttemptStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Choice
    from deployer.endpoint_pass.attempts import Attempts
    from deployer.gateways.sagemaker import ModelVersion
    from deployer.model.endpoint import Endpoint
    from deployer.model.life_cycle import LifeCycle, Promotion
    from deployer.model.settings import EndpointSettings
    from deployer.phases.upkeep import Upkeep
    from deployer.reconciler import Gateways


class Stage:
    """One endpoint's part in its stage.

    Args:
        settings: Which stage it is, and what it passes on.
        gateways: What is called.
        attempts: Who holds the endpoint's history.
        upkeep: Who remembers what was done.
        read_version: Asks the registry, again, for a version that may be deployed here.
        look: Tells what a version is made of, by a digest; None if that cannot be seen.
        logger: Where each write is told.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        attempts: Attempts,
        upkeep: Upkeep,
        read_version: Callable[[str], ModelVersion | None],
        look: Callable[[ModelVersion], str | None],
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._attempts = attempts
        self._upkeep = upkeep
        self._read_version = read_version
        self._look = look
        self._logger = logger

    def is_due(self, endpoint_config_name: str | None) -> bool:
        """Tell, from the journal alone, whether there may be something to write."""
        return bool(self._unstamped()) or self._due(endpoint_config_name) is not None

    @property
    def _stage_name(self) -> str:
        name = self._settings.stage_name
        assert name is not None, "outside of stages nothing is stamped or promoted"
        return name

    # Stamps --------------------------------------------------------------------------------------------

    def stamp(self) -> None:
        """Stamp the versions of the attempts that ended since the last time."""
        unstamped = self._unstamped()
        if not unstamped:
            return
        for version_arn, wanted in self._wanted_stamps(unstamped).items():
            try:
                self._stamp(version_arn, wanted)
            except RefusedError as refusal:
                # What people see in the registry is worth no failure of what serves.
                self._logger.warning(
                    f"The registry shows nothing of this: {refusal} `doctor` says what is missing.",
                    model_package_arn=version_arn,
                )
        self._upkeep.note(stamped=unstamped[-1].number)

    def _stamp(self, version_arn: str, wanted: dict[str, str]) -> None:
        with registry_refusals():
            # A version of a group that the stage no longer follows may not be read any more.
            version = self._gateways.sagemaker.describe_model_version(version_arn)
        # What is there already is not written again: each write is an event, which leads to a pass, which may
        # be as far as this one before the journal says that it is done.
        if version is not None and not wanted.items() <= version.metadata.items():
            self._gateways.sagemaker.put_metadata(version_arn, wanted)

    def _unstamped(self) -> list[Attempt]:
        """Return the attempts whose end the registry does not show yet, oldest first.

        As one attempt may follow another without a rest in between, some may have left the window.
        """
        if self._settings.stage_name is None:
            return []
        ended = self._attempts.after(self._attempts.history.rest.stamped)
        return [each for each in reversed(ended) if each.is_deployment and each.is_told]

    def _wanted_stamps(self, attempts: list[Attempt]) -> dict[str, dict[str, str]]:
        """Return, by version, what it is to say after these attempts, oldest first: the last end counts."""
        name, stage_name = self._settings.endpoint_name, self._stage_name
        wanted: dict[str, dict[str, str]] = defaultdict(dict)
        for attempt in attempts:
            assert attempt.settled_at is not None, "an attempt that people hear of is settled"
            if attempt.status is AttemptStatus.SUCCEEDED:
                former = self._live_before(attempt)
                for version_arn in former.version_arns if former is not None else ():
                    if version_arn not in attempt.version_arns:
                        wanted[version_arn] |= version_metadata.of_replaced(
                            name, stage_name, attempt.settled_at
                        )
                for companion in attempt.companions:
                    if former is None or not former.has_beside(companion):
                        stamped = version_metadata.of_companion(
                            companion, name, stage_name, attempt.settled_at
                        )
                        wanted[companion.version_arn] |= stamped
                wanted[attempt.version_arn] |= self._digest_stamp(attempt)
            # Last, as a companion may be of the very version that was approved.
            wanted[attempt.version_arn] |= version_metadata.of_attempt(attempt, stage_name)
        return wanted

    def _live_before(self, attempt: Attempt) -> Attempt | None:
        """Return the deployment whose versions serve no more, or go on to, since an attempt succeeded.

        It is what went live last, which may not be what the attempt found: that may have failed, or an
        endpoint may have been deleted in between. So many may have failed since that it has left the window.
        Then each config that an attempt found leads to the attempt that had put it there, until one of them
        succeeded. Of what has left the window only some is known, so the last success among it may be older.
        """
        if (found := self._last_success(before=attempt)) is not None:
            return found
        led = self._led_to(attempt)
        while led is not None and led.status is not AttemptStatus.SUCCEEDED:
            led = self._led_to(led)
        return led

    def _last_success(self, *, before: Attempt) -> Attempt | None:
        """Return the last deployment of the window that succeeded before an attempt."""
        return next(
            (
                each
                for each in self._attempts.history.attempts
                if each.number < before.number
                and each.is_deployment
                and each.status is AttemptStatus.SUCCEEDED
            ),
            None,
        )

    def _led_to(self, attempt: Attempt) -> Attempt | None:
        """Return the deployment that had put the config on the endpoint which an attempt found there."""
        self._attempts.recall(attempt.replaces_endpoint_config_name)
        return next(
            (
                each
                for each in self._attempts.history.known
                if each.number < attempt.number
                and each.is_deployment
                and each.endpoint_config_name == attempt.replaces_endpoint_config_name
            ),
            None,
        )

    def _digest_stamp(self, attempt: Attempt) -> dict[str, str]:
        if attempt.artefact_digest is None:
            return {}
        specification_name = self._settings.inference_specification_name
        return version_metadata.of_digest(attempt.artefact_digest, self._stage_name, specification_name)

    # Promotion -----------------------------------------------------------------------------------------

    def promote(self, choice: Choice, endpoint: Endpoint) -> bool:
        """Pass the version on that serves, once it has served well for long enough; tell whether it was."""
        promotion, attempt = self._settings.promotion, self._soaked(choice, endpoint)
        if promotion is None or attempt is None or self._disturbing(promotion):
            return False
        version = self._read_version(attempt.version_arn)
        digest = self._look(version) if version is not None else None
        if version is None or digest is None:
            return False
        broken = version_metadata.broken_on(
            version.metadata, self._stage_name, besides=self._settings.endpoint_name
        )
        if broken:
            self._logger.info("Not promoted: this stage found it broken", endpoints=broken)
            return False
        self._pass_on(version, promotion, attempt, endpoint, digest)
        return True

    def held_back(self, choice: Choice, endpoint: Endpoint) -> str | None:
        """Say what keeps the version that serves from being passed on, though its time has come.

        These are alarms, of which nobody may know that they do; a version that its stage found broken on
        another endpoint has an outcome that says so.
        """
        promotion, attempt = self._settings.promotion, self._soaked(choice, endpoint)
        if promotion is None or attempt is None:
            return None
        disturbing = self._disturbing(promotion)
        version = self._read_version(attempt.version_arn) if disturbing else None
        if version is None or self._is_made(promotion, version):
            return None
        return (
            f"Version {attempt.version} of {attempt.group_name} serves on {attempt.endpoint_name} and is not "
            f"promoted to {'/'.join(promotion.goal)}, as each of these rollback alarms is on, changed in the "
            f"last {promotion.soak.total_seconds():g} seconds, or cannot be seen (a deleted one cannot): "
            f"{', '.join(disturbing)}. It is promoted once all of them were quiet for that long. "
            "If the version is well, see to the alarms, or set its life cycle by hand."
        )

    def _soaked(self, choice: Choice, endpoint: Endpoint) -> Attempt | None:
        """Return the attempt whose version serves, as is wanted, and has served for long enough."""
        if choice.keeps_serving or choice.release.endpoint_config_name != endpoint.endpoint_config_name:
            return None
        return self._due(endpoint.endpoint_config_name) if endpoint.status == "InService" else None

    def _disturbing(self, promotion: Promotion) -> list[str]:
        """Name the alarms that were not quiet all through the last soak."""
        since, names = self._gateways.now() - promotion.soak, self._settings.rollback_alarm_names
        try:
            return self._gateways.alarms.disturbed_since(since, names)
        except UpkeepRefusedError as refusal:
            self._logger.warning(str(refusal))
            return sorted(names)

    def _pass_on(
        self, version: ModelVersion, promotion: Promotion, attempt: Attempt, endpoint: Endpoint, digest: str
    ) -> None:
        found, is_made = version.life_cycle, self._is_made(promotion, version)
        goal = promotion.goal if not is_made or found is None else found
        self._attempts.withdraw_left_behind()
        claimed = self._attempts.begin_promotion(attempt, goal)
        status, reason = AttemptStatus.SUCCEEDED, None
        with self._attempts.given_back_if_cut_short(claimed):
            try:
                if is_made:
                    reason = f"It is {'/'.join(goal)} or was promoted before: nothing was written."
                else:
                    self._may_pass_on(found, attempt, digest)
                    self._gateways.sagemaker.put_life_cycle(
                        version.arn,
                        promotion.goal,
                        self._reason(attempt),
                        version_metadata.of_promotion(promotion.goal, self._stage_name, self._gateways.now())
                        | self._digest_stamp(attempt),
                    )
            except RefusedError as refusal:
                status, reason = AttemptStatus.FAILED, str(refusal)
            self._attempts.settle(claimed, status, reason=reason, endpoint=endpoint)

    def _is_made(self, promotion: Promotion, version: ModelVersion) -> bool:
        """Tell whether a version is where it would be passed on to, or was passed on by this stage before."""
        return promotion.is_made(version.life_cycle) or version_metadata.is_promoted(
            version.metadata, self._stage_name
        )

    def _may_pass_on(self, found: LifeCycle | None, attempt: Attempt, digest: str) -> None:
        """Let a version pass that is what served here, and that nobody has other plans with.

        Raises:
            RefusedError: It is not, or somebody has.
        """
        promotion = self._settings.promotion
        if attempt.artefact_digest not in {None, digest}:
            raise RefusedError("Its image, artefact or environment is not what served here any more.")
        if promotion is not None and not promotion.may_follow(found, self._settings.gate):
            raise RefusedError(f"Somebody set its life cycle to {'/'.join(found or ())} meanwhile.")

    def _due(self, endpoint_config_name: str | None) -> Attempt | None:
        """Return the attempt whose version may be passed on now, as far as the journal knows."""
        promotion = self._settings.promotion
        attempt = self._attempts.latest_on(endpoint_config_name)
        if (
            promotion is None
            or attempt is None
            or attempt.status is not AttemptStatus.SUCCEEDED
            or attempt.settled_at is None
            or self._gateways.now() < promotion.due_at(attempt.settled_at)
        ):
            return None
        if not self._is_settled(attempt.version_arn):
            self._attempts.recall(attempt.version_arn)
        return None if self._is_settled(attempt.version_arn) else attempt

    def _is_settled(self, version_arn: str) -> bool:
        made = [
            each
            for each in self._attempts.history.known
            if each.action is Action.PROMOTE and each.version_arn == version_arn
        ]
        return any(self._settles(each) for each in made)

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
