"""Statements are spread over policies that IAM takes: none is lost, too long, or coarser than need be."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.configuration.iam_quotas import LARGEST_INLINE, LARGEST_MANAGED
from infra.permissions.spreading import Allowance, spread

READ = ["s3:GetObject"]


def rendered(policy: tuple[Allowance, ...]) -> str:
    """Write a policy as IAM counts it, after CDK's habit of writing a list of one as a text."""

    def listed(values: Any) -> Any:
        return values[0] if isinstance(values, list | tuple) and len(values) == 1 else values

    statements = [
        {
            "Action": listed(each.actions),
            **({"Condition": each.conditions} if each.conditions else {}),
            "Effect": "Allow",
            "Resource": listed(each.resources),
            "Sid": each.sid,
        }
        for each in policy
    ]
    document = {"Statement": statements, "Version": "2012-10-17"}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def buckets(count: int, *, sid: str = "Read", coarser: Allowance | None = None) -> Allowance:
    return Allowance(sid, READ, [f"arn:aws:s3:::bucket-{n:04}/*" for n in range(count)], coarser=coarser)


VALUES = st.lists(st.text("ax/*é", min_size=1, max_size=900), min_size=1, max_size=12, unique=True)
ALLOWANCES = st.lists(
    st.builds(
        Allowance,
        st.from_regex(r"[A-Z][a-z]{1,10}", fullmatch=True).filter(lambda sid: "Part" not in sid),
        st.just(READ),
        VALUES,
        st.one_of(
            st.just({}),
            VALUES.map(lambda values: {"StringLike": {"s3:prefix": values}}),
            VALUES.map(lambda values: {"ForAnyValue:StringEquals": {"kms:ResourceAliases": values}}),
        ),
    ),
    max_size=8,
    unique_by=lambda each: each.sid,
)


@given(ALLOWANCES)
def test_law_nothing_is_lost_and_no_policy_is_too_long(allowances: list[Allowance]) -> None:
    found = spread(allowances, most_managed=1_000)

    assert found.unfit == ()
    assert len(rendered(found.policies[0])) <= LARGEST_INLINE
    assert all(len(rendered(policy)) <= LARGEST_MANAGED for policy in found.policies[1:])
    assert all(found.policies[1:])

    def pairs(parts: list[Allowance]) -> set[tuple[str, str, str]]:
        """Return what is allowed: every resource with every value of the condition."""
        return {
            (part.sid.partition("Part")[0], resource, value)
            for part in parts
            for resource in part.resources
            for keys in part.conditions.values() or [{"": [""]}]
            for values in keys.values()
            for value in values
        }

    parts = [part for policy in found.policies for part in policy]
    assert pairs(parts) == pairs(allowances)
    sids = [part.sid for part in parts]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)


@given(ALLOWANCES, st.integers(0, 3))
def test_law_what_has_room_is_left_as_it_is(allowances: list[Allowance], most: int) -> None:
    coarser = [
        replace(each, coarser=Allowance(each.sid, READ, ["*"], why_wildcard="any")) for each in allowances
    ]
    fine, found = spread(allowances, most_managed=most), spread(coarser, most_managed=most)

    assert (not found.coarsened) is (fine.managed <= most)
    assert found.managed <= most


def test_what_every_deployment_has_stays_in_the_inline_policy_whatever_follows() -> None:
    always = buckets(100, sid="Always")

    assert spread([always, buckets(400)]).policies[0][0] == always
    assert spread([always]).policies == ((always,),)


def test_the_longest_rendering_of_tokens_is_what_counts() -> None:
    many = buckets(200)

    plain = spread([many], most_managed=100)
    longer = spread([many], most_managed=100, longest=lambda text: text + "x" * 200)

    assert plain.managed == 0
    assert longer.managed == 7


def test_statements_that_lose_least_are_made_coarser_first_and_only_as_many_as_must_be() -> None:
    # GIVEN three statements of one size, of which two policies hold two
    def with_coarser(sid: str, loses: int) -> Allowance:
        coarser = Allowance(sid, READ, ["arn:aws:s3:::*"], why_wildcard="any", loses=loses)
        return buckets(300, sid=sid, coarser=coarser)

    given_ = [with_coarser("Much", 2), with_coarser("Nothing", 0), with_coarser("Little", 1)]

    # WHEN, THEN
    assert spread(given_, most_managed=10).coarsened == {}
    assert list(spread(given_, most_managed=2).coarsened) == ["Nothing"]
    assert list(spread(given_, most_managed=0).coarsened) == ["Nothing", "Little"]


def test_a_statement_may_be_made_coarser_in_steps() -> None:
    bucket = Allowance("Read", READ, ["arn:aws:s3:::*"], why_wildcard="any", loses=1)
    folders = replace(buckets(40, coarser=bucket), loses=0)
    keys = buckets(4_000, coarser=folders)

    assert spread([keys], most_managed=0).policies == ((folders,),)


def test_what_fits_is_counted_where_not_all_does() -> None:
    found = spread([buckets(100, sid="Small"), buckets(4_000)], most_managed=10)

    assert found.managed > 10
    [(name, (held, of))] = found.held(10).items()
    assert (name, of) == ("Read", 4_000)
    assert 0 < held < 4_000
    assert spread([buckets(100, sid="Small"), buckets(held)], most_managed=10).managed <= 10
    assert spread([buckets(100, sid="Small"), buckets(held + 200)], most_managed=10).managed > 10


@pytest.mark.parametrize(
    "too_long",
    [
        Allowance("Read", READ, ["x" * 11_000]),
        Allowance("Read", READ, ["*"], {"Null": {f"key/{n}": "true" for n in range(1_000)}}),
    ],
)
def test_a_statement_that_no_policy_holds_is_said_to_be_unfit(too_long: Allowance) -> None:
    found = spread([buckets(10, sid="Small"), too_long])

    assert found.unfit == ("Read",)
    assert "Read" in found.held(10)


def test_conditions_of_which_all_must_hold_are_not_divided() -> None:
    keys = [f"key-{number}-{'x' * 100}" for number in range(100)]

    found = spread([Allowance("Tag", READ, ["*"], {"ForAllValues:StringNotLike": {"aws:TagKeys": keys}})])

    assert found.unfit == ("Tag",)


def listing(count: int) -> Allowance:
    """Return a grant that only several statements say: below another prefix of each bucket."""
    coarser = Allowance("List", ["s3:ListBucket"], [f"arn:aws:s3:::bucket-{n}" for n in range(count)])
    each = [
        replace(
            coarser,
            sid=f"List{number}",
            resources=[arn],
            conditions={"StringLike": {"s3:prefix": [f"a-long-prefix-of-team-{number}/*"]}},
        )
        for number, arn in enumerate(coarser.resources, start=1)
    ]
    return replace(coarser, written_as=each, coarser=coarser)


def test_what_only_several_statements_say_is_one_statement_where_they_have_no_room() -> None:
    few, many = listing(30), listing(600)

    apart, together = spread([few]), spread([many])

    assert [each.sid for each in apart.policies[0]] == [f"List{number}" for number in range(1, 31)]
    assert apart.coarsened == {}
    assert {each.sid.partition("Part")[0] for policy in together.policies for each in policy} == {"List"}
    assert [*together.coarsened] == ["List"]
