"""The world around the deployer: people, AWS, the rules that trigger the function, and virtual time.

Owns one simulated account from its first second to its last. It judges nothing: laws look at it through
`Call` records and its own data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from deployer.contract import FLEET, PART_DETAIL_TYPE, REQUESTS
from deployer.dispatcher import Dispatcher
from deployer.gateways.bus import Bus
from deployer.gateways.fleet import CHECKS
from deployer.gateways.gateways import Gateways
from deployer.gateways.journal import Journal
from deployer.gateways.reporter import Reporter
from deployer.gateways.topic import Topic
from deployer.messages.place import Place
from deployer.model.stack_identity import StackIdentity
from deployer.triggers import read_trigger
from local_cloud.application_auto_scaling import wire as auto_scaling_wire
from local_cloud.application_auto_scaling.service import ApplicationAutoScaling
from local_cloud.front_door.http import Request
from local_cloud.hosting.variant_fleet import Answer
from local_cloud.sagemaker.control_plane import ControlPlane
from local_cloud.sagemaker.events import ENDPOINT_DEPLOYMENT_STATE_CHANGE
from local_cloud.sagemaker.protocol import wire
from local_cloud.sagemaker.timings import Timings
from local_cloud.sagemaker_runtime.runtime import answer_invocation
from local_cloud.testing.scripted_endpoints import ScriptedEndpoints
from local_cloud.testing.scripted_ports import StrictIdentity
from local_cloud.testing.virtual_clock import VirtualClock
from tests.simulation import clients
from tests.simulation.alarms import SimulatedAlarms
from tests.simulation.bucket import Bucket
from tests.simulation.clients import REGION, answer
from tests.simulation.meddling import Unreadable
from tests.simulation.people import STACK, People, ScriptedFleets, TolerantArtifacts
from tests.simulation.rest import TARGET_VARIANT
from tests.simulation.schedule import (
    ALARM_READ,
    ASKING,
    BAKE_EVENT,
    DELAYS,
    DENIED_FOR,
    GAPS,
    LIFE_SWEEP_SECONDS,
    LISTING,
    LISTS,
    NEEDED_ELSEWHERE,
    OPERATION_NAMES,
    PASSED_EVENT,
    REGISTRY_WRITE,
    TAKEN_BACK_EVENT,
    TELLING,
    TRANSACTION,
    WAITING_EVENT,
    WAITS,
    Denial,
    Disturbance,
    EventFault,
    EventFaultKind,
    Fault,
    FaultKind,
    Kind,
    Schedule,
    steps_of_life,
)
from tests.simulation.sites import (
    DEPLOYER_ROLE,
    LATER,
    PASSED,
    PRODUCTION,
    Site,
    is_at,
    model_buckets,
    sites_of,
)
from tests.simulation.tasks import Agenda, CrashError, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.gateways.settings_files import SettingsFiles
    from tests.simulation.memory import Memory
    from tests.simulation.people import Recovery

TABLE: Final = "journal"
OUTCOME: Final = "Greenlight Deployment Outcome"
SWEEP_BUS: Final = f"{STACK}.sweep-parts"
SCHEDULED: Final = "Scheduled Event"
TIME_LIMIT: Final = timedelta(seconds=300)
"""Of the function, as the stack deploys it."""

LAMBDA_RETRIES: Final = (60.0, 120.0)
"""Seconds until Lambda invokes a failed asynchronous invocation again. Source: Lambda developer guide,
"How Lambda handles errors and retries with asynchronous invocation"."""

SWEEP_SECONDS: Final = 900.0
BOTOCORE_TRIES: Final = 3
STALE_SECONDS: Final = 45.0
"""How long DescribeEndpoint may show the state before a change. AWS documents no bound."""

CALL_LIMIT: Final = 6000
"""Calls after which a simulation is taken for an endless loop: thirty times those of a long one."""

CALLS_OF_A_STEP: Final = 300
"""How many more there may be for each step of a long life, with its sweeps."""

PAGES_OF_A_CALL: Final = 50
"""How many further pages of a query count as one of these calls: a schedule may make pages as small as one
item, and a journal has a hundred reports that are owed."""

WRITES: Final = frozenset(
    {
        "AddTags",
        "CreateEndpoint",
        "CreateEndpointConfig",
        "CreateModel",
        "DeleteEndpoint",
        "DeleteEndpointConfig",
        "DeleteModel",
        "DeleteTags",
        "UpdateEndpoint",
        "UpdateEndpointWeightsAndCapacities",
    }
)
"""The operations that change SageMaker."""

DEPLOYER_WRITES: Final = tuple(name for name in OPERATION_NAMES if name in WRITES)
"""Those that the deployer calls."""

ALARM_WRITES: Final = ("DeleteAlarms", "PutMetricAlarm", "PutMetricData", "SetAlarmState")
"""The operations that change CloudWatch."""

PARTS_PUT: Final = "PutEvents of parts"
"""How coverage names the call that hands parts of a sweep over."""

DENIED: Final = "denied"
"""How calls and coverage name that an action is denied for a while."""

GAP: Final = "gap"
"""How calls and coverage name that a list lacks some of what is there."""

PROMOTE: Final = "Promote"
CLEAN_UP: Final = "CleanUp"
ASIDE: Final = frozenset({CLEAN_UP, PROMOTE})
"""Kinds of attempts that leave the serving config alone."""

HIDDEN: Final = Denial("DescribeModelPackage")
"""What denies the read of a version whose key the deployers may not use."""

_FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)

_SUMMARY: Final = (
    "ModelPackageArn",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
)
"""What ListModelPackages shows of a version, as far as the deployer reads it (`ModelPackageSummary`)."""

MOST_STACKS: Final = 20
"""How often a stack may be deployed again, one after the other."""

AWAITED_SECONDS: Final = 3000.0
"""How long a disturbance waits for a status: longer than a failing rollout takes."""


@dataclass(slots=True)
class Call:
    """One call that reached a service.

    Attributes:
        number: Counted from 1 over all calls.
        time: When it took effect.
        invocation: The calling invocation.
        service: botocore's name.
        operation: The API operation.
        request: As sent.
        status: HTTP status.
        response: As answered; it may never have arrived.
        fault: Its fault, if any.
        stale: Whether the answer shows an earlier state.
        hidden: Whether it reads a version that people made unreadable.
    """

    number: int
    time: datetime
    invocation: Invocation
    service: str
    operation: str
    request: dict[str, Any]
    status: int
    response: dict[str, Any]
    fault: str | None = None
    stale: bool = False
    hidden: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the service carried it out."""
        return self.status < 300

    @property
    def changes_anything(self) -> bool:
        """Whether it changed SageMaker, the journal or people's news."""
        if self.operation == TELLING:
            return self.accepted
        if self.operation == "PutEvents":
            return self.accepted and any(each["DetailType"] == OUTCOME for each in self.request["Entries"])
        return self.is_write or (
            self.accepted
            and (
                self.operation in {"PutItem", "UpdateItem", "DeleteItem"}
                or self.service == "application-autoscaling"
                or self.operation in {*ALARM_WRITES, REGISTRY_WRITE}
            )
        )

    @property
    def is_write(self) -> bool:
        """Whether it changed SageMaker."""
        return self.service == "sagemaker" and self.operation in WRITES and self.accepted


@dataclass(slots=True, eq=False)
class Invocation:
    """One run of the function, or a repetition of one."""

    invocation_id: str
    name: str
    event: dict[str, Any]
    tries: int
    started: datetime
    world: World
    task: Task | None = None
    calls: list[Call] = field(default_factory=list)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    """Operation and body of every request, whether or not it succeeded."""
    answered: set[int] = field(default_factory=set)
    """Which of these requests, by their positions, succeeded and had their answers arrive."""
    faulty: bool = False
    """Whether anything went wrong with one of its calls."""
    troubled: bool = False
    """Whether anything did besides reads of unreadable versions."""
    problem: BaseException | None = None
    at: Site | None = None
    settings: SettingsFiles = field(init=False)
    """Those that were deployed when it began; it keeps them."""

    def __post_init__(self) -> None:
        self.settings = self.site.settings

    @property
    def site(self) -> Site:
        """The account that it runs in."""
        return self.at or self.world.sites[0]

    # The services behind botocore's clients: see clients.Network.

    def send(self, service: str, operation: str, body: bytes) -> tuple[int, bytes]:
        """Answer a request of this invocation."""
        return self.world.send(self, service, operation, body)

    def wait_to_repeat(self, attempts: int) -> bool:
        """Wait as botocore does before it repeats a request, or tell it to give up."""
        seconds = self.world.backoff_seconds(attempts)
        if seconds is None:
            return False
        assert self.task is not None
        self.task.pause(seconds)
        return True

    def pause(self, longest: float) -> None:
        """Pause for a random part of so many seconds."""
        assert self.task is not None
        self.task.pause(self.world.jitter.uniform(0, longest))

    def sleep(self, seconds: float) -> None:
        """Pause for so many seconds."""
        assert self.task is not None
        self.task.pause(seconds)

    def remaining_seconds(self) -> float:
        """Return how long Lambda lets it run yet."""
        return (self.started + TIME_LIMIT - self.world.clock.now()).total_seconds()

    def run(self) -> None:
        """Do what the function's handler does."""
        self.world.dispatcher(self).dispatch(read_trigger(self.event))


class Onlooker(Invocation):
    """Somebody who only reads: his calls take no time, meet no fault, and no law looks at them."""

    @classmethod
    def of(cls, world: World, site: Site) -> Onlooker:
        """Return one with the deployer's rights in an account."""
        return cls("onlooker", "onlooker", {}, 0, world.clock.now(), world, at=site)

    def send(self, service: str, operation: str, body: bytes) -> tuple[int, bytes]:
        """Answer a call; it must change nothing."""
        assert operation.startswith(("Describe", "List", "Query", "Get")), operation
        if service == "dynamodb":
            return answer(*self.site.memory.handle(service, operation, body))
        return self.world.ask(self, service, operation, body)


@dataclass(slots=True)
class TraceLine:
    """One line of the story: formatted only when somebody reads it."""

    time: datetime
    who: str
    what: str
    detail: object = None

    def format(self, start: datetime) -> str:
        """Return the line for people."""
        detail = self.detail() if callable(self.detail) else self.detail
        shown = "" if detail is None else f"  {detail}"
        return f"{(self.time - start).total_seconds():>10.3f}  {self.who:<8} {self.what}{shown}"


class World:
    """One account with the deployer in it, or one for each stage and a registry's, under a schedule.

    Attributes:
        sites: The accounts that have a deployer, in the order of their stages.
        remembers: Whether calls, invocations and the story are kept, as laws need them. A world of
            thousands of endpoints only lets its observers see them.
        call_count: How many calls took effect.
        calls: Every call that took effect, in order.
        trace: The story.
        observers: Called with every call as it takes effect.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.clock = VirtualClock()
        self.start = self.clock.now()
        self.agenda = Agenda(self.clock)
        self.sites = sites_of(schedule)
        self.artifacts = TolerantArtifacts()
        self.hosting = ScriptedFleets(self.clock, fades_after=schedule.fades_after)
        self.endpoints = ScriptedEndpoints(self.hosting)
        self.bucket = Bucket()
        self.alarms: SimulatedAlarms = SimulatedAlarms(self)
        self.control_plane = ControlPlane(
            clock=self.clock,
            identity=StrictIdentity(
                {f"{site.role_arn}{stack or ''}" for site in self.sites for stack in range(MOST_STACKS)}
            ),
            artifacts=self.artifacts,
            hosting=self.hosting,
            events=self,
            alarms=self.alarms,
            timings=_timings(schedule),
            switches=schedule.chosen_switches(),
            seed=schedule.seed,
        )
        self.remembers = True
        self.call_count = 0
        self._more_pages = 0
        self.calls: list[Call] = []
        self.trace: list[TraceLine] = []
        self.observers: list[Callable[[Call], None]] = []
        self.change_observers: list[Callable[[], None]] = []
        self.recovery_observers: list[Callable[[Recovery], None]] = []
        self.running: dict[str, Invocation] = {}
        self.ended: list[Invocation] = []
        self.disturbing = False
        self.calmed = False
        self.over = False
        self.call_limit = CALL_LIMIT + CALLS_OF_A_STEP * schedule.life
        self.served_since: dict[str, datetime] = {}
        self._objection: Exception | None = None
        self.processed: set[tuple[str, str]] = set()
        """Account and id of each event that an invocation ended well with."""
        self.sweeps = 0
        self.failed_endpoints_deleted = 0
        self.people = People(self)
        # Equal seeds must give equal runs; nothing here is a secret.
        self._random = Random(schedule.seed)  # noqa: S311
        self.jitter = Random(f"jitter {schedule.seed}")  # noqa: S311
        self._counts: dict[str, int] = {}
        self._faults: dict[tuple[str, int], Fault] = {
            (fault.operation, fault.nth + more): fault
            for fault in schedule.faults
            for more in range(fault.times)
        }
        self._event_faults = {(fault.event, fault.nth): fault for fault in schedule.event_faults}
        self._denials = {(denial.operation, denial.nth): denial for denial in schedule.denials}
        self._denied: dict[tuple[str, str], tuple[Denial, datetime]] = {}
        self._event_counts: dict[str, int] = {}
        self._events = self._own_events = self._hints = self._invocations = 0
        self._present: dict[str, tuple[int, bytes]] = {}
        self._past: dict[str, tuple[datetime, tuple[int, bytes]]] = {}
        self._packages: dict[str, bytes] = {}
        self._past_packages: dict[str, tuple[datetime, bytes]] = {}
        self._journals: dict[tuple[str, str], tuple[int, list[dict[str, Any]]]] = {}
        for site in self.sites:
            site.memory.table.page_bytes = schedule.page_bytes
        self._deleting: set[str] = set()
        self.changed: set[str] = set()
        self.coverage: set[tuple[str, str]] = set()

    def dispatcher(self, invocation: Invocation) -> Dispatcher:
        """Return what the function's handler builds for an invocation."""
        logger, site = silent_logger(), invocation.site
        bus = Bus(
            clients.client("events"), event_bus_name="default", sweep_bus_name=SWEEP_BUS, stack_name=STACK
        )
        topic_arn = f"arn:aws:sns:{REGION}:{site.account}:outcomes"
        topic = Topic(
            lambda: clients.client("sns"),
            topic_arn=topic_arn,
            place=Place.of_topic(topic_arn, stack_name=STACK),
        )
        return Dispatcher(
            invocation.settings,
            Gateways.connect(
                clients.client,
                Journal(
                    clients.client("dynamodb"),
                    table_name=TABLE,
                    now=partial(self.deployer_now, site),
                    most_writes=self.schedule.most_writes,
                ),
                # Each invocation has its own execution environment, which remembers nothing.
                Reporter(topic, bus, logger),
                now=partial(self.deployer_now, site),
                pause=invocation.pause,
                seconds=lambda: self.clock.now().timestamp(),
                sleep=invocation.sleep,
            ),
            bus,
            StackIdentity(site.role_arn, STACK, DEPLOYER_ROLE, model_buckets(self.schedule)),
            logger,
            invocation_id=invocation.invocation_id,
            remaining_seconds=invocation.remaining_seconds,
            part_size=self.schedule.part_size,
        )

    @property
    def memory(self) -> Memory:
        """The first account's journal and bus."""
        return self.sites[0].memory

    def site_of(self, endpoint_name: str) -> Site:
        """Return the account that an endpoint is in, or a test endpoint's."""
        homes = {each: site for site in self.sites for each in site.endpoints}
        return homes.get(endpoint_name) or homes.get(self.tested_for(endpoint_name), self.sites[0])

    def tested_for(self, test_endpoint_name: str) -> str:
        """Return the endpoint that a test endpoint is for; empty if there is none."""
        known = (each for site in self.sites for each in site.endpoints)
        found = [each for each in known if test_endpoint_name.startswith(f"{each}-v")]
        # One endpoint's name may begin another's.
        return max(found, key=len, default="")

    def deployer_now(self, site: Site) -> datetime:
        """Return the time on the clock of an account's deployer."""
        return self.clock.now() + timedelta(seconds=site.skew)

    def backoff_seconds(self, attempts: int) -> float | None:
        """Return how long botocore waits after so many tries; None if it gives up."""
        return 0.5 * 2**attempts if attempts < BOTOCORE_TRIES else None

    def tell(self, who: str, what: str, detail: object = None) -> None:
        """Add a line to the story."""
        if self.remembers:
            self.trace.append(TraceLine(self.clock.now(), who, what, detail))

    # Time --------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Let the next thing happen; return False if nothing will."""
        due, change = self.agenda.next_due(), self.control_plane.next_due()
        if change is not None and (due is None or change <= due):
            self.clock.set(max(change, self.clock.now()))
            self.control_plane.advance()
            self.observe_changes()
        elif due is not None:
            self.agenda.run_next()
        else:
            return False
        if self._objection is not None:
            raise self._objection
        return True

    def run_until_quiet(self) -> None:
        """Run until nothing happens by itself any more."""
        while self.step():
            pass

    def pass_time(self, seconds: float) -> None:
        """Run for so long."""
        reached = False

        def stop() -> None:
            nonlocal reached
            reached = True

        self.agenda.put(seconds, stop)
        while not reached:
            self.step()

    def run_disturbances(self) -> None:
        """Let everything in the schedule happen, with the schedule's sweeps in between."""
        self.disturbing = True
        is_restored = any(each.kind is Kind.RESTORE_JOURNAL for each in self.schedule.disturbances)
        self.agenda.put(SWEEP_SECONDS / 3, self._sweep_again)
        for disturbance in self.schedule.disturbances:
            wait = WAITS[disturbance.wait % len(WAITS)]
            if wait:
                self.pass_time(wait)
            if disturbance.when:
                self._await(disturbance)
            if is_restored and disturbance.kind is not Kind.RESTORE_JOURNAL:
                self.people.keep_snapshot()
            self.people.do(disturbance)
            self.observe_changes()
        for seconds, disturbance in steps_of_life(self.schedule):
            self.pass_time(seconds)
            self.people.do(disturbance)
            self.observe_changes()
        # The consequences of the last one are disturbed too.
        self.pass_time(1.0)

    def _await(self, disturbance: Disturbance) -> None:
        """Run until the endpoint of a disturbance is in the status that it waits for, or long enough."""
        due = self.clock.now() + timedelta(seconds=AWAITED_SECONDS)
        self.agenda.put(AWAITED_SECONDS, lambda: None)
        while self.people.status_for(disturbance) != disturbance.when and self.clock.now() < due:
            self.step()

    def calm(self) -> None:
        """Stop disturbing: everything in progress ends undisturbed."""
        self.disturbing, self.calmed = False, True
        self._denied.clear()
        self.people.heal()
        self.tell("-", "disturbances stop")

    def end(self) -> None:
        """End what still runs; nothing of it has any effect."""
        self.over = True
        for invocation in list(self.running.values()):
            if invocation.task is not None:
                invocation.task.kill()

    def _sweep_again(self) -> None:
        if self.disturbing:
            self.sweep()
            self.agenda.put(LIFE_SWEEP_SECONDS if self.schedule.life else SWEEP_SECONDS, self._sweep_again)

    def sweep(self) -> None:
        """Let the schedule's rule trigger the function, in every account."""
        for site in self.sites:
            self.sweeps += 1
            self.invoke(
                {
                    "version": "0",
                    "id": f"sweep-{self.sweeps}",
                    "detail-type": SCHEDULED,
                    "source": "aws.events",
                    "account": site.account,
                    "time": self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "region": REGION,
                    "resources": [f"arn:aws:events:{REGION}:{site.account}:rule/sweep"],
                    "detail": {},
                },
                site,
            )

    # Events ------------------------------------------------------------------------------------------

    def emit(self, event: dict[str, Any]) -> None:
        """Take an event of AWS, and deliver it as the schedule says."""
        is_stage = event["detail-type"] == ENDPOINT_DEPLOYMENT_STATE_CHANGE
        if is_stage:
            # DescribeEndpoint answers something new. A rule of the stack matches it only for smoke tests.
            self.changed.add(event["detail"]["EndpointName"])
            if not self.schedule.smoke_test:
                return
        number = self._events
        self._events += 1
        detail = event["detail"]
        if "ModelPackageArn" in detail:
            event = self._lagging(event)
        name = detail.get("EndpointName")
        if name is not None and not is_stage:
            self.changed.add(name)
            self.people.endpoint_changed(name)
        about = name or detail.get("ModelPackageArn", detail.get("name", "")).rsplit(":", 1)[-1]
        status = detail.get("EndpointStatus") or detail.get("ModelApprovalStatus") or detail.get("operation")
        self.tell("aws", f"event {number}: {event['detail-type']}", f"{about} {status}")
        if "ModelPackageArn" in detail:
            self._observe_package(detail["ModelPackageArn"])
            # The registry forwards it to every stage.
            for site in self.sites:
                self._deliver(event, number, site)
        else:
            self._deliver(event, number, self._site_in(event["account"]))

    def _lagging(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event of the registry with a time of its own: AWS does not say whose clock it is."""
        time = datetime.fromisoformat(event["time"]) + timedelta(seconds=self.schedule.event_lag)
        return {**event, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def _site_in(self, account: str) -> Site:
        return next(site for site in self.sites if site.account == account)

    def _deliver(self, event: dict[str, Any], number: int, site: Site) -> None:
        delays = [self._delay(0.05, 0.8)]
        fault = self._next_event_fault(event_name(event))
        if fault is not None:
            self.coverage.add((f"event {fault.event}", fault.kind.value))
            match fault.kind:
                case EventFaultKind.LOST:
                    delays = []
                case EventFaultKind.DOUBLED:
                    delays.append(self._delay(0.0, DELAYS[fault.delay % len(DELAYS)]))
                case EventFaultKind.LATE:
                    delays = [DELAYS[fault.delay % len(DELAYS)]]
            self.tell("fault", f"event {number} is {fault.kind}", self._where(site))
        self.people.note_event(event, site, delivered=bool(delays))
        for delay in delays:
            self.agenda.put(delay, lambda: self.invoke(event, site))

    def _where(self, site: Site) -> str | None:
        """Return an account's name in the story, if there are several."""
        return f"for {', '.join(site.endpoints)}" if len(self.sites) > 1 else None

    def _next_event_fault(self, name: str) -> EventFault | None:
        """Return what goes wrong with this event of a name; they count while there are disturbances."""
        if not self.disturbing:
            return None
        nth = self._event_counts.get(name, 0)
        self._event_counts[name] = nth + 1
        return self._event_faults.get((name, nth))

    def _deliver_own(self, request: dict[str, Any], site: Site) -> None:
        """Deliver the deployer's own messages on the bus: nothing reaches it from the default one."""
        for entry in request["Entries"]:
            if entry["EventBusName"] == SWEEP_BUS:
                self._own_events += 1
                event = {
                    "version": "0",
                    "id": f"own-{self._own_events}",
                    "detail-type": entry["DetailType"],
                    "source": entry["Source"],
                    "account": site.account,
                    "time": self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "region": REGION,
                    "resources": [],
                    "detail": json.loads(entry["Detail"]),
                }
                self.emit(event)

    def hint(self, endpoint_name: str) -> None:
        """Let an event name an endpoint of which nothing changed."""
        self._hints += 1
        site = self.site_of(endpoint_name)
        self.invoke(
            {
                "version": "0",
                "id": f"hint-{self._hints}",
                "detail-type": "SageMaker Endpoint State Change",
                "source": "aws.sagemaker",
                "account": site.account,
                "time": self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": REGION,
                "resources": [],
                "detail": {"EndpointName": endpoint_name},
            },
            site,
        )

    # The function ------------------------------------------------------------------------------------

    def invoke(self, event: dict[str, Any], site: Site) -> None:
        """Invoke the function of an account asynchronously."""
        self._invocations += 1
        self._begin(f"invocation-{self._invocations}", event, 0, site)

    def _begin(self, invocation_id: str, event: dict[str, Any], tries: int, site: Site) -> None:
        name = f"i{invocation_id.rsplit('-', 1)[-1]}" + "'" * tries
        self.begin(Invocation(invocation_id, name, event, tries, self.clock.now(), self, at=site))

    def forget_invocations(self) -> None:
        """End all invocations, and repeat none: their function is gone."""
        for invocation in list(self.running.values()):
            assert invocation.task is not None
            invocation.tries = len(LAMBDA_RETRIES)
            invocation.faulty = invocation.troubled = True
            invocation.task.kill()

    def begin(self, invocation: Invocation) -> None:
        """Let an invocation begin, now."""
        event = invocation.event
        invocation.task = Task(
            self.agenda, invocation.run, lambda problem: self._ended(invocation, problem), invocation
        )
        self.running[invocation.name] = invocation
        about = event["id"] if event["id"].startswith("sweep") else event["detail-type"]
        where = self._where(invocation.site)
        self.tell(invocation.name, "invoked with", about if where is None else f"{about}, {where}")
        self.agenda.put(0.0, invocation.task.start)

    def _ended(self, invocation: Invocation, problem: BaseException | None) -> None:
        del self.running[invocation.name]
        if self.remembers:
            self.ended.append(invocation)
        invocation.problem = problem
        if self.over:
            return
        if problem is None:
            self.processed.add((invocation.site.account, invocation.event["id"]))
            self.tell(invocation.name, "done")
            return
        self.tell(invocation.name, f"failed: {type(problem).__name__}", str(problem) or None)
        if not isinstance(problem, CrashError) and not invocation.faulty:
            self.people.unprovoked.append((invocation, problem))
        if invocation.tries < len(LAMBDA_RETRIES):
            self.agenda.put(
                LAMBDA_RETRIES[invocation.tries],
                lambda: self._begin(
                    invocation.invocation_id, invocation.event, invocation.tries + 1, invocation.site
                ),
            )

    # Calls -------------------------------------------------------------------------------------------

    def send(self, invocation: Invocation, service: str, operation: str, body: bytes) -> tuple[int, bytes]:
        """Answer a call of the deployer; others run before it takes effect, and before its answer arrives."""
        task = invocation.task
        assert task is not None
        if self.over or task.dead:
            raise CrashError
        if self.remembers:
            invocation.asked.append((operation, body))
        called, operation = operation, recorded_as(operation, body)
        gap = self._next_gap(operation)
        fault = self._next_fault(operation, invocation.site)
        kind = fault.kind if fault is not None else None
        # These take no time. There were none once, and other events of a schedule must stay the same.
        takes_time = operation not in {TELLING, ASKING}
        if takes_time:
            task.pause(self._delay(0.02, 0.15))
        if fault is not None:
            self._begin_fault(fault, invocation, task, _call_name(operation, body))
        self._keep_time_limit(invocation)
        refused = self._fault_before(kind, task, service) or self.refusal(invocation, service, operation)
        if refused is not None:
            return refused
        answered = self._take_effect(invocation, service, called, body, kind, gap)
        if takes_time:
            task.pause(self._delay(0.0, 0.1))
        match kind:
            case FaultKind.CRASH_AFTER:
                task.crash()
            case FaultKind.TIMEOUT_AFTER:
                raise ReadTimeoutError(endpoint_url=f"https://{service}")
            case FaultKind.SERVER_ERROR_AFTER:
                return _SERVER_ERROR
            case FaultKind.SLOW_AFTER:
                assert fault is not None
                task.pause(DELAYS[fault.delay % len(DELAYS)])
        self._keep_time_limit(invocation)
        if self.remembers and answered[0] < 300:
            invocation.answered.add(len(invocation.asked) - 1)
        return answered

    def refusal(self, invocation: Invocation, service: str, operation: str) -> tuple[int, bytes] | None:
        """Return a service's error in place of the result; None if the service carries the call out."""
        del invocation, service, operation  # for worlds that refuse more than a schedule does
        return None

    def _next_fault(self, operation: str, site: Site) -> Fault | None:
        """Return what goes wrong with this call of an operation; calls count while there are disturbances."""
        if not self.disturbing:
            return None
        nth = self._counts.get(operation, 0)
        self._counts[operation] = nth + 1
        denial = self._denials.get((operation, nth))
        if denial is not None:
            self.deny(denial, site)
        return self._faults.get((operation, nth))

    def _next_gap(self, operation: str) -> tuple[int, int] | None:
        """Return what the answer to this call lacks; None if nothing."""
        nth = self._counts.get(operation, 0)
        for gap in self.schedule.gaps if self.disturbing else ():
            if gap.operation == operation and gap.nth <= nth < gap.nth + gap.times:
                return GAPS[gap.lacks % len(GAPS)]
        return None

    def deny(self, denial: Denial, site: Site) -> None:
        """Begin to deny an action in an account."""
        seconds = DENIED_FOR[denial.lasts % len(DENIED_FOR)]
        until = self.clock.now() + timedelta(seconds=seconds) if seconds is not None else _FOR_EVER
        self._denied[site.account, denial.operation] = denial, until
        self.tell("iam", f"denies {denial.operation} for {seconds} s", self._where(site))

    def _denial(self, operation: str, site: Site) -> Denial | None:
        """Return why an account's deployer may not make such calls at the moment; None if it may."""
        denial, until = self._denied.get((site.account, operation), (None, self.clock.now()))
        return denial if self.clock.now() < until else None

    def _begin_fault(self, fault: Fault, invocation: Invocation, task: Task, name: str) -> None:
        invocation.faulty = invocation.troubled = True
        self.tell("fault", f"{name} of {invocation.name}: {fault.kind}")
        if fault.kind is not FaultKind.STALE:
            self.coverage.add((name, fault.kind.value))
        if fault.kind is FaultKind.SLOW_BEFORE:
            task.pause(DELAYS[fault.delay % len(DELAYS)])
        if fault.meanwhile is not None:
            self.coverage.add((name, f"meanwhile {fault.meanwhile.kind}"))
            self.people.do(fault.meanwhile)
            self._guard(task, self.observe_changes)

    def _fault_before(self, kind: FaultKind | None, task: Task, service: str) -> tuple[int, bytes] | None:
        """Let a call fail before it takes effect; None if it does not."""
        match kind:
            case FaultKind.CRASH_BEFORE:
                task.crash()
            case FaultKind.TIMEOUT_BEFORE:
                raise ConnectTimeoutError(endpoint_url=f"https://{service}")
            case FaultKind.THROTTLED:
                return _throttling(service)
            case FaultKind.SERVER_ERROR_BEFORE:
                return _SERVER_ERROR
        return None

    def _take_effect(
        self,
        invocation: Invocation,
        service: str,
        operation: str,
        body: bytes,
        kind: FaultKind | None,
        gap: tuple[int, int] | None,
    ) -> tuple[int, bytes]:
        task = invocation.task
        assert task is not None
        request = json.loads(body or b"{}")
        called, operation = operation, recorded_as(operation, body)
        stale = self._stale_answer(operation, request, invocation.site) if kind is FaultKind.STALE else None
        meddling = self.people.meddling
        permission = "Query" if operation == ASKING else operation
        denial, why = self._denial(permission, invocation.site), meddling.hides(operation, request)
        if why is Unreadable.DENIED and denial is None:
            denial = HIDDEN
        if stale is not None:
            self.coverage.add((operation, FaultKind.STALE.value))
            status, content = stale
        elif denial is not None:
            invocation.faulty, invocation.troubled = True, invocation.troubled or denial is not HIDDEN
            self.coverage.add((operation, DENIED))
            status, content = _denied(denial, service, invocation.site)
        else:
            status, content = self.ask(invocation, service, called, body)
            content = meddling.shown(operation, content) if status == 200 else content
            if why is not None and status == 200:
                invocation.faulty = True
                status, content = meddling.obscured(why, (status, content))
        is_hidden = stale is None and (denial is HIDDEN or (denial is None and why is not None))
        if gap is not None and status == 200:
            content = _with_gap(operation, content, gap)
            self.coverage.add((operation, GAP))
        if called == TRANSACTION:
            [request] = request["TransactItems"][0].values()
        self.call_count += 1
        # Nobody can read it, so laws see no answer either.
        is_unread = is_hidden and status == 200
        now, response = self.clock.now(), {} if is_unread else json.loads(content or b"{}")
        if self.people.namesakes.were_made:
            request, response = (self.people.namesakes.named(each, now) for each in (request, response))
        call = Call(
            number=self.call_count,
            time=now,
            invocation=invocation,
            service=service,
            operation=operation,
            request=request,
            status=400 if is_unread else status,
            response=response,
            fault=DENIED if denial is not None else kind.value if kind is not None else gap and GAP,
            stale=stale is not None,
            hidden=is_hidden,
        )
        if self.remembers:
            self.calls.append(call)
            invocation.calls.append(call)
        self.tell(invocation.name, operation, lambda: _shown(call))
        self._guard(task, lambda: self._let_observe(call))
        self._guard(task, self.observe_changes)
        if operation == "PutEvents" and call.accepted:
            self._deliver_own(request, invocation.site)
        if operation == "DeleteEndpoint" and call.accepted:
            self.failed_endpoints_deleted += 1
        return status, content

    def ask(self, invocation: Invocation, service: str, operation: str, body: bytes) -> tuple[int, bytes]:
        """Let a service answer."""
        request, site = json.loads(body or b"{}"), invocation.site
        match service:
            case "sagemaker":
                status, _, content = wire.handle(
                    self.control_plane, target=f"SageMaker.{operation}", body=body, caller=site.caller
                )
                return status, content
            case "application-autoscaling":
                return self.scaling(operation, body, site)
            case "sagemaker-runtime":
                return self._ask_endpoint(request, site)
            case "s3":
                return self._ask_bucket(operation, request)
            case "logs":
                return answer(200, self._logged(operation))
            case "cloudwatch":
                return answer(*self.alarms.handle(operation, request))
        return self._ask_memory(invocation, service, operation, body)

    def scaling(self, operation: str, body: bytes, site: Site) -> tuple[int, bytes]:
        """Ask an account's Application Auto Scaling."""
        status, _, content = auto_scaling_wire.handle(
            ApplicationAutoScaling(self.control_plane),
            target=f"{auto_scaling_wire.TARGET_PREFIX}{operation}",
            body=body,
            caller=site.caller,
            request_id="simulated",
        )
        return status, content

    def _ask_endpoint(self, request: dict[str, Any], site: Site) -> tuple[int, bytes]:
        """Let the model that the routes choose answer, well or wrongly."""
        name = request["EndpointName"]
        for spec, _ in self.hosting.receiving(name, by_name=True):
            body = json.dumps({"good": not self.hosting.fails(spec)}).encode()
            self.endpoints.script(spec.model_name, Answer(200, "application/json", body))
        headers = {"content-type": request["ContentType"]}
        if "TargetVariant" in request:
            headers[TARGET_VARIANT.lower()] = request["TargetVariant"]
        asked = Request("POST", f"/endpoints/{name}/invocations", {}, headers, request["Body"].encode())
        answered = answer_invocation(self.endpoints, asked, name, site.caller)
        named = {key.lower(): value for key, value in answered.headers.items()}
        if answered.status == 200:
            return answer(200, {"ContentType": named["content-type"], "Body": answered.body.decode()})
        return answer(answered.status, {**json.loads(answered.body), "__type": named["x-amzn-errortype"]})

    def _logged(self, operation: str) -> dict[str, Any]:
        """Answer as CloudWatch Logs, where each container logged one exception a moment ago."""
        now = round(self.clock.now().timestamp() * 1000)
        if operation == "DescribeLogStreams":
            return {"logStreams": [{"logStreamName": "AllTraffic/i-0", "creationTime": now}]}
        assert operation == "GetLogEvents", operation
        return {"events": [{"timestamp": now, "message": "ModuleNotFoundError: No module named 'model'"}]}

    def _ask_bucket(self, operation: str, request: dict[str, Any]) -> tuple[int, bytes]:
        """Answer as S3: with a smoke test's body, or with an artifact's object."""
        if operation == "GetObject":
            return answer(200, {"ContentType": "text/csv", "Body": "3,4"})
        assert operation == LISTING, operation
        if self.bucket.is_hidden:
            return answer(403, {"__type": "AccessDenied", "message": "Access Denied"})
        return answer(200, self.bucket.list(request["Bucket"], request["Prefix"]))

    def _ask_memory(
        self, invocation: Invocation, service: str, operation: str, body: bytes
    ) -> tuple[int, bytes]:
        assert invocation.task is not None
        try:
            return answer(*invocation.site.memory.handle(service, operation, body))
        except Exception as error:  # noqa: BLE001 - raised again by the step that led here
            self._objection = error
            invocation.task.crash()

    def _let_observe(self, call: Call) -> None:
        for observer in self.observers:
            observer(call)
        self._more_pages += "ExclusiveStartKey" in call.request
        if self.call_count - self._more_pages + self._more_pages // PAGES_OF_A_CALL > self.call_limit:
            raise EndlessError(f"{self.call_count} calls, and no end")

    def _guard(self, task: Task, observe: Callable[[], None]) -> None:
        """Notify observers; their errors end the simulation: nobody in between may catch them."""
        try:
            observe()
        except Exception as error:  # noqa: BLE001 - raised again by the step that led here
            self._objection = error
            task.crash()

    def _keep_time_limit(self, invocation: Invocation) -> None:
        assert invocation.task is not None
        if self.clock.now() - invocation.started > TIME_LIMIT:
            self.tell(invocation.name, "is over its time limit")
            invocation.faulty = True
            invocation.task.crash()

    def _delay(self, low: float, high: float) -> float:
        """Return how long something takes: the same for everything under seed 0."""
        return round(self._random.uniform(low, high), 3) if self.schedule.seed else low

    # What DescribeEndpoint may answer late ------------------------------------------------------------

    def describe(self, endpoint_name: str) -> dict[str, Any] | None:
        """Return the endpoint as it is, or None."""
        status, content = self._present.get(endpoint_name, (400, b"{}"))
        return json.loads(content) if status == 200 else None

    def shown(self, endpoint_name: str) -> tuple[int, bytes] | None:
        """Return what DescribeEndpoint answers as it is, to compare; None if there never was the endpoint."""
        return self._present.get(endpoint_name)

    def observe_changes(self) -> None:
        """Notify observers of changes of endpoints."""
        self.alarms.follow_traffic()
        # No event tells of the end of an endpoint that is on its way out.
        for name in sorted(self.changed | self._deleting):
            before = self._present.get(name)
            now = wire.handle(
                self.control_plane,
                target="SageMaker.DescribeEndpoint",
                body=json.dumps({"EndpointName": name}).encode(),
                caller=self.site_of(name).caller,
            )
            present = (now[0], now[2])
            if before != present:
                self.served_since[name] = self.clock.now()
                self._past[name] = (self.clock.now(), before or (400, _missing(name)))
                self._present[name] = present
                if present[0] == 200 and b'"Deleting"' in present[1]:
                    self._deleting.add(name)
                else:
                    self._deleting.discard(name)
        if self.changed:
            self.changed.clear()
        for observer in self.change_observers:
            observer()

    def _stale_answer(self, operation: str, request: dict[str, Any], site: Site) -> tuple[int, bytes] | None:
        """Return a read's answer before an endpoint's last change, if that was just now."""
        recent = {
            name: answered
            for name, (time, answered) in self._past.items()
            if self.clock.now() - time <= timedelta(seconds=STALE_SECONDS) and self.site_of(name) is site
        }
        if operation == "DescribeEndpoint":
            return recent.get(request["EndpointName"])
        if operation == ALARM_READ:
            past = self.alarms.describe(request, late=True)
            return answer(200, past) if past != self.alarms.describe(request) else None
        if operation == "ListEndpoints" and recent:
            listed = {
                name: json.loads(content)
                for name, (status, content) in self._present.items()
                if status == 200 and self.site_of(name) is site
            }
            for name, (status, content) in recent.items():
                listed.pop(name, None)
                if status == 200:
                    listed[name] = json.loads(content)
            return answer(200, {"Endpoints": [_summary(each) for each in listed.values()]})
        return self._stale_registry(operation, request, site)

    def _stale_registry(
        self, operation: str, request: dict[str, Any], site: Site
    ) -> tuple[int, bytes] | None:
        """Return what a read of the registry would have answered before a version's last change."""
        recent = {
            arn: before
            for arn, (time, before) in self._past_packages.items()
            if self.clock.now() - time <= timedelta(seconds=STALE_SECONDS)
        }
        if operation == "DescribeModelPackage":
            before = recent.get(request["ModelPackageName"].lower())
            return None if before is None else (200, before)
        if operation != "ListModelPackages" or not recent:
            return None
        status, _, content = self._ask_registry(operation, request, site)
        page = json.loads(content)
        if status != 200 or "NextToken" in page or "NextToken" in request:
            return None
        shown = [
            each for each in page["ModelPackageSummaryList"] if each["ModelPackageArn"].lower() not in recent
        ]
        group = request["ModelPackageGroupName"].rpartition("/")[2].lower()
        packages = [json.loads(each) for each in recent.values()]
        shown += [
            {member: each[member] for member in _SUMMARY if member in each}
            for each in packages
            if each["ModelApprovalStatus"] == request["ModelApprovalStatus"]
            and each["ModelPackageGroupName"].lower() == group
        ]
        shown.sort(key=lambda each: each["CreationTime"], reverse=True)
        return answer(200, {"ModelPackageSummaryList": shown})

    def _ask_registry(
        self, operation: str, request: dict[str, Any], site: Site
    ) -> tuple[int, dict[str, str], bytes]:
        return wire.handle(
            self.control_plane,
            target=f"SageMaker.{operation}",
            body=json.dumps(request).encode(),
            caller=site.caller,
        )

    def _observe_package(self, arn: str) -> None:
        """Remember what a version was before it changed just now."""
        status, _, now = self._ask_registry("DescribeModelPackage", {"ModelPackageName": arn}, self.sites[0])
        before = self._packages.get(arn.lower())
        if status == 200 and before != now:
            self._packages[arn.lower()] = now
            if before is not None:
                self._past_packages[arn.lower()] = self.clock.now(), before

    # For laws ----------------------------------------------------------------------------------------

    def journal(self, endpoint_name: str, prefix: str) -> list[dict[str, Any]]:
        """Return the journal's items of an endpoint as plain values, oldest first.

        An approval whose version the deployer could not read is none yet.
        """
        table = self.site_of(endpoint_name).memory.table
        changes = table.changes.get(endpoint_name, 0)
        # Laws ask at every call, few calls change anything, and long lives have long journals.
        counted, items = self._journals.get((endpoint_name, prefix), (-1, []))
        if counted != changes or not self.schedule.life:
            items = [plain(item) for item in table.items(endpoint_name, prefix)]
            items = [item for item in items if "unread" not in item]
            items = self.people.namesakes.named(items, self.clock.now())
            self._journals[endpoint_name, prefix] = changes, items
        return list(items)

    def noted_settings(self, site: Site) -> dict[str, str]:
        """Return with which settings, by the journal of an account, its endpoints were looked at."""
        items = _fleet(site)
        return {each["item"]: each["settings_digest"] for each in items if "settings_digest" in each}

    def known_endpoints(self, site: Site) -> dict[str, bool]:
        """Return whether the journal of an account knows an endpoint as one with settings, by its name."""
        return {each["item"]: "left_at" not in each for each in _fleet(site)}

    def fleet_counts(self, site: Site) -> tuple[int, int, int]:
        """Return how many of an account's endpoints rest, how often it journalled, and how many it knows."""
        items = _fleet(site)
        return (
            sum(each["rests"] is True for each in items),
            sum(int(each["mark"]) for each in items),
            len(items) + sum("left_at" in each for each in items),
        )

    def journalled(self, endpoint_name: str, item: str) -> dict[str, Any]:
        """Return one item of an endpoint's journal as plain values; empty if there is none."""
        found = self.site_of(endpoint_name).memory.table.partitions.get(endpoint_name, {})
        named: dict[str, Any] = self.people.namesakes.named(plain(found.get(item, {})), self.clock.now())
        return named

    def story(self) -> str:
        """Return the whole trace as text."""
        return "\n".join(line.format(self.start) for line in self.trace)


_SERVER_ERROR: Final = answer(500, {"__type": "InternalFailure", "message": "Internal failure"})


class EndlessError(Exception):
    """The deployer makes call after call and comes to no end."""


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """Return a DynamoDB item as plain values."""
    return {key: next(iter(value.values())) for key, value in item.items()}


def names_in(part: dict[str, Any]) -> list[str]:
    """Return the endpoints that a part of a sweep names, from its event's detail."""
    names: list[str] = part["EndpointNames"]
    return names


def _summary(endpoint: dict[str, Any]) -> dict[str, Any]:
    members = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
    return {member: endpoint[member] for member in members}


def _with_gap(operation: str, content: bytes, gap: tuple[int, int]) -> bytes:
    """Return a list without some of what it shows."""
    remainder, of = gap
    document, member = json.loads(content), LISTS[operation]
    document[member] = [each for place, each in enumerate(document[member]) if place % of != remainder]
    return json.dumps(document).encode()


def _missing(name: str) -> bytes:
    return json.dumps(
        {"__type": "ValidationException", "message": f'Could not find endpoint "{name}".'}
    ).encode()


def event_name(event: dict[str, Any]) -> str:
    """Return how schedules name an event: see EVENTS and STAGE_EVENTS."""
    detail = event.get("detail", {})
    if "ModelLifeCycle" in (detail.get("UpdatedModelPackageFields") or ()):
        stands = detail.get("ModelLifeCycle") or {}
        if stands == {**stands, "Stage": PRODUCTION, "StageStatus": "PendingApproval"}:
            return WAITING_EVENT
        return PASSED_EVENT if is_at(PASSED, stands) or stands.get("Stage") in LATER else TAKEN_BACK_EVENT
    pending = detail.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
    if any(status["Status"] == "Baking" for each in pending for status in each.get("VariantStatus", ())):
        return BAKE_EVENT
    status = detail.get("ModelApprovalStatus")
    return event["detail-type"] if status is None else f"{event['detail-type']}: {status}"


def recorded_as(operation: str, body: bytes) -> str:
    """Return how calls, faults and laws name a call: a transaction by its first write."""
    if operation == "Query" and f'"{REQUESTS}"'.encode() in body:
        return ASKING
    if operation != TRANSACTION:
        return operation
    [kind] = json.loads(body)["TransactItems"][0]
    return f"{kind}Item"


def _call_name(operation: str, body: bytes) -> str:
    """Return how coverage names a call."""
    is_part = operation == "PutEvents" and PART_DETAIL_TYPE.encode() in body
    return PARTS_PUT if is_part else operation


def _throttling(service: str) -> tuple[int, bytes]:
    """Return how a service throttles; S3 answers as if it failed ("Error responses")."""
    codes = {"dynamodb": "ProvisionedThroughputExceededException", "s3": "SlowDown"}
    document = {"__type": codes.get(service, "ThrottlingException"), "message": "Rate exceeded"}
    return answer(503 if service == "s3" else 400, document)


_SERVICES: Final = {
    "sagemaker-runtime": "sagemaker",
}
"""IAM's name of a service where it differs from botocore's."""

_ACTIONS: Final = {LISTING: "ListBucket"}
"""IAM's name of an operation where it differs from the API's."""

_DENIALS: Final = {
    "s3": (403, "AccessDenied"),
    "cloudwatch": (403, "AccessDenied"),
    "sns": (403, "AuthorizationError"),
    "sagemaker-runtime": (403, "AccessDeniedException"),
}
"""How services refuse what IAM denies, of those that do not as most do: S3's "Error responses", CloudWatch's
and SNS's "Common errors" and `AuthorizationErrorException` in botocore."""


def _denied(denial: Denial, service: str, site: Site) -> tuple[int, bytes]:
    """Return how a service refuses what IAM does not allow, in IAM's words ("Access denied messages")."""
    status, code = _DENIALS.get(service, (400, "AccessDeniedException"))
    action = f"{_SERVICES.get(service, service)}:{_ACTIONS.get(denial.operation, denial.operation)}"
    if denial.elsewhere:
        action = NEEDED_ELSEWHERE.get(denial.operation, action)
    told = (
        f"User: arn:aws:sts::{site.account}:assumed-role/deployer/session is not authorized to perform: "
        f"{action} on resource: * because no identity-based policy allows the {action} action"
    )
    return answer(status, {"__type": code, "message": told})


def _shown(call: Call) -> str:
    told = {
        key: value
        for key, value in call.request.items()
        if key
        in {
            "EndpointName",
            "EndpointConfigName",
            "ModelName",
            "ModelPackageName",
            "Name",
            "Path",
            "ResourceArn",
            "ResourceARN",
            "AlarmName",
            "StateValue",
        }
    }
    if call.service == "dynamodb":
        key = call.request.get("Key") or call.request.get("Item")
        if key:
            told = {"item": key["item"]["S"]}
            values = call.request.get("Item") or call.request.get("ExpressionAttributeValues", {})
            told.update(
                {
                    name.strip(":"): value["S"]
                    for name, value in values.items()
                    if name.strip(":") in {"status", "reason"}
                }
            )
    if call.operation == TELLING:
        told = {"Subject": call.request["Subject"]}
    if call.operation == "PutEvents":
        told = {
            str(number): detail.get("OutcomeId") or names_in(detail)
            for number, detail in enumerate(json.loads(each["Detail"]) for each in call.request["Entries"])
        }
    answered = f"{call.status}"
    if not call.accepted:
        answered += (
            f" {call.response.get('__type', '').rpartition('#')[2]}: {call.response.get('message', '')}"
        )
    for member in ("EndpointStatus", "EndpointConfigName", "FailureReason", "ModelApprovalStatus"):
        if member in call.response:
            answered += f" {call.response[member]}"
    fault = f" [{'stale' if call.stale else call.fault}]" if call.fault else ""
    return f"{' '.join(map(str, told.values()))} -> {answered}{fault}"


def _timings(schedule: Schedule) -> Timings:
    return Timings.from_document(
        {"endpoint_config_visible_seconds": schedule.config_visible_seconds}, Timings.like_aws()
    )


_LOGGERS: list[Logger] = []


def _fleet(site: Site) -> list[dict[str, Any]]:
    """Return what the journal of an account knows of each endpoint, as plain values."""
    items = [plain(item) for item in site.memory.table.items(FLEET)]
    return [each for each in items if each["item"] != CHECKS]


def silent_logger() -> Logger:
    """Return this process's one logger, which says nothing: the trace tells the story."""
    if not _LOGGERS:
        _LOGGERS.append(Logger(service="greenlight", level="CRITICAL"))
    return _LOGGERS[0]
