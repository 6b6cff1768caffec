"""What an endpoint's alarms measure, as CloudWatch is asked for it and as people read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from greenlight.endpoint.measuring import Measured, measured, queries, read_measured
from infra.settings.compiling.alarm_definitions import Watched, rollback_alarms
from infra.settings.keys.rollout_options import RollbackAlarms
from tests.unit.deployer.builders import NOW

ALARMS = [
    each.request()
    for each in rollback_alarms(
        Watched("Greenlight", "churn", "AllTraffic"),
        RollbackAlarms(
            error_ratio_percent=2, model_latency_p99_ms=300, invocations_floor=10, period_seconds=300
        ),
    )
]
RATIO, LATENCY, FLOOR = ALARMS


class CloudWatch:
    """Answers GetMetricData with values by query, oldest first."""

    def __init__(self, **values: list[float]) -> None:
        self.values = values
        self.request: dict[str, Any] = {}

    def client(self, service: str) -> CloudWatch:
        assert service == "cloudwatch"
        return self

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        self.request = request
        times = [NOW - timedelta(minutes=each) for each in (2, 1)]
        return {
            "MetricDataResults": [
                {"Id": each, "Values": values, "Timestamps": times[: len(values)]}
                for each, values in self.values.items()
            ]
        }


def test_one_call_asks_for_all_alarms_with_ids_of_their_own() -> None:
    cloud = CloudWatch(a0_result=[9.0, 0.3], a1_value=[12_000.0], a2_value=[])

    found = read_measured(cloud, ALARMS, NOW)  # type: ignore[arg-type] # only clients

    assert {name: each.words for name, each in found.items()} == {
        "Greenlight.churn.error-ratio": "0.3 % (limit 2 %)",
        "Greenlight.churn.model-latency-p99": "12 ms (limit 300 ms)",
    }
    ids = [each["Id"] for each in cloud.request["MetricDataQueries"]]
    assert len(ids) == len(set(ids)) == 5
    assert cloud.request["EndTime"] - cloud.request["StartTime"] == timedelta(minutes=15)


def test_an_expression_names_its_own_queries() -> None:
    asked = {each["Id"]: each for each in queries(RATIO, 7)}

    assert asked["a7_result"]["Expression"] == "100 * a7_errors / a7_invocations"
    assert asked.keys() == {"a7_result", "a7_errors", "a7_invocations"}


@pytest.mark.parametrize(
    ("alarm", "value", "expected"),
    [
        (RATIO, 0.25, Measured(0.25, 2, "%")),
        (LATENCY, 250_000, Measured(250, 300, "ms")),
        (FLOOR, 40, Measured(40, 10, "calls")),
    ],
    ids=["ratio", "latency", "calls"],
)
def test_a_value_has_the_unit_of_its_setting(alarm: dict[str, Any], value: float, expected: Measured) -> None:
    assert measured(alarm, value) == expected


def test_who_may_not_read_metrics_still_sees_the_rest() -> None:
    class Denied(CloudWatch):
        def get_metric_data(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, "GetMetricData")

    assert read_measured(Denied(), ALARMS, NOW) == {}  # type: ignore[arg-type] # only clients


def test_without_alarms_nothing_is_asked() -> None:
    assert read_measured(CloudWatch(), [], NOW) == {}  # type: ignore[arg-type] # only clients
