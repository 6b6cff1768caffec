"""A user's account before a client's story begins: with a bucket, a role and registered versions."""

from __future__ import annotations

import io
import json
import tarfile
import time
from dataclasses import dataclass
from functools import cache
from textwrap import dedent
from typing import TYPE_CHECKING, Any, TypeVar

import boto3

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from local_cloud.child_process import LocalCloud

T = TypeVar("T")

REGION = "eu-central-1"
GROUP = "churn-models"
IMAGE = "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"

SCALING_MODEL = """
    import json, os
    def model_fn(model_dir):
        with open(os.path.join(model_dir, "factor")) as file:
            return float(file.read())
    def input_fn(body, content_type):
        if content_type != "application/json":
            raise ValueError(f"cannot read {content_type}")
        return json.loads(body)
    def predict_fn(rows, factor):
        return [[factor * value for value in row] for row in rows]
    def output_fn(prediction, accept):
        return json.dumps(prediction), "application/json"
"""
BROKEN_MODEL = """
    def model_fn(model_dir):
        raise RuntimeError("the model needs a feature that this container lacks")
"""


def archive(code: str, *, factor: float = 1.0) -> bytes:
    """Return a `model.tar.gz` with this inference script."""
    return archive_of({"factor": str(factor), "code/inference.py": dedent(code)})


def archive_of(files: Mapping[str, str]) -> bytes:
    """Return a `.tar.gz` of files: their text by name."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            packed.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who calls; a token is there if they are temporary."""

    key_id: str
    secret: str
    token: str | None = None


@cache
def _session() -> boto3.Session:
    """Return the one session: each would read the services' models again, which takes longer than calls."""
    return boto3.Session()


class Account:
    """One account in one region of a local cloud."""

    def __init__(
        self,
        cloud: LocalCloud,
        account_id: str,
        region: str = REGION,
        *,
        credentials: Credentials | None = None,
    ) -> None:
        """See the account as the holder of credentials does; by default as its root."""
        self.cloud = cloud
        self.account_id = account_id
        self.region = region
        self.bucket = f"models-{account_id}-{region}"
        self.role_arn = f"arn:aws:iam::{account_id}:role/model-execution"
        self._credentials = credentials or Credentials(account_id, cloud.secret)
        self._clients: dict[str, Any] = {}
        self.sagemaker: SageMakerClient = self.client("sagemaker")
        self.runtime: SageMakerRuntimeClient = self.client("sagemaker-runtime")

    def client(self, service: str) -> Any:
        """Return the boto3 client with no settings but the endpoint's URL, the region and the credentials."""
        if service not in self._clients:
            self._clients[service] = _session().client(  # type: ignore[call-overload] # the name is not a literal
                service,
                region_name=self.region,
                endpoint_url=self.cloud.endpoint_url,
                aws_access_key_id=self._credentials.key_id,
                aws_secret_access_key=self._credentials.secret,
                aws_session_token=self._credentials.token,
            )
        return self._clients[service]

    def environ(self) -> dict[str, str]:
        """Return the environment for a client's process."""
        return self.cloud.environ(self.account_id, self.region)

    def with_bucket_and_role(self) -> Account:
        """Create what models need."""
        self.client("s3").create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": self.region}
        )
        iam = self.client("iam")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        bucket = f"arn:aws:s3:::{self.bucket}"
        # Asynchronous endpoints need these too ("async-inference-create-endpoint-prerequisites").
        objects = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
        read = {"Effect": "Allow", "Action": objects, "Resource": [bucket, f"{bucket}/*"]}
        # The developer guide's role for CreateModel, and the needs of guardrails ("sagemaker-roles").
        running = ["ecr:*", "cloudwatch:DescribeAlarms", "sns:Publish"]
        run = {"Effect": "Allow", "Action": running, "Resource": "*"}
        iam.create_role(RoleName="model-execution", AssumeRolePolicyDocument=policy(trust))
        iam.put_role_policy(RoleName="model-execution", PolicyName="read", PolicyDocument=policy(read))
        iam.put_role_policy(RoleName="model-execution", PolicyName="run", PolicyDocument=policy(run))
        return self

    def role(self, name: str, trusted: str, *statements: dict[str, Any]) -> str:
        """Create a role that an ARN, an account or a service may assume, and return its ARN."""
        kind = "Service" if trusted.endswith(".amazonaws.com") else "AWS"
        trust = {"Effect": "Allow", "Principal": {kind: trusted}, "Action": "sts:AssumeRole"}
        iam = self.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return arn

    def assuming(self, role_arn: str, **members: Any) -> Account:
        """Return the account of a role as its session sees it."""
        request = {"RoleArn": role_arn, "RoleSessionName": "session", **members}
        return self.as_session(
            self.client("sts").assume_role(**request)["Credentials"], role_arn.split(":")[4]
        )

    def as_session(self, credentials: dict[str, Any], account_id: str) -> Account:
        """Return an account as the holder of temporary credentials sees it."""
        temporary = Credentials(
            credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
        )
        return Account(self.cloud, account_id, self.region, credentials=temporary)

    def upload(self, name: str, content: bytes) -> str:
        """Store a model archive and return its URL."""
        self.client("s3").put_object(Bucket=self.bucket, Key=f"{name}/model.tar.gz", Body=content)
        return f"s3://{self.bucket}/{name}/model.tar.gz"

    def register(self, content: bytes, *, status: str = "Approved") -> str:
        """Register a version in the group (created when it is missing) and return its ARN."""
        groups = self.sagemaker.list_model_package_groups(NameContains=GROUP)["ModelPackageGroupSummaryList"]
        if not groups:
            self.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
        number = len(
            self.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
        )
        url = self.upload(f"v{number + 1}", content)
        created = self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelApprovalStatus=status,  # type: ignore[arg-type] # any of the API's statuses
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": url}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )
        return created["ModelPackageArn"]

    def endpoint_config(self, name: str, version_arn: str) -> str:
        """Create a model and an endpoint config of that name for a version."""
        self.sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=self.role_arn, Containers=[{"ModelPackageName": version_arn}]
        )
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "AllTraffic",
                    "ModelName": name,
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 1,
                }
            ],
        )
        return name

    def predict(self, endpoint_name: str, rows: list[list[float]]) -> list[list[float]]:
        """Invoke the endpoint with JSON."""
        response = self.runtime.invoke_endpoint(
            EndpointName=endpoint_name, ContentType="application/json", Body=json.dumps(rows)
        )
        prediction: list[list[float]] = json.loads(response["Body"].read())
        return prediction


def policy(*statements: dict[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def eventually(look: Callable[[], T], good: Callable[[T], bool], *, timeout_seconds: float = 120) -> T:
    """Look until the result is good and return it; fail when that takes too long.

    The looks become rarer, so that a long wait takes no time from other tests.
    """
    began = time.monotonic()
    while not good(seen := look()):
        waited = time.monotonic() - began
        assert waited < timeout_seconds, f"still {seen!r} after {timeout_seconds} s"
        time.sleep(max(0.1, min(1.0, waited / 20)))
    return seen
