"""Render the doctor's findings, for people or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ops.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GREEN, GAPS, UNSURE = 0, 1, 3


def exit_code(findings: Sequence[Finding]) -> int:
    """Return the exit code: 0 if all is right, 1 with gaps, 3 if only some checks are unknown."""
    statuses = {finding.status for finding in findings}
    if Status.MISSING in statuses:
        return GAPS
    return UNSURE if Status.UNKNOWN in statuses else GREEN


def as_text(stage: str, by_group: Mapping[str, Sequence[Finding]]) -> str:
    """Render findings for a terminal: gaps in full, the rest in a line each."""
    lines: list[str] = []
    for group, findings in by_group.items():
        counts = {status: sum(each.status is status for each in findings) for status in Status}
        lines += ["", f"Stage {stage}, group {group}"]
        for finding in findings:
            lines += _lines(finding)
        told = f"{counts[Status.OK]} in order, {counts[Status.MISSING]} missing"
        lines += ["", f"  {told}, {counts[Status.UNKNOWN]} that could not be checked"]
    return "\n".join(lines).lstrip("\n")


def _lines(finding: Finding) -> list[str]:
    label = f"  {finding.status.value:8}{finding.check:11} {finding.subject}"
    if finding.status is Status.OK:
        return [label]
    lines = ["", label, f"          found  {finding.found}", f"          why    {finding.why}"]
    lines.append(f"          where  {finding.where}")
    if finding.statement is not None:
        statement = json.dumps(finding.statement, indent=2)
        # The statement without an effect is an event pattern, which replaces another.
        label = "pattern" if "source" in finding.statement else "add"
        lines += [f"          {label}", *(f"          {line}" for line in statement.splitlines())]
    if finding.command:
        lines.append(f"          run    {finding.command}")
    return lines


def as_json(stage: str, by_group: Mapping[str, Sequence[Finding]]) -> str:
    """Render findings as JSON."""
    shown: dict[str, Any] = {
        "stage": stage,
        "groups": {group: [_shown(each) for each in findings] for group, findings in by_group.items()},
    }
    return json.dumps(shown, indent=2)


def _shown(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "status": finding.status.value,
        "subject": finding.subject,
        "found": finding.found,
        "why": finding.why,
        "where": finding.where,
        "statement": finding.statement,
        "command": finding.command,
    }
