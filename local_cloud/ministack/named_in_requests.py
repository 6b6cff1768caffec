"""Reads what a request to MiniStack names. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def alarms_named(headers: Mapping[str, str], body: bytes, params: Mapping[str, Any]) -> list[str]:
    """Return the alarms that a request names; all (`*`) for a DescribeAlarms that names none (seen)."""
    document = json_object(body)
    named = document.get("AlarmNames") or [
        value[0] if isinstance(value, list) else value
        for name, value in sorted(params.items())
        if name.startswith("AlarmNames.")
    ]
    return [str(name) for name in named] or (["*"] if asks(headers, params, "DescribeAlarms") else [])


def rule_named(body: bytes) -> str | None:
    """Return the rule whose targets a request of EventBridge's is about, as ARNs name it.

    Calls about targets are authorised on the rule (service authorization reference), and the ARN of a rule on
    the default bus does not name the bus.
    """
    document = json_object(body)
    name, bus = document.get("Rule"), str(document.get("EventBusName") or "default").rpartition("/")[2]
    if not name:
        return None
    return str(name) if bus == "default" else f"{bus}/{name}"


def asks(headers: Mapping[str, str], params: Mapping[str, Any], operation: str) -> bool:
    """Tell whether a request asks for an operation, by its header or its parameters."""
    return operation in (*headers.get("x-amz-target", "").rsplit(".", 1), *params.get("Action", ()))


def json_object(body: bytes) -> dict[str, Any]:
    """Return a body's JSON object; an empty one for anything else."""
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
