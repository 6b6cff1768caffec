"""Names the deployer's resources by their content, never by the clock.

The same inputs give the same name. So a retry finds its own work, and "in sync" is one comparison with
`DescribeEndpoint.EndpointConfigName`.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

MAX_LENGTH: Final = 63
"""Characters. Source: botocore shapes `ModelName` and `EndpointConfigName`."""

FINGERPRINT_LENGTH: Final = 12
"""Hex digits: 48 bits keep an endpoint's few thousand names apart with a margin of ten million."""

_VERSIONED: Final = re.compile(rf".+-v(?P<version>[0-9]+)-[0-9a-f]{{{FINGERPRINT_LENGTH}}}")


def digest(content: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the content's SHA-256 in hex digits. The order of keys does not matter."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def fingerprint(content: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the first hex digits of the content's digest."""
    return digest(content)[:FINGERPRINT_LENGTH]


def versioned_name(endpoint_name: str, version: int, content: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return `{endpoint}-v{version}-{fingerprint}`, at most 63 characters.

    A long endpoint name is cut to fit. The fingerprint covers the whole name, so that endpoints with the same
    cut name never share a resource.
    """
    suffix = f"-v{version}-{fingerprint([endpoint_name, content])}"
    # Avoid "--" before the suffix: AWS allows it, but a person misreads it.
    return endpoint_name[: MAX_LENGTH - len(suffix)].rstrip("-") + suffix


def version_in(name: str) -> int | None:
    """Return the version in a name that `versioned_name` made; None if it looks like somebody else's."""
    found = _VERSIONED.fullmatch(name)
    return int(found["version"]) if found else None


def same_arn(one: str, other: str) -> bool:
    """Tell whether two ARNs name the same resource: SageMaker lower-cases names in some of them."""
    return one.lower() == other.lower()


def version_number(version_arn: str) -> int:
    """Return the number of a model package version, by its ARN."""
    return int(version_arn.rpartition("/")[2])


def account_of(arn: str) -> str:
    """Return the account that an ARN names."""
    return arn.split(":")[4]
