from __future__ import annotations

import itertools
import threading

from bench.callers import Answer, Caller, Measured

FORMER, BAD, FAILED = Answer.FORMER, Answer.BAD, Answer.FAILED


def test_calls_outside_the_window_do_not_count() -> None:
    answers = [(9.0, FAILED), (10.0, FAILED), (11.0, FORMER), (19.9, FORMER), (20.0, FAILED)]

    measured = Measured.of(answers, 10.0, 10.0)

    assert (measured.calls, measured.failed) == (3, 1)
    assert round(measured.percent, 1) == 33.3


def test_the_bad_version_is_there_until_its_last_answer_good_or_not() -> None:
    answers = [(0.0, FAILED), (1.0, FORMER), (2.0, FORMER), (3.0, BAD), (4.0, FORMER), (5.0, FORMER)]

    measured = Measured.of(answers, 0.0, 10.0)

    assert (measured.exposed_seconds, measured.exposed_calls) == (3.0, 4)
    assert measured.exposed_percent == 25.0


def test_exposure_begins_with_the_first_call_that_the_bad_version_gets() -> None:
    caller = Caller("churn", lambda: FORMER)
    assert caller.exposed_at is None
    caller.answers += [(1.0, FORMER), (2.0, BAD), (3.0, FAILED)]
    assert caller.exposed_at == 2.0


def test_a_caller_calls_until_its_context_ends() -> None:
    enough, calls = threading.Event(), itertools.count(1)

    def call() -> Answer:
        if next(calls) == 3:
            enough.set()
        return FAILED

    with Caller("churn", call) as caller:
        assert enough.wait(timeout=30)

    times = [at for at, _ in caller.answers]
    assert len(times) == next(calls) - 1 >= 3
    assert times == sorted(times)
    assert {answer for _, answer in caller.answers} == {FAILED}
