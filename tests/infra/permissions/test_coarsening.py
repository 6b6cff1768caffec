"""Names become patterns that still have all of them, and keys of objects stand for themselves in a policy."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iam_evaluator.matching import matches_resource
from iam_evaluator.request_context import Context
from infra.permissions.coarsening import Loss, alike, in_steps, literal
from infra.permissions.spreading import Allowance, spread

BUCKET = "arn:aws:s3:::models/"
NAMES = st.lists(st.text("abc-", min_size=1, max_size=6), min_size=1, max_size=40)


def in_s3(key: str, pattern: str) -> bool:
    """Tell whether a policy's pattern has an object."""
    return matches_resource(f"{BUCKET}{pattern}", f"{BUCKET}{key}", Context({})) is True


@given(NAMES)
def test_law_fewer_patterns_still_have_every_name_and_never_all_there_are(names: list[str]) -> None:
    before = len(set(names))
    for patterns in alike(names):
        assert all(any(in_s3(name, pattern) for pattern in patterns) for name in names)
        assert "*" not in patterns
        assert len(patterns) <= before
        before = len(patterns)
    # In the end only names that begin differently are apart.
    last = [*alike(names)][-1:]
    assert all(len({each[0] for each in patterns}) == len(patterns) for patterns in last)


def test_names_that_begin_alike_for_longest_become_one_first() -> None:
    names = ["fraud-a", "fraud-b", "churn-model", "pricing-x-1", "pricing-x-2", "other", "pricing-y"]

    assert [*alike(names)] == [["churn-model", "fraud-*", "other", "pricing-*"]]
    assert [*alike(["a-1-x", "a-1-y", "a-1-z", "a-2"])] == [["a-1-*", "a-2"], ["a-*"]]
    assert [*alike(["a"])] == []
    assert [*alike(["a", "b"])] == []


def test_a_name_that_another_pattern_has_is_not_named_too() -> None:
    # Of four neighbours with equal prefixes, two pairs are made: both are `a-*`.
    assert next(alike(["a-1", "a-2", "a-3", "a-4"])) == ["a-*"]


def test_what_is_before_names_is_nothing_in_common() -> None:
    topics = [
        f"arn:aws:sns:{region}:111122223333:{name}" for region in ("a", "b") for name in ("t-1", "t-2", "u")
    ]

    *_, last = alike(topics, stem=lambda topic: topic.rindex(":") + 1)

    assert last == [
        f"arn:aws:sns:{region}:111122223333:{name}" for region in ("a", "b") for name in ("t-*", "u")
    ]


@given(st.text(max_size=12), st.text(max_size=12))
@example("a*b", "aXb")
@example("a?b", "aXb")
@example("${aws:username}", "")
@example("$", "$$")
@example("données/été", "données/ete")
@example("模型/样本", "模型/样本二")
def test_law_a_key_stands_for_itself_in_a_policy_that_iam_takes(key: str, other: str) -> None:
    written = literal(key)

    assert re.fullmatch("[\t\n\r\x20-\xff]*", written)
    assert in_s3(key, written)
    is_exact = written.count("*") == key.count("*")
    if is_exact and other != key:
        assert not in_s3(other, written)


@pytest.mark.parametrize("steps", [1, 2])
def test_forms_that_take_no_less_are_passed_over(steps: int) -> None:
    fine = Allowance("Read", ["s3:GetObject"], [f"arn:aws:s3:::{'a' * 50}{n}/*" for n in range(300)])
    same = Allowance("Read", ["s3:GetObject"], fine.resources, loses=Loss.OBJECTS)
    coarser = Allowance("Read", ["s3:GetObject"], ["arn:aws:s3:::aaa*"], loses=Loss.NAMES)

    found = spread([in_steps(fine, *[same] * steps, coarser)], most_managed=0)

    assert found.policies == ((coarser,),)
    assert json.dumps([*found.coarsened]) == '["Read"]'
