"""GetMetricData computes expressions over the values of each period."""

from __future__ import annotations

from local_cloud.ministack.cloudwatch_metrics import computed

SERIES = {"errors": {60.0: 1.0, 120.0: 0.0, 180.0: 5.0}, "invocations": {60.0: 4.0, 120.0: 0.0}}


def test_an_expression_has_a_value_where_all_of_its_queries_do_and_nothing_is_divided_by_zero() -> None:
    query = {"Id": "result", "Expression": "100 * errors / invocations"}

    assert computed(query, SERIES) == {60.0: 25.0}


def test_a_query_without_an_expression_keeps_its_values() -> None:
    assert computed({"Id": "errors", "MetricStat": {}}, SERIES) == SERIES["errors"]
