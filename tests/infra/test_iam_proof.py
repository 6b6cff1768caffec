"""Check the record of the proof against the synthesised policies, and the prover against its claims."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from iam_evaluator.policies import parse_policy
from iam_evaluator.principals import Principal, PrincipalKind
from tests.iam_proof.evidence import Open
from tests.iam_proof.mutants import Needs, Part, Taken, mutants_of
from tests.iam_proof.page import (
    PAGE,
    RECORD,
    Tally,
    evidence_on,
    scenarios_on,
    taken_on,
    with_verdict,
    written,
)
from tests.iam_proof.processes import shared_out
from tests.iam_proof.proof import Finding
from tests.iam_proof.reasons import reason_for
from tests.iam_proof.subjects import cases
from tests.infra.conftest import REPOSITORY
from tests.infra.roles import Subject, document

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised
    from tests.infra.estate import Estate

ACCOUNT = "111122223333"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:jobs"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:news"
WORKER = Subject("one account", "Worker")


def test_the_record_has_everything_that_policies_have_and_nothing_else(
    featured: Synthesised, estate: Estate
) -> None:
    known = taken_on(RECORD.read_text(encoding="utf-8"))

    assert sorted((subject, taken) for subject, taken, _ in known) == sorted(
        (each.subject, each.taken) for each in cases(featured, estate)
    ), "run `make iam-proof`"


def test_the_record_names_tests_that_exist_or_the_reasons_as_they_are() -> None:
    named = taken_on(RECORD.read_text(encoding="utf-8"))
    scenarios = {end.strip("`") for _, _, end in named if "::" in end}

    assert scenarios
    for scenario in scenarios:
        file, _, name = scenario.partition("::")
        function = name.partition("[")[0]
        told = (REPOSITORY / "tests" / "infra" / file).read_text(encoding="utf-8")
        assert f"def {function}(" in told, scenario
    for subject, taken, why in named:
        if "::" not in why:
            reason = reason_for(subject, taken)
            assert reason is not None, (subject, taken)
            assert why == reason.why


def test_the_page_has_the_verdict_of_the_record() -> None:
    page = PAGE.read_text(encoding="utf-8")
    tally = Tally.of_record(RECORD.read_text(encoding="utf-8"))

    assert page == with_verdict(page, tally), "run `make iam-proof`"
    assert tally.unexplained == 0


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

    policies = worker.identity_policies
    assert [mutant.taken_from(policies) for mutant in mutants_of(policies)] == [
        Taken("Send", Part.ACTION, "sqs:SendMessage"),
        Taken("Send", Part.ACTION, "sqs:GetQueueUrl"),
        Taken("Send", Part.RESOURCE, QUEUE),
        Taken("Send", Part.RESOURCE, TOPIC),
        Taken("Send", Part.SCOPE, f"{QUEUE} {TOPIC}"),
        Taken("Send", Part.CONDITION, "StringEquals aws:RequestTag/team"),
        Taken("Send", Part.VALUE, "aws:RequestTag/team = a"),
        Taken("Send", Part.VALUE, "aws:RequestTag/team = b"),
    ]


@pytest.mark.parametrize(
    "request_made",
    [send(), send("sqs:GetQueueUrl"), send(team="b"), send(team="c"), send(resource=f"{QUEUE}-2")],
)
def test_what_a_mutant_is_said_to_change_is_what_it_changes(request_made: AccessRequest) -> None:
    worker = role(SEND, {"Sid": "Other", "Action": "sqs:DeleteMessage", "Resource": "*"})
    policies = worker.identity_policies
    before = evaluate(worker, request_made).is_allowed

    changed = Needs(policies).changed(worker, request_made, was_allowed=before)

    assert changed
    for mutant in mutants_of(policies):
        mutated = replace(worker, identity_policies=mutant.apply(policies))
        after = evaluate(mutated, request_made).is_allowed
        assert (after != before) is (mutant in changed), mutant.taken_from(policies)


def test_what_two_statements_allow_needs_neither() -> None:
    twice = role(SEND, {**SEND, "Sid": "Again"})

    assert Needs(twice.identity_policies).refused_without(twice, send()) == []


def test_a_statement_without_its_last_action_or_resource_is_gone() -> None:
    policies = role({"Sid": "One", "Action": "sqs:SendMessage", "Resource": QUEUE}).identity_policies

    assert [mutant.apply(policies)[0].statements for mutant in mutants_of(policies) if not mutant.widens] == [
        (),
        (),
    ]


OPEN = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root", "Service": ["events.amazonaws.com"]},
    "Action": ["sqs:SendMessage"],
}
SECURE = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["sqs:*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def test_a_resources_policy_has_principals_and_denials_to_change() -> None:
    policies = (parse_policy({"Version": "2012-10-17", "Statement": [OPEN, SECURE]}),)

    assert [mutant.taken_from(policies) for mutant in mutants_of(policies)] == [
        Taken("#1", Part.ACTION, "sqs:SendMessage"),
        Taken("#1", Part.PRINCIPAL, f"arn:aws:iam::{ACCOUNT}:root"),
        Taken("#1", Part.ANYBODY, f"arn:aws:iam::{ACCOUNT}:root"),
        Taken("#1", Part.PRINCIPAL, "Service events.amazonaws.com"),
        Taken("#1", Part.ANYBODY, "Service events.amazonaws.com"),
        Taken("#2", Part.DENIAL, "sqs:*"),
    ]


def test_what_a_resources_policy_cannot_widen_is_not_widened() -> None:
    roles = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/models"}}
    objects = {**OPEN, "Resource": "arn:aws:s3:::models/churn/*", "Condition": roles}
    policies = (parse_policy({"Version": "2012-10-17", "Statement": [{**OPEN, "Resource": QUEUE}, objects]}),)

    parts = [(mutant.statement, mutant.part) for mutant in mutants_of(policies)]

    assert (0, Part.SCOPE) not in parts
    assert (1, Part.SCOPE) in parts
    assert (0, Part.ANYBODY) in parts
    assert (1, Part.ANYBODY) not in parts


def test_what_is_written_of_a_policy_is_read_as_the_same() -> None:
    policy = parse_policy({"Version": "2012-10-17", "Statement": [OPEN, SECURE, SEND | {"Effect": "Allow"}]})

    assert parse_policy(document(policy)) == policy


def test_a_watched_principal_is_told_of_decisions_and_decided_about_as_before() -> None:
    told: list[bool] = []
    watched = replace(role(SEND), on_decision=lambda _, decision: told.append(decision.is_allowed))

    assert evaluate(watched, send()).is_allowed
    assert not evaluate(watched, send(team="c")).is_allowed
    assert told == [True, False]


def test_what_survives_without_a_reason_shows_in_the_record() -> None:
    taken = Taken("Send", Part.ACTION, "sqs:SendMessage")
    used = Taken("Send", Part.RESOURCE, "jobs")

    findings = [Finding(WORKER, taken, "", "", 0), Finding(WORKER, used, "sufficiency/a.py::test_b", "", 1)]
    record = written(
        findings,
        {(WORKER, "Send"): "R, 1"},
        ["page: a guide"],
        [Open("Is it so?", "It does not matter.")],
    )

    assert taken_on(record) == [(WORKER, used, "`sufficiency/a.py::test_b`"), (WORKER, taken, "no reason")]
    assert scenarios_on(record) == {(WORKER, used): "sufficiency/a.py::test_b"}
    assert evidence_on(record) == {(WORKER, "Send"): "R, 1"}
    assert "\n1. page: a guide\n" in record
    assert "| Is it so? | It does not matter. |" in record
    assert Tally.of(findings) == Tally.of_record(record) == Tally(failing=1, staying=0, unexplained=1)
    assert str(Tally(3, 2, 1)) == "6 things changed: 3 fail a scenario, 2 stay for a reason, 1 for none."


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_work_that_is_shared_out_comes_back_in_its_order_and_is_counted(jobs: int) -> None:
    counted: list[None] = []

    assert shared_out(str, range(5), jobs, lambda: counted.append(None)) == ["0", "1", "2", "3", "4"]
    assert len(counted) == 5


def test_a_process_that_ends_before_it_is_done_is_seen() -> None:
    with pytest.raises(EOFError):
        shared_out(os._exit, [1, 2], 2)  # no `finally` of pytest's runs in a copy of this process
