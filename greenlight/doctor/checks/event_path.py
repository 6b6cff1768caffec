"""Follow an approval's event from the registry's account to the stage's deployer, link by link.

Pure. A deployed stack does not notice manual changes, and deploying it again repairs nothing. So each gap
comes with the command that closes it, and the stack that should have.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from greenlight.doctor.checks.event_rules import CHECK, WHY, by_hand, command_line, of_stages_stack
from greenlight.doctor.checks.forwarding import check_forwarding
from greenlight.doctor.checks.judging import call, decided, objections
from greenlight.doctor.checks.receiving import check_receiving
from greenlight.doctor.facts import Found
from greenlight.doctor.findings import Finding, Status, judge
from iam_evaluator.decision import Outcome
from iam_evaluator.principals import role_session
from infra.configuration.partitions import partition_of
from infra.stages.policy_statements import admission

if TYPE_CHECKING:
    from collections.abc import Iterator

    from greenlight.doctor.facts import Facts
    from iam_evaluator.request_context import Values
    from infra.stages.access import StageAccess


def check_event_path(access: StageAccess, group: str, facts: Facts) -> Iterator[Finding]:
    """Check the registry's rule and its role, the stage's bus and its rule, and the deployer's function."""
    if not access.at_home:
        yield from _bus(access, facts)
        yield from check_receiving(access, group, facts)
        yield from check_forwarding(access, group, facts)


def _bus(access: StageAccess, facts: Facts) -> Iterator[Finding]:
    names, registry = access.names, access.registry
    subject, where = f"the bus {names.bus_arn}", of_stages_stack(access)
    yield from judge(facts.bus_policy, CHECK, subject, absent="there is no such bus", why=WHY, where=where)
    if not isinstance(facts.bus_policy, Found):
        return
    policy = facts.bus_policy.value
    organization = registry.organization
    context: dict[str, Values] = {"aws:principalorgid": organization} if organization else {}
    sender = role_session(f"arn:{partition_of(names.region)}:iam::{registry.account}:role/sender", "doctor")
    request = replace(call("events:PutEvents", names.bus_arn, context), owner_account=names.account)
    said = decided(sender, request, policy).outcome
    if said is Outcome.ALLOWED:
        yield Finding(CHECK, Status.OK, subject)
        return
    found = f"it does not admit events of account {registry.account}"
    objecting = objections(policy, sender, request)
    if objecting:
        where = f"In account {names.account}: change {' and '.join(objecting)} of the bus's policy."
        status = Status.GAP if said is Outcome.EXPLICIT_DENY else Status.UNKNOWN
        yield Finding(CHECK, status, subject, f"{found}: {', '.join(objecting)} denies them", WHY, where)
        return
    wanted = admission(access)
    others = [each for each in _list(policy.get("Statement", [])) if each.get("Sid") != wanted["Sid"]]
    whole = {"Version": "2012-10-17", "Statement": [*others, wanted]}
    yield Finding(
        CHECK,
        Status.UNKNOWN if said is Outcome.UNKNOWN else Status.GAP,
        subject,
        found,
        WHY,
        by_hand(where, "its policy was changed by hand: put the statement back."),
        wanted,
        command_line("put-permission", "--event-bus-name", names.bus, "--policy", json.dumps(whole)),
    )


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, list) else [value]
