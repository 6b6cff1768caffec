"""Say what is wrong with an EventBridge rule on the way of approvals, and which command mends it. Pure."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from greenlight.doctor.checks.judging import admits_service, call
from greenlight.doctor.facts import Found, Unreadable
from greenlight.doctor.findings import Finding, Status, judge
from infra.stages.stage_names import registry_stack_name, spellings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from greenlight.doctor.facts import Reading, Rule
    from infra.stages.access import StageAccess

CHECK: Final = "event path"
WHY: Final = "Approvals reach the stage only with the next sweep."

FUNCTION_OUTPUT: Final = "DeployerFunctionName"
"""An output of the stage's stack: CloudFormation chooses names that no other account needs."""


@dataclass(frozen=True, slots=True)
class RuleSought:
    """A rule that has to be there.

    Attributes:
        subject: Its name in reports while the rule is unknown.
        absent: The message if there is none.
        where: Which stack makes it.
        stack: That stack.
        bus: Its bus; None for the default one.
        pattern: Its pattern.
        matches: Tells whether a rule's pattern is as good as that.
        why: What goes wrong without it.
        target: Its target, in PutTargets' form; None if unknown.
    """

    subject: str
    absent: str
    where: str
    stack: str
    bus: str | None
    pattern: dict[str, Any]
    matches: Callable[[Rule], bool]
    why: str = WHY
    target: dict[str, Any] | None = None


def of_stages_stack(access: StageAccess) -> str:
    """Say where the stage's stack is deployed."""
    names = access.names
    return f"In account {names.account}, {names.region}: deploy the stack {names.stack}."


def of_registrys_stack(access: StageAccess) -> str:
    """Say where the registry's stack is deployed."""
    registry = access.registry
    stack = registry_stack_name(access.names.stack_name)
    return f"In account {registry.account}, {registry.region}: deploy the stack {stack}."


def by_hand(where: str, what: str) -> str:
    """Say where the stack is deployed, and what to do if it is."""
    return f"{where} If it is deployed, {what}"


def leads_to(rule: Rule, deployer: str | None) -> bool:
    """Tell whether a rule leads to the deployer's function, or to any target if the function is unknown."""
    return any(arn == (deployer or arn) for arn, _ in rule.targets)


def amiss(link: RuleSought, rules: Sequence[Rule]) -> Iterator[Finding]:
    """Say what is wrong with the existing rules, or that there is none."""
    on_bus = ["--event-bus-name", link.bus] if link.bus else []

    def missing(
        subject: str, found: str, how: str, pattern: Mapping[str, Any] | None = None, command: str = ""
    ) -> Finding:
        where = by_hand(link.where, how)
        return Finding(CHECK, Status.GAP, subject, found, link.why, where, pattern, command)

    if not rules:
        how = (
            "the rule, or its target, was taken away by hand: make it again, under the name that the stack "
            "knows it by, with the pattern below (aws events put-rule, put-targets)."
        )
        command = f"aws cloudformation describe-stack-resources --stack-name {link.stack}"
        yield missing(link.subject, link.absent, how, link.pattern, command)
        return
    # Take the closest rule: a stage with many groups has several.
    rule = next((each for each in rules if link.matches(each)), rules[0])
    subject = f"the rule {rule.name}"
    deployer = link.target["Arn"] if link.target else None
    if not leads_to(rule, deployer):
        led = ", ".join(arn for arn, _ in rule.targets)
        found = f"it leads to {led}, and not to {deployer}, the deployer" if led else "it has no target"
        if link.target:
            given = ["--rule", rule.name, *on_bus, "--targets", json.dumps([link.target])]
            how = "its target was taken away or changed by hand: put it back."
            yield missing(subject, found, how, command=command_line("put-targets", *given))
        else:
            # Only CloudFormation knows the name of the stack's function.
            how = f"put the function of the output {FUNCTION_OUTPUT} back as its target, by put-targets."
            yield missing(subject, found, how)
    elif not link.matches(rule):
        pattern = _with_groups(rule.pattern, link.pattern)
        found = f"it takes other events: its pattern is {json.dumps(rule.pattern)}"
        given = ["--name", rule.name, *on_bus, "--event-pattern", json.dumps(pattern)]
        how = "its pattern was changed by hand: put it back."
        yield missing(subject, found, how, pattern, command_line("put-rule", *given))
    else:
        command = command_line("enable-rule", "--name", rule.name, *on_bus)
        yield missing(subject, "it is disabled", "somebody disabled it: enable it.", command=command)


def events_of_registry(access: StageAccess) -> dict[str, Any]:
    """Return the pattern of all the registry's approvals."""
    return {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "account": [access.registry.account],
    }


def matches(rule: Rule, access: StageAccess, group: str) -> bool:
    """Tell whether a rule's pattern matches an approval of the group; it knows only our patterns' syntax."""
    pattern = rule.pattern
    wanted = {**events_of_registry(access), "region": [access.registry.region]}
    plain = all(name not in pattern or set(values) & set(pattern[name]) for name, values in wanted.items())
    groups = pattern.get("detail", {}).get("ModelPackageGroupName")
    return plain and (groups is None or bool(set(spellings(group, "both")) & {str(each) for each in groups}))


def _with_groups(pattern: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wanted pattern, with the groups that a rule already has."""
    if "ModelPackageGroupName" not in wanted.get("detail", {}):
        return dict(wanted)
    known = pattern.get("detail", {}).get("ModelPackageGroupName", [])
    groups = sorted({*known, *wanted["detail"]["ModelPackageGroupName"]})
    return {**wanted, "detail": {"ModelPackageGroupName": groups}}


def command_line(operation: str, *arguments: str, service: str = "events") -> str:
    """Return a command of the AWS CLI, ready to copy."""
    return shlex.join(["aws", service, operation, *arguments])


def check_invocation(
    rule: Rule,
    function_arn: str,
    policy: Reading[Mapping[str, Any]],
    *,
    account: str,
    where: str,
    sid: str = "GreenlightInvoke",
    why: str = WHY,
) -> Iterator[Finding]:
    """Check that a function's policy lets EventBridge invoke it for a rule."""
    subject, action = f"the function {function_arn}", "lambda:InvokeFunction"
    if isinstance(policy, Unreadable):
        yield from judge(policy, CHECK, subject, absent="", why=why, where=where)
        return
    known: Mapping[str, Any] = policy.value if isinstance(policy, Found) else {}
    by = "events.amazonaws.com"
    if admits_service(known, by, call(action, function_arn), source_account=account, source_arn=rule.arn):
        yield Finding(CHECK, Status.OK, subject)
        return
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": by},
        "Action": action,
        "Resource": function_arn,
        "Condition": {"ArnLike": {"AWS:SourceArn": rule.arn}},
    }
    command = command_line(
        "add-permission",
        *("--function-name", function_arn, "--statement-id", sid, "--action", action),
        *("--principal", by, "--source-arn", rule.arn),
        service="lambda",
    )
    found = f"its policy does not let EventBridge invoke it for the rule {rule.name}"
    how = "the permission was taken away by hand: add it."
    yield Finding(CHECK, Status.GAP, subject, found, why, by_hand(where, how), statement, command)
