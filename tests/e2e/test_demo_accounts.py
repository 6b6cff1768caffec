"""The demo of several accounts is a test: each of its checks is a promise; the first that fails ends it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from demo.accounts.team import STAGES
from demo.timeline import Timeline
from local_cloud.child_process import start_local_cloud

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]


def test_one_approval_passes_both_stages_a_broken_version_none_and_one_reject_takes_both_back(
    tmp_path: Path,
) -> None:
    # Here, because it imports scikit-learn for seconds, and every worker collects this file.
    from demo.accounts.walkthrough import walk_through  # noqa: PLC0415

    timeline = Timeline(console=Console(file=io.StringIO()))

    with start_local_cloud() as cloud:
        walk_through(cloud, timeline, tmp_path)

    shown = {what for what, _, _ in timeline.results}
    assert {
        "version 2 failed in staging, by",
        "the registry says what staging expected",
        "what production ever made of version 2",
        "where staging has promoted version 2 to",
        "who called production meanwhile was answered",
        "production's own smoke test refuses version 2",
        "and for version 2, which it had found broken",
    } <= shown
    for name in STAGES:
        assert {f"the doctor's exit code for {name}", f"{name} serves version 1 again"} <= shown
