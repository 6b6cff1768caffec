"""Check the stage's rule for the registry's events, and that it may invoke the deployer. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from greenlight.doctor.checks.event_rules import (
    CHECK,
    FUNCTION_OUTPUT,
    WHY,
    RuleSought,
    amiss,
    check_invocation,
    events_of_registry,
    leads_to,
    matches,
    of_stages_stack,
)
from greenlight.doctor.facts import Absent, Found
from greenlight.doctor.findings import Finding, Status, judge
from infra.configuration.partitions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from greenlight.doctor.facts import Facts, Reading, Rule
    from infra.stages.access import StageAccess

_UNDELIVERED: Final = "UndeliveredQueueUrl"
"""An output of the stage's stack."""


def check_receiving(access: StageAccess, group: str, facts: Facts) -> Iterator[Finding]:
    """Check the rule on the stage's bus, its target, and the function behind it."""
    names, registry = access.names, access.registry
    link = RuleSought(
        f"a rule on the bus {names.bus}",
        f"no rule takes the events of account {registry.account} to the deployer",
        of_stages_stack(access),
        names.stack,
        names.bus,
        events_of_registry(access) | {"region": [registry.region]},
        lambda rule: matches(rule, access, group),
    )
    reading = facts.receiving_rules
    yield from judge(reading, CHECK, link.subject, absent=link.absent, why=WHY, where=link.where)
    if not isinstance(reading, Found):
        return
    rules = reading.value
    outputs = facts.stack_outputs
    deployer: str | None = None
    if isinstance(outputs, Found) and (name := outputs.value.get(FUNCTION_OUTPUT)):
        deployer = f"arn:{partition_of(names.region)}:lambda:{names.region}:{names.account}:function:{name}"
        link = replace(link, target=_target(access, deployer, outputs.value.get(_UNDELIVERED)))
    right = [
        rule for rule in rules if matches(rule, access, group) and leads_to(rule, deployer) and rule.enabled
    ]
    if right:
        yield Finding(CHECK, Status.OK, f"the rule {right[0].name}")
        if deployer is None:
            yield from _which_function(access, right[0], outputs)
        yield from _invoking(access, right[0], deployer, facts)
        return
    of_stack = [rule for rule in rules if rule.name.startswith(f"{names.stack}-")]
    # Other targets on the bus are not ours, unless there are no others.
    ours = of_stack or [rule for rule in rules if matches(rule, access, group)]
    yield from amiss(link, ours)


def _which_function(
    access: StageAccess, rule: Rule, outputs: Reading[Mapping[str, str]]
) -> Iterator[Finding]:
    """Report that a rule's target is unknown, because CloudFormation named the deployer's function."""
    yield from judge(
        outputs if not isinstance(outputs, Found) else Absent(),
        CHECK,
        f"the target of the rule {rule.name}",
        absent=f"the stack {access.names.stack} has no output {FUNCTION_OUTPUT}, which names the deployer",
        why="If it is another function, approvals reach the stage only with the next sweep.",
        where=of_stages_stack(access),
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


def _invoking(access: StageAccess, rule: Rule, deployer: str | None, facts: Facts) -> Iterator[Finding]:
    """Check that EventBridge may invoke the deployer, or the rule's functions if the deployer is unknown."""
    for arn, _ in rule.targets:
        if ":lambda:" in arn and arn == (deployer or arn):
            reading = facts.function_policies.get(arn, Absent())
            yield from check_invocation(
                rule, arn, reading, account=access.names.account, where=of_stages_stack(access)
            )
