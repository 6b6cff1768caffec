"""Holds the alarms of a rollout: their names, and the requests by which the deployer makes them."""

from __future__ import annotations

from itertools import product
from typing import Any

import botocore.session
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from infra.settings.compiling.alarm_definitions import (
    LONGEST_NAME,
    Watched,
    abort_alarm,
    alarm_name,
    rollback_alarms,
)
from infra.settings.keys.rollout_options import RollbackAlarms

WATCHED = Watched("Greenlight", "churn", "AllTraffic")
EVERY = RollbackAlarms(
    error_ratio_percent=5, model_latency_p90_ms=200, model_latency_p99_ms=900, invocations_floor=1
)
PAIR = [{"Name": "EndpointName", "Value": "churn"}, {"Name": "VariantName", "Value": "AllTraffic"}]
NAMES = st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", fullmatch=True).map(lambda name: name[:63])


def requests(watched: Watched = WATCHED) -> dict[str, dict[str, Any]]:
    made = [abort_alarm(watched), *rollback_alarms(watched, EVERY)]
    return {each.name: each.request() for each in made}


def test_each_request_is_one_that_cloudwatch_takes() -> None:
    model = botocore.session.get_session().get_service_model("cloudwatch")
    shape = model.operation_model("PutMetricAlarm").input_shape

    assert shape is not None
    for request in requests().values():
        assert not ParamValidator().validate(request, shape).has_errors()


def test_alarms_are_named_after_stack_and_endpoint() -> None:
    assert list(requests()) == [
        "Greenlight.churn.abort",
        "Greenlight.churn.error-ratio",
        "Greenlight.churn.model-latency-p90",
        "Greenlight.churn.model-latency-p99",
        "Greenlight.churn.invocations-floor",
    ]


def test_no_two_pairs_of_stack_and_endpoint_share_a_name() -> None:
    pairs = [("ml", "prod-churn"), ("ml-prod", "churn"), ("ml", "prod"), ("ml-prod-churn", "a")]
    names = [
        alarm_name(stack_name, endpoint_name, what, variant_name)
        for (stack_name, endpoint_name), variant_name, what in product(
            pairs, ("", "churn", "abort", "prod-churn"), ("abort", "error-ratio")
        )
    ]

    assert len(set(names)) == len(names)


@given(stack_name=NAMES, endpoint_name=NAMES, variant_name=st.one_of(st.just(""), NAMES))
def test_a_name_is_no_longer_than_cloudwatch_takes(
    stack_name: str, endpoint_name: str, variant_name: str
) -> None:
    name = alarm_name(f"{stack_name}{stack_name}"[:128], endpoint_name, "model-latency-p90", variant_name)

    assert len(name) <= LONGEST_NAME


def test_variants_with_long_names_keep_alarms_of_their_own() -> None:
    first, second = (alarm_name("s" * 128, "e" * 63, "error-ratio", "v" * 62 + each) for each in "ab")

    assert first != second
    assert len(first) <= LONGEST_NAME


def test_an_abort_alarm_measures_whether_a_stop_or_its_end_came_last() -> None:
    alarm = requests()["Greenlight.churn.abort"]

    result, *measured = alarm["Metrics"]
    assert (result["Expression"], alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "stopped + over",
        "GreaterThanThreshold",
        0,
    )
    assert {each["Id"]: each["MetricStat"]["Stat"] for each in measured} == {
        "stopped": "Maximum",
        "over": "Minimum",
    }
    for each in measured:
        assert each["MetricStat"]["Metric"] == {
            "Namespace": "Greenlight",
            "MetricName": "Abort",
            "Dimensions": PAIR[:1],
        }
    assert alarm["TreatMissingData"] == "ignore"
    assert "reject the version" in alarm["AlarmDescription"]


def test_the_error_ratio_is_metric_math_over_the_variants_calls() -> None:
    alarm = requests()["Greenlight.churn.error-ratio"]

    result, *measured = alarm["Metrics"]
    assert (result["Expression"], result["ReturnData"]) == ("100 * errors / invocations", True)
    for each in measured:
        assert each["ReturnData"] is False
        assert (each["MetricStat"]["Stat"], each["MetricStat"]["Period"]) == ("Sum", 60)
        assert each["MetricStat"]["Metric"]["Dimensions"] == PAIR
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (5, 2)


def test_a_percentile_is_an_extended_statistic() -> None:
    alarm = requests()["Greenlight.churn.model-latency-p90"]

    assert (alarm["ExtendedStatistic"], alarm["Threshold"]) == ("p90", 200_000)
    assert "Statistic" not in alarm
    assert alarm["Dimensions"] == PAIR
