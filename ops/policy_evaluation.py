"""Decides what a policy says of one request, as IAM does, as far as the doctor's requests go.

Pure. What it cannot decide, such as a condition on a key that nobody knows from outside, is `UNCLEAR` and is
told as such (IAM user guide, "reference_policies_evaluation-logic", "reference_policies_elements_condition").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any, Final


class Decision(Enum):
    """What a policy says of a request."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Request:
    """One call, as policies see it.

    Attributes:
        principal_arn: The role that calls.
        action: Such as `s3:GetObject`.
        resource: The ARN that the call is on; None for a policy in which no resource can stand.
        context: Condition keys in lower case; a key that is missing here is unknown, and one with no values
            is known not to be in the request.
    """

    principal_arn: str
    action: str
    resource: str | None
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The caller's account."""
        return self.principal_arn.split(":")[4]

    def values(self, key: str) -> Sequence[str] | None:
        """Return what the request says of a condition key; None if nobody knows."""
        lower = key.lower()
        if lower == "aws:principalarn":
            return [self.principal_arn]
        if lower == "aws:principalaccount":
            return [self.account]
        if lower == "aws:securetransport":
            return ["true"]
        return self.context.get(lower)


def decide(policy: Mapping[str, Any], request: Request, *, of_resource: bool) -> Decision:
    """Decide what one policy says of a request.

    `of_resource` tells a resource's policy, which names principals, from an identity's, which has none.
    """
    statements = policy.get("Statement", [])
    holds: dict[str, set[bool | None]] = {"Allow": set(), "Deny": set()}
    for statement in statements if isinstance(statements, list) else [statements]:
        if _concerns(statement, request, of_resource=of_resource):
            holds[statement["Effect"]].add(_holds(statement.get("Condition", {}), request))
    for effect, decision in (("Deny", Decision.DENY), ("Allow", Decision.ALLOW)):
        if True in holds[effect]:
            return decision
        if None in holds[effect]:
            return Decision.UNCLEAR
    return Decision.SILENT


def combine(decisions: Sequence[Decision]) -> Decision:
    """Combine what several policies of one identity say: a denial wins, then an allowance."""
    for decision in (Decision.DENY, Decision.ALLOW, Decision.UNCLEAR):
        if decision in decisions:
            return decision
    return Decision.SILENT


def _concerns(statement: Mapping[str, Any], request: Request, *, of_resource: bool) -> bool:
    if of_resource and not _names_principal(statement, request):
        return False
    if "NotAction" in statement:
        acts = not _any(statement["NotAction"], request.action, ignore_case=True)
    else:
        acts = _any(statement.get("Action", []), request.action, ignore_case=True)
    if request.resource is None or not ({"Resource", "NotResource"} & statement.keys()):
        return acts
    if "NotResource" in statement:
        return acts and not _any(statement["NotResource"], request.resource)
    return acts and _any(statement["Resource"], request.resource)


def _names_principal(statement: Mapping[str, Any], request: Request) -> bool:
    if "NotPrincipal" in statement:
        return not _is_named(statement["NotPrincipal"], request)
    return _is_named(statement.get("Principal", {}), request)


def _is_named(principal: object, request: Request) -> bool:
    if principal == "*":
        return True
    named = _list(principal.get("AWS", [])) if isinstance(principal, Mapping) else []
    return any(
        name in {"*", request.account, request.principal_arn}
        or re.fullmatch(rf"arn:aws[a-z-]*:iam::{request.account}:root", name)
        for name in named
    )


def _holds(conditions: Mapping[str, Mapping[str, Any]], request: Request) -> bool | None:
    """Tell whether all conditions hold; None if that depends on what nobody knows."""
    unclear = False
    for operator, keys in conditions.items():
        for key, wanted in keys.items():
            holds = _one(operator, request.values(key), [str(each) for each in _list(wanted)])
            if holds is False:
                return False
            unclear = unclear or holds is None
    return None if unclear else True


def _one(operator: str, present: Sequence[str] | None, wanted: Sequence[str]) -> bool | None:
    quantifier, _, name = operator.rpartition(":")
    if present is None:
        return None
    if name == "Null":
        return (not present) == (wanted[0].lower() == "true")
    if_exists = name.endswith("IfExists")
    compare = _COMPARISONS.get(name.removesuffix("IfExists"))
    if compare is None:
        return None
    matches, negated = compare
    if not present:
        return if_exists or negated or quantifier == "ForAllValues"
    met = [any(matches(pattern, value) for pattern in wanted) != negated for value in present]
    return any(met) if quantifier == "ForAnyValue" else all(met)


def _equal(pattern: str, value: str) -> bool:
    return pattern == value


def _equal_in_any_case(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


def _like(pattern: str, value: str) -> bool:
    return _wildcard(pattern, ignore_case=False).fullmatch(value) is not None


_COMPARISONS: Final[dict[str, tuple[Callable[[str, str], bool], bool]]] = {
    "ArnEquals": (_like, False),
    "ArnLike": (_like, False),
    "ArnNotEquals": (_like, True),
    "ArnNotLike": (_like, True),
    "Bool": (_equal_in_any_case, False),
    "StringEquals": (_equal, False),
    "StringEqualsIgnoreCase": (_equal_in_any_case, False),
    "StringLike": (_like, False),
    "StringNotEquals": (_equal, True),
    "StringNotEqualsIgnoreCase": (_equal_in_any_case, True),
    "StringNotLike": (_like, True),
}
"""Operator -> how a value is compared, and whether the operator negates it."""


def _any(patterns: object, value: str, *, ignore_case: bool = False) -> bool:
    return any(_wildcard(pattern, ignore_case=ignore_case).fullmatch(value) for pattern in _list(patterns))


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    return list(value) if isinstance(value, list) else [value]


@cache
def _wildcard(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
