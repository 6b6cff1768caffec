"""Decides which approval an endpoint serves. Pure.

The rule is one sentence: *the newest approval that still stands, whose version may be deployed under the
settings, and that has not failed with these settings since*.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployer.decisions.eligibility import ineligible, obstacle
from deployer.decisions.facts import reads_first
from deployer.decisions.retries import standing
from deployer.decisions.served import former_deployment
from deployer.model.attempt import AttemptStatus
from deployer.model.model_version import Hidden, ModelVersion
from deployer.model.names import same_arn
from deployer.model.release import Release, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from deployer.decisions.facts import Facts
    from deployer.decisions.retries import Standing
    from deployer.model.approval import Approval, Ineligible
    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint
    from deployer.model.history import History


@dataclass(frozen=True, slots=True)
class Choice:
    """The approval to serve, as a release.

    Attributes:
        approval: The approval that decides which version serves.
        release: The approval's version under the current settings.
        keeps_serving: True if this version serves already, and its release under the current settings failed
            or is not eligible. Then the endpoint is not changed.
        shadow: The approval of the shadow's version, if there is a shadow.
    """

    approval: Approval
    release: Release
    keeps_serving: bool = False
    shadow: Approval | None = None

    @property
    def decided_by(self) -> Approval:
        """The later of the approvals of the version and its shadow."""
        return self.shadow or self.approval


@dataclass(frozen=True, slots=True)
class Serving:
    """What an endpoint serves now, as far as the journal knows.

    Attributes:
        version_arn: The version.
        endpoint_config_name: The config that serves it; None if the endpoint is not in service.
        failed_at: When it failed its smoke test with that config; None if it did not.
        former: The release with which the same version served well before. Set only if it failed.
    """

    version_arn: str
    endpoint_config_name: str | None
    failed_at: datetime | None = None
    former: Release | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What an endpoint should serve.

    Attributes:
        choice: The approval to serve; None if there is none.
        retry_at: When a release that failed for a transient reason may be tried again; None if no such
            release waits.
        ineligible: Approvals that stand, of versions that may not be deployed now.
        withdrawn: Approvals that were found not to stand any more.
    """

    choice: Choice | None
    retry_at: datetime | None = None
    ineligible: tuple[Ineligible, ...] = ()
    withdrawn: tuple[Approval, ...] = ()


class HiddenPinError(Exception):
    """The registry does not show a version that a variant is pinned to, so no release can be built."""


def decide_choice(
    facts: Facts,
    serving_config_name: str | None,
    *,
    now: datetime,
    in_service: bool = True,
    besides: Approval | None = None,
) -> Decision:
    """Decide which approval the endpoint serves.

    It needs each version's registry entry at most once, newest first, and stops at the first that may serve.

    Args:
        facts: What was read.
        serving_config_name: The config that the endpoint serves; None if it serves nothing.
        now: The time. It decides whether a failed release may be tried again.
        in_service: Whether the endpoint is in service.
        besides: An approval to leave out. Clean-up asks what a reject of its version would bring back.

    Raises:
        HiddenPinError: A pinned version is hidden.
        NotReadError: A fact was not read.
    """
    return _Chooser(facts, now, besides).choose(_serving(facts, serving_config_name, in_service=in_service))


choose = reads_first(decide_choice)
"""`decide_choice`, but a fact that was not read is returned, not raised."""


class _Chooser:
    """One decision, and the approvals that it found withdrawn on the way."""

    def __init__(self, facts: Facts, now: datetime, besides: Approval | None) -> None:
        self._facts = facts
        self._now = now
        self._withdrawn: dict[tuple[str, datetime], Approval] = {}
        self._approvals = [
            each
            for each in facts.history.approvals
            if facts.follows(each)
            and (besides is None or not same_arn(each.version_arn, besides.version_arn))
        ]

    def choose(self, serving: Serving | None) -> Decision:
        decision = self._choose_live(serving)
        if self._facts.settings.shadow is not None:
            decision = self._with_shadow(decision)
        return replace(decision, withdrawn=tuple(self._withdrawn.values()))

    def _choose_live(self, serving: Serving | None) -> Decision:
        found: list[Ineligible] = []
        retry_at: datetime | None = None
        for approval in latest_per_version(each for each in self._approvals if each.counts):
            if self._is_known_not_to_stand(approval):
                continue
            release = release_of(self._facts, approval)
            judged = self._judge(release, since=approval.approved_at)
            serves = serving is not None and same_arn(approval.version_arn, serving.version_arn)
            if judged.failed and judged.retry_at is None and not serves:
                continue
            if not self._stands(approval):
                continue
            if serving is not None and serves and judged.failed and serving.failed_at is not None:
                back = self._put_back(approval, serving, since=serving.failed_at)
                if back is None:
                    continue
                return replace(back, ineligible=tuple(found))
            retry_at = retry_at or judged.retry_at
            is_live = serving is not None and release.endpoint_config_name == serving.endpoint_config_name
            reason = None if is_live else ineligible(self._facts, approval, release)
            found += [reason] if reason is not None else []
            # Never go below a version that serves and still stands. An older version would get the same
            # settings that failed with this one, or exclude it.
            unfit = judged.failed or reason is not None
            if serves or not unfit:
                return Decision(Choice(approval, release, keeps_serving=unfit), retry_at, tuple(found))
        return Decision(None, retry_at, tuple(found))

    def _with_shadow(self, decision: Decision) -> Decision:
        """Add to the choice, as its shadow, the newest version approved later that has not failed."""
        choice = decision.choice
        if choice is None or choice.keeps_serving or choice.release.is_former:
            return decision
        live, found = choice.approval, list(decision.ineligible)
        for shadow in latest_per_version(
            each for each in self._approvals if each.decides and not each.counts
        ):
            if shadow.order <= live.order:
                break
            release = release_of(self._facts, live, shadow)
            if (
                same_arn(shadow.version_arn, live.version_arn)
                or self._judge(release, since=shadow.approved_at).failed
                or not self._stands(shadow)
            ):
                continue
            reason = ineligible(self._facts, shadow, release, as_shadow=True)
            if reason is None:
                chosen = replace(choice, release=release, shadow=shadow)
                return replace(decision, choice=chosen, ineligible=tuple(found))
            found.append(reason)
        return replace(decision, ineligible=tuple(found))

    def _is_known_not_to_stand(self, approval: Approval) -> bool:
        """Tell whether the facts show that an approval does not stand: then it needs no release."""
        return approval.version_arn.lower() in self._facts.versions and not self._stands(approval)

    def _stands(self, approval: Approval) -> bool:
        stands = self._facts.stands(approval)
        if not stands:
            self._withdrawn[approval.key] = approval
        return stands

    def _put_back(self, approval: Approval, serving: Serving, *, since: datetime) -> Decision | None:
        """Choose the release with which the version served before it failed its smoke test.

        SageMaker restores the former config when an update fails. It knows nothing of smoke tests, so the
        deployer does it.
        """
        if serving.former is None:
            return None
        judged = self._judge(serving.former, since=since)
        if not judged.failed:
            return Decision(Choice(approval, serving.former))
        return Decision(None, judged.retry_at) if judged.retry_at is not None else None

    def _judge(self, release: Release, *, since: datetime) -> Standing:
        """Judge a release by its failures since a time."""
        return standing(release, self._facts.history.deployments, since=since, now=self._now)


def release_of(facts: Facts, approval: Approval, shadow: Approval | None = None) -> Release:
    """Build the release of an approval and its shadow, if any, under the current settings."""
    return Release.build(
        facts.settings,
        _version_of(approval),
        pinned=_pinned(facts),
        shadow=_version_of(shadow) if shadow is not None else None,
        execution_role_arn=facts.identity.execution_role_arn,
        stack_name=facts.identity.stack_name,
    )


def pin_obstacles(facts: Facts) -> Iterator[tuple[str, int, Version | str]]:
    """Yield each pinned variant, its version's number, and the version or the reason why it may not serve."""
    for variant_name, number in facts.settings.pins.items():
        version = facts.version(facts.settings.version_name(number))
        if isinstance(version, Hidden):
            raise HiddenPinError(f"Version {number}, which {variant_name} is pinned to: {version.reason}")
        reason = obstacle(facts, version)
        if version is not None and reason is None:
            yield variant_name, number, Version(version.arn, version.version)
        else:
            yield variant_name, number, reason or ""


def _pinned(facts: Facts) -> dict[str, Version]:
    """Return the pinned versions that may serve, by variant name."""
    return {name: found for name, _, found in pin_obstacles(facts) if isinstance(found, Version)}


def _serving(facts: Facts, endpoint_config_name: str | None, *, in_service: bool) -> Serving | None:
    attempt = facts.history.latest_on(endpoint_config_name)
    if attempt is None:
        return None
    live = attempt.endpoint_config_name if in_service else None
    if attempt.failed_test is None:
        return Serving(attempt.version_arn, live)
    former = former_deployment(facts.history, attempt.version_arn, besides=attempt.endpoint_config_name)
    may_serve = former is not None and _may_serve_again(facts, former)
    return Serving(
        attempt.version_arn,
        live,
        failed_at=attempt.settled_at,
        former=Release.former(facts.settings, former) if former is not None and may_serve else None,
    )


def _may_serve_again(facts: Facts, former: Deployment) -> bool:
    """Tell whether the versions of a former deployment may serve again, and are unchanged."""
    versions = [facts.version(each) for each in former.version_arns]
    version = versions[0]
    if not isinstance(version, ModelVersion) or any(obstacle(facts, each) is not None for each in versions):
        return False
    if facts.settings.stage_name is None or former.artifact_digest is None:
        # Outside of stages, or without a digest, nobody can tell whether the artifacts are the same.
        return True
    return former.artifact_digest == facts.digest(version)


def rolls_back(facts: Facts, choice: Choice, endpoint: Endpoint | None) -> bool:
    """Tell whether the version that serves was approved later than the one about to be deployed."""
    if choice.release.is_former:
        return True
    serving = facts.history.latest_on(endpoint.endpoint_config_name) if endpoint is not None else None
    return serving is not None and (
        (serving.approved_at, serving.version) > choice.approval.order
        or any(
            same_arn(each.version_arn, serving.version_arn) and each.order > choice.approval.order
            for each in facts.history.approvals
        )
    )


def latest_per_version(approvals: Iterable[Approval]) -> Iterator[Approval]:
    """Yield each version's newest approval, newest first."""
    seen: set[str] = set()
    for approval in sorted(approvals, key=lambda each: each.order, reverse=True):
        key = approval.version_arn.lower()
        if key not in seen:
            seen.add(key)
            yield approval


def superseded(history: History, by: Approval) -> list[Approval]:
    """Return the approvals that were never deployed and that a newer one now supersedes.

    Whatever was approved before the version that served last was superseded when that version went out.
    """
    tried = {(each.version_arn.lower(), each.approved_at) for each in history.deployments}
    served = [
        (each.approved_at, each.version)
        for each in history.deployments
        if each.status is AttemptStatus.SUCCEEDED
    ]
    return [
        each
        for each in history.approvals
        if each.order < by.order
        and all(each.order > one for one in served if one < by.order)
        and each.counts
        and each.superseded_by is None
        and each.key not in tried
    ]


def _version_of(approval: Approval) -> Version:
    return Version(approval.version_arn, approval.version, approval.artifact_digest)
