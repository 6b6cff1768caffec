"""Build, split and compare SageMaker ARNs, with the region's partition.

Owns their spelling. The caller decides about lower case.
"""

from __future__ import annotations

from dataclasses import dataclass

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eusc-", "aws-eusc"),
)
_ARN_FIELDS = 6


@dataclass(frozen=True, slots=True)
class Arn:
    """A parsed SageMaker ARN; `name` follows the resource type and its slash."""

    region: str
    account_id: str
    resource_type: str
    name: str


def partition(region: str) -> str:
    """Return the partition of a region: `aws`, unless its prefix differs."""
    return next((name for prefix, name in _PARTITIONS if region.startswith(prefix)), "aws")


def dns_suffix(region: str) -> str:
    """Return the DNS suffix of a region's services, as in `kms:ViaService`."""
    return {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}.get(partition(region), "amazonaws.com")


def build(account_id: str, region: str, resource_type: str, name: str) -> str:
    """Return the ARN of a SageMaker resource, with the name as given."""
    return f"arn:{partition(region)}:sagemaker:{region}:{account_id}:{resource_type}/{name}"


def parse(text: str) -> Arn | None:
    """Return the parts of a SageMaker ARN, or None for anything else (a name, another service's ARN)."""
    fields = text.split(":", _ARN_FIELDS - 1)
    if len(fields) != _ARN_FIELDS or fields[0] != "arn" or fields[2] != "sagemaker":
        return None
    resource_type, slash, name = fields[5].partition("/")
    if not slash:
        return None
    return Arn(region=fields[3], account_id=fields[4], resource_type=resource_type, name=name)
