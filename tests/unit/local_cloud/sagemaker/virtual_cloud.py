"""A control plane in virtual time, called over the wire and read as boto3 reads it, with builders on top.

Every answer is checked against botocore's output shape, so that no test can rely on a member that AWS lacks.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.model import ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser

from local_cloud.sagemaker.control_plane import ControlPlane
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import Caller
from local_cloud.sagemaker.protocol import wire
from local_cloud.sagemaker.protocol.api_model import sagemaker_service_model
from local_cloud.testing.scripted_hosting import ScriptedHosting
from local_cloud.testing.scripted_ports import (
    PermissiveArtifacts,
    PermissiveIdentity,
    RecordingEventSink,
    ScriptedAlarms,
    ScriptedKeys,
)
from local_cloud.testing.virtual_clock import VirtualClock, settle

if TYPE_CHECKING:
    from local_cloud.sagemaker.ports import Artifacts, ExecutionRoles, Identity
    from local_cloud.sagemaker.switches import Switches
    from local_cloud.sagemaker.timings import Timings

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/models"
IMAGE = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/sklearn:1.2-1"
DATA = "s3://bucket/model.tar.gz"
PREFIX = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"

ALICE = Caller(ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:user/alice")
BOB = Caller(OTHER_ACCOUNT, REGION, f"arn:aws:iam::{OTHER_ACCOUNT}:user/bob")

MODEL = ServiceModel(sagemaker_service_model(), "sagemaker")


class VirtualCloud:
    def __init__(
        self,
        *,
        switches: Switches | None = None,
        timings: Timings | None = None,
        identity: Identity | None = None,
        artifacts: Artifacts | None = None,
        execution_roles: ExecutionRoles | None = None,
        sink: RecordingEventSink | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = VirtualClock()
        self.hosting = ScriptedHosting(self.clock)
        self.sink = sink or RecordingEventSink()
        self.alarms = ScriptedAlarms()
        self.keys = ScriptedKeys()
        self.control_plane = ControlPlane(
            clock=self.clock,
            identity=identity or PermissiveIdentity(),
            artifacts=artifacts or PermissiveArtifacts(),
            hosting=self.hosting,
            events=self.sink,
            alarms=self.alarms,
            execution_roles=execution_roles,
            keys=self.keys,
            switches=switches,
            timings=timings,
            seed=seed,
        )

    def call(self, operation: str, caller: Caller = ALICE, /, **request: Any) -> dict[str, Any]:
        """Call an operation; return what boto3 would, or raise what AWS would answer."""
        status, headers, body = wire.handle(
            self.control_plane,
            target=f"SageMaker.{operation}",
            body=json.dumps(request).encode(),
            caller=caller,
        )
        document = json.loads(body or b"{}")
        if status != 200:
            raise ServiceError(document["__type"], document["message"], status)
        shape = MODEL.operation_model(operation).output_shape
        if shape is None:
            assert body == b""
            return {}
        _assert_modelled(document, shape, operation)
        parser = create_parser("json")
        parsed: dict[str, Any] = parser.parse({"status_code": 200, "headers": headers, "body": body}, shape)
        parsed.pop("ResponseMetadata")
        return parsed

    def refused(self, operation: str, caller: Caller = ALICE, /, **request: Any) -> ServiceError:
        """Return the error of a call that must fail."""
        try:
            answer = self.call(operation, caller, **request)
        except ServiceError as error:
            return error
        raise AssertionError(f"{operation} was accepted: {answer}")

    def settle(self) -> None:
        settle(self.control_plane, self.clock)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.control_plane.advance()

    def group(self, name: str = "churn") -> str:
        arn: str = self.call("CreateModelPackageGroup", ModelPackageGroupName=name)["ModelPackageGroupArn"]
        return arn

    def version(self, group: str = "churn", approval: str | None = "Approved", **members: Any) -> str:
        if approval is not None:
            members["ModelApprovalStatus"] = approval
        members.setdefault("InferenceSpecification", specification())
        arn: str = self.call("CreateModelPackage", ModelPackageGroupName=group, **members)["ModelPackageArn"]
        return arn

    def model(self, name: str = "model-1", **members: Any) -> str:
        if "Containers" not in members:
            members.setdefault("PrimaryContainer", {"Image": IMAGE, "ModelDataUrl": DATA})
        members.setdefault("ExecutionRoleArn", ROLE)
        arn: str = self.call("CreateModel", ModelName=name, **members)["ModelArn"]
        return arn

    def config(self, name: str = "config-1", *variants: dict[str, Any], **members: Any) -> str:
        production_variants = list(variants) or [variant()]
        arn: str = self.call(
            "CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=production_variants, **members
        )["EndpointConfigArn"]
        return arn

    def endpoint(self, name: str = "churn", config: str = "config-1", **members: Any) -> None:
        """Create an endpoint and wait until it rests."""
        self.call("CreateEndpoint", EndpointName=name, EndpointConfigName=config, **members)
        self.settle()

    def serving(self, name: str = "churn") -> None:
        """Have an endpoint InService on config-1 of model-1, and config-2 of model-2 to go to."""
        for number in (1, 2):
            self.model(f"model-{number}")
            self.config(f"config-{number}", variant(ModelName=f"model-{number}"))
        self.endpoint(name)
        assert self.status(name) == "InService"

    def update(self, config: str = "config-2", name: str = "churn", /, **members: Any) -> None:
        self.call("UpdateEndpoint", EndpointName=name, EndpointConfigName=config, **members)

    def describe(self, name: str = "churn") -> dict[str, Any]:
        return self.call("DescribeEndpoint", EndpointName=name)

    def status(self, name: str = "churn") -> str:
        status: str = self.describe(name)["EndpointStatus"]
        return status

    def models_serving(self, name: str = "churn") -> dict[str, float]:
        return self.hosting.serving_models(ACCOUNT, REGION, name)

    def endpoint_events(self) -> list[dict[str, Any]]:
        return self.sink.details("SageMaker Endpoint State Change")

    def deployment_events(self) -> list[dict[str, Any]]:
        return self.sink.details("SageMaker Endpoint Deployment State Change")

    def variant_statuses(self) -> list[tuple[str, str]]:
        """Return the new variant's statuses in the deployment events, in order."""
        told = []
        for event in self.deployment_events():
            (summary,) = event["PendingDeploymentSummary"]["ProductionVariants"]
            (status,) = summary["VariantStatus"]
            told.append((status["Status"], status["StatusMessage"]))
        return told

    def package_events(self) -> list[dict[str, Any]]:
        return self.sink.details("SageMaker Model Package State Change")


def specification(**members: Any) -> dict[str, Any]:
    return {"Containers": [{"Image": IMAGE, "ModelDataUrl": DATA}], **members}


def variant(**members: Any) -> dict[str, Any]:
    return {
        "VariantName": "AllTraffic",
        "ModelName": "model-1",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        **members,
    }


def serverless(**members: Any) -> dict[str, Any]:
    return {
        "VariantName": "AllTraffic",
        "ModelName": "model-1",
        "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
        **members,
    }


def _assert_modelled(value: Any, shape: Shape, path: str) -> None:
    """Fail if an answer has a member that the output shape lacks, or lacks one that it requires."""
    if isinstance(shape, StructureShape):
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{path} has members that AWS lacks: {unknown}"
        for name, member in value.items():
            assert member is not None, f"{path}.{name} is null"
            _assert_modelled(member, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for member in value:
            _assert_modelled(member, shape.member, path)  # type: ignore[attr-defined]
    elif shape.type_name == "map":
        for member in value.values():
            _assert_modelled(member, shape.value, path)  # type: ignore[attr-defined]
