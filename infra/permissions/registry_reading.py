"""Owns what a stage's roles may do in the registry's account: the half that is the stage's own.

Pure. The other half, the policies over there, is the registry's stack's. Both are of the same `StageAccess`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from infra.configuration.partitions import partition_of, url_suffix_of
from infra.permissions.coarsening import Loss, alike, in_steps
from infra.permissions.spreading import Allowance
from infra.stages.access import PULL, WRITE, version_arns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.stages.access import StageAccess

_NUMBERED: Final = "A group's versions are numbered as they come."
_EACH: Final = "/*"
"""All versions of a group, after the group's part of their ARNs."""

_NO_ROOM: Final = "The stage has more groups than IAM's quotas leave room to name what each is made of."


def of_deployer(access: StageAccess) -> Iterator[Allowance]:
    """Yield what a stage's deployer may do in the registry's account, besides reading versions."""
    yield from _writing(access)
    if access.registry.admit == "both_roles":
        yield from _fetching(access)
        return
    yield from _listing(access)
    if access.reads_samples:
        yield from _fetching_objects(access)


def of_models(access: StageAccess) -> Iterator[Allowance]:
    """Yield what the role that is made for a stage's models may do in the registry's account."""
    yield from _fetching(access)
    if access.registry.admit == "both_roles":
        fine = Allowance(
            "ReadVersions", ["sagemaker:DescribeModelPackage"], _versions(access), why_wildcard=_NUMBERED
        )
        yield _or_alike(fine, [each.removesuffix(_EACH) for each in fine.resources], after=_EACH)


def _fetching(access: StageAccess) -> Iterator[Allowance]:
    """Yield fetching the artifacts and images of exactly the groups that a stage uses."""
    yield from _listing(access)
    yield from _fetching_objects(access)
    repositories = [each.arn for each in access.repositories]
    yield _or_alike(Allowance("PullImages", PULL, repositories, why_wildcard=_NO_ROOM), repositories)
    yield Allowance(
        "LogInToRegistries",
        ["ecr:GetAuthorizationToken"],
        ["*"],
        why_wildcard="The action knows no resource.",
    )


def _fetching_objects(access: StageAccess) -> Iterator[Allowance]:
    """Yield fetching the artifacts, and what is beside them, of exactly these groups."""
    bucket_arn = f"arn:{partition_of(access.names.region)}:s3:::"
    fine = Allowance(
        "ReadArtifacts",
        ["s3:GetObject"],
        [f"{bucket_arn}{each.bucket}/{each.prefix}*" for each in access.artifacts],
        why_wildcard="Every model version is an object of its own, below its group's prefix.",
    )
    buckets = sorted({f"{bucket_arn}{each.bucket}" for each in access.artifacts})
    whole = replace(fine, resources=[f"{each}/*" for each in buckets], loses=Loss.OBJECTS)
    yield in_steps(fine, _or_alike(whole, buckets, after="/*"))
    if access.keys:
        region = access.names.region
        through = {"StringEquals": {"kms:ViaService": f"s3.{region}.{url_suffix_of(region)}"}}
        named = Allowance("DecryptArtifacts", ["kms:Decrypt"], access.keys, through, _NO_ROOM)
        any_of = sorted({f"{key[: key.index('key/')]}key/*" for key in access.keys})
        yield in_steps(named, replace(named, resources=any_of, loses=Loss.KEYS))


def _listing(access: StageAccess) -> Iterator[Allowance]:
    """Yield seeing which objects there are below the prefixes of exactly these groups' artifacts.

    The deployer tells by it whether an artifact was overwritten. Who fetches is told by it that an object is
    missing, which S3 otherwise reports as one that may not be read.
    """
    bucket_arn = f"arn:{partition_of(access.names.region)}:s3:::"
    buckets = sorted({each.bucket for each in access.artifacts})
    if not buckets:
        return
    each_bucket = [
        Allowance(
            f"ListArtifacts{number}",
            ["s3:ListBucket"],
            [f"{bucket_arn}{bucket}"],
            {
                "StringLike": {
                    "s3:prefix": [f"{each.prefix}*" for each in access.artifacts if each.bucket == bucket]
                }
            },
        )
        for number, bucket in enumerate(buckets, start=1)
    ]
    arns = [f"{bucket_arn}{bucket}" for bucket in buckets]
    whole = Allowance("ListArtifacts", ["s3:ListBucket"], arns, {}, _NO_ROOM, loses=Loss.OBJECTS)
    yield in_steps(replace(whole, written_as=each_bucket, loses=Loss.NOTHING), _or_alike(whole, arns))


def _writing(access: StageAccess) -> Iterator[Allowance]:
    """Yield stamping versions and, where the stage promotes, promoting them.

    In another account the groups' own policies say which versions, and what of them: a role's policy has less
    room, and both have to allow it.
    """
    versions = _versions(access)
    if not access.at_home and versions:
        versions = [f"{versions[0].partition('model-package/')[0]}model-package/*"]
    fine = Allowance("WriteVersions", [WRITE], versions, access.role_write_conditions(), _NUMBERED)
    if access.at_home:
        fine = _or_alike(fine, [each.removesuffix(_EACH) for each in versions], after=_EACH)
    yield fine


def _versions(access: StageAccess) -> list[str]:
    return [arn for group in access.groups for arn in version_arns(access.registry, group)]


def _or_alike(fine: Allowance, arns: Sequence[str], *, after: str = "") -> Allowance:
    """Allow the same, where there is no room, on what has a name that begins alike.

    Args:
        fine: What is allowed.
        arns: Its resources, without what follows.
        after: What follows each.
    """
    coarser = [
        replace(fine, resources=[f"{each}{after}" for each in patterns], loses=loses)
        for loses, patterns in enumerate(alike(arns, stem=_before_name), start=Loss.NAMES)
    ]
    return in_steps(fine, *coarser)


def _before_name(arn: str) -> int:
    """Count what an ARN has before the name: up to the last colon, and the kind of resource."""
    kind = re.search(r"(model-package|repository)/", arn)
    return kind.end() if kind is not None else arn.rindex(":") + 1
