"""Models are created, launched and watched over with the role that the stack makes for them."""

from __future__ import annotations

import importlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.ministack.role_permissions import ExecutionRoles
from local_cloud.sagemaker.control_plane import ControlPlane
from local_cloud.sagemaker.ports import AlarmState
from local_cloud.testing.in_process import InProcessCloud
from local_cloud.testing.scripted_hosting import ScriptedHosting
from local_cloud.testing.scripted_ports import RecordingEventSink, ScriptedAlarms
from local_cloud.testing.virtual_clock import VirtualClock, settle
from tests.infra.roles import Deployed
from tests.infra.synthesised_iam import SynthesisedIam
from tests.unit.deployer.pipeline import PATH_STYLE
from tests.unit.local_cloud.sagemaker.virtual_cloud import variant

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised

REGION = "eu-central-1"
NAMED_BUCKETS = ("answers", "baselines", "calls")
IMAGE = f"763104351884.dkr.ecr.{REGION}.amazonaws.com/sklearn:1.2-1"
_accounts = itertools.count(300000000000)


@dataclass(frozen=True)
class Identity:
    """The services that roles trust by their policies."""

    roles: ExecutionRoles

    def can_be_assumed_by_sagemaker(self, role_arn: str) -> bool:
        return self.roles.trusts(role_arn, "sagemaker.amazonaws.com")


@dataclass(frozen=True)
class Artifacts:
    """The S3 objects that roles may read by their policies."""

    roles: ExecutionRoles

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        return self.roles.may_read(s3_url, role_arn=role_arn, region=region)

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        return self.roles.finds_nothing(s3_url, role_arn=role_arn, region=region)


class Models:
    """An account in which models run with a role of a stack's."""

    def __init__(self, role_arn: str, iam: SynthesisedIam) -> None:
        self.roles = roles = ExecutionRoles(iam)
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
        """Put an artifact into a bucket that is made for it; return its URL."""
        s3 = self.client("s3", account_id)
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=bucket, Key=key, Body=b"model", **members)
        return f"s3://{bucket}/{key}"

    def url(self, place: str) -> str:
        """Return where a place is that settings name by `bucket/key`."""
        bucket, _, key = place.partition("/")
        return f"s3://{bucket}-{self.account_id}/{key}"

    def serve(self, model_data_url: str = "", vpc: dict[str, Any] | None = None, **container: Any) -> str:
        """Make a model and an endpoint of it; return how that ends."""
        data = {"ModelDataUrl": model_data_url} if model_data_url else {}
        self.sagemaker.create_model(
            ModelName="model-1",
            ExecutionRoleArn=self.role_arn,
            PrimaryContainer={"Image": IMAGE, **data, **container},
            **({"VpcConfig": vpc} if vpc else {}),
        )
        for name in ("config-1", "config-2"):
            self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant()])
        self.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="config-1")
        settle(self.control_plane, self.clock)
        return str(self.sagemaker.describe_endpoint(EndpointName="churn")["EndpointStatus"])


@pytest.fixture
def models(featured: Synthesised) -> Models:
    account_id = str(next(_accounts))
    # A bucket's name is one account's in the whole world.
    renamed = {f"s3:::{name}": f"s3:::{name}-{account_id}" for name in NAMED_BUCKETS}
    stack = Deployed(featured, account_id, REGION, renamed=renamed)
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


def test_a_model_joins_the_subnets_that_another_account_shares(models: Models, bucket: str) -> None:
    """Those that `featured` in tests/infra/conftest.py names."""
    ec2 = importlib.import_module("ministack.services.ec2")
    for kept, name in ((ec2._subnets, "subnet-1"), (ec2._security_groups, "sg-1")):  # noqa: SLF001 - EC2 chooses ids
        kept.set_scoped(OTHER, REGION, name, {})
    vpc = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}

    assert models.serve(models.store(bucket, "churn/model.tar.gz"), vpc=vpc) == "InService"


@pytest.mark.parametrize(
    "vpc",
    [
        {"Subnets": ["subnet-2"], "SecurityGroupIds": ["sg-1"]},
        {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1", "sg-2"]},
    ],
)
def test_a_model_joins_no_other_subnets(models: Models, bucket: str, vpc: dict[str, Any]) -> None:
    assert models.serve(models.store(bucket, "churn/model.tar.gz"), vpc=vpc) == "Failed"

    reason = models.sagemaker.describe_endpoint(EndpointName="churn")["FailureReason"]
    assert "is not authorized to perform: ec2:CreateNetworkInterface" in reason


# What settings name: `featured` in tests/infra/conftest.py -------------------------------------------------

OTHER = "444455556666"


@pytest.fixture(params=["no key", "a key", "another account's key"])
def named(models: Models, request: pytest.FixtureRequest) -> Models:
    """The buckets that settings name: they encrypt by default or not, and may be another account's."""
    owner = OTHER if request.param == "another account's key" else models.account_id
    role = {"Effect": "Allow", "Principal": {"AWS": models.role_arn}, "Resource": "*"}
    key = None
    if request.param != "no key":
        everybody = {**role, "Principal": {"AWS": f"arn:aws:iam::{owner}:root"}, "Action": "kms:*"}
        using = {**role, "Action": ["kms:Decrypt", "kms:GenerateDataKey"]}
        key = models.client("kms", owner).create_key(Policy=_policy(everybody, using))["KeyMetadata"]["Arn"]
    for bucket in (f"{name}-{models.account_id}" for name in NAMED_BUCKETS):
        models.store(bucket, "present/1.csv", owner)
        s3 = models.client("s3", owner)
        if owner == OTHER:
            arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
            s3.put_bucket_policy(Bucket=bucket, Policy=_policy({**role, "Action": "s3:*", "Resource": arns}))
        if key is not None:
            default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
            rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
            s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)
        s3.put_object(Bucket=bucket, Key="encrypted/1.csv", Body=b"1")
    models.client("s3", owner).put_object(
        Bucket=f"baselines-{models.account_id}", Key="credit.csv", Body=b"1"
    )
    return models


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_asynchronous_requests_and_baselines_are_read(named: Models) -> None:
    for place in ("answers/encrypted/1.csv", "answers/gone.csv", "baselines/credit.csv"):
        refused = named.roles.refusal_to_read(named.url(place), role_arn=named.role_arn, region=REGION)

        assert refused is None


def test_answers_and_calls_are_written(named: Models) -> None:
    for place in ("answers/1.out", "calls/credit/churn/AllTraffic/1.jsonl"):
        url = named.url(place)
        # No permission is checked for a bucket that does not exist.
        assert named.roles.bucket_owner(url.split("/")[2], preferred=named.account_id) is not None
        refused = named.roles.refusal_to_write(url, role_arn=named.role_arn, region=REGION, kms_key_id=None)

        assert refused is None


def test_calls_are_written_with_the_key_that_settings_name_by_its_alias(models: Models) -> None:
    models.store(f"calls-{models.account_id}", "credit/1.jsonl")
    kms = models.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/calls", TargetKeyId=key)

    refused = models.roles.refusal_to_write(
        models.url("calls/credit/2.jsonl"), role_arn=models.role_arn, region=REGION, kms_key_id="alias/calls"
    )

    assert refused is None


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["as it is", "encrypted"])
def test_topics_are_told_of_answers(models: Models, *, is_encrypted: bool) -> None:
    """The topic is another account's, and so is its key."""
    account_id = "111122223333"
    sns, kms = (models.client(service, account_id) for service in ("sns", "kms"))
    topic = sns.create_topic(Name="failed")["TopicArn"]
    admit = {"Effect": "Allow", "Principal": {"AWS": models.role_arn}, "Action": "sns:Publish"}
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=_policy({**admit, "Resource": topic})
    )
    if is_encrypted:
        everybody = {"Effect": "Allow", "Principal": {"AWS": account_id}, "Action": "kms:*", "Resource": "*"}
        using = {**everybody, "Principal": {"AWS": models.role_arn}}
        key = kms.create_key(Policy=_policy(everybody, using))["KeyMetadata"]["Arn"]
        sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key)

    assert models.roles.refusal_to_publish(topic, role_arn=models.role_arn, region=REGION) is None


@pytest.mark.parametrize("place", ["answers/1.out", "calls/credit/1.jsonl"])
def test_without_its_policies_the_role_is_refused_and_told_what(models: Models, place: str) -> None:
    role = f"arn:aws:iam::{models.account_id}:role/bare"
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    models.client("iam").create_role(
        RoleName="bare", AssumeRolePolicyDocument=_policy({**trust, "Action": "sts:AssumeRole"})
    )
    url = models.url(place)
    models.store(url.split("/")[2], "1.csv")

    refused = models.roles.refusal_to_write(url, role_arn=role, region=REGION, kms_key_id=None)

    assert refused is not None
    assert "is not authorized to perform: s3:PutObject" in refused
