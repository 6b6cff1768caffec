"""What people ask the deployer to roll back in a world.

Owns who asked for what, and when. It judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.gateways.requests import ROLLBACK
from tests.simulation.asking import ask

if TYPE_CHECKING:
    from tests.simulation.asking import Asked
    from tests.simulation.world import World

_ANY: Final = 7
_MALFORMED: Final = 9


@dataclass(slots=True)
class Rollbacks:
    """Everything that people ever asked to roll back in a world."""

    world: World
    all: list[Asked] = field(default_factory=list)

    def ask(self, endpoint: str, how: int, *, tells: bool = True) -> None:
        """Ask to go back: to what served before the version that serves, or to any version.

        Args:
            endpoint: The endpoint.
            how: Which version.
            tells: Whether an event says so; otherwise the next sweep finds it.
        """
        people = self.world.people
        live = people.live(endpoint)
        served = [
            each["version_arn"]
            for each in self.world.journal(endpoint, "attempt#")
            if each["status"] == "succeeded" and "endpoint_config_name" in each
        ]
        before = [each for each in served if live is None or each.lower() != live.arn.lower()]
        chosen = before[-1] if before and how < _ANY else people.version(how).arn
        arn = people.namesakes.arn_of(chosen)
        number, is_malformed = len(self.all), how == _MALFORMED
        self.world.tell("ada", "rolls back", f"{endpoint} to {arn}")
        self.all.append(
            ask(self.world, endpoint, ROLLBACK, arn, number=number, is_malformed=is_malformed, tells=tells)
        )
