"""Compute an alarm's state: periods, missing data, datapoints to alarm and metric math.

Pure: takes an alarm in PutMetricAlarm's form, a source of statistics, and the time. CloudWatch's emulator
stores alarms and reacts to their states. Source: CloudWatch user guide, "Evaluating an alarm" and
"Configuring how CloudWatch alarms treat missing data".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from local_cloud.cloudwatch.metric_math import ExpressionError, UnknownIdError, compute

_EXTRA_PERIODS = 2
"""How many older periods count when recent ones lack data ("a higher number of data points than the number
specified as Evaluation Periods"; the user guide's examples have two)."""


class State(StrEnum):
    """The states of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: namespace, name and exactly these dimensions, sorted by name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Metric:
        """Return the metric of an alarm or a MetricStat."""
        dimensions = sorted((item["Name"], item["Value"]) for item in document.get("Dimensions") or ())
        return cls(document["Namespace"], document["MetricName"], tuple(dimensions))


Statistics: TypeAlias = Callable[[Metric, str, float, float], "float | None"]
"""Returns a metric's statistic (`Sum`, `p90`, …) between two epoch times; None without data."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An alarm's state and why."""

    state: State
    reason: str


def evaluate(
    alarm: Mapping[str, Any], statistics: Statistics, now: float, *, period_scale: float = 1.0
) -> Evaluation | None:
    """Return the state by an alarm's data; None if it keeps its state.

    Periods end at `now` rather than at whole minutes, so that data count at once.

    Args:
        alarm: The alarm, in PutMetricAlarm's form.
        statistics: The source of its metrics' statistics.
        now: Epoch seconds.
        period_scale: Multiplies the alarm's periods, to turn minutes into seconds.
    """
    if "ThresholdMetricId" in alarm:
        return None
    periods = int(alarm.get("EvaluationPeriods") or 1)
    needed = int(alarm.get("DatapointsToAlarm") or periods)
    length = _period(alarm) * period_scale
    try:
        newest_first = [
            _value(alarm, statistics, now - (age + 1) * length, now - age * length)
            for age in range(periods + _EXTRA_PERIODS)
        ]
    except ExpressionError as error:
        return Evaluation(State.INSUFFICIENT_DATA, str(error))
    present = [(age, value) for age, value in enumerate(newest_first, 1) if value is not None][:periods]
    missing = periods - len(present)
    breaching = [age for age, value in present if _breaches(alarm, value)]
    treatment = alarm.get("TreatMissingData") or "missing"
    counted = len(breaching) + (missing if treatment == "breaching" else 0)
    passing = len(present) - len(breaching) + (missing if treatment == "notBreaching" else 0)
    reason = _reason(alarm, [value for _, value in present], missing)
    if counted >= needed:
        return Evaluation(State.ALARM, reason)
    if passing > periods - needed:
        return Evaluation(State.OK, reason)
    # Missing data do not decide.
    if treatment == "ignore":
        # Keep the current state unless a value is within the threshold.
        is_well = len(breaching) < len(present)
        return Evaluation(State.OK, reason) if is_well else None
    if not present:
        return Evaluation(State.INSUFFICIENT_DATA, reason)
    is_old_enough = bool(breaching) and max(breaching) >= needed and len(breaching) == len(present)
    return Evaluation(State.ALARM if is_old_enough else State.OK, reason)


def _period(alarm: Mapping[str, Any]) -> float:
    periods = [query["MetricStat"]["Period"] for query in alarm.get("Metrics") or () if "MetricStat" in query]
    return float(max(periods) if periods else alarm.get("Period") or 60)


def _value(alarm: Mapping[str, Any], statistics: Statistics, start: float, end: float) -> float | None:
    """Return the value to compare with the threshold, for one period."""
    queries: Sequence[Mapping[str, Any]] = alarm.get("Metrics") or ()
    if not queries:
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        return statistics(Metric.of(alarm), statistic, start, end)
    values: dict[str, float | None] = {}
    waiting = []
    for query in queries:
        if "MetricStat" in query:
            metric = Metric.of(query["MetricStat"]["Metric"])
            values[query["Id"]] = statistics(metric, query["MetricStat"]["Stat"], start, end)
        else:
            waiting.append(query)
    # Expressions may refer to each other in any order; an error in the last round is a mistake.
    for is_last in (*(False for _ in waiting), True):
        for query in [query for query in waiting if query["Id"] not in values]:
            try:
                values[query["Id"]] = compute(query["Expression"], values)
            except UnknownIdError:
                if is_last:
                    raise
    returned = next((query["Id"] for query in queries if query.get("ReturnData", True)), queries[-1]["Id"])
    return values[returned]


def _breaches(alarm: Mapping[str, Any], value: float) -> bool:
    threshold = float(alarm["Threshold"])
    match alarm["ComparisonOperator"]:
        case "GreaterThanThreshold":
            return value > threshold
        case "GreaterThanOrEqualToThreshold":
            return value >= threshold
        case "LessThanThreshold":
            return value < threshold
        case _:
            return value <= threshold


def _reason(alarm: Mapping[str, Any], values: Sequence[float], missing: int) -> str:
    shown = ", ".join(f"{value:g}" for value in values) or "none"
    return (
        f"Threshold Crossed: datapoints {shown} ({missing} missing) were compared with the threshold "
        f"({alarm['ComparisonOperator']} {float(alarm['Threshold']):g})."
    )
