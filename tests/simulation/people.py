"""People and AWS: who registers, approves, rejects, configures, and what SageMaker does by itself.

Owns what a `Disturbance` means, and remembers what was really done, so that laws can compare the journal
with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import Caller, Health
from local_cloud.sagemaker.virtual import ScriptedHosting
from tests.simulation.clients import REGION
from tests.simulation.schedule import Disturbance, Kind

if TYPE_CHECKING:
    from datetime import datetime

    from tests.simulation.world import Invocation, World

ACCOUNT: Final = "123456789012"
ROLE_ARN: Final = f"arn:aws:iam::{ACCOUNT}:role/models"
PREFIX: Final = "/greenlight/endpoints/"
GROUP: Final = "churn-models"
ENDPOINTS: Final = ("churn", "churn-v2")
"""The second one's name begins as the names of what the first one's versions are made of."""

ADA: Final = f"arn:aws:iam::{ACCOUNT}:user/ada"
BOB: Final = f"arn:aws:iam::{ACCOUNT}:user/bob"
PEOPLE: Final = (ADA, BOB)

INSTANCE_TYPE: Final = "ml.m5.large"
BROKEN: Final = "broken"


def settings_document(endpoint_name: str, how: int = 0, policy: int = 0) -> dict[str, Any]:
    """Return one of a few settings, as the stack stores them."""
    environment = {"LOG_LEVEL": {1: "debug", 3: BROKEN}.get(how, "info")}
    variant = {
        "VariantName": "AllTraffic",
        "InstanceType": "ml.m5.xlarge" if how == 5 else INSTANCE_TYPE,
        "InitialInstanceCount": 2 if how == 2 else 1,
        "InitialVariantWeight": 1.0,
    }
    return {
        "SchemaVersion": 1,
        "EndpointName": endpoint_name,
        "ModelPackageGroupName": GROUP,
        "CreateModel": {"Containers": [{"Environment": environment}]},
        "CreateEndpointConfig": {"ProductionVariants": [variant]},
        "Tags": {"team": "risk" if how == 4 else "growth"},
        **POLICIES[policy % len(POLICIES)],
    }


POLICIES: Final[tuple[dict[str, Any], ...]] = ({}, {}, {})
"""Who may approve, as the settings have it."""

SETTINGS: Final = 7
"""How many settings there are; the last one was edited by hand and is no JSON."""


class ScriptedFleets(ScriptedHosting):
    """Fleets whose health follows from what runs on them: broken model data or a broken environment."""

    broken_urls: set[str]

    def health(self, fleet_id: str) -> Health:
        """Return UNHEALTHY for whatever is broken."""
        for container in self.fleets[fleet_id].spec.containers:
            if container.model_data_url in self.broken_urls or BROKEN in container.environment.values():
                return Health.UNHEALTHY
        return Health.HEALTHY


class TolerantArtifacts:
    """All model data can be read."""

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - the port's signature
        """Return True."""
        return True


@dataclass(slots=True)
class Version:
    """A version that somebody registered."""

    arn: str
    number: int
    model_data_url: str


@dataclass(slots=True)
class Approving:
    """A moment at which somebody made or confirmed a version Approved, or changed one that was.

    Attributes:
        version_arn: The version.
        time: The event's: whole seconds.
        named: Whether the event says that the approval is what changed.
        delivered: Whether it was delivered at least once.
        by: Who did it.
    """

    version_arn: str
    time: datetime
    named: bool
    delivered: bool
    by: str


@dataclass(slots=True)
class People:
    """Does what disturbances say."""

    world: World
    versions: list[Version] = field(default_factory=list)
    settings: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    approvings: list[Approving] = field(default_factory=list)
    unprovoked: list[tuple[Invocation, BaseException]] = field(default_factory=list)
    """Invocations that failed although nothing was done to any of their calls."""
    _settings_events: int = 0

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints of this world."""
        return ENDPOINTS[: self.world.schedule.endpoints]

    def begin(self) -> None:
        """Set up the group, the settings and the versions that are deployed before anything is disturbed."""
        world = self.world
        world.hosting.broken_urls = set()
        self.call("CreateModelPackageGroup", ModelPackageGroupName=GROUP)
        for name in self.endpoints:
            self._write_settings(name, 0)
        self._make_what_is_not_ours()
        for _ in range(max(1, world.schedule.head_start)):
            self._register()
            world.pass_time(3)
            if world.schedule.head_start:
                self._approve(self.versions[-1], 0)
                world.run_until_quiet()
                world.pass_time(30)
        world.run_until_quiet()

    def _make_what_is_not_ours(self) -> None:
        """Make a model and a config of somebody else, whose names look like ours."""
        self.call(
            "CreateModel",
            ModelName="churn-v9-0123456789ab",
            ExecutionRoleArn=ROLE_ARN,
            PrimaryContainer={"Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/x:1"},
        )
        self.call(
            "CreateEndpointConfig",
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

    def call(self, operation: str, *, by: str = ADA, **request: Any) -> dict[str, Any] | None:
        """Call SageMaker as a person; return None if it refuses."""
        who = by.rpartition("/")[2]
        try:
            answer = self.world.control_plane.call(operation, request, Caller(ACCOUNT, REGION, by))
        except ServiceError as error:
            self.world.tell(who, f"{operation} is refused", str(error))
            return None
        self.world.tell(who, operation, _brief(request))
        return answer

    def do(self, disturbance: Disturbance) -> None:
        """Do one thing; what is impossible just now does not happen."""
        which, how, by = disturbance.which, disturbance.how, PEOPLE[disturbance.how % len(PEOPLE)]
        endpoint = self.endpoints[which % len(self.endpoints)]
        described = self.world.describe(endpoint)
        status = described["EndpointStatus"] if described is not None else "absent"
        self.world.coverage.add((f"endpoint {status}", disturbance.kind.value))
        match disturbance.kind:
            case Kind.REGISTER:
                self._register(by=by)
            case Kind.REGISTER_APPROVED:
                self._register("Approved", by=by)
            case Kind.REGISTER_BROKEN:
                self._register(broken=True, by=by)
            case Kind.REGISTER_BROKEN_APPROVED:
                self._register("Approved", broken=True, by=by)
            case Kind.APPROVE:
                self._approve(self._version(which), how)
            case Kind.APPROVE_NEWEST:
                self._approve(self.versions[-1], how)
            case Kind.REJECT:
                self._decide(self._version(which), "Rejected", by)
            case Kind.REJECT_LIVE:
                self._decide(self._live(endpoint) or self._version(which), "Rejected", by)
            case Kind.RETURN_TO_PENDING:
                self._decide(self._version(which), "PendingManualApproval", by)
            case Kind.UPDATE_METADATA:
                self.call(
                    "UpdateModelPackage",
                    by=by,
                    ModelPackageArn=self._version(which).arn,
                    CustomerMetadataProperties={"note": str(how)},
                )
            case Kind.DELETE_VERSION:
                self.call("DeleteModelPackage", by=by, ModelPackageName=self._version(which).arn)
            case Kind.MEND_MODEL:
                self.world.hosting.broken_urls.discard(self._version(which).model_data_url)
                self.world.tell("aws", "model mended", self._version(which).number)
            case Kind.CHANGE_SETTINGS:
                self._write_settings(endpoint, how % SETTINGS)
            case Kind.REMOVE_SETTINGS:
                self._remove_settings(endpoint)
            case Kind.SWEEP:
                self.world.sweep()
            case _:
                self._disturb_sagemaker(disturbance, endpoint)

    def _disturb_sagemaker(self, disturbance: Disturbance, endpoint: str) -> None:
        plane, how = self.world.control_plane, disturbance.how
        where = (ACCOUNT, REGION)
        tell = self.world.tell
        try:
            match disturbance.kind:
                case Kind.LIMIT_CAPACITY:
                    plane.set_instance_capacity(*where, INSTANCE_TYPE, how % 3)
                case Kind.LIFT_CAPACITY:
                    plane.set_instance_capacity(*where, INSTANCE_TYPE, None)
                case Kind.LIMIT_QUOTA:
                    plane.set_instance_quota(*where, INSTANCE_TYPE, how % 3)
                case Kind.LIFT_QUOTA:
                    plane.set_instance_quota(*where, INSTANCE_TYPE, None)
                case Kind.FAIL_SERVICE:
                    plane.fail_work(
                        *where,
                        endpoint,
                        "Request to service failed. If failure persists after retry, contact customer support.",
                    )
                case Kind.FAIL_ALARM:
                    plane.fail_work(*where, endpoint, "")
                case Kind.FAIL_ROLLBACK:
                    plane.fail_work(*where, endpoint, "The rollback failed.", rollback_fails=True)
                case Kind.SYSTEM_UPDATE:
                    plane.begin_system_update(*where, endpoint)
                case Kind.OUT_OF_SERVICE:
                    plane.take_out_of_service(*where, endpoint)
                case Kind.RETURN_TO_SERVICE:
                    plane.return_to_service(*where, endpoint)
                case Kind.RESCALE:
                    self.call(
                        "UpdateEndpointWeightsAndCapacities",
                        EndpointName=endpoint,
                        DesiredWeightsAndCapacities=[
                            {"VariantName": "AllTraffic", "DesiredInstanceCount": 1 + how % 3}
                        ],
                    )
                    return
                case Kind.DELETE_ENDPOINT:
                    self.call("DeleteEndpoint", EndpointName=endpoint)
                    return
                case kind:
                    raise NotImplementedError(kind)
        except ValueError as error:
            tell("aws", f"{disturbance.kind} is impossible", str(error))
            return
        tell("aws", str(disturbance.kind), f"{endpoint} {how}")

    def heal(self) -> None:
        """Take back what people and AWS would take back one day: shortages."""
        plane = self.world.control_plane
        for instance_type in (INSTANCE_TYPE, "ml.m5.xlarge"):
            plane.set_instance_capacity(ACCOUNT, REGION, instance_type, None)
            plane.set_instance_quota(ACCOUNT, REGION, instance_type, None)

    # The registry ------------------------------------------------------------------------------------

    def _version(self, which: int) -> Version:
        return self.versions[which % len(self.versions)]

    def _live(self, endpoint: str) -> Version | None:
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
        """Return what a config serves: the version's ARN, its environment, its variants."""
        config = self.look("DescribeEndpointConfig", EndpointConfigName=name)
        if config is None:
            return None
        model = self.look("DescribeModel", ModelName=config["ProductionVariants"][0]["ModelName"])
        if model is None:
            return None
        (container,) = model.get("Containers") or [model["PrimaryContainer"]]
        return content_of(
            container.get("ModelPackageName", ""),
            container.get("Environment", {}),
            config["ProductionVariants"],
        )

    def look(self, operation: str, **request: Any) -> dict[str, Any] | None:
        """Read from SageMaker without leaving a line in the story; None if it refuses."""
        try:
            return self.world.control_plane.call(operation, request, self.world.caller)
        except ServiceError:
            return None

    def _register(
        self, status: str = "PendingManualApproval", *, broken: bool = False, by: str = ADA
    ) -> None:
        number = len(self.versions) + 1
        url = f"s3://models/{number}/model.tar.gz"
        if broken:
            self.world.hosting.broken_urls.add(url)
        answer = self.call(
            "CreateModelPackage",
            by=by,
            ModelPackageGroupName=GROUP,
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [
                    {"Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/x:1", "ModelDataUrl": url}
                ],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )
        assert answer is not None, "nothing refuses a registration"
        self.versions.append(Version(answer["ModelPackageArn"], number, url))

    def _approve(self, version: Version, how: int) -> None:
        self._decide(version, "Approved", PEOPLE[how % len(PEOPLE)])

    def _decide(self, version: Version, status: str, by: str) -> None:
        self.call("UpdateModelPackage", by=by, ModelPackageArn=version.arn, ModelApprovalStatus=status)

    def note_event(self, event: dict[str, Any], *, delivered: bool) -> None:
        """Remember a moment at which a version was Approved."""
        detail = event["detail"]
        if detail.get("ModelApprovalStatus") != "Approved":
            return
        from datetime import datetime  # noqa: PLC0415

        fields = detail.get("UpdatedModelPackageFields") or []
        self.approvings.append(
            Approving(
                version_arn=detail["ModelPackageArn"],
                time=datetime.fromisoformat(event["time"]),
                # A version that is not complete cannot be deployed: its approval counts from its completion.
                named="ModelApprovalStatus" in fields and detail["ModelPackageStatus"] == "Completed",
                delivered=delivered,
                by="",
            )
        )

    # Settings ----------------------------------------------------------------------------------------

    def _write_settings(self, endpoint: str, how: int) -> None:
        parameters = self.world.memory.parameters
        operation = "Update" if PREFIX + endpoint in parameters else "Create"
        if how == SETTINGS - 1:
            self.settings[endpoint] = None
            parameters[PREFIX + endpoint] = "{"
        else:
            document = settings_document(endpoint, how, self.world.schedule.policy)
            self.settings[endpoint] = document
            parameters[PREFIX + endpoint] = json.dumps(document)
        self.world.tell("cdk", f"settings {how} of {endpoint}")
        self._tell_of_settings(endpoint, operation)

    def _remove_settings(self, endpoint: str) -> None:
        if self.world.memory.parameters.pop(PREFIX + endpoint, None) is not None:
            self.settings[endpoint] = None
            self.world.tell("cdk", f"settings of {endpoint} removed")
            self._tell_of_settings(endpoint, "Delete")

    def _tell_of_settings(self, endpoint: str, operation: str) -> None:
        self._settings_events += 1
        self.world.emit(
            {
                "version": "0",
                "id": f"settings-{self._settings_events}",
                "detail-type": "Parameter Store Change",
                "source": "aws.ssm",
                "account": ACCOUNT,
                "time": self.world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": REGION,
                "resources": [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{PREFIX}{endpoint}"],
                "detail": {"operation": operation, "name": PREFIX + endpoint, "type": "String"},
            }
        )


def content_of(
    version_arn: str, environment: dict[str, str], variants: list[dict[str, Any]]
) -> tuple[str, str, str]:
    """Return what identifies a release, whatever its names are."""
    shapes = [
        {key: variant.get(key) for key in ("VariantName", "InstanceType", "InitialInstanceCount")}
        for variant in variants
    ]
    return (version_arn.lower(), json.dumps(environment, sort_keys=True), json.dumps(shapes, sort_keys=True))


def _brief(request: dict[str, Any]) -> str:
    return " ".join(
        str(value).rsplit(":", 1)[-1] for key, value in request.items() if key != "InferenceSpecification"
    )
