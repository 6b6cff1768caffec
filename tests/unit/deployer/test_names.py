import re

from hypothesis import given
from hypothesis import strategies as st

from deployer.model.names import MAX_LENGTH, fingerprint, versioned_name

ENTITY_NAMES = st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", fullmatch=True).filter(
    lambda name: len(name) <= MAX_LENGTH
)
AWS_PATTERN = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(ENTITY_NAMES, st.integers(1, 999_999_999), JSON)
def test_every_name_is_one_that_aws_takes(endpoint_name: str, version: int, content: object) -> None:
    name = versioned_name(endpoint_name, version, content)

    assert AWS_PATTERN.fullmatch(name)
    assert len(name) <= MAX_LENGTH


@given(ENTITY_NAMES, JSON)
def test_same_content_has_the_same_name(endpoint_name: str, content: object) -> None:
    assert versioned_name(endpoint_name, 3, content) == versioned_name(endpoint_name, 3, content)


def test_order_of_keys_does_not_change_the_name() -> None:
    assert fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == fingerprint({"b": {"d": 3, "c": 2}, "a": 1})


def test_different_content_has_a_different_name() -> None:
    assert versioned_name("churn", 1, {"count": 1}) != versioned_name("churn", 1, {"count": 2})


def test_endpoints_whose_long_names_are_cut_alike_share_nothing() -> None:
    one, other = "a" * 62 + "b", "a" * 62 + "c"

    assert versioned_name(one, 1, {}) != versioned_name(other, 1, {})


def test_the_name_tells_endpoint_and_version() -> None:
    assert versioned_name("churn", 12, {}).startswith("churn-v12-")
