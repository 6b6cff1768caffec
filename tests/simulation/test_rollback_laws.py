"""Breaks the law on rollbacks, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from deployer.gateways.journal_table import stored_time
from tests.simulation import clients
from tests.simulation.asking import forget
from tests.simulation.laws import LawBrokenError
from tests.simulation.rogues import Deployed, ask_of, deployed, only_law, update
from tests.simulation.schedule import Schedule


def scene(*, tells: bool = True) -> Deployed:
    """The first of two versions served before the second, which serves, and a person rolls back to it."""
    made = deployed(Schedule(head_start=2))
    only_law(made, 39)
    made.world.people.rollbacks.ask("churn", 0, tells=tells)
    made.world.run_until_quiet()
    return made


def put_on(made: Deployed, version: int) -> None:
    """Put a version on the endpoint, after a look at the journal."""
    arn = made.world.people.versions[version - 1].arn

    def act() -> None:
        ask_of("churn")
        update(arn)

    made.do(act)


def test_what_was_rolled_back_does_not_go_out_again() -> None:
    made = scene()
    made.judge.check_rest()

    with pytest.raises(LawBrokenError, match="models/2, which was rolled back"):
        put_on(made, 2)
    made.world.end()


def test_what_is_approved_again_goes_out() -> None:
    made = scene()
    made.world.pass_time(5)
    made.world.people.decide(made.world.people.versions[1], "Approved", "ada")
    made.world.run_until_quiet()

    put_on(made, 2)
    made.world.end()


def test_a_request_that_nobody_takes_in_is_found() -> None:
    made = scene(tells=False)

    with pytest.raises(LawBrokenError, match=r"nobody has taken in churn#.*#rollback#0"):
        made.judge.check_rest()
    made.world.end()


def test_a_rollback_that_holds_nothing_is_found() -> None:
    made = scene(tells=False)
    forget(made.world)

    with pytest.raises(LawBrokenError, match="models/2 may go out again"):
        made.judge.check_rest()
    made.world.end()


def test_an_approval_before_a_rollback_that_is_heard_of_late_is_held_as_well() -> None:
    made = scene()
    [asked] = made.world.people.rollbacks.all
    journal = made.world.site_of("churn").memory.table.partitions["churn"]
    [held] = [each for each in made.world.journal("churn", "approval#") if int(each["version"]) == 2]
    between = datetime.fromisoformat(held["approved_at"]) + timedelta(seconds=1)
    assert between < asked.at
    late = {key: each for key, each in journal[held["item"]].items() if key != "rollback"}
    at = stored_time(between)
    late |= {"item": {"S": f"approval#{at}#000000002"}, "approved_at": {"S": at}}
    made.world.site_of("churn").memory.table.put_item({"TableName": "journal", "Item": late})

    with pytest.raises(LawBrokenError, match="given before the rollback and heard of after it"):
        made.judge.check_rest()
    made.world.end()


def test_nothing_is_held_for_which_nobody_asked() -> None:
    made = deployed(Schedule(head_start=2))
    only_law(made, 39)
    [approval] = [each for each in made.world.journal("churn", "approval#") if int(each["version"]) == 2]

    def hold() -> None:
        clients.client("dynamodb").update_item(
            TableName="journal",
            Key={"endpoint": {"S": "churn"}, "item": {"S": approval["item"]}},
            UpdateExpression="SET #rollback = :rollback",
            ExpressionAttributeNames={"#rollback": "rollback"},
            ExpressionAttributeValues={":rollback": {"S": "[]"}},
        )

    with pytest.raises(LawBrokenError, match="models/2 is held back, and nobody asked for it"):
        made.do(hold)
    made.world.end()
