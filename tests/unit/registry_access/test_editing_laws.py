"""Laws of the editor in virtual time: several at once, people beside them, failures half-way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from registry_access.editing import SETTLING_SECONDS, bring_in
from registry_access.merging import is_own, merge, own_statements, parse, same
from tests.unit.registry_access.test_merging import OTHER, OWNER, statement
from tests.unit.registry_access.timeline import Holder, Run, SharedPolicy, Timeline

OWNERS = (OWNER, OTHER, "Greenlight9999999999")
LONGEST_CALL_SECONDS = 0.9
"""A call's way there and back; a read and the write after it are two of them, within the settling time."""

DELAYS = st.lists(st.floats(0, LONGEST_CALL_SECONDS), min_size=40, max_size=40)
TIMES = st.floats(0, 30)


@dataclass(frozen=True)
class Edit:
    """One run of the editor: its owner, its time, its request, and when it crashes, if ever."""

    owner: str
    time: float
    wanted: tuple[str, ...]
    crash_after: float | None
    delays: list[float]

    def statements(self) -> list[dict[str, Any]]:
        return [statement(f"{self.owner}{part}", part) for part in self.wanted]


def edits(owner: str) -> st.SearchStrategy[Edit]:
    wanted = st.lists(st.sampled_from("ABC"), unique=True).map(tuple)
    return st.builds(Edit, st.just(owner), TIMES, wanted, st.none() | st.floats(0, 15), DELAYS)


def play(policy: SharedPolicy, edit: Edit) -> tuple[Run, Holder]:
    timeline, delays, jitter = policy.timeline, iter(edit.delays), iter(edit.delays)
    holder = Holder(policy, lambda: next(delays, 0.1))

    def pause(seconds: float) -> None:
        timeline.wait(seconds * (1 + next(jitter, 0.5)))

    run = timeline.start(edit.time, lambda: bring_in(holder, edit.statements(), edit.owner, pause=pause))
    if edit.crash_after is not None:
        timeline.at(edit.time + edit.crash_after, run.crash)
    return run, holder


def without(text: str | None, owner: str) -> list[dict[str, Any]]:
    return [each for each in (parse(text) or {}).get("Statement", []) if not is_own(each, owner)]


ALL_AT_ONCE = st.tuples(*(edits(owner) for owner in OWNERS))
FOREIGN = json.dumps({"Version": "2012-10-17", "Statement": [statement("Theirs"), statement(None)]})


@settings(deadline=None)
@given(ALL_AT_ONCE, st.sampled_from([None, FOREIGN]), st.floats(0, 1))
def test_editors_at_the_same_time_all_end_with_their_statements_and_lose_nobody_elses(
    several: tuple[Edit, ...], standing: str | None, lag_seconds: float
) -> None:
    """For all durations of calls, ages of reads and crashes."""
    timeline = Timeline()
    policy = SharedPolicy(timeline, standing, lag_seconds)
    runs = [(edit, *play(policy, edit)) for edit in several]

    timeline.play()

    for edit, run, _ in runs:
        assert run.failure is None
        if run.finished:
            assert same(own_statements(parse(policy.text), edit.owner), edit.statements())
    assert without_any(policy.text) == without_any(standing)


def without_any(text: str | None) -> list[dict[str, Any]]:
    return [
        each
        for each in (parse(text) or {}).get("Statement", [])
        if not any(is_own(each, owner) for owner in OWNERS)
    ]


@settings(deadline=None)
@given(ALL_AT_ONCE, st.lists(st.tuples(TIMES, st.sampled_from("XYZ"), st.booleans()), max_size=6))
def test_every_write_holds_whatever_others_had_there_when_it_was_read_last(
    several: tuple[Edit, ...], people: list[tuple[float, str, bool]]
) -> None:
    """And that read is the call right before the write: no shorter moment is to be had of AWS's calls."""
    timeline = Timeline()
    policy = SharedPolicy(timeline, FOREIGN)
    for time, sid, adding in people:
        timeline.at(time, partial(by_hand, policy, sid, adding=adding))
    runs = [(edit, *play(policy, edit)) for edit in several]

    timeline.play()

    for edit, _, holder in runs:
        for read, written in holder.based_on:
            assert without(written, edit.owner) == without(read, edit.owner)


def by_hand(policy: SharedPolicy, sid: str, *, adding: bool) -> None:
    """Do what somebody in a console does: add a statement, or take one out, at one moment."""
    statements = [statement(sid)] if adding else []
    changed = merge(parse(policy.text), statements, sid)
    policy.set(None if changed is None else json.dumps(changed))


@settings(deadline=None)
@given(
    edits(OWNER), st.lists(st.tuples(TIMES, st.sampled_from("XYZ"), st.booleans()), min_size=1, max_size=6)
)
def test_what_people_change_outside_of_that_moment_is_never_lost(
    edit: Edit, people: list[tuple[float, str, bool]]
) -> None:
    """The moment: while a write is on its way. AWS has no write that fails if somebody else was faster."""
    timeline = Timeline()
    policy = SharedPolicy(timeline, FOREIGN)
    _, holder = play(policy, edit)
    untouched = SharedPolicy(timeline, FOREIGN)

    def change(sid: str, *, adding: bool) -> None:
        if holder.writing:
            timeline.at(timeline.now + 0.1, partial(change, sid, adding=adding))
        else:
            for each in (policy, untouched):
                by_hand(each, sid, adding=adding)

    for time, sid, adding in people:
        timeline.at(time, partial(change, sid, adding=adding))

    timeline.play()

    by_sid = sorted(map(json.dumps, without_any(policy.text)))
    assert by_sid == sorted(map(json.dumps, without_any(untouched.text)))


@settings(deadline=None)
@given(edits(OWNER), st.lists(st.floats(0, 15), min_size=1, max_size=4))
def test_an_edit_that_crashed_anywhere_is_finished_by_running_it_again(
    edit: Edit, crashes: list[float]
) -> None:
    timeline = Timeline()
    policy = SharedPolicy(timeline, FOREIGN)
    for number, crash in enumerate(crashes):
        play(policy, Edit(OWNER, 100.0 * number, edit.wanted, crash, edit.delays))
    last, _ = play(policy, Edit(OWNER, 100.0 * len(crashes), edit.wanted, None, edit.delays))

    timeline.play()

    assert last.finished
    assert same(own_statements(parse(policy.text), OWNER), edit.statements())
    assert without(policy.text, OWNER) == without(FOREIGN, OWNER)


def test_the_settling_time_is_longer_than_the_moment_in_which_an_edit_could_be_lost() -> None:
    assert 2 * LONGEST_CALL_SECONDS + 1 < SETTLING_SECONDS
