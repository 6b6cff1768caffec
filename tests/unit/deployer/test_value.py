"""Value classes: equal by their fields, hashable, shown with them, and dataclasses to all others."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict, field, fields, replace

import pytest

from deployer.value import value


@value
class Version:
    """A version."""

    arn: str
    number: int = 1
    read_at: float = field(default=0.0, compare=False)
    secret: str = field(default="", repr=False)


@value(kw_only=True)
class Served(Version):
    """A version that serves."""

    config: str


@value
class Nothing:
    """A value without fields."""


def test_values_are_equal_by_the_fields_that_count() -> None:
    assert Version("a", read_at=1.0) == Version("a", read_at=2.0)
    assert Version("a") != Version("b")
    assert Nothing() == Nothing()


def test_a_value_equals_none_of_another_class() -> None:
    assert Served(arn="a", config="c") != Version("a")
    assert Version("a") != object()


def test_equal_values_have_one_hash() -> None:
    assert len({Version("a"), Version("a", read_at=9.0), Version("b"), Nothing(), Nothing()}) == 3


def test_a_value_with_a_list_has_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(replace(Version("a"), arn=["a"]))  # type: ignore[arg-type] # that is the point


def test_a_value_is_shown_with_its_fields_but_for_those_that_hide() -> None:
    assert repr(Version("a", secret="s")) == "Version(arn='a', number=1, read_at=0.0)"
    assert repr(Nothing()) == "Nothing()"


def test_values_are_dataclasses_with_slots() -> None:
    assert [each.name for each in fields(Served)] == ["arn", "number", "read_at", "secret", "config"]
    assert asdict(replace(Version("a"), number=2))["number"] == 2
    assert not hasattr(Version("a"), "__dict__")


def test_values_are_matched_by_position_and_name() -> None:
    match Version("a", 7):
        case Version("a", number=number):
            assert number == 7
        case _:
            pytest.fail("nothing matched")


def test_values_are_copied_and_pickled() -> None:
    one = Version("a", 3)

    assert copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own
