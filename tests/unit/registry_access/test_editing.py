from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from registry_access.editing import ATTEMPTS, SETTLING_SECONDS, RefusedEditError, bring_in
from registry_access.merging import parse
from tests.unit.registry_access.test_merging import OWNER, statement

if TYPE_CHECKING:
    from collections.abc import Callable

WANTED = [statement(f"{OWNER}A"), statement(f"{OWNER}B")]


def as_put(text: str) -> str:
    return text


@dataclass
class Resource:
    """A resource with a policy, which can behave in every way that services do."""

    text: str | None = None
    largest_bytes: int = 1000
    name: str = "the bucket models"
    respell: Callable[[str], str] = as_put
    while_reading: list[Callable[[Resource], None]] = field(default_factory=list)
    """Other people's edits right before each read."""
    calls: list[str] = field(default_factory=list)

    def read(self) -> str | None:
        self.calls.append("read")
        if self.while_reading:
            self.while_reading.pop(0)(self)
        return self.text

    def write(self, text: str) -> None:
        self.calls.append("write")
        self.text = self.respell(text)

    def remove(self) -> None:
        self.calls.append("remove")
        self.text = None

    def pause(self, seconds: float) -> None:
        assert seconds == SETTLING_SECONDS
        self.calls.append("pause")

    def statements(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (parse(self.text) or {}).get("Statement", [])
        return found


def policy_of(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def edit(resource: Resource, statements: list[dict[str, Any]]) -> bool:
    return bring_in(resource, statements, OWNER, pause=resource.pause)


def test_statements_are_brought_in_and_read_back() -> None:
    resource = Resource(policy_of(statement("Theirs")))

    assert edit(resource, WANTED) is True

    assert resource.statements() == [statement("Theirs"), *WANTED]
    assert resource.calls == ["read", "pause", "read", "write", "pause", "read"]


def test_what_is_in_place_is_not_written_again() -> None:
    resource = Resource(policy_of(statement("Theirs"), *WANTED))

    assert edit(resource, list(reversed(WANTED))) is False

    assert resource.calls == ["read"]


def test_a_statement_that_is_not_wanted_any_more_goes_and_others_stay() -> None:
    resource = Resource(policy_of(WANTED[0], statement("Theirs"), WANTED[1]))

    edit(resource, WANTED[1:])

    assert resource.statements() == [statement("Theirs"), WANTED[1]]


def test_the_last_statement_takes_the_policy_with_it() -> None:
    resource = Resource(policy_of(*WANTED))

    edit(resource, [])

    assert resource.text is None
    assert "write" not in resource.calls


def test_removing_from_what_has_no_policy_writes_nothing() -> None:
    resource = Resource(None)

    assert edit(resource, []) is False
    assert resource.calls == ["read"]


def test_a_policy_that_would_be_too_large_is_refused_before_it_is_touched() -> None:
    before = policy_of(statement("Theirs", "x" * 900))
    resource = Resource(before)

    with pytest.raises(
        RefusedEditError,
        match=r"bucket models would have 1,\d+ bytes, \d+ of them Greenlight's.* takes 1,000",
    ):
        edit(resource, WANTED)

    assert resource.text == before
    assert resource.calls == ["read"]


def test_the_size_is_counted_in_bytes_of_what_is_written() -> None:
    resource = Resource(policy_of(statement("Theirs", "é" * 350)), largest_bytes=800)

    with pytest.raises(RefusedEditError):
        edit(resource, WANTED[:1])


def test_a_policy_that_cannot_be_read_whole_is_left_alone() -> None:
    resource = Resource('{"Statement": [], "Statement": []}')

    with pytest.raises(RefusedEditError, match="bucket models was left alone, as the policy says Statement"):
        edit(resource, WANTED)

    assert "write" not in resource.calls


def test_somebody_who_edits_at_the_same_time_is_waited_for() -> None:
    resource = Resource(None)

    def by_them(here: Resource) -> None:
        here.text = policy_of(statement("Theirs"))

    resource.while_reading = [lambda _: None, by_them]

    edit(resource, WANTED)

    assert resource.statements() == [statement("Theirs"), *WANTED]
    assert resource.calls.count("write") == 1


def test_a_policy_that_is_listed_in_another_order_each_time_is_at_rest() -> None:
    """Whether services keep the order of lists is not established."""
    theirs = {**statement("Theirs"), "Principal": {"AWS": ["111122223333", "444455556666"]}}
    resource = Resource(policy_of(theirs, statement("More")))

    def turn(here: Resource) -> None:
        policy = parse(here.text) or {}
        policy["Statement"].reverse()
        for each in policy["Statement"]:
            if each.get("Sid") == "Theirs":
                each["Principal"]["AWS"].reverse()
        here.text = json.dumps(policy)

    resource.while_reading = [turn] * 100

    assert edit(resource, WANTED) is True
    assert resource.calls.count("write") == 1


def test_a_policy_of_another_version_is_not_the_same() -> None:
    resource = Resource(policy_of(statement("Theirs")))

    def older(here: Resource) -> None:
        here.text = policy_of(statement("Theirs")).replace("2012-10-17", "2008-10-17")

    resource.while_reading = [lambda _: None, older]

    edit(resource, WANTED)

    assert (parse(resource.text) or {})["Version"] == "2008-10-17"


def test_an_edit_that_somebody_overwrote_is_made_again() -> None:
    resource = Resource(None)

    def by_them(here: Resource) -> None:
        here.text = policy_of(statement("Theirs"))

    resource.while_reading = [lambda _: None, lambda _: None, by_them]

    edit(resource, WANTED)

    assert resource.statements() == [statement("Theirs"), *WANTED]
    assert resource.calls.count("write") == 2


def test_a_policy_that_never_rests_is_given_up_with_what_to_do() -> None:
    resource = Resource(None)

    def by_them(here: Resource) -> None:
        here.text = policy_of(statement(f"Theirs{len(here.calls)}"))

    resource.while_reading = [by_them] * 100

    with pytest.raises(RefusedEditError, match=r"did not come to rest in 8 attempts.*CloudTrail"):
        edit(resource, WANTED)

    assert resource.calls.count("read") <= 2 * ATTEMPTS + 1


def test_the_last_attempt_counts_if_its_statements_stand() -> None:
    resource = Resource(None)

    def by_them(here: Resource) -> None:
        here.text = policy_of(statement(f"Theirs{len(here.calls)}"))

    resource.while_reading = [by_them] * (2 * (ATTEMPTS - 1) + 1)

    assert edit(resource, WANTED) is True
    assert resource.calls.count("write") == 1


def respelled(text: str) -> str:
    """Write a deleted principal as its id, as IAM does (IAM user guide, "principal")."""
    return text.replace('"Principal":"*"', '"Principal":{"AWS":"AROAEXAMPLE"}')


def test_a_service_that_spells_statements_its_own_way_is_believed_after_a_second_write() -> None:
    resource = Resource(None, respell=respelled)

    assert edit(resource, WANTED) is True

    assert resource.calls.count("write") == 2


def test_a_statement_that_somebody_changes_back_is_not_taken_for_a_spelling() -> None:
    resource = Resource(None)

    def without_one(here: Resource) -> None:
        here.text = policy_of(WANTED[0])

    resource.while_reading = [lambda _: None, lambda _: None] + [without_one] * 40

    with pytest.raises(RefusedEditError, match="come to rest"):
        edit(resource, WANTED)
