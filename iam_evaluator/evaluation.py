"""Decide whether a principal may do something, by IAM's evaluation logic.

Owns the order in which policies count, and AWS's messages of refusal. Pure: the caller passes principal,
policies and request. The local cloud enforces; it knows every key of a request and gets a definite answer.
The doctor looks from outside; it knows some keys, and may learn that the answer depends on others. Both use
one three-valued evaluation, so the doctor cannot contradict the enforcement.

Source: IAM user guide, "Policy evaluation logic", "Cross-account policy evaluation logic" and "Troubleshoot
access denied error messages". docs/fidelity.md lists what is not modelled.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from iam_evaluator.decision import AccessRequest, Decision, Outcome, PolicyKind
from iam_evaluator.matching import matches_action, matches_resource
from iam_evaluator.operators import Quantifier, parse_operator
from iam_evaluator.principals import PrincipalKind
from iam_evaluator.request_context import Context
from iam_evaluator.truth import every, negated, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from iam_evaluator.operators import Operator
    from iam_evaluator.policies import Condition, Policy, Statement
    from iam_evaluator.principals import Principal
    from iam_evaluator.truth import Truth

_ROOT = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):root")
_ACCOUNT = re.compile(r"\d{12}")


def has_effect(statement: Statement, request: AccessRequest) -> bool:
    """Tell whether a statement counts for a request at all.

    KMS accepts statements of a key's policy without Resource or Action, and they have "no effect" (botocore:
    KMS, PutKeyPolicy). Policies of other resources may omit the resource: they are about their own.
    """
    if not request.action.lower().startswith("kms:"):
        return True
    names_action = statement.actions is not None or statement.not_actions is not None
    return names_action and (statement.resources is not None or statement.not_resources is not None)


_ALLOWED = Decision(Outcome.ALLOWED)


class _Naming(Enum):
    """How exactly a resource's policy names a principal."""

    NOT = 0
    ACCOUNT = 1
    """Only its account: that defers to the account's own policies."""
    ENTITY = 2
    """The role, whose boundary and session policies narrow the permission."""
    DIRECT = 3
    """The user, the session itself or everybody: no boundary or session policy narrows the permission."""


def evaluate(
    principal: Principal,
    request: AccessRequest,
    *,
    resource_policy: Policy | None = None,
    is_resource_policy_required: bool = False,
) -> Decision:
    """Decide about a request.

    Within an account, an identity policy or the resource's policy must allow it; between accounts, both. A
    denial in any policy wins. Boundaries and session policies only narrow.

    Args:
        principal: Who makes the request.
        request: The request.
        resource_policy: The resource's own policy.
        is_resource_policy_required: Whether the resource's policy must allow it even within its account, as a
            key's policy and a role's trust policy must. Such a policy may name the account to defer to
            identity policies.
    """
    decision = _decide(principal, request, resource_policy, is_required=is_resource_policy_required)
    if principal.on_decision is not None:
        principal.on_decision(request, decision)
    return decision


def _decide(
    principal: Principal, request: AccessRequest, resource_policy: Policy | None, *, is_required: bool
) -> Decision:
    context = Context({**principal.keys(), **request.context}, is_complete=request.is_context_complete)
    denials = dict(_denials(principal, request, resource_policy, context))
    for kind, is_denied in denials.items():
        if is_denied:
            article = "an" if kind is PolicyKind.IDENTITY else "a"
            why = f"with an explicit deny in {article} {kind.value}"
            return Decision(Outcome.EXPLICIT_DENY, why, kind)
    granted = _granted(resource_policy, principal, request, context)
    if principal.kind is PrincipalKind.SERVICE:
        is_allowed, lacking = granted[_Naming.ACCOUNT], PolicyKind.RESOURCE
    else:
        is_allowed, lacking = _by_policies(principal, request, context, granted, is_required=is_required)
    if is_allowed is False:
        why = f"because no {lacking.value} allows the {request.action} action"
        return Decision(Outcome.IMPLICIT_DENY, why, lacking)
    if is_allowed is None or None in denials.values():
        statements = _all(principal, resource_policy)
        keys = sorted({key for statement in statements for key in _unknown(statement, request, context)})
        return Decision(Outcome.UNKNOWN, f"because that depends on {', '.join(keys) or 'a policy variable'}")
    return _ALLOWED


def _all(principal: Principal, resource_policy: Policy | None) -> Iterator[Statement]:
    """Yield the statements of every relevant policy."""
    others = (each for each in (principal.boundary, resource_policy) if each is not None)
    for policy in (*principal.identity_policies, *(principal.session_policies or ()), *others):
        yield from policy.statements


def _unknown(statement: Statement, request: AccessRequest, context: Context) -> Iterator[str]:
    """Yield the unknown keys of a statement that may match the request."""
    if _is_about(statement, request, context) is None:
        yield from (each.key for each in statement.conditions if context.values(each.key) is None)


def _by_policies(
    principal: Principal,
    request: AccessRequest,
    context: Context,
    granted: Mapping[_Naming, Truth],
    *,
    is_required: bool,
) -> tuple[Truth, PolicyKind]:
    """Tell whether the policies of principal and resource together allow it, and which kind does not."""
    by_identity = _says(principal.identity_policies, request, context, allows=True)
    narrowing = dict(_narrowing(principal, request, context))
    is_within = every(narrowing.values())
    is_own = request.owner_account in {None, principal.account_id}
    by_resource = True if is_own and not is_required else granted[_Naming.ACCOUNT]
    is_allowed = every([by_identity, is_within, by_resource])
    is_identity_needed = True
    if is_own:
        by_role = granted[_Naming.ENTITY]
        is_allowed = some([is_allowed, every([by_role, is_within]), granted[_Naming.DIRECT]])
        is_identity_needed = by_role is False
    if is_identity_needed and by_identity is False:
        return is_allowed, PolicyKind.IDENTITY
    narrower = next((kind for kind, allows in narrowing.items() if allows is False), None)
    return is_allowed, narrower or PolicyKind.RESOURCE


def _narrowing(
    principal: Principal, request: AccessRequest, context: Context
) -> Iterator[tuple[PolicyKind, Truth]]:
    """Yield whether each existing boundary and session policy allows it."""
    if principal.boundary is not None:
        yield PolicyKind.BOUNDARY, _says((principal.boundary,), request, context, allows=True)
    if principal.session_policies is not None:
        yield PolicyKind.SESSION, _says(principal.session_policies, request, context, allows=True)


def _denials(
    principal: Principal, request: AccessRequest, resource_policy: Policy | None, context: Context
) -> Iterator[tuple[PolicyKind, Truth]]:
    """Yield the kinds of policies that deny it explicitly."""
    boundary = () if principal.boundary is None else (principal.boundary,)
    yield PolicyKind.IDENTITY, _says(principal.identity_policies, request, context, allows=False)
    yield PolicyKind.BOUNDARY, _says(boundary, request, context, allows=False)
    yield PolicyKind.SESSION, _says(principal.session_policies or (), request, context, allows=False)
    yield (
        PolicyKind.RESOURCE,
        some(
            _is_about(statement, request, context)
            for statement in (resource_policy.statements if resource_policy is not None else ())
            if not statement.allows and _naming(statement, principal) is not _Naming.NOT
        ),
    )


def _granted(
    policy: Policy | None, principal: Principal, request: AccessRequest, context: Context
) -> dict[_Naming, Truth]:
    """Return whether statements allow it that name the principal at least that exactly."""
    allowing = [
        (_naming(statement, principal), _is_about(statement, request, context))
        for statement in (policy.statements if policy is not None else ())
        if statement.allows
    ]
    return {
        least: some(truth for naming, truth in allowing if naming.value >= least.value)
        for least in (_Naming.ACCOUNT, _Naming.ENTITY, _Naming.DIRECT)
    }


def _says(policies: Iterable[Policy], request: AccessRequest, context: Context, *, allows: bool) -> Truth:
    """Tell whether any statement with this effect matches the request."""
    return some(
        _is_about(statement, request, context)
        for policy in policies
        for statement in policy.statements
        if statement.allows is allows
    )


def _is_about(statement: Statement, request: AccessRequest, context: Context) -> Truth:
    """Tell whether action, resource and conditions of a statement match the request."""
    if not has_effect(statement, request):
        return False
    if not _names_action(statement, request.action):
        return False
    is_on = _names_resource(statement, request.resource_arn, context)
    if is_on is False:
        return False
    return every((is_on, every(_holds(condition, statement, context) for condition in statement.conditions)))


def _names_action(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return any(matches_action(pattern, action) for pattern in statement.actions)
    return not any(matches_action(pattern, action) for pattern in statement.not_actions or ())


def _names_resource(statement: Statement, arn: str, context: Context) -> Truth:
    variables = context if statement.has_variables else None
    if statement.resources is not None:
        return some(matches_resource(pattern, arn, variables) for pattern in statement.resources)
    # A policy that is attached to a resource, such as a trust policy, may omit the resource.
    return negated(
        some(matches_resource(pattern, arn, variables) for pattern in statement.not_resources or ())
    )


def _holds(condition: Condition, statement: Statement, context: Context) -> Truth:
    operator = parse_operator(condition.operator)
    assert operator is not None, "parse_policy lets no other through"
    values = context.values(condition.key)
    if values is None:
        return None
    if operator.compare is None:
        return any((not values) is (wanted.lower() == "true") for wanted in condition.values)
    if operator.quantifier is not Quantifier.ONE and values == ("",):
        # "… if the key values resolve to a null data set, such as an empty string" ("Set operators").
        values = ()
    if not values:
        return _holds_of_none(operator)
    compare, variables = operator.compare, context if statement.has_variables else None

    def matches(given: str) -> Truth:
        found = some(compare(given, wanted, variables) for wanted in condition.values)
        return negated(found) if operator.is_negated else found

    if operator.quantifier is Quantifier.ANY:
        return some(map(matches, values))
    # AWS does not document a single-value operator on a key with many values. The local cloud must not allow
    # what AWS refuses. So an Allow needs all values to match, and a Deny needs one.
    is_for_one = operator.quantifier is Quantifier.ONE
    return some(map(matches, values)) if is_for_one and not statement.allows else every(map(matches, values))


def _holds_of_none(operator: Operator) -> bool:
    """Tell whether an operator holds for an absent key."""
    if operator.quantifier is Quantifier.ANY:
        return operator.if_exists
    return operator.if_exists or operator.is_negated or operator.quantifier is Quantifier.ALL


def _naming(statement: Statement, principal: Principal) -> _Naming:
    """Return how a statement of a resource's policy names the principal."""
    if statement.not_principals is not None:
        return _Naming.NOT if _is_spared(statement, principal) else _Naming.ENTITY
    namings = [_names(each, principal) for each in statement.principals or ()]
    return max(namings, key=lambda naming: naming.value, default=_Naming.NOT)


def _is_spared(statement: Statement, principal: Principal) -> bool:
    """Tell whether NotPrincipal of a statement exempts somebody.

    IAM user guide, "NotPrincipal": the statement must name the account, and the user or the role, which
    covers its sessions. A denial applies to every principal with a permissions boundary. AWS no longer
    supports an Allow with NotPrincipal; in an old one, naming the account exempts everybody in it.
    """
    named = {_names(each, principal) for each in statement.not_principals or ()} - {_Naming.NOT}
    if not statement.allows and principal.boundary is not None:
        return False
    if statement.allows or principal.kind in {PrincipalKind.ROOT, PrincipalKind.SERVICE}:
        return bool(named)
    return _Naming.ACCOUNT in named and any(
        name == principal.entity_arn for kind, name in statement.not_principals or () if kind == "AWS"
    )


def _names(named: tuple[str, str], principal: Principal) -> _Naming:
    kind, name = named
    if kind == "*":
        # "Permissions boundaries or session policies do not limit permissions granted using … a wildcard in
        # the Principal element" ("Principal", "IAM role principals").
        return _Naming.DIRECT
    if principal.kind is PrincipalKind.SERVICE:
        return _Naming.DIRECT if (kind, name.lower()) == ("Service", principal.arn) else _Naming.NOT
    if kind != "AWS":
        return _Naming.NOT
    if name == principal.arn:
        return _Naming.ACCOUNT if principal.kind is PrincipalKind.ROOT else _Naming.DIRECT
    if name == principal.entity_arn:
        return _Naming.ENTITY
    root = _ROOT.fullmatch(name)
    account = root[1] if root else name
    return _Naming.ACCOUNT if _ACCOUNT.fullmatch(account) and account == principal.account_id else _Naming.NOT
