"""A schedule: everything that happens in one simulation, as a value that can be printed, kept and replayed.

Owns the vocabulary of disturbances and faults, and how schedules are drawn. It runs nothing. Numbers in it
are small and are read modulo what there is to choose from, so that every schedule is valid and stays valid
while parts of it are taken away.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from deployer.contract import PART_DETAIL_TYPE, REQUEST_DETAIL_TYPE
from deployer.operations import OPERATIONS
from local_cloud.sagemaker.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Kind(StrEnum):
    """Actions of people and AWS while the deployer works."""

    REGISTER = "register"
    REGISTER_APPROVED = "register approved"
    REGISTER_BROKEN = "register broken"
    REGISTER_BROKEN_APPROVED = "register broken approved"
    REGISTER_ALARMING_APPROVED = "register alarming approved"
    REGISTER_FAILING_APPROVED = "register failing approved"
    REGISTER_ELSEWHERE = "register elsewhere"
    APPROVE = "approve"
    APPROVE_NEWEST = "approve newest"
    REJECT = "reject"
    REJECT_LIVE = "reject live"
    RETURN_TO_PENDING = "return to pending"
    UPDATE_METADATA = "update metadata"
    DELETE_VERSION = "delete version"
    MEND_MODEL = "mend model"
    CHANGE_SETTINGS = "change settings"
    REMOVE_SETTINGS = "remove settings"
    LIMIT_CAPACITY = "limit capacity"
    LIFT_CAPACITY = "lift capacity"
    LIMIT_QUOTA = "limit quota"
    LIFT_QUOTA = "lift quota"
    FAIL_SERVICE = "fail service"
    FAIL_ALARM = "fail alarm"
    FAIL_ROLLBACK = "fail rollback"
    RAISE_ALARM = "raise alarm"
    RESET_ALARM = "reset alarm"
    SYSTEM_UPDATE = "system update"
    OUT_OF_SERVICE = "out of service"
    RETURN_TO_SERVICE = "return to service"
    RESCALE = "rescale"
    DELETE_ENDPOINT = "delete endpoint"
    SWEEP = "sweep"
    # Only where there are stages:
    SET_LIFE_CYCLE = "set life cycle"
    PASS_ON = "pass on"
    PASS_ON_LIVE = "pass on live"
    TAKE_BACK_LIVE = "take back live"
    REPLACE_ARTIFACT = "replace artifact"
    REPLACE_LIVE = "replace live"
    OVERWRITE_ARTIFACT = "overwrite artifact"
    OVERWRITE_LIVE = "overwrite live"
    HIDE_ARTIFACTS = "hide artifacts"
    # Drawn apart from all others:
    CHANGE_SHAPE = "change shape"
    DELETE_ALARM = "delete alarm"
    FOREIGN_ALARM = "foreign alarm"
    LOSE_JOURNAL = "lose journal"
    RESTORE_JOURNAL = "restore journal"
    REDEPLOY_STACK = "redeploy stack"
    HAND_OVER = "hand over"
    PAUSE = "pause"
    END_PAUSE = "end pause"
    FREEZE = "freeze"
    ROLL_BACK = "roll back"
    RETRY = "retry"
    DELETE_CONFIG = "delete config"
    DELETE_MODEL = "delete model"
    HIDE_VERSION = "hide version"
    UPGRADE = "upgrade"
    REMAKE_GROUP = "remake group"


REGISTRY_KINDS: Final = (
    *(Kind.SET_LIFE_CYCLE, Kind.PASS_ON, Kind.PASS_ON_LIVE, Kind.TAKE_BACK_LIVE),
    *(Kind.REPLACE_ARTIFACT, Kind.REPLACE_LIVE),
)
"""People's changes of versions' life cycles, and of their artifacts in the registry."""

S3_KINDS: Final = (Kind.OVERWRITE_ARTIFACT, Kind.OVERWRITE_LIVE, Kind.HIDE_ARTIFACTS)
"""People's changes of versions' objects, which the registry does not notice."""

STAGE_KINDS: Final = (*REGISTRY_KINDS, *S3_KINDS)

SHAPE_KINDS: Final = (Kind.CHANGE_SHAPE,)
"""People's changes of an endpoint's kind."""

ALARM_KINDS: Final = (Kind.DELETE_ALARM, Kind.FOREIGN_ALARM)
"""Things that people do with the deployer's alarms."""

JOURNAL_KINDS: Final = (Kind.LOSE_JOURNAL, Kind.RESTORE_JOURNAL, Kind.REDEPLOY_STACK)
"""Things that happen to the journal: afterwards it knows less than before."""

RECOVERY_KINDS: Final = (*JOURNAL_KINDS, Kind.HAND_OVER)
"""Those, and an endpoint that a person made and hands over. Only in worlds without stages."""

HOLD_KINDS: Final = (Kind.PAUSE, Kind.END_PAUSE, Kind.FREEZE)
"""What people do to hold rollouts back, and to let them go on."""

REQUEST_KINDS: Final = (Kind.ROLL_BACK, Kind.RETRY)
"""What people ask the deployer to do."""

MEDDLING_KINDS: Final = (Kind.DELETE_CONFIG, Kind.DELETE_MODEL, Kind.HIDE_VERSION, Kind.UPGRADE)
"""What people do to the deployer's own resources, and to what it sees of versions."""

GROUP_KINDS: Final = (Kind.REMAKE_GROUP,)
"""What people do to the model package group. Only in worlds without stages and companions."""

_APART: Final = (
    *(*STAGE_KINDS, *SHAPE_KINDS, *ALARM_KINDS, *RECOVERY_KINDS, *HOLD_KINDS, *REQUEST_KINDS),
    *(*MEDDLING_KINDS, *GROUP_KINDS),
)

PLAIN_KINDS: Final = tuple(kind for kind in Kind if kind not in _APART)
"""Things that happen in every world."""


class Shape(StrEnum):
    """The kind of endpoint in the settings. Not every kind can become every other one."""

    USUAL = "usual"
    RENAMED = "renamed"
    """Its variant has another name."""

    SERVERLESS = "serverless"
    ASYNCHRONOUS = "asynchronous"
    """Unless there is a smoke test, which asks for an answer."""

    UNSHADOWED = "unshadowed"
    """Without the shadow that the schedule has."""


SHAPES: Final = (
    *(Shape.USUAL, Shape.RENAMED, Shape.SERVERLESS, Shape.USUAL, Shape.ASYNCHRONOUS, Shape.RENAMED),
    *(Shape.USUAL, Shape.SERVERLESS, Shape.USUAL, Shape.UNSHADOWED),
)
"""Which shape a disturbance gives an endpoint, by its `how`."""


class Stages(StrEnum):
    """Whether there is one account, or a registry with two stages in their own accounts."""

    NONE = "none"
    PENDING = "pending"
    """The first stage promotes a good version, and a person approves it for the second."""

    APPROVED = "approved"
    """It is passed on as approved."""


class Companions(StrEnum):
    """Versions that serve beside the approved one."""

    NONE = "none"
    PINNED = "pinned"
    SEVERAL = "several"
    """A pinned one, and a second variant that follows the approvals."""

    SHADOW = "shadow"


class RolloutKind(StrEnum):
    """How updates are rolled out; all but the first have alarms."""

    UNGUARDED = "unguarded"
    ALL_AT_ONCE = "all at once"
    CANARY = "canary"
    LINEAR = "linear"
    ROLLING = "rolling"


class RolloutStart(StrEnum):
    """Possible obstacles of an update at its call."""

    ONE_INSTANCE = "one instance"
    ALARM_ON = "alarm on"


class RolloutEnd(StrEnum):
    """How the rollout of an update ended."""

    SUCCEEDED = "succeeded"
    ABORTED = "aborted"
    """While its abort alarm was on."""

    ALARMED = "alarmed"
    """While its rollback alarm was on."""

    FAILED = "failed"


class FaultKind(StrEnum):
    """Faults of one call of the deployer."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    TIMEOUT_BEFORE = "timeout before"
    TIMEOUT_AFTER = "timeout after"
    THROTTLED = "throttled"
    SERVER_ERROR_BEFORE = "server error before"
    SERVER_ERROR_AFTER = "server error after"
    SLOW_BEFORE = "slow before"
    SLOW_AFTER = "slow after"
    STALE = "stale"
    MEANWHILE = "meanwhile"


class EventFaultKind(StrEnum):
    """Faults of the delivery of one event."""

    LOST = "lost"
    DOUBLED = "doubled"
    LATE = "late"


WAITS: Final = (0.0, 0.0, 0.05, 0.15, 0.4, 1.0, 3.0, 20.0, 90.0, 240.0, 600.0, 1600.0)
"""Seconds between one disturbance and the next: within an invocation, within a rollout, beyond both."""

DELAYS: Final = (2.0, 10.0, 60.0, 240.0, 275.0, 400.0, 1200.0)
"""Seconds by which an answer or an event is late; beyond 300 seconds Lambda ends an invocation, and shortly
before it no further pass is begun."""

SOAKS: Final = (0, 600, 1500)
"""Seconds that a version must have served in a stage before it is passed on."""

ALARM_LASTS: Final = (0.0, 120.0, 600.0, 1500.0, None)
"""Seconds from the last cause of an alarm until it goes off; None: only by hand."""

STATUSES: Final = (
    "absent",
    "Creating",
    "InService",
    "Updating",
    "SystemUpdating",
    "RollingBack",
    "Failed",
    "Deleting",
    "OutOfService",
    "UpdateRollbackFailed",
)
"""Possible states of an endpoint."""

EVENTS: Final = (
    "SageMaker Model Package State Change: Approved",
    "SageMaker Model Package State Change: Rejected",
    "SageMaker Model Package State Change: PendingManualApproval",
    "SageMaker Endpoint State Change",
    "Parameter Store Change",
    PART_DETAIL_TYPE,
)
"""The events that trigger the deployer, the schedule's own aside: detail type and approval status, if any."""

PASSED_EVENT: Final = "SageMaker Model Package State Change: life cycle Approved"
WAITING_EVENT: Final = "SageMaker Model Package State Change: life cycle PendingApproval"
TAKEN_BACK_EVENT: Final = "SageMaker Model Package State Change: life cycle taken back"

STAGE_EVENTS: Final = (PASSED_EVENT, WAITING_EVENT, TAKEN_BACK_EVENT)
"""The events that say where a version stands; each is delivered to every stage. The last one's version stands
nowhere, or at a gate no longer."""

BAKE_EVENT: Final = "SageMaker Endpoint Deployment State Change: Baking"
"""The event that an update bakes. Only where there is a smoke test does a rule of the stack match it."""

HANDED_OVER: Final = (
    "managed",
    "serves the first version",
    "serves the last version",
    "serves another model",
    "belongs to others",
)
"""How the last endpoint began: managed as the others are, or made by a person, who may keep it at first."""

FOREIGN: Final = HANDED_OVER.index("belongs to others")

PART_SIZE: Final = 50
"""Endpoints in a part of a sweep, as the deployer has it by default."""

DENIED_FOR: Final = (10.0, 45.0, 240.0, 1600.0, 5000.0, None)
"""Seconds for which an action is denied: less than a deployment waits for a permission, less than an
invocation runs, longer than both; None: until disturbances stop."""

LISTS: Final = {
    "ListModelPackages": "ModelPackageSummaryList",
    "Search": "Results",
    "ListEndpoints": "Endpoints",
}
"""The lists that the deployer reads of SageMaker, with the member that has what they show."""

GAPS: Final[tuple[tuple[int, int], ...]] = ((0, 1), (0, 2), (1, 2), (2, 3))
"""What a list lacks: the items whose places have this remainder after division by that number. The first one
lacks all of them."""

NEEDED_ELSEWHERE: Final = {
    "CreateModel": "iam:PassRole",
    "CreateEndpointConfig": "kms:CreateGrant",
    "CreateEndpoint": "kms:CreateGrant",
    "UpdateEndpoint": "kms:CreateGrant",
}
"""Further actions that IAM may check for a caller, beyond SageMaker's own."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One thing that somebody does.

    Attributes:
        kind: What.
        wait: Index into WAITS: how long after the disturbance before.
        which: Chooses among versions and endpoints.
        how: Chooses among the ways to do it, such as which settings.
        when: After that, wait for the endpoint to be in this status, but not for ever; empty for no status.
    """

    kind: Kind
    wait: int = 0
    which: int = 0
    how: int = 0
    when: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the nth call of an operation, counted from 0 over all invocations.

    Attributes:
        operation: The API operation.
        nth: Which call of it.
        kind: The kind of fault.
        times: How many calls in a row; more than botocore repeats make the invocation fail.
        delay: Index into DELAYS, for slow calls.
        meanwhile: What happens between the decision to call and the call.
    """

    operation: str
    nth: int
    kind: FaultKind
    times: int = 1
    delay: int = 0
    meanwhile: Disturbance | None = None


@dataclass(frozen=True, slots=True)
class Denial:
    """From the nth call of an operation, counted from 0, its action is denied in that account for a while.

    Attributes:
        operation: The API operation.
        nth: Which call of it.
        lasts: Index into DENIED_FOR.
        elsewhere: Whether to deny what such a call needs from another service, if anything: see
            NEEDED_ELSEWHERE.
    """

    operation: str
    nth: int = 0
    lasts: int = 0
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """From the nth call of a list, counted from 0, answers lack some of what is there.

    Attributes:
        operation: One of LISTS.
        nth: Which call of it.
        times: How many calls in a row.
        lacks: Index into GAPS.
    """

    operation: str
    nth: int = 0
    times: int = 1
    lacks: int = 0


@dataclass(frozen=True, slots=True)
class EventFault:
    """A fault of the delivery of the nth of EVENTS' events of one name, counted from 0."""

    event: str
    nth: int
    kind: EventFaultKind
    delay: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that decides one simulation.

    Attributes:
        seed: Decides how long each call and each delivery takes, and thereby the order; 0 is the plainest:
            every call takes equally long.
        endpoints: How many endpoints follow the group, 1 to 3.
        head_start: How many versions are approved and deployed before any disturbance.
        policy: Index into POLICIES: who may approve.
        rollout: How updates are rolled out.
        as_forward: Whether updates that go back are rolled out like all others.
        instances: How many more instances there are than the kind of rollout needs at least.
        alarm_lasts: Index into ALARM_LASTS: for how long an alarm on errors stays on.
        scaling: Whether variants have autoscaling.
        smoke_test: Whether a version must pass a smoke test once it serves.
        before_rollout: Whether it must pass it on a test endpoint first.
        every_seconds: How long after a passed test in the bake the next one follows; 0 for never.
        fades_after: For how many seconds after their first caller failing versions answer well.
        keep: How many old releases the settings retain, unless they change.
        part_size: How many endpoints one invocation sweeps.
        skew: By how many seconds the deployer's clock is ahead of SageMaker's.
        stages: Whether versions pass through stages in several accounts.
        soak: Index into SOAKS: how long a version must have served in the first stage.
        companions: Which versions serve beside the approved one.
        config_visible_seconds: How long a new endpoint config stays invisible to CreateEndpoint and
            UpdateEndpoint.
        switches: Behaviours of AWS other than the default, member to value.
        disturbances: In order.
        faults: Faults of calls.
        event_faults: Faults of deliveries.
        denials: Denied permissions.
        gaps: Lists that lack some of what is there.
        handed_over: Index into HANDED_OVER: how the last endpoint began, which a person hands over.
        life: How many further steps follow the disturbances: see `steps_of_life`.
        most_writes: How many writes one transaction of the journal takes, besides that of the fleet.
        page_bytes: How many bytes a page of a query of the journal has.
        event_lag: By how many seconds the `time` of the registry's events is after the version's
            LastModifiedTime.
        metadata: Whether the deployer writes to versions' metadata also outside of stages.
    """

    seed: int = 0
    endpoints: int = 1
    head_start: int = 0
    policy: int = 0
    rollout: RolloutKind = RolloutKind.UNGUARDED
    as_forward: bool = False
    instances: int = 0
    alarm_lasts: int = 0
    scaling: bool = False
    smoke_test: bool = False
    before_rollout: bool = False
    every_seconds: int = 0
    fades_after: int = 0
    keep: int = 3
    part_size: int = PART_SIZE
    skew: int = 0
    stages: Stages = Stages.NONE
    soak: int = 0
    companions: Companions = Companions.NONE
    config_visible_seconds: int = 0
    switches: dict[str, str] = field(default_factory=dict)
    disturbances: tuple[Disturbance, ...] = ()
    faults: tuple[Fault, ...] = ()
    event_faults: tuple[EventFault, ...] = ()
    denials: tuple[Denial, ...] = ()
    gaps: tuple[Gap, ...] = ()
    event_lag: int = 0
    handed_over: int = 0
    life: int = 0
    most_writes: int = 99
    page_bytes: int = 1024 * 1024
    metadata: bool = False

    def to_json(self) -> str:
        """Return the schedule as compact JSON, without defaults."""
        return json.dumps(_slim(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Schedule:
        """Read a schedule.

        Raises:
            ValueError: The text is no schedule.
        """
        try:
            document = json.loads(text)
            return cls(
                **{
                    **document,
                    "rollout": RolloutKind(document.get("rollout", RolloutKind.UNGUARDED)),
                    "stages": Stages(document.get("stages", Stages.NONE)),
                    "companions": Companions(document.get("companions", Companions.NONE)),
                    "disturbances": tuple(map(_disturbance, document.get("disturbances", ()))),
                    "faults": tuple(map(_fault, document.get("faults", ()))),
                    "event_faults": tuple(
                        EventFault(**{**each, "kind": EventFaultKind(each["kind"])})
                        for each in document.get("event_faults", ())
                    ),
                    "denials": tuple(Denial(**each) for each in document.get("denials", ())),
                    "gaps": tuple(Gap(**each) for each in document.get("gaps", ())),
                }
            )
        except (TypeError, KeyError) as error:
            raise ValueError(f"This is no schedule: {error}") from error

    def chosen_switches(self) -> Switches:
        """Return the control plane's switches."""
        return Switches.from_document(self.switches)


def _slim(value: Any) -> Any:
    if not dataclasses.is_dataclass(value):
        return [_slim(each) for each in value] if isinstance(value, tuple) else value
    shown = {}
    for part in dataclasses.fields(value):
        content = getattr(value, part.name)
        default = part.default if part.default_factory is dataclasses.MISSING else part.default_factory()
        if content != default:
            shown[part.name] = _slim(content)
    return shown


def _disturbance(document: dict[str, Any]) -> Disturbance:
    return Disturbance(**{**document, "kind": Kind(document["kind"])})


def _fault(document: dict[str, Any]) -> Fault:
    meanwhile = document.get("meanwhile")
    return Fault(
        **{
            **document,
            "kind": FaultKind(document["kind"]),
            "meanwhile": meanwhile and _disturbance(meanwhile),
        }
    )


# How schedules are drawn -----------------------------------------------------------------------------

WEIGHTS: Final[dict[Kind, int]] = {
    **dict.fromkeys(PLAIN_KINDS, 2),
    Kind.APPROVE: 9,
    Kind.APPROVE_NEWEST: 9,
    Kind.REGISTER: 6,
    Kind.REGISTER_APPROVED: 5,
    Kind.REGISTER_BROKEN_APPROVED: 4,
    Kind.REGISTER_ALARMING_APPROVED: 5,
    Kind.REGISTER_FAILING_APPROVED: 4,
    Kind.REJECT: 4,
    Kind.REJECT_LIVE: 5,
    Kind.CHANGE_SETTINGS: 5,
    Kind.SYSTEM_UPDATE: 3,
    Kind.RESCALE: 4,
    Kind.SWEEP: 4,
    Kind.OUT_OF_SERVICE: 1,
    Kind.DELETE_ENDPOINT: 1,
}
"""How often each kind is drawn, relative to the others."""

MEANWHILE: Final = (
    Kind.REJECT,
    Kind.REJECT_LIVE,
    Kind.RETURN_TO_PENDING,
    Kind.APPROVE,
    Kind.APPROVE_NEWEST,
    Kind.REGISTER_APPROVED,
    Kind.DELETE_VERSION,
    Kind.UPDATE_METADATA,
    Kind.CHANGE_SETTINGS,
    Kind.SYSTEM_UPDATE,
    Kind.RESCALE,
    Kind.RAISE_ALARM,
    Kind.SWEEP,
    Kind.DELETE_ENDPOINT,
)
"""Possible events between the deployer's decision to make a call and the call."""

TELLING: Final = "Publish"
"""The one operation by which people hear. Its faults have their own random stream, so that each number keeps
the rest of its schedule."""

ASKING: Final = "Query: requests"
"""The read of what operators ask for. Its faults have their own random stream, too."""

TRANSACTION: Final = "TransactWriteItems"
"""A transaction of the journal. Schedules, faults and laws know it by its first write."""

OPERATION_NAMES: Final = tuple(
    name
    for service, names in OPERATIONS.items()
    for name in (("DeleteItem", "PutItem", "Query", "UpdateItem") if service == "dynamodb" else names)
    if name != TELLING
)
"""Every other operation that the deployer calls."""

REGISTRY_WRITE: Final = "UpdateModelPackage"
"""The one operation by which the deployer writes to the registry; outside of stages only in some worlds."""

LISTING: Final = "ListObjectsV2"
"""The one operation by which a stage sees what artifacts are."""

STAGE_CALLS: Final = (REGISTRY_WRITE, LISTING)
"""Operations that are called only in stages."""

ALARM_READ: Final = "DescribeAlarms"
"""The one operation by which the deployer sees alarms. It may answer late, too: nobody documents that."""

ALARM_CALLS: Final = ("DeleteAlarms", "ListTagsForResource", "PutMetricAlarm", "PutMetricData")
"""What the deployer calls to keep alarms. Their faults are drawn by a stream of their own."""

VARIANT_CALL: Final = "UpdateEndpointWeightsAndCapacities"
"""What the deployer calls only if variants differ. Its faults are drawn by a stream of their own, too."""

LOG_CALLS: Final = ("DescribeLogStreams", "GetLogEvents")
"""What the deployer calls to quote what a failed version logged. Their faults are aimed at, and not drawn."""

_PLAIN_OPERATION_NAMES: Final = tuple(
    name for name in OPERATION_NAMES if name not in (*STAGE_CALLS, *ALARM_CALLS, *LOG_CALLS, VARIANT_CALL)
)

STALE_READS: Final = ("DescribeEndpoint", "ListEndpoints", "DescribeModelPackage", "ListModelPackages")
"""Reads of SageMaker that may answer with the state before a change."""

SWITCH_SETTINGS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(map(str, hint))
    for name, hint in get_type_hints(Switches).items()
    # Nobody is bound by IAM in the simulation, and no settings name what botocore lacks.
    if isinstance(hint, type)
    and issubclass(hint, StrEnum)
    and name not in {"package_authorization", "api_version", "tags_of_alarm_changes"}
}
"""Every switch of the control plane with its settings, but for those that make no difference here."""

_KINDS: Final = tuple(kind for kind, weight in WEIGHTS.items() for _ in range(weight))

_ROLLOUTS: Final = (*RolloutKind, *(RolloutKind.UNGUARDED,) * 3, RolloutKind.CANARY)
"""Every kind; the first half as often as all others together, for schedules that do not concern alarms."""

_NTH: Final = 12
_EVENTS: Final = 12
VARIANT_SETTINGS: Final = (0, 2, 4, 6, 8)
"""Numbers of settings in which counts and weights of some variants, or of all, differ: see `people`."""
CHOICES: Final = 10
"""How many numbers there are for `which` and `how`."""
_AWAITED: Final = 0.06
"""How often a disturbance waits for a status."""
_SHARES_TURNED: Final = (0.0, 0.0, 0.03, 0.1)
"""Which shares of all switches schedules turn."""


def draw(random: Random) -> Schedule:
    """Draw a schedule: mostly short ones, with a few faults each.

    Only the schedule's seed is drawn from `random`. Each part has its own random stream, so that an
    additional part or switch leaves all others as they were.
    """
    seed = random.randrange(1, 2**31)

    def stream(part: str) -> Random:
        return _stream(part, seed)

    disturbances, faults, events = stream("disturbances"), stream("faults"), stream("event faults")
    return Schedule(
        seed=seed,
        endpoints=stream("endpoints").choice((1, 1, 1, 1, 1, 2, 2, 3)),
        head_start=stream("head start").choice((0, 1, 1, 2)),
        rollout=stream("rollout").choice(_ROLLOUTS),
        as_forward=stream("as forward").choice((False, False, False, False, True)),
        instances=stream("instances").choice((0, 0, 0, 1, 2)),
        alarm_lasts=stream("alarm lasts").randrange(len(ALARM_LASTS)),
        scaling=stream("scaling").choice((False, False, True)),
        smoke_test=stream("smoke test").choice((False, False, True)),
        before_rollout=stream("before rollout").choice((False, False, True)),
        policy=stream("policy").choice((0, 0, 0, 1, 2)),
        keep=stream("keep").choice((3, 3, 1, 0)),
        part_size=stream("part size").choice((PART_SIZE, PART_SIZE, 1, 2)),
        skew=stream("skew").choice((0, 0, 0, -2, 2)),
        metadata=stream("metadata").choice((False, False, True)),
        event_lag=stream("event lag").choice((0, 0, 0, 0, 0, -3, 2, 20)),
        config_visible_seconds=stream("config visible").choice((0, 0, 0, 2)),
        switches=drawn_switches(seed),
        disturbances=tuple(_disturbance_of(disturbances) for _ in range(disturbances.randrange(2, 16))),
        faults=(
            *(_fault_of(faults) for _ in range(faults.choice((0, 1, 2, 3, 5)))),
            *_faults_of_telling(stream("faults of telling")),
        ),
        event_faults=tuple(
            EventFault(
                events.choice(EVENTS),
                min(events.randrange(_EVENTS) for _ in range(2)),
                events.choice(tuple(EventFaultKind)),
                events.randrange(len(DELAYS)),
            )
            for _ in range(events.choice((0, 0, 1, 2, 4)))
        )
        + _faults_of_bakes(stream("faults of bakes")),
        denials=_denials(stream("denials")),
    )


def _stream(part: str, seed: int) -> Random:
    """Return the random numbers of one part of a schedule, which depend on no other part."""
    return Random(f"{part} of {seed}")  # noqa: S311 - equal seeds must give equal schedules


def drawn_switches(seed: int, switches: Mapping[str, Sequence[str]] = SWITCH_SETTINGS) -> dict[str, str]:
    """Turn none in half of all schedules, and a few in the others, each switch by its own stream."""
    share = _stream("switches", seed).choice(_SHARES_TURNED)
    drawn = {}
    for name, values in switches.items():
        stream = _stream(f"switch {name}", seed)
        if stream.random() < share:
            drawn[name] = stream.choice(values)
    return drawn


def _disturbance_of(random: Random, kinds: tuple[Kind, ...] = _KINDS) -> Disturbance:
    return Disturbance(
        random.choice(kinds),
        random.randrange(len(WAITS)),
        random.randrange(CHOICES),
        random.randrange(CHOICES),
        random.choice(STATUSES) if random.random() < _AWAITED else "",
    )


def _fault_of(random: Random) -> Fault:
    operation, kind = random.choice(_PLAIN_OPERATION_NAMES), random.choice(tuple(FaultKind))
    if kind is FaultKind.STALE:
        operation = random.choice(STALE_READS)
    return Fault(
        operation=operation,
        nth=min(random.randrange(_NTH) for _ in range(3)),
        kind=kind,
        times=1 if kind is FaultKind.MEANWHILE else random.choice((1, 1, 1, 2, 3, 4)),
        delay=random.randrange(len(DELAYS)),
        meanwhile=_disturbance_of(random, MEANWHILE) if kind is FaultKind.MEANWHILE else None,
    )


def _faults_of_bakes(random: Random) -> tuple[EventFault, ...]:
    """Let an event of a bake be lost, late or doubled, in a fourth of all schedules."""
    nth, kind = random.randrange(3), random.choice(tuple(EventFaultKind))
    fault = EventFault(BAKE_EVENT, nth, kind, random.randrange(len(DELAYS)))
    return random.choice(((), (), (), (fault,)))


def _faults_of_telling(random: Random) -> tuple[Fault, ...]:
    """Let a message to people fail, in a third of all schedules; four times in a row outlives botocore."""
    kinds = [kind for kind in FaultKind if kind is not FaultKind.STALE]
    drawn = []
    for _ in range(random.choice((0, 0, 0, 0, 1, 2))):
        kind = random.choice(kinds)
        drawn.append(
            Fault(
                TELLING,
                min(random.randrange(_NTH) for _ in range(2)),
                kind,
                times=1 if kind is FaultKind.MEANWHILE else random.choice((1, 1, 2, 4)),
                delay=random.randrange(len(DELAYS)),
                meanwhile=_disturbance_of(random, MEANWHILE) if kind is FaultKind.MEANWHILE else None,
            )
        )
    return tuple(drawn)


def _denials(random: Random) -> tuple[Denial, ...]:
    """Deny an action for a while, in a fourth of all schedules."""
    return tuple(
        Denial(
            random.choice((*_PLAIN_OPERATION_NAMES, TELLING)),
            min(random.randrange(_NTH) for _ in range(3)),
            random.randrange(len(DENIED_FOR)),
            elsewhere=random.random() < 0.5,
        )
        for _ in range(random.choice((0, 0, 0, 0, 0, 0, 1, 2)))
    )


UPKEEP_CALLS: Final = (
    *("AddTags", "DeleteTags", "RegisterScalableTarget", "DeregisterScalableTarget", VARIANT_CALL),
    *("DeleteModel", "DeleteEndpointConfig"),
)
"""What the deployer writes outside of deployments, in every world."""


def with_denials(schedule: Schedule) -> Schedule:
    """Deny a write outside of deployments, and again later, in a sixth of all schedules."""
    random = _stream("denials that come and go", schedule.seed)
    if random.randrange(6):
        return schedule
    # Every other one where a deployer could be denied a stamp or a promotion.
    stamps = (schedule.stages is not Stages.NONE or schedule.metadata) and random.random() < 0.5
    operation = REGISTRY_WRITE if stamps else random.choice(UPKEEP_CALLS)
    first = random.randrange(3)
    denials = tuple(
        Denial(operation, nth, random.randrange(len(DENIED_FOR)))
        for nth in (first, first + 2 + random.randrange(6))
    )
    return replace(schedule, denials=(*denials, *schedule.denials))


def with_shapes(schedule: Schedule) -> Schedule:
    """Let people change the kind of endpoints, in a fourth of all schedules, and leave the rest as it was."""
    random = _stream("shapes", schedule.seed)
    done = list(schedule.disturbances)
    for _ in range(random.choice((0, 0, 0, 0, 0, 0, 1, 3))):
        each = Disturbance(
            Kind.CHANGE_SHAPE,
            random.randrange(len(WAITS)),
            random.choice((0, 0, random.randrange(CHOICES))),
            random.randrange(len(SHAPES)),
        )
        done.insert(random.randrange(len(done) + 1), each)
    return replace(schedule, disturbances=tuple(done))


def with_gaps(schedule: Schedule) -> Schedule:
    """Let lists lack some of what is there, in a third of all schedules, and leave the rest as it was."""
    random = _stream("gaps", schedule.seed)
    gaps = tuple(
        Gap(
            random.choice(("ListModelPackages", "ListModelPackages", *LISTS)),
            min(random.randrange(_NTH) for _ in range(2)),
            random.choice((1, 1, 2, 4)),
            random.randrange(len(GAPS)),
        )
        for _ in range(random.choice((0, 0, 0, 0, 1, 2)))
    )
    return replace(schedule, gaps=gaps)


def with_holds(schedule: Schedule) -> Schedule:
    """Let people pause and freeze rollouts, in a third of all schedules, and leave the rest as it was."""
    random = _stream("holds", schedule.seed)
    if random.randrange(3):
        return schedule
    done = list(schedule.disturbances)
    for _ in range(random.choice((1, 2, 4))):
        each = Disturbance(
            random.choice((Kind.PAUSE, Kind.PAUSE, *HOLD_KINDS)),
            random.randrange(len(WAITS)),
            random.choice((0, 0, random.randrange(CHOICES))),
            random.randrange(CHOICES),
        )
        done.insert(random.randrange(len(done) + 1), each)
    meanwhile = Disturbance(
        random.choice((Kind.PAUSE, Kind.END_PAUSE)), which=random.randrange(2), how=random.randrange(CHOICES)
    )
    operation = random.choice(("CreateModel", "CreateEndpointConfig", "UpdateEndpoint", "Query"))
    fault = Fault(operation, random.randrange(_NTH), FaultKind.MEANWHILE, meanwhile=meanwhile)
    return replace(schedule, disturbances=tuple(done), faults=(*schedule.faults, fault))


def with_repetitions(schedule: Schedule) -> Schedule:
    """Let tests be repeated in bakes, and versions fail them late, in a tenth of all schedules."""
    random = _stream("repetitions", schedule.seed)
    if random.randrange(10):
        return schedule
    done = list(schedule.disturbances)
    for _ in range(random.choice((1, 1, 2))):
        kind = random.choice((Kind.REGISTER_FAILING_APPROVED,) * 2 + (Kind.REGISTER_APPROVED,))
        each = Disturbance(kind, random.choice(_LONG_WAITS), 0, random.randrange(CHOICES))
        done.insert(random.randrange(len(done) + 1), each)
    return replace(
        schedule,
        smoke_test=True,
        before_rollout=False,
        every_seconds=random.choice((10, 30, 90)),
        fades_after=random.choice((0, 60, 200, 400)),
        rollout=random.choice((RolloutKind.ALL_AT_ONCE, RolloutKind.ALL_AT_ONCE, RolloutKind.LINEAR)),
        disturbances=tuple(done),
        faults=(*(_fault_in_a_wait(random) for _ in range(random.choice((0, 0, 1, 2)))), *schedule.faults),
        event_faults=(*_faults_of_parts(random), *schedule.event_faults),
    )


def _fault_in_a_wait(random: Random) -> Fault:
    """Let a call fail that is made between two tests, or let somebody act there."""
    operation = random.choice((*("InvokeEndpoint",) * 2, "DescribeEndpoint", "DescribeModelPackage"))
    kind = random.choice((*FaultKind, FaultKind.CRASH_AFTER, FaultKind.MEANWHILE, FaultKind.MEANWHILE))
    if kind is FaultKind.STALE:
        operation = "DescribeEndpoint"
    return Fault(
        operation,
        random.randrange(4 * _NTH),
        kind,
        times=1 if kind is FaultKind.MEANWHILE else random.choice((1, 1, 2)),
        delay=random.randrange(len(DELAYS)),
        meanwhile=_disturbance_of(random, MEANWHILE) if kind is FaultKind.MEANWHILE else None,
    )


def _faults_of_parts(random: Random) -> tuple[EventFault, ...]:
    """Let the event be lost, late or doubled by which an endpoint is handed over, in a fourth of these."""
    kind = random.choice(tuple(EventFaultKind))
    fault = EventFault(PART_DETAIL_TYPE, random.randrange(3), kind, random.randrange(len(DELAYS)))
    return random.choice(((), (), (), (fault,)))


def with_rollbacks(schedule: Schedule) -> Schedule:
    """Let people roll endpoints back, in a quarter of all schedules, and leave the rest as it was."""
    random = _stream("rollbacks", schedule.seed)
    if random.randrange(4):
        return schedule
    done = list(schedule.disturbances)
    for _ in range(random.choice((1, 1, 2, 3))):
        each = Disturbance(
            Kind.ROLL_BACK,
            random.randrange(len(WAITS)),
            random.choice((0, 0, random.randrange(CHOICES))),
            random.randrange(CHOICES),
        )
        done.insert(random.randrange(len(done) + 1), each)
    during = ("CreateModel", "CreateEndpointConfig", "UpdateEndpoint", "DescribeEndpoint")
    return _with_faults_of_requests(
        replace(schedule, disturbances=tuple(done)), random, Kind.ROLL_BACK, during
    )


def _with_faults_of_requests(
    schedule: Schedule, random: Random, kind: Kind, during: Sequence[str]
) -> Schedule:
    """Let somebody ask during a call, and let the read of requests or the event about one go wrong."""
    faults, event_faults = list(schedule.faults), list(schedule.event_faults)
    if not random.randrange(3):
        meanwhile = Disturbance(kind, how=random.randrange(CHOICES))
        operation = random.choice(during)
        faults.append(Fault(operation, random.randrange(_NTH), FaultKind.MEANWHILE, meanwhile=meanwhile))
    if not random.randrange(3):
        kinds = [each for each in FaultKind if each not in {FaultKind.STALE, FaultKind.MEANWHILE}]
        delay = random.randrange(len(DELAYS))
        faults.append(Fault(ASKING, random.randrange(_NTH), random.choice(kinds), delay=delay))
    if not random.randrange(2):
        event_kind = random.choice(tuple(EventFaultKind))
        event_faults.append(EventFault(REQUEST_DETAIL_TYPE, 0, event_kind, random.randrange(len(DELAYS))))
    return replace(schedule, faults=tuple(faults), event_faults=tuple(event_faults))


def with_retries(schedule: Schedule) -> Schedule:
    """Let versions fail and people want them tried again, in a quarter of all schedules."""
    random = _stream("retries", schedule.seed)
    if random.randrange(4):
        return schedule
    done = list(schedule.disturbances)
    for _ in range(random.choice((1, 1, 2, 3))):
        place = random.randrange(len(done) + 1)
        wait, which = random.randrange(len(WAITS)), random.choice((0, 0, random.randrange(CHOICES)))
        asked = Disturbance(Kind.RETRY, wait, which, random.randrange(CHOICES))
        failing = Disturbance(random.choice(_FAILING), random.randrange(len(WAITS)), which)
        mended = Disturbance(random.choice(_MENDED), random.randrange(len(WAITS)), which)
        ended = Disturbance(Kind.SWEEP, len(WAITS) - 1)
        done[place:place] = random.choice(
            ((asked,), (failing, asked), (failing, ended, asked), (failing, ended, mended, asked))
        )
    during = ("CreateModel", "UpdateEndpoint", "DescribeEndpoint", "UpdateItem")
    return _with_faults_of_requests(replace(schedule, disturbances=tuple(done)), random, Kind.RETRY, during)


_FAILING: Final = (
    *(Kind.REGISTER_BROKEN_APPROVED, Kind.REGISTER_FAILING_APPROVED, Kind.FAIL_SERVICE),
    *(Kind.REGISTER_ALARMING_APPROVED, Kind.LIMIT_QUOTA),
)
_MENDED: Final = (Kind.MEND_MODEL, Kind.APPROVE_NEWEST, Kind.CHANGE_SETTINGS, Kind.LIFT_QUOTA)


def with_meddling(schedule: Schedule) -> Schedule:
    """Let people meddle with configs, models and versions, in a third of all schedules."""
    random = _stream("meddling", schedule.seed)
    if random.randrange(3):
        return schedule
    done = list(schedule.disturbances)
    for _ in range(random.choice((1, 1, 2, 3))):
        each = Disturbance(
            random.choice((*MEDDLING_KINDS, Kind.DELETE_CONFIG, Kind.DELETE_MODEL, Kind.HIDE_VERSION)),
            random.randrange(len(WAITS)),
            random.choice((0, 0, random.randrange(CHOICES))),
            random.randrange(CHOICES),
        )
        done.insert(random.randrange(len(done) + 1), each)
    return replace(schedule, disturbances=tuple(done))


def with_remakes(schedule: Schedule) -> Schedule:
    """Let people delete the group and make it again, in a twelfth of the schedules in which they may."""
    random = _stream("remakes", schedule.seed)
    if (
        random.randrange(12)
        or schedule.stages is not Stages.NONE
        or schedule.companions is not Companions.NONE
    ):
        return schedule
    done = list(schedule.disturbances)
    place = random.randrange(len(done) + 1)
    kind = random.choice((Kind.APPROVE, Kind.APPROVE_NEWEST, Kind.REGISTER_APPROVED, Kind.SWEEP))
    done[place:place] = [
        Disturbance(Kind.REMAKE_GROUP, random.randrange(len(WAITS)), 0, random.randrange(CHOICES)),
        Disturbance(kind, random.choice(_LONG_WAITS), random.randrange(CHOICES), random.randrange(CHOICES)),
    ]
    return replace(schedule, disturbances=tuple(done))


def with_recoveries(schedule: Schedule) -> Schedule:
    """Let journals get lost or be restored, stacks be deployed anew, and a person hand an endpoint over."""
    random = _stream("recoveries", schedule.seed)
    done = list(schedule.disturbances)
    for _ in range(random.choice((1, 1, 1, 2))):
        each = Disturbance(
            random.choice(JOURNAL_KINDS),
            random.randrange(len(WAITS)),
            random.choice((0, 0, random.randrange(CHOICES))),
            random.randrange(CHOICES),
        )
        done.insert(random.randrange(len(done) + 1), each)
    handed_over = random.choice((0, 0, *range(len(HANDED_OVER))))
    if handed_over:
        each = Disturbance(Kind.HAND_OVER, random.randrange(len(WAITS)), schedule.endpoints - 1)
        done.insert(random.randrange(len(done) + 1), each)
    return replace(schedule, handed_over=handed_over, disturbances=tuple(done))


def with_alarms(schedule: Schedule) -> Schedule:
    """Let people meddle with alarms, and calls for alarms fail, in some of the schedules that have alarms."""
    random = _stream("alarms", schedule.seed)
    if schedule.rollout is RolloutKind.UNGUARDED:
        return schedule
    done = list(schedule.disturbances)
    for _ in range(random.choice((0, 0, 1, 2))):
        each = Disturbance(
            random.choice((Kind.DELETE_ALARM, Kind.DELETE_ALARM, Kind.FOREIGN_ALARM)),
            random.randrange(len(WAITS)),
            random.choice((0, 0, random.randrange(CHOICES))),
            random.randrange(CHOICES),
        )
        done.insert(random.randrange(len(done) + 1), each)
    denials = tuple(
        Denial(
            random.choice((*ALARM_CALLS, ALARM_READ)),
            min(random.randrange(_NTH) for _ in range(2)),
            random.randrange(len(DENIED_FOR)),
        )
        for _ in range(random.choice((0, 0, 0, 1)))
    )
    return replace(
        schedule,
        disturbances=tuple(done),
        faults=(*(_alarm_fault(random) for _ in range(random.choice((0, 0, 1, 2)))), *schedule.faults),
        denials=(*denials, *schedule.denials),
    )


def _alarm_fault(random: Random) -> Fault:
    kind, operation = random.choice(tuple(FaultKind)), random.choice((*ALARM_CALLS, ALARM_READ))
    happens = Disturbance(
        random.choice((*ALARM_KINDS, *MEANWHILE)),
        which=random.choice((0, 0, random.randrange(CHOICES))),
        how=random.randrange(CHOICES),
    )
    return Fault(
        operation=ALARM_READ if kind is FaultKind.STALE else operation,
        nth=min(random.randrange(_NTH) for _ in range(2)),
        kind=kind,
        times=1 if kind is FaultKind.MEANWHILE else random.choice((1, 1, 2, 4)),
        delay=random.randrange(len(DELAYS)),
        meanwhile=happens if kind is FaultKind.MEANWHILE else None,
    )


_DEPLOYMENT: Final = ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint")
"""Activities in the middle of which a version's artifact may be changed."""

_REGISTRY_MEANWHILE: Final = (
    *(*REGISTRY_KINDS, Kind.REJECT_LIVE, Kind.UPDATE_METADATA, Kind.DELETE_VERSION),
)

STAGE_MEANWHILE: Final = (*_REGISTRY_MEANWHILE, *S3_KINDS)
"""Possible events between a stage's decision to write to the registry and the write."""

_STAGE_CHOICES: Final = (
    *(Kind.SET_LIFE_CYCLE,) * 2,
    *(Kind.PASS_ON,) * 3,
    *(Kind.PASS_ON_LIVE,) * 5,
    *(Kind.TAKE_BACK_LIVE,) * 2,
    *(Kind.REPLACE_ARTIFACT, Kind.REPLACE_LIVE, Kind.REPLACE_LIVE),
    Kind.APPROVE_NEWEST,
    Kind.APPROVE,
    Kind.SWEEP,
)
_LONG_WAITS: Final = tuple(range(WAITS.index(600.0), len(WAITS)))
"""Indices of the waits in which a version is deployed, and served for its soak."""


def draw_staged(random: Random) -> Schedule:
    """Draw a schedule in which versions pass through two stages, in their own accounts."""
    drawn = draw(random)
    done = list(drawn.disturbances)
    for _ in range(random.randrange(2, 8)):
        each = Disturbance(
            random.choice(_STAGE_CHOICES),
            random.choice((random.randrange(len(WAITS)), *_LONG_WAITS)),
            random.randrange(CHOICES),
            random.randrange(CHOICES),
        )
        done.insert(random.randrange(len(done) + 1), each)
    staged = replace(
        drawn,
        stages=random.choice((Stages.PENDING, Stages.PENDING, Stages.APPROVED)),
        soak=random.randrange(len(SOAKS)),
        policy=random.choice((0, 0, 0, 1, 2)),
        disturbances=tuple(done),
        faults=(
            *drawn.faults,
            *(_registry_fault(random) for _ in range(random.choice((0, 0, 1, 1, 2)))),
            *(_change_meanwhile(random) for _ in range(random.choice((0, 1)))),
        ),
        event_faults=(
            *drawn.event_faults,
            *(_stage_event_fault(random) for _ in range(random.choice((0, 0, 1, 2)))),
        ),
    )
    return _overwritten(staged, _stream("overwrites", staged.seed))


_OVERWRITES: Final = (
    *(Kind.OVERWRITE_ARTIFACT,) * 3,
    *(Kind.OVERWRITE_LIVE,) * 3,
    Kind.HIDE_ARTIFACTS,
)


def _overwritten(schedule: Schedule, random: Random) -> Schedule:
    """Let people overwrite artifacts in S3, in half of all schedules, and let S3 fail there."""
    if random.random() < 0.5:
        return schedule
    done = list(schedule.disturbances)
    for _ in range(random.choice((1, 1, 2, 3))):
        each = Disturbance(
            random.choice(_OVERWRITES),
            random.randrange(len(WAITS)),
            random.choice((0, 0, random.randrange(CHOICES))),
            random.randrange(CHOICES),
        )
        done.insert(random.randrange(len(done) + 1), each)
    return replace(
        schedule,
        disturbances=tuple(done),
        # The last fault of one call wins: the one drawn before.
        faults=(
            *(_overwrite_meanwhile(random) for _ in range(random.choice((0, 1, 2)))),
            *(_listing_fault(random) for _ in range(random.choice((0, 0, 1)))),
            *schedule.faults,
        ),
        event_faults=(
            *(_approval_again(random) for _ in range(random.choice((0, 1)))),
            *schedule.event_faults,
        ),
    )


def _overwrite_meanwhile(random: Random) -> Fault:
    """Let an artifact be overwritten while a stage deploys it, looks at it, or records its digest."""
    operation, most = random.choice(
        (
            (random.choice(_DEPLOYMENT), 4),
            (LISTING, 2 * _NTH),
            ("DescribeModelPackage", 2 * _NTH),
            (random.choice(("DescribeAlarms", "PutItem", REGISTRY_WRITE)), _NTH),
        )
    )
    return _mostly_on_the_first(random, operation, most, _OVERWRITES)


def _approval_again(random: Random) -> EventFault:
    """Let an approval's event come a second time, when something else may be there."""
    event = random.choice((EVENTS[0], EVENTS[0], PASSED_EVENT))
    delay = random.randrange(DELAYS.index(60.0), len(DELAYS))
    return EventFault(event, random.randrange(6), EventFaultKind.DOUBLED, delay)


def _listing_fault(random: Random) -> Fault:
    kind = random.choice([kind for kind in FaultKind if kind not in {FaultKind.STALE, FaultKind.MEANWHILE}])
    times = random.choice((1, 1, 2, 4))
    return Fault(LISTING, random.randrange(2 * _NTH), kind, times, random.randrange(len(DELAYS)))


def _stage_event_fault(random: Random) -> EventFault:
    return EventFault(
        random.choice(STAGE_EVENTS),
        min(random.randrange(_EVENTS) for _ in range(2)),
        random.choice(tuple(EventFaultKind)),
        random.randrange(len(DELAYS)),
    )


def _change_meanwhile(random: Random) -> Fault:
    """Let a version be changed, rejected or taken back while a stage deploys it, or looks at it."""
    operation, most, kinds = random.choice(
        (
            (random.choice(_DEPLOYMENT), 4, (Kind.REPLACE_ARTIFACT, Kind.REPLACE_LIVE)),
            ("DescribeModelPackage", 2 * _NTH, (Kind.REJECT_LIVE, Kind.TAKE_BACK_LIVE, Kind.REPLACE_LIVE)),
            # Before a promotion the deployer asks for alarms, if there are some.
            *(("DescribeAlarms", 4, (Kind.REJECT_LIVE, Kind.REJECT_LIVE, Kind.REPLACE_LIVE)),) * 2,
        )
    )
    return _mostly_on_the_first(random, operation, most, kinds)


def _mostly_on_the_first(random: Random, operation: str, most: int, kinds: tuple[Kind, ...]) -> Fault:
    """Let something happen during one of the first calls of an operation, mostly to the first endpoint.

    That is the one whose stage promotes.
    """
    return Fault(
        operation,
        random.randrange(most),
        FaultKind.MEANWHILE,
        meanwhile=Disturbance(
            random.choice(kinds),
            which=random.choice((0, 0, random.randrange(CHOICES))),
            how=random.randrange(CHOICES),
        ),
    )


def _registry_fault(random: Random) -> Fault:
    kind = random.choice([kind for kind in FaultKind if kind is not FaultKind.STALE])
    happens = Disturbance(
        random.choice(_REGISTRY_MEANWHILE), which=random.randrange(CHOICES), how=random.randrange(CHOICES)
    )
    return Fault(
        random.choice((*STAGE_CALLS, REGISTRY_WRITE)),
        min(random.randrange(_NTH) for _ in range(2)),
        kind,
        times=1 if kind is FaultKind.MEANWHILE else random.choice((1, 1, 2, 4)),
        delay=random.randrange(len(DELAYS)),
        meanwhile=happens if kind is FaultKind.MEANWHILE else None,
    )


def possible(schedule: Schedule) -> Schedule:
    """Return a schedule with settings that `infra/settings` lets through: it refuses what AWS excludes.

    That is a rolling rollout of several variants, and of one beside a shadow (developer guide,
    "deployment-guardrails-exclusions").
    """
    if schedule.rollout is RolloutKind.ROLLING and schedule.companions is not Companions.NONE:
        return replace(schedule, rollout=RolloutKind.LINEAR)
    return schedule


def draw_companions(random: Random) -> Schedule:
    """Draw a schedule in which something serves beside the approved version."""
    companions = random.choice((Companions.PINNED, Companions.SHADOW))
    drawn = draw(random)
    if companions is Companions.SHADOW:
        return replace(drawn, companions=companions, policy=1)
    return _with_variants(replace(drawn, companions=companions, policy=0))


_VARIANT_CHOICES: Final = (
    *(Kind.CHANGE_SETTINGS,) * 4,
    *(Kind.RESCALE,) * 3,
    *(Kind.REJECT, Kind.APPROVE, Kind.REGISTER_APPROVED, Kind.SWEEP),
)


def _with_variants(schedule: Schedule) -> Schedule:
    """Let settings change some variants, people rescale others, and the calls that set them fail."""
    random = _stream("variants", schedule.seed)
    done = list(schedule.disturbances)
    for _ in range(random.randrange(2, 6)):
        kind = random.choice(_VARIANT_CHOICES)
        each = Disturbance(
            kind,
            random.choice((random.randrange(len(WAITS)), *_LONG_WAITS)),
            # Rejecting or approving the first version takes the pin away, or brings it back.
            0,
            random.choice(VARIANT_SETTINGS) if kind is Kind.CHANGE_SETTINGS else random.randrange(CHOICES),
        )
        done.insert(random.randrange(len(done) + 1), each)
    return replace(
        schedule,
        companions=random.choice((Companions.PINNED, Companions.SEVERAL)),
        disturbances=tuple(done),
        faults=(*(_variant_fault(random) for _ in range(random.choice((0, 0, 1)))), *schedule.faults),
    )


def _variant_fault(random: Random) -> Fault:
    kind = random.choice([kind for kind in FaultKind if kind is not FaultKind.STALE])
    return Fault(
        VARIANT_CALL,
        min(random.randrange(4) for _ in range(2)),
        kind,
        times=1 if kind is FaultKind.MEANWHILE else random.choice((1, 1, 2, 4)),
        delay=random.randrange(len(DELAYS)),
        meanwhile=_disturbance_of(random, MEANWHILE) if kind is FaultKind.MEANWHILE else None,
    )


_FAILURES: Final = (
    *(Kind.REGISTER_BROKEN_APPROVED,) * 6,
    *(Kind.REGISTER_FAILING_APPROVED, Kind.REGISTER_ALARMING_APPROVED),
    *(Kind.REGISTER_APPROVED, Kind.CHANGE_SETTINGS, Kind.REJECT_LIVE, Kind.SWEEP),
)


LIFE_SWEEP_SECONDS: Final = 7200.0
"""From one sweep of a long life to the next: Search is asked for three hours."""

_LIFE: Final = (
    *(Kind.REGISTER_BROKEN_APPROVED,) * 8,
    *(Kind.REGISTER_APPROVED,) * 3,
    *(Kind.REGISTER_FAILING_APPROVED, Kind.APPROVE, Kind.APPROVE, Kind.REJECT, Kind.REJECT_LIVE),
    *(Kind.CHANGE_SETTINGS, Kind.UPDATE_METADATA, Kind.DELETE_VERSION, Kind.SWEEP, Kind.SWEEP),
)
_LIFE_WAITS: Final = (0.0, 60.0, *(1600.0,) * 5, 6000.0, 86_400.0)
"""Seconds from one step to the next: mostly long enough for a rollout, and sometimes a quiet day."""


def steps_of_life(schedule: Schedule) -> Iterator[tuple[float, Disturbance]]:
    """Yield the steps of a long life: what happens, after so many seconds."""
    random = _stream("life", schedule.seed)
    for _ in range(schedule.life):
        seconds, kind = random.choice(_LIFE_WAITS), random.choice(_LIFE)
        # Any version of them all: `which` counts modulo their number.
        yield seconds, Disturbance(kind, which=random.randrange(10_000), how=random.randrange(CHOICES))


def draw_life(random: Random, *, steps: int | None = None) -> Schedule:
    """Draw a schedule with one endpoint that lives long, and limits so small that it reaches them."""
    drawn = draw(random)
    stream = _stream("long life", drawn.seed)
    return replace(
        drawn,
        endpoints=1,
        policy=0,
        head_start=1,
        life=steps or stream.choice((40, 60, 120)),
        most_writes=stream.choice((6, 8, 12)),
        page_bytes=stream.choice((2_000, 8_000)),
        keep=stream.choice((0, 1, 3)),
        disturbances=drawn.disturbances[:2],
    )


def draw_failing(random: Random) -> Schedule:
    """Draw a schedule in which many versions fail in a row."""
    drawn = draw(random)
    stream = _stream("failures", drawn.seed)
    failures = tuple(
        Disturbance(
            stream.choice(_FAILURES), stream.choice(_LONG_WAITS), which=0, how=stream.randrange(CHOICES)
        )
        for _ in range(stream.randrange(4, 11))
    )
    return replace(
        drawn,
        head_start=1,
        policy=0,
        disturbances=(*failures, *drawn.disturbances[: stream.choice((0, 0, 2))]),
    )
