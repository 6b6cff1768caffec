"""What fleets of ten to ten thousand endpoints cost: calls of AWS, seconds and memory, in virtual time.

Owns the scenario and its numbers. Each size is measured in a process of its own, whose memory is its size's
alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.storm import (
    Storm,
    StormyWorld,
    approve,
    approve_all,
    register,
    run_until_served,
    set_up,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.simulation.world import Call

SIZES: Final = (10, 100, 1_000, 10_000)
CHANGED: Final = 50
"""How many endpoints' approvals get lost before the second sweep."""

APPROVALS_PER_SECOND: Final = 5
"""While the fleet is set up: so many that the machine holds few invocations at a time."""

HOURS_AT_REST: Final = 4
"""From the last approval of the fleet until it is measured."""

SECONDS_BETWEEN_SWEEPS: Final = 15 * 60
"""As deployed by default. So a hundredth of the endpoints have their daily check in the measured sweep."""

SWEEPS_BEFORE: Final = 5
"""Sweeps until no daily check is late any more: an invocation has time for many hundreds."""

CALLS_OF_A_CHECK: Final = 1
"""It reads what the registry lists. These endpoints have no alarms."""

CALLS_OF_A_WEEKLY_LOOK: Final = 3
"""It reads the endpoint's journal, what the registry lists, and the config that serves."""

IN_SYNC: Final = "a sweep, all in sync"
SOME_CHANGED: Final = f"a sweep, {CHANGED} approvals lost"
ONE_APPROVAL: Final = "one approval"

_KIBIBYTE: Final = 1024
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What one thing cost, all that it led to included.

    Attributes:
        calls: By service and operation.
        invocations: Of the function.
        longest_seconds: The longest invocation, in virtual time: every call takes 50 to 250 ms.
        seconds: Of this machine.
    """

    calls: dict[str, int]
    invocations: int
    longest_seconds: float
    seconds: float

    @property
    def total(self) -> int:
        """All calls of AWS."""
        return sum(self.calls.values())

    @property
    def checks(self) -> int:
        """In a sweep in sync, the endpoints that had their daily check: each lists its group once."""
        return self.calls.get("sagemaker ListModelPackages", 0) - self.weekly_looks

    @property
    def weekly_looks(self) -> int:
        """In a sweep in sync, the endpoints that had their weekly look: it reads the config that serves."""
        return self.calls.get("sagemaker DescribeEndpointConfig", 0)

    @property
    def notes(self) -> int:
        """The writes that note how far the checks came."""
        return 1 if self.checks or self.weekly_looks else 0

    @property
    def total_without_checks(self) -> int:
        """All calls of a sweep in sync, without those of the checks, the weekly looks and their note."""
        due = CALLS_OF_A_CHECK * self.checks + CALLS_OF_A_WEEKLY_LOOK * self.weekly_looks
        return self.total - due - self.notes

    @property
    def writes(self) -> int:
        """Calls that change anything, but for handing on the parts of a sweep."""
        return sum(count for call, count in self.calls.items() if not _is_read(call.split()[1]))


@dataclass(frozen=True, slots=True)
class Measured:
    """What a fleet of one size cost.

    Attributes:
        endpoints: How many are managed, each with a group of its own.
        in_sync: How many of them served their newest approval in the end.
        costs: What happened to what it cost.
        set_up_seconds: Of this machine, until every endpoint served.
        peak_megabytes: The most memory that the process had, simulation and local cloud included.
    """

    endpoints: int
    in_sync: int
    costs: dict[str, Cost]
    set_up_seconds: float
    peak_megabytes: int

    def to_json(self) -> str:
        """Return this as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Measured:
        """Read what `to_json` wrote."""
        document = json.loads(text)
        costs = {name: Cost(**cost) for name, cost in document.pop("costs").items()}
        return cls(costs=costs, **document)


class FleetWorld(StormyWorld):
    """A world that can lose the registry's events, so that only a sweep finds an approval."""

    def __init__(self, storm: Storm) -> None:
        super().__init__(storm)
        self.loses_approvals = False

    def emit(self, event: dict[str, Any]) -> None:
        """Deliver an event, unless it is lost."""
        if not (self.loses_approvals and "ModelPackageArn" in event["detail"]):
            super().emit(event)


def sizes_up_to(most: int) -> tuple[int, ...]:
    """Return the sizes to measure, the largest included."""
    return (*(size for size in SIZES if size < most), most)


def measure(
    endpoints: int, *, part_size: int | None = None, one_more: Callable[[], None] = lambda: None
) -> Measured:
    """Set up a fleet, then sweep it, lose approvals and sweep again, and approve one version.

    Args:
        endpoints: How many.
        part_size: How many one invocation looks at; by default what the deployer does.
        one_more: Called for each endpoint that came to serve.
    """
    began = time.monotonic()
    storm = Storm(
        endpoints=endpoints,
        versions=1,
        seconds=endpoints / APPROVALS_PER_SECOND,
        writes_per_second=1_000_000,
        part_size=part_size,
    )
    world = FleetWorld(storm)
    costs: dict[str, Cost] = {}
    # Metrics are lines on the function's standard output; nobody reads them here.
    with contextlib.redirect_stdout(io.StringIO()):
        newest = set_up(world, storm)
        approve_all(world, storm, newest)
        run_until_served(world, newest, one_more)
        # Most of a fleet was approved long ago: what is new costs some more looks.
        world.pass_time(HOURS_AT_REST * 3600)
        for _ in range(SWEEPS_BEFORE):
            _sweep(world)
            world.pass_time(SECONDS_BETWEEN_SWEEPS)
        set_up_seconds = time.monotonic() - began
        with _costs(world, costs, IN_SYNC):
            _sweep(world)
        some = list(newest)[:: max(1, endpoints // CHANGED)][:CHANGED]
        world.loses_approvals = True
        for name in some:
            newest[name] = register(world, name, 1)
            world.pass_time(10)
            approve(world, newest[name])
        world.loses_approvals = False
        with _costs(world, costs, SOME_CHANGED):
            _sweep(world)
        last = some[-1]
        newest[last] = register(world, last, 2)
        world.pass_time(10)
        world.run_until_quiet()
        with _costs(world, costs, ONE_APPROVAL):
            approve(world, newest[last])
            world.run_until_quiet()
        in_sync = sum(world.people.served_version(name) == arn.lower() for name, arn in newest.items())
        world.end()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE // _MEGABYTE
    return Measured(endpoints, in_sync, costs, set_up_seconds, peak)


def measure_apart(endpoints: int) -> Measured:
    """Measure a fleet in a process of its own; its progress goes to this one's standard error."""
    command = [sys.executable, "-m", "tests.simulation", "scale", "--only", str(endpoints)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own module
    return Measured.from_json(done.stdout)


def table(measured: Sequence[Measured]) -> str:
    """Return the numbers as a table in Markdown, a column for each size."""
    rows: list[list[str]] = [["", *(f"{each.endpoints:,} endpoints" for each in measured)]]
    for name in (IN_SYNC, SOME_CHANGED, ONE_APPROVAL):
        costs = [each.costs[name] for each in measured]
        rows.append([f"**{name}**: calls", *(f"**{cost.total:,}**" for cost in costs)])
        rows += [
            [f"`{call}`", *(f"{cost.calls.get(call, 0):,}" for cost in costs)]
            for call in sorted({call for cost in costs for call in cost.calls})
        ]
        rows.append(["writes among them", *(f"{cost.writes:,}" for cost in costs)])
        if name == IN_SYNC:
            rows.append(["daily checks that fell into it", *(f"{cost.checks:,}" for cost in costs)])
            rows.append(["weekly looks that fell into it", *(f"{cost.weekly_looks:,}" for cost in costs)])
            alone = (f"{cost.total_without_checks:,}" for cost in costs)
            rows.append(["calls without those", *alone])
        rows.append(["invocations", *(f"{cost.invocations:,}" for cost in costs)])
        rows.append(["the longest, in virtual seconds", *(f"{cost.longest_seconds:.0f}" for cost in costs)])
        rows.append(["seconds of this machine", *(f"{cost.seconds:.1f}" for cost in costs)])
    rows.append(["**the whole**: seconds to set it up", *(f"{each.set_up_seconds:.0f}" for each in measured)])
    rows.append(["most memory, in MB", *(f"**{each.peak_megabytes:,}**" for each in measured)])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"|---|{'---:|' * len(measured)}")
    return "\n".join(lines)


def _sweep(world: FleetWorld) -> None:
    world.sweep()
    world.run_until_quiet()


@contextlib.contextmanager
def _costs(world: FleetWorld, costs: dict[str, Cost], name: str) -> Iterator[None]:
    """Note what happens meanwhile, and what it cost."""
    calls: Counter[str] = Counter()
    lasted: dict[str, float] = {}

    def observe(call: Call) -> None:
        calls[f"{call.service} {call.operation}"] += 1
        lasted[call.invocation.name] = (call.time - call.invocation.started).total_seconds()

    world.observers.append(observe)
    began = time.monotonic()
    yield
    world.observers.remove(observe)
    costs[name] = Cost(dict(calls), len(lasted), max(lasted.values(), default=0.0), time.monotonic() - began)


def _is_read(operation: str) -> bool:
    return operation.startswith(("Describe", "Get", "BatchGet", "List", "Query", "Search")) or operation in {
        "PutEvents",
        "Publish",
    }
