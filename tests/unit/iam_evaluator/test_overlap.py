"""Two patterns overlap if some ARN is like both."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iam_evaluator.matching import matches_arn, may_overlap

_TEXTS = ["".join(each) for length in range(7) for each in product("ab", repeat=length)]
_PATTERNS = st.text("ab*?", max_size=3)


@given(_PATTERNS, _PATTERNS)
def test_they_do_if_and_only_if_some_text_matches_both(one: str, two: str) -> None:
    texts = [f"arn:aws:s3:::{text}" for text in _TEXTS]
    one, two = f"arn:aws:s3:::{one}", f"arn:aws:s3:::{two}"

    both = any(matches_arn(one, text, None) and matches_arn(two, text, None) for text in texts)

    assert may_overlap(one, two) is both


@pytest.mark.parametrize(
    ("one", "two", "overlap"),
    [
        ("*", "arn:aws:s3:::a", True),
        ("arn:aws:s3:*", "arn:aws:s3:::a/b", True),
        ("arn:aws:sqs:*:*:a", "arn:aws:sqs:eu-west-1:*:*", True),
        ("arn:aws:sqs:eu-west-1:*:a", "arn:aws:sqs:us-east-1:*:*", False),
        ("arn:aws:s3:::${aws:PrincipalTag/team}/*", "arn:aws:s3:::a/b", True),
        ("arn:*:a:b", "arn:aws:s3:::x:a:b", False),  # a wildcard stays in its field
    ],
)
def test_wildcards_stay_in_their_field(one: str, two: str, *, overlap: bool) -> None:
    assert may_overlap(one, two) is overlap
    assert may_overlap(two, one) is overlap
