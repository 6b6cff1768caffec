"""Asks CloudWatch what an endpoint's rollback alarms measure now, and holds it beside their limits.

Source: botocore's `GetMetricData`: one call takes the queries of any number of alarms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from greenlight.connection import Connection

_PERIODS: Final = 3
"""How far back a value may lie: CloudWatch shows a period's values with a delay."""

_IN_A_MILLISECOND: Final = 1000
"""ModelLatency is counted in microseconds (developer guide, "monitoring-cloudwatch")."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What an alarm measures.

    Attributes:
        value: The newest value.
        limit: The alarm's threshold.
        unit: `%`, `ms` or `calls`.
    """

    value: float
    limit: float
    unit: str

    @property
    def words(self) -> str:
        """The value beside its limit."""
        return f"{self.value:.3g} {self.unit} (limit {self.limit:g} {self.unit})"


def read_measured(
    connection: Connection, alarms: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, Measured]:
    """Read the newest value of each alarm that has one, by its name, in one call.

    Nothing is read for a caller who may not: the alarms' states say what counts.

    Args:
        connection: The way to AWS.
        alarms: The alarms, as requests of `PutMetricAlarm`.
        now: The time.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - help starts without boto3

    if not alarms:
        return {}
    longest = max(_period(each) for each in alarms)
    try:
        answer: dict[str, Any] = connection.client("cloudwatch").get_metric_data(
            MetricDataQueries=[
                query for number, each in enumerate(alarms) for query in queries(each, number)
            ],
            StartTime=now - _PERIODS * timedelta(seconds=longest),
            EndTime=now,
        )
    except ClientError:
        return {}
    found: dict[str, Measured] = {}
    for result in answer["MetricDataResults"]:
        values = sorted(zip(result["Timestamps"], result["Values"], strict=True))
        if values:
            alarm = alarms[int(result["Id"].removeprefix("a").partition("_")[0])]
            found[alarm["AlarmName"]] = measured(alarm, float(values[-1][1]))
    return found


def queries(alarm: Mapping[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """Yield an alarm's own queries, with ids that no other alarm's have."""
    metrics = alarm.get("Metrics")
    if metrics is None:
        stat = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        named = {each: alarm[each] for each in ("Namespace", "MetricName", "Dimensions")}
        yield {
            "Id": f"a{number}_value",
            "MetricStat": {"Metric": named, "Period": alarm["Period"], "Stat": stat},
        }
        return
    ids = {each["Id"] for each in metrics}
    for each in metrics:
        renamed = {**each, "Id": f"a{number}_{each['Id']}"}
        if "Expression" in each:
            renamed["Expression"] = re.sub(
                r"[a-z]\w*",
                lambda found: f"a{number}_{found[0]}" if found[0] in ids else found[0],
                each["Expression"],
            )
        yield renamed


def measured(alarm: Mapping[str, Any], value: float) -> Measured:
    """Return a value in the unit that people set the limit in."""
    limit = float(alarm["Threshold"])
    if "Metrics" in alarm:
        return Measured(value, limit, "%")
    if alarm["MetricName"] == "ModelLatency":
        return Measured(value / _IN_A_MILLISECOND, limit / _IN_A_MILLISECOND, "ms")
    return Measured(value, limit, "calls")


def _period(alarm: Mapping[str, Any]) -> int:
    of_queries = [
        int(each["MetricStat"]["Period"]) for each in alarm.get("Metrics", ()) if "MetricStat" in each
    ]
    return max(of_queries) if of_queries else int(alarm["Period"])
