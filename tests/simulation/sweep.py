"""A sweep over many endpoints that are all in sync: the cost of the schedule when nothing has happened.

Owns the one scenario and its numbers.
"""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulation.storm import Storm, StormyWorld, approve_all, run_until_served, set_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.world import Call, World


@dataclass(frozen=True, slots=True)
class Numbers:
    """A sweep's cost.

    Attributes:
        endpoints: How many are managed, each with its own group.
        in_sync: How many of them served their newest approval when the sweep began.
        invocations: Of the function: the schedule's, and one for each part.
        longest_seconds: The longest invocation, in virtual time: every call takes 50 to 250 ms.
        calls: By service and operation.
    """

    endpoints: int
    in_sync: int
    invocations: int
    longest_seconds: float
    calls: dict[tuple[str, str], int]

    @property
    def sagemaker_reads_per_endpoint(self) -> float:
        """Reads of SageMaker's, shared lists included, by endpoints."""
        return self._count("sagemaker") / self.endpoints

    @property
    def writes(self) -> int:
        """Calls that change anything, but for handing on the parts."""
        return sum(count for (_, operation), count in self.calls.items() if not _is_read(operation))

    def _count(self, service: str) -> int:
        return sum(count for (named, _), count in self.calls.items() if named == service)


def run_sweep(
    endpoints: int, *, part_size: int | None = None, one_more: Callable[[], None] = lambda: None
) -> Numbers:
    """Deploy to a number of endpoints, let everything come to rest, and sweep once.

    Args:
        endpoints: How many.
        part_size: How many one invocation looks at; by default the deployer's number.
        one_more: Called for each endpoint that came to serve.
    """
    storm = Storm(endpoints=endpoints, versions=1, writes_per_second=1_000_000, part_size=part_size)
    world = StormyWorld(storm)
    # Metrics are lines on the function's standard output; nobody reads them here.
    with contextlib.redirect_stdout(io.StringIO()):
        newest = set_up(world, storm)
        approve_all(world, storm, newest)
        run_until_served(world, newest, one_more)
        _sweep(world)
        in_sync = sum(world.people.served_version(name) == arn.lower() for name, arn in newest.items())
        calls = _sweep(world)
        world.end()
    by_invocation: dict[str, list[Call]] = {}
    for call in calls:
        by_invocation.setdefault(call.invocation.name, []).append(call)
    return Numbers(
        endpoints=endpoints,
        in_sync=in_sync,
        invocations=len(by_invocation),
        longest_seconds=max(
            (made[-1].time - made[0].invocation.started).total_seconds() for made in by_invocation.values()
        ),
        calls=dict(Counter((call.service, call.operation) for call in calls)),
    )


def _sweep(world: World) -> list[Call]:
    calls: list[Call] = []
    world.observers.append(calls.append)
    world.sweep()
    world.run_until_quiet()
    world.observers.pop()
    return calls


def _is_read(operation: str) -> bool:
    return operation.startswith(("Describe", "Get", "List", "Query")) or operation in {"PutEvents", "Publish"}
