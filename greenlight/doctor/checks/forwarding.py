"""Check the registry's rule that sends events to the stage's bus, and the role that it sends as. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from greenlight.doctor.checks.event_rules import (
    CHECK,
    WHY,
    RuleSought,
    amiss,
    by_hand,
    events_of_registry,
    matches,
    of_registrys_stack,
)
from greenlight.doctor.checks.judging import by_its_own, call, trusts
from greenlight.doctor.facts import Absent, Found
from greenlight.doctor.findings import Finding, Status, judge
from infra.stages.stage_names import registry_stack_name, spellings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from greenlight.doctor.facts import Facts, Reading, Role
    from infra.stages.access import StageAccess


def check_forwarding(access: StageAccess, group: str, facts: Facts) -> Iterator[Finding]:
    """Check the rule in the registry's account, and its role."""
    names, registry = access.names, access.registry
    named = {"ModelPackageGroupName": spellings(group, registry.resource_names)}
    link = RuleSought(
        f"a rule in account {registry.account}",
        f"no rule sends the events of {group} to {names.bus_arn}",
        of_registrys_stack(access),
        registry_stack_name(names.stack_name),
        None,
        events_of_registry(access) | {"detail": named},
        lambda rule: matches(rule, access, group),
    )
    reading = facts.forwarding_rules
    yield from judge(reading, CHECK, link.subject, absent=link.absent, why=WHY, where=link.where)
    if not isinstance(reading, Found):
        return
    rules = [rule for rule in reading.value if any(arn == names.bus_arn for arn, _ in rule.targets)]
    right = [rule for rule in rules if matches(rule, access, group) and rule.enabled]
    if not right:
        yield from amiss(link, rules)
        return
    yield Finding(CHECK, Status.OK, f"the rule {right[0].name}")
    roles = [role for rule in right for arn, role in rule.targets if arn == names.bus_arn]
    for role_arn in dict.fromkeys(role for role in roles if role):
        yield from _sender(facts.forwarding_roles.get(role_arn, Absent()), role_arn, access)
    if None in roles:
        yield Finding(
            CHECK,
            Status.GAP,
            f"the rule {right[0].name}",
            "its target has no role, and EventBridge sends to another account's bus only as one",
            WHY,
            by_hand(link.where, "put the target again (aws events put-targets), with the role of the stack."),
        )


def _sender(role: Reading[Role], role_arn: str, access: StageAccess) -> Iterator[Finding]:
    """Check the role with which the registry's rule sends."""
    registry = access.registry
    subject, where = f"the role {role_arn}", of_registrys_stack(access)
    yield from judge(role, CHECK, subject, absent="there is no such role", why=WHY, where=where)
    if not isinstance(role, Found):
        return
    bus = access.names.bus_arn
    may_put = by_its_own(role.value, role_arn, call("events:PutEvents", bus)).is_allowed
    trusted = trusts(role.value.trust, "events.amazonaws.com", registry.account)
    if may_put and trusted:
        yield Finding(CHECK, Status.OK, subject)
    if not trusted:
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": registry.account}},
        }
        how = "add the statement to the role's trust policy."
        found = "it does not trust events.amazonaws.com, so EventBridge cannot take it"
        yield Finding(CHECK, Status.GAP, subject, found, WHY, by_hand(where, how), statement)
    if not may_put:
        statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
        how = "add the statement to the role's policies."
        found = "it may not put events on the stage's bus"
        yield Finding(CHECK, Status.GAP, subject, found, WHY, by_hand(where, how), statement)
