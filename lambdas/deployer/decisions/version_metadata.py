"""Words what became of a version, for people who open it in the registry. Pure.

Stamps are customer metadata properties of the version (botocore: `CustomerMetadataMap`): one for each
endpoint. A stage also writes one with the digest of what it deployed, and one once it passed the version on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.contract import (
    PREFIX,
    PREFLIGHT_PROPERTY,
    digest_property,
    endpoint_property,
    promoted_property,
)
from deployer.model.attempt import AttemptStatus
from deployer.model.cause import Cause
from deployer.model.companion import SHADOWING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deployer.model.attempt import Deployment
    from deployer.model.companion import Companion
    from deployer.model.life_cycle import LifeCycle

LONGEST_VALUE: Final = 256
"""Characters (botocore: `CustomerMetadataValue`). A key has at most 128, enough for both names in full."""

MOST_PROPERTIES: Final = 50
"""Properties that a version may have (botocore: `CustomerMetadataMap`)."""

_ROOM: Final = {"endpoint": 8, "failed": 4}
"""How many properties an endpoint's stamp leaves free, and that of a failure. Stages need them for digests
and promotions."""

_SERVING: Final = "serving"
_NOT_ALLOWED: Final = re.compile(r"[^\w \-.:/=+@]+")
"""Characters that the shapes' pattern refuses. It permits letters, digits, spaces and these marks."""
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
    ("'", ""),
)
"""Operators that are spelled out: without them, a smoke test's expectation would mean something else."""


def of_attempt(attempt: Deployment, stage_name: str | None) -> dict[str, str]:
    """Return the stamp for the version of a settled attempt that has an outcome."""
    assert attempt.settled_at is not None
    when = _when(attempt.settled_at)
    told = (
        f"{_SERVING} since {when}"
        if attempt.status is AttemptStatus.SUCCEEDED
        else f"{_end_of(attempt)} {when}: {attempt.reason}"
    )
    return {endpoint_property(stage_name, attempt.endpoint_name): _value(told)}


def _end_of(attempt: Deployment) -> str:
    # A stage's other endpoints do not promote a version that failed.
    is_untested = attempt.failed_test is not None and attempt.cause is Cause.SURROUNDINGS
    return "untested" if is_untested else attempt.status.value


def of_companion(
    companion: Companion, endpoint_name: str, stage_name: str | None, since: datetime
) -> dict[str, str]:
    """Return the stamp for a companion."""
    return {endpoint_property(stage_name, endpoint_name): _value(f"{companion.role} since {_when(since)}")}


def of_replaced(
    endpoint_name: str, stage_name: str | None, until: datetime, *, role: str = ""
) -> dict[str, str]:
    """Return the stamp for a version that no longer serves, or no longer shadows another.

    Args:
        endpoint_name: The endpoint.
        stage_name: The stage; None if there are none.
        until: When that ended.
        role: What it did there.
    """
    did = "shadowed" if role == SHADOWING else "served"
    return {endpoint_property(stage_name, endpoint_name): _value(f"{did} until {_when(until)}")}


def of_preflight(told: str) -> dict[str, str]:
    """Return the stamp for a version that nobody has decided about."""
    return {PREFLIGHT_PROPERTY: _value(told)}


def of_words(words: str, endpoint_name: str, stage_name: str | None) -> dict[str, str]:
    """Return the stamp for an approved version that does not serve."""
    return {endpoint_property(stage_name, endpoint_name): _value(words)}


def of_digest(digest: str, stage_name: str, specification_name: str | None) -> dict[str, str]:
    """Return the stamp by which other stages know what was deployed.

    Args:
        digest: Of what was deployed.
        stage_name: The stage.
        specification_name: The inference specification; None for the version's own. Only digests of the same
            specification are compared.
    """
    return {digest_property(stage_name, specification_name): digest}


def of_promotion(goal: LifeCycle, stage_name: str, when: datetime) -> dict[str, str]:
    """Return the stamp that keeps a stage's other endpoints from promoting a version again."""
    return {promoted_property(stage_name): _value(f"to {goal.stage}/{goal.stage_status} {_when(when)}")}


def that_fit(properties: Mapping[str, str], metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the properties for which a version has room: digests and promotions first, then failures.

    Args:
        properties: What is to be written.
        metadata: What the version has.
    """
    fitting = {key: value for key, value in properties.items() if key in metadata}
    for key, value in sorted(properties.items(), key=lambda each: _left_free(*each)):
        free = MOST_PROPERTIES - len(metadata.keys() | fitting.keys())
        if key not in metadata and free > _left_free(key, value):
            fitting[key] = value
    return fitting


def _left_free(key: str, value: str) -> int:
    if ":endpoint:" not in key and key != PREFLIGHT_PROPERTY:
        return 0
    return _ROOM["failed" if value.startswith(f"{AttemptStatus.FAILED.value} ") else "endpoint"]


def is_promoted(metadata: Mapping[str, str], stage_name: str) -> bool:
    """Tell whether a stage promoted a version before, even if somebody took that back."""
    return promoted_property(stage_name) in metadata


def broken_on(metadata: Mapping[str, str], stage_name: str, *, besides: str) -> list[str]:
    """Return the other endpoints on which a stage found a version broken, and not well since."""
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
    """Return a stage that deployed other content as the same version; None if there is none."""
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
