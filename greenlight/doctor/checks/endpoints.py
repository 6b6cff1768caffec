"""Check one endpoint: whose it is, whose approvals count, which alarms guard it, what holds it back. Pure."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from deployer.contract import STACK_TAG
from greenlight.doctor.facts import Found, Unreadable
from greenlight.doctor.findings import Finding, Status, judge, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from greenlight.doctor.endpoint import ManagedEndpoint

_ACCOUNT: Final = re.compile(r"arn:[^:]*:(?:iam|sts)::(?P<account>\d{12}):")
_OFF: Final = frozenset({"OK", "INSUFFICIENT_DATA"})


def check_endpoint(facts: ManagedEndpoint) -> Iterator[Finding]:
    """Check everything of an endpoint."""
    yield from _owner(facts)
    yield from _approvers(facts)
    yield from _alarms(facts)
    yield from _pauses(facts)


def _owner(facts: ManagedEndpoint) -> Iterator[Finding]:
    name, check = facts.settings.endpoint_name, "tags"
    why = "The deployer leaves an endpoint alone that is not tagged as its stack's."
    subject = f"the endpoint {name}"
    if isinstance(facts.tags, Unreadable):
        yield from judge(facts.tags, check, subject, absent="", why=why, where="")
    if not isinstance(facts.tags, Found):
        return  # the first deployment makes it, with its tag
    owner = facts.tags.value.get(STACK_TAG)
    found = f"its tag {STACK_TAG} names {owner}" if owner else f"it has no tag {STACK_TAG}"
    tag = f"Key={STACK_TAG},Value={facts.stack}"
    yield told(
        check,
        subject,
        owner == facts.stack,
        found,
        why,
        f"In account {facts.account}: tag it once its owner gave it up, or write another endpoint_name.",
        shlex.join(["aws", "sagemaker", "add-tags", "--resource-arn", facts.arn, "--tags", tag]),
    )


def _approvers(facts: ManagedEndpoint) -> Iterator[Finding]:
    """Check that an approver can exist: only identities of the registry's account approve there."""
    patterns = facts.settings.policy.approvers
    if not patterns:
        return
    accounts = {found["account"] for pattern in patterns if (found := _ACCOUNT.match(pattern))}
    is_open = len(accounts) < len(set(patterns)) and not all(_ACCOUNT.match(each) for each in patterns)
    yield told(
        "approvers",
        f"the approvers of {facts.settings.endpoint_name}",
        is_open or facts.registry in accounts,
        f"all are of account {', '.join(sorted(accounts))}, and the registry is in {facts.registry}",
        "No approval counts.",
        f"In the YAML of {facts.settings.endpoint_name}: name identities of account {facts.registry}.",
    )


def _alarms(facts: ManagedEndpoint) -> Iterator[Finding]:
    check, name = "alarms", facts.settings.endpoint_name
    own = {alarm["AlarmName"] for alarm in facts.settings.alarms}
    why = "A rollout is not stopped by it."
    yield from judge(facts.alarms, check, f"the alarms of {name}", absent="", why=why, where="")
    if not isinstance(facts.alarms, Found):
        return
    for alarm, state in facts.alarms.value.items():
        subject = f"the alarm {alarm}"
        if state is None and alarm not in own:
            where = f"In account {facts.account}: make it, or take it out of the YAML of {name}."
            yield Finding(check, Status.GAP, subject, "there is no such alarm", why, where)
        elif state is not None and state not in _OFF:
            found = f"its state is {state}"
            left_out = "A rollout that begins now goes out without it."
            yield Finding(check, Status.NOTE, subject, found, left_out, "See to what it watches.")
        else:
            # An alarm of its own is made by the deployer before the first rollout that it guards.
            yield Finding(check, Status.OK, subject)


def _pauses(facts: ManagedEndpoint) -> Iterator[Finding]:
    name = facts.settings.endpoint_name
    why = "Approvals wait until it ends."
    yield from judge(facts.pauses, "pauses", f"the pauses of {name}", absent="", why=why, where="")
    for pause in facts.pauses.value if isinstance(facts.pauses, Found) else ():
        until = f"until {pause.until:%Y-%m-%d %H:%M} UTC" if pause.until is not None else "without an end"
        found = f"paused {until} by {pause.by or 'somebody'}: {pause.reason or 'without a reason'}"
        of = name if pause.endpoint_name is not None else "--all"
        command = f"greenlight resume {of}"
        yield Finding("pauses", Status.NOTE, f"the endpoint {name}", found, why, "End it.", command=command)
