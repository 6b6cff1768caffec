"""Owns what a stage's roles may do in the registry's account: the half that is the stage's own.

Pure. The other half, the policies over there, is the registry's stack's. Both are of the same `StageAccess`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.spreading import Allowance
from infra.stages.access import PULL, WRITE, version_arns
from infra.stages.accounts import partition_of, url_suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.stages.access import StageAccess

_NUMBERED: Final = "A group's versions are numbered as they come."


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
        versions = [arn for group in access.groups for arn in version_arns(access.registry, group)]
        yield Allowance("ReadVersions", ["sagemaker:DescribeModelPackage"], versions, why_wildcard=_NUMBERED)


def _fetching(access: StageAccess) -> Iterator[Allowance]:
    """Yield fetching the artefacts and images of exactly the groups that a stage uses."""
    yield from _listing(access)
    yield from _fetching_objects(access)
    yield Allowance("PullImages", PULL, [each.arn for each in access.repositories])
    yield Allowance(
        "LogInToRegistries",
        ["ecr:GetAuthorizationToken"],
        ["*"],
        why_wildcard="The action knows no resource.",
    )


def _fetching_objects(access: StageAccess) -> Iterator[Allowance]:
    """Yield fetching the artefacts, and what is beside them, of exactly these groups."""
    bucket_arn = f"arn:{partition_of(access.names.region)}:s3:::"
    yield Allowance(
        "ReadArtefacts",
        ["s3:GetObject"],
        [f"{bucket_arn}{each.bucket}/{each.prefix}*" for each in access.artefacts],
        why_wildcard="Every model version is an object of its own, below its group's prefix.",
    )
    if access.keys:
        region = access.names.region
        through = {"StringEquals": {"kms:ViaService": f"s3.{region}.{url_suffix_of(region)}"}}
        yield Allowance("DecryptArtefacts", ["kms:Decrypt"], access.keys, through)


def _listing(access: StageAccess) -> Iterator[Allowance]:
    """Yield seeing which objects there are below the prefixes of exactly these groups' artefacts.

    The deployer tells by it whether an artefact was overwritten. Who fetches is told by it that an object is
    missing, which S3 otherwise reports as one that may not be read.
    """
    bucket_arn = f"arn:{partition_of(access.names.region)}:s3:::"
    for number, bucket in enumerate(sorted({each.bucket for each in access.artefacts}), start=1):
        prefixes = [f"{each.prefix}*" for each in access.artefacts if each.bucket == bucket]
        yield Allowance(
            f"ListArtefacts{number}",
            ["s3:ListBucket"],
            [f"{bucket_arn}{bucket}"],
            {"StringLike": {"s3:prefix": prefixes}},
        )


def _writing(access: StageAccess) -> Iterator[Allowance]:
    """Yield stamping versions and, where the stage promotes, promoting them.

    In another account the groups' own policies say which versions, and what of them: a role's policy has less
    room, and both have to allow it.
    """
    versions = [arn for group in access.groups for arn in version_arns(access.registry, group)]
    if not access.at_home and versions:
        versions = [f"{versions[0].partition('model-package/')[0]}model-package/*"]
    yield Allowance("WriteVersions", [WRITE], versions, access.role_write_conditions(), _NUMBERED)
