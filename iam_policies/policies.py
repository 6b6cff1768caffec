"""Policies as documents say them: parsed once, refused when IAM would refuse them.

Owns the grammar (IAM user guide, "Grammar of the IAM JSON policy language"). What a statement means for a
request is `evaluation.py`'s matter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from iam_policies.operators import parse_operator

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION_WITH_VARIABLES = "2012-10-17"
_VERSIONS = frozenset({_VERSION_WITH_VARIABLES, "2008-10-17"})
_STATEMENT_ELEMENTS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_PRINCIPAL_KINDS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})


class MalformedPolicyError(ValueError):
    """A document is no policy; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: `StringEquals`, `aws:ResourceTag/owner`, the values to compare with."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; what it does not say is None, and then its opposite (`not_…`) or nothing is said.

    Attributes:
        sid: Its name, or empty.
        allows: Whether its effect is Allow.
        actions: What it is about.
        not_actions: What it is not about.
        resources: On which resources.
        not_resources: On which not.
        principals: Whose requests, as (kind, name); `("*", "*")` is everybody's.
        not_principals: Whose not.
        conditions: All of them have to hold.
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
    """A policy's statements, in their order, which means nothing."""

    statements: tuple[Statement, ...]


NO_POLICY = Policy(())
"""Allows nothing and denies nothing."""

EVERYTHING = Policy((Statement("", allows=True, actions=("*",), resources=("*",)),))
"""Allows every action on every resource."""


def parse_policy(document: str | Mapping[str, Any]) -> Policy:
    """Return the policy that a document is; an object, or the text of one.

    Raises:
        MalformedPolicyError: It is none.
    """
    return _parse_text(document if isinstance(document, str) else json.dumps(document))


@lru_cache(maxsize=1024)
def _parse_text(text: str) -> Policy:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise MalformedPolicyError(f"it is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise MalformedPolicyError("it is no JSON object")
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise MalformedPolicyError(f"Version cannot be {version!r}; it is {' or '.join(sorted(_VERSIONS))}")
    statements = _listed(document.get("Statement"))
    if not statements:
        raise MalformedPolicyError("it has no Statement")
    has_variables = version == _VERSION_WITH_VARIABLES
    return Policy(tuple(_statement(each, has_variables=has_variables) for each in statements))


def _statement(document: object, *, has_variables: bool) -> Statement:
    if not isinstance(document, dict):
        raise MalformedPolicyError("a statement is no object")
    if unknown := document.keys() - _STATEMENT_ELEMENTS:
        raise MalformedPolicyError(f"a statement has {', '.join(sorted(unknown))}, which IAM does not know")
    effect = document.get("Effect")
    if effect not in {"Allow", "Deny"}:
        raise MalformedPolicyError(f"Effect cannot be {effect!r}; it is Allow or Deny")
    for name in ("Action", "Resource", "Principal"):
        if name in document and f"Not{name}" in document:
            raise MalformedPolicyError(f"a statement has both {name} and Not{name}")
    if "Action" not in document and "NotAction" not in document:
        raise MalformedPolicyError("a statement has neither Action nor NotAction")
    return Statement(
        sid=str(document.get("Sid", "")),
        allows=effect == "Allow",
        actions=_texts(document, "Action"),
        not_actions=_texts(document, "NotAction"),
        resources=_texts(document, "Resource"),
        not_resources=_texts(document, "NotResource"),
        principals=_principals(document.get("Principal")),
        not_principals=_principals(document.get("NotPrincipal")),
        conditions=_conditions(document.get("Condition", {})),
        has_variables=has_variables,
    )


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    if name not in document:
        return None
    texts = _listed(document[name])
    if not texts or not all(isinstance(text, str) for text in texts):
        raise MalformedPolicyError(f"{name} cannot be {document[name]!r}; it is a text or several")
    return tuple(texts)


def _principals(value: object) -> tuple[tuple[str, str], ...] | None:
    if value is None:
        return None
    if value == "*":
        return (("*", "*"),)
    if not isinstance(value, dict) or not value or value.keys() - _PRINCIPAL_KINDS:
        raise MalformedPolicyError(
            f"Principal cannot be {value!r}; it is * or an object of {', '.join(sorted(_PRINCIPAL_KINDS))}"
        )
    return tuple(
        ("*", "*") if (kind, name) == ("AWS", "*") else (kind, str(name))
        for kind, names in value.items()
        for name in _listed(names)
    )


def _conditions(value: object) -> tuple[Condition, ...]:
    if not isinstance(value, dict) or not all(isinstance(keys, dict) for keys in value.values()):
        raise MalformedPolicyError(
            f"Condition cannot be {value!r}; it is an object of operators, each an object of keys"
        )
    conditions = []
    for operator, keys in value.items():
        if parse_operator(operator) is None:
            raise MalformedPolicyError(f"{operator!r} is no condition operator")
        for key, values in keys.items():
            conditions.append(Condition(operator, key, tuple(_text(each) for each in _listed(values))))
    return tuple(conditions)


def _text(value: object) -> str:
    """Return a condition's value as text: JSON's numbers and booleans are allowed there too."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - a policy's "one or several"
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
