"""The four services in memory, as far as the editor calls them, with errors in the services' words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import ClientError

from registry_access.handler import Clients

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def error(code: str, message: str = "as it says") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@dataclass
class Services:
    """The present state: policies by name, None for a resource without one; and a key's grants."""

    groups: dict[str, str | None] = field(default_factory=dict)
    buckets: dict[str, str | None] = field(default_factory=dict)
    repositories: dict[str, str | None] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    grants: list[dict[str, Any]] = field(default_factory=list)
    denied: bool = False
    busy: str = ""
    """The error code for calls that must be retried."""
    elsewhere: set[str] = field(default_factory=set)
    """Buckets of other accounts."""
    takes_ids: bool = True
    """Whether policies are taken in which there are ids of deleted principals; the services do not."""

    untaken: int = 0
    """How often more no role can be taken on."""
    taken: list[str] = field(default_factory=list, compare=False)

    def clients_as(self, role_arn: str) -> Clients:
        """Give the function the clients of a role."""
        if self.untaken:
            self.untaken -= 1
            raise error("AccessDenied", "not authorized to perform: sts:AssumeRole")
        self.taken.append(role_arn)
        return Clients(
            sagemaker=lambda: cast("Any", SageMaker(self)),
            s3=lambda: cast("Any", S3(self)),
            ecr=lambda: ECR(self),
            kms=lambda: cast("Any", KMS(self)),
        )

    def check(self) -> None:
        """Refuse, if the function's role may not."""
        if self.denied:
            raise error("AccessDeniedException", "not authorized to perform")
        if self.busy:
            raise error(self.busy, "Rate exceeded")

    def check_policy(self, text: str, code: str) -> None:
        """Refuse a policy, with each service's own error code."""
        if not self.takes_ids and "AROA" in text:
            raise error(code, "Invalid principal in policy")


@dataclass
class SageMaker:
    state: Services

    def get_model_package_group_policy(self, *, ModelPackageGroupName: str) -> dict[str, Any]:  # noqa: N803
        self.state.check()
        if ModelPackageGroupName not in self.state.groups:
            raise error("ValidationException", f"Cannot find Model Package Group: {ModelPackageGroupName}")
        text = self.state.groups[ModelPackageGroupName]
        if text is None:
            raise error("ValidationException", f"Cannot find resource policy for: {ModelPackageGroupName}")
        return {"ResourcePolicy": text}

    def describe_model_package_group(self, *, ModelPackageGroupName: str) -> dict[str, Any]:  # noqa: N803
        if ModelPackageGroupName not in self.state.groups:
            raise error("ValidationException", f"ModelPackageGroup {ModelPackageGroupName} does not exist.")
        return {}

    def put_model_package_group_policy(self, *, ModelPackageGroupName: str, ResourcePolicy: str) -> None:  # noqa: N803
        self.state.check_policy(ResourcePolicy, "ValidationException")
        self.state.groups[ModelPackageGroupName] = ResourcePolicy

    def delete_model_package_group_policy(self, *, ModelPackageGroupName: str) -> None:  # noqa: N803
        self.state.groups[ModelPackageGroupName] = None


@dataclass
class S3:
    state: Services

    def get_bucket_policy(self, *, Bucket: str, ExpectedBucketOwner: str) -> dict[str, Any]:  # noqa: N803
        self.state.check()
        assert ExpectedBucketOwner == ACCOUNT
        if Bucket in self.state.elsewhere:
            raise error("AccessDenied", "Access Denied")
        if Bucket not in self.state.buckets:
            raise error("NoSuchBucket")
        text = self.state.buckets[Bucket]
        if text is None:
            raise error("NoSuchBucketPolicy")
        return {"Policy": text}

    def put_bucket_policy(self, *, Bucket: str, Policy: str, ExpectedBucketOwner: str) -> None:  # noqa: N803
        assert ExpectedBucketOwner == ACCOUNT
        self.state.check_policy(Policy, "MalformedPolicy")
        self.state.buckets[Bucket] = Policy

    def delete_bucket_policy(self, *, Bucket: str, ExpectedBucketOwner: str) -> None:  # noqa: N803
        assert ExpectedBucketOwner == ACCOUNT
        self.state.buckets[Bucket] = None

    def list_buckets(self, *, Prefix: str, ContinuationToken: str = "") -> dict[str, Any]:  # noqa: N803
        """List one a page."""
        self.state.check()
        names = sorted(name for name in self.state.buckets if name.startswith(Prefix))
        shown, *more = [name for name in names if name > ContinuationToken] or [""]
        page = {"Buckets": [{"Name": shown}] if shown else []}
        return {**page, "ContinuationToken": shown} if more else page


@dataclass
class ECR:
    state: Services

    def get_repository_policy(self, *, repositoryName: str) -> dict[str, Any]:  # noqa: N803
        self.state.check()
        if repositoryName not in self.state.repositories:
            raise error("RepositoryNotFoundException")
        text = self.state.repositories[repositoryName]
        if text is None:
            raise error("RepositoryPolicyNotFoundException")
        return {"policyText": text}

    def set_repository_policy(self, *, repositoryName: str, policyText: str) -> None:  # noqa: N803
        self.state.check_policy(policyText, "InvalidParameterException")
        self.state.repositories[repositoryName] = policyText

    def delete_repository_policy(self, *, repositoryName: str) -> None:  # noqa: N803
        self.state.repositories[repositoryName] = None


@dataclass
class KMS:
    state: Services

    def get_key_policy(self, *, KeyId: str, PolicyName: str) -> dict[str, Any]:  # noqa: N803
        self.state.check()
        assert PolicyName == "default"
        if KeyId not in self.state.keys:
            raise error("NotFoundException")
        return {"Policy": self.state.keys[KeyId]}

    def put_key_policy(self, *, KeyId: str, PolicyName: str, Policy: str) -> None:  # noqa: N803
        assert PolicyName == "default"
        self.state.check_policy(Policy, "MalformedPolicyDocumentException")
        self.state.keys[KeyId] = Policy

    def list_grants(self, *, KeyId: str, Marker: str = "0") -> dict[str, Any]:  # noqa: N803
        """List two a page."""
        self.state.check()
        if KeyId not in self.state.keys:
            raise error("NotFoundException")
        start = int(Marker)
        more = len(self.state.grants) > start + 2
        page = {"Grants": self.state.grants[start : start + 2], "Truncated": more}
        return {**page, "NextMarker": str(start + 2)} if more else page

    def create_grant(self, *, KeyId: str, **grant: Any) -> dict[str, str]:  # noqa: N803
        assert KeyId in self.state.keys
        self.state.check()
        if grant["GranteePrincipal"].endswith("gone"):
            raise error("InvalidArnException", "no such role")
        grant["GrantId"] = f"grant-{len(self.state.grants) + 1}"
        self.state.grants.append(grant)
        return {"GrantId": grant["GrantId"]}

    def revoke_grant(self, *, KeyId: str, GrantId: str) -> None:  # noqa: N803
        assert KeyId in self.state.keys
        self.state.grants = [each for each in self.state.grants if each["GrantId"] != GrantId]


@dataclass
class STS:
    def assume_role(self, *, RoleArn: str, RoleSessionName: str, DurationSeconds: int) -> dict[str, Any]:  # noqa: N803
        assert RoleSessionName
        assert DurationSeconds >= 900
        role = RoleArn.rpartition("/")[2]
        return {
            "Credentials": {
                "AccessKeyId": f"key of {role}",
                "SecretAccessKey": f"secret of {role}",
                "SessionToken": f"token of {role}",
            }
        }
