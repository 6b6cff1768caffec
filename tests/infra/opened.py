"""A registry's account and its stages' in this process, opened to each other by the synthesised stacks.

The policies are edited by the policy editor itself, under the roles that it takes on: what stands in them is
its work.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from iam_evaluator.policies import EVERYTHING
from iam_evaluator.principals import Principal, PrincipalKind
from local_cloud.ministack.role_permissions import ExecutionRoles
from local_cloud.testing.in_process import InProcessCloud
from registry_access.environment import Environment
from registry_access.handler import Clients, edit, respond
from registry_access.request import EditRequest
from tests.infra.estate import (
    BUCKET,
    GRANTED_KEY,
    KEY,
    OTHER_BUCKET,
    OTHER_GROUP,
    OTHER_REPOSITORY,
    PREFIX,
    REGION,
    REPOSITORY,
)
from tests.infra.synthesised_iam import SynthesisedIam
from tests.unit.deployer.builders import GROUP
from tests.unit.deployer.pipeline import PATH_STYLE
from tests.unit.local_cloud.sagemaker.virtual_cloud import VirtualCloud

if TYPE_CHECKING:
    from local_cloud.sagemaker.control_plane import ControlPlane
    from tests.infra.estate import Estate
    from tests.infra.roles import Deployed

_accounts = itertools.count(400000000000)
_KEY_ARN = f"arn:aws:kms:{REGION}:111122223333:key"
POLICIES = {
    "group": ("group", GROUP),
    "other group": ("group", OTHER_GROUP),
    "bucket": ("bucket", BUCKET),
    "other bucket": ("bucket", OTHER_BUCKET),
    "repository": ("repository", REPOSITORY),
    "other repository": ("repository", OTHER_REPOSITORY),
    "key": ("key", f"{_KEY_ARN}/{KEY}"),
    "grants": ("key-grants", f"{_KEY_ARN}/{GRANTED_KEY}"),
}
"""Everything that the registry's stack has edited: what for short, to kind and name in its template."""


class Accounts:
    """A registry with artifacts, images and keys, and stages in other accounts; nobody is let in yet."""

    def __init__(self, estate: Estate, staging: str = "") -> None:
        self.control_plane = VirtualCloud().control_plane
        self.registry_id = str(next(_accounts))
        self.staging_id = staging or str(next(_accounts))
        self.production_id = str(next(_accounts))
        self.bucket, self.other_bucket = (f"{name}-{self.registry_id}" for name in (BUCKET, OTHER_BUCKET))
        kms = self.client("kms")
        self.key, self.granted_key = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
        renamed = {
            BUCKET: self.bucket,
            OTHER_BUCKET: self.other_bucket,
            KEY: self.key.rpartition("/")[2],
            GRANTED_KEY: self.granted_key.rpartition("/")[2],
        }

        def deployed(stack: str) -> Deployed:
            return estate.deployed(
                stack,
                registry=self.registry_id,
                staging=self.staging_id,
                production=self.production_id,
                renamed=renamed,
            )

        self.registry, self.staging = deployed("registry"), deployed("staging")
        self.production, self.lab = deployed("production"), deployed("lab")
        self.iam = SynthesisedIam(self.registry, self.staging, self.production, self.lab)
        self.execution_roles = ExecutionRoles(self.iam)
        self._furnish()
        self._make_groups()

    def move_to(self, control_plane: ControlPlane) -> None:
        """Be the accounts of another SageMaker, before anything was registered."""
        self.control_plane = control_plane
        self._make_groups()

    def _make_groups(self) -> None:
        for group in (GROUP, OTHER_GROUP):
            self.client("sagemaker").create_model_package_group(ModelPackageGroupName=group)

    def _furnish(self) -> None:
        s3 = self.client("s3")
        for bucket in (self.bucket, self.other_bucket):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        for bucket, key in (
            (self.bucket, f"{PREFIX}/model.tar.gz"),
            (self.bucket, "payroll/2026.csv"),
            (self.other_bucket, "fraud/model.tar.gz"),
        ):
            s3.put_object(Bucket=bucket, Key=key, Body=b"model")
        for repository in (REPOSITORY, OTHER_REPOSITORY):
            self.client("ecr").create_repository(repositoryName=repository)

    def remove_bucket(self) -> None:
        """Delete the artifacts, and the bucket in which they are."""
        s3 = self.client("s3")
        for each in s3.list_objects_v2(Bucket=self.bucket)["Contents"]:
            s3.delete_object(Bucket=self.bucket, Key=each["Key"])
        s3.delete_bucket(Bucket=self.bucket)

    def client(self, service: str, principal: Principal | None = None, account_id: str = "") -> Any:
        """Return a client of the registry's root, another account's root, or an enforced principal."""
        account = principal.account_id if principal else account_id or self.registry_id
        cloud = InProcessCloud(self.control_plane, account_id=account, region=REGION, principal=principal)
        return cloud.client(service, PATH_STYLE if service == "s3" else None)

    def version(self, group: str = GROUP, key: str = "", **members: Any) -> str:
        """Register a version; return its ARN."""
        url = f"s3://{self.bucket}/{key or f'{PREFIX}/model.tar.gz'}"
        answer = self.client("sagemaker").create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus="Approved",
            InferenceSpecification={"Containers": [{"Image": self.image, "ModelDataUrl": url}]},
            **members,
        )
        return str(answer["ModelPackageArn"])

    @property
    def image(self) -> str:
        """An image in the group's repository."""
        return f"{self.registry_id}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:1"

    def edit(self, policy: str, request_type: str = "Create") -> dict[str, Any]:
        """Make the editor carry out the stack's request; return its answer to CloudFormation."""
        kind, target = POLICIES[policy]
        properties = self.registry.edit(kind, target)
        event = {
            "RequestType": request_type,
            "ResponseURL": "",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Logical",
            "PhysicalResourceId": policy,
            "ResourceProperties": properties,
        }
        environment = Environment.read(self.registry.variables("PolicyEditorFunction"))
        answered: dict[str, Any] = json.loads(
            respond(event, environment, self._taking_on, account=self.registry_id, pause=lambda _: None)
        )
        statements = self.registry.edited_otherwise(kind, target)
        if statements is not None and request_type != "Delete" and answered["Status"] == "SUCCESS":
            # The editor refuses what the stack does not ask for, so the owner adds it.
            request = EditRequest.read(event, environment)
            edit(
                replace(request, statements=tuple(statements)),
                self._clients(),
                account=self.registry_id,
                pause=lambda _: None,
                writing=lambda: None,
            )
        return answered

    def _taking_on(self, role_arn: str) -> Clients:
        """Return the clients of a session of a role that the editor's function takes on."""
        function = self.registry.session("PolicyEditorRole")
        request = AccessRequest("sts:AssumeRole", role_arn, self.registry_id)
        decision = evaluate(
            function,
            request,
            resource_policy=self.registry.trust_policy(role_arn),
            is_resource_policy_required=True,
        )
        role = self.registry.session_of(role_arn)
        if not decision.is_allowed or role is None:
            why = decision.message(function, request)
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": why}}, "AssumeRole")
        return self._clients(role)

    def _clients(self, principal: Principal | None = None) -> Clients:
        return Clients(
            sagemaker=lambda: self.client("sagemaker", principal),
            s3=lambda: self.client("s3", principal),
            ecr=lambda: self.client("ecr", principal),
            kms=lambda: self.client("kms", principal),
        )

    def open(self, *policies: str) -> Accounts:
        """Have some policies edited."""
        for policy in policies:
            answered = self.edit(policy)
            assert answered["Status"] == "SUCCESS", answered["Reason"]
        return self

    def models(self) -> str:
        """Return the ARN of the role of staging's models."""
        return self.staging.arn("AWS::IAM::Role", "ModelExecutionRole")

    def deployer(self) -> Principal:
        """Return staging's deployer."""
        return self.staging.session("DeployerRole")


def whoever(account_id: str, role: str) -> Principal:
    """Return a session of a role that its own account allows everything."""
    name = role.rpartition("/")[2]
    return Principal(
        PrincipalKind.SESSION,
        f"arn:aws:sts::{account_id}:assumed-role/{name}/session",
        account_id,
        f"arn:aws:iam::{account_id}:role/{role}",
        (EVERYTHING,),
    )
