"""Names every AWS operation that the policy editor calls. Its bundle and role are built from this list."""

from __future__ import annotations

from typing import Final

OPERATIONS: Final[dict[str, tuple[str, ...]]] = {
    "sagemaker": (
        "DeleteModelPackageGroupPolicy",
        "DescribeModelPackageGroup",
        "GetModelPackageGroupPolicy",
        "PutModelPackageGroupPolicy",
    ),
    "s3": ("DeleteBucketPolicy", "GetBucketPolicy", "ListBuckets", "PutBucketPolicy"),
    "ecr": ("DeleteRepositoryPolicy", "GetRepositoryPolicy", "SetRepositoryPolicy"),
    "kms": ("CreateGrant", "GetKeyPolicy", "ListGrants", "PutKeyPolicy", "RevokeGrant"),
    "sts": ("AssumeRole",),
}
"""Service (botocore's name) -> API operations, sorted."""
