"""Holds the function's environment: the stack writes it, and the function names what is missing."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Environment:
    """The deployer's environment variables, which the stack sets.

    Attributes:
        journal_table_name: The DynamoDB table of approvals and attempts.
        execution_role_arn: The role that models run with.
        event_bus_name: The bus that outcomes are put on, for machines.
        sweep_bus_name: The bus that the parts of a sweep are put on.
        outcome_topic_arn: The topic that outcomes are published to, for people.
        stack_name: The value of the tag by which the deployer knows its own resources.
        history_days: After how many days the journal's history expires; None: never.
    """

    journal_table_name: str
    execution_role_arn: str
    event_bus_name: str
    sweep_bus_name: str
    outcome_topic_arn: str
    stack_name: str
    history_days: int | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Environment:
        """Read the variables: each field's name in upper case.

        Raises:
            RuntimeError: Some are missing; the message names them all.
        """
        names = [_variable(field.name) for field in fields(cls) if field.default is MISSING]
        missing = [name for name in names if not variables.get(name)]
        if missing:
            raise RuntimeError(
                f"Environment variables missing: {', '.join(missing)}. "
                "The stack sets them all: deploy it again."
            )
        required: Any = {name.lower(): variables[name] for name in names}
        days = variables.get(_variable("history_days"))
        return cls(**required, history_days=int(days) if days else None)

    def variables(self) -> dict[str, str]:
        """Return the variables that `read` reads, for the stack that sets them."""
        return {_variable(name): str(value) for name, value in asdict(self).items() if value is not None}


def _variable(field_name: str) -> str:
    return field_name.upper()
