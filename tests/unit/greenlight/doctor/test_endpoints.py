"""What the doctor says of one managed endpoint, whose facts are given."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from deployer.model.pause import Pause
from greenlight.doctor.checks.endpoints import check_endpoint
from greenlight.doctor.endpoint import ManagedEndpoint
from greenlight.doctor.facts import Absent, Found, Unreadable
from greenlight.doctor.findings import Finding, Status
from tests.unit.deployer.builders import settings

ACCOUNT: Final = "111122223333"
ARN: Final = f"arn:aws:sagemaker:eu-central-1:{ACCOUNT}:endpoint/churn"
ROLE: Final = "arn:aws:iam::{}:role/lead"


def facts(*, approvers: tuple[str, ...] = (), **changes: Any) -> ManagedEndpoint:
    policy = {"ApprovalPolicy": {"Approvers": list(approvers)}} if approvers else {}
    in_order = ManagedEndpoint(
        stack="Greenlight",
        account=ACCOUNT,
        registry=ACCOUNT,
        arn=ARN,
        settings=settings(EndpointName="churn", **policy),
        tags=Found({"greenlight:stack": "Greenlight"}),
        alarms=Found({}),
        pauses=Found([]),
    )
    return replace(in_order, **changes)


def wrong(**changes: Any) -> list[Finding]:
    return [each for each in check_endpoint(facts(**changes)) if each.status is not Status.OK]


@pytest.mark.parametrize("tags", [Found({"greenlight:stack": "Greenlight"}), Absent()])
def test_an_endpoint_of_the_stacks_or_one_that_is_still_to_be_made_is_in_order(tags: Any) -> None:
    assert wrong(tags=tags) == []


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({}, "it has no tag greenlight:stack"),
        ({"greenlight:stack": "Other"}, "its tag greenlight:stack names"),
    ],
)
def test_an_endpoint_of_somebody_else_is_told_with_the_command_that_tags_it(
    tags: dict[str, str], found: str
) -> None:
    [gap] = wrong(tags=Found(tags))

    assert gap.status is Status.GAP
    assert gap.found.startswith(found)
    assert shlex.split(gap.command)[3:] == [
        *("--resource-arn", ARN),
        *("--tags", "Key=greenlight:stack,Value=Greenlight"),
    ]


@pytest.mark.parametrize(
    "approvers",
    [
        (),
        (ROLE.format(ACCOUNT),),
        (ROLE.format("999999999999"), ROLE.format(ACCOUNT)),
        ("arn:aws:iam::*:role/lead",),
    ],
)
def test_approvers_who_can_exist_are_in_order(approvers: tuple[str, ...]) -> None:
    assert wrong(approvers=approvers) == []


def test_approvers_of_another_account_than_the_registrys_are_told() -> None:
    [gap] = wrong(approvers=(ROLE.format("999999999999"),))

    assert (gap.check, gap.status) == ("approvers", Status.GAP)
    assert gap.found == f"all are of account 999999999999, and the registry is in {ACCOUNT}"


def test_an_alarm_that_is_missing_is_a_gap_and_one_that_is_on_a_note() -> None:
    missing, on = wrong(
        alarms=Found({"gone": None, "loud": "ALARM", "quiet": "OK", "new": "INSUFFICIENT_DATA"})
    )

    assert (missing.status, missing.subject, missing.found) == (
        Status.GAP,
        "the alarm gone",
        "there is no such alarm",
    )
    assert (on.status, on.subject, on.found) == (Status.NOTE, "the alarm loud", "its state is ALARM")


@pytest.mark.parametrize(("name", "command"), [("churn", "churn"), (None, "--all")])
def test_a_pause_is_a_note_with_the_command_that_ends_it(name: str | None, command: str) -> None:
    pause = Pause(name, "INC-42", "ada", datetime(2026, 12, 1, 8, tzinfo=UTC))

    [note] = wrong(pauses=Found([pause]))

    assert note.status is Status.NOTE
    assert note.found == "paused until 2026-12-01 08:00 UTC by ada: INC-42"
    assert note.command == f"greenlight resume {command}"


@pytest.mark.parametrize("name", ["tags", "alarms", "pauses"])
def test_what_may_not_be_read_is_never_in_order(name: str) -> None:
    [unknown] = wrong(**{name: Unreadable("AccessDenied", "Ask for it.")})

    assert unknown.status is Status.UNKNOWN
