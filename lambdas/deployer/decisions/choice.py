"""Decides which approval an endpoint serves. Pure.

The rule has two sentences. *Forward goes the newest approval that stands and has not failed. Back comes the
newest standing approval of a version that has served well here: with the present settings or, if these fail,
with the config that it served with.* An approval that was superseded before its version ever served goes out
only if no version that served well can.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from deployer.decisions.eligibility import hidden, ineligible, ineligible_shadow
from deployer.decisions.facts import reads_first
from deployer.decisions.former_releases import may_serve_again
from deployer.decisions.releases import newly_adopted, release_of
from deployer.decisions.retries import Standing, is_own_failure, standing
from deployer.decisions.served import ServedWell
from deployer.decisions.serving import serving_on
from deployer.decisions.trying_again import counting
from deployer.decisions.turns import Turns, latest_per_version
from deployer.decisions.verdicts import Rule, Trace, Verdict
from deployer.model.excerpts import sentence
from deployer.model.model_version import Hidden
from deployer.model.names import same_arn
from deployer.model.release import Release
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from deployer.decisions.facts import Facts
    from deployer.decisions.serving import Serving
    from deployer.model.approval import Approval, Ineligible
    from deployer.model.history import History


@value
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


@value
class Decision:
    """What an endpoint should serve.

    Attributes:
        choice: The approval to serve; None if there is none.
        retry_at: When a release that failed for a transient reason may be tried again; None if no such
            release waits.
        ineligible: Approvals that stand, of versions that may not be deployed now.
        withdrawn: Approvals that were found not to stand any more.
        superseded: Approvals that were found to be superseded before they served, each with the later version
            that went out instead.
        served: Approvals whose versions were found to have served well, each with the config.
        verdicts: Which rule decided about each approval that was considered, in that order.
    """

    choice: Choice | None
    retry_at: datetime | None = None
    ineligible: tuple[Ineligible, ...] = ()
    withdrawn: tuple[Approval, ...] = ()
    superseded: tuple[tuple[Approval, int], ...] = ()
    served: tuple[tuple[Approval, str], ...] = ()
    verdicts: tuple[Verdict, ...] = field(default=(), compare=False)


def decide_choice(
    facts: Facts,
    serving_config_name: str | None,
    *,
    now: datetime,
    in_service: bool = True,
    foreign_version_arn: str | None = None,
    besides: Iterable[Approval] = (),
    nothing_new: bool = False,
) -> Decision:
    """Decide which approval the endpoint serves.

    It needs each version's registry entry at most once, newest first, and stops at the first that may serve.

    Args:
        facts: What was read.
        serving_config_name: The config that the endpoint serves; None if it serves nothing.
        now: The time. It decides whether a failed release may be tried again.
        in_service: Whether the endpoint is in service.
        foreign_version_arn: The one version that the config serves; None if it serves several or none of the
            registry's, or if the journal knows the config.
        besides: Approvals to leave out. Clean-up asks what a reject of a version would bring back.
        nothing_new: Whether only versions count that serve, or have served well here.

    Raises:
        HiddenPinError: A pinned version is hidden.
        NotReadError: A fact was not read.
    """
    serving = serving_on(facts.history, serving_config_name, foreign_version_arn, in_service=in_service)
    return _Chooser(facts, serving, now, tuple(besides), nothing_new=nothing_new).choose()


choose = reads_first(decide_choice)
"""`decide_choice`, but a fact that was not read is returned, not raised."""


class _Chooser:
    """One decision, and what it found on the way."""

    def __init__(
        self,
        facts: Facts,
        serving: Serving | None,
        now: datetime,
        besides: tuple[Approval, ...],
        *,
        nothing_new: bool,
    ) -> None:
        self._facts = facts
        self._serving = serving
        self._now = now
        self._nothing_new = nothing_new
        self._retry_at: datetime | None = None
        self._served_well_waits = False
        self._served_well = ServedWell.on(facts.history)
        self._turns = Turns(facts.history, self._served_well)
        self._ineligible: list[Ineligible] = []
        self._withdrawn: dict[tuple[str, datetime], Approval] = {}
        self._trace = Trace()
        self._approvals: list[Approval] = []
        for each in facts.history.approvals:
            if each.rollback is not None:
                # Only another approval ends that: whatever else may serve, this does not.
                self._trace.say(Verdict(each, Rule.ROLLED_BACK))
            elif facts.follows(each) and not any(
                same_arn(each.version_arn, it.version_arn) for it in besides
            ):
                self._approvals.append(each)

    def choose(self) -> Decision:
        choice = self._live()
        if choice is not None and self._facts.settings.shadow is not None:
            choice = self._with_shadow(choice)
        is_ours = self._serving is not None and not self._serving.is_foreign
        serving = (
            choice.approval if choice is not None and is_ours and self._serves(choice.approval) else None
        )
        new = choice if choice is not None and not choice.keeps_serving else None
        adopted = newly_adopted(self._facts, new.approval, new.release) if new is not None else ()
        return Decision(
            choice,
            self._retry_at,
            tuple(self._ineligible),
            tuple(self._withdrawn.values()),
            self._turns.newly_superseded(serving),
            (*self._turns.newly_served(), *adopted),
            self._trace.verdicts,
        )

    def _live(self) -> Choice | None:
        """Return the newest approval that may serve; the last resort only if no other may, now or soon."""
        last_resort: list[Approval] = []
        for approval in latest_per_version(each for each in self._approvals if each.counts):
            if self._nothing_new and not (self._serves(approval) or self._served_well.has(approval)):
                self._trace.say(Verdict(approval, Rule.UNPROVEN))
                continue
            if approval.version_arn.lower() in self._facts.versions and not self._stands(approval):
                # The facts show that it does not stand: it needs no release.
                continue
            if self._is_last_resort(approval):
                last_resort.append(approval)
            elif (choice := self._choice(approval)) is not None:
                return choice
        choices = () if self._served_well_waits else map(self._choice, last_resort)
        return next(filter(None, choices), None)

    def _is_last_resort(self, approval: Approval) -> bool:
        if self._serves(approval) or self._served_well.has(approval):
            return False
        name = release_of(self._facts, approval).endpoint_config_name
        if (by := self._turns.superseded_by(approval)) is not None:
            self._trace.say(Verdict(approval, Rule.SUPERSEDED, superseded_by=by))
            return True
        failure = self._turns.failed_with_other_settings(approval, name)
        if failure is None:
            return False
        staying = self._staying()
        if staying is not None and self._is_live(release_of(self._facts, staying)):
            return False
        self._trace.say(Verdict(approval, Rule.FAILED_BEFORE, failure=failure))
        return True

    def _staying(self) -> Approval | None:
        """Return the approval of the version that serves, if it stands and failed no smoke test."""
        serving = next(filter(self._serves, latest_per_version(self._approvals)), None)
        if serving is None or self._serving is None or self._serving.failed_test:
            return None
        return serving if self._stands(serving) else None

    def _choice(self, approval: Approval) -> Choice | None:
        """Return what makes an approval serve; None if nothing may."""
        release = release_of(self._facts, approval)
        judged = self._judge(approval, release)
        serves, served_well = self._serves(approval), self._served_well.has(approval)
        if judged.lasts and not serves and not served_well:
            self._trace.refuse(approval, judged, None)
            return None
        if not self._stands(approval):
            return None
        failed_test = serves and judged.failed and self._serving is not None and self._serving.failed_test
        reason = None
        if not (self._is_live(release) or failed_test or (judged.lasts and not serves)):
            reason = ineligible(self._facts, approval, release)
            self._ineligible += [reason] if reason is not None else []
        if not judged.failed and reason is None:
            self._trace.say(Verdict(approval, Rule.CHOSEN))
            return Choice(approval, release)
        self._trace.refuse(approval, judged, reason)
        if judged.retry_at is not None:
            self._wait(judged.retry_at, served_well=served_well and reason is None)
        if serves and not failed_test:
            # Never go below a version that serves and still stands. An older version would get the same
            # settings that failed with this one, or exclude it.
            self._trace.say(Verdict(approval, Rule.KEPT, judged.failure, judged.retry_at, reason))
            return Choice(approval, release, keeps_serving=True)
        if not served_well or (not serves and self._staying() is not None):
            # Nothing is put back in the place of a version that serves and stands.
            return None
        return self._put_back(approval, besides=release.endpoint_config_name)

    def _put_back(self, approval: Approval, *, besides: str) -> Choice | None:
        """Return the very release with which a version served well before, if it may serve again.

        SageMaker restores the former config when an update fails. It knows nothing of smoke tests, so the
        deployer does it.
        """
        facts = self._facts
        former = self._served_well.former(approval, besides=besides)
        if former is None:
            return None
        assert former.settled_at is not None, "it succeeded"
        release = Release.former(facts.settings, former, stack_name=facts.identity.stack_name)
        since = max(former.settled_at, approval.approved_at)
        deployments = counting(self._history.deployments, approval)
        judged = standing(release, deployments, since=since, now=self._now)
        may = may_serve_again(facts, former, approval, serves=self._serves(approval))
        if isinstance(may, Hidden) and not judged.lasts:
            reason = hidden(approval, f"It cannot be put back as it served: {sentence(may.reason)}")
            self._trace.say(Verdict(approval, Rule.INELIGIBLE, ineligible=reason))
            if not any(each.approval == approval for each in self._ineligible):
                self._ineligible.append(reason)
        if may is not True:
            return None
        if judged.retry_at is not None:
            self._wait(judged.retry_at, served_well=True)
        if judged.failed:
            self._trace.refuse(approval, judged, None)
            return None
        self._trace.say(Verdict(approval, Rule.PUT_BACK))
        return Choice(approval, release)

    @property
    def _history(self) -> History:
        return self._facts.history

    def _serves(self, approval: Approval) -> bool:
        return self._serving is not None and self._serving.is_of(approval)

    def _wait(self, retry_at: datetime, *, served_well: bool) -> None:
        """Note that a release may be tried again later, and whether its version has served well."""
        self._retry_at = self._retry_at or retry_at
        self._served_well_waits = self._served_well_waits or served_well

    def _is_live(self, release: Release) -> bool:
        return (
            self._serving is not None and release.endpoint_config_name == self._serving.endpoint_config_name
        )

    def _with_shadow(self, choice: Choice) -> Choice:
        """Return the choice with its shadow: the newest version approved later that has not failed."""
        if choice.keeps_serving or choice.release.is_former:
            return choice
        live = choice.approval
        for shadow in latest_per_version(
            each for each in self._approvals if each.decides and not each.counts
        ):
            if shadow.order <= live.order:
                break
            if self._nothing_new and not (self._serving and self._serving.has(shadow)):
                continue
            if same_arn(shadow.version_arn, live.version_arn):
                continue
            release = release_of(self._facts, live, shadow)
            deployments, since = counting(self._history.deployments, shadow), shadow.approved_at
            judged = standing(release, deployments, since=since, now=self._now)
            if judged.failed:
                self._trace.refuse(shadow, judged, None)
                continue
            if not self._stands(shadow):
                continue
            reason = ineligible_shadow(self._facts, shadow, release, live=live, without_shadow=choice.release)
            if reason is None:
                self._trace.say(Verdict(shadow, Rule.SHADOWS))
                return replace(choice, release=release, shadow=shadow)
            self._trace.refuse(shadow, judged, reason)
            self._ineligible.append(reason)
        return choice

    def _stands(self, approval: Approval) -> bool:
        stands = self._facts.stands(approval)
        if not stands:
            self._withdrawn[approval.key] = approval
            self._trace.say(Verdict(approval, Rule.WITHDRAWN))
        return stands

    def _judge(self, approval: Approval, release: Release) -> Standing:
        """Judge a release by its failures, and by its version's own, since the approval."""
        deployments, since = self._history.deployments, approval.approved_at
        if not (self._serves(approval) and self._serving is not None and self._serving.failed_test):
            # A version that serves although it failed its test has to leave before it is tried again.
            deployments = counting(deployments, approval)
        own = (each for each in deployments if is_own_failure(each, release, approval))
        if not self._served_well.has(approval) and (failure := next(own, None)) is not None:
            return Standing(failed=True, failure=failure)
        return standing(release, deployments, since=since, now=self._now)
