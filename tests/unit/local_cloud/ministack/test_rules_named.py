"""Which rule a call about targets is authorised on, as ARNs name it."""

from __future__ import annotations

import json

import pytest

from local_cloud.ministack.named_in_requests import rule_named

BUS = "arn:aws:events:eu-central-1:111122223333:event-bus/team"


@pytest.mark.parametrize(
    ("request_body", "rule"),
    [
        ({"Rule": "sweep"}, "sweep"),
        ({"Rule": "sweep", "EventBusName": "default"}, "sweep"),
        ({"Rule": "sweep", "EventBusName": "team"}, "team/sweep"),
        ({"Rule": "sweep", "EventBusName": BUS}, "team/sweep"),
        ({"EventBusName": "team"}, None),
        ({}, None),
    ],
)
def test_the_default_bus_is_not_part_of_a_rules_arn(request_body: dict[str, str], rule: str | None) -> None:
    assert rule_named(json.dumps(request_body).encode()) == rule
