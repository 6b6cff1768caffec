"""Owns which partition of AWS a region is in, and under which domain its services are."""

from __future__ import annotations

import re
from functools import cache

from botocore.loaders import create_loader


def partition_of(region: str) -> str:
    """Tell the partition of a region (general reference, "aws-arns-and-namespaces")."""
    return _partition(region)[0]


def url_suffix_of(region: str) -> str:
    """Tell the domain under which a region's services are."""
    return _partition(region)[1]


@cache
def _partition(region: str) -> tuple[str, str]:
    """Find a region's partition and domain as AWS's tools do; a region newer than they are is of no other."""
    known = create_loader().load_data("partitions")["partitions"]
    found = (each for each in known if re.match(each["regionRegex"], region))
    return next(((each["id"], each["outputs"]["dnsSuffix"]) for each in found), ("aws", "amazonaws.com"))
