"""What the doctor says of the account's quotas."""

from __future__ import annotations

import shlex
from typing import Any, Final

import pytest

from greenlight.doctor.checks.quotas import check_quotas
from greenlight.doctor.facts import Absent, Found, Quota, Unreadable
from greenlight.doctor.findings import Finding, Status

LARGE: Final = "ml.m5.large"


def config(count: int, *, kind: str = "ProductionVariants") -> dict[str, Any]:
    return {kind: [{"InstanceType": LARGE, "InitialInstanceCount": count}]}


def told(quota: Any, *configs: dict[str, Any]) -> list[Finding]:
    return list(check_quotas("111122223333", "eu-central-1", configs, {LARGE: quota}))


@pytest.mark.parametrize(
    ("configs", "needed"),
    [
        ([config(1)], 2),
        ([config(2), config(1)], 5),
        ([config(1), config(2, kind="ShadowProductionVariants")], 5),
    ],
)
def test_all_endpoints_and_the_largest_variant_twice_have_to_fit(
    configs: list[dict[str, Any]], needed: int
) -> None:
    [enough] = told(Found(Quota(float(needed), "L-1")), *configs)
    [short] = told(Found(Quota(needed - 1.0, "L-1")), *configs)

    assert (enough.status, short.status) == (Status.OK, Status.GAP)
    assert short.found.startswith(f"it is {needed - 1}; {needed} are needed")
    assert shlex.split(short.command)[-2:] == ["--desired-value", str(needed)]


def test_a_serverless_variant_needs_none() -> None:
    assert told(Absent(), {"ProductionVariants": [{"ServerlessConfig": {}}]}) == []


@pytest.mark.parametrize(
    ("quota", "status"), [(Absent(), Status.GAP), (Unreadable("Denied", "Ask."), Status.UNKNOWN)]
)
def test_a_quota_that_is_missing_or_hidden_is_not_in_order(quota: Any, status: Status) -> None:
    [finding] = told(quota, config(1))

    assert finding.status is status
