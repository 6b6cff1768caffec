"""Holds what the phases of one round have found, and how the pass goes on after a phase."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.decisions.bake import Pending
    from deployer.decisions.choice import Decision
    from deployer.model.endpoint import Endpoint, EndpointSummary
    from deployer.model.request import Request
    from deployer.model.trigger import PackageChanged


class Next(Enum):
    """What follows a phase."""

    GO_ON = "go on"
    """The next phase of this round."""

    STOP = "stop"
    """The pass is over. An event or the sweep brings the deployer back."""

    LEAVE = "leave"
    """The pass is over: another invocation or SageMaker is at work on the endpoint."""

    AGAIN = "again"
    """Another round: an attempt ended, and there may be more to do at once."""


@dataclass(slots=True)
class Round:
    """One round over one endpoint. Each field is set by one phase, and read by the phases after it.

    Attributes:
        change: The registry's event that triggered the pass, if one did.
        told_of: What the event that triggered the pass says of an update's new variants, if it does.
        discover: Whether to look for approved versions that the journal has never seen.
        is_whole: Whether to read also what no event tells: the alarms, and the config that serves.
        summary: The endpoint as `ListEndpoints` showed it just now; None if it was not listed.
        requests: What operators ask for, the earliest first.
        endpoint: The endpoint, as settlement read it.
        chosen: What the endpoint should serve, as deployment decided.
        held_by: What holds back what was chosen; None if nothing does.
        waits: Whether a deployment waits, so that the last report to a person still holds.
        is_another_kind: Whether the settings are for another kind of endpoint than the one that serves. Then
            its tags and its scaling are left alone.
        report: What to tell a person about the deployment or the promotion.
        rests: Whether there is nothing to do until something changes.
        approved_digest: Of what the registry lists as approved, if the pass asked it.
        retry_at: When a release that failed may be tried again, if the endpoint rests until then.
        troubles: What a person must fix about tags, automatic scaling or alarms.
    """

    change: PackageChanged | None = None
    told_of: Pending = ()
    discover: bool = False
    is_whole: bool = False
    summary: EndpointSummary | None = None
    requests: tuple[Request, ...] = ()
    endpoint: Endpoint | None = None
    chosen: Decision | None = None
    held_by: str | None = None
    waits: bool = False
    is_another_kind: bool = False
    report: str | None = None
    rests: bool = False
    approved_digest: str | None = None
    retry_at: datetime | None = None
    troubles: list[str] = field(default_factory=list)

    @property
    def decision(self) -> Decision:
        """What the endpoint should serve, for the phases after the deployment."""
        assert self.chosen is not None, "the deployment phase decides"
        return self.chosen


class Phase(Protocol):
    """One part of a round."""

    def run(self, round_: Round) -> Next:
        """Do this phase's part, and return what follows it."""
        ...
