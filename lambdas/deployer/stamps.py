"""Words what a stage did with a version, for whoever opens it in the registry. Pure.

Stamps are customer metadata properties of the version (botocore: `CustomerMetadataMap`), one for each stage
and endpoint, and one with the digest of what the stage deployed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.attempt import AttemptStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deployer.attempt import Attempt

PREFIX: Final = "greenlight:"
LONGEST_VALUE: Final = 256
"""botocore: `CustomerMetadataValue`; a key, of at most 128, holds both names in full."""

_DIGEST: Final = "digest"
_NOT_ALLOWED: Final = re.compile(r"[^\w \-.:/=+@]+")
"""What the shapes' pattern does not take: letters, digits, spaces and these marks are all."""
_WORDS: Final = (
    ("&&", " and "),
    ("||", " or "),
    ("!=", " is not "),
    (">=", " at least "),
    ("<=", " at most "),
    (">", " above "),
    ("<", " below "),
    ("!", " not "),
    ("%", " percent "),
    (";", " -"),
)
"""Marks without which a smoke test's expectation would say something else."""


def of_attempt(attempt: Attempt, stage_name: str, digest: str) -> dict[str, str]:
    """Return what is stamped on the version of a settled attempt.

    Args:
        attempt: One that people hear of.
        stage_name: The stage.
        digest: Of what was deployed.
    """
    assert attempt.settled_at is not None
    when = _when(attempt.settled_at)
    stamps = {}
    if attempt.status is AttemptStatus.SUCCEEDED:
        told = f"serving since {when}"
        stamps[_digest_key(stage_name)] = digest
    else:
        told = f"{attempt.status.value} {when}: {attempt.reason}"
    return {**stamps, _key(stage_name, attempt.endpoint_name): _value(told)}


def of_replaced(endpoint_name: str, stage_name: str, until: datetime) -> dict[str, str]:
    """Return what is stamped on a version that serves no more."""
    return {_key(stage_name, endpoint_name): _value(f"served until {_when(until)}")}


def stage_with_another_digest(metadata: Mapping[str, str], stage_name: str, digest: str) -> str | None:
    """Return a stage that deployed something else under the same version, if there is one."""
    for key, value in sorted(metadata.items()):
        name = key.removeprefix(PREFIX).removesuffix(f":{_DIGEST}")
        if key == _digest_key(name) and name != stage_name and value != digest:
            return name
    return None


def _key(stage_name: str, endpoint_name: str) -> str:
    return f"{PREFIX}{stage_name}:endpoint:{endpoint_name}"


def _digest_key(stage_name: str) -> str:
    return f"{PREFIX}{stage_name}:{_DIGEST}"


def _when(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _value(text: str) -> str:
    for mark, word in _WORDS:
        text = text.replace(mark, word)
    return " ".join(_NOT_ALLOWED.sub(" ", text).split())[:LONGEST_VALUE]
