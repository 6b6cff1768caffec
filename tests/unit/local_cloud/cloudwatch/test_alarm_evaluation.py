"""Alarms: which state their data demand."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.cloudwatch.alarm_evaluation import Metric, State, evaluate

NOW = 10_000.0
ERRORS = Metric("AWS/SageMaker", "Invocation5XXErrors", (("EndpointName", "churn"), ("VariantName", "a")))


def alarm(**members: Any) -> dict[str, Any]:
    return {
        "Namespace": ERRORS.namespace,
        "MetricName": ERRORS.name,
        "Dimensions": [{"Name": "VariantName", "Value": "a"}, {"Name": "EndpointName", "Value": "churn"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        **members,
    }


class Series:
    """The values of periods, the newest last as the user guide prints them: `0`, `X` (breaching) or `-`."""

    def __init__(self, pattern: str, length: float = 60) -> None:
        self._pattern = pattern.replace(" ", "")
        self._length = length
        self.asked: list[tuple[Metric, str]] = []

    def __call__(self, metric: Metric, statistic: str, start: float, end: float) -> float | None:
        assert end - start == pytest.approx(self._length)
        self.asked.append((metric, statistic))
        age = round((NOW - end) / self._length)
        if age >= len(self._pattern):
            return None
        return {"0": 0.0, "X": 1.0, "-": None}[self._pattern[-1 - age]]


def state(pattern: str, **members: Any) -> State | None:
    evaluation = evaluate(alarm(**members), Series(pattern), NOW)
    return None if evaluation is None else evaluation.state


@pytest.mark.parametrize(
    ("pattern", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "OK", "OK", "OK", "OK"),
        ("0----", "OK", "OK", "OK", "OK"),
        ("-----", "INSUFFICIENT_DATA", None, "ALARM", "OK"),
        ("0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("--X--", "ALARM", None, "ALARM", "OK"),
        ("----X", "OK", None, "ALARM", "OK"),
        ("00XXX", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("XX000", "OK", "OK", "OK", "OK"),
    ],
)
def test_missing_data_are_treated_as_the_alarm_says(
    pattern: str, missing: str, ignore: str | None, breaching: str, not_breaching: str
) -> None:
    """Three of three periods; the table of the user guide, and None for "retain current state"."""
    found = tuple(
        state(pattern, TreatMissingData=treatment)
        for treatment in ("missing", "ignore", "breaching", "notBreaching")
    )
    assert found == (missing, ignore, breaching, not_breaching)


@pytest.mark.parametrize(
    ("pattern", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("00X0X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0-X--", "OK", "OK", "ALARM", "OK"),
        ("----0", "OK", "OK", "ALARM", "OK"),
        ("---X-", "ALARM", None, "ALARM", "OK"),
    ],
)
def test_missing_data_count_for_some_datapoints_out_of_several_periods_too(
    pattern: str, missing: str, ignore: str | None, breaching: str, not_breaching: str
) -> None:
    """Two of three periods; the user guide's second table."""
    found = tuple(
        state(pattern, TreatMissingData=treatment, DatapointsToAlarm=2)
        for treatment in ("missing", "ignore", "breaching", "notBreaching")
    )
    assert found == (missing, ignore, breaching, not_breaching)


@pytest.mark.parametrize(
    ("pattern", "expected"), [("X0X", "ALARM"), ("X00", "OK"), ("0XX", "ALARM"), ("00X", "OK")]
)
def test_datapoints_to_alarm_need_not_be_consecutive(pattern: str, expected: str) -> None:
    assert state(pattern, DatapointsToAlarm=2) == expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("GreaterThanThreshold", "OK"),
        ("GreaterThanOrEqualToThreshold", "ALARM"),
        ("LessThanThreshold", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM"),
    ],
)
def test_a_value_on_the_threshold_breaches_by_the_operator(operator: str, expected: str) -> None:
    assert state("000", ComparisonOperator=operator) == expected


def test_a_value_on_one_side_of_the_threshold_breaches_one_operator_only() -> None:
    assert state("XXX", ComparisonOperator="LessThanThreshold") == "OK"
    assert state("XXX", ComparisonOperator="LessThanThreshold", Threshold=2) == "ALARM"


def test_an_alarm_asks_for_its_metric_with_exactly_its_dimensions_and_its_statistic() -> None:
    series = Series("XXX")
    evaluate(alarm(), series, NOW)
    assert set(series.asked) == {(ERRORS, "Sum")}
    series = Series("XXX")
    evaluate(alarm(Statistic=None, ExtendedStatistic="p90"), series, NOW)
    assert set(series.asked) == {(ERRORS, "p90")}


def test_periods_can_be_scaled_down() -> None:
    evaluation = evaluate(alarm(), Series("XXX", 3), NOW, period_scale=0.05)
    assert evaluation is not None
    assert evaluation.state is State.ALARM
    assert evaluation.reason == (
        "Threshold Crossed: datapoints 1, 1, 1 (0 missing) were compared with the threshold "
        "(GreaterThanThreshold 0)."
    )


def test_an_alarm_on_an_anomaly_band_keeps_its_state() -> None:
    assert state("XXX", ThresholdMetricId="band") is None


def ratio(expression: str = "IF(calls > 0, 100 * errors / calls, 0)", **members: Any) -> dict[str, Any]:
    def query(identifier: str, name: str) -> dict[str, Any]:
        metric = {"Namespace": "AWS/SageMaker", "MetricName": name}
        stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
        return {"Id": identifier, "MetricStat": stat, "ReturnData": False}

    return {
        "Metrics": [
            {"Id": "rate", "Expression": "percent + 0", "ReturnData": True},
            {"Id": "percent", "Expression": expression, "ReturnData": False},
            query("errors", "Invocation5XXErrors"),
            query("calls", "Invocations"),
        ],
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        **members,
    }


@pytest.mark.parametrize(
    ("errors", "calls", "expected"),
    [(1.0, 100.0, "OK"), (6.0, 100.0, "ALARM"), (None, None, "OK"), (0.0, 0.0, "OK")],
)
def test_an_alarm_on_a_ratio_computes_it_per_period(
    errors: float | None, calls: float | None, expected: str
) -> None:
    by_name = {"Invocation5XXErrors": errors, "Invocations": calls}
    evaluation = evaluate(ratio(), lambda metric, *_: by_name[metric.name], NOW)
    assert evaluation is not None
    assert evaluation.state == expected


def test_an_expression_on_an_id_that_there_is_not_is_insufficient_data() -> None:
    evaluation = evaluate(ratio("missing / calls"), lambda *_: 1.0, NOW)
    assert evaluation is not None
    assert evaluation.state is State.INSUFFICIENT_DATA
    assert "there is no" in evaluation.reason


def test_an_expression_that_cannot_be_used_is_insufficient_data_and_says_so() -> None:
    evaluation = evaluate(ratio("RATE(calls)"), lambda *_: 1.0, NOW)
    assert evaluation is not None
    assert evaluation.state is State.INSUFFICIENT_DATA
    assert "there is no RATE" in evaluation.reason
