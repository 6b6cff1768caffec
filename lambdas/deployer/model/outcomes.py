"""Words the outcomes of approvals, for the event bus and for people."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from deployer.model import tellings
from deployer.model.attempt import AttemptStatus, Deployment, Promotion
from deployer.model.cause import next_step
from deployer.model.excerpts import sentence
from deployer.model.names import fingerprint
from deployer.model.outcome import Outcome, OutcomeKind

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.approval import Approval, Ineligible
    from deployer.model.endpoint import Endpoint
    from deployer.model.outcome import Telling
    from deployer.model.smoke_test import Failure


def started(attempt: Deployment) -> Outcome:
    """Report that SageMaker accepted an attempt."""
    left_out = attempt.alarms_left_out
    unguarded = (
        f" These alarms are on already, or cannot be made or set, so they cannot stop it: "
        f"{', '.join(left_out)}."
        if left_out
        else ""
    )
    if attempt.unguarded is not None:
        unguarded += f" Its guardrails are left out, so that it takes all calls at once: {attempt.unguarded}."
    done = "put back on" if attempt.rolls_back else "deployed to"
    at_once = ", as fast as SageMaker can, without waits and alarms" if attempt.at_once else ""
    return _of_attempt(
        attempt,
        OutcomeKind.STARTED,
        attempt.started_at,
        f"{_version(attempt)} is being {done} {attempt.endpoint_name}{at_once}, "
        f"approved by {attempt.approved_by}.{unguarded}",
        tellings.of_start(attempt),
        AlarmsLeftOut=list(left_out),
        GuardrailsLeftOut=attempt.unguarded,
        AtOnce=attempt.at_once,
    )


def settled(
    attempt: Deployment | Promotion,
    endpoint: Endpoint | None,
    retry_at: datetime | None,
    *,
    holds: bool = False,
) -> Outcome:
    """Word how an attempt ended.

    Args:
        attempt: A settled attempt that has an outcome.
        endpoint: The endpoint as it is now.
        retry_at: When a failed attempt is tried again automatically; None if it is not.
        holds: Whether only another approval lets a failed version be tried again, and no change of settings.
    """
    assert attempt.settled_at is not None
    serving = endpoint.endpoint_config_name if endpoint is not None and endpoint.updatable else None
    more: dict[str, Any] = {
        "ServingEndpointConfigName": serving,
        "RetryAt": retry_at.isoformat() if retry_at is not None else None,
        "Quota": None,
    }
    match attempt:
        case Promotion():
            kind, message = _end_of_promotion(attempt)
            telling = tellings.of_promotion(attempt)
            more |= {"ModelLifeCycle": attempt.goal._asdict()}
        case Deployment():
            kind, message = _end(attempt, serving, retry_at, holds=holds)
            telling = tellings.of_end(attempt, serving, retry_at, holds=holds)
            more |= {"Quota": attempt.quota}
            if attempt.failed_test is not None:
                more |= {"SmokeTest": _test_detail(attempt.failed_test)}
    return _of_attempt(attempt, kind, attempt.settled_at, message, telling, **more)


def _end(
    attempt: Deployment, serving: str | None, retry_at: datetime | None, *, holds: bool
) -> tuple[OutcomeKind, str]:
    version = _version(attempt)
    still = f"The endpoint keeps serving {serving}." if serving else "The endpoint serves nothing."
    if attempt.status is AttemptStatus.ABORTED and attempt.was_tested_in_service:
        return OutcomeKind.ABORTED, (
            f"{version} came into service on {attempt.endpoint_name} and does not stay: {attempt.reason} "
            "The newest approved version that served well is put back, if there is one."
        )
    if attempt.status is AttemptStatus.ABORTED:
        told = f"{version} did not go live on {attempt.endpoint_name}: {attempt.reason} {still}"
        return OutcomeKind.ABORTED, told
    if attempt.failed_test is not None:
        change = "the test changes" if holds else "its settings or the test change"
        if serving != attempt.endpoint_config_name:
            when = f"on {attempt.endpoint_name} during its rollout, and SageMaker rolled it back"
            if attempt.test_endpoint_name is not None:
                when = f"before its rollout to {attempt.endpoint_name}, so no caller reached it"
            return OutcomeKind.FAILED, (
                f"{version} failed its smoke test {when}: {attempt.reason} {still} "
                f"The version is tried again once it is approved again, or {change}."
            )
        return OutcomeKind.FAILED, (
            f"{version} serves on {attempt.endpoint_name} and failed its smoke test: {attempt.reason} "
            "The newest approved version that served well is put back, if there is one. "
            f"The version is tried again once it is approved again, or {change}."
        )
    if attempt.was_hindered:
        return OutcomeKind.NEEDS_ATTENTION, _hindered(attempt, still, retry_at)
    if attempt.reason is not None:
        again = _again(retry_at, holds=holds)
        twice = (
            "During an update, old and new instances count: that takes twice as many as serve. "
            if tellings.counts_twice(attempt)
            else ""
        )
        return OutcomeKind.FAILED, (
            f"{version} did not go live on {attempt.endpoint_name}: {attempt.reason} {twice}{still} {again}"
        )
    if attempt.rolls_back:
        why = "a newer one failed or is no longer approved."
        if attempt.rollback is not None:
            why = sentence(attempt.rollback.words)
        return OutcomeKind.ROLLED_BACK, f"{version} serves on {attempt.endpoint_name} again: {why}"
    return OutcomeKind.SUCCEEDED, f"{version} serves on {attempt.endpoint_name}."


def _hindered(attempt: Deployment, still: str, retry_at: datetime | None) -> str:
    """Word what keeps a version from going live, and what a person can do."""
    again = f"at {retry_at.isoformat(timespec='minutes')} or soon after, " if retry_at is not None else ""
    return (
        f"{_version(attempt)} is not live on {attempt.endpoint_name} yet, and neither it nor its settings "
        f"are at fault: {attempt.reason} {still} {next_step(attempt.reason or '')} It is tried again {again}"
        "then less and less often; and at once when it is approved again. `succeeded` says when it serves."
    )


def _again(retry_at: datetime | None, *, holds: bool) -> str:
    """Word when a failed attempt is tried again, and what a person can do."""
    if retry_at is not None:
        return f"It is tried again at {retry_at.isoformat(timespec='minutes')} or soon after."
    if holds:
        return "It is not tried again until it is approved again, also with other settings."
    return (
        "It is not tried again until it is approved again or its settings change. "
        "The version that serves takes changed settings first."
    )


def _end_of_promotion(attempt: Promotion) -> tuple[OutcomeKind, str]:
    version, goal = _version(attempt), "/".join(attempt.goal)
    if attempt.status is AttemptStatus.FAILED:
        return OutcomeKind.FAILED, (
            f"{version} served well on {attempt.endpoint_name} and was not promoted to {goal}: "
            f"{attempt.reason} Set its life cycle by hand, or mend the cause and approve it again."
        )
    done = attempt.reason or f"The registry has it as {goal} now."
    return OutcomeKind.PROMOTED, f"{version} served well on {attempt.endpoint_name}. {done}"


def _test_detail(failure: Failure) -> dict[str, Any]:
    return {
        "Request": failure.request,
        "Answer": failure.answer,
        "Expectation": failure.expectation,
    }


def ignored(approval: Approval) -> Outcome:
    """Describe an approval that does not count."""
    assert approval.objection is not None
    outcome_id = f"{approval.endpoint_name}/{approval.correlation_id}/{OutcomeKind.IGNORED.value}"
    remedy = "Let one of the approvers approve it."
    return _of_approval(outcome_id, approval, approval.approved_at, approval.objection, remedy)


def ineligible(found: Ineligible, *, time: datetime) -> Outcome:
    """Describe an approval that cannot be deployed yet.

    The outcome's id covers the reason, so a new reason for the same approval is reported again.
    """
    approval = found.approval
    outcome_id = f"{approval.endpoint_name}/{approval.correlation_id}/{fingerprint(found.reason)}"
    return _of_approval(outcome_id, approval, time, found.reason, found.remedy)


def _of_approval(outcome_id: str, approval: Approval, time: datetime, reason: str, remedy: str) -> Outcome:
    return Outcome(
        outcome_id=outcome_id,
        kind=OutcomeKind.IGNORED,
        endpoint_name=approval.endpoint_name,
        message=(
            f"Version {approval.version} of {approval.group_name} is not deployed to "
            f"{approval.endpoint_name}: {reason} {remedy}"
        ),
        correlation_id=approval.correlation_id,
        time=time,
        detail={
            "ModelPackageArn": approval.version_arn,
            "ModelPackageGroupName": approval.group_name,
            "ModelPackageVersion": approval.version,
            "ApprovedAt": approval.approved_at.isoformat(),
            "ApprovedBy": approval.approved_by,
            "Reason": reason,
        },
        telling=tellings.of_approval(approval, reason, remedy),
    )


def notice(kind: OutcomeKind, endpoint_name: str, message: str, *, time: datetime, cause: str) -> Outcome:
    """Report that a person must act on an endpoint, or that a rollout waits. `cause` is a correlation id."""
    return Outcome(
        outcome_id=f"{endpoint_name}/{cause}/{fingerprint(message)}",
        kind=kind,
        endpoint_name=endpoint_name,
        message=message,
        correlation_id=cause,
        time=time,
        detail={"Reason": message},
        telling=tellings.of_notice(kind, f"{endpoint_name}/{cause}", message),
    )


def unmanaged(endpoint_name: str, *, managed_at: datetime, time: datetime, correlation_id: str) -> Outcome:
    """Report that an endpoint's settings were removed.

    Args:
        endpoint_name: The endpoint.
        managed_at: When its last settings were noted, so that each removal has an id, and its copies the
            same.
        time: When it was found out.
        correlation_id: The event's by which it was found out.
    """
    return Outcome(
        outcome_id=f"{endpoint_name}/{managed_at.isoformat()}/{OutcomeKind.UNMANAGED.value}",
        kind=OutcomeKind.UNMANAGED,
        endpoint_name=endpoint_name,
        message=(
            f"{endpoint_name} is no longer managed. If it exists, it keeps serving what it has: "
            "delete it yourself, or add its YAML again."
        ),
        correlation_id=correlation_id,
        time=time,
        detail={},
        telling=tellings.of_removal(endpoint_name),
    )


def _version(attempt: Deployment | Promotion) -> str:
    shadow = attempt.shadow
    beside = f", with version {shadow.version} as its shadow," if shadow is not None else ""
    return f"Version {attempt.version} of {attempt.group_name}{beside}"


def _of_attempt(
    attempt: Deployment | Promotion,
    kind: OutcomeKind,
    time: datetime,
    message: str,
    telling: Telling,
    **more: Any,  # noqa: ANN401 - any JSON value
) -> Outcome:
    # A journal that is restored to an earlier time uses its numbers again.
    began = attempt.started_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return Outcome(
        outcome_id=f"{attempt.endpoint_name}/{attempt.number}/{kind.value}/{began}",
        kind=kind,
        endpoint_name=attempt.endpoint_name,
        message=message,
        correlation_id=attempt.correlation_id,
        time=time,
        detail={
            "Attempt": attempt.number,
            "Action": attempt.action.value,
            "ModelPackageArn": attempt.version_arn,
            "ModelPackageGroupName": attempt.group_name,
            "ModelPackageVersion": attempt.version,
            "ModelName": attempt.model_name,
            "EndpointConfigName": attempt.endpoint_config_name,
            "Companions": [
                {
                    "VariantName": each.variant_name,
                    "ModelPackageArn": each.version_arn,
                    "ModelPackageVersion": each.version,
                    "Shadow": each.is_shadow,
                }
                for each in attempt.companions
            ],
            "ApprovedAt": attempt.approved_at.isoformat(),
            "ApprovedBy": attempt.approved_by,
            "Reason": attempt.reason,
            "Cause": attempt.cause.value if attempt.cause is not None else None,
            **more,
        },
        telling=telling,
    )
