"""The deployer on the in-process cloud: real gateways, real state machine, virtual time."""

from __future__ import annotations

import copy
import itertools
import json
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from deployer.contract import OUTCOME_DETAIL_TYPE
from deployer.dispatcher import Dispatcher
from deployer.gateways.bus import Bus
from deployer.gateways.gateways import Gateways
from deployer.gateways.journal import Journal
from deployer.gateways.journal_items import ATTEMPT, read_attempt
from deployer.gateways.journal_table import JournalTable
from deployer.gateways.model_registry import ModelRegistry
from deployer.gateways.newer_members import pass_on_newer_members
from deployer.gateways.reporter import Reporter
from deployer.gateways.s3 import S3
from deployer.gateways.settings_files import SettingsFiles
from deployer.gateways.topic import Topic
from deployer.messages.place import Place
from deployer.model.artifacts import artifact_uris, digest_of
from deployer.model.model_version import ModelVersion
from deployer.model.release import Release, Version
from deployer.model.settings import EndpointSettings
from deployer.model.stack_identity import StackIdentity
from deployer.model.trigger import SettingsDeployed, Sweep
from deployer.triggers import read_trigger
from infra.settings.compiling.settings_files import settings_files
from local_cloud.sagemaker.control_plane import ControlPlane
from local_cloud.sagemaker.ports import Health
from local_cloud.sagemaker.switches import Switches
from local_cloud.sagemaker.timings import Timings
from local_cloud.testing.in_process import InProcessAlarms, InProcessCloud, do_nothing
from local_cloud.testing.scripted_endpoints import ScriptedEndpoints
from local_cloud.testing.scripted_hosting import Outcome, ScriptedHosting
from local_cloud.testing.scripted_ports import (
    RecordingEventSink,
    ScriptedKeys,
    StrictArtifacts,
    StrictIdentity,
)
from local_cloud.testing.virtual_clock import VirtualClock
from tests.unit.deployer.builders import ENDPOINT, GROUP, settings_document
from tests.unit.deployer.foretelling import FORETELLS, check_foretold, foretell
from tests.unit.deployer.transcript import TRANSCRIPTS, HeardCloud, HeardLogger, Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from deployer.model.attempt import Attempt
    from deployer.model.history import History
    from deployer.model.trigger import Trigger
    from iam_evaluator.principals import Principal

REGION = "eu-central-1"
TABLE = "journal"
ONE_TRY = Config(retries={"total_max_attempts": 1})
UNVALIDATED = Config(parameter_validation=False)
PATH_STYLE = Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
"""The bucket in the path and the body as it is: in this process nobody reads hosts or trailers."""

CONFIGS = {"s3": PATH_STYLE, "sagemaker-runtime": ONE_TRY}

TOPIC = "outcomes"
TOPIC_KEY = "outcomes-key"
SWEEP_BUS = "Greenlight.sweep-parts"

_accounts = itertools.count(100000000000)

DEPLOYER: ContextVar[Callable[[str, str], Principal] | None] = ContextVar("deployer", default=None)
"""Return the deployer's principal in an account and region, to enforce IAM on it; None by default."""


class Pipeline:
    """One account with the deployer in it; the deployer runs only when a test says so."""

    def __init__(self, switches: Switches | None = None) -> None:
        self.stack_name, self.table = "Greenlight", TABLE
        self.account_id = str(next(_accounts))
        self.role_arn = f"arn:aws:iam::{self.account_id}:role/models"
        self.clock = VirtualClock()
        self.hosting = ScriptedHosting(self.clock)
        self.events = RecordingEventSink()
        self.artifacts = StrictArtifacts()
        self.identity = StrictIdentity({self.role_arn})
        self.keys = ScriptedKeys()
        self.control_plane = ControlPlane(
            clock=self.clock,
            identity=self.identity,
            artifacts=self.artifacts,
            hosting=self.hosting,
            events=self.events,
            alarms=InProcessAlarms(),
            keys=self.keys,
            timings=Timings.like_aws(),
            switches=switches or Switches(),
        )
        self.cloud = InProcessCloud(self.control_plane, account_id=self.account_id, region=REGION)
        self.bucket = f"models-{self.account_id}"
        self.endpoints = ScriptedEndpoints(self.hosting)
        principal_of = DEPLOYER.get()
        self.watch(principal_of and principal_of(self.account_id, REGION))
        self.sagemaker = self.cloud.client("sagemaker")
        self.registry = self.sagemaker
        self.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
        self.remaining_seconds: Callable[[], float] = lambda: 300.0
        self.pause: Callable[[float], None] = self.pass_time
        self.sleep: Callable[[float], None] = self.pass_time
        self.now: Callable[[], datetime] = self.clock.now
        self.s3 = S3(lambda: self.deployer_cloud.client("s3", PATH_STYLE))
        self.begin()

    def beside(self, stack_name: str) -> Pipeline:
        """Return another installation in the same account, whose deployer may do everything."""
        other = copy.copy(self)
        other.stack_name, other.table = stack_name, f"journal-of-{stack_name}"
        other.watch(None)
        other.begin()
        return other

    def watch(self, principal: Principal | None) -> None:
        """Give the deployer a cloud and a logger that record what it does."""
        self.transcript = Transcript()
        TRANSCRIPTS.append(self.transcript)
        self.logger = HeardLogger(self.transcript)
        self.deployer_cloud = HeardCloud(
            self.control_plane,
            account_id=self.account_id,
            region=REGION,
            endpoints=self.endpoints,
            caller_arn=f"arn:aws:sts::{self.account_id}:assumed-role/deployer/greenlight",
            principal=principal,
        )
        self._deployer_role_name = principal.arn.split("/")[1] if principal is not None else "deployer"
        self.model_buckets: tuple[str, ...] | None = None
        self.deployer_cloud.transcript = self.transcript
        self.newer = pass_on_newer_members(self.deployer_cloud.client("sagemaker", UNVALIDATED))
        self.hidden: set[str] = set()
        """The versions that the registry may not show the deployer, by their ARNs."""
        self.hide_from(self.newer)

    def begin(self) -> None:
        """Create what every installation has."""
        self.cloud.client("dynamodb").create_table(
            TableName=self.table,
            KeySchema=[
                {"AttributeName": "endpoint", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "endpoint", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        self.outcomes: list[dict[str, Any]] = []
        self.events_of_outcomes: list[dict[str, Any]] = []
        self.mails: list[dict[str, str]] = []
        self.chat: list[dict[str, Any]] = []
        self.parts: list[dict[str, Any]] = []
        self.journal = Journal(self.deployer_cloud.client("dynamodb"), table_name=self.table, now=self._clock)
        self.documents: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.deploy_settings()
        self._bus = self._recording_bus()
        self._topic = self._recording_topic()
        self.renew_environment()
        self._delivered = 0
        self._invocations = 0

    def _clock(self) -> datetime:
        return self.now()

    def renew_environment(self) -> None:
        """Let further invocations have a new execution environment, which remembers nothing."""
        self.reporter = Reporter(self._topic, self._bus, self.logger)

    def _recording_bus(self) -> Bus:
        events = self.deployer_cloud.client("events")

        def note(entries: list[dict[str, Any]]) -> None:
            for entry in entries:
                detail = json.loads(entry["Detail"])
                if entry["DetailType"] == OUTCOME_DETAIL_TYPE:
                    self.events_of_outcomes.append(detail)
                else:
                    assert entry["EventBusName"] == SWEEP_BUS
                    self.parts.append({**SCHEDULED, **_event(entry), "detail": detail})

        _hear(events, "eventbridge.PutEvents", lambda params: note(params["Entries"]))
        return Bus(events, event_bus_name="default", sweep_bus_name=SWEEP_BUS, stack_name=self.stack_name)

    def _recording_topic(self) -> Topic:
        """Make the topic, and note what comes to it; people hear by it alone."""
        self.cloud.make_key(TOPIC_KEY)
        arn = self.cloud.client("sns").create_topic(Name=TOPIC, Attributes={"KmsMasterKeyId": TOPIC_KEY})[
            "TopicArn"
        ]
        sns = self.deployer_cloud.client("sns")

        def note(message: dict[str, str]) -> None:
            texts = json.loads(message["Message"])
            self.outcomes.append(json.loads(texts["default"])["detail"])
            self.mails.append({"Subject": message["Subject"], "Body": texts["email"]})
            self.chat.append(json.loads(texts["https"]))

        _hear(sns, "sns.Publish", note)
        place = Place.of_topic(arn, stack_name=self.stack_name)
        return Topic(lambda: sns, topic_arn=arn, place=place, chats=True)

    def client_of(self, service: str) -> Any:
        """Return the deployer's client of a service."""
        if service == "sagemaker":
            return self.newer
        return self.deployer_cloud.client(service, CONFIGS.get(service))

    @staticmethod
    def config_of(service: str) -> Config | None:
        """Return how the deployer's client of a service is configured."""
        return UNVALIDATED if service == "sagemaker" else CONFIGS.get(service)

    def _dispatcher(self) -> Dispatcher:
        self._invocations += 1
        connected = Gateways.connect(
            self.client_of,
            self.journal,
            self.reporter,
            now=self.now,
            pause=self.pause,
            seconds=lambda: self.clock.now().timestamp(),
            sleep=self.sleep,
        )
        gateways = replace(connected, s3=self.s3)
        return Dispatcher(
            SettingsFiles(self.files.__getitem__),
            gateways,
            self._bus,
            self.stack,
            self.logger,
            invocation_id=f"invocation-{self._invocations}",
            remaining_seconds=self.remaining_seconds,
        )

    # What people do ----------------------------------------------------------------------------------

    def manage(self, **changes: Any) -> None:
        """Deploy the stack with other settings of an endpoint."""
        document = settings_document(**changes)
        self.documents[document["EndpointName"]] = document
        self.deploy_settings()

    def unmanage(self, endpoint_name: str = ENDPOINT) -> None:
        """Deploy the stack without an endpoint's settings, some time after the last deployment."""
        self.pass_time(120)
        del self.documents[endpoint_name]
        self.deploy_settings()

    def deploy_settings(self) -> None:
        """Give the function of further invocations the documents."""
        self.files = settings_files(self.documents.values())

    def noted_settings(self) -> dict[str, str]:
        """Return the settings' digests that the journal notes, by endpoint."""
        records = self.journal.fleet.records()
        return {name: each.settings_digest for name, each in records.items() if each.settings_digest}

    def look_at_settings(self) -> None:
        """Deliver the event of deployed settings."""
        self.dispatch(SettingsDeployed("e"))

    def register(
        self,
        status: str = "PendingManualApproval",
        group: str = GROUP,
        *,
        instance_types: Sequence[str] = ("ml.m5.large", "ml.m5.xlarge"),
        **members: Any,
    ) -> str:
        """Register the group's next version; return its ARN."""
        answer = self.registry.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            InferenceSpecification=self._inference_specification(instance_types),
            **members,
        )
        self.pass_time(3)
        return str(answer["ModelPackageArn"])

    def register_unversioned(self) -> None:
        """Register a package of no group, as for the Marketplace."""
        self.sagemaker.create_model_package(
            ModelPackageName="unversioned", InferenceSpecification=self._inference_specification()
        )
        self.pass_time(3)

    def _inference_specification(
        self, instance_types: Sequence[str] = ("ml.m5.large", "ml.m5.xlarge")
    ) -> dict[str, Any]:
        url = f"s3://{self.bucket}/churn/{len(self.artifacts.s3_urls)}/model.tar.gz"
        self.artifacts.s3_urls.add(url)
        return {
            "Containers": [{"Image": "1.dkr.ecr.eu-central-1.amazonaws.com/x:1", "ModelDataUrl": url}],
            "SupportedTransformInstanceTypes": ["ml.m5.large"],
            "SupportedRealtimeInferenceInstanceTypes": instance_types,
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        }

    @property
    def stack(self) -> StackIdentity:
        """The names that the stack gives to the deployer's resources."""
        return StackIdentity(self.role_arn, self.stack_name, self._deployer_role_name, self.model_buckets)

    def approve(self, version_arn: str, status: str = "Approved") -> None:
        self.registry.update_model_package(ModelPackageArn=version_arn, ModelApprovalStatus=status)

    def reject(self, version_arn: str) -> None:
        self.approve(version_arn, "Rejected")

    def break_model_of(self, version_arn: str, **changes: Any) -> str:
        """Make the version's containers answer no ping; return the config that will fail."""
        release = self.release(version_arn, **changes)
        self.hosting.script(release.model_name, Outcome(Health.UNHEALTHY))
        return release.endpoint_config_name

    def release(self, version_arn: str, **changes: Any) -> Release:
        """Build the release of a version as it is now."""
        settings = EndpointSettings.parse(json.dumps(settings_document(**changes)))
        version = ModelRegistry(self.sagemaker).describe_version(version_arn)
        assert isinstance(version, ModelVersion)
        s3 = S3(lambda: self.cloud.client("s3", PATH_STYLE)) if settings.stage_name is not None else None
        containers = version.containers[settings.inference_specification_name]
        held = [[uri, s3.entity_tags(uri)] for uri in artifact_uris(containers)] if s3 is not None else []
        digest = digest_of(containers, held)
        return Release.build(
            settings,
            Version(version_arn, version.version, digest),
            pinned={},
            execution_role_arn=self.role_arn,
            stack_name=self.stack_name,
        )

    def make_alarm(self, name: str) -> None:
        """Make an alarm whose metric nobody publishes: tests set its state."""
        self.cloud.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="Greenlight",
            MetricName="ByHand",
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="ignore",
        )

    def hide_from(self, client: Any) -> None:
        """Let the registry show a client everything but the hidden versions."""

        def deny(params: dict[str, Any], **_: Any) -> None:
            if params["ModelPackageName"] in self.hidden:
                response: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no kms:Decrypt"}}
                raise ClientError(response, "DescribeModelPackage")

        client.meta.events.register("provide-client-params.sagemaker.DescribeModelPackage", deny)

    # What happens by itself --------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.control_plane.advance()

    def undelivered(self) -> list[dict[str, Any]]:
        """Return the events that were emitted and not delivered yet, and count them as delivered."""
        events = self.events.events[self._delivered :]
        self._delivered += len(events)
        return events

    def deliver(self) -> None:
        """Deliver all events so far, once and in order."""
        for event in self.undelivered():
            self.dispatch_event(event)

    def dispatch_event(self, event: dict[str, Any]) -> None:
        self.dispatch(read_trigger(event))

    def dispatch(self, trigger: Trigger) -> None:
        foretold = foretell(self) if FORETELLS.get() and self._can_be_foretold(trigger) else {}
        heard = len(self.transcript.events)
        with self.transcript:
            self._dispatcher().dispatch(trigger)
        check_foretold(foretold, self.transcript.events[heard:])

    def _can_be_foretold(self, trigger: Trigger) -> bool:
        """Tell whether a pass reads all that a preview reads, and nothing happens during it."""
        hooks = (self.deployer_cloud.before_call, self.deployer_cloud.after_call)
        return isinstance(trigger, Sweep) and all(each is do_nothing for each in hooks)

    def run(self) -> None:
        """Let time pass, and deliver what happens, until nothing happens any more."""
        self.deliver()
        while (due := self.control_plane.next_due()) is not None:
            self.clock.set(max(due, self.clock.now()))
            self.control_plane.advance()
            self.deliver()

    def sweep(self) -> None:
        self.dispatch(read_trigger(SCHEDULED))

    # What can be seen --------------------------------------------------------------------------------

    @property
    def endpoint(self) -> dict[str, Any]:
        return dict(self.sagemaker.describe_endpoint(EndpointName=ENDPOINT))

    @property
    def history(self) -> History:
        return self.journal.read(ENDPOINT)

    @property
    def attempts(self) -> list[Attempt]:
        """The endpoint's attempts by the journal's history, newest first."""
        found = JournalTable(self.cloud.client("dynamodb"), TABLE, now=self.now).query(ENDPOINT, ATTEMPT)
        return sorted(map(read_attempt, found), key=lambda each: each.number, reverse=True)

    def serving(self) -> str | None:
        """Return the version that answers, by its model's name: `v3`, say."""
        models = self.hosting.serving_models(self.account_id, REGION, ENDPOINT)
        return next(iter(models)).split("-")[1] if models else None

    def sagemaker_calls(self) -> list[str]:
        """Return the deployer's calls to SageMaker, in order."""
        return [operation for service, operation in self.deployer_cloud.calls if service == "sagemaker"]

    def told(self, version_arn: str) -> list[str]:
        """Return the outcomes reported of a version, in order."""
        return [each["Outcome"] for each in self.outcomes if each.get("ModelPackageArn") == version_arn]


def change_artifact(pipeline: Pipeline, arn: str, url: str = "s3://models/other/model.tar.gz") -> None:
    """Give a version another artifact, as `UpdateModelPackage` permits."""
    pipeline.artifacts.s3_urls.add(url)
    version = pipeline.sagemaker.describe_model_package(ModelPackageName=arn)
    [container] = version["InferenceSpecification"]["Containers"]
    pipeline.sagemaker.update_model_package(
        ModelPackageArn=arn,
        InferenceSpecification={
            **version["InferenceSpecification"],
            "Containers": [{"Image": container["Image"], "ModelDataUrl": url}],
        },
    )


def _hear(client: Any, operation: str, note: Callable[[dict[str, Any]], None]) -> None:
    """Note the parameters of every call of an operation that was done."""

    def begin(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context["asked"] = params

    def end(http_response: Any, context: dict[str, Any], **_: object) -> None:
        if http_response.status_code < 300:
            note(context["asked"])

    client.meta.events.register(f"provide-client-params.{operation}", begin)
    client.meta.events.register(f"after-call.{operation}", end)


def _event(entry: dict[str, Any]) -> dict[str, Any]:
    return {"source": entry["Source"], "detail-type": entry["DetailType"]}


SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2015-10-08T16:53:06Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/sweep"],
    "detail": {},
}
