"""Holds triggers: what an event asks for, as a value. An event is a hint at endpoints to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.endpoint import VariantStatus
    from deployer.model.life_cycle import LifeCycle


@value
class PackageChanged:
    """A model version was registered, approved, rejected, or its metadata changed.

    Attributes:
        group_name: The model package group.
        version_arn: The version.
        approval_status: As the event has it; it may be older than the truth.
        names_approval: Whether the event says that the approval status is what changed.
        time: The event's: UTC, whole seconds.
        event_id: The event's.
        last_modified_time: When the change was made, if the event says so: UTC, whole seconds.
        life_cycle: Where the version stands, if the event says so.
        names_life_cycle: Whether the event says that this is what changed.
        registered_at: When the version was registered, if the event says so: UTC, whole seconds.
    """

    group_name: str
    version_arn: str
    approval_status: str
    names_approval: bool
    time: datetime
    event_id: str
    last_modified_time: datetime | None = None
    life_cycle: LifeCycle | None = None
    names_life_cycle: bool = False
    registered_at: datetime | None = None

    @property
    def is_decided(self) -> bool:
        """Whether somebody approved or rejected the version, by the event."""
        return self.approval_status in {"Approved", "Rejected"}


@value
class EndpointChanged:
    """An endpoint changed its state.

    Attributes:
        endpoint_name: The endpoint.
        event_id: The event's.
        pending_statuses: What the event says of an update's new variants, as `Endpoint` has it.
    """

    endpoint_name: str
    event_id: str
    pending_statuses: tuple[tuple[VariantStatus, ...], ...] = ()


@value
class SettingsDeployed:
    """The stack was deployed with other settings."""

    event_id: str


@value
class Sweep:
    """Time to look at every endpoint: events are best effort, the schedule is not."""

    event_id: str


@value
class RequestsMade:
    """An operator wrote a request into the journal. Which one, only the journal says."""

    event_id: str


@value
class SweepPart:
    """A part of a sweep: some endpoints, by their names alone."""

    endpoint_names: tuple[str, ...]
    event_id: str = ""

    def detail(self) -> dict[str, Any]:
        """Return the event's `detail`, which `read_trigger` reads."""
        return {"EndpointNames": list(self.endpoint_names)}


@value
class NothingToDecide:
    """An event of a change that no decision depends on, or only at the next sweep."""

    reason: str
    event_id: str


@value
class Unusable:
    """An event that says nothing the deployer can act on."""

    reason: str


Trigger: TypeAlias = (
    PackageChanged
    | EndpointChanged
    | SettingsDeployed
    | Sweep
    | RequestsMade
    | SweepPart
    | NothingToDecide
    | Unusable
)
