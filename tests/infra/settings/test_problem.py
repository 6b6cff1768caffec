from __future__ import annotations

from datetime import date

import pytest

from infra.settings.problem import ConfigurationError, Problem, field_name, nearest, report, shown

REPORT = """\
3 problems in the configuration; nothing was synthesised.

a.yaml
  the file
    got       empty
    expected  settings
    fix       fill it

b.yaml
  line 2: instance_type
    got       'x'
    expected  an instance type
    fix       did you mean y?
  line 7: tags
    got       a
    expected  b
    fix       c"""


def test_problems_are_reported_by_file_and_in_the_order_of_lines() -> None:
    late = Problem("b.yaml", 7, "tags", "a", "b", "c")
    early = Problem("b.yaml", 2, "instance_type", "'x'", "an instance type", "did you mean y?")
    other = Problem("a.yaml", 0, "the file", "empty", "settings", "fill it")

    assert report([late, early, other]) == REPORT


def test_an_error_says_each_problem_once() -> None:
    problem = Problem("a.yaml", 1, "x", "a", "b", "c")

    error = ConfigurationError([problem, problem])

    assert error.problems == (problem,)
    assert str(error).startswith("1 problem in the configuration")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing (an empty value)"),
        (True, "true (a boolean)"),
        (3, "3 (a number)"),
        (1.5, "1.5 (a number)"),
        ("a", "'a'"),
        ({}, "an empty mapping"),
        ({"a": 1}, "a mapping"),
        ([1, 2], "a list of 2"),
        (date(2026, 1, 2), "2026-01-02 (a date)"),
        ("x" * 300, f"'{'x' * 119}… (302 characters)"),
    ],
)
def test_values_are_shown_as_yaml_understood_them_and_never_at_length(value: object, text: str) -> None:
    assert shown(value) == text


def test_fields_are_named_as_people_write_them() -> None:
    assert field_name(("overrides", "model", "Containers", 0, "Mode")) == "overrides.model.Containers[0].Mode"
    assert field_name(()) == "the file"


@pytest.mark.parametrize(
    ("word", "meant"),
    [("production_variants", "ProductionVariants"), ("PRODUCTIONVARIANT", "ProductionVariants")],
)
def test_names_in_another_style_are_recognised(word: str, meant: str) -> None:
    assert nearest(word, ["KmsKeyId", "ProductionVariants"])[0] == meant


def test_nothing_is_suggested_for_what_is_like_nothing() -> None:
    assert nearest("zzz", ["KmsKeyId", "ProductionVariants"]) == []
