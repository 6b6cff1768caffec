"""Follow an approval's event from the registry's account to the stage's deployer, link by link.

Pure. A deployed stack does not notice manual changes, and deploying it again repairs nothing. So each gap
comes with the command that closes it, and the stack that should have.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from iam_evaluator.decision import Outcome
from iam_evaluator.principals import role_session
from infra.configuration.partitions import partition_of
from infra.stages.policy_statements import admission
from infra.stages.stage_names import registry_stack_name, spellings
from ops.facts import Absent, Found
from ops.findings import Finding, Status, judge
from ops.judging import admits_service, by_its_own, call, decided, objections, trusts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from iam_evaluator.request_context import Values
    from infra.stages.access import StageAccess
    from ops.facts import Facts, Reading, Role, Rule

_CHECK = "event-path"
_WHY = "Approvals reach the stage only with the next sweep."

_FUNCTION = "DeployerFunctionName"
_UNDELIVERED = "UndeliveredQueueUrl"
"""Outputs of the stage's stack: CloudFormation chooses names that no other account needs."""


@dataclass(frozen=True, slots=True)
class _Link:
    """One of the two rules on the path.

    Attributes:
        subject: Its name in reports while the rule is unknown.
        absent: The message if there is none.
        where: Which stack makes it.
        stack: That stack.
        bus: Its bus; None for the default one.
        pattern: Its pattern.
        target: Its target, in PutTargets' form; None if unknown.
    """

    subject: str
    absent: str
    where: str
    stack: str
    bus: str | None
    pattern: dict[str, Any]
    target: dict[str, Any] | None = None


def check_event_path(access: StageAccess, group: str, facts: Facts) -> Iterator[Finding]:
    """Check the registry's rule and its role, the stage's bus and its rule, and the deployer's function."""
    if not access.at_home:
        yield from _bus(access, facts)
        yield from _receiving(access, group, facts)
        yield from _forwarding(access, group, facts)


def _here(access: StageAccess) -> str:
    names = access.names
    return f"In account {names.account}, {names.region}: deploy the stack {names.stack}."


def _there(access: StageAccess) -> str:
    registry = access.registry
    stack = registry_stack_name(access.names.stack_name)
    return f"In account {registry.account}, {registry.region}: deploy the stack {stack}."


def _by_hand(where: str, what: str) -> str:
    return f"{where} If it is deployed, {what}"


def _bus(access: StageAccess, facts: Facts) -> Iterator[Finding]:
    names, registry = access.names, access.registry
    subject, where = f"the bus {names.bus_arn}", _here(access)
    yield from judge(facts.bus_policy, _CHECK, subject, absent="there is no such bus", why=_WHY, where=where)
    if not isinstance(facts.bus_policy, Found):
        return
    policy = facts.bus_policy.value
    organization = registry.organization
    context: dict[str, Values] = {"aws:principalorgid": organization} if organization else {}
    sender = role_session(f"arn:{partition_of(names.region)}:iam::{registry.account}:role/sender", "doctor")
    request = replace(call("events:PutEvents", names.bus_arn, context), owner_account=names.account)
    said = decided(sender, request, policy).outcome
    if said is Outcome.ALLOWED:
        yield Finding(_CHECK, Status.OK, subject)
        return
    found = f"it does not admit events of account {registry.account}"
    objecting = objections(policy, sender, request)
    if objecting:
        where = f"In account {names.account}: change {' and '.join(objecting)} of the bus's policy."
        status = Status.MISSING if said is Outcome.EXPLICIT_DENY else Status.UNKNOWN
        yield Finding(_CHECK, status, subject, f"{found}: {', '.join(objecting)} denies them", _WHY, where)
        return
    wanted = admission(access)
    others = [each for each in _list(policy.get("Statement", [])) if each.get("Sid") != wanted["Sid"]]
    whole = {"Version": "2012-10-17", "Statement": [*others, wanted]}
    yield Finding(
        _CHECK,
        Status.UNKNOWN if said is Outcome.UNKNOWN else Status.MISSING,
        subject,
        found,
        _WHY,
        _by_hand(where, "its policy was changed by hand: put the statement back."),
        wanted,
        _command("put-permission", "--event-bus-name", names.bus, "--policy", json.dumps(whole)),
    )


def _receiving(access: StageAccess, group: str, facts: Facts) -> Iterator[Finding]:
    names, registry = access.names, access.registry
    link = _Link(
        f"a rule on the bus {names.bus}",
        f"no rule takes the events of account {registry.account} to the deployer",
        _here(access),
        names.stack,
        names.bus,
        _of_registry(access) | {"region": [registry.region]},
    )
    reading = facts.receiving_rules
    yield from judge(reading, _CHECK, link.subject, absent=link.absent, why=_WHY, where=link.where)
    if not isinstance(reading, Found):
        return
    rules = reading.value
    outputs = facts.stack_outputs
    deployer: str | None = None
    if isinstance(outputs, Found) and (name := outputs.value.get(_FUNCTION)):
        deployer = f"arn:{partition_of(names.region)}:lambda:{names.region}:{names.account}:function:{name}"
        link = replace(link, target=_target(access, deployer, outputs.value.get(_UNDELIVERED)))
    right = [
        rule for rule in rules if _matches(rule, access, group) and _leads(rule, deployer) and rule.enabled
    ]
    if right:
        yield Finding(_CHECK, Status.OK, f"the rule {right[0].name}")
        if deployer is None:
            yield from _which_function(access, right[0], outputs)
        yield from _invoking(access, right[0], deployer, facts)
        return
    of_stack = [rule for rule in rules if rule.name.startswith(f"{names.stack}-")]
    # Other targets on the bus are not ours, unless there are no others.
    ours = of_stack or [rule for rule in rules if _matches(rule, access, group)]
    yield from _amiss(link, ours, access, group)


def _leads(rule: Rule, deployer: str | None) -> bool:
    """Tell whether a rule leads to the deployer's function, or to any target if the function is unknown."""
    return any(arn == (deployer or arn) for arn, _ in rule.targets)


def _which_function(
    access: StageAccess, rule: Rule, outputs: Reading[Mapping[str, str]]
) -> Iterator[Finding]:
    """Report that a rule's target is unknown, because CloudFormation named the deployer's function."""
    yield from judge(
        outputs if not isinstance(outputs, Found) else Absent(),
        _CHECK,
        f"the target of the rule {rule.name}",
        absent=f"the stack {access.names.stack} has no output {_FUNCTION}, by which the deployer is known",
        why="If it is another function, approvals reach the stage only with the next sweep.",
        where=_here(access),
    )


def _target(access: StageAccess, function_arn: str, queue_url: str | None) -> dict[str, Any]:
    """Write the receiving rule's target as the stack does.

    It has the Id of CDK's first target, so that the stack recognises it. Like the stack, it uses
    EventBridge's defaults for retries and an event's age.
    """
    target: dict[str, Any] = {"Id": "Target0", "Arn": function_arn}
    if queue_url:
        names = access.names
        queue = queue_url.rpartition("/")[2]
        arn = f"arn:{partition_of(names.region)}:sqs:{names.region}:{names.account}:{queue}"
        target["DeadLetterConfig"] = {"Arn": arn}
    return target


def _forwarding(access: StageAccess, group: str, facts: Facts) -> Iterator[Finding]:
    names, registry = access.names, access.registry
    named = {"ModelPackageGroupName": spellings(group, registry.resource_names)}
    link = _Link(
        f"a rule in account {registry.account}",
        f"no rule sends the events of {group} to {names.bus_arn}",
        _there(access),
        registry_stack_name(names.stack_name),
        None,
        _of_registry(access) | {"detail": named},
    )
    reading = facts.forwarding_rules
    yield from judge(reading, _CHECK, link.subject, absent=link.absent, why=_WHY, where=link.where)
    if not isinstance(reading, Found):
        return
    rules = [rule for rule in reading.value if any(arn == names.bus_arn for arn, _ in rule.targets)]
    right = [rule for rule in rules if _matches(rule, access, group) and rule.enabled]
    if not right:
        yield from _amiss(link, rules, access, group)
        return
    yield Finding(_CHECK, Status.OK, f"the rule {right[0].name}")
    roles = [role for rule in right for arn, role in rule.targets if arn == names.bus_arn]
    for role_arn in dict.fromkeys(role for role in roles if role):
        yield from _sender(facts.forwarding_roles.get(role_arn, Absent()), role_arn, access)
    if None in roles:
        yield Finding(
            _CHECK,
            Status.MISSING,
            f"the rule {right[0].name}",
            "its target has no role, and EventBridge sends to another account's bus only as one",
            _WHY,
            _by_hand(
                link.where, "put the target again (aws events put-targets), with the role of the stack."
            ),
        )


def _amiss(link: _Link, rules: Sequence[Rule], access: StageAccess, group: str) -> Iterator[Finding]:
    """Say what is wrong with the existing rules, or that there is none."""
    on_bus = ["--event-bus-name", link.bus] if link.bus else []

    def missing(
        subject: str, found: str, how: str, pattern: Mapping[str, Any] | None = None, command: str = ""
    ) -> Finding:
        where = _by_hand(link.where, how)
        return Finding(_CHECK, Status.MISSING, subject, found, _WHY, where, pattern, command)

    if not rules:
        how = (
            "the rule, or its target, was taken away by hand: make it again, under the name that the stack "
            "knows it by, with the pattern below (aws events put-rule, put-targets)."
        )
        command = f"aws cloudformation describe-stack-resources --stack-name {link.stack}"
        yield missing(link.subject, link.absent, how, link.pattern, command)
        return
    # Take the closest rule: a stage with many groups has several.
    rule = next((each for each in rules if _matches(each, access, group)), rules[0])
    subject = f"the rule {rule.name}"
    deployer = link.target["Arn"] if link.target else None
    if not _leads(rule, deployer):
        led = ", ".join(arn for arn, _ in rule.targets)
        found = f"it leads to {led}, and not to {deployer}, the deployer" if led else "it has no target"
        if link.target:
            given = ["--rule", rule.name, *on_bus, "--targets", json.dumps([link.target])]
            how = "its target was taken away or changed by hand: put it back."
            yield missing(subject, found, how, command=_command("put-targets", *given))
        else:
            # Only CloudFormation knows the name of the stack's function.
            how = f"put the function of the output {_FUNCTION} back as its target, by put-targets."
            yield missing(subject, found, how)
    elif not _matches(rule, access, group):
        pattern = _with_groups(rule.pattern, link.pattern)
        found = f"it takes other events: its pattern is {json.dumps(rule.pattern)}"
        given = ["--name", rule.name, *on_bus, "--event-pattern", json.dumps(pattern)]
        how = "its pattern was changed by hand: put it back."
        yield missing(subject, found, how, pattern, _command("put-rule", *given))
    else:
        command = _command("enable-rule", "--name", rule.name, *on_bus)
        yield missing(subject, "it is disabled", "somebody disabled it: enable it.", command=command)


def _invoking(access: StageAccess, rule: Rule, deployer: str | None, facts: Facts) -> Iterator[Finding]:
    """Check that EventBridge may invoke the deployer, or the rule's functions if the deployer is unknown."""
    for arn, _ in rule.targets:
        if ":lambda:" not in arn or arn != (deployer or arn):
            continue
        subject, where = f"the function {arn}", _here(access)
        sid, action = "GreenlightInvoke", "lambda:InvokeFunction"
        statement = {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": action,
            "Resource": arn,
            "Condition": {"ArnLike": {"AWS:SourceArn": rule.arn}},
        }
        command = _command(
            "add-permission",
            *("--function-name", arn, "--statement-id", sid, "--action", action),
            *("--principal", "events.amazonaws.com", "--source-arn", rule.arn),
            service="lambda",
        )
        reading = facts.function_policies.get(arn, Absent())
        policy: Mapping[str, Any] = {}
        if isinstance(reading, Found):
            policy = reading.value
        elif not isinstance(reading, Absent):
            yield from judge(reading, _CHECK, subject, absent="", why=_WHY, where=where)
            continue
        invoking = call(action, arn)
        by, account = "events.amazonaws.com", access.names.account
        if admits_service(policy, by, invoking, source_account=account, source_arn=rule.arn):
            yield Finding(_CHECK, Status.OK, subject)
            continue
        found = f"its policy does not let EventBridge invoke it for the rule {rule.name}"
        how = "the permission was taken away by hand: add it."
        yield Finding(_CHECK, Status.MISSING, subject, found, _WHY, _by_hand(where, how), statement, command)


def _sender(role: Reading[Role], role_arn: str, access: StageAccess) -> Iterator[Finding]:
    """Check the role with which the registry's rule sends."""
    registry = access.registry
    subject, where = f"the role {role_arn}", _there(access)
    yield from judge(role, _CHECK, subject, absent="there is no such role", why=_WHY, where=where)
    if not isinstance(role, Found):
        return
    bus = access.names.bus_arn
    may_put = by_its_own(role.value, role_arn, call("events:PutEvents", bus)).is_allowed
    trusted = trusts(role.value.trust, "events.amazonaws.com", registry.account)
    if may_put and trusted:
        yield Finding(_CHECK, Status.OK, subject)
    if not trusted:
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": registry.account}},
        }
        how = "add the statement to the role's trust policy."
        found = "it does not trust events.amazonaws.com, so EventBridge cannot take it"
        yield Finding(_CHECK, Status.MISSING, subject, found, _WHY, _by_hand(where, how), statement)
    if not may_put:
        statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
        how = "add the statement to the role's policies."
        found = "it may not put events on the stage's bus"
        yield Finding(_CHECK, Status.MISSING, subject, found, _WHY, _by_hand(where, how), statement)


def _of_registry(access: StageAccess) -> dict[str, Any]:
    return {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "account": [access.registry.account],
    }


def _matches(rule: Rule, access: StageAccess, group: str) -> bool:
    """Tell whether a rule's pattern matches an approval of the group; it knows only our patterns' syntax."""
    pattern = rule.pattern
    wanted = {**_of_registry(access), "region": [access.registry.region]}
    plain = all(name not in pattern or set(values) & set(pattern[name]) for name, values in wanted.items())
    groups = pattern.get("detail", {}).get("ModelPackageGroupName")
    return plain and (groups is None or bool(set(spellings(group, "both")) & {str(each) for each in groups}))


def _with_groups(pattern: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wanted pattern, with the groups that a rule already has."""
    if "detail" not in wanted:
        return dict(wanted)
    known = pattern.get("detail", {}).get("ModelPackageGroupName", [])
    groups = sorted({*known, *wanted["detail"]["ModelPackageGroupName"]})
    return {**wanted, "detail": {"ModelPackageGroupName": groups}}


def _command(operation: str, *arguments: str, service: str = "events") -> str:
    return shlex.join(["aws", service, operation, *arguments])


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, list) else [value]
