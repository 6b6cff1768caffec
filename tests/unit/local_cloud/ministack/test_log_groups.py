"""Containers' lines are in their endpoint's log group: at once, or as late as a test wants."""

from __future__ import annotations

import time
from typing import Any

import pytest

from local_cloud.ministack.log_groups import LogGroups
from tests.unit.deployer.pipeline import REGION, Pipeline

GROUP = "/aws/sagemaker/Endpoints/churn"
STREAM = "AllTraffic/i-0"


def shown(logs: Any) -> list[str]:
    if not logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        return []
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=STREAM)["events"]
    return [each["message"] for each in events]


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_line_is_shown_after_its_delay(seconds: float) -> None:
    pipeline, groups = Pipeline(), LogGroups()
    groups.delivery_seconds = lambda: seconds
    logs = pipeline.cloud.client("logs")

    groups.write_logs(pipeline.account_id, REGION, group=GROUP, stream=STREAM, lines=["one", "two"])
    at_once, until = shown(logs), time.monotonic() + 10
    while not shown(logs) and time.monotonic() < until:
        time.sleep(0.05)

    assert at_once == ([] if seconds else ["one", "two"])
    assert shown(logs) == ["one", "two"]
