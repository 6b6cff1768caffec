"""The measurement of `greenlight status` over a fleet, with a small one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from infra.bundling.assets import REPOSITORY
from local_cloud.hosting.unhosted import Unhosted
from local_cloud.sagemaker.ports import Health


@pytest.mark.long
def test_a_small_fleet_is_measured_and_every_endpoint_is_in_sync() -> None:
    """The measurement ends with an error unless each of them is; how long it takes is not judged here."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.status", "--endpoints", "3", "--runs", "1"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "greenlight status, 3 endpoints at rest" in done.stdout, done.stderr
    assert "'ListEndpoints': 1" in done.stdout


def test_what_stands_in_for_containers_is_healthy_at_once() -> None:
    hosting = Unhosted()
    fleet = hosting.launch(None)  # type: ignore[arg-type] # it looks at no spec

    assert hosting.health(fleet) is Health.HEALTHY
    assert hosting.launch(None) != fleet  # type: ignore[arg-type] # likewise
