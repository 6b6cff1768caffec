"""Breaks the laws of what a journal knows, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.simulation import clients
from tests.simulation.history_laws import MOST_CALLS
from tests.simulation.laws import LawBrokenError
from tests.simulation.people import TEST_SECONDS
from tests.simulation.rogues import Deployed, ask_of, deployed, only_law, sagemaker
from tests.simulation.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tested() -> Iterator[Deployed]:
    """A version passed its smoke test."""
    made = deployed(Schedule(head_start=1, smoke_test=True))
    only_law(made, 26)
    yield made
    made.world.end()


def try_for(tested: Deployed, seconds: float) -> None:
    """Call an endpoint that does not exist for so long, after a look at the journal of one that does."""

    def act() -> None:
        ask_of("churn")
        [rogue] = tested.world.running.values()
        until = tested.world.clock.now().timestamp() + seconds
        while tested.world.clock.now().timestamp() < until:
            with suppress(ClientError):
                clients.client("sagemaker-runtime").invoke_endpoint(EndpointName="none", Body=b"1,2")
            rogue.pause(2)

    tested.do(act)


def test_a_pass_that_changes_nothing_makes_few_calls(tested: Deployed) -> None:
    def look() -> None:
        ask_of("churn")
        for _ in range(2 * MOST_CALLS + 1):
            sagemaker().describe_endpoint(EndpointName="churn")

    tested.do(look)

    with pytest.raises(LawBrokenError, match=r"Law26\w+: rogue1 changes nothing by 25 calls"):
        tested.judge.check_rest()


def test_a_smoke_test_may_repeat_what_gets_no_answer_until_its_time_is_over(tested: Deployed) -> None:
    try_for(tested, TEST_SECONDS)

    tested.judge.check_rest()


def test_a_smoke_test_does_not_go_on_when_its_time_is_over(tested: Deployed) -> None:
    try_for(tested, 2 * TEST_SECONDS)

    with pytest.raises(LawBrokenError, match=r"Law26\w+: rogue1 changes nothing by"):
        tested.judge.check_rest()
