"""The way back takes as long as one shift without any guard, and no longer."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from bench.exposure import (
    EVERY_SECONDS,
    NOTICED_AFTER_SECONDS,
    Exposure,
    Mode,
    Scenario,
    main,
    measure,
    plot,
)


@pytest.fixture(scope="module")
def rejected() -> dict[Mode, Exposure]:
    return {mode: measure(Scenario.REJECTED_LIVE, mode) for mode in Mode}


def test_a_reject_brings_all_calls_back_after_one_shift_and_as_forward_after_the_canary(
    rejected: dict[Mode, Exposure],
) -> None:
    assert rejected[Mode.AT_ONCE] == rejected[Mode.UNGUARDED]
    assert [share for _, share in rejected[Mode.AT_ONCE].shares] == [1.0, 0.0]
    assert [share for _, share in rejected[Mode.AS_FORWARD].shares] == [1.0, 0.75, 0.0]
    assert rejected[Mode.AS_FORWARD].seconds_back >= rejected[Mode.AT_ONCE].seconds_back + 600


def test_calls_are_counted_by_their_share() -> None:
    measured = Exposure(((-60.0, 0.25), (0.0, 1.0), (30.0, 0.0)))

    assert (measured.seconds, measured.seconds_back) == (90, 30)
    assert measured.calls == 20 * (60 * 0.25 + 30)


def test_in_a_canary_the_old_fleet_takes_the_calls_back() -> None:
    measured = measure(Scenario.REJECTED_IN_CANARY, Mode.AT_ONCE)

    assert [share for _, share in measured.shares] == [0.25, 0.0]
    assert measured.seconds_back < 60


def test_a_failed_smoke_test_counts_from_the_failure() -> None:
    measured = measure(Scenario.FAILED_TEST, Mode.AT_ONCE)

    assert [share for _, share in measured.shares] == [0.25, 1.0, 0.0]
    assert measured.shares[1][0] < 0 < measured.seconds_back < 300


def test_a_smoke_test_in_the_bake_takes_as_long_as_an_abort() -> None:
    measured = measure(Scenario.FAILED_IN_BAKE, Mode.AT_ONCE)

    assert [share for _, share in measured.shares] == [0.25, 1.0, 0.0]
    assert -10 < measured.shares[1][0] <= 0 < measured.seconds_back < 60


@pytest.mark.parametrize("mode", Mode)
def test_a_smoke_test_before_the_rollout_leaves_no_caller_to_a_bad_version(mode: Mode) -> None:
    measured = measure(Scenario.FAILED_BEFORE, mode)

    assert measured.shares == ()
    assert (measured.seconds, measured.calls, measured.seconds_back) == (0, 0, 0)


def test_what_begins_to_fail_in_the_bake_is_found_out_by_the_next_test_and_otherwise_by_a_person() -> None:
    repeated = measure(Scenario.FADED_REPEATED, Mode.AT_ONCE)
    once = measure(Scenario.FADED_ONCE, Mode.AT_ONCE)

    assert [share for _, share in repeated.shares] == [share for _, share in once.shares] == [1.0, 0.0]
    assert repeated.seconds <= EVERY_SECONDS + 60
    assert once.seconds >= NOTICED_AFTER_SECONDS
    assert once == measure(Scenario.FADED_ONCE, Mode.UNGUARDED)


def test_the_plot_has_a_line_for_each_mode(rejected: dict[Mode, Exposure]) -> None:
    drawn = ET.fromstring(plot(rejected))  # noqa: S314 - our own text

    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == len(Mode)


def test_the_table_says_how_much_slower_than_unguarded(
    capsys: pytest.CaptureFixture[str], rejected: dict[Mode, Exposure]
) -> None:
    assert main([], measuring=lambda _, mode: rejected[mode]) == 0
    assert capsys.readouterr().out.rstrip().endswith("worst back-at-once ratio 1.00")
