"""Fleets that follow a script, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from local_cloud.sagemaker.ports import FleetSpec, Health, Route

if TYPE_CHECKING:
    from local_cloud.testing.virtual_clock import VirtualClock


@dataclass(frozen=True, slots=True)
class Outcome:
    """A model's scripted result: the health of its fleets after the start, and how long starting takes."""

    health: Health = Health.HEALTHY
    starting_seconds: float = 0.0


@dataclass(slots=True)
class Fleet:
    """A fleet that was launched."""

    spec: FleetSpec
    grown: datetime
    """When it was launched, or got more instances: new instances start like the first ones."""
    instance_count: int
    ready_before: int = 0
    """How many instances were ready before it grew; they answer while the others start."""


class ScriptedHosting:
    """Fleets without processes: a script sets each model's health, and every call is recorded.

    Attributes:
        fleets: The running fleets, by id.
        routes: The routes of each (account, region, endpoint name); an endpoint without traffic has none.
        route_history: Every call of `route`, in order.
        terminated: Ids of stopped fleets, in order.
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
        """Set the health of a model's fleets from now on; by default fleets are healthy at once."""
        self._outcomes[model_name] = outcome

    def launch(self, spec: FleetSpec) -> str:
        """Start a fleet."""
        self._count += 1
        fleet_id = f"fleet-{self._count}"
        self.fleets[fleet_id] = Fleet(spec, self._clock.now(), spec.instance_count)
        return fleet_id

    def health(self, fleet_id: str) -> Health:
        """Return the scripted health at this time."""
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
        """Store the routes.

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
