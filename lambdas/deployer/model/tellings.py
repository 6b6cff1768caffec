"""Words outcomes for people: a headline, why, and the next step. Pure.

A headline does not name the endpoint: the message puts its name first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.model.attempt import AttemptStatus, Deployment, Promotion
from deployer.model.cause import Cause, next_step
from deployer.model.names import version_in
from deployer.model.outcome import OutcomeKind, Telling

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.approval import Approval

OVERVIEW: Final = "operations.md#outcomes"
FAILURE: Final = "operations.md#after-a-failure"
SMOKE_TEST: Final = "operations.md#a-version-failed-its-smoke-test"
IGNORED: Final = "operations.md#an-approval-is-ignored"
ATTENTION: Final = "operations.md#what-needs-attention"
PAUSE: Final = "operations.md#pause-rollouts"
STAGES: Final = "accounts.md#from-stage-to-stage"
PROMOTION: Final = "accounts.md#when-it-calls-you"
PAGES: Final = (OVERVIEW, FAILURE, SMOKE_TEST, IGNORED, ATTENTION, PAUSE, STAGES, PROMOTION)

_COUNTS_INSTANCES: Final = " Instances"
"""In SageMaker's message about a quota, if that is what it counts."""

_PUT_BACK: Final = "The newest approved version that served well comes back, if there is one."


def of_start(attempt: Deployment) -> Telling:
    """Word that SageMaker accepted a deployment."""
    version = _version(attempt)
    told = []
    if attempt.restart is not None:
        told.append(f"{attempt.restart.by} asked for a restart.")
    elif attempt.retry is not None:
        told.append(f"{attempt.retry.by} asked to try it again.")
    if attempt.alarms_left_out:
        told.append(f"These alarms cannot stop it: {', '.join(attempt.alarms_left_out)}.")
    if attempt.unguarded is not None:
        told.append(f"It takes all calls at once: {attempt.unguarded}.")
    if attempt.rolls_back:
        headline = f"{version} is coming back"
    elif version_in(attempt.replaces_endpoint_config_name or "") == attempt.version:
        headline = f"{version} is being rolled out again"
    else:
        headline = f"{version} is going out"
    return _of(
        attempt,
        f"{headline}.",
        OVERVIEW,
        why=" ".join(told) or None,
        next_step="Watch the rollout, and see to the alarms."
        if attempt.alarms_left_out
        else "Nothing: another message says how it ended.",
    )


def of_end(attempt: Deployment, serving: str | None, retry_at: datetime | None, *, holds: bool) -> Telling:
    """Word how a deployment ended.

    Args:
        attempt: A settled deployment that has an outcome.
        serving: The endpoint config that serves, if any does.
        retry_at: When it is tried again automatically; None if it is not.
        holds: Whether only another approval lets a failed version be tried again, and no change of settings.
    """
    version = f"v{attempt.version}"
    if attempt.status is AttemptStatus.ABORTED:
        if attempt.was_tested_in_service:
            headline, step = f"{version} came into service and does not stay.", _PUT_BACK
        else:
            headline, step = f"{_not_live(attempt, serving)}", "Nothing."
        again = f"To bring {version} out after all, approve it again."
        return _of(attempt, headline, OVERVIEW, why=attempt.reason, next_step=f"{step} {again}")
    if attempt.failed_test is not None:
        return _of_failed_test(attempt, serving, holds=holds)
    if attempt.reason is not None:
        return _of(
            attempt,
            _not_live(attempt, serving, yet=attempt.was_hindered or retry_at is not None),
            FAILURE,
            why=attempt.reason,
            next_step=_after_failure(attempt, retry_at, holds=holds),
        )
    if attempt.rolls_back:
        why, step = "A newer version failed or is no longer approved.", "Nothing."
        if attempt.rollback is not None:
            why = f"{attempt.rollback.by} rolled the endpoint back: {attempt.rollback.reason}"
            step = "Nothing. The newer versions stay away until somebody approves one again."
        return _of(attempt, f"{_version(attempt)} serves again.", OVERVIEW, why=why, next_step=step)
    return _of(
        attempt,
        f"{_version(attempt)} serves.",
        OVERVIEW,
        next_step=f"Nothing. To go back, reject {version} in the registry.",
    )


def _of_failed_test(attempt: Deployment, serving: str | None, *, holds: bool) -> Telling:
    version = f"v{attempt.version}"
    change = "change the test" if holds else "change its settings or the test"
    step = f"Register a corrected version, {change}, or try it again: {_try_again(attempt)}."
    if serving != attempt.endpoint_config_name:
        when = "before" if attempt.test_endpoint_name is not None else "during"
        headline = f"{version} failed its smoke test {when} its rollout. {_still(serving)}"
    else:
        # While it serves, no retry brings it out.
        step = f"{_PUT_BACK} Register a corrected version, approve {version} again, or {change}."
        headline = f"{version} serves and failed its smoke test."
    return _of(attempt, headline, SMOKE_TEST, why=attempt.reason, next_step=step)


def _after_failure(attempt: Deployment, retry_at: datetime | None, *, holds: bool) -> str:
    again = _try_again(attempt)
    if retry_at is not None:
        when = f"{retry_at:%Y-%m-%d %H:%M} UTC"
        tried = f"It is tried again at {when} or soon after. To try at once: {again}."
        if counts_twice(attempt):
            tried += " Old and new instances count against the quota during an update."
        return f"{next_step(attempt.reason or '')} {tried}" if attempt.was_hindered else tried
    if holds:
        return f"Register a corrected version, or try it again: {again}."
    if attempt.cause is Cause.SETTINGS:
        return f"Correct the endpoint's YAML, or try it again: {again}."
    return f"Register a corrected version, change the endpoint's settings, or try it again: {again}."


def _try_again(attempt: Deployment) -> str:
    """Return the command that has a version tried again. With a shadow, the shadow decided."""
    version = (attempt.shadow or attempt).version
    return f"`greenlight retry {attempt.endpoint_name} {version}`"


def counts_twice(attempt: Deployment) -> bool:
    """Tell whether an update failed for a quota of instances, of which it takes twice as many as serve."""
    # SageMaker's own sentence gives only the requested and the existing number, and not the reason.
    reason = attempt.reason or ""
    return attempt.quota is not None and attempt.doubles_instances and _COUNTS_INSTANCES in reason


def of_promotion(attempt: Promotion) -> Telling:
    """Word how a promotion ended."""
    version, goal = f"v{attempt.version}", "/".join(attempt.goal)
    if attempt.status is AttemptStatus.FAILED:
        return _of(
            attempt,
            f"{version} serves and was not promoted to {goal}.",
            PROMOTION,
            why=attempt.reason,
            next_step=f"Set its life cycle by hand, or remove the cause and approve {version} again.",
        )
    return _of(
        attempt,
        f"{version} served well and is {goal} now.",
        STAGES,
        why=attempt.reason,
        next_step="If that is pending, a person decides on it in the registry.",
    )


def of_approval(approval: Approval, why: str, remedy: str) -> Telling:
    """Word that an approval does not count, or cannot be deployed yet."""
    return Telling(
        headline=f"v{approval.version} is approved and is not deployed.",
        thread=f"{approval.endpoint_name}/{approval.correlation_id}",
        page=IGNORED,
        why=why,
        next_step=remedy,
        approved_by=approval.approved_by,
        approved_at=approval.approved_at,
    )


def of_notice(kind: OutcomeKind, thread: str, message: str) -> Telling:
    """Word that a person must act, or that a rollout waits. The notice itself says what to do."""
    if kind is OutcomeKind.HELD:
        return Telling(
            headline="A rollout waits.",
            thread=thread,
            page=PAUSE,
            why=message,
            next_step="Nothing: it goes out by itself.",
        )
    return Telling(headline="A person must act.", thread=thread, page=ATTENTION, why=message)


def of_removal(endpoint_name: str) -> Telling:
    """Word that an endpoint's settings were removed."""
    return Telling(
        headline="It is no longer managed.",
        thread=endpoint_name,
        page=OVERVIEW,
        why="Its YAML was removed. If the endpoint exists, it keeps serving.",
        next_step="Delete the endpoint, or add its YAML again.",
    )


def _of(
    attempt: Deployment | Promotion,
    headline: str,
    page: str,
    *,
    why: str | None = None,
    next_step: str | None = None,
) -> Telling:
    return Telling(
        headline=headline,
        thread=f"{attempt.endpoint_name}/{attempt.number}/{attempt.started_at:%Y%m%dT%H%M%SZ}",
        page=page,
        why=why,
        next_step=next_step,
        approved_by=attempt.approved_by,
        approved_at=attempt.approved_at,
        began=attempt.started_at if attempt.settled_at is not None else None,
        tried_on=attempt.tried_on if isinstance(attempt, Deployment) else None,
    )


def _version(attempt: Deployment) -> str:
    shadow = attempt.shadow
    return f"v{attempt.version}" + (f" (with v{shadow.version} as its shadow)" if shadow is not None else "")


def _not_live(attempt: Deployment, serving: str | None, *, yet: bool = False) -> str:
    """Word that a version did not go live, and what serves. Other settings of the same version may serve."""
    version = f"v{attempt.version}"
    if serving is not None and version_in(serving) == attempt.version:
        return f"{version} did not go out again{' yet' if yet else ''}. It serves as it did before."
    told = f"{version} is not live yet." if yet else f"{version} did not go live."
    return f"{told} {_still(serving)}"


def _still(serving: str | None) -> str:
    if serving is None:
        return "Nothing serves."
    version = version_in(serving)
    return f"v{version} still serves." if version is not None else f"{serving} still serves."
