"""Metric math over the values of one period."""

from __future__ import annotations

import pytest

from local_cloud.cloudwatch.metric_math import ExpressionError, compute

VALUES: dict[str, float | None] = {"m1": 8.0, "m2": 2.0, "zero": 0.0, "none": None}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2 * 3", 14.0),
        ("(m1 + m2) * 3", 30.0),
        ("m1 - m2 - 1", 5.0),
        ("m1 / m2 / 2", 2.0),
        ("-m2 ^ 2", -4.0),
        ("2 ^ 3 ^ 2", 512.0),
        ("1.5e1", 15.0),
        ("100 * m2 / m1", 25.0),
        ("m1 / zero", None),
        ("m1 + none", None),
        ("IF(m1 > 0, m2 / m1, 0)", 0.25),
        ("IF(zero > 0, m2 / zero, 0)", 0.0),
        ("IF(none, 1, 2)", None),
        ("IF(m1 >= 8 AND m2 < 3, 1, 0)", 1.0),
        ("IF(m1 == 7 || m2 != 2, 1, 0)", 0.0),
        ("FILL(none, 0) + FILL(m1, 0)", 8.0),
        ("MAX([m1, m2, none])", 8.0),
        ("MIN(m1, m2)", 2.0),
        ("SUM([m1, m2])", 10.0),
        ("AVG([m1, m2])", 5.0),
        ("SUM([none])", None),
        ("ABS(m2 - m1) + CEIL(0.2) + FLOOR(0.9)", 7.0),
    ],
)
def test_an_expression_has_the_value_that_arithmetic_gives_it(
    expression: str, expected: float | None
) -> None:
    assert compute(expression, VALUES) == expected


@pytest.mark.parametrize(
    ("expression", "fragment"),
    [
        ("m1 +", "a value is missing before 'its end'"),
        ("m9", "there is no 'm9'"),
        ("(m1", "')' is missing"),
        ("m1 m2", "unexpected 'm2'"),
        ("m1 ? 2", "unexpected '?'"),
        ("ANOMALY_DETECTION_BAND(m1, 2)", "there is no ANOMALY_DETECTION_BAND of 2 value(s)"),
        ("IF(m1)", "there is no IF of 1 value(s)"),
        ("SUM([m1, m2)", "']' is missing"),
        ("* 2", "a value is missing before '*'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(expression: str, fragment: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compute(expression, VALUES)
    assert fragment in str(caught.value)
    assert expression in str(caught.value)
