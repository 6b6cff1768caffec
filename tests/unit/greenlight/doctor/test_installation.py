"""What the doctor says of a deployed stack, whose facts are given."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any, Final

import pytest

from deployer.contract import PART_DETAIL_TYPE
from greenlight.doctor.checks.installation import check_installation
from greenlight.doctor.facts import Absent, Found, Rule, Unreadable
from greenlight.doctor.findings import Finding, Status
from greenlight.doctor.installation import Function, Installation, Subscription

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-central-1"
FUNCTION: Final = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:deployer"
SWEEP_BUS: Final = "Greenlight.sweep-parts"
QUEUE: Final = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
UNDELIVERED, UNHANDLED = f"{QUEUE}/undelivered", f"{QUEUE}/unhandled"
TOPIC: Final = f"arn:aws:sns:{REGION}:{ACCOUNT}:outcomes"
PARAMETER: Final = "/greenlight/Greenlight/settings-digest"
REFUSED: Final = Unreadable("AccessDenied", "Ask for it.", {"Effect": "Allow"})


def rule(name: str, pattern: dict[str, Any], *, bus: str = "", schedule: str = "") -> Rule:
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{f'{bus}/' if bus else ''}Greenlight-{name}"
    return Rule(
        f"Greenlight-{name}",
        arn,
        enabled=True,
        pattern=pattern,
        targets=((FUNCTION, None),),
        schedule=schedule,
    )


def of_sagemaker(*kinds: str) -> dict[str, Any]:
    return {"source": ["aws.sagemaker"], "detail-type": [f"SageMaker {each} State Change" for each in kinds]}


APPROVALS: Final = rule("approvals", of_sagemaker("Model Package"))
ENDPOINTS: Final = rule("endpoints", of_sagemaker("Endpoint", "Endpoint Deployment"))
SETTINGS: Final = rule(
    "settings",
    {"source": ["aws.ssm"], "detail-type": ["Parameter Store Change"], "detail": {"name": [PARAMETER]}},
)
SWEEP: Final = rule("sweep", {}, schedule="rate(15 minutes)")
PARTS: Final = rule(
    "parts",
    {
        "source": ["greenlight"],
        "detail-type": [PART_DETAIL_TYPE],
        "account": [ACCOUNT],
        "region": [REGION],
        "detail": {"StackName": ["Greenlight"]},
    },
    bus=SWEEP_BUS,
)
RULES: Final = (APPROVALS, ENDPOINTS, SETTINGS, SWEEP, PARTS)
DEPLOYER: Final = Function(
    FUNCTION, "arn:role", "Active", "Successful", "", None, SWEEP_BUS, "arn:models", Found("d1")
)


def policy(*rules: Rule) -> dict[str, Any]:
    return {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "lambda:InvokeFunction",
                "Resource": FUNCTION,
                "Condition": {"ArnLike": {"AWS:SourceArn": each.arn}},
            }
            for each in rules
        ]
    }


def facts(**changes: Any) -> Installation:
    in_order = Installation(
        stack="Greenlight",
        account=ACCOUNT,
        region=REGION,
        status="UPDATE_COMPLETE",
        outputs={"UndeliveredQueueUrl": UNDELIVERED, "OutcomeTopicArn": TOPIC},
        is_fed_here=True,
        function=Found(DEPLOYER),
        function_policy=Found(policy(*RULES)),
        rules=Found(RULES),
        dead_letters={UNDELIVERED: Found(0), UNHANDLED: Found(0)},
        subscriptions=Found([Subscription("email", "ada@example.com", is_confirmed=True)]),
        settings_digest=Found("d1"),
    )
    return replace(in_order, **changes)


def wrong(**changes: Any) -> list[Finding]:
    return [each for each in check_installation(facts(**changes)) if each.status is not Status.OK]


def without(*gone: Rule, instead: tuple[Rule, ...] = ()) -> Found[list[Rule]]:
    return Found([*(each for each in RULES if each not in gone), *instead])


def test_where_everything_is_in_order_every_check_says_so() -> None:
    found = list(check_installation(facts()))

    assert [each for each in found if each.status is not Status.OK] == []
    checks = {"stack", "event path", "function", "settings", "dead letters", "topic"}
    assert {each.check for each in found} == checks
    assert sum(each.check == "event path" for each in found) == 10


@pytest.mark.parametrize("gone", RULES, ids=lambda each: each.name)
def test_each_rule_is_missed(gone: Rule) -> None:
    [gap] = wrong(rules=without(gone))

    assert gap.status is Status.GAP
    assert gap.found.startswith("no rule of the stack brings ")
    assert "deploy the stack Greenlight" in gap.where


@pytest.mark.parametrize("off", RULES, ids=lambda each: each.name)
def test_each_rule_that_is_off_is_told_with_the_command_that_enables_it(off: Rule) -> None:
    [gap] = wrong(rules=without(off, instead=(replace(off, enabled=False),)))

    on_bus = ["--event-bus-name", SWEEP_BUS] if off is PARTS else []
    assert gap.found == "it is disabled"
    assert shlex.split(gap.command) == ["aws", "events", "enable-rule", "--name", off.name, *on_bus]


@pytest.mark.parametrize("off", RULES, ids=lambda each: each.name)
def test_each_rule_that_leads_elsewhere_gets_its_target_back(off: Rule) -> None:
    [gap] = wrong(rules=without(off, instead=(replace(off, targets=(("arn:former", None),)),)))

    assert f"and not to {FUNCTION}" in gap.found
    assert "put-targets" in gap.command
    assert f"arn:aws:sqs:{REGION}:{ACCOUNT}:undelivered" in gap.command


@pytest.mark.parametrize(
    "pattern",
    [
        {**APPROVALS.pattern, "account": ["999999999999"]},
        {**APPROVALS.pattern, "detail": {"ModelApprovalStatus": ["Approved"]}},
        {**APPROVALS.pattern, "source": ["other"]},
    ],
)
def test_a_pattern_that_takes_less_is_found_and_the_whole_one_proposed(pattern: dict[str, Any]) -> None:
    [gap] = wrong(rules=without(APPROVALS, instead=(replace(APPROVALS, pattern=pattern),)))

    assert gap.found.startswith("it takes other events")
    assert gap.statement == APPROVALS.pattern


def test_a_stage_of_another_account_gets_its_approvals_on_a_bus_that_another_check_follows() -> None:
    assert wrong(rules=without(APPROVALS), is_fed_here=False) == []


@pytest.mark.parametrize("mute", RULES, ids=lambda each: each.name)
def test_each_rule_may_invoke_the_function(mute: Rule) -> None:
    [gap] = wrong(function_policy=Found(policy(*(each for each in RULES if each is not mute))))

    assert gap.found == f"its policy does not let EventBridge invoke it for the rule {mute.name}"
    assert mute.arn in gap.command


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"state": "Failed", "reason": "The key is disabled."}, "its state is Failed"),
        ({"update": "Failed"}, "its last update Failed"),
        ({"reserved": 0}, "somebody reserved no concurrency"),
    ],
)
def test_a_function_that_cannot_run_is_found(changes: dict[str, Any], found: str) -> None:
    [gap] = wrong(function=Found(replace(DEPLOYER, **changes)))

    assert (gap.check, gap.status) == ("function", Status.GAP)
    assert found in gap.found


def test_a_function_that_nobody_called_for_weeks_is_in_order() -> None:
    assert wrong(function=Found(replace(DEPLOYER, state="Inactive", reserved=5))) == []


@pytest.mark.parametrize(
    ("changes", "check", "found"),
    [
        ({"status": "UPDATE_ROLLBACK_COMPLETE"}, "stack", "its state is UPDATE_ROLLBACK_COMPLETE"),
        ({"settings_digest": Found("d2")}, "settings", "the stack's parameter says d2"),
        ({"settings_digest": Absent()}, "settings", "there is none"),
        ({"dead_letters": {UNDELIVERED: Found(1)}}, "dead letters", "1 event that could not be delivered"),
        ({"dead_letters": {UNHANDLED: Found(2)}}, "dead letters", "2 events that the deployer failed on"),
    ],
)
def test_what_else_keeps_approvals_back_is_found(changes: dict[str, Any], check: str, found: str) -> None:
    [gap] = wrong(**changes)

    assert (gap.check, gap.status) == (check, Status.GAP)
    assert found in gap.found


def test_who_does_not_hear_is_a_note_as_approvals_go_out_all_the_same() -> None:
    waiting = Subscription("email", "bob@example.com", is_confirmed=False)
    heard = Subscription("email", "ada@example.com", is_confirmed=True)

    [nobody] = wrong(subscriptions=Found([]))
    [one] = wrong(subscriptions=Found([heard, waiting]))

    assert {nobody.status, one.status} == {Status.NOTE}
    assert nobody.found == "nobody is subscribed"
    assert one.found == "bob@example.com (email) has not confirmed its subscription"


@pytest.mark.parametrize(
    "name", ["function", "function_policy", "rules", "subscriptions", "settings_digest", "dead_letters"]
)
def test_what_may_not_be_read_is_never_in_order(name: str) -> None:
    found = wrong(**{name: {UNDELIVERED: REFUSED} if name == "dead_letters" else REFUSED})

    assert found
    assert {each.status for each in found} == {Status.UNKNOWN}
    assert all(each.statement == {"Effect": "Allow"} for each in found)
