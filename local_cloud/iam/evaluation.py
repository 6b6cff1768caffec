"""Decide whether a principal may do something: IAM's evaluation logic, and nothing else.

Owns the order in which policies count, and the sentences in which AWS refuses. It is pure: who the principal
is, which policies there are and what the request is about is told by the caller. Source: IAM user guide,
"Policy evaluation logic", "Cross-account policy evaluation logic" and "Troubleshoot access denied error
messages". Organizations' policies (SCPs, RCPs) and VPC endpoint policies are not modelled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from local_cloud.iam.operators import Quantifier, parse_operator
from local_cloud.iam.patterns import UnresolvedVariableError, matches_action, matches_arn
from local_cloud.iam.principals import PrincipalKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.iam.policies import Condition, Policy, Statement, Values
    from local_cloud.iam.principals import Principal

_ROOT = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):root")
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One action on one resource.

    Attributes:
        action: Such as `sagemaker:CreateModel`.
        resource_arn: The resource; `*` for an action that knows none.
        owner_account: The account whose resource it is; None for the principal's.
        context: Condition keys of the request and the resource, in lower case.
    """

    action: str
    resource_arn: str
    owner_account: str | None = None
    context: Mapping[str, Values] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed, and if not, why: the end of AWS's sentence."""

    is_allowed: bool
    why_not: str = ""

    def message(self, principal: Principal, request: AccessRequest) -> str:
        """Return the refusal as AWS words it."""
        return (
            f"User: {principal.arn} is not authorized to perform: {request.action} on resource: "
            f"{request.resource_arn} {self.why_not}"
        )


_ALLOWED = Decision(is_allowed=True)


class _Naming(Enum):
    """How exactly a resource's policy names a principal."""

    NOT = 0
    ACCOUNT = 1
    """Only its account: that delegates to the account's own policies."""
    ENTITY = 2
    """The role, or everybody."""
    SELF = 3
    """The user or the session itself, which no boundary or session policy narrows."""


def evaluate(
    principal: Principal,
    request: AccessRequest,
    *,
    resource_policy: Policy | None = None,
    is_resource_policy_required: bool = False,
) -> Decision:
    """Decide about a request.

    Within an account an identity policy or the resource's policy has to allow it, between accounts both. A
    denial in any policy decides. Boundaries and session policies only narrow.

    Args:
        principal: Who asks.
        request: For what.
        resource_policy: The resource's own policy.
        is_resource_policy_required: Whether the resource's policy has to allow it in its own account too, as
            a key's and a role's trust policy do; naming the account there delegates to identity policies.
    """
    decision = _decide(principal, request, resource_policy, is_required=is_resource_policy_required)
    if principal.on_decision is not None:
        principal.on_decision(request, decision)
    return decision


def _decide(
    principal: Principal, request: AccessRequest, resource_policy: Policy | None, *, is_required: bool
) -> Decision:
    context = {**principal.keys(), **request.context}
    denial = _denial(principal, request, resource_policy, context)
    if denial:
        return Decision(is_allowed=False, why_not=f"with an explicit deny in {denial}")
    naming = _granted(resource_policy, principal, request, context)
    if principal.kind is PrincipalKind.SERVICE:
        return _ALLOWED if naming is not _Naming.NOT else _refused("resource-based policy", request)
    by_identity = _any(principal.identity_policies, request, context, allows=True)
    narrowing = _narrowing(principal, request, context)
    is_own = request.owner_account in {None, principal.account_id}
    if is_own and naming is _Naming.SELF:
        return _ALLOWED
    if is_own and naming is _Naming.ENTITY:
        return narrowing or _ALLOWED
    if not by_identity:
        return _refused("identity-based policy", request)
    if narrowing is not None:
        return narrowing
    if naming is _Naming.NOT and (is_required or not is_own):
        return _refused("resource-based policy", request)
    return _ALLOWED


def _refused(kind: str, request: AccessRequest) -> Decision:
    return Decision(is_allowed=False, why_not=f"because no {kind} allows the {request.action} action")


def _denial(
    principal: Principal,
    request: AccessRequest,
    resource_policy: Policy | None,
    context: Mapping[str, Values],
) -> str:
    """Return which kind of policy denies it explicitly; empty if none does."""
    if _any(principal.identity_policies, request, context, allows=False):
        return "an identity-based policy"
    if principal.boundary is not None and _any((principal.boundary,), request, context, allows=False):
        return "a permissions boundary"
    if _any(principal.session_policies or (), request, context, allows=False):
        return "a session policy"
    if resource_policy is not None and any(
        _is_about(statement, request, context) and _is_about_principal(statement, principal)
        for statement in resource_policy.statements
        if not statement.allows
    ):
        return "a resource-based policy"
    return ""


def _narrowing(
    principal: Principal, request: AccessRequest, context: Mapping[str, Values]
) -> Decision | None:
    """Return the refusal of a boundary or of session policies that do not allow it."""
    if principal.boundary is not None and not _any((principal.boundary,), request, context, allows=True):
        return _refused("permissions boundary", request)
    if principal.session_policies is not None and not _any(
        principal.session_policies, request, context, allows=True
    ):
        return _refused("session policy", request)
    return None


def _granted(
    policy: Policy | None, principal: Principal, request: AccessRequest, context: Mapping[str, Values]
) -> _Naming:
    """Return how the statements that allow it name the principal, at their most exact."""
    namings = [
        _naming(statement, principal)
        for statement in (policy.statements if policy is not None else ())
        if statement.allows and _is_about(statement, request, context)
    ]
    return max(namings, key=lambda naming: naming.value, default=_Naming.NOT)


def _any(
    policies: Iterable[Policy], request: AccessRequest, context: Mapping[str, Values], *, allows: bool
) -> bool:
    return any(
        statement.allows is allows and _is_about(statement, request, context)
        for policy in policies
        for statement in policy.statements
    )


def _is_about(statement: Statement, request: AccessRequest, context: Mapping[str, Values]) -> bool:
    """Tell whether action, resource and conditions of a statement fit the request."""
    try:
        return (
            _names_action(statement, request.action)
            and _names_resource(statement, request.resource_arn, context)
            and all(_holds(condition, statement, context) for condition in statement.conditions)
        )
    except UnresolvedVariableError:
        # A variable without a value matches nothing (IAM user guide, "Policy variables").
        return False


def _names_action(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return any(matches_action(pattern, action) for pattern in statement.actions)
    return not any(matches_action(pattern, action) for pattern in statement.not_actions or ())


def _names_resource(statement: Statement, arn: str, context: Mapping[str, Values]) -> bool:
    variables = context if statement.has_variables else None
    if statement.resources is not None:
        return any(matches_arn(pattern, arn, variables) for pattern in statement.resources)
    # A policy that is attached to a resource, such as a trust policy, may leave the resource out.
    return not any(matches_arn(pattern, arn, variables) for pattern in statement.not_resources or ())


def _holds(condition: Condition, statement: Statement, context: Mapping[str, Values]) -> bool:
    operator = parse_operator(condition.operator)
    assert operator is not None, "parse_policy lets no other through"
    value = context.get(condition.key.lower())
    compare = operator.compare
    if compare is None:
        return any((value is None) == (wanted.lower() == "true") for wanted in condition.values)
    values = (value,) if isinstance(value, str) else value
    if not values:
        if operator.quantifier is Quantifier.ANY:
            return operator.if_exists
        return operator.if_exists or operator.is_negated or operator.quantifier is Quantifier.ALL

    variables = context if statement.has_variables else None

    def matches(given: str) -> bool:
        found = any(compare(given, wanted, variables) for wanted in condition.values)
        return found is not operator.is_negated

    if operator.quantifier is Quantifier.ALL:
        return all(matches(given) for given in values)
    if operator.quantifier is Quantifier.ANY:
        return any(matches(given) for given in values)
    if len(values) == 1:
        return matches(values[0])
    # What AWS does with an operator for one value on a key with many is not documented: it must not open a
    # door here that is shut there.
    return all(matches(given) for given in values) if statement.allows else any(map(matches, values))


def _is_about_principal(statement: Statement, principal: Principal) -> bool:
    return _naming(statement, principal) is not _Naming.NOT


def _naming(statement: Statement, principal: Principal) -> _Naming:
    """Return how a statement of a resource's policy names the principal."""
    if statement.not_principals is not None:
        excluded = any(_names(each, principal) is not _Naming.NOT for each in statement.not_principals)
        return _Naming.NOT if excluded else _Naming.ENTITY
    namings = [_names(each, principal) for each in statement.principals or ()]
    return max(namings, key=lambda naming: naming.value, default=_Naming.NOT)


def _names(named: tuple[str, str], principal: Principal) -> _Naming:
    kind, name = named
    if kind == "*":
        return _Naming.ENTITY
    if principal.kind is PrincipalKind.SERVICE:
        return _Naming.SELF if (kind, name.lower()) == ("Service", principal.arn) else _Naming.NOT
    if kind != "AWS":
        return _Naming.NOT
    if name == principal.arn:
        return _Naming.ACCOUNT if principal.kind is PrincipalKind.ROOT else _Naming.SELF
    if name == principal.entity_arn:
        return _Naming.ENTITY
    root = _ROOT.fullmatch(name)
    account = root[1] if root else name
    return _Naming.ACCOUNT if _ACCOUNT.fullmatch(account) and account == principal.account_id else _Naming.NOT
