"""Check a deployed stack: events reach its deployer, which runs what was deployed, and tells people. Pure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import PART_DETAIL_TYPE, SETTINGS_PARAMETER, SOURCE, STACK_NAME
from greenlight.doctor.checks.event_rules import RuleSought, amiss, by_hand, check_invocation, leads_to
from greenlight.doctor.facts import Found
from greenlight.doctor.findings import Finding, Status, judge, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from greenlight.doctor.facts import Rule
    from greenlight.doctor.installation import Function, Installation

_RESTS: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_UNDELIVERED: Final = "UndeliveredQueueUrl"
_WHY_ALIVE: Final = "No approval goes out, and nothing is repaired."


def check_installation(facts: Installation) -> Iterator[Finding]:
    """Check everything of a stack, in the order in which an event passes it."""
    yield told(
        "stack",
        f"the stack {facts.stack}",
        facts.status in _RESTS,
        f"its state is {facts.status}",
        "What is deployed may not be what was to be deployed.",
        f"In account {facts.account}, {facts.region}: read the stack's events, and deploy it again.",
        _line("cloudformation", "describe-stack-events", "--stack-name", facts.stack),
    )
    yield from _rules(facts)
    yield from _function(facts)
    yield from _settings(facts)
    yield from _dead_letters(facts)
    yield from _topic(facts)


def _line(service: str, operation: str, *arguments: str) -> str:
    return shlex.join(["aws", service, operation, *arguments])


def _rules(facts: Installation) -> Iterator[Finding]:
    where, why = facts.where, "Approvals start nothing before the next sweep, or never."
    subject = "the rules that start the deployer"
    yield from judge(facts.rules, "event path", subject, absent="there are none", why=why, where=where)
    function = facts.function.value if isinstance(facts.function, Found) else None
    if not isinstance(facts.rules, Found) or function is None:
        return
    for sought in _sought(facts, function):
        on_bus = [rule for rule in facts.rules.value if rule.bus == sought.bus]
        right = [
            rule for rule in on_bus if sought.matches(rule) and leads_to(rule, function.arn) and rule.enabled
        ]
        if right:
            yield Finding("event path", Status.OK, f"the rule {right[0].name}")
            sid = "".join(filter(str.isalnum, right[0].name))[-60:]
            yield from check_invocation(
                right[0],
                function.arn,
                facts.function_policy,
                account=facts.account,
                where=where,
                sid=f"Invoke{sid}",
                why=sought.why,
            )
            continue
        yield from amiss(sought, [rule for rule in on_bus if _resembles(rule, sought)])


def _sought(facts: Installation, function: Function) -> Iterator[RuleSought]:
    """Yield the rules that a stack makes (infra/constructs/event_rules.py)."""
    sagemaker = {"source": ["aws.sagemaker"]}
    parameter = SETTINGS_PARAMETER.format(stack_name=facts.stack)
    pattern: dict[str, Any]
    if facts.is_fed_here:
        pattern = {**sagemaker, "detail-type": ["SageMaker Model Package State Change"]}
        yield _rule(facts, function, "approvals", pattern, "Approvals go out only with the next sweep.")
    pattern = {**sagemaker, "detail-type": ["SageMaker Endpoint State Change"]}
    yield _rule(facts, function, "endpoints", pattern, "What SageMaker does is seen only by the next sweep.")
    pattern = {
        "source": ["aws.ssm"],
        "detail-type": ["Parameter Store Change"],
        "detail": {"name": [parameter]},
    }
    why = "Changed settings take effect only with the next sweep."
    yield _rule(facts, function, "changed settings", pattern, why)
    why = "Lost events, failed attempts and pauses that end are never made up for."
    yield _rule(facts, function, "the sweep", {}, why)
    pattern = {
        "source": [SOURCE],
        "detail-type": [PART_DETAIL_TYPE],
        "account": [facts.account],
        "region": [facts.region],
        "detail": {STACK_NAME: [facts.stack]},
    }
    why = "A sweep of many endpoints does not reach all of them."
    yield _rule(facts, function, "parts of sweeps", pattern, why, bus=function.sweep_bus)


def _rule(
    facts: Installation,
    function: Function,
    what: str,
    pattern: dict[str, Any],
    why: str,
    *,
    bus: str | None = None,
) -> RuleSought:
    target: dict[str, Any] = {"Id": "Target0", "Arn": function.arn}
    if queue := facts.outputs.get(_UNDELIVERED):
        stem = function.arn.partition(":lambda:")[0]
        arn = f"{stem}:sqs:{facts.region}:{facts.account}:{queue.rpartition('/')[2]}"
        target["DeadLetterConfig"] = {"Arn": arn}
    return RuleSought(
        f"the rule for {what}",
        f"no rule of the stack brings {what} to the deployer",
        facts.where,
        facts.stack,
        bus,
        pattern,
        lambda rule: _admits(rule, pattern),
        why,
        target,
    )


def _admits(rule: Rule, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a rule takes all events of a pattern, or has a schedule if there is none."""
    if not wanted:
        return bool(rule.schedule)
    return bool(rule.pattern) and all(
        name in wanted and (values == wanted[name] or set(wanted[name]) <= set(values))
        if isinstance(values, list)
        else values == wanted.get(name)
        for name, values in rule.pattern.items()
    )


def _resembles(rule: Rule, sought: RuleSought) -> bool:
    """Tell whether a rule may be what was made for the same events, and was changed since."""
    if not sought.pattern:
        return bool(rule.schedule)
    return bool(set(rule.pattern.get("detail-type", ())) & set(sought.pattern["detail-type"]))


def _function(facts: Installation) -> Iterator[Finding]:
    subject, check = "the deployer's function", "function"
    yield from judge(
        facts.function, check, subject, absent="there is none", why=_WHY_ALIVE, where=facts.where
    )
    if not isinstance(facts.function, Found):
        return
    function = facts.function.value
    if function.state not in {"Active", "Inactive"} or function.update == "Failed":
        found = f"its state is {function.state}, its last update {function.update}. {function.reason}".strip()
        yield Finding(check, Status.GAP, subject, found, _WHY_ALIVE, facts.where)
    elif function.reserved == 0:
        yield Finding(
            check,
            Status.GAP,
            subject,
            "somebody reserved no concurrency for it, so Lambda refuses every invocation",
            _WHY_ALIVE,
            f"In account {facts.account}, {facts.region}: take the limit away.",
            command=_line("lambda", "delete-function-concurrency", "--function-name", function.arn),
        )
    else:
        yield Finding(check, Status.OK, subject)


def _settings(facts: Installation) -> Iterator[Finding]:
    """Check that the function runs with the settings that were deployed last."""
    subject, check = "the settings in the deployer's bundle", "settings"
    why = "Endpoints get other settings than those that were deployed last."
    parameter = f"the parameter {SETTINGS_PARAMETER.format(stack_name=facts.stack)}"
    yield from judge(
        facts.settings_digest, check, parameter, absent="there is none", why=why, where=facts.where
    )
    if not isinstance(facts.function, Found):
        return
    digest = facts.function.value.digest
    yield from judge(digest, check, subject, absent="there are none", why=why, where=facts.where)
    if isinstance(digest, Found) and isinstance(facts.settings_digest, Found):
        deployed = facts.settings_digest.value
        found = f"their digest is {digest.value}, and the stack's parameter says {deployed}"
        how = "somebody changed the function's code or the parameter: deploy it with a changed setting."
        is_same = digest.value == deployed
        yield told(check, subject, is_same, found, why, by_hand(facts.where, how))


def _dead_letters(facts: Installation) -> Iterator[Finding]:
    for url, reading in facts.dead_letters.items():
        is_undelivered = facts.outputs.get(_UNDELIVERED) == url
        what = "could not be delivered to the deployer" if is_undelivered else "the deployer failed on"
        subject, check = f"the queue {url.rpartition('/')[2]}", "dead letters"
        why = "Until its cause is gone, what they are about is left to the next sweep, or fails again."
        yield from judge(reading, check, subject, absent="there is none", why=why, where=facts.where)
        if isinstance(reading, Found):
            count = reading.value
            events = f"{count} event{'s' * (count != 1)} that {what}"
            where = (
                f"In account {facts.account}, {facts.region}: read them, remove their cause, and purge the "
                "queue. The sweep does what was left undone."
            )
            command = _line("sqs", "receive-message", "--queue-url", url, "--attribute-names", "All")
            yield told(check, subject, count == 0, f"it has {events}", why, where, command)


def _topic(facts: Installation) -> Iterator[Finding]:
    """Report who does not hear of outcomes. Approvals go out all the same."""
    topic, check = facts.outputs.get("OutcomeTopicArn", "the topic"), "topic"
    why, where = (
        "Nobody hears of outcomes and alarms.",
        f"In account {facts.account}, {facts.region}: subscribe.",
    )
    yield from judge(facts.subscriptions, check, topic, absent="there is none", why=why, where=facts.where)
    if not isinstance(facts.subscriptions, Found):
        return
    waiting = [each for each in facts.subscriptions.value if not each.is_confirmed]
    for each in waiting:
        yield Finding(
            check,
            Status.NOTE,
            topic,
            f"{each.endpoint} ({each.protocol}) has not confirmed its subscription",
            "It hears of no outcome and no alarm.",
            "Let it confirm: SNS sent it a link, which holds for two days. Or subscribe it again.",
        )
    if len(waiting) < len(facts.subscriptions.value):
        yield Finding(check, Status.OK, topic)
    elif not waiting:
        command = _line(
            "sns",
            "subscribe",
            "--topic-arn",
            topic,
            "--protocol",
            "email",
            "--notification-endpoint",
            "you@…",
        )
        yield Finding(check, Status.NOTE, topic, "nobody is subscribed", why, where, command=command)
