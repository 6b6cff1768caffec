"""Reads a request to the custom resource. It may not come from CloudFormation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from registry_access.admission import KINDS, check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry_access.admission import Kind
    from registry_access.environment import Environment
    from registry_access.merging import Statement


@dataclass(frozen=True, slots=True)
class EditRequest:
    """One policy, and the owner's statements in it.

    Attributes:
        kind: The kind of resource with the policy.
        target: Its name, or a key's ARN.
        role: The ARN of the role that may edit it.
        owner: The beginning of the owner's Sids.
        statements: All statements that the owner wants there; empty on deletion.
        deleting: Whether the resource is deleted.
    """

    kind: Kind
    target: str
    role: str
    owner: str
    statements: tuple[Statement, ...]
    deleting: bool

    @classmethod
    def read(cls, event: Mapping[str, Any], environment: Environment) -> EditRequest:
        """Read a request.

        Raises:
            ValueError: The stack did not write it in this way.
        """
        properties = event["ResourceProperties"]
        kind, deleting = properties.get("Kind"), event["RequestType"] == "Delete"
        if kind not in KINDS:
            raise ValueError(f"Kind is {kind!r}, and must be one of {', '.join(KINDS)}.")
        for name in ("Target", "Role", "Statements"):
            if not properties.get(name):
                raise ValueError(f"{name} is missing.")
        # The statements are text: CloudFormation turns a property's numbers and booleans into strings.
        statements = [] if deleting else json.loads(properties["Statements"])
        if not isinstance(statements, list) or not all(isinstance(each, dict) for each in statements):
            raise ValueError("Statements is no list of statements.")
        owner = environment.owner
        check(cast("Kind", kind), statements, owner, environment.stage_accounts)
        return cls(
            cast("Kind", kind), properties["Target"], properties["Role"], owner, tuple(statements), deleting
        )

    @property
    def physical_id(self) -> str:
        """Identify the edit. If the id changes, CloudFormation deletes the old edit's statements."""
        return f"{self.owner}/{self.kind}/{self.target}"
