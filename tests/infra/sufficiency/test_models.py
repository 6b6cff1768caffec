"""Models are created, launched and watched over with the role that the stack makes for them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.in_process import InProcessCloud
from local_cloud.ministack_execution_roles import ExecutionRoles
from local_cloud.sagemaker.control_plane import ControlPlane
from local_cloud.sagemaker.ports import AlarmState
from local_cloud.sagemaker.virtual import (
    RecordingEventSink,
    ScriptedAlarms,
    ScriptedHosting,
    VirtualClock,
    settle,
)
from tests.infra.roles import Deployed
from tests.infra.synthesised_iam import SynthesisedIam
from tests.unit.deployer.pipeline import PATH_STYLE
from tests.unit.local_cloud.sagemaker.virtual_cloud import variant

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised

REGION = "eu-central-1"
IMAGE = f"763104351884.dkr.ecr.{REGION}.amazonaws.com/sklearn:1.2-1"
_accounts = itertools.count(300000000000)


@dataclass(frozen=True)
class Identity:
    """Whom roles trust, as their policies say."""

    roles: ExecutionRoles

    def can_be_assumed_by_sagemaker(self, role_arn: str) -> bool:
        return self.roles.trusts(role_arn, "sagemaker.amazonaws.com")


@dataclass(frozen=True)
class Artifacts:
    """What roles may read, as their policies say, of what is in S3."""

    roles: ExecutionRoles

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        return self.roles.may_read(s3_url, role_arn=role_arn, region=region)

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        return self.roles.finds_nothing(s3_url, role_arn=role_arn, region=region)


class Models:
    """An account in which models run with a role of a stack's."""

    def __init__(self, role_arn: str, iam: SynthesisedIam) -> None:
        roles = ExecutionRoles(iam)
        self.iam = iam
        self.account_id = role_arn.split(":")[4]
        self.role_arn = role_arn
        self.clock = VirtualClock()
        self.alarms = ScriptedAlarms(default=AlarmState.OK)
        self.control_plane = ControlPlane(
            clock=self.clock,
            identity=Identity(roles),
            artifacts=Artifacts(roles),
            hosting=ScriptedHosting(self.clock),
            events=RecordingEventSink(),
            alarms=self.alarms,
            execution_roles=roles,
        )
        self.sagemaker = self.client("sagemaker")

    def client(self, service: str, account_id: str = "") -> Any:
        cloud = InProcessCloud(self.control_plane, account_id=account_id or self.account_id, region=REGION)
        return cloud.client(service, PATH_STYLE if service == "s3" else None)

    def store(self, bucket: str, key: str, account_id: str = "", **members: Any) -> str:
        """Put an artefact into a bucket that is made for it; return its URL."""
        s3 = self.client("s3", account_id)
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket, Key=key, Body=b"model", **members)
        return f"s3://{bucket}/{key}"

    def serve(self, **container: Any) -> str:
        """Make a model and an endpoint of it; return how that ends."""
        self.sagemaker.create_model(
            ModelName="model-1",
            ExecutionRoleArn=self.role_arn,
            PrimaryContainer={"Image": IMAGE, **container},
        )
        for name in ("config-1", "config-2"):
            self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant()])
        self.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="config-1")
        settle(self.control_plane, self.clock)
        return str(self.sagemaker.describe_endpoint(EndpointName="churn")["EndpointStatus"])


@pytest.fixture
def models(featured: Synthesised) -> Models:
    stack = Deployed(featured, str(next(_accounts)), REGION)
    return Models(stack.arn("AWS::IAM::Role", "ModelExecutionRole"), SynthesisedIam(stack))


@pytest.fixture
def bucket(models: Models) -> str:
    """The name of SageMaker's default bucket."""
    return f"sagemaker-{REGION}-{models.account_id}"


def test_a_model_is_read_pulled_and_served(models: Models, bucket: str) -> None:
    assert models.serve(ModelDataUrl=models.store(bucket, "churn/model.tar.gz")) == "InService"


def test_a_model_that_is_not_an_archive_is_listed(models: Models, bucket: str) -> None:
    models.store(bucket, "churn/weights.bin")
    source = {
        "S3Uri": f"s3://{bucket}/churn/",
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }

    assert models.serve(ModelDataSource={"S3DataSource": source}) == "InService"


def test_a_prefix_without_objects_is_empty_only_to_a_role_that_may_list_it(
    models: Models, bucket: str
) -> None:
    models.store(bucket, "churn/weights.bin")
    roles = ExecutionRoles(models.iam)
    asked = {"role_arn": models.role_arn, "region": REGION}
    assert roles.finds_nothing(f"s3://{bucket}/other/", **asked)
    assert not roles.finds_nothing(f"s3://{bucket}/churn/", **asked)
    assert not roles.finds_nothing(f"s3://{bucket}/other", **asked)
    assert not roles.finds_nothing("s3://no-such-bucket/other/", **asked)
    elsewhere = f"nobody-listed-{models.account_id}"
    models.store(elsewhere, "churn/weights.bin")
    assert not roles.finds_nothing(f"s3://{elsewhere}/other/", **asked)


def test_an_encrypted_model_is_decrypted(models: Models, bucket: str) -> None:
    key = models.client("kms").create_key()["KeyMetadata"]["Arn"]
    url = models.store(bucket, "model.tar.gz", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)

    assert models.serve(ModelDataUrl=url) == "InService"


def test_alarms_are_watched_during_a_rollout(models: Models, bucket: str) -> None:
    models.serve(ModelDataUrl=models.store(bucket, "model.tar.gz"))
    models.sagemaker.update_endpoint(
        EndpointName="churn",
        EndpointConfigName="config-2",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
        },
    )
    settle(models.control_plane, models.clock)

    assert models.sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"] == "config-2"
