"""Words what a stage did with a version, for whoever opens it in the registry. Pure.

Stamps are customer metadata properties of the version (botocore: `CustomerMetadataMap`): for each stage one
for each endpoint, one with the digest of what it deployed, and one once it passed the version on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.contract import PREFIX, digest_property, endpoint_property, promoted_property
from deployer.model.attempt import AttemptStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deployer.model.attempt import Deployment
    from deployer.model.companion import Companion
    from deployer.model.life_cycle import LifeCycle

LONGEST_VALUE: Final = 256
"""botocore: `CustomerMetadataValue`; a key, of at most 128, holds both names in full."""

_SERVING: Final = "serving"
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


def of_attempt(attempt: Deployment, stage_name: str) -> dict[str, str]:
    """Return what is stamped on the version of a settled attempt that people hear of."""
    assert attempt.settled_at is not None
    when = _when(attempt.settled_at)
    told = (
        f"{_SERVING} since {when}"
        if attempt.status is AttemptStatus.SUCCEEDED
        else f"{attempt.status.value} {when}: {attempt.reason}"
    )
    return {endpoint_property(stage_name, attempt.endpoint_name): _value(told)}


def of_companion(
    companion: Companion, endpoint_name: str, stage_name: str, since: datetime
) -> dict[str, str]:
    """Return what is stamped on a version that serves beside the one that was approved."""
    how = "shadowing" if companion.is_shadow else f"{_SERVING} as {companion.variant_name}"
    return {endpoint_property(stage_name, endpoint_name): _value(f"{how} since {_when(since)}")}


def of_replaced(endpoint_name: str, stage_name: str, until: datetime) -> dict[str, str]:
    """Return what is stamped on a version that serves no more."""
    return {endpoint_property(stage_name, endpoint_name): _value(f"served until {_when(until)}")}


def of_digest(digest: str, stage_name: str, specification_name: str | None) -> dict[str, str]:
    """Return what is stamped on a version so that other stages know what was deployed.

    Args:
        digest: Of that.
        stage_name: The stage.
        specification_name: The inference specification, if it is not the version's own: each is compared
            with its like.
    """
    return {digest_property(stage_name, specification_name): digest}


def of_promotion(goal: LifeCycle, stage_name: str, when: datetime) -> dict[str, str]:
    """Return what is stamped on a version that a stage passes on: none of its endpoints does so again."""
    return {promoted_property(stage_name): _value(f"to {goal.stage}/{goal.stage_status} {_when(when)}")}


def is_promoted(metadata: Mapping[str, str], stage_name: str) -> bool:
    """Tell whether a stage passed a version on before, whatever became of that."""
    return promoted_property(stage_name) in metadata


def broken_on(metadata: Mapping[str, str], stage_name: str, *, besides: str) -> list[str]:
    """Return the other endpoints on which a stage found a version broken, and has not found it well since."""
    prefix = endpoint_property(stage_name, "")
    return sorted(
        key.removeprefix(prefix)
        for key, value in metadata.items()
        if key.startswith(prefix)
        and key != endpoint_property(stage_name, besides)
        and value.startswith(f"{AttemptStatus.FAILED.value} ")
    )


def stage_with_another_digest(
    metadata: Mapping[str, str], stage_name: str, specification_name: str | None, digest: str
) -> str | None:
    """Return a stage that deployed something else under the same version, if there is one."""
    for key, value in sorted(metadata.items()):
        name = key.removeprefix(PREFIX).partition(":")[0]
        if key == digest_property(name, specification_name) and name != stage_name and value != digest:
            return name
    return None


def _when(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _value(text: str) -> str:
    for mark, word in _WORDS:
        text = text.replace(mark, word)
    return " ".join(_NOT_ALLOWED.sub(" ", text).split())[:LONGEST_VALUE]
