"""Owns what a role needs to read and write objects in S3, and the keys that they are encrypted with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from infra.permissions.coarsening import Loss, alike, in_steps, literal
from infra.permissions.spreading import Allowance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import Stack

    from infra.settings.model_objects import ModelObjects, Place

_OWN_OBJECTS: Final = "Every call and every answer is an object of its own, below what settings name."
_NO_ROOM: Final = "These endpoints name more than IAM's quotas leave room to name one by one."
_CONTEXT: Final = "kms:EncryptionContext:aws:s3:arn"
_OWNERS_KEY: Final = "Which key a bucket uses is its owner's affair; only for these buckets, via S3."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Hold what ARNs and services' names are made of; tokens of CDK do as well as text."""

    partition: str
    region: str
    url_suffix: str

    @classmethod
    def of(cls, stack: Stack) -> Surroundings:
        """Return a stack's own."""
        return cls(stack.partition, stack.region, stack.url_suffix)

    def bucket(self, name: str) -> str:
        """Return a bucket's ARN, or of several what a pattern of their names stands for."""
        return f"arn:{self.partition}:s3:::{name}"

    def object(self, bucket: str, key: str) -> str:
        """Return an object's ARN as a policy has it."""
        return f"{self.bucket(bucket)}/{literal(key)}"

    def objects(self, bucket: str) -> str:
        """Return what stands for all objects of a bucket."""
        return f"{self.bucket(bucket)}/*"


def on_model_objects(objects: ModelObjects, around: Surroundings) -> Iterator[Allowance]:
    """Yield what the role of models needs on the objects that they read and write.

    Source: developer guide, "async-inference-create-endpoint-prerequisites" (reading requests, writing
    answers, listing), "model-monitor-data-capture-endpoint", "clarify-online-explainability".
    """
    if objects.requests:
        yield _below("ReadRequests", ["s3:GetObject"], objects.requests, around)
    listed = sorted({bucket for bucket, _ in (*objects.requests, *objects.answers)})
    if listed:
        # The page names no prefix, and what is listed to tell a missing object has none (S3 API,
        # GetObject: without s3:ListBucket, a missing object is one that may not be read).
        yield _on_buckets("ListRequests", ["s3:ListBucket"], listed, around)
    written = objects.written
    if written:
        writing_to = ["s3:AbortMultipartUpload", "s3:PutObject"]
        yield _below("WriteCallsAndAnswers", writing_to, written, around)
    if objects.baselines:
        yield on_objects("ReadBaselines", ["s3:GetObject"], objects.baselines, around)
    # A bucket may encrypt by default with a key that no settings name. S3 asks for it in the writer's
    # name (S3 user guide, "bucket-encryption"; seen: sagemaker-python-sdk PR #5931). A large object is
    # written in parts, which S3 decrypts to put them together (S3 user guide, "mpuAndPermissions").
    writing = {bucket for bucket, _ in written}
    using = ["kms:Decrypt", "kms:GenerateDataKey"]
    yield from keys_of_buckets("EncryptCallsAndAnswers", using, sorted(writing), around)
    reading = {bucket for bucket, _ in (*objects.requests, *objects.baselines)} - writing
    yield from keys_of_buckets("DecryptRequests", ["kms:Decrypt"], sorted(reading), around)


def on_objects(sid: str, actions: Sequence[str], places: Sequence[Place], around: Surroundings) -> Allowance:
    """Allow something on objects; where they have no room, on all of their buckets."""
    objects = [around.object(bucket, key) for bucket, key in places]
    return _or_in_buckets(Allowance(sid, actions, objects, {}, _NO_ROOM), places, around)


def _below(sid: str, actions: Sequence[str], places: Sequence[Place], around: Surroundings) -> Allowance:
    """Allow something below places; where they have no room, in all of their buckets."""
    prefixes = [(bucket, prefix.rstrip("/")) for bucket, prefix in places]
    objects = [
        f"{around.object(bucket, prefix)}/*" if prefix else around.objects(bucket)
        for bucket, prefix in prefixes
    ]
    return _or_in_buckets(Allowance(sid, actions, objects, {}, _OWN_OBJECTS), places, around)


def _or_in_buckets(fine: Allowance, places: Sequence[Place], around: Surroundings) -> Allowance:
    buckets = sorted({bucket for bucket, _ in places})
    coarser = [replace(fine, resources=[around.objects(each) for each in buckets], loses=Loss.OBJECTS)]
    for loses, names in enumerate(alike(buckets), start=Loss.NAMES):
        coarser.append(replace(fine, resources=[around.objects(each) for each in names], loses=loses))
    return in_steps(fine, *coarser)


def _on_buckets(sid: str, actions: Sequence[str], buckets: Sequence[str], around: Surroundings) -> Allowance:
    """Allow something on buckets; where they have no room, on those whose names begin alike."""
    fine = Allowance(sid, actions, [around.bucket(each) for each in buckets], {}, _NO_ROOM)
    coarser = [
        replace(fine, resources=[around.bucket(each) for each in names], loses=loses)
        for loses, names in enumerate(alike(buckets), start=Loss.NAMES)
    ]
    return in_steps(fine, *coarser)


def keys_of_buckets(
    sid: str, actions: Sequence[str], buckets: Sequence[str], around: Surroundings
) -> Iterator[Allowance]:
    """Yield the use, through S3, of whatever keys buckets encrypt their objects with, of any account.

    S3 says in the encryption context which object is meant, or with a bucket key which bucket (S3 user guide,
    "UsingKMSEncryption"). The key of a bucket may be another account's: KMS then wants its ARN allowed here
    and in the key's own policy (KMS developer guide, "key-policy-modifying-external-accounts").
    """
    if not buckets:
        return
    arns = [around.bucket(each) for each in buckets]
    conditions: dict[str, dict[str, Any]] = {
        "StringEquals": {"kms:ViaService": f"s3.{around.region}.{around.url_suffix}"},
        "StringLike": {_CONTEXT: [arn for each in arns for arn in (each, f"{each}/*")]},
    }
    key = f"arn:{around.partition}:kms:{around.region}:*:key/*"
    fine = Allowance(sid, actions, [key], conditions, _OWNERS_KEY)
    # S3 asks for a key only for an object that the caller may read or write, and other grants say which.
    anywhere = {"StringLike": {_CONTEXT: [around.bucket("*")]}}
    yield in_steps(fine, replace(fine, conditions={**conditions, **anywhere}, loses=Loss.NOTHING))
