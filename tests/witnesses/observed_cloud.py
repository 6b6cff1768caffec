"""The local cloud as the tests of this folder see it: unmodified boto3 clients, virtual time.

Owns builders of what facts are about. It knows nothing of the facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from iam_evaluator.policies import parse_policy
from iam_evaluator.principals import Principal, PrincipalKind
from local_cloud.testing.in_process import InProcessCloud
from local_cloud.testing.scripted_endpoints import ScriptedEndpoints
from tests.unit.local_cloud.sagemaker.virtual_cloud import VirtualCloud

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.sagemaker.ports import Artifacts, ExecutionRoles, Identity
    from local_cloud.sagemaker.switches import Switches
    from local_cloud.sagemaker.timings import Timings

ACCOUNT: Final = "111122223333"
REGION: Final = "us-west-2"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/models"
IMAGE: Final = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.2-1"
DATA: Final = "s3://bucket/model.tar.gz"
SERVERLESS: Final = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
TAG: Final = {"Key": "environment", "Value": "testing"}


class ObservedCloud:
    """An account and region of the local cloud, with clients that IAM allows everything.

    Attributes:
        sagemaker: boto3's client; likewise `auto_scaling` and `runtime`.
        endpoints: The models' scripted answers.
    """

    def __init__(
        self,
        region: str = REGION,
        *,
        switches: Switches | None = None,
        identity: Identity | None = None,
        artifacts: Artifacts | None = None,
        execution_roles: ExecutionRoles | None = None,
        timings: Timings | None = None,
    ) -> None:
        self._virtual = VirtualCloud(
            switches=switches,
            timings=timings,
            identity=identity,
            artifacts=artifacts,
            execution_roles=execution_roles,
        )
        self._region = region
        self.hosting = self._virtual.hosting
        self.alarms = self._virtual.alarms
        self.control_plane = self._virtual.control_plane
        self.endpoints = ScriptedEndpoints(self.hosting)
        clients = self._clients(None)
        self.sagemaker = clients.client("sagemaker")
        self.auto_scaling = clients.client("application-autoscaling")
        self.runtime = clients.client("sagemaker-runtime")

    def _clients(self, principal: Principal | None) -> InProcessCloud:
        return InProcessCloud(
            self.control_plane,
            account_id=ACCOUNT,
            region=self._region,
            endpoints=self.endpoints,
            principal=principal,
        )

    def in_region(self, region: str) -> Any:
        """Return a SageMaker client of the same account in another region."""
        return InProcessCloud(self.control_plane, account_id=ACCOUNT, region=region).client("sagemaker")

    def acting(self, *statements: dict[str, Any], boundary: dict[str, Any] | None = None) -> InProcessCloud:
        """Return clients of a role's session that may do what these statements say, and nothing else."""
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/session"
        role = f"arn:aws:iam::{ACCOUNT}:role/deployer"
        principal = Principal(
            PrincipalKind.SESSION,
            arn,
            ACCOUNT,
            role,
            tuple(parse_policy({"Version": "2012-10-17", "Statement": [each]}) for each in statements),
            boundary=None if boundary is None else parse_policy({"Statement": [boundary]}),
        )
        return self._clients(principal)

    def settle(self) -> None:
        """Let time pass until nothing changes by itself."""
        self._virtual.settle()

    def advance(self, seconds: float) -> None:
        """Let some seconds pass."""
        self._virtual.advance(seconds)

    def details(self, detail_type: str) -> list[dict[str, Any]]:
        """Return the details of the events of a type, in order."""
        return self._virtual.sink.details(detail_type)

    def events(self, detail_type: str) -> list[dict[str, Any]]:
        """Return the events of a type, in order."""
        return [event for event in self._virtual.sink.events if event["detail-type"] == detail_type]

    # The subjects of facts

    def model(self, name: str = "model", **members: Any) -> str:
        """Create a model of one container."""
        if "Containers" not in members:
            members.setdefault("PrimaryContainer", {"Image": IMAGE, "ModelDataUrl": DATA})
        members.setdefault("ExecutionRoleArn", ROLE)
        arn: str = self.sagemaker.create_model(ModelName=name, **members)["ModelArn"]
        return arn

    def config(self, name: str = "config", *variants: dict[str, Any], **members: Any) -> str:
        """Create an endpoint config, of one variant on two instances unless said otherwise."""
        arn: str = self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=list(variants) or [variant()], **members
        )["EndpointConfigArn"]
        return arn

    def shown_config(self, *variants: dict[str, Any], **members: Any) -> dict[str, Any]:
        """Create a model and a config, and return how the config is described."""
        self.model()
        self.config("config", *variants, **members)
        shown: dict[str, Any] = self.sagemaker.describe_endpoint_config(EndpointConfigName="config")
        return shown

    def endpoint(self, name: str = "endpoint", config: str = "config", **members: Any) -> None:
        """Create an endpoint, and wait until it rests."""
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, **members)
        self.settle()

    def serving(self, *variants: dict[str, Any], name: str = "endpoint", **members: Any) -> None:
        """Have an endpoint InService on `config` of `model`."""
        self.model()
        self.config("config", *variants, **members)
        self.endpoint(name)
        assert self.status(name) == "InService"

    def update(self, config: str, name: str = "endpoint", **members: Any) -> None:
        """Begin an update."""
        self.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config, **members)

    def describe(self, name: str = "endpoint") -> dict[str, Any]:
        """Describe an endpoint."""
        shown: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
        return shown

    def status(self, name: str = "endpoint") -> str:
        """Return an endpoint's status."""
        status: str = self.describe(name)["EndpointStatus"]
        return status

    def version(self, group: str = "group", **members: Any) -> str:
        """Register a version in a group, which is created first if need be."""
        groups = self.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
        if group not in [each["ModelPackageGroupName"] for each in groups]:
            self.sagemaker.create_model_package_group(ModelPackageGroupName=group)
        members.setdefault("InferenceSpecification", specification())
        arn: str = self.sagemaker.create_model_package(ModelPackageGroupName=group, **members)[
            "ModelPackageArn"
        ]
        return arn

    def register(self, low: int = 1, high: int = 4, variant_name: str = "variant-1", **members: Any) -> None:
        """Register a variant of `endpoint` for automatic scaling."""
        self.auto_scaling.register_scalable_target(
            **target(variant_name), MinCapacity=low, MaxCapacity=high, **members
        )

    def tags(self, arn: str) -> dict[str, str]:
        """Return a resource's tags."""
        return {tag["Key"]: tag["Value"] for tag in self.sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def variant(name: str = "variant-1", **members: Any) -> dict[str, Any]:
    """A variant on two instances."""
    return {
        "VariantName": name,
        "ModelName": "model",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
        "InitialVariantWeight": 1.0,
        **members,
    }


def serverless(**members: Any) -> dict[str, Any]:
    """A serverless variant."""
    return {
        "VariantName": "variant-1",
        "ModelName": "model",
        "ServerlessConfig": {**SERVERLESS, **members},
    }


def specification(**members: Any) -> dict[str, Any]:
    """An inference specification of one container."""
    return {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": DATA}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
        **members,
    }


def target(variant_name: str = "variant-1") -> dict[str, Any]:
    """The members that name the instance count of a variant of `endpoint` to Application Auto Scaling."""
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/endpoint/variant/{variant_name}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    """A statement that allows something."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def arn_of(resource: str, region: str = REGION, partition: str = "aws") -> str:
    """Return the ARN of a resource of SageMaker, such as `endpoint/churn`."""
    return f"arn:{partition}:sagemaker:{region}:{ACCOUNT}:{resource}"


def refusal(call: Callable[..., object], **request: Any) -> tuple[str, str]:
    """Return code and message of a call that has to fail."""
    with pytest.raises(ClientError) as raised:
        call(**request)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]
