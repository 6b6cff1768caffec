"""Breaks the law on retries, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

import json

import pytest

from tests.simulation import clients
from tests.simulation.asking import forget
from tests.simulation.laws import LawBrokenError
from tests.simulation.rogues import Deployed, ask_of, deployed, only_law
from tests.simulation.schedule import Schedule


def scene(*, tells: bool = True) -> Deployed:
    """The second version failed, the first one serves, and a person wants the second one tried again."""
    made = deployed(Schedule(head_start=1))
    only_law(made, 42)
    made.world.people.register("Approved", broken=True)
    made.world.run_until_quiet()
    made.world.people.retries.ask("churn", 0, tells=tells)
    made.world.run_until_quiet()
    return made


def note(made: Deployed, version: int, first_attempt: int) -> None:
    """Note on a version's approval since which attempt failures count, after a look at the journal."""
    approvals = made.world.journal("churn", "approval#")
    [item] = [each["item"] for each in approvals if int(each["version"]) == version]
    at = made.world.clock.now().isoformat()

    def act() -> None:
        ask_of("churn")
        clients.client("dynamodb").update_item(
            TableName="journal",
            Key={"endpoint": {"S": "churn"}, "item": {"S": item}},
            UpdateExpression="SET #retry = :retry",
            ExpressionAttributeNames={"#retry": "retry"},
            ExpressionAttributeValues={":retry": {"S": json.dumps([at, "ada", first_attempt])}},
        )

    made.do(act)


def test_a_version_that_is_tried_again_and_fails_again_breaks_nothing() -> None:
    made = scene()
    made.judge.check_rest()

    told = [each["status"] for each in made.world.journal("churn", "attempt#") if each.get("version") == "2"]
    assert told.count("failed") == 2
    made.world.end()


def test_a_retry_that_nobody_takes_in_is_found() -> None:
    made = scene(tells=False)
    forget(made.world)

    with pytest.raises(LawBrokenError, match="models/2 was to be tried again, and is not"):
        made.judge.check_rest()
    made.world.end()


def test_a_try_that_does_not_count_is_found() -> None:
    made = scene(tells=False)

    with pytest.raises(LawBrokenError, match="models/2 is tried again, and attempt 8 is not to count"):
        note(made, 2, 9)
    made.world.end()


def test_nothing_is_tried_again_for_which_nobody_asked() -> None:
    made = scene()

    with pytest.raises(LawBrokenError, match="models/1 is to be tried again, and nobody asked for it"):
        note(made, 1, 9)
    made.world.end()


def test_one_request_is_one_more_chance() -> None:
    made = scene()

    with pytest.raises(LawBrokenError, match="models/2 is to be tried again, and nobody asked for it"):
        note(made, 2, 9)
    made.world.end()


def test_a_chance_without_the_failure_forgotten_is_found() -> None:
    made = scene(tells=False)

    with pytest.raises(LawBrokenError, match="models/2 is tried again, and attempt 2 still counts"):
        note(made, 2, 2)
    made.world.end()
