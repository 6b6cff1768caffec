"""Reads the URIs by which people and SageMaker name objects in S3. Pure.

SageMaker takes `s3://` and `https://` (botocore: `SamplePayloadUrl`, `ModelDataUrl`), so both are read.
Source of the host names: Amazon S3 user guide, "Virtual hosting of buckets" and "Dual-stack endpoints".
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

_BUCKET: Final = re.compile(r"[A-Za-z0-9.\-_]{1,255}")
"""What botocore accepts as a bucket's name."""

_HOST: Final = re.compile(
    r"((?P<bucket>.+)\.)?s3(-fips|-accelerate)?([.-]dualstack)?([.-](?P<region>[a-z]{2}(-[a-z]+)+-\d))?"
    r"\.amazonaws\.(com(\.cn)?|eu)"
)
"""`<bucket>.s3.<region>.amazonaws.com` and `s3.<region>.amazonaws.com`, with the older `s3-<region>`."""


class NoS3UriError(Exception):
    """A URI does not name a place in S3."""


def place(uri: str) -> tuple[str, str]:
    """Return the bucket and the key that a URI names.

    Raises:
        NoS3UriError: It names no place in S3.
    """
    if uri.startswith("s3://"):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
    else:
        bucket, key = _of_https(uri)
    if _BUCKET.fullmatch(bucket) is None:
        raise _error(uri)
    return bucket, key


def _of_https(uri: str) -> tuple[str, str]:
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError as error:
        raise _error(uri) from error
    found = _HOST.fullmatch(host or "")
    if parts.scheme != "https" or found is None:
        raise _error(uri)
    if parts.query or parts.fragment:
        raise NoS3UriError(
            f"{uri.partition('?')[0]} is followed by a query or a fragment, which nothing here reads. "
            "Name the object alone; the deployer reads it with its own permissions"
        )
    path = unquote(parts.path.removeprefix("/"))
    if (bucket := found["bucket"]) is not None:
        return bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key


def _error(uri: str) -> NoS3UriError:
    return NoS3UriError(
        f"{uri} names no object in S3. Expected: s3://bucket/key or https://bucket.s3.region.amazonaws.com/key"
    )
