"""Pauses, decisions and questions, before and after the one call that each of them makes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.model.pause import Pause
from greenlight.errors import CommandError, ExitCode
from greenlight.fleet.state import Standing, State
from greenlight.steering.asking import ask, one_call
from greenlight.steering.deciding import (
    Candidate,
    about_approving,
    about_rejecting,
    decide,
    demand_short,
    read_candidate,
)
from greenlight.steering.following import followers
from greenlight.steering.pausing import end_pause, pause_words, same, write_pause
from greenlight.times import read_future
from tests.unit.deployer.builders import NOW, version_arn
from tests.unit.greenlight.fakes import Fake, config_of, served
from tests.unit.greenlight.test_fleet_view import version

ONE = Pause("churn", "INC-42", "ada", NOW + timedelta(hours=2))
ALL = Pause(None, "year's end", "bob", None)
CANDIDATE = Candidate(version_arn(3), "churn-models", 3, "PendingManualApproval", "ada")


@pytest.mark.parametrize("pause", [ONE, ALL])
def test_the_deployer_reads_a_pause_as_it_was_meant(pause: Pause) -> None:
    fake = Fake()

    write_pause(fake.connection, pause)

    assert fake.journal.pauses.of("churn") == [pause]


def test_a_pause_ends_alone() -> None:
    fake = Fake()
    for each in (ONE, ALL):
        write_pause(fake.connection, each)

    end_pause(fake.connection, "churn")
    assert fake.journal.pauses.of("churn") == [ALL]

    end_pause(fake.connection, None)
    assert fake.journal.pauses.all() == []


def test_a_pause_takes_the_place_of_the_one_of_the_same_endpoint() -> None:
    fake = Fake()
    write_pause(fake.connection, ONE)
    write_pause(fake.connection, replace(ONE, reason="INC-43", until=None))

    assert same(fake.journal.pauses.all(), "churn") == replace(ONE, reason="INC-43", until=None)
    assert same(fake.journal.pauses.all(), None) is None


def test_a_pause_in_words() -> None:
    assert pause_words(ONE, NOW, UTC) == "churn: paused until 14:00 by ada (INC-42)"
    assert pause_words(ALL, NOW, UTC) == "all endpoints: paused until somebody ends it by bob (year's end)"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2h", NOW + timedelta(hours=2)),
        ("1h30m", NOW + timedelta(minutes=90)),
        ("2026-05-05", NOW + timedelta(hours=12)),
        ("2026-05-04T15:00+02:00", NOW + timedelta(hours=1)),
    ],
)
def test_an_end_is_so_long_from_now_or_a_time(text: str, time: Any) -> None:
    assert read_future(text, NOW, UTC) == time


def test_an_end_that_is_over_is_refused() -> None:
    with pytest.raises(CommandError, match="is over"):
        read_future("2026-05-04", NOW, UTC)


class Registry(Fake):
    """A registry with one version."""

    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803 - botocore's
        if not ModelPackageName.endswith("churn-models/3"):
            error: Any = {"Code": "ValidationException", "Message": "ModelPackage does not exist."}
            raise ClientError({"Error": error}, "DescribeModelPackage")
        return {
            "ModelPackageArn": version_arn(3),
            "ModelPackageGroupName": "churn-models",
            "ModelPackageVersion": 3,
            "ModelApprovalStatus": "PendingManualApproval",
            "CreatedBy": {"IamIdentity": {"Arn": "arn:aws:iam::111122223333:user/ada"}},
        }

    def update_model_package(self, **request: Any) -> None:
        self.updated = request


@pytest.mark.parametrize(
    "group", ["churn-models", "arn:aws:sagemaker:eu-central-1:111122223333:model-package-group/churn-models"]
)
def test_a_version_is_found_by_the_group_s_name_or_arn(group: str) -> None:
    assert read_candidate(Registry().connection, group, 3) == CANDIDATE


def test_a_version_that_is_not_there_is_an_error_with_the_next_step() -> None:
    with pytest.raises(CommandError) as raised:
        read_candidate(Registry().connection, "churn-models", 4)

    assert raised.value.fact == "The registry has no v4 of churn-models."
    assert "--model-package-group-name churn-models" in raised.value.next_step


def test_a_decision_is_the_registry_s_own_call() -> None:
    registry = Registry()

    decide(registry.connection, CANDIDATE, "Rejected", "too slow")

    assert registry.updated == {
        "ModelPackageArn": version_arn(3),
        "ModelApprovalStatus": "Rejected",
        "ApprovalDescription": "too slow",
    }


def test_a_description_that_the_registry_would_refuse_is_refused_before() -> None:
    demand_short("x" * 1024)
    with pytest.raises(CommandError, match="too long"):
        demand_short("x" * 1025)


def test_before_an_approval_each_follower_is_named() -> None:
    standings = [
        Standing("churn", State.IN_SYNC, version(1, 12)),
        Standing("again", State.IN_SYNC, version(3, 12)),
        Standing("fresh", State.EMPTY),
        Standing("risk", State.HELD, version(1, 12), why="v2 waits for a pause"),
    ]

    assert about_approving(CANDIDATE, standings) == [
        "v3 of churn-models: PendingManualApproval, registered by ada",
        "  churn: v1 serves; v3 goes out there, if the approval counts.",
        "  again: it serves there already.",
        "  fresh: nothing serves; v3 goes out there, if the approval counts.",
        "  risk: v1 serves; it waits there: v2 waits for a pause.",
    ]
    assert about_approving(CANDIDATE, [])[1:] == [
        "  No endpoint of this stack follows the group: nothing goes out."
    ]


def test_before_a_reject_it_is_said_what_goes_back() -> None:
    standings = [
        Standing("churn", State.IN_SYNC, version(3, 12)),
        Standing("fraud", State.ROLLOUT, version(1, 12), version(3)),
        Standing("risk", State.IN_SYNC, version(1, 12)),
    ]

    assert about_rejecting(CANDIDATE, standings)[1:] == [
        "  churn: it serves there. The newest approved version that served well comes back.",
        "  fraud: it is on its way there. SageMaker goes back.",
        "  risk: it does not serve there.",
    ]


def test_followers_are_those_of_the_same_account_s_group() -> None:
    fake = Fake()
    fake.manage("churn")
    fake.manage(
        "theirs",
        ModelPackageGroupName="arn:aws:sagemaker:eu-central-1:999988887777:model-package-group/churn-models",
    )
    fake.serve("churn", config=config_of(1))
    fake.record("churn", served(1, minutes_ago=5))

    found = followers(fake.connection, CANDIDATE, lambda _: fake.files())

    assert [each.name for each in found] == ["churn"]


def test_nobody_is_asked_without_a_terminal() -> None:
    ask("Approve it?", yes=True)
    with pytest.raises(CommandError) as raised:
        ask("Approve it?", yes=False)

    assert (raised.value.code, raised.value.next_step) == (ExitCode.USAGE, "Answer beforehand: --yes")


def test_an_interrupted_call_says_that_nobody_knows() -> None:
    with pytest.raises(CommandError) as raised, one_call("approve", "greenlight status"):
        raise KeyboardInterrupt

    assert raised.value.code is ExitCode.INTERRUPTED
    assert "not known" in raised.value.cause
