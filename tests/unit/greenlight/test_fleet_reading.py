"""Reading the fleet costs calls by the hundred; only an endpoint that does not rest costs its own."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from deployer.model.attempt import AttemptStatus
from greenlight.fleet.reading import read_fleet
from greenlight.fleet.state import State, standing_of
from tests.unit.deployer.builders import NOW, deployment, minutes
from tests.unit.greenlight.fakes import Fake, config_of

if TYPE_CHECKING:
    from greenlight.fleet.state import Standing


def standings(fake: Fake) -> dict[str, Standing]:
    fake.calls.clear()
    return {each.name: standing_of(each, NOW) for each in read_fleet(fake.connection, lambda _: fake.files())}


def fleet_of(count: int) -> Fake:
    fake = Fake()
    names = [f"endpoint-{number:04d}" for number in range(count)]
    for name in names:
        fake.serve(name, config=config_of(1))
    fake.fill(names)
    return fake


def test_four_hundred_endpoints_cost_calls_by_the_hundred() -> None:
    fake = fleet_of(400)
    began = time.process_time()

    found = standings(fake)

    assert time.process_time() - began < 5
    assert Counter(each.state for each in found.values()) == {State.IN_SYNC: 400}
    assert {each.serves.version for each in found.values() if each.serves} == {1}
    assert fake.calls == {
        "DescribeStacks": 1,
        "ListEndpoints": 4,
        "Query": 2,  # the fleet's partition and the pauses, a page each
        "BatchGetItem": 16,  # three records of each endpoint, and the release that serves
    }


def test_an_endpoint_that_does_not_rest_costs_two_calls_of_its_own() -> None:
    fake = fleet_of(3)
    standings(fake)
    before = Counter(fake.calls)
    coming = deployment(2, status=AttemptStatus.ACCEPTED, approved_at=minutes(-1))
    fake.record("endpoint-0001", coming)

    found = standings(fake)

    assert found["endpoint-0001"].state is State.ROLLOUT
    assert fake.calls - before == {"Query": 1, "DescribeEndpoint": 1}


def test_a_failure_at_rest_is_found_with_no_call_of_its_own() -> None:
    fake = fleet_of(2)
    ended = deployment(
        3,
        status=AttemptStatus.FAILED,
        approved_at=minutes(-5),
        accepted_at=minutes(-4),
        settled_at=minutes(-3),
        reason="It did not answer.",
    )
    fake.record("endpoint-0001", ended)
    fake.rest("endpoint-0001", config_of(1))

    found = standings(fake)["endpoint-0001"]

    assert (found.state, found.why) == (State.FAILED, "It did not answer.")
    assert found.serves is not None
    assert found.serves.version == 1
    assert "DescribeEndpoint" not in fake.calls


def test_what_dynamodb_leaves_out_of_a_batch_is_asked_for_again() -> None:
    fake = fleet_of(30)
    fake.most_items = 40

    found = standings(fake)

    assert Counter(each.state for each in found.values()) == {State.IN_SYNC: 30}
    assert fake.calls["BatchGetItem"] == 4


def test_endpoints_that_only_the_settings_or_only_the_journal_know_are_there() -> None:
    fake = fleet_of(1)
    fake.settings = {}
    fake.manage("new")
    fake.serve("stranger", config="another-stack-s")

    found = standings(fake)

    assert {name: each.state for name, each in found.items()} == {
        "endpoint-0000": State.UNMANAGED,
        "new": State.WAITING,
    }
