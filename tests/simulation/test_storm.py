"""A storm of approvals loses nothing, however tight the limit of writes."""

from __future__ import annotations

from tests.simulation.storm import Storm, run_storm


def test_every_endpoint_serves_its_newest_approval_after_a_storm() -> None:
    numbers = run_storm(Storm(endpoints=12, versions=4, seconds=20))

    assert numbers.approvals == 48
    assert numbers.wrong == 0
    assert numbers.throttled > 0
    assert numbers.writes >= 3 * 12


def test_no_more_writes_are_accepted_than_the_limit_allows() -> None:
    numbers = run_storm(Storm(endpoints=6, versions=2, seconds=5, writes_per_second=1))

    assert numbers.last_write_seconds >= numbers.bound_seconds - 1
    assert numbers.wrong == 0


def test_equal_storms_give_equal_numbers() -> None:
    storm = Storm(endpoints=4, versions=2, seconds=5)

    assert run_storm(storm) == run_storm(storm)
