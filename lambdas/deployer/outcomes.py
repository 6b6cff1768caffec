"""Words what became of an approval, for the event bus and from there for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.attempt import Attempt

SOURCE: Final = "greenlight"
DETAIL_TYPE: Final = "Greenlight Deployment Outcome"


class OutcomeKind(Enum):
    """What happened."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    """An older version serves again, since a newer one no longer stands."""
    IGNORED = "ignored"
    """An approval or a reject after which nothing could be done: the reason says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome, reported as one event.

    `outcome_id` is the same however often the event is delivered, so that a consumer can drop copies.
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


def started(attempt: Attempt) -> Outcome:
    """Word that SageMaker accepted an attempt."""
    return _of_attempt(
        attempt,
        OutcomeKind.STARTED,
        attempt.started_at,
        f"Version {attempt.version} of {attempt.group_name} is being deployed to {attempt.endpoint_name}, "
        f"approved by {attempt.approved_by}.",
    )


def settled(attempt: Attempt, *, serving_endpoint_config_name: str | None) -> Outcome:
    """Word how an attempt ended.

    Args:
        attempt: A settled attempt that succeeded or failed.
        serving_endpoint_config_name: What the endpoint serves now, if anything.
    """
    assert attempt.settled_at is not None
    version = f"Version {attempt.version} of {attempt.group_name}"
    if attempt.reason is not None:
        still = (
            f"The endpoint keeps serving {serving_endpoint_config_name}."
            if serving_endpoint_config_name
            else "The endpoint serves nothing."
        )
        kind = OutcomeKind.FAILED
        message = (
            f"{version} did not go live on {attempt.endpoint_name}: {attempt.reason} {still} "
            "It is not tried again until it is approved again or its settings change."
        )
    elif attempt.rolls_back:
        kind = OutcomeKind.ROLLED_BACK
        message = f"{version} serves on {attempt.endpoint_name} again: a newer version no longer stands."
    else:
        kind = OutcomeKind.SUCCEEDED
        message = f"{version} serves on {attempt.endpoint_name}."
    return _of_attempt(attempt, kind, attempt.settled_at, message, serving=serving_endpoint_config_name)


def ignored(*, endpoint_name: str, version_arn: str, event_id: str, time: datetime, message: str) -> Outcome:
    """Word that an event in the registry led to nothing that could be done."""
    return Outcome(
        outcome_id=f"{endpoint_name}/{event_id}/{OutcomeKind.IGNORED.value}",
        kind=OutcomeKind.IGNORED,
        endpoint_name=endpoint_name,
        message=message,
        correlation_id=event_id,
        time=time,
        detail={"ModelPackageArn": version_arn, "Reason": message},
    )


def _of_attempt(
    attempt: Attempt, kind: OutcomeKind, time: datetime, message: str, serving: str | None = None
) -> Outcome:
    return Outcome(
        outcome_id=f"{attempt.endpoint_name}/{attempt.number}/{kind.value}",
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
            "ServingEndpointConfigName": serving,
            "ApprovedAt": attempt.approved_at.isoformat(),
            "ApprovedBy": attempt.approved_by,
            "Reason": attempt.reason,
        },
    )
