"""Explains why a version serves on an endpoint, or does not, and what would change that. Pure.

The decision says which rule decided (`verdicts`), and the plan says what becomes of the choice. This module
only puts both into words. The function's own handler never imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.decisions.course import NothingApproved, UnderWay
from deployer.decisions.plan import (
    Blocked,
    CannotChange,
    Deploy,
    Foreign,
    Held,
    InSync,
    NothingStands,
    OnTestEndpoint,
    WaitForAlarms,
    WaitToRetry,
)
from deployer.decisions.reasons import WORDS, Reason
from deployer.decisions.restarting import restart_of
from deployer.decisions.verdicts import CHOSEN_BY, Rule
from deployer.model.approval import Weight
from deployer.model.attempt import Deployment
from deployer.model.excerpts import sentence
from deployer.model.model_version import Hidden
from deployer.model.names import same_arn, version_number
from deployer.model.steps import CreateTestEndpoint
from deployer.value import value

if TYPE_CHECKING:
    from deployer.decisions.course import Course, Preview
    from deployer.decisions.verdicts import Verdict
    from deployer.model.approval import Approval
    from deployer.model.model_version import ModelVersion


_SOON: Final = frozenset({Reason.NEXT, Reason.QUEUED, Reason.TESTED_FIRST})
"""What becomes of a version that nothing holds back."""

_BY_RULE: Final = {
    Rule.WITHDRAWN: Reason.NOT_APPROVED,
    Rule.ROLLED_BACK: Reason.ROLLED_BACK,
    Rule.SUPERSEDED: Reason.SUPERSEDED,
    Rule.FAILED_BEFORE: Reason.FAILED_BEFORE,
    Rule.FAILED: Reason.FAILED,
    Rule.WAITS: Reason.WAITS,
    Rule.INELIGIBLE: Reason.INELIGIBLE,
    Rule.UNPROVEN: Reason.HELD,
    Rule.OLDER: Reason.OLDER,
    Rule.ONLY_SHADOWS: Reason.ONLY_SHADOWS,
    Rule.IGNORED: Reason.IGNORED,
    Rule.SHADOWS: Reason.SHADOW_NEXT,
}


@value
class Explanation:
    """Why one version serves, or does not.

    Attributes:
        version_arn: The version.
        reason: Why.
        detail: What the reason leaves open, in a sentence: a refusal, a time, a version.
        change: What would change it.
        approval: Its approval that may stand; None if there is none.
        verdict: What the decision said of it; None if it did not consider it.
    """

    version_arn: str
    reason: Reason
    detail: str | None
    change: str
    approval: Approval | None
    verdict: Verdict | None

    @property
    def version(self) -> int:
        """Its number."""
        return version_number(self.version_arn)

    @property
    def rule(self) -> str:
        """Why, in a sentence."""
        return WORDS[self.reason].rule

    @property
    def words(self) -> str:
        """The rule, and what it leaves open."""
        return f"{self.rule} {self.detail or ''}".rstrip()


def explain(preview: Preview, version_arn: str, version: ModelVersion | Hidden | None) -> Explanation:
    """Explain one version.

    Args:
        preview: What a pass over the endpoint would find and do.
        version_arn: The version.
        version: The version as the registry shows it.
    """
    approvals = [each for each in preview.facts.history.approvals if same_arn(each.version_arn, version_arn)]
    verdicts = preview.chosen.verdicts if preview.chosen is not None else ()
    verdict = next((each for each in verdicts if same_arn(each.approval.version_arn, version_arn)), None)
    approval = verdict.approval if verdict is not None else next(iter(approvals), None)
    reason = _reason(preview, version_arn, verdict, approval, version)
    detail, change = _told(preview, reason, verdict, approval, version)
    return Explanation(version_arn, reason, detail, change or WORDS[reason].change, approval, verdict)


def _reason(
    preview: Preview,
    version_arn: str,
    verdict: Verdict | None,
    approval: Approval | None,
    version: ModelVersion | Hidden | None,
) -> Reason:
    for place, each in enumerate(preview.serves):
        if same_arn(each, version_arn):
            return _of_serving(preview, verdict) if place == 0 else _of_companion(preview, version_arn)
    course = preview.course
    if isinstance(course, UnderWay) and _is_of(course, version_arn):
        return Reason.UNDER_WAY
    if verdict is not None:
        return _of_choice(course) if verdict.rule in CHOSEN_BY else _BY_RULE[verdict.rule]
    if approval is not None:
        return {
            Weight.COUNTS: Reason.OLDER,
            Weight.SHADOWS: Reason.ONLY_SHADOWS,
            Weight.IGNORED: Reason.IGNORED,
        }[approval.weight]
    return _of_unknown(preview, version_arn, version)


def _is_of(course: UnderWay, version_arn: str) -> bool:
    attempt = course.attempt
    return isinstance(attempt, Deployment) and any(
        same_arn(each, version_arn) for each in attempt.version_arns
    )


def _of_serving(preview: Preview, verdict: Verdict | None) -> Reason:
    choice = preview.chosen.choice if preview.chosen is not None else None
    if verdict is not None and verdict.rule is Rule.KEPT:
        is_restart = verdict.failure is not None and verdict.failure.restart is not None
        return Reason.RESTART_FAILED if is_restart else Reason.SERVES_AS_IT_IS
    if choice is None:
        stands = verdict is not None and verdict.rule not in {Rule.WITHDRAWN, Rule.ROLLED_BACK}
        return Reason.SERVES_AS_IT_IS if stands else Reason.STAYS_UNAPPROVED
    if same_arn(choice.approval.version_arn, preview.serves[0]):
        is_next = restart_of(preview.facts.history, choice) is not None
        return Reason.RESTARTS if is_next else Reason.SERVES
    return Reason.LEAVES


def _of_companion(preview: Preview, version_arn: str) -> Reason:
    config_name = preview.endpoint.endpoint_config_name if preview.endpoint is not None else None
    deployment = preview.facts.history.latest_on(config_name)
    shadow = deployment.shadow if deployment is not None else None
    is_shadow = shadow is not None and same_arn(shadow.version_arn, version_arn)
    return Reason.SHADOWS if is_shadow else Reason.SERVES_BESIDE


def _of_choice(course: Course) -> Reason:
    """Return what becomes of the version that was chosen."""
    match course:
        case Deploy(refusal=None, change=CreateTestEndpoint()) | OnTestEndpoint():
            return Reason.TESTED_FIRST
        case Deploy(refusal=None) | InSync() | WaitToRetry() | NothingStands() | NothingApproved():
            return Reason.NEXT
        case Deploy():
            return Reason.CANNOT_RETURN
        case UnderWay():
            return Reason.QUEUED
        case Held():
            return Reason.HELD
        case WaitForAlarms():
            return Reason.WAITS_FOR_ALARMS
        case CannotChange():
            return Reason.CANNOT_CHANGE
        case Blocked():
            return Reason.BLOCKED
        case Foreign():
            return Reason.FOREIGN


def _of_unknown(preview: Preview, version_arn: str, version: ModelVersion | Hidden | None) -> Reason:
    """Return why the journal has no approval of a version."""
    facts = preview.facts
    if isinstance(version, Hidden) or any(
        same_arn(each.version_arn, version_arn) for each in facts.history.heard
    ):
        return Reason.HIDDEN
    if version is None:
        return Reason.NO_SUCH_VERSION
    if not facts.settings.follows(version.arn, version.group_name, own_account=facts.identity.account_id):
        return Reason.NOT_FOLLOWED
    if not version.deployable:
        return Reason.NOT_APPROVED
    if not facts.settings.admits(version.life_cycle):
        return Reason.NOT_ADMITTED
    look = facts.history.last_observed.first_look
    if look is not None and version.version in look.versions:
        return Reason.BEFORE_FIRST_LOOK
    return Reason.NOT_SEEN


def _told(
    preview: Preview,
    reason: Reason,
    verdict: Verdict | None,
    approval: Approval | None,
    version: ModelVersion | Hidden | None,
) -> tuple[str | None, str | None]:
    """Return what is known beyond the reason itself, and what would change it if that is known better."""
    # What holds the chosen version back also holds its shadow back.
    is_of_choice = reason in {Reason.SHADOW_NEXT, Reason.RESTARTS}
    held_by = _of_choice(preview.course) if is_of_choice else reason
    if reason is Reason.RESTARTS and held_by in _SOON:
        held_by = reason
    change = WORDS[held_by].change
    match preview.course:
        case Held(message) | Foreign(message) if held_by in {Reason.HELD, Reason.FOREIGN}:
            return message, change
        case CannotChange(asked) if held_by is Reason.CANNOT_CHANGE:
            return f"{asked}.", change
        case Blocked(status, failure_reason) if held_by is Reason.BLOCKED:
            return (
                f"The endpoint is {status}. SageMaker's reason: {failure_reason or 'none given'}",
                change,
            )
        case WaitForAlarms(alarm_names, until) if held_by is Reason.WAITS_FOR_ALARMS:
            return f"{', '.join(alarm_names)}, until {until:%Y-%m-%d %H:%M} UTC at most.", change
        case Deploy(refusal=str(refusal)) if held_by is Reason.CANNOT_RETURN:
            return refusal, change
        case _:
            pass
    if reason is Reason.RESTARTS and approval is not None and approval.restart is not None:
        return sentence(approval.restart.words), change
    if reason is Reason.SHADOW_NEXT:
        return None, change
    if verdict is not None and reason not in {Reason.SERVES, Reason.NEXT}:
        return _of_verdict(verdict)
    if approval is not None and reason in {Reason.IGNORED, Reason.ONLY_SHADOWS}:
        return approval.objection, None
    return _of_version(preview, reason, version)


def _of_verdict(verdict: Verdict) -> tuple[str | None, str | None]:
    if verdict.approval.rollback is not None:
        return sentence(verdict.approval.rollback.words), None
    if verdict.ineligible is not None:
        return verdict.ineligible.reason, verdict.ineligible.remedy
    if verdict.superseded_by is not None:
        return f"v{verdict.superseded_by} went out instead.", None
    if verdict.failure is not None:
        reason = verdict.failure.reason
        if verdict.retry_at is not None:
            return reason, f"Wait until {verdict.retry_at:%Y-%m-%d %H:%M} UTC, or remove the hindrance."
        return reason, None
    return None, None


def _of_version(
    preview: Preview, reason: Reason, version: ModelVersion | Hidden | None
) -> tuple[str | None, str | None]:
    if isinstance(version, Hidden):
        return version.reason, None
    gate = preview.facts.settings.gate
    if reason is Reason.NOT_ADMITTED and gate is not None and version is not None:
        has = "/".join(version.life_cycle) if version.life_cycle is not None else "none"
        asked = "/".join(gate.asks_for)
        return f"Its life cycle is {has}; the stage asks for {asked}.", f"Set its life cycle to {asked}."
    if reason is Reason.NOT_APPROVED and version is not None:
        by, at = version.last_modified_by.name, version.last_modified_time
        return f"It is {version.approval_status} since {at:%Y-%m-%d %H:%M} UTC, by {by}.", None
    return None, None
