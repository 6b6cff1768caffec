"""Makes the calls that read and write policies: one class for each kind of resource.

Each service reports absence in a different way. Only this module matches these.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError

from registry_access.editing import InvalidPolicyError, MissingTargetError, RefusedEditError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

LARGEST_GROUP_POLICY: Final = 20_480
"""botocore: sagemaker PolicyString, in characters."""
LARGEST_BUCKET_POLICY: Final = 20_480
"""S3 user guide, "bucket-policies": 20 KB."""
LARGEST_REPOSITORY_POLICY: Final = 10_240
"""botocore: ecr RepositoryPolicyText, in characters."""
LARGEST_KEY_POLICY: Final = 32_768
"""KMS developer guide, "resource-limits": 32 KB."""

_ONLY_KEY_POLICY: Final = "default"


class RepositoryPolicies(Protocol):
    """The methods of ECR's client that are used."""

    def get_repository_policy(self, *, repositoryName: str) -> Any:  # noqa: ANN401, N803 - as boto3
        """Read a repository's policy."""

    def set_repository_policy(self, *, repositoryName: str, policyText: str) -> Any:  # noqa: ANN401, N803 - as boto3
        """Replace it."""

    def delete_repository_policy(self, *, repositoryName: str) -> Any:  # noqa: ANN401, N803 - as boto3
        """Remove it."""


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """A model package group's resource policy."""

    client: SageMakerClient
    group: str
    largest_bytes: int = LARGEST_GROUP_POLICY

    @property
    def name(self) -> str:
        """Name the group for people."""
        return f"the model package group {self.group}"

    def read(self) -> str | None:
        """Read the policy.

        SageMaker's messages for a missing group and a missing policy begin alike, so another call shows
        whether the group exists.
        """
        try:
            return self.client.get_model_package_group_policy(ModelPackageGroupName=self.group)[
                "ResourcePolicy"
            ]
        except ClientError as error:
            if not _says(error, "ValidationException", "Cannot find "):
                raise
        try:
            self.client.describe_model_package_group(ModelPackageGroupName=self.group)
        except ClientError as error:
            if _says(error, "ValidationException", "does not exist"):
                raise MissingTargetError(f"There is no {self.name.removeprefix('the ')}.") from error
            raise
        return None

    def write(self, text: str) -> None:
        """Put the policy."""
        with _telling_invalid("ValidationException"):
            self.client.put_model_package_group_policy(ModelPackageGroupName=self.group, ResourcePolicy=text)

    def remove(self) -> None:
        """Delete the policy."""
        self.client.delete_model_package_group_policy(ModelPackageGroupName=self.group)


@dataclass(frozen=True, slots=True)
class BucketPolicy:
    """An S3 bucket's policy. The bucket must be in this account, as bucket names are global."""

    client: S3Client
    bucket: str
    account: str
    largest_bytes: int = LARGEST_BUCKET_POLICY

    @property
    def name(self) -> str:
        """Name the bucket for people."""
        return f"the bucket {self.bucket}"

    def read(self) -> str | None:
        """Read the policy."""
        try:
            return self.client.get_bucket_policy(Bucket=self.bucket, ExpectedBucketOwner=self.account)[
                "Policy"
            ]
        except ClientError as error:
            if _says(error, "NoSuchBucketPolicy"):
                return None
            if _says(error, "NoSuchBucket"):
                raise MissingTargetError(f"There is no bucket {self.bucket}.") from error
            if _says(error, "AccessDenied") and self._is_elsewhere():
                raise MissingTargetError(
                    f"There is no bucket {self.bucket} in account {self.account}: it is another account's."
                ) from error
            raise

    def _is_elsewhere(self) -> bool:
        """Tell whether the bucket is certainly another account's: S3's denial does not show it."""
        names: list[str] = []
        more: dict[str, Any] = {}
        try:
            while True:
                page = self.client.list_buckets(Prefix=self.bucket, **more)
                names += [bucket["Name"] for bucket in page["Buckets"]]
                if not page.get("ContinuationToken"):
                    return self.bucket not in names
                more = {"ContinuationToken": page["ContinuationToken"]}
        except ClientError:
            return False

    def write(self, text: str) -> None:
        """Put the policy."""
        with _telling_invalid("MalformedPolicy"):
            self.client.put_bucket_policy(Bucket=self.bucket, Policy=text, ExpectedBucketOwner=self.account)

    def remove(self) -> None:
        """Delete the policy."""
        self.client.delete_bucket_policy(Bucket=self.bucket, ExpectedBucketOwner=self.account)


@dataclass(frozen=True, slots=True)
class RepositoryPolicy:
    """An ECR repository's policy."""

    client: RepositoryPolicies
    repository: str
    largest_bytes: int = LARGEST_REPOSITORY_POLICY

    @property
    def name(self) -> str:
        """Name the repository for people."""
        return f"the repository {self.repository}"

    def read(self) -> str | None:
        """Read the policy."""
        try:
            text: str = self.client.get_repository_policy(repositoryName=self.repository)["policyText"]
        except ClientError as error:
            if _says(error, "RepositoryPolicyNotFoundException"):
                return None
            if _says(error, "RepositoryNotFoundException"):
                raise MissingTargetError(f"There is no repository {self.repository}.") from error
            raise
        return text

    def write(self, text: str) -> None:
        """Put the policy, without `force`, so that ECR refuses one that locks everybody out."""
        with _telling_invalid("InvalidParameterException"):
            self.client.set_repository_policy(repositoryName=self.repository, policyText=text)

    def remove(self) -> None:
        """Delete the policy."""
        self.client.delete_repository_policy(repositoryName=self.repository)


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """A KMS key's policy."""

    client: KMSClient
    key_arn: str
    largest_bytes: int = LARGEST_KEY_POLICY

    @property
    def name(self) -> str:
        """Name the key for people."""
        return f"the key {self.key_arn}"

    def read(self) -> str | None:
        """Read the policy; a key always has one."""
        try:
            return self.client.get_key_policy(KeyId=self.key_arn, PolicyName=_ONLY_KEY_POLICY)["Policy"]
        except ClientError as error:
            if _says(error, "NotFoundException"):
                raise MissingTargetError(f"There is no key {self.key_arn}.") from error
            raise

    def write(self, text: str) -> None:
        """Put the policy. KMS refuses one that would deny this role the next put."""
        with _telling_invalid("MalformedPolicyDocumentException"):
            self.client.put_key_policy(KeyId=self.key_arn, PolicyName=_ONLY_KEY_POLICY, Policy=text)

    def remove(self) -> None:
        """Refuse: nobody could manage a key without statements.

        Raises:
            RefusedEditError: Always.
        """
        raise RefusedEditError(
            f"The policy of {self.name} was left alone, as no statement but Greenlight's is in it: without "
            "any, nobody could use or manage the key. Give it its owner's statements, and deploy again."
        )


@contextmanager
def _telling_invalid(code: str) -> Iterator[None]:
    """Turn each service's code for an invalid policy into an `InvalidPolicyError`."""
    try:
        yield
    except ClientError as error:
        if _says(error, code):
            raise InvalidPolicyError(str(error)) from error
        raise


def _says(error: ClientError, code: str, words: str = "") -> bool:
    found = error.response["Error"]
    return found.get("Code") == code and words in found.get("Message", "")
