"""Stand-ins for the world around the control plane: a clock that is set, fleets that follow a script.

Owns fakes that are part of the product: the simulation runs on them in virtual time, and so do tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.ports import AlarmState, FleetSpec, Health, Key, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.sagemaker.control_plane import ControlPlane

START = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """A clock that stands still until it is set."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time that was set last."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by some seconds."""
        self.set(self._now + timedelta(seconds=seconds))

    def set(self, time: datetime) -> None:
        """Move on to a time.

        Raises:
            ValueError: The time is in the past.
        """
        if time < self._now:
            raise ValueError(f"The clock is at {self._now} and cannot go back to {time}.")
        self._now = time


def settle(control_plane: ControlPlane, clock: VirtualClock, limit_seconds: float = 86400.0) -> None:
    """Let time pass from transition to transition until nothing changes by itself any more.

    Raises:
        RuntimeError: Something still changes after the limit.
    """
    end = clock.now() + timedelta(seconds=limit_seconds)
    control_plane.advance()
    while (due := control_plane.next_due()) is not None:
        if due > end:
            raise RuntimeError(f"The control plane did not come to rest within {limit_seconds} seconds.")
        clock.set(max(due, clock.now()))
        control_plane.advance()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a model's fleets turn out: what they answer once started, and how long starting takes."""

    health: Health = Health.HEALTHY
    starting_seconds: float = 0.0


@dataclass(slots=True)
class Fleet:
    """A fleet that was launched."""

    spec: FleetSpec
    grown: datetime
    """When it was launched, or got more instances: they start as the first ones did."""
    instance_count: int
    ready_before: int = 0
    """How many instances were ready before it grew; they answer while the others start."""


class ScriptedHosting:
    """Fleets without processes: each model's outcome is scripted, everything done to them is kept.

    Attributes:
        fleets: The fleets that run, by id.
        routes: The routes of each (account, region, endpoint name); an endpoint without traffic has none.
        route_history: Every call of `route`, in order.
        terminated: Ids of fleets that were stopped, in order.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._outcomes: dict[str, Outcome] = {}
        self._count = 0
        self.fleets: dict[str, Fleet] = {}
        self.routes: dict[tuple[str, str, str], tuple[Route, ...]] = {}
        self.route_history: list[tuple[str, tuple[Route, ...]]] = []
        self.terminated: list[str] = []

    def script(self, model_name: str, outcome: Outcome) -> None:
        """Say how a model's fleets turn out, from now on; others are healthy at once."""
        self._outcomes[model_name] = outcome

    def launch(self, spec: FleetSpec) -> str:
        """Start a fleet."""
        self._count += 1
        fleet_id = f"fleet-{self._count}"
        self.fleets[fleet_id] = Fleet(spec, self._clock.now(), spec.instance_count)
        return fleet_id

    def health(self, fleet_id: str) -> Health:
        """Return what the script says for this time."""
        fleet = self.fleets[fleet_id]
        outcome = self._outcomes.get(fleet.spec.model_name, Outcome())
        if self._clock.now() - fleet.grown < timedelta(seconds=outcome.starting_seconds):
            return Health.STARTING
        return outcome.health

    def scale(self, fleet_id: str, instance_count: int) -> None:
        """Change the fleet's instance count."""
        fleet = self.fleets[fleet_id]
        if instance_count > fleet.instance_count:
            fleet.ready_before = self.ready_instances(fleet_id)
            fleet.grown = self._clock.now()
        fleet.instance_count = instance_count

    def ready_instances(self, fleet_id: str) -> int:
        """Return how many of a fleet's instances can answer now."""
        fleet = self.fleets[fleet_id]
        match self.health(fleet_id):
            case Health.HEALTHY:
                return fleet.instance_count
            case Health.STARTING:
                return min(fleet.ready_before, fleet.instance_count)
            case Health.UNHEALTHY:
                return 0

    def terminate(self, fleet_id: str) -> None:
        """Stop a fleet; unknown ids are ignored."""
        if self.fleets.pop(fleet_id, None) is not None:
            self.terminated.append(fleet_id)

    def route(self, account_id: str, region: str, endpoint_name: str, routes: tuple[Route, ...]) -> None:
        """Keep the routes.

        Raises:
            ValueError: A route leads to a fleet that does not run: requests would fail.
        """
        missing = [route.fleet_id for route in routes if route.fleet_id not in self.fleets]
        if missing:
            raise ValueError(f"Endpoint {endpoint_name!r} is routed to fleets that do not run: {missing}.")
        self.route_history.append((endpoint_name, routes))
        if routes:
            self.routes[account_id, region, endpoint_name] = routes
        else:
            self.routes.pop((account_id, region, endpoint_name), None)

    def serving_models(self, account_id: str, region: str, endpoint_name: str) -> dict[str, float]:
        """Return the models that answer for an endpoint now, with their shares of the traffic."""
        shares: dict[str, float] = {}
        for route in self.routes.get((account_id, region, endpoint_name), ()):
            if route.is_shadow:
                continue
            model_name = self.fleets[route.fleet_id].spec.model_name
            shares[model_name] = shares.get(model_name, 0.0) + route.weight
        return shares

    def serving_instances(self, account_id: str, region: str, endpoint_name: str) -> dict[str, int]:
        """Return how many instances of each model can answer for an endpoint now."""
        counts: dict[str, int] = {}
        for route in self.routes.get((account_id, region, endpoint_name), ()):
            if not route.is_shadow and route.weight:
                model_name = self.fleets[route.fleet_id].spec.model_name
                counts[model_name] = counts.get(model_name, 0) + self.ready_instances(route.fleet_id)
        return counts


class ScriptedAlarms:
    """Alarms without metrics: each has the state that was set, and the others are as the default says.

    Attributes:
        states: Alarm name to its state, in whatever account and region; None for one that does not exist.
        default: The state of an alarm that nobody has set; None if there is no alarm but those that were set.
    """

    def __init__(self, default: AlarmState | None = AlarmState.OK) -> None:
        self.states: dict[str, AlarmState | None] = {}
        self.default = default

    def set(self, alarm_name: str, state: AlarmState | None) -> None:
        """Give an alarm a state, as SetAlarmState does, or delete it (None)."""
        self.states[alarm_name] = state

    def state(self, account_id: str, region: str, alarm_name: str) -> AlarmState | None:  # noqa: ARG002 - the port's signature
        """Return the alarm's state."""
        return self.states.get(alarm_name, self.default)


@dataclass(slots=True)
class RecordingEventSink:
    """Keeps every event."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def emit(self, event: dict[str, Any]) -> None:
        """Keep an event."""
        self.events.append(event)

    def details(self, detail_type: str) -> list[dict[str, Any]]:
        """Return the details of all events of a type, in order."""
        return [event["detail"] for event in self.events if event["detail-type"] == detail_type]


class PermissiveIdentity:
    """Every role exists and trusts SageMaker."""

    def can_be_assumed_by_sagemaker(self, role_arn: str) -> bool:  # noqa: ARG002 - the port's signature
        """Return True."""
        return True


@dataclass(slots=True)
class StrictIdentity:
    """Only the roles that are named trust SageMaker."""

    role_arns: set[str] = field(default_factory=set)

    def can_be_assumed_by_sagemaker(self, role_arn: str) -> bool:
        """Tell whether the role was named."""
        return role_arn in self.role_arns


class PermissiveRoles:
    """Every execution role may do everything."""

    def may_pull(self, image: str, *, role_arn: str) -> bool:  # noqa: ARG002 - the port's signature
        """Return True."""
        return True

    def may_watch(self, alarm_name: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - likewise
        """Return True."""
        return True

    def refusal_to_join(
        self,
        subnets: Sequence[str],  # noqa: ARG002 - likewise
        security_groups: Sequence[str],  # noqa: ARG002 - likewise
        *,
        role_arn: str,  # noqa: ARG002 - likewise
        region: str,  # noqa: ARG002 - likewise
    ) -> str | None:
        """Return None."""
        return None


@dataclass(slots=True)
class ScriptedKeys:
    """The KMS keys that are named, by key id, ARN or alias, in whatever account and region."""

    keys: dict[str, Key] = field(default_factory=dict)

    def find(self, account_id: str, region: str, key_id: str) -> Key | None:  # noqa: ARG002 - likewise
        """Return the key of that name."""
        return self.keys.get(key_id)


class PermissiveArtifacts:
    """All model data can be read."""

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - likewise
        """Return True."""
        return True

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - likewise
        """Return False."""
        return False


@dataclass(slots=True)
class StrictArtifacts:
    """Only the URLs that are named can be read; for one that ends in `/`, anything below it will do."""

    s3_urls: set[str] = field(default_factory=set)

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - likewise
        """Tell whether the URL was named."""
        if s3_url.endswith("/"):
            return any(url.startswith(s3_url) for url in self.s3_urls)
        return s3_url in self.s3_urls

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether nothing below the URL was named: every role may list."""
        return s3_url.endswith("/") and not self.is_readable(s3_url, role_arn=role_arn, region=region)
