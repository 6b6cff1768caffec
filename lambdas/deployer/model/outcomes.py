"""Words the outcomes of approvals, for the event bus and for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from deployer.model.attempt import AttemptStatus, Deployment, Promotion
from deployer.model.cause import next_step
from deployer.model.names import fingerprint

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.approval import Approval, Ineligible
    from deployer.model.endpoint import Endpoint
    from deployer.model.smoke_test import Failure

_COUNTS_INSTANCES: Final = " Instances"
"""In SageMaker's message about a quota, if that is what it counts."""


class OutcomeKind(Enum):
    """What happened."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    """Its approval was taken back during its rollout, and SageMaker rolled back."""

    ROLLED_BACK = "rolled_back"
    """An older version serves again, since a newer one no longer stands."""
    IGNORED = "ignored"
    """An approval that does not count: the reason says why."""

    NEEDS_ATTENTION = "needs_attention"
    """A person must act: the message says why, and what to do."""

    HELD = "held"
    """A pause or a freeze window holds a rollout back: the message says why, and until when."""

    PROMOTED = "promoted"
    """A version that served well in its stage was passed on to the next one."""

    UNMANAGED = "unmanaged"
    """The endpoint's settings were removed; it keeps serving."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome, reported as one event.

    `outcome_id` is the same in every copy of the event, so that a consumer can drop copies.
    """

    outcome_id: str
    kind: OutcomeKind
    endpoint_name: str
    message: str
    correlation_id: str
    time: datetime
    detail: dict[str, Any]

    def event_detail(self) -> dict[str, Any]:
        """Return the event's `detail`."""
        return {
            "OutcomeId": self.outcome_id,
            "Outcome": self.kind.value,
            "EndpointName": self.endpoint_name,
            "Message": self.message,
            "CorrelationId": self.correlation_id,
            "Time": self.time.isoformat(),
            **self.detail,
        }


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
            more |= {"ModelLifeCycle": attempt.goal._asdict()}
        case Deployment():
            kind, message = _end(attempt, serving, retry_at, holds=holds)
            more |= {"Quota": attempt.quota}
            if attempt.failed_test is not None:
                more |= {"SmokeTest": _test_detail(attempt.failed_test)}
    return _of_attempt(attempt, kind, attempt.settled_at, message, **more)


def _end(
    attempt: Deployment, serving: str | None, retry_at: datetime | None, *, holds: bool
) -> tuple[OutcomeKind, str]:
    version = _version(attempt)
    still = f"The endpoint keeps serving {serving}." if serving else "The endpoint serves nothing."
    if attempt.status is AttemptStatus.ABORTED and attempt.tests_begun:
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
            return OutcomeKind.FAILED, (
                f"{version} failed its smoke test on {attempt.endpoint_name} during its rollout, and "
                f"SageMaker rolled it back: {attempt.reason} {still} "
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
        # SageMaker's own sentence gives only the requested and the existing number, and not the reason.
        twice = (
            "During an update, old and new instances count: that takes twice as many as serve. "
            if attempt.quota is not None and attempt.doubles_instances and _COUNTS_INSTANCES in attempt.reason
            else ""
        )
        return OutcomeKind.FAILED, (
            f"{version} did not go live on {attempt.endpoint_name}: {attempt.reason} {twice}{still} {again}"
        )
    if attempt.rolls_back:
        return OutcomeKind.ROLLED_BACK, (
            f"{version} serves on {attempt.endpoint_name} again: a newer one failed or is no longer approved."
        )
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
    )
