"""A sweep of many endpoints costs one read of each that is in sync, and changes nothing."""

from __future__ import annotations

import pytest

from tests.simulation.sweep import Numbers, run_sweep


@pytest.fixture(scope="module")
def swept() -> Numbers:
    return run_sweep(23, part_size=5)


def test_a_sweep_reads_sagemaker_once_for_each_endpoint_and_lists_them_a_hundred_at_a_time(
    swept: Numbers,
) -> None:
    assert swept.in_sync == 23
    assert swept.calls["sagemaker", "ListModelPackages"] == 23
    assert swept.calls["sagemaker", "ListEndpoints"] == 1
    assert swept.sagemaker_reads_per_endpoint == pytest.approx(1 + 1 / 23)


def test_a_sweep_of_what_is_in_sync_writes_nothing(swept: Numbers) -> None:
    assert swept.writes == 0


def test_a_sweep_of_many_endpoints_is_split_among_invocations(swept: Numbers) -> None:
    assert swept.invocations == 1 + 5
