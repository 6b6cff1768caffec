"""What people ask the deployer to try again in a world.

Owns who asked for what, and when. It judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.gateways.requests import RETRY
from tests.simulation.asking import ask

if TYPE_CHECKING:
    from tests.simulation.asking import Asked
    from tests.simulation.world import World

_ANY: Final = 7
_MALFORMED: Final = 9


@dataclass(slots=True)
class Retries:
    """Everything that people ever asked to try again in a world."""

    world: World
    all: list[Asked] = field(default_factory=list)

    def ask(self, endpoint: str, how: int, *, tells: bool = True) -> None:
        """Ask to try a version again: the one that failed last, or any version.

        Args:
            endpoint: The endpoint.
            how: Which version.
            tells: Whether an event says so; otherwise the next sweep finds it.
        """
        failed = [
            each["version_arn"]
            for each in self.world.journal(endpoint, "attempt#")
            if each["status"] == "failed" and "endpoint_config_name" in each
        ]
        people = self.world.people
        arn = people.namesakes.arn_of(failed[-1] if failed and how < _ANY else people.version(how).arn)
        number, is_malformed = len(self.all), how == _MALFORMED
        self.world.tell("ada", "wants to be tried again", f"{arn} on {endpoint}")
        self.all.append(
            ask(self.world, endpoint, RETRY, arn, number=number, is_malformed=is_malformed, tells=tells)
        )
