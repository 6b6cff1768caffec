"""Owns the saved queries of CloudWatch Logs Insights over the deployer's log.

The fields are keys of the deployer's lines, which are JSON: Insights finds them in the lines of Lambda
functions by itself (CloudWatch Logs user guide, "CWL_AnalyzeLogData-discoverable-fields"). A test holds them
against the lines of real passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Stack
from aws_cdk import aws_logs as logs
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY_ENDPOINT: Final = "your-endpoint"
SLOW_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Condition:
    """What one field of a line is: equal to a text, matched by an expression, or above a number."""

    field: str
    operator: str
    value: str | int

    def __str__(self) -> str:
        """Return the condition in Insights' language."""
        match self.value:
            case int():
                return f"{self.field} {self.operator} {self.value}"
            case _:
                marks = "//" if self.operator == "like" else '""'
                return f"{self.field} {self.operator} {marks[0]}{self.value}{marks[1]}"


@dataclass(frozen=True, slots=True)
class Query:
    """One saved query.

    Attributes:
        name: Its name in the console, below the stack's.
        hint: What to change before it is run, or how to read it.
        any_of: Which lines it shows.
        fields: Which of their fields.
        order: How they are sorted.
    """

    name: str
    hint: str
    any_of: tuple[Condition, ...]
    fields: tuple[str, ...]
    order: str

    def __str__(self) -> str:
        """Return the query in Insights' language."""
        return "\n".join(
            (
                f"# {self.hint}",
                f"fields @timestamp, {', '.join(self.fields)}",
                f"| filter {' or '.join(map(str, self.any_of))}",
                f"| sort {self.order}",
                "| limit 1000",
            )
        )


_DENIED: Final = "AccessDenied|is denied|not authorized|UnauthorizedOperation"

QUERIES: Final = (
    Query(
        "What happened to one endpoint",
        "Write the endpoint's name, and choose the time.",
        (Condition("endpoint", "=", ANY_ENDPOINT),),
        ("message", "outcome", "attempt", "status", "reason", "cause", "correlation_id"),
        "@timestamp asc",
    ),
    Query(
        "Failures",
        "Choose the day.",
        (
            Condition("level", "=", "ERROR"),
            Condition("status", "=", "failed"),
            Condition("outcome", "=", "failed"),
            Condition("outcome", "=", "needs_attention"),
        ),
        ("endpoint", "message", "reason", "cause", "exception_name", "correlation_id"),
        "@timestamp desc",
    ),
    Query(
        "Slow passes",
        "A pass is one look at one endpoint. The function's time limit is 300 seconds.",
        (Condition("pass_seconds", ">", SLOW_SECONDS),),
        ("pass_seconds", "endpoint", "function_request_id"),
        "pass_seconds desc",
    ),
    Query(
        "Denied calls",
        "Each line names the action and the resource.",
        (Condition("message", "like", _DENIED), Condition("exception", "like", _DENIED)),
        ("endpoint", "message", "exception"),
        "@timestamp desc",
    ),
)


class SavedQueries(Construct):
    """Save the queries in the account, each for the deployer's log group."""

    def __init__(self, scope: Construct, construct_id: str, *, log_group: logs.ILogGroup) -> None:
        super().__init__(scope, construct_id)
        for construct, query in _named():
            logs.CfnQueryDefinition(
                self,
                construct,
                # The console shows the parts before slashes as folders.
                name=f"{Stack.of(self).stack_name}/{query.name}",
                query_string=str(query),
                log_group_names=[log_group.log_group_name],
            )


def _named() -> Iterator[tuple[str, Query]]:
    """Yield the queries with the ids of their constructs."""
    for query in QUERIES:
        yield "".join(word.capitalize() for word in query.name.split()), query
