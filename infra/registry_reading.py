"""Owns what a stage's roles may do in the registry's account: the half that is the stage's own.

The other half, the policies over there, is the registry's stack's. Both are of the same `StageAccess`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.stages.access import PULL, WRITE, version_arns
from infra.stages.accounts import partition_of, url_suffix_of

if TYPE_CHECKING:
    from infra.permissions import Permissions
    from infra.stages.access import StageAccess


def allow_fetching(permissions: Permissions, access: StageAccess) -> None:
    """Allow a role to fetch the artefacts and images of exactly the groups that a stage uses."""
    allow_listing(permissions, access)
    allow_fetching_objects(permissions, access)
    permissions.allow("PullImages", list(PULL), [each.arn for each in access.repositories])
    permissions.allow(
        "LogInToRegistries",
        ["ecr:GetAuthorizationToken"],
        ["*"],
        why_wildcard="The action knows no resource.",
    )


def allow_fetching_objects(permissions: Permissions, access: StageAccess) -> None:
    """Allow a role to fetch the artefacts, and what is beside them, of exactly these groups."""
    bucket_arn = f"arn:{partition_of(access.names.region)}:s3:::"
    permissions.allow(
        "ReadArtefacts",
        ["s3:GetObject"],
        [f"{bucket_arn}{each.bucket}/{each.prefix}*" for each in access.artefacts],
        why_wildcard="Every model version is an object of its own, below its group's prefix.",
    )
    if access.keys:
        permissions.allow("DecryptArtefacts", ["kms:Decrypt"], access.keys, conditions=_through(access, "s3"))


def allow_listing(permissions: Permissions, access: StageAccess) -> None:
    """Allow a role to see which objects there are below the prefixes of exactly these groups' artefacts.

    The deployer tells by it whether an artefact was overwritten. Who fetches is told by it that an object is
    missing, which S3 otherwise reports as one that may not be read.
    """
    bucket_arn = f"arn:{partition_of(access.names.region)}:s3:::"
    for number, bucket in enumerate(sorted({each.bucket for each in access.artefacts}), start=1):
        prefixes = [f"{each.prefix}*" for each in access.artefacts if each.bucket == bucket]
        permissions.allow(
            f"ListArtefacts{number}",
            ["s3:ListBucket"],
            [f"{bucket_arn}{bucket}"],
            conditions={"StringLike": {"s3:prefix": prefixes}},
        )


def allow_reading(permissions: Permissions, access: StageAccess) -> None:
    """Allow a role to read the versions of exactly the groups that a stage uses."""
    permissions.allow(
        "ReadVersions",
        ["sagemaker:DescribeModelPackage"],
        [arn for group in access.groups for arn in version_arns(access.registry, group)],
        why_wildcard="A group's versions are numbered as they come.",
    )
    allow_reading_details(permissions, access)


def allow_writing(permissions: Permissions, access: StageAccess) -> None:
    """Allow the deployer to stamp versions and, where the stage promotes, to promote them.

    In another account the groups' own policies say which versions: a role's policy has less room.
    """
    versions = [arn for group in access.groups for arn in version_arns(access.registry, group)]
    if not access.at_home and versions:
        versions = [f"{versions[0].partition('model-package/')[0]}model-package/*"]
    for purpose, conditions in access.writes():
        permissions.allow(
            f"{purpose}Versions",
            [WRITE],
            versions,
            conditions=conditions,
            why_wildcard="A group's versions are numbered as they come.",
        )


def allow_reading_details(permissions: Permissions, access: StageAccess) -> None:
    """Allow a role to have SageMaker decrypt versions' details for it, where there are keys."""
    if access.keys:
        permissions.allow(
            "DecryptDetails", ["kms:Decrypt"], access.keys, conditions=_through(access, "sagemaker")
        )


def _through(access: StageAccess, service: str) -> dict[str, dict[str, str]]:
    region = access.names.region
    return {"StringEquals": {"kms:ViaService": f"{service}.{region}.{url_suffix_of(region)}"}}
