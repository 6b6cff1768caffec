"""Owns reading EventBridge: rules with their targets, and a bus's policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from greenlight.doctor.facts import Rule
from greenlight.doctor.reading.policies import document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from greenlight.connection import Connection


def bus_policy(connection: Connection, name: str) -> Mapping[str, Any]:
    """Return a bus's policy: an empty one if it has none."""
    found = connection.client("events").describe_event_bus(Name=name)
    return document(found["Policy"]) if found.get("Policy") else {}


def rules_on(connection: Connection, bus: str, prefix: str | None = None) -> list[Rule]:
    """Return the rules on a bus, or those whose names begin so."""
    client = connection.client("events")
    rules: list[Rule] = []
    token: dict[str, Any] = {"NamePrefix": prefix} if prefix else {}
    while True:
        page = client.list_rules(EventBusName=bus, **token)
        for rule in page["Rules"]:
            targets = client.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
            rules.append(
                Rule(
                    rule["Name"],
                    rule["Arn"],
                    rule.get("State") == "ENABLED",
                    json.loads(rule.get("EventPattern") or "{}"),
                    tuple((target["Arn"], target.get("RoleArn") or None) for target in targets),
                    rule.get("ScheduleExpression", ""),
                )
            )
        if not page.get("NextToken"):
            return rules
        token |= {"NextToken": page["NextToken"]}


def rules_to(connection: Connection, bus_arn: str) -> list[Rule]:
    """Read only the rules that send to a bus: an account may have thousands."""
    client = connection.client("events")
    names: list[str] = []
    token: dict[str, Any] = {}
    while True:
        page = client.list_rule_names_by_target(TargetArn=bus_arn, **token)
        names += page["RuleNames"]
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    rules = []
    for name in names:
        rule = client.describe_rule(Name=name)
        targets = client.list_targets_by_rule(Rule=name)["Targets"]
        sent = tuple((target["Arn"], target.get("RoleArn") or None) for target in targets)
        pattern = json.loads(rule.get("EventPattern") or "{}")
        rules.append(Rule(name, rule["Arn"], rule.get("State") == "ENABLED", pattern, sent))
    return rules
