from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_access.merging import UnusablePolicyError, merge, own_statements, parse, same, text_of

OWNER = "Greenlight0123456789"
OTHER = "Greenlightabcdefabcd"


def statement(sid: str | None, resource: str = "*") -> dict[str, Any]:
    named = {} if sid is None else {"Sid": sid}
    return {**named, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}


THEIRS = st.builds(
    statement, st.sampled_from([None, "Theirs", "AddPerm", f"{OTHER}Get", OWNER[:-1]]), st.text(max_size=3)
)
OURS = st.builds(statement, st.sampled_from([f"{OWNER}{part}" for part in "ABC"]), st.text(max_size=3))
POLICIES = st.none() | st.builds(
    lambda statements, version: {"Version": version, "Id": "theirs", "Statement": statements},
    st.lists(THEIRS | OURS, max_size=6),
    st.sampled_from(["2008-10-17", "2012-10-17"]),
)
WANTED = st.lists(OURS, max_size=3, unique_by=lambda each: each["Sid"])


def theirs(policy: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [each for each in (policy or {}).get("Statement", []) if not each.get("Sid", "").startswith(OWNER)]


@given(POLICIES, WANTED)
def test_what_others_wrote_stays_as_it_is_and_in_its_order(
    policy: dict[str, Any] | None, wanted: list[dict[str, Any]]
) -> None:
    before = deepcopy(policy)

    merged = merge(policy, wanted, OWNER)

    assert theirs(merged) == theirs(before)
    assert policy == before
    if merged is not None and policy is not None:
        assert {**merged, "Statement": 0} == {**policy, "Statement": 0}


@given(POLICIES, WANTED)
def test_after_merging_the_owner_has_exactly_what_it_wants(
    policy: dict[str, Any] | None, wanted: list[dict[str, Any]]
) -> None:
    merged = merge(policy, wanted, OWNER)

    assert same(own_statements(merged, OWNER), wanted)


@given(POLICIES, WANTED)
def test_merging_twice_gives_what_merging_once_gives(
    policy: dict[str, Any] | None, wanted: list[dict[str, Any]]
) -> None:
    once = merge(policy, wanted, OWNER)

    assert merge(once, wanted, OWNER) == once


@given(POLICIES, WANTED)
def test_taking_everything_out_again_leaves_what_others_wrote(
    policy: dict[str, Any] | None, wanted: list[dict[str, Any]]
) -> None:
    emptied = merge(merge(policy, wanted, OWNER), [], OWNER)

    assert theirs(emptied) == theirs(policy)
    assert own_statements(emptied, OWNER) == []
    assert (emptied is None) == (theirs(policy) == [])


@given(POLICIES, WANTED)
def test_a_policy_is_written_and_read_without_a_loss(
    policy: dict[str, Any] | None, wanted: list[dict[str, Any]]
) -> None:
    merged = merge(policy, wanted, OWNER)

    assert merged is None or parse(text_of(merged)) == merged


def test_a_statement_that_stays_keeps_its_place_and_a_new_one_comes_last() -> None:
    standing = {"Statement": [statement(f"{OWNER}B"), statement("Theirs")]}

    merged = merge(standing, [statement(f"{OWNER}A"), statement(f"{OWNER}B", "new")], OWNER)

    assert merged == {
        "Statement": [statement(f"{OWNER}B", "new"), statement("Theirs"), statement(f"{OWNER}A")]
    }


def test_a_policy_with_a_single_statement_instead_of_a_list_is_merged_with() -> None:
    merged = merge({"Version": "2012-10-17", "Statement": statement("Theirs")}, [statement(OWNER)], OWNER)

    assert merged == {"Version": "2012-10-17", "Statement": [statement("Theirs"), statement(OWNER)]}


def test_a_policy_of_our_own_making_has_the_current_version() -> None:
    assert merge(None, [statement(OWNER)], OWNER) == {
        "Version": "2012-10-17",
        "Statement": [statement(OWNER)],
    }


@pytest.mark.parametrize(
    ("wanted", "owner", "words"),
    [
        ([statement("Theirs")], OWNER, "does not begin with its owner"),
        ([statement(None)], OWNER, "does not begin with its owner"),
        ([statement(OWNER)], "", "does not begin with its owner"),
        ([statement(OWNER), statement(OWNER, "x")], OWNER, "Two statements have the Sid"),
    ],
)
def test_statements_that_could_not_be_told_from_others_are_refused(
    wanted: list[dict[str, Any]], owner: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        merge(None, wanted, owner)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"Statement": ["x"]}', "a statement that is not a JSON object"),
        ('{"Statement": [{"Condition": {"Bool": {"a": 1}, "Bool": {"b": 1}}}]}', "says Bool twice"),
    ],
)
def test_a_policy_that_would_lose_something_is_not_read(text: str, words: str) -> None:
    with pytest.raises(UnusablePolicyError, match=words):
        parse(text)


def test_no_policy_is_none() -> None:
    assert parse(None) is None


ROOT = "arn:aws:iam::111122223333:root"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Action": "a"}, {"Action": ["a"]}),
        ({"Action": ["a", "b"]}, {"Action": ["b", "a"]}),
        ({"Principal": {"AWS": ROOT}}, {"Principal": {"AWS": ["111122223333"]}}),
        ({"Condition": {"Bool": {"k": True}}}, {"Condition": {"Bool": {"k": ["true"]}}}),
        ({"Condition": {"NumericLessThan": {"k": 5}}}, {"Condition": {"NumericLessThan": {"k": "5"}}}),
    ],
)
def test_spellings_of_the_same_are_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert same([one], [other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Action": "a"}, {"Action": ["a", "b"]}),
        ({"Principal": {"AWS": ROOT}}, {"Principal": {"AWS": "444455556666"}}),
        ({"Resource": ROOT}, {"Resource": "111122223333"}),
        ({"Action": "a"}, {"NotAction": "a"}),
    ],
)
def test_different_statements_are_different(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not same([one], [other])
    assert not same([one, one], [one])
    assert json.dumps(one) != json.dumps(other)
