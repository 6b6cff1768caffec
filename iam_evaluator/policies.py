"""Parse policies, and refuse those that IAM would refuse.

Owns a policy's content; `grammar.py` checks documents, and `evaluation.py` interprets statements.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from iam_evaluator.grammar import VERSION_WITH_VARIABLES, listed, statements_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iam_evaluator.grammar import PolicyType


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: `StringEquals`, `aws:ResourceTag/owner`, the values to compare with."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; an absent element is None.

    Attributes:
        sid: Its name, or empty.
        allows: Whether its effect is Allow.
        actions: Its actions.
        not_actions: The actions that it excludes.
        resources: Its resources.
        not_resources: The resources that it excludes.
        principals: Whose requests it is about, as (kind, name); `("*", "*")` is everybody.
        not_principals: The principals that it excludes.
        conditions: All of them must hold.
        has_variables: Whether `${…}` is a variable in it.
    """

    sid: str
    allows: bool
    actions: tuple[str, ...] | None = None
    not_actions: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    not_resources: tuple[str, ...] | None = None
    principals: tuple[tuple[str, str], ...] | None = None
    not_principals: tuple[tuple[str, str], ...] | None = None
    conditions: tuple[Condition, ...] = ()
    has_variables: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy's statements; their order has no meaning."""

    statements: tuple[Statement, ...]


NO_POLICY = Policy(())
"""Allows nothing and denies nothing."""

EVERYTHING = Policy((Statement("", allows=True, actions=("*",), resources=("*",)),))
"""Allows every action on every resource."""


def parse_policy(document: str | Mapping[str, Any], policy_type: PolicyType | None = None) -> Policy:
    """Parse a policy from an object or its text.

    Args:
        document: The document.
        policy_type: What it is attached to; None to check only the rules for all types.

    Raises:
        MalformedPolicyError: The document is not a policy.
    """
    return _parse_text(document if isinstance(document, str) else json.dumps(document), policy_type)


@lru_cache(maxsize=1024)
def _parse_text(text: str, policy_type: PolicyType | None) -> Policy:
    version, statements = statements_of(text, policy_type)
    has_variables = version == VERSION_WITH_VARIABLES
    return Policy(tuple(_statement(each, has_variables=has_variables) for each in statements))


def _statement(document: Mapping[str, Any], *, has_variables: bool) -> Statement:
    return Statement(
        sid=document.get("Sid", ""),
        allows=document["Effect"] == "Allow",
        actions=_texts(document, "Action"),
        not_actions=_texts(document, "NotAction"),
        resources=_texts(document, "Resource"),
        not_resources=_texts(document, "NotResource"),
        principals=_principals(document.get("Principal")),
        not_principals=_principals(document.get("NotPrincipal")),
        conditions=tuple(
            Condition(operator, key, tuple(_text(each) for each in listed(values)))
            for operator, keys in document.get("Condition", {}).items()
            for key, values in keys.items()
        ),
        has_variables=has_variables,
    )


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    return tuple(listed(document[name])) if name in document else None


def _principals(value: Any) -> tuple[tuple[str, str], ...] | None:  # noqa: ANN401 - `*`, or an object of kinds
    if value is None:
        return None
    if value == "*":
        return (("*", "*"),)
    return tuple(
        ("*", "*") if (kind, name) == ("AWS", "*") else (kind, name)
        for kind, names in value.items()
        for name in listed(names)
    )


def _text(value: object) -> str:
    """Return a condition's value as text: JSON's numbers and booleans are allowed too."""
    return str(value).lower() if isinstance(value, bool) else str(value)
