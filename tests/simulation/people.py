"""People and AWS: who registers, approves, rejects and configures, and SageMaker's own actions.

Owns the meaning of a `Disturbance`, and remembers what was really done, so that laws can compare the journal
with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import FLEET, STACK_TAG
from deployer.gateways.fleet import CHECKS
from infra.settings.compiling import alarm_definitions
from infra.settings.keys.rollout_options import RollbackAlarms
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import Caller, FleetSpec, Health, Route
from local_cloud.testing.scripted_hosting import ScriptedHosting
from tests.simulation.alarms import latency_alarm, rollback_alarm
from tests.simulation.artifacts import artifact_of
from tests.simulation.asking import forget
from tests.simulation.bucket import NEIGHBOUR
from tests.simulation.clients import REGION
from tests.simulation.holds import Holds
from tests.simulation.meddling import Meddling
from tests.simulation.namesakes import Namesakes
from tests.simulation.retries import Retries
from tests.simulation.rollbacks import Rollbacks
from tests.simulation.schedule import (
    FOREIGN,
    HANDED_OVER,
    SHAPES,
    Companions,
    Disturbance,
    Kind,
    RolloutKind,
    Shape,
    Stages,
)
from tests.simulation.sites import (
    ACCOUNT,
    GROUP,
    LIFE_CYCLES,
    PASSED,
    group_policy,
    is_at,
    stage_settings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.testing.virtual_clock import VirtualClock
    from tests.simulation.schedule import Schedule
    from tests.simulation.sites import Site
    from tests.simulation.world import Invocation, World

ROLE_ARN: Final = f"arn:aws:iam::{ACCOUNT}:role/models"
STACK: Final = "Greenlight"
MARKER: Final = f"/greenlight/{STACK}/settings-digest"
"""The parameter whose change says that settings were deployed."""
OTHER_GROUP: Final = "fraud-models"
"""A group that no endpoint follows."""

ADA: Final = f"arn:aws:iam::{ACCOUNT}:user/ada"
BOB: Final = f"arn:aws:iam::{ACCOUNT}:user/bob"
PEOPLE: Final = (ADA, BOB)

TEST_SECONDS: Final = 60
"""The time limit of smoke tests."""

SMOKE_TEST: Final = {
    "TimeLimitSeconds": TEST_SECONDS,
    "Requests": [
        {
            "Name": "one",
            "Body": "1,2",
            "ContentType": "text/csv",
            "Status": 200,
            "Expect": "good",
            "Calls": 1,
        },
        {
            "Name": "stored",
            "BodyS3Uri": "s3://payloads/usual.csv",
            "ContentType": "text/csv",
            "Status": 200,
            "Expect": "good",
            "Calls": 2,
        },
    ],
}
"""The smoke test: once in the settings' form, and twice in the stored form."""

GOOD_ANSWERS: Final = 3
"""How many good answers pass the smoke test."""

ROLLING_PERCENT: Final = 50
"""The largest batch of a rolling update, in percent of a variant's instances."""

INSTANCE_TYPE: Final = "ml.m5.large"
BROKEN: Final = "broken"


def settings_document(
    endpoint_name: str,
    how: int = 0,
    policy: int = 0,
    keep: int = 3,
    *,
    rollout: RolloutKind = RolloutKind.UNGUARDED,
    instances: int = 0,
    scaling: bool = False,
    smoke_test: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one of a few settings, as they are compiled."""
    environment = {"LOG_LEVEL": {1: "debug", 3: BROKEN}.get(how, "info")}
    variant = {
        "VariantName": "AllTraffic",
        "InstanceType": "ml.m5.xlarge" if how == 5 else INSTANCE_TYPE,
        "InitialInstanceCount": fewest_instances(rollout) + instances + (how == 2),
        "InitialVariantWeight": 2.0 if how == 8 else 1.0,
    }
    return {
        "EndpointName": endpoint_name,
        "ModelPackageGroupName": GROUP,
        "CreateModel": {"Containers": [{"Environment": environment}]},
        "CreateEndpointConfig": {"ProductionVariants": [variant]},
        "Tags": {} if how == 6 else {"team": "risk" if how == 4 else "growth"},
        "Keep": 0 if how == 7 else keep,
        **POLICIES[policy % len(POLICIES)],
        **_guard(endpoint_name, rollout, how),
        **({"SmokeTest": smoke_test} if smoke_test is not None else {}),
        **({"AutoScaling": {"AllTraffic": _scaling("other" if how == 1 else "usual")}} if scaling else {}),
    }


def _smoke_test(schedule: Schedule) -> dict[str, Any]:
    """Return the smoke test that an endpoint's settings ask for: one before a rollout is not repeated."""
    every = schedule.every_seconds if not schedule.before_rollout else 0
    repeated = {"EverySeconds": every} if every else {}
    return {**SMOKE_TEST, "BeforeRollout": schedule.before_rollout, **repeated}


def beside(document: dict[str, Any], companions: Companions, how: int = 0) -> dict[str, Any]:
    """Return what settings say of versions beside the one that is approved; empty if of none.

    Some settings change one property of one variant, others of all: 2 every variant's, 4 the pinned
    one's count and the second one's weight, 6 the pinned one's weight, 8 the others' weights.
    """
    (variant,) = document["CreateEndpointConfig"]["ProductionVariants"]
    if companions in {Companions.PINNED, Companions.SEVERAL}:
        count, weight = variant["InitialInstanceCount"], variant["InitialVariantWeight"]
        pinned = {
            **variant,
            "VariantName": "Champion",
            "InitialInstanceCount": count + (how == 4),
            "InitialVariantWeight": 3.0 if how == 6 else 1.0,
        }
        second = {**variant, "VariantName": "Second", "InitialVariantWeight": weight + 0.5 * (how == 4)}
        others = [second, pinned] if companions is Companions.SEVERAL else [pinned]
        return {
            "CreateEndpointConfig": {"ProductionVariants": [variant, *others]},
            "Pins": {"Champion": 1},
        }
    if companions is Companions.SHADOW:
        shadow = {**variant, "VariantName": "Shadow"}
        return {
            "CreateEndpointConfig": {
                "ProductionVariants": [variant],
                "ShadowProductionVariants": [shadow],
            },
            "Shadow": {},
        }
    return {}


def shaped(document: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Return what settings say of another kind of endpoint than the usual one; empty for that."""
    variants = document["CreateEndpointConfig"]["ProductionVariants"]
    usual, scaling = variants[0], document.get("AutoScaling", {})
    match shape:
        case Shape.RENAMED:
            name = "Renamed"
            return {
                "CreateEndpointConfig": {"ProductionVariants": [{**usual, "VariantName": name}]},
                **({"AutoScaling": {name: scaling[usual["VariantName"]]}} if scaling else {}),
            }
        case Shape.SERVERLESS:
            variant = {key: usual[key] for key in ("VariantName", "InitialVariantWeight")}
            variant["ServerlessConfig"] = {"MaxConcurrency": 1, "MemorySizeInMB": 2048}
            return {
                "CreateEndpointConfig": {"ProductionVariants": [variant]},
                **({"AutoScaling": {}} if scaling else {}),
            }
        case Shape.ASYNCHRONOUS:
            answers = {"OutputConfig": {"S3OutputPath": "s3://answers/churn"}}
            return {"CreateEndpointConfig": {"ProductionVariants": variants, "AsyncInferenceConfig": answers}}
        case Shape.USUAL | Shape.UNSHADOWED:
            return {}


def fewest_instances(rollout: RolloutKind) -> int:
    """Return how many instances settings ask for at least: a canary or a batch takes half of two."""
    return 1 if rollout in {RolloutKind.UNGUARDED, RolloutKind.ALL_AT_ONCE} else 2


def alarm_of(endpoint_name: str, how: int) -> str:
    """Return one of the names of an endpoint's alarms, mostly one of those that every update names."""
    names = (abort_alarm(endpoint_name), rollback_alarm(endpoint_name))
    return latency_alarm(endpoint_name) if how == 0 else names[how % 2]


def abort_alarm(endpoint_name: str) -> str:
    """Return the name of an endpoint's abort alarm."""
    return f"Greenlight.{endpoint_name}.abort"


def _guard(endpoint_name: str, rollout: RolloutKind, how: int) -> dict[str, Any]:
    """Return what makes an endpoint's updates rollouts with alarms, which can be aborted.

    One of the alarms has another threshold in some settings, and another one is not in all of them. No update
    depends on that one.
    """
    if rollout is RolloutKind.UNGUARDED:
        return {}
    watched = alarm_definitions.Watched(STACK, endpoint_name, "AllTraffic")
    wanted = RollbackAlarms(
        error_ratio_percent=10 if how == 4 else 5, model_latency_p90_ms=None if how == 6 else 100
    )
    alarms = [
        alarm_definitions.abort_alarm(watched),
        *alarm_definitions.rollback_alarms(watched, wanted),
    ]
    return {
        "AbortAlarmName": abort_alarm(endpoint_name),
        "RollbackAlarms": [each.request() for each in alarms],
        "DeploymentConfig": deployment_config(endpoint_name, rollout),
    }


def deployment_config(endpoint_name: str, rollout: RolloutKind) -> dict[str, Any]:
    """Return the DeploymentConfig that an endpoint's settings ask for; empty if they ask for none."""
    if rollout is RolloutKind.UNGUARDED:
        return {}
    alarm_names = (abort_alarm(endpoint_name), rollback_alarm(endpoint_name))
    return {
        **_UPDATE_POLICIES[rollout],
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarm_names]},
    }


_UPDATE_POLICIES: Final[dict[RolloutKind, dict[str, Any]]] = {
    RolloutKind.ALL_AT_ONCE: {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
            "TerminationWaitInSeconds": 600,
        }
    },
    RolloutKind.CANARY: {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                "WaitIntervalInSeconds": 600,
            }
        }
    },
    RolloutKind.LINEAR: {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 34},
                "WaitIntervalInSeconds": 300,
            },
            "TerminationWaitInSeconds": 300,
        }
    },
    RolloutKind.ROLLING: {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": ROLLING_PERCENT},
            "WaitIntervalInSeconds": 300,
            "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": ROLLING_PERCENT},
        }
    },
}


def _scaling(name: str) -> dict[str, Any]:
    """Return how a variant scales by itself, with a policy and a scheduled action of that name."""
    return {
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "MinCapacity": 1,
        "MaxCapacity": 10,
        "Policies": [
            {
                "PolicyName": name,
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 100.0,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                    },
                },
            }
        ],
        "ScheduledActions": [
            {
                "ScheduledActionName": name,
                "Schedule": "cron(0 22 * * ? *)",
                "ScalableTargetAction": {"MinCapacity": 1},
            }
        ],
    }


POLICIES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"ApprovalPolicy": {"Approvers": [ADA]}},
    {"ApprovalPolicy": {"FourEyes": True}},
)
"""Who may approve, in the settings' form."""

AFTERWARDS: Final = 20.0
"""Seconds from an endpoint's change until AWS does to it what was impossible before."""

SETTINGS: Final = 10
"""How many settings there are; those of the last number are deployed and taken back by a rollback."""

ROLLBACK_SECONDS: Final = 40.0
"""How long settings stay that CloudFormation takes back: so long it works on what failed."""


class ScriptedFleets(ScriptedHosting):
    """Fleets whose health follows from what runs on them: broken model data or a broken environment.

    Attributes:
        broken_urls: The model data that never becomes healthy.
        alarming_urls: The model data that serves, and whose answers set alarms off.
        failing_urls: The model data that serves, and whose answers are wrong.
    """

    def __init__(self, clock: VirtualClock, *, fades_after: int = 0) -> None:
        super().__init__(clock)
        self._now = clock.now
        self._fades_after = timedelta(seconds=fades_after)
        self._called_since: dict[str | None, datetime] = {}
        """When which model data had its first caller."""
        self.broken_urls: set[str] = set()
        self.alarming_urls: set[str] = set()
        self.failing_urls: set[str] = set()
        self._places: dict[str, dict[tuple[str, str, str], None]] = {}

    def route(self, account_id: str, region: str, endpoint_name: str, routes: tuple[Route, ...]) -> None:
        """Keep the routes, and where endpoints of this name are."""
        super().route(account_id, region, endpoint_name, routes)
        for route in routes:
            for container in self.fleets[route.fleet_id].spec.containers:
                self._called_since.setdefault(container.model_data_url, self._now())
        self._places.setdefault(endpoint_name, {})[account_id, region, endpoint_name] = None

    def receiving(self, endpoint_name: str, *, by_name: bool = False) -> list[tuple[FleetSpec, int]]:
        """Return the fleets that get an endpoint's requests, each with how many instances answer.

        Args:
            endpoint_name: The endpoint.
            by_name: Whether to return those as well that only get requests which name their variant.
        """
        return [
            (self.fleets[route.fleet_id].spec, self.ready_instances(route.fleet_id))
            for place in self._places.get(endpoint_name, ())
            for route in self.routes.get(place, ())
            if (route.weight or by_name) and not route.is_shadow
        ]

    def fails(self, spec: FleetSpec) -> bool:
        """Tell whether a fleet's answers are wrong by now."""
        return any(
            url in self.failing_urls and self._now() >= self._called_since[url] + self._fades_after
            for url in (each.model_data_url for each in spec.containers)
        )

    def health(self, fleet_id: str) -> Health:
        """Return UNHEALTHY for everything broken."""
        for container in self.fleets[fleet_id].spec.containers:
            if container.model_data_url in self.broken_urls or BROKEN in container.environment.values():
                return Health.UNHEALTHY
        return Health.HEALTHY


class TolerantArtifacts:
    """All model data can be read."""

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - the port's signature
        """Return True."""
        return True

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - the port's signature
        """Return False."""
        return False


@dataclass(slots=True)
class Version:
    """A version that somebody registered.

    Attributes:
        arn: Its ARN, or its name if an earlier one had the ARN: see `namesakes`.
        number: Counted over all versions.
        model_data_url: Its artifact.
    """

    arn: str
    number: int
    model_data_url: str


@dataclass(slots=True)
class Approving:
    """A moment at which a version's event said Approved: it was approved, completed, or only changed.

    Attributes:
        version_arn: The version.
        time: When the version was changed, as its event says: whole seconds.
        named: Whether the event says that the approval is what changed.
        delivered: Whether it was delivered at least once.
        event_id: The event's.
        account: Where it was to be delivered.
        changed_at: When the change was made, if the event names one that may admit the version.
    """

    version_arn: str
    time: datetime
    named: bool
    delivered: bool
    event_id: str
    account: str
    changed_at: datetime | None = None


def changed_at(detail: dict[str, Any]) -> datetime | None:
    """Return when the change was made that an event tells of, if it names one that may admit the version."""
    named = {"ModelApprovalStatus", "ModelLifeCycle"} & {*(detail.get("UpdatedModelPackageFields") or ())}
    return datetime.fromisoformat(detail["LastModifiedTime"]) if named else None


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody set a version's approval status, or changed something else of it (then without a status)."""

    version_arn: str
    status: str | None
    by: str
    time: datetime
    registers: bool = False
    life_cycle: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """One removal of an endpoint's settings.

    Attributes:
        time: When the stack was deployed without them.
        is_noted: Whether the journal knew the endpoint then, and not as one without settings.
    """

    time: datetime
    is_noted: bool


@dataclass(frozen=True, slots=True)
class Recovery:
    """A moment at which an endpoint's journal became what it was earlier, or empty.

    Attributes:
        endpoint_name: The endpoint.
        time: When.
        back_to: As of when the journal is; the world's start if it was lost.
        statuses: The status of each attempt in it, by its number.
        before: The attempts that the journal had until then.
    """

    endpoint_name: str
    time: datetime
    back_to: datetime
    statuses: Mapping[int, str]
    before: tuple[dict[str, Any], ...]


@dataclass(slots=True)
class People:
    """Does what disturbances say."""

    world: World
    versions: list[Version] = field(default_factory=list)
    settings: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    last_done: datetime = field(init=False)
    """When anybody changed the registry, the settings or an endpoint for the last time."""
    deletions: list[tuple[str, datetime]] = field(default_factory=list)
    """Which endpoints people deleted, and when."""
    deleted_versions: dict[str, datetime] = field(default_factory=dict)
    """When people deleted which version."""
    settings_were_missing: bool = False
    """Whether an endpoint was ever without settings."""
    removals: dict[str, list[Removal]] = field(default_factory=dict)
    """When each endpoint's settings were removed."""
    approvings: list[Approving] = field(default_factory=list)
    unprovoked: list[tuple[Invocation, BaseException]] = field(default_factory=list)
    """Invocations that failed although nothing was done to any of their calls."""
    shapes: dict[str, Shape] = field(default_factory=dict)
    """Endpoint to the kind of endpoint that it is to be, if that is not the usual one."""
    recoveries: list[Recovery] = field(default_factory=list)
    """Every loss and restore of a journal, in order."""
    holds: Holds = field(init=False)
    rollbacks: Rollbacks = field(init=False)
    retries: Retries = field(init=False)
    meddling: Meddling = field(init=False)
    namesakes: Namesakes = field(init=False)
    _snapshots: list[tuple[datetime, dict[str, dict[str, Any]]]] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _settings_events: int = 0
    _pending: dict[str, list[Disturbance]] = field(default_factory=dict)
    _kept: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.last_done = self.world.start
        self.holds = Holds(self.world)
        self.rollbacks = Rollbacks(self.world)
        self.retries = Retries(self.world)
        self.meddling = Meddling(self.world)
        self.namesakes = Namesakes(self.world)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints of this world."""
        return tuple(sorted(name for site in self.world.sites for name in site.endpoints))

    def begin(self) -> None:
        """Set up the group, the settings and the versions that are deployed before anything is disturbed."""
        world = self.world
        for group in (GROUP, OTHER_GROUP):
            self.call("CreateModelPackageGroup", ModelPackageGroupName=group)
        if len(world.sites) > 1:
            self.call(
                "PutModelPackageGroupPolicy",
                ModelPackageGroupName=GROUP,
                ResourcePolicy=group_policy(world.sites),
            )
        for name in self.endpoints:
            if name != self.handed_over:
                self._write(name, 0)
        for site in world.sites:
            self._deploy(site)
        for site in world.sites:
            self._make_what_is_not_ours(site)
        for _ in range(max(1, world.schedule.head_start)):
            self.register()
            world.pass_time(3)
            if world.schedule.head_start:
                self.decide(self.versions[-1], "Approved", BOB if world.schedule.policy == 2 else ADA)
                world.run_until_quiet()
                world.pass_time(30)
        world.run_until_quiet()
        if self.handed_over is not None:
            self._make_by_hand(self.handed_over)
            world.run_until_quiet()

    @property
    def handed_over(self) -> str | None:
        """The endpoint that a person made and hands over, if there is one."""
        return self.endpoints[-1] if self.world.schedule.handed_over % len(HANDED_OVER) else None

    def _make_by_hand(self, endpoint: str) -> None:
        """Make an endpoint as a person does, with other counts than its settings will have, and tag it."""
        kind, site = self.world.schedule.handed_over % len(HANDED_OVER), self.world.site_of(endpoint)
        names = ({"Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/x:1"},)
        versions = tuple({"ModelPackageName": self.versions[place].arn} for place in (0, -1))
        tags: dict[str, Any] = {} if kind == FOREIGN else {"Tags": [{"Key": STACK_TAG, "Value": STACK}]}
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": "by-hand",
            "InstanceType": INSTANCE_TYPE,
            "InitialInstanceCount": 4,
            "InitialVariantWeight": 1.0,
        }
        container = (*names, *versions, *names, *names)[kind]
        self.call(
            "CreateModel",
            at=site,
            ModelName="by-hand",
            ExecutionRoleArn=site.role_arn,
            Containers=[container],
        )
        self.call("CreateEndpointConfig", at=site, EndpointConfigName="by-hand", ProductionVariants=[variant])
        self.call(
            "CreateEndpoint",
            at=site,
            EndpointName=endpoint,
            EndpointConfigName="by-hand",
            **tags,
        )

    def take_over(self) -> None:
        """Put the endpoint that a person made under management."""
        endpoint = self.handed_over
        if endpoint is not None and self.settings.get(endpoint) is None:
            self.write_settings(endpoint, 0)

    def is_foreign(self, endpoint: str) -> bool:
        """Tell whether an endpoint exists that its owner has not given up, with the deployer's tag."""
        described = self.world.describe(endpoint)
        if self.world.schedule.handed_over % len(HANDED_OVER) != FOREIGN or described is None:
            return False
        listed = self.look("ListTags", ResourceArn=described["EndpointArn"]) or {"Tags": []}
        return all(each["Key"] != STACK_TAG for each in listed["Tags"])

    def give_up(self) -> None:
        """Give the stack an endpoint that it manages and that belongs to others, as it asks for."""
        endpoint = self.handed_over
        if endpoint is not None and self.settings.get(endpoint) is not None and self.is_foreign(endpoint):
            described = self.world.describe(endpoint)
            assert described is not None, "it exists"
            tags = [{"Key": STACK_TAG, "Value": STACK}]
            self.call(
                "AddTags", at=self.world.site_of(endpoint), ResourceArn=described["EndpointArn"], Tags=tags
            )

    # The journal -------------------------------------------------------------------------------------

    def keep_snapshot(self) -> None:
        """Keep what the first account's journal holds, for a restore: its backups are continuous."""
        self._snapshots.append((self.world.clock.now(), self.world.memory.table.snapshot()))

    def lose_journal(self, endpoint: str, how: int) -> None:
        """Delete what the journal has of an endpoint, or all of it."""
        if self.world.schedule.stages is not Stages.NONE:
            return
        lost = self.endpoints if how % 2 else (endpoint,)
        self.world.tell("cdk", f"journal of {', '.join(lost)} is lost")
        self._put_back(lost, self.world.start, {})

    def restore_journal(self, how: int) -> None:
        """Empty the journal, and put back what it held earlier."""
        if self._snapshots and self.world.schedule.stages is Stages.NONE:
            time, partitions = self._snapshots[-1 - how % len(self._snapshots)]
            self.world.tell("cdk", f"journal is put back to {time}")
            self._put_back(self.endpoints, time, partitions)

    def redeploy(self) -> None:
        """Destroy the stack, and deploy it again: with a role and an empty journal of its own."""
        if self.world.schedule.stages is not Stages.NONE:
            return
        (site,) = self.world.sites
        self.world.tell("cdk", "the stack is destroyed, and deployed again")
        self.world.forget_invocations()
        self.holds.end_pauses()
        forget(self.world)
        site.stacks += 1
        self._put_back(self.endpoints, self.world.start, {})
        self._announce_settings(site)

    def _put_back(
        self, endpoints: tuple[str, ...], time: datetime, partitions: dict[str, dict[str, Any]]
    ) -> None:
        table, now = self.world.memory.table, self.world.clock.now()
        self.last_done = now
        fleet = dict(table.partitions.get(FLEET, {}))
        for name in (*endpoints, CHECKS):
            fleet.pop(name, None)
            fleet |= {key: each for key, each in partitions.get(FLEET, {}).items() if key == name}
        for name in endpoints:
            items, before = partitions.get(name, {}), tuple(self.world.journal(name, "attempt#"))
            table.restore(name, items)
            attempts = [each for key, each in items.items() if key.startswith("attempt#")]
            statuses = {int(each["number"]["N"]): each["status"]["S"] for each in attempts}
            self.recoveries.append(Recovery(name, now, time, statuses, before))
        table.restore(FLEET, fleet)
        for recovery in self.recoveries[-len(endpoints) :]:
            for observer in self.world.recovery_observers:
                observer(recovery)

    def _make_what_is_not_ours(self, site: Site) -> None:
        """Make a model and a config of somebody else, whose names look like ours."""
        self.call(
            "CreateModel",
            at=site,
            ModelName="churn-v9-0123456789ab",
            ExecutionRoleArn=site.role_arn,
            PrimaryContainer={"Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/x:1"},
        )
        self.call(
            "CreateEndpointConfig",
            at=site,
            EndpointConfigName="churn-v9-0123456789ab",
            ProductionVariants=[
                {
                    "VariantName": "AllTraffic",
                    "ModelName": "churn-v9-0123456789ab",
                    "InstanceType": INSTANCE_TYPE,
                    "InitialInstanceCount": 1,
                }
            ],
        )

    def call(
        self, operation: str, *, by: str = ADA, at: Site | None = None, **request: Any
    ) -> dict[str, Any] | None:
        """Call SageMaker as a person, in an account or where the registry is; return None if it refuses."""
        who = by.rpartition("/")[2]
        self.last_done = self.world.clock.now()
        caller = Caller(at.account if at is not None else ACCOUNT, REGION, by)
        if (asked := self._asked(request)) is None:
            self.world.tell(who, f"{operation} is refused", "the version is gone")
            return None
        try:
            answer = self.world.control_plane.call(operation, asked, caller)
        except ServiceError as error:
            self.world.tell(who, f"{operation} is refused", str(error))
            return None
        self.world.tell(who, operation, _brief(request))
        if operation == "DeleteEndpoint":
            self.deletions.append((request["EndpointName"], self.world.clock.now()))
        if operation == "DeleteModelPackage":
            self.deleted_versions[request["ModelPackageName"]] = self.world.clock.now()
        return answer

    def _asked(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Return a request with ARNs in the place of versions' names; None if a version has none any more."""
        if not self.namesakes.were_made:
            return request
        named = {key: request[key] for key in ("ModelPackageName", "ModelPackageArn") if key in request}
        if any(map(self.namesakes.is_past, named.values())):
            return None
        return request | {key: self.namesakes.arn_of(each) for key, each in named.items()}

    def deleted(self, endpoint: str) -> list[datetime]:
        """Return when people deleted an endpoint."""
        return [time for name, time in self.deletions if name == endpoint]

    def do(self, disturbance: Disturbance) -> None:
        """Do one thing; what AWS cannot do to an endpoint just now it does once the endpoint changes."""
        endpoint = self._endpoint(disturbance)
        self.world.coverage.add((f"endpoint {self.status_for(disturbance)}", disturbance.kind.value))
        person = _PERSONAL.get(disturbance.kind)
        if person is not None:
            person(self, disturbance, endpoint)
            return
        try:
            account = self.world.site_of(endpoint).account
            _OF_SAGEMAKER[disturbance.kind](
                self.world.control_plane, (account, REGION), endpoint, disturbance.how
            )
        except ValueError as error:
            self.world.tell("aws", f"{disturbance.kind} is impossible", str(error))
            self._pending.setdefault(endpoint, []).append(disturbance)
            return
        self.world.tell("aws", str(disturbance.kind), f"{endpoint} {disturbance.how}")

    def status_for(self, disturbance: Disturbance) -> str:
        """Return the status of the endpoint that a disturbance is about."""
        described = self.world.describe(self._endpoint(disturbance))
        return str(described["EndpointStatus"]) if described is not None else "absent"

    def _endpoint(self, disturbance: Disturbance) -> str:
        return self.endpoints[disturbance.which % len(self.endpoints)]

    def endpoint_changed(self, endpoint: str) -> None:
        """Do what AWS could not do to an endpoint before, a while after it changed."""
        for disturbance in self._pending.pop(endpoint, ()):
            self.world.agenda.put(AFTERWARDS, partial(self._do_afterwards, disturbance))

    def _do_afterwards(self, disturbance: Disturbance) -> None:
        if self.world.disturbing:
            self.do(disturbance)
            self.world.observe_changes()

    def heal(self) -> None:
        """Reverse what people and AWS would reverse some day: shortages, and alarms without a cause."""
        plane = self.world.control_plane
        for instance_type in (INSTANCE_TYPE, "ml.m5.xlarge"):
            for site in self.world.sites:
                plane.limits.set_instance_capacity(site.account, REGION, instance_type, None)
                plane.limits.set_instance_quota(site.account, REGION, instance_type, None)
        self.world.alarms.delete_foreign()
        for name in self.endpoints:
            self.world.alarms.reset(name)
        for name in dict.fromkeys(each.endpoint_name for each in self.recoveries):
            self._deregister_forgotten(name)
        self.world.bucket.is_hidden = False
        self.holds.end_pauses()
        self.meddling.hidden.clear()
        self.meddling.restore()
        self.meddling.restore_configs()
        self.give_up()

    def _deregister_forgotten(self, endpoint: str) -> None:
        """Deregister what a lost journal forgot and the settings do not name, as the deployer asks people to.

        It cannot tell such a registration from somebody else's.
        """
        site, settings = self.world.site_of(endpoint), self.settings.get(endpoint) or {}
        query = {"ServiceNamespace": "sagemaker"}
        _, content = self.world.scaling("DescribeScalableTargets", json.dumps(query).encode(), site)
        for target in json.loads(content)["ScalableTargets"]:
            _, name, _, variant_name = target["ResourceId"].split("/")
            if name == endpoint and variant_name not in settings.get("AutoScaling", {}):
                named = {key: target[key] for key in ("ResourceId", "ScalableDimension")}
                self.world.scaling("DeregisterScalableTarget", json.dumps(query | named).encode(), site)
                self.world.tell("ada", "DeregisterScalableTarget", target["ResourceId"])

    # The registry ------------------------------------------------------------------------------------

    def mend(self, version: Version) -> None:
        """Make a broken model work from now on."""
        self.world.hosting.broken_urls.discard(version.model_data_url)
        self.world.hosting.alarming_urls.discard(version.model_data_url)
        self.world.hosting.failing_urls.discard(version.model_data_url)
        self.world.alarms.follow_traffic()
        self.world.tell("aws", "model mended", version.number)

    def version(self, which: int) -> Version:
        """Return one of the versions, and one of those that there are if any are."""
        there = self.versions[self.namesakes.first :] or self.versions
        return there[which % len(there)]

    def live(self, endpoint: str) -> Version | None:
        """Return the version that an endpoint is on."""
        arn = self.served_version(endpoint)
        return next(
            (each for each in self.versions if arn is not None and each.arn.lower() == arn.lower()), None
        )

    def served_version(self, endpoint: str) -> str | None:
        """Return the ARN of the version whose config the endpoint is on."""
        described = self.world.describe(endpoint)
        if described is None:
            return None
        content = self.config_content(described["EndpointConfigName"])
        return content[0] if content else None

    def config_content(self, name: str) -> tuple[str, str, str] | None:
        """Return a config's content: the version's ARN, its environment, its variants."""
        config = self.look("DescribeEndpointConfig", EndpointConfigName=name)
        if config is None:
            return self.meddling.content_of(name)
        variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]
        containers = [self._container(each["ModelName"]) for each in variants]
        first = containers[0]
        remembered = self.meddling.content_of(name)
        if first is None or (remembered is not None and None in containers):
            return remembered
        return content_of(
            first.get("ModelPackageName", ""),
            first.get("Environment", {}),
            variants,
            asynchronous="AsyncInferenceConfig" in config,
            beside={
                variant["VariantName"]: (container or {}).get("ModelPackageName", "")
                for variant, container in zip(variants[1:], containers[1:], strict=True)
            },
        )

    def _container(self, model_name: str) -> dict[str, Any] | None:
        model = self.look("DescribeModel", ModelName=model_name)
        if model is None:
            return None
        (container,) = model.get("Containers") or [model["PrimaryContainer"]]
        found: dict[str, Any] = self.namesakes.named(container, model["CreationTime"])
        return found

    def look(self, operation: str, **request: Any) -> dict[str, Any] | None:
        """Read from SageMaker without leaving a line in the story; None if it refuses."""
        if (asked := self._asked(request)) is None:
            return None
        for site in self.world.sites:
            # Names are compared by content, and a version by its ARN: only one account answers.
            try:
                answer = self.world.control_plane.call(operation, asked, site.caller)
            except ServiceError:
                continue
            found: dict[str, Any] = self.namesakes.named(answer, self.world.clock.now())
            return found
        return None

    def register(
        self,
        status: str = "PendingManualApproval",
        *,
        broken: bool = False,
        alarming: bool = False,
        failing: bool = False,
        by: str = ADA,
    ) -> None:
        """Register the next version.

        Args:
            status: Its first approval status.
            broken: Whether it never serves.
            alarming: Whether it serves, and raises alarms.
            failing: Whether it serves, and fails smoke tests.
            by: Who registers it.
        """
        if not self.namesakes.may_register():
            return
        number = len(self.versions) + 1
        url = f"s3://models/{number}/model.tar.gz"
        if broken:
            self.world.hosting.broken_urls.add(url)
        if alarming:
            self.world.hosting.alarming_urls.add(url)
        if failing:
            self.world.hosting.failing_urls.add(url)
        answer = self._create_package(GROUP, status, url, by)
        assert answer is not None, "nothing refuses a registration"
        name = self.namesakes.note(answer["ModelPackageArn"])
        self.versions.append(Version(name, number, url))
        self.acts.append(Act(name, status, by, self.world.clock.now(), registers=True))

    def edit(self, version: Version, note: str, by: str) -> None:
        """Change a version's metadata."""
        answer = self.call(
            "UpdateModelPackage",
            by=by,
            ModelPackageArn=version.arn,
            CustomerMetadataProperties={"note": note},
        )
        if answer is not None:
            self.acts.append(Act(version.arn, None, by, self.world.clock.now()))

    def replace_artifact(self, version: Version, how: int, by: str) -> None:
        """Change a version's artifact in the registry, or change it back."""
        other = f"s3://models/{version.number}/other.tar.gz"
        urls = (other, other, version.model_data_url)
        answer = self.call(
            "UpdateModelPackage",
            by=by,
            ModelPackageArn=version.arn,
            InferenceSpecification=_specification(urls[how // 2 % len(urls)]),
        )
        if answer is not None:
            self.acts.append(Act(version.arn, None, by, self.world.clock.now()))

    def overwrite(self, version: Version, how: int) -> None:
        """Overwrite a version's artifact in S3, restore it, or add an object beside it.

        A repeated training job does so. The registry does not know.
        """
        package = self.look("DescribeModelPackage", ModelPackageName=version.arn)
        uri = artifact_of(package) if package is not None else version.model_data_url
        bucket = self.world.bucket
        match how // 2 % 5:
            case 3:
                bucket.restore(uri)
            case 4:
                bucket.overwrite(uri := uri + NEIGHBOUR)
            case _:
                bucket.overwrite(uri)
        self._tell_of_objects(f"overwrites {uri}", bucket.tag(uri))

    def hide_artifacts(self, *, hidden: bool) -> None:
        """Hide the bucket's objects from stages, or show them."""
        self.world.bucket.is_hidden = hidden
        self._tell_of_objects("hides artifacts" if hidden else "shows artifacts")

    def _tell_of_objects(self, what: str, detail: object = None) -> None:
        self.last_done = self.world.clock.now()
        self.world.tell("s3", what, detail)

    def rescale(self, endpoint: str, how: int) -> None:
        """Change a variant's count and weight, as automatic scaling and people do.

        One of several may get no more calls.
        """
        described = (self.world.describe(endpoint) or {}).get("ProductionVariants", ())
        variants = [each["VariantName"] for each in described] or ["AllTraffic"]
        self.call(
            "UpdateEndpointWeightsAndCapacities",
            at=self.world.site_of(endpoint),
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[
                {
                    "VariantName": variants[how // 4 % len(variants)],
                    # Down to one, of which a canary cannot take half.
                    "DesiredInstanceCount": (1, 2, 3, 1)[how % 4],
                    "DesiredWeight": 0.0 if how in {1, 5} and len(variants) > 1 else 1.0 + how % 2,
                }
            ],
        )

    def may_count(self, version_arn: str, approving: Approving | None) -> bool:
        """Tell whether anybody approved the version whose approval the policy accepts.

        Args:
            version_arn: The version.
            approving: The event from which the journal has the approval, if any. Only an event that names the
                approval lets the deployer distinguish the approver from a later editor, and only in a later
                second.
        """
        policy = POLICIES[self.world.schedule.policy % len(POLICIES)].get("ApprovalPolicy", {})
        acts = [each for each in self.acts if each.version_arn.lower() == version_arn.lower()]
        registered_by = next(each.by for each in acts if each.registers)
        return any(
            (each.status == "Approved" or (each.status is None and self._may_pass(each, approving)))
            and each.by in policy.get("Approvers", PEOPLE)
            and not (policy.get("FourEyes") and each.by == registered_by)
            for each in acts
        )

    def _may_pass(self, edit: Act, approving: Approving | None) -> bool:
        """Tell whether an editor of a version may be taken for its approver."""
        return approving is None or not approving.named or edit.time < approving.time + timedelta(seconds=1)

    def register_elsewhere(self, by: str) -> None:
        """Register an approved version in a group that no endpoint follows."""
        self._create_package(OTHER_GROUP, "Approved", "s3://models/other/model.tar.gz", by)

    def _create_package(self, group: str, status: str, url: str, by: str) -> dict[str, Any] | None:
        return self.call(
            "CreateModelPackage",
            by=by,
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            InferenceSpecification=_specification(url),
        )

    def decide(self, version: Version, status: str, by: str) -> None:
        """Set a version's approval status."""
        answer = self.call(
            "UpdateModelPackage", by=by, ModelPackageArn=version.arn, ModelApprovalStatus=status
        )
        if answer is not None:
            self.acts.append(Act(version.arn, status, by, self.world.clock.now()))

    def stand(self, version: Version, life_cycle: dict[str, str], by: str) -> None:
        """Say where a version stands in its life cycle."""
        answer = self.call(
            "UpdateModelPackage", by=by, ModelPackageArn=version.arn, ModelLifeCycle=life_cycle
        )
        if answer is not None:
            self.acts.append(Act(version.arn, None, by, self.world.clock.now(), life_cycle=life_cycle))

    def gate(self, endpoint: str) -> dict[str, Any] | None:
        """Return the gate of an endpoint's stage."""
        gate: dict[str, Any] | None = stage_settings(self.world.schedule, endpoint).get("Gate")
        return gate

    def note_event(self, event: dict[str, Any], site: Site, *, delivered: bool) -> None:
        """Remember a moment at which a version was Approved, and admitted where there is a gate."""
        detail = event["detail"]
        gate = self.gate(site.endpoints[0])
        if detail.get("ModelApprovalStatus") != "Approved" or (
            gate is not None and not is_at(gate, detail.get("ModelLifeCycle") or {})
        ):
            return
        fields = detail.get("UpdatedModelPackageFields") or []
        self.approvings.append(
            Approving(
                version_arn=self.namesakes.named(detail, self.world.clock.now())["ModelPackageArn"],
                time=datetime.fromisoformat(detail["LastModifiedTime"]),
                # A version that is not complete cannot be deployed: its approval counts from its completion.
                named=("ModelApprovalStatus" if gate is None else "ModelLifeCycle") in fields
                and detail["ModelPackageStatus"] == "Completed",
                delivered=delivered,
                event_id=event["id"],
                account=site.account,
                changed_at=changed_at(detail),
            )
        )

    # Settings ----------------------------------------------------------------------------------------

    def write_settings(self, endpoint: str, how: int) -> None:
        """Deploy the stack with other settings of an endpoint, which may fail and be rolled back."""
        before, number = self.settings.get(endpoint), self._numbers.get(endpoint, 0)
        is_rolled_back = how == SETTINGS - 1
        self._write(endpoint, (number + 1) % how if is_rolled_back else how)
        self._deploy(self.world.site_of(endpoint))
        if is_rolled_back:
            tried = self.settings[endpoint]
            self.world.agenda.put(ROLLBACK_SECONDS, lambda: self._roll_back(endpoint, tried, before, number))

    def _roll_back(
        self, endpoint: str, tried: dict[str, Any] | None, before: dict[str, Any] | None, number: int
    ) -> None:
        if self.settings[endpoint] is not tried or self.world.calmed:
            return
        self.world.tell("cdk", f"settings of {endpoint} are rolled back")
        if before is None:
            self.remove_settings(endpoint)
            return
        self._numbers[endpoint] = number
        self.holds.roll_back(endpoint, before)
        self._use(endpoint, before)
        self._deploy(self.world.site_of(endpoint))

    def _write(self, endpoint: str, how: int) -> None:
        schedule = self.world.schedule
        document = settings_document(
            endpoint,
            how,
            schedule.policy,
            schedule.keep,
            rollout=schedule.rollout,
            instances=schedule.instances,
            scaling=schedule.scaling,
            smoke_test=_smoke_test(schedule) if schedule.smoke_test else None,
        )
        shape = self.shapes.get(endpoint, Shape.USUAL)
        companions = Companions.NONE if shape is Shape.UNSHADOWED else schedule.companions
        document |= beside(document, companions, how) | stage_settings(schedule, endpoint)
        document |= shaped(document, shape)
        document |= self.holds.windows.get(endpoint, {})
        if schedule.as_forward and schedule.rollout is not RolloutKind.UNGUARDED:
            document["Back"] = "as_forward"
        self._numbers[endpoint] = how
        if len(self.world.sites) > 1 and "ApprovalPolicy" in document:
            deployers = [site.deployers for site in self.world.sites]
            document["ApprovalPolicy"] = {**document["ApprovalPolicy"], "Deployers": deployers}
        self.world.tell("cdk", f"settings {how} of {endpoint}")
        self._use(endpoint, document)

    def _use(self, endpoint: str, document: dict[str, Any]) -> None:
        self.settings[endpoint] = document
        self._kept.setdefault(endpoint, []).append(document["Keep"])
        self.world.site_of(endpoint).documents[endpoint] = document

    def freeze(self, endpoint: str, how: int) -> None:
        """Deploy the settings of an endpoint with a freeze window, or without one."""
        if self.settings.get(endpoint) is None:
            return
        self.holds.freeze(endpoint, how)
        self.write_settings(endpoint, self._numbers.get(endpoint, 0))

    def change_shape(self, endpoint: str, how: int) -> None:
        """Ask for another kind of endpoint, with otherwise equal settings."""
        schedule, shape = self.world.schedule, SHAPES[how % len(SHAPES)]
        if schedule.companions is not Companions.NONE:
            # Every variant would need another name, or none may be serverless.
            takes = {Shape.UNSHADOWED} if schedule.companions is Companions.SHADOW else set()
            shape = shape if shape in takes else Shape.USUAL
        elif shape is Shape.ASYNCHRONOUS and schedule.smoke_test:
            shape = Shape.RENAMED
        self.shapes[endpoint] = shape
        self.world.tell("cdk", f"{endpoint} is to be {shape}")
        self.write_settings(endpoint, self._numbers.get(endpoint, 0))

    def least_kept(self, endpoint: str) -> int:
        """Return the fewest former releases that any settings of an endpoint ever kept."""
        return min(self._kept.get(endpoint, [0]))

    def remove_settings(self, endpoint: str) -> None:
        """Deploy the stack without an endpoint's settings."""
        site = self.world.site_of(endpoint)
        if site.documents.pop(endpoint, None) is not None:
            self.last_done = self.world.clock.now()
            self.settings[endpoint] = None
            self.settings_were_missing = True
            is_noted = self.world.known_endpoints(site).get(endpoint, False)
            self.removals.setdefault(endpoint, []).append(Removal(self.last_done, is_noted))
            self.world.tell("cdk", f"settings of {endpoint} removed")
            self._deploy(site)

    def _deploy(self, site: Site) -> None:
        """Update the stack's function, and then its marker, if settings changed."""
        self.last_done = self.world.clock.now()
        if site.deploy():
            self._announce_settings(site)

    def _announce_settings(self, site: Site) -> None:
        self._settings_events += 1
        self.world.emit(
            {
                "version": "0",
                "id": f"settings-{self._settings_events}",
                "detail-type": "Parameter Store Change",
                "source": "aws.ssm",
                "account": site.account,
                "time": self.world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": REGION,
                "resources": [f"arn:aws:ssm:{REGION}:{site.account}:parameter{MARKER}"],
                "detail": {"operation": "Update", "name": MARKER, "type": "String"},
            }
        )


def _specification(url: str) -> dict[str, Any]:
    return {
        "Containers": [{"Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/x:1", "ModelDataUrl": url}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }


_BESIDE: Final = "ModelPackageName"
_SHAPE: Final = (
    *("VariantName", "InstanceType", "InitialInstanceCount", "InitialVariantWeight"),
    "ServerlessConfig",
)


def content_of(
    version_arn: str,
    environment: dict[str, str],
    variants: list[dict[str, Any]],
    beside: Mapping[str, str],
    *,
    asynchronous: bool,
) -> tuple[str, str, str]:
    """Return what identifies a release, independent of its names.

    Args:
        version_arn: The approved version.
        environment: Of its container, and of every other one.
        variants: All, the shadow last.
        beside: By variant name, the version of variants that do not follow the approvals.
        asynchronous: Whether calls are answered later.
    """
    shapes = [
        {
            **{key: variant.get(key) for key in _SHAPE},
            **({_BESIDE: beside[variant["VariantName"]].lower()} if variant["VariantName"] in beside else {}),
            **({"AsyncInferenceConfig": True} if asynchronous else {}),
        }
        for variant in variants
    ]
    return (version_arn.lower(), json.dumps(environment, sort_keys=True), json.dumps(shapes, sort_keys=True))


def versions_in(content: tuple[str, str, str]) -> tuple[str, ...]:
    """Return the ARNs, in lower case, of every version of a release: the approved one first."""
    return (content[0], *(each[_BESIDE] for each in json.loads(content[2]) if _BESIDE in each))


def _brief(request: dict[str, Any]) -> str:
    return " ".join(value.rsplit(":", 1)[-1] for value in request.values() if isinstance(value, str))


# The meaning of each kind of disturbance ----------------------------------------------------------

_Person = Callable[[People, Disturbance, str], object]
_Where = tuple[str, str]
_Aws = Callable[["ControlPlane", _Where, str, int], object]

SERVICE_FAILED: Final = (
    "Request to service failed. If failure persists after retry, contact customer support."
)


def _by(disturbance: Disturbance) -> str:
    return PEOPLE[disturbance.how % len(PEOPLE)]


_PERSONAL: Final[dict[Kind, _Person]] = {
    Kind.REGISTER: lambda people, what, _: people.register(by=_by(what)),
    Kind.REGISTER_APPROVED: lambda people, what, _: people.register("Approved", by=_by(what)),
    Kind.REGISTER_BROKEN: lambda people, what, _: people.register(broken=True, by=_by(what)),
    Kind.REGISTER_BROKEN_APPROVED: lambda people, what, _: people.register(
        "Approved", broken=True, by=_by(what)
    ),
    Kind.REGISTER_ALARMING_APPROVED: lambda people, what, _: people.register(
        "Approved", alarming=True, by=_by(what)
    ),
    Kind.REGISTER_FAILING_APPROVED: lambda people, what, _: people.register(
        "Approved", failing=True, by=_by(what)
    ),
    Kind.REGISTER_ELSEWHERE: lambda people, what, _: people.register_elsewhere(_by(what)),
    Kind.APPROVE: lambda people, what, _: people.decide(people.version(what.which), "Approved", _by(what)),
    Kind.APPROVE_NEWEST: lambda people, what, _: people.decide(people.versions[-1], "Approved", _by(what)),
    Kind.REJECT: lambda people, what, _: people.decide(people.version(what.which), "Rejected", _by(what)),
    Kind.REJECT_LIVE: lambda people, what, endpoint: people.decide(
        people.live(endpoint) or people.version(what.which), "Rejected", _by(what)
    ),
    Kind.RETURN_TO_PENDING: lambda people, what, _: people.decide(
        people.version(what.which), "PendingManualApproval", _by(what)
    ),
    Kind.UPDATE_METADATA: lambda people, what, _: people.edit(
        people.version(what.which), str(what.how), _by(what)
    ),
    Kind.DELETE_VERSION: lambda people, what, _: people.call(
        "DeleteModelPackage", by=_by(what), ModelPackageName=people.version(what.which).arn
    ),
    Kind.MEND_MODEL: lambda people, what, _: people.mend(people.version(what.which)),
    Kind.CHANGE_SETTINGS: lambda people, what, endpoint: people.write_settings(endpoint, what.how % SETTINGS),
    Kind.CHANGE_SHAPE: lambda people, what, endpoint: people.change_shape(endpoint, what.how),
    Kind.REMOVE_SETTINGS: lambda people, _, endpoint: people.remove_settings(endpoint),
    Kind.RESCALE: lambda people, what, endpoint: people.rescale(endpoint, what.how),
    Kind.RAISE_ALARM: lambda people, _, endpoint: people.world.alarms.raise_for_a_while(endpoint),
    Kind.RESET_ALARM: lambda people, _, endpoint: people.world.alarms.reset(endpoint),
    Kind.DELETE_ALARM: lambda people, what, endpoint: people.world.alarms.delete_by_hand(
        alarm_of(endpoint, what.how)
    ),
    Kind.FOREIGN_ALARM: lambda people, what, endpoint: people.world.alarms.replace_by_hand(
        alarm_of(endpoint, what.how)
    ),
    Kind.DELETE_ENDPOINT: lambda people, _, endpoint: people.call(
        "DeleteEndpoint", at=people.world.site_of(endpoint), EndpointName=endpoint
    ),
    Kind.SWEEP: lambda people, *_: people.world.sweep(),
    Kind.LOSE_JOURNAL: lambda people, what, endpoint: people.lose_journal(endpoint, what.how),
    Kind.RESTORE_JOURNAL: lambda people, what, _: people.restore_journal(what.how),
    Kind.REDEPLOY_STACK: lambda people, *_: people.redeploy(),
    Kind.PAUSE: lambda people, what, endpoint: people.holds.pause(endpoint, what.how),
    Kind.END_PAUSE: lambda people, what, endpoint: people.holds.end_pause(endpoint, what.how),
    Kind.FREEZE: lambda people, what, endpoint: people.freeze(endpoint, what.how),
    Kind.ROLL_BACK: lambda people, what, endpoint: people.rollbacks.ask(endpoint, what.how),
    Kind.RETRY: lambda people, what, endpoint: people.retries.ask(endpoint, what.how),
    Kind.DELETE_CONFIG: lambda people, what, endpoint: people.meddling.delete_config(endpoint, what.how),
    Kind.DELETE_MODEL: lambda people, what, endpoint: people.meddling.delete_model(endpoint, what.how),
    Kind.HIDE_VERSION: lambda people, what, _: people.meddling.hide(people.version(what.which).arn, what.how),
    Kind.UPGRADE: lambda people, *_: people.meddling.upgrade(),
    Kind.REMAKE_GROUP: lambda people, what, _: people.namesakes.make_again(what.how, PEOPLE),
    Kind.HAND_OVER: lambda people, *_: people.take_over(),
    Kind.SET_LIFE_CYCLE: lambda people, what, _: people.stand(
        people.version(what.which), LIFE_CYCLES[what.how % len(LIFE_CYCLES)], _by(what)
    ),
    # One of the last two, which may be waiting for its turn.
    Kind.REPLACE_ARTIFACT: lambda people, what, _: people.replace_artifact(
        people.versions[-2:][what.which % len(people.versions[-2:])], what.how, _by(what)
    ),
    # A version that serves somewhere, so that another stage or the next rollout finds a change.
    Kind.REPLACE_LIVE: lambda people, what, endpoint: people.replace_artifact(
        people.live(endpoint) or people.version(what.which), what.how, _by(what)
    ),
    Kind.OVERWRITE_ARTIFACT: lambda people, what, _: people.overwrite(
        people.versions[-2:][what.which % len(people.versions[-2:])], what.how
    ),
    Kind.OVERWRITE_LIVE: lambda people, what, endpoint: people.overwrite(
        people.live(endpoint) or people.version(what.which), what.how
    ),
    Kind.HIDE_ARTIFACTS: lambda people, what, _: people.hide_artifacts(hidden=what.how % 3 > 0),
    Kind.PASS_ON: lambda people, what, _: people.stand(people.version(what.which), PASSED, _by(what)),
    # The version that serves in the first stage.
    Kind.PASS_ON_LIVE: lambda people, what, _: people.stand(
        people.live(people.endpoints[0]) or people.version(what.which), PASSED, _by(what)
    ),
    Kind.TAKE_BACK_LIVE: lambda people, what, endpoint: people.stand(
        people.live(endpoint) or people.version(what.which),
        LIFE_CYCLES[1 + what.how % (len(LIFE_CYCLES) - 1)],
        _by(what),
    ),
}

_OF_SAGEMAKER: Final[dict[Kind, _Aws]] = {
    Kind.LIMIT_CAPACITY: lambda plane, where, _, how: plane.limits.set_instance_capacity(
        *where, INSTANCE_TYPE, how % 3
    ),
    Kind.LIFT_CAPACITY: lambda plane, where, *_: plane.limits.set_instance_capacity(
        *where, INSTANCE_TYPE, None
    ),
    Kind.LIMIT_QUOTA: lambda plane, where, _, how: plane.limits.set_instance_quota(
        *where, INSTANCE_TYPE, how % 3
    ),
    Kind.LIFT_QUOTA: lambda plane, where, *_: plane.limits.set_instance_quota(*where, INSTANCE_TYPE, None),
    Kind.FAIL_SERVICE: lambda plane, where, endpoint, _: plane.incidents.fail_work(
        *where, endpoint, SERVICE_FAILED
    ),
    Kind.FAIL_ALARM: lambda plane, where, endpoint, _: plane.incidents.fail_work(*where, endpoint, ""),
    Kind.FAIL_ROLLBACK: lambda plane, where, endpoint, _: plane.incidents.fail_work(
        *where, endpoint, "The rollback failed.", rollback_fails=True
    ),
    Kind.SYSTEM_UPDATE: lambda plane, where, endpoint, _: plane.incidents.begin_system_update(
        *where, endpoint
    ),
    Kind.OUT_OF_SERVICE: lambda plane, where, endpoint, _: plane.incidents.take_out_of_service(
        *where, endpoint
    ),
    Kind.RETURN_TO_SERVICE: lambda plane, where, endpoint, _: plane.incidents.return_to_service(
        *where, endpoint
    ),
}
