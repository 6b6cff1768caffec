"""Holds outcomes: what happened to an approval, for the event bus and for people."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime


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


@value(kw_only=True)
class Telling:
    """The parts of what people read. The event has none of them.

    Attributes:
        headline: What happened, in a line that does not name the endpoint.
        thread: What all messages of one deployment have in common.
        page: The page and section of docs/ about it.
        why: The reason, in somebody's words: AWS's, a container's, or the deployer's.
        next_step: What a person can do.
        approved_by: The approver's ARN.
        approved_at: When the approval was given.
        began: When what ended had begun.
        tried_on: The endpoint whose containers have the log, if that is not the endpoint itself.
    """

    headline: str
    thread: str
    page: str
    why: str | None = None
    next_step: str | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    began: datetime | None = None
    tried_on: str | None = None


@value
class Outcome:
    """One outcome, reported as one event.

    `outcome_id` is the same in every copy of the event, so that a consumer can drop copies. `telling` is for
    people's messages only.
    """

    outcome_id: str
    kind: OutcomeKind
    endpoint_name: str
    message: str
    correlation_id: str
    time: datetime
    detail: dict[str, Any]
    telling: Telling

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
