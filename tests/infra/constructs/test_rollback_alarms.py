"""Holds the alarms that the stack makes to what CloudWatch and the deployer need of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised

PAIR = [{"Name": "EndpointName", "Value": "churn"}, {"Name": "VariantName", "Value": "AllTraffic"}]


def made(synthesised: Synthesised) -> dict[str, dict[str, Any]]:
    """The properties of the alarms of endpoints, by name."""
    every = synthesised.of_type("AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"]: alarm for alarm in every if "AlarmName" in alarm}


def test_each_guarded_endpoint_has_the_alarms_that_its_settings_name(featured: Synthesised) -> None:
    assert made(featured).keys() == {
        "Greenlight-churn-abort",
        "Greenlight-churn-error-ratio",
        "Greenlight-churn-model-latency-p90",
        "Greenlight-churn-invocations-floor",
        "Greenlight-fraud-abort",
        "Greenlight-pricing-abort",
        "Greenlight-pricing.Challenger-error-ratio",
    }
    for document in featured.settings.values():
        if "DeploymentConfig" not in document:
            continue
        watched = document["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
        assert {alarm["AlarmName"] for alarm in watched} - {"theirs"} <= made(featured).keys()


def test_an_abort_alarm_keeps_the_state_that_was_set(featured: Synthesised) -> None:
    alarm = made(featured)["Greenlight-churn-abort"]

    assert alarm["TreatMissingData"] == "ignore"
    assert (alarm["Namespace"], alarm["MetricName"]) == ("Greenlight", "Abort")
    assert alarm["Dimensions"] == [{"Name": "EndpointName", "Value": "churn"}]
    assert "reject the version" in alarm["AlarmDescription"]


def test_the_error_ratio_is_metric_math_over_the_variants_calls(featured: Synthesised) -> None:
    alarm = made(featured)["Greenlight-churn-error-ratio"]

    result, *queries = alarm["Metrics"]
    assert (result["Expression"], result["ReturnData"]) == ("100 * errors / invocations", True)
    assert {query["Id"]: query["MetricStat"]["Metric"]["MetricName"] for query in queries} == {
        "errors": "Invocation5XXErrors",
        "invocations": "Invocations",
    }
    for query in queries:
        assert query["ReturnData"] is False
        assert (query["MetricStat"]["Stat"], query["MetricStat"]["Period"]) == ("Sum", 60)
        assert query["MetricStat"]["Metric"]["Dimensions"] == PAIR
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (5, 2)


def test_a_percentile_is_an_extended_statistic(featured: Synthesised) -> None:
    alarm = made(featured)["Greenlight-churn-model-latency-p90"]

    assert (alarm["ExtendedStatistic"], alarm["Threshold"]) == ("p90", 200_000)
    assert "Statistic" not in alarm
    assert alarm["Dimensions"] == PAIR


def test_without_a_rollout_no_alarm_is_made(synthesised: Synthesised) -> None:
    assert made(synthesised) == {}
