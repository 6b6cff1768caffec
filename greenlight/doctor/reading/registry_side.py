"""Owns reading what a version is made of, and who is let in to it: policies, grants, artifacts and images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from greenlight.doctor.facts import Grant, KmsKey, Unreadable
from greenlight.doctor.reading.attempts import allowing, attempt
from greenlight.doctor.reading.policies import document
from infra.configuration.partitions import partition_of
from infra.stages.access import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from greenlight.connection import Connection
    from greenlight.doctor.facts import Reading

_MOST_OBJECTS: Final = 100
"""For an artifact of many objects, how many to look at: each takes a request."""

_OF_HEADS: Final = "403 is for want of s3:GetObject, 400 for an object with a key that came with it, SSE-C"
"""A refused HeadObject has no body with a reason (botocore: HeadObject)."""


class RegistrySide:
    """Reads the registry's side: policies, grants, artifacts and images."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def policy(self, kind: str, name: str) -> Reading[Mapping[str, Any]]:
        """Read a policy, by kind and name as in the policy editor."""
        return attempt(lambda: self._policy(kind, name))

    def _policy(self, kind: str, name: str) -> Mapping[str, Any] | None:
        client: Any = None
        match kind:
            case "group":
                client = self._connection.client("sagemaker")
                text = client.get_model_package_group_policy(ModelPackageGroupName=name)["ResourcePolicy"]
            case "bucket":
                text = self._connection.client("s3").get_bucket_policy(Bucket=name)["Policy"]
            case "repository":
                client = self._connection.client("ecr")
                text = client.get_repository_policy(repositoryName=name)["policyText"]
            case _:
                client = self._connection.client("kms")
                text = client.get_key_policy(KeyId=name, PolicyName="default")["Policy"]
        return document(text)

    def grants(self, key_arn: str) -> Reading[Sequence[Grant]]:
        """Read a key's grants."""
        return attempt(lambda: list(self._grants(key_arn)))

    def _grants(self, key_arn: str) -> Iterator[Grant]:
        for page in self._connection.client("kms").get_paginator("list_grants").paginate(KeyId=key_arn):
            for grant in page["Grants"]:
                yield Grant(grant.get("GranteePrincipal", ""), tuple(grant.get("Operations", ())))

    def objects(self, uri: str) -> Reading[Sequence[str]]:
        """Read the keys of an artifact's objects: the object itself or, below a slash, the first ones.

        Another object may merely begin with the same key. S3 lists the object itself first, because keys come
        in UTF-8 order (S3 API reference, "ListObjectsV2").
        """
        bucket, key = place_of(uri)
        is_prefix = not key or key.endswith("/")

        def look() -> list[str] | None:
            found = self._connection.client("s3").list_objects_v2(
                Bucket=bucket, Prefix=key, MaxKeys=_MOST_OBJECTS if is_prefix else 1
            )
            keys = [each["Key"] for each in found.get("Contents", ())]
            return [each for each in keys if is_prefix or each == key] or None

        return attempt(look)

    def encryption(self, uri: str, objects: Sequence[str]) -> Reading[Sequence[str]]:
        """Read the KMS keys of objects; S3's own encryption needs no permission and is left out.

        HeadObject needs s3:GetObject and, without its checksum, no permission on the key (botocore:
        HeadObject). Neither a listing nor GetObjectAttributes shows keys.
        """
        bucket, key = place_of(uri)

        def look() -> Sequence[str]:
            client = self._connection.client("s3")
            heads = (client.head_object(Bucket=bucket, Key=each) for each in objects)
            return list(dict.fromkeys(head["SSEKMSKeyId"] for head in heads if head.get("SSEKMSKeyId")))

        partition = partition_of(self._connection.whom.region or "")
        below = f"{key}*" if not key or key.endswith("/") else key
        found = attempt(look, needs=allowing(f"arn:{partition}:s3:::{bucket}/{below}", "s3:GetObject"))
        if isinstance(found, Unreadable):
            return replace(found, reason=f"{found.reason} ({_OF_HEADS})")
        return found

    def region(self, bucket: str) -> Reading[str]:
        """Read the region of a bucket."""
        partition = partition_of(self._connection.whom.region or "")
        return attempt(
            lambda: self._connection.client("s3").head_bucket(Bucket=bucket).get("BucketRegion"),
            needs=allowing(f"arn:{partition}:s3:::{bucket}", "s3:ListBucket"),
        )

    def key(self, name: str) -> Reading[KmsKey]:
        """Read a key, by its ARN, ID or alias."""

        def look() -> KmsKey:
            found = self._connection.client("kms").describe_key(KeyId=name)["KeyMetadata"]
            return KmsKey(found["Arn"], found.get("KeyManager") == "AWS")

        return attempt(look)

    def has_image(self, image: str) -> Reading[bool]:
        """Tell whether an image exists, by its digest if it has one."""
        bare, _, digest = image.partition("@")
        path, _, tag = bare.rpartition("/")[2].partition(":")
        repository = Repository.of(f"{bare.rpartition('/')[0]}/{path}")
        wanted = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}

        def look() -> bool:
            client: Any = self._connection.client("ecr")
            found = client.batch_get_image(
                repositoryName=repository.name, registryId=repository.account, imageIds=[wanted]
            )
            return bool(found.get("images"))

        return attempt(look)


def place_of(uri: str) -> tuple[str, str]:
    """Split a URI `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
