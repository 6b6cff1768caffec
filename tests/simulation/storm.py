"""A storm: a thousand approvals over two hundred endpoints within a minute, against a tight limit of writes.

Owns the one scenario and its numbers. The deployer must lose nothing, and need little longer than the limit
alone makes anybody need.
"""

from __future__ import annotations

import contextlib
import io
from collections import deque
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

from tests.simulation.clients import REGION, answer
from tests.simulation.memory import PackedItems
from tests.simulation.people import ADA, settings_document
from tests.simulation.schedule import Schedule
from tests.simulation.sites import ACCOUNT
from tests.simulation.world import SWEEP_SECONDS, WRITES, Call, Invocation, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

MOST_TRIES: Final = 3
LONGEST_BACKOFF_SECONDS: Final = 20.0
"""Of botocore's standard retries, as the function configures them."""


@dataclass(frozen=True, slots=True)
class Storm:
    """The scenario; the defaults are the one that is promised."""

    endpoints: int = 200
    versions: int = 5
    seconds: float = 60.0
    writes_per_second: int = 2
    seed: int = 1
    part_size: int | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """A storm's result.

    Attributes:
        approvals: How many were given.
        wrong: Endpoints that do not serve their newest approval in the end.
        writes: Writes of deployments that SageMaker accepted.
        clean_ups: Deletions that SageMaker also accepted; each waits until its endpoint rests.
        throttled: Calls that SageMaker throttled.
        calls: All calls that took effect.
        last_write_seconds: From the first approval until SageMaker accepted the last of the writes.
        bound_seconds: The shortest time of these writes under the rate limit.
        least_seconds: The shortest time of the fewest writes: three for each endpoint, with the last approval
            known beforehand.
        served_seconds: From the first approval until every endpoint serves what it should.
    """

    approvals: int
    wrong: int
    writes: int
    clean_ups: int
    throttled: int
    calls: int
    last_write_seconds: float
    bound_seconds: float
    least_seconds: float
    served_seconds: float

    @property
    def ratio(self) -> float:
        """How much longer the writes took than the limit alone makes them take."""
        return self.last_write_seconds / self.bound_seconds


class StormyWorld(World):
    """A world in which SageMaker accepts a limited number of writes a second, of any kind."""

    def __init__(self, storm: Storm) -> None:
        schedule = Schedule(seed=storm.seed)
        if storm.part_size is not None:
            schedule = replace(schedule, part_size=storm.part_size)
        super().__init__(schedule)
        self.storm = storm
        self.throttled = 0
        self.call_limit = 10_000_000
        self.remembers = False
        for site in self.sites:
            site.memory.remembers = False
            site.memory.table.new_partition = PackedItems
        self._writes: deque[datetime] = deque()

    def _observe_package(self, arn: str) -> None:
        """Remember no earlier version: a storm shows nothing stale, and fleets are large."""

    def backoff_seconds(self, attempts: int) -> float | None:
        """Return what botocore's standard mode waits: full jitter, doubling."""
        if attempts >= MOST_TRIES:
            return None
        return min(self.jitter.random() * 2.0 ** (attempts - 1), LONGEST_BACKOFF_SECONDS)

    def refusal(self, invocation: Invocation, service: str, operation: str) -> tuple[int, bytes] | None:
        """Refuse a write beyond the limit."""
        if service != "sagemaker" or operation not in WRITES:
            return None
        now = self.clock.now()
        while self._writes and now - self._writes[0] >= timedelta(seconds=1):
            self._writes.popleft()
        if len(self._writes) >= self.storm.writes_per_second:
            self.throttled += 1
            self.tell(invocation.name, f"{operation} is throttled")
            return answer(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
        self._writes.append(now)
        return None


def run_storm(storm: Storm, one_more: Callable[[], None] = lambda: None) -> Numbers:
    """Run the storm until every endpoint serves what it should, or nothing happens any more.

    Args:
        storm: The scenario.
        one_more: Called for each endpoint that came to serve.
    """
    world = StormyWorld(storm)
    accepted: list[Call] = []
    world.observers.append(lambda call: accepted.append(call) if call.is_write else None)
    # Metrics are lines on the function's standard output; nobody reads them here.
    with contextlib.redirect_stdout(io.StringIO()):
        newest = set_up(world, storm)
        begun = world.clock.now()
        accepted.clear()
        approve_all(world, storm, newest)
        served = run_until_served(world, newest, one_more)
        world.end()
    wrong = [name for name, arn in newest.items() if (world.people.served_version(name) or "") != arn.lower()]
    writes = [call for call in accepted if not call.operation.startswith("Delete")]
    last = max((call.time for call in writes), default=begun)
    return Numbers(
        approvals=storm.endpoints * storm.versions,
        wrong=len(wrong),
        writes=len(writes),
        clean_ups=len(accepted) - len(writes),
        throttled=world.throttled,
        calls=world.call_count,
        last_write_seconds=(last - begun).total_seconds(),
        bound_seconds=len(writes) / storm.writes_per_second,
        least_seconds=3 * storm.endpoints / storm.writes_per_second,
        served_seconds=(served - begun).total_seconds(),
    )


def _name(number: int) -> str:
    return f"endpoint-{number:03d}"


def set_up(world: StormyWorld, storm: Storm) -> dict[str, str]:
    """Make the groups, the settings and the versions; return each endpoint's newest version."""
    newest: dict[str, str] = {}
    for number in range(storm.endpoints):
        name = _name(number)
        document = {**settings_document(name), "ModelPackageGroupName": f"{name}-models"}
        world.sites[0].documents[name] = document
        world.people.call("CreateModelPackageGroup", ModelPackageGroupName=f"{name}-models")
        for version in range(storm.versions):
            newest[name] = register(world, name, version)
    world.sites[0].deploy()
    world.pass_time(10)
    world.run_until_quiet()
    return newest


def register(world: StormyWorld, name: str, version: int) -> str:
    """Register a version for an endpoint; return its ARN."""
    registered = world.people.call(
        "CreateModelPackage",
        by=ADA,
        ModelPackageGroupName=f"{name}-models",
        InferenceSpecification={
            "Containers": [
                {
                    "Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/x:1",
                    "ModelDataUrl": f"s3://models/{name}/{version}/model.tar.gz",
                }
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    assert registered is not None, "nothing refuses a registration"
    return str(registered["ModelPackageArn"])


def approve_all(world: StormyWorld, storm: Storm, newest: dict[str, str]) -> None:
    """Approve each endpoint's versions in their order, the endpoints mixed, at random times."""
    random = Random(f"approvals {storm.seed}")  # noqa: S311 - equal seeds must give equal storms
    for arn in newest.values():
        prefix = arn.rsplit("/", 1)[0]
        times = sorted(random.uniform(0, storm.seconds) for _ in range(storm.versions))
        for version, seconds in enumerate(times, 1):
            world.agenda.put(seconds, partial(approve, world, f"{prefix}/{version}"))


def approve(world: StormyWorld, version_arn: str) -> None:
    """Approve a version now."""
    world.people.call("UpdateModelPackage", ModelPackageArn=version_arn, ModelApprovalStatus="Approved")


def run_until_served(
    world: StormyWorld, newest: dict[str, str], one_more: Callable[[], None] = lambda: None
) -> datetime:
    """Run, with the schedule's sweeps, until all is as it should be; return when."""
    shown = 0
    for _ in range(24):
        reached = world.clock.now() + timedelta(seconds=SWEEP_SECONDS)
        while world.clock.now() < reached and world.step():
            for _ in range(shown, len(world.served_since)):
                one_more()
            shown = len(world.served_since)
        if world.clock.now() < reached:
            world.clock.set(reached)
        if all(_serves(world, name, arn) for name, arn in newest.items()) and not world.running:
            break
        world.sweep()
    times = [world.served_since[name] for name in newest if name in world.served_since]
    return max(times, default=world.clock.now())


def _serves(world: World, name: str, arn: str) -> bool:
    endpoint = world.describe(name)
    return (
        endpoint is not None
        and endpoint["EndpointStatus"] == "InService"
        and world.people.served_version(name) == arn.lower()
    )
