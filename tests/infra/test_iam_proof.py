"""Holds the page on permissions to the synthesised role, and its making to what it claims."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from iam_policies.evaluation import AccessRequest, evaluate
from iam_policies.policies import parse_policy
from iam_policies.principals import Principal, PrincipalKind
from tests.iam_proof.mutants import Needs, Part, Taken, mutants_of
from tests.iam_proof.page import PAGE, taken_on, written
from tests.iam_proof.proof import Finding, role_of
from tests.iam_proof.reasons import REASONS
from tests.infra.conftest import REPOSITORY

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised

ACCOUNT = "111122223333"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:jobs"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:news"


def test_the_page_knows_everything_that_the_role_has_and_nothing_else(featured: Synthesised) -> None:
    role = role_of(featured)

    assert sorted(taken_on(PAGE.read_text(encoding="utf-8"))) == sorted(
        mutant.taken_from(role) for mutant in mutants_of(role)
    ), "run `make iam-proof`"


def test_the_page_names_tests_that_exist_or_the_reasons_as_they_are() -> None:
    text = PAGE.read_text(encoding="utf-8")
    proven, _, reasoned = text.partition("## What no scenario needs")

    scenarios = [line.rsplit("|", 2)[1].strip().strip("`") for line in proven.splitlines() if "::" in line]
    assert scenarios
    for scenario in scenarios:
        file, _, name = scenario.partition("::")
        function = name.partition("[")[0]
        told = (REPOSITORY / "tests" / "infra" / file).read_text(encoding="utf-8")
        if "import *" in told:
            told += (REPOSITORY / "tests/unit/deployer" / file.rpartition("/")[2]).read_text(encoding="utf-8")
        assert f"def {function}(" in told, scenario
    assert sorted(taken_on(reasoned)) == sorted(REASONS)
    for reason in REASONS.values():
        assert f" {reason} |" in reasoned


def role(*statements: dict[str, Any]) -> Principal:
    policy = parse_policy(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    )
    arn = f"arn:aws:iam::{ACCOUNT}:role/worker"
    return Principal(PrincipalKind.SESSION, arn, ACCOUNT, arn, (policy,))


SEND = {
    "Sid": "Send",
    "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"],
    "Resource": [QUEUE, TOPIC],
    "Condition": {"StringEquals": {"aws:RequestTag/team": ["a", "b"]}},
}


def send(action: str = "sqs:SendMessage", resource: str = QUEUE, team: str = "a") -> AccessRequest:
    return AccessRequest(action, resource, None, {"aws:requesttag/team": team})


def test_everything_in_a_statement_is_taken_once() -> None:
    worker = role(SEND)

    assert [mutant.taken_from(worker) for mutant in mutants_of(worker)] == [
        Taken("Send", Part.ACTION, "sqs:SendMessage"),
        Taken("Send", Part.ACTION, "sqs:GetQueueUrl"),
        Taken("Send", Part.RESOURCE, QUEUE.replace(ACCOUNT, "{account}")),
        Taken("Send", Part.RESOURCE, TOPIC.replace(ACCOUNT, "{account}")),
        Taken("Send", Part.CONDITION, "StringEquals aws:RequestTag/team"),
        Taken("Send", Part.VALUE, "aws:RequestTag/team = a"),
        Taken("Send", Part.VALUE, "aws:RequestTag/team = b"),
    ]


@pytest.mark.parametrize("request_made", [send(), send("sqs:GetQueueUrl"), send(team="b"), send(team="c")])
def test_what_a_mutant_is_said_to_change_is_what_it_changes(request_made: AccessRequest) -> None:
    worker = role(SEND, {"Sid": "Other", "Action": "sqs:DeleteMessage", "Resource": "*"})
    needs = Needs(worker)
    before = evaluate(worker, request_made).is_allowed

    changed = needs.refused_without(request_made) if before else needs.allowed_without(request_made)

    assert changed
    for mutant in mutants_of(worker):
        after = evaluate(mutant.apply(worker), request_made).is_allowed
        assert (after != before) is (mutant in changed), mutant.taken_from(worker)


def test_what_two_statements_allow_needs_neither() -> None:
    twice = Needs(role(SEND, {**SEND, "Sid": "Again"}))

    assert twice.refused_without(send()) == []


def test_a_statement_without_its_last_action_or_resource_is_gone() -> None:
    worker = role({"Sid": "One", "Action": "sqs:SendMessage", "Resource": QUEUE})

    assert [mutant.apply(worker).identity_policies[0].statements for mutant in mutants_of(worker)] == [(), ()]


def test_a_watched_principal_is_told_of_decisions_and_decided_about_as_before() -> None:
    told: list[bool] = []
    watched = replace(role(SEND), on_decision=lambda _, decision: told.append(decision.is_allowed))

    assert evaluate(watched, send()).is_allowed
    assert not evaluate(watched, send(team="c")).is_allowed
    assert told == [True, False]


def test_what_survives_without_a_reason_shows_on_the_page() -> None:
    taken = Taken("Send", Part.ACTION, "sqs:SendMessage")
    used = Taken("Send", Part.RESOURCE, "jobs")

    page = written([Finding(taken, "", "", 0), Finding(used, "sufficiency/a.py::test_b", "", 1)], {})

    assert taken_on(page) == [used, taken]
    assert "no reason |" in page
