"""Holds the function's environment: the stack writes it, and the function names what is missing."""

from __future__ import annotations

from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Any

from deployer.model.stack_identity import StackIdentity
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping


@value
class Environment:
    """The deployer's environment variables, which the stack sets.

    Attributes:
        journal_table_name: The DynamoDB table of approvals and attempts.
        execution_role_arn: The role that models run with.
        event_bus_name: The bus that outcomes are put on, for machines.
        sweep_bus_name: The bus that the parts of a sweep are put on.
        outcome_topic_arn: The topic that outcomes are published to, for people.
        stack_name: The value of the tag by which the deployer knows its own resources.
        deployer_role_name: The role that the deployer itself runs with.
        model_buckets: The buckets that the role for models may read, with commas; None if the stack did not
            make that role.
        history_days: After how many days the journal's history expires; None: never.
        studio_url: The Studio domain in which people open the registry.
        runbook_url: Where the folder docs/ can be read.
        chats: How many channels of a chat are subscribed to the topic.
    """

    journal_table_name: str
    execution_role_arn: str
    event_bus_name: str
    sweep_bus_name: str
    outcome_topic_arn: str
    stack_name: str
    deployer_role_name: str
    model_buckets: str | None = None
    history_days: int | None = None
    studio_url: str | None = None
    runbook_url: str | None = None
    chats: int | None = None

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
        optional: Any = {
            field.name: variables.get(_variable(field.name)) or None
            for field in fields(cls)
            if field.default is not MISSING
        }
        days, chats = optional.pop("history_days"), optional.pop("chats")
        return cls(
            **required,
            **optional,
            history_days=int(days) if days else None,
            chats=int(chats) if chats else None,
        )

    @property
    def identity(self) -> StackIdentity:
        """The names that the stack gives to the deployer's resources."""
        buckets = self.model_buckets
        return StackIdentity(
            execution_role_arn=self.execution_role_arn,
            stack_name=self.stack_name,
            deployer_role_name=self.deployer_role_name,
            model_buckets=tuple(buckets.split(",")) if buckets is not None else None,
        )

    def variables(self) -> dict[str, str]:
        """Return the variables that `read` reads, for the stack that sets them."""
        return {_variable(name): str(value) for name, value in asdict(self).items() if value is not None}


def _variable(field_name: str) -> str:
    return field_name.upper()
