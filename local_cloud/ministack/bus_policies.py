"""Keep the policies of MiniStack's event buses as EventBridge does.

Only `emulator.py` creates one. Changes to MiniStack, and reasons:

`eventbridge._put_permission` becomes `_put_permission`, `provisioners._RESOURCE_HANDLERS` gets a bus policy
    MiniStack forgets a whole `Policy`, and its CloudFormation has no `AWS::Events::EventBusPolicy`.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS"),
    ("ministack.services.eventbridge", "_event_bus_policies"),
    ("ministack.services.eventbridge", "_put_permission"),
    ("ministack.services.eventbridge", "_remove_permission"),
)

_POLICY_SEPARATOR: Final = "|"


class BusPolicies:
    """The policies of every event bus."""

    def __init__(self) -> None:
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")

    def install(self) -> None:
        """From now on, keep whole policies, and let CloudFormation create them."""
        self._put_statement: Callable[..., Any] = self._eventbridge._put_permission
        self._eventbridge._put_permission = self._put_permission
        self._provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
            "create": self._create_bus_policy,
            "update": self._update_bus_policy,
            "delete": self._delete_bus_policy,
        }

    def _put_permission(self, data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response triple
        policy = data.get("Policy")
        if not policy:
            return self._put_statement(data)
        name = data.get("EventBusName", "default")
        response = self._put_statement({"EventBusName": name, "StatementId": "replaced", "Principal": "*"})
        self._eventbridge._event_bus_policies[name] = json.loads(policy)
        return response

    def _create_bus_policy(
        self, _logical_id: str, properties: dict[str, Any], _stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        bus, statement_id = properties.get("EventBusName", "default"), properties["StatementId"]
        self._put_statement({**properties, "EventBusName": bus})
        statement = properties.get("Statement")
        if statement:
            statements = self._eventbridge._event_bus_policies[bus]["Statement"]
            statements[-1] = {"Sid": statement_id, **statement}
        return f"{bus}{_POLICY_SEPARATOR}{statement_id}", {}

    def _update_bus_policy(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        self._delete_bus_policy(physical_id, old)
        return self._create_bus_policy("", new, stack_name)

    def _delete_bus_policy(self, physical_id: str, _properties: dict[str, Any]) -> None:
        bus, _, statement_id = physical_id.partition(_POLICY_SEPARATOR)
        self._eventbridge._remove_permission({"EventBusName": bus, "StatementId": statement_id})
