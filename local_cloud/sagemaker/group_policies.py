"""Resource policies of model package groups: are they policies, and what do they allow to other accounts.

Owns the evaluation of Principal, Action and Resource. Conditions are not evaluated: a statement that has one
allows nothing and denies everything it names, so that the local cloud is never kinder than AWS.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from local_cloud.sagemaker import errors


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """A policy as it was put, and its statements."""

    text: str
    statements: tuple[dict[str, Any], ...]

    def allows(self, *, account_id: str, principal_arn: str, action: str, resource_arn: str) -> bool:
        """Tell whether a statement allows the action to the principal and none denies it."""
        principals = {"*", account_id, principal_arn.lower(), _role_of(principal_arn).lower()}
        matching = [
            statement
            for statement in self.statements
            if _names_principal(statement, principals, account_id)
            and _names_any(statement.get("Action"), action)
            and _names_any(statement.get("Resource"), resource_arn)
        ]
        if any(statement.get("Effect") == "Deny" for statement in matching):
            return False
        return any(
            statement.get("Effect") == "Allow" and "Condition" not in statement for statement in matching
        )


def parse(text: str) -> GroupPolicy:
    """Return the policy.

    Raises:
        ServiceError: The text is no JSON object whose statements have Effect, Principal, Action, Resource.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise errors.invalid_policy(f"it is not JSON ({error}).") from error
    statements = document.get("Statement") if isinstance(document, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise errors.invalid_policy("it has no Statement.")
    for statement in statements:
        if not isinstance(statement, dict):
            raise errors.invalid_policy("a statement is no object.")
        missing = [name for name in ("Effect", "Principal", "Action", "Resource") if name not in statement]
        if missing:
            raise errors.invalid_policy(f"a statement lacks {', '.join(missing)}.")
        if statement["Effect"] not in {"Allow", "Deny"}:
            raise errors.invalid_policy(f"Effect cannot be {statement['Effect']!r}.")
    return GroupPolicy(text, tuple(statements))


def _role_of(principal_arn: str) -> str:
    """Return the role that a session assumed, as policies name it; other principals are themselves."""
    found = re.fullmatch(r"arn:([^:]+):sts::(\d{12}):assumed-role/([^/]+)/.*", principal_arn)
    return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}" if found else principal_arn


def _names_principal(statement: dict[str, Any], principals: set[str], account_id: str) -> bool:
    principal = statement.get("Principal")
    named = _texts(principal.get("AWS") if isinstance(principal, dict) else principal)
    return any(
        name.lower() in principals
        or re.fullmatch(rf"arn:aws[a-z-]*:iam::{account_id}:root", name) is not None
        for name in named
    )


def _names_any(patterns: object, value: str) -> bool:
    return any(_wildcard(pattern).fullmatch(value) is not None for pattern in _texts(patterns))


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


@cache
def _wildcard(pattern: str) -> re.Pattern[str]:
    # ARNs carry group names in lower case, policies are written with the group's own: case must not matter.
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE | re.DOTALL)
