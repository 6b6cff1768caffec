"""Judges, from outside, what policies say of calls: what cannot be known stays unknown.

Pure. The rules are `iam_evaluator`'s; here is what the doctor knows of a call, and which statement objects.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from iam_evaluator.decision import AccessRequest, Decision, Outcome
from iam_evaluator.evaluation import evaluate, has_effect
from iam_evaluator.grammar import MalformedPolicyError, PolicyType, listed
from iam_evaluator.policies import EVERYTHING, NO_POLICY, Policy, parse_policy
from iam_evaluator.principals import Principal, role_session, service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iam_evaluator.policies import Statement
    from iam_evaluator.request_context import Values
    from ops.facts import Role


def call(action: str, resource: str, context: Mapping[str, Values] | None = None) -> AccessRequest:
    """Make a call as it is known from here: over TLS, and otherwise only what is said of it."""
    known = {"aws:securetransport": "true", **(context or {})}
    return AccessRequest(action, resource, context=known, is_context_complete=False)


def decided(principal: Principal, request: AccessRequest, resource_policy: Mapping[str, Any]) -> Decision:
    """Decide about a request, with a policy as it was read: one that is none leaves it unknown."""
    try:
        policy = _of_resource(resource_policy, request)
    except MalformedPolicyError as error:
        return _not_understood(error)
    return evaluate(principal, request, resource_policy=policy)


def by_its_own(role: Role, role_arn: str, request: AccessRequest) -> Decision:
    """Decide what a role's own policies say of a call; whose resource it is, is another check's matter."""
    try:
        policies = tuple(_policy(each) for each in role.policies)
        boundary = None if role.boundary is None else _policy(role.boundary)
    except MalformedPolicyError as error:
        return _not_understood(error)
    return evaluate(role_session(role_arn, "doctor", policies, boundary), request)


def admits_service(
    policy: Mapping[str, Any],
    name: str,
    request: AccessRequest,
    *,
    source_account: str,
    source_arn: str | None = None,
) -> bool:
    """Tell whether a resource's policy lets a service act; what cannot be judged counts as if so."""
    by = service(name, source_account=source_account, source_arn=source_arn)
    return decided(by, request, policy).outcome in {Outcome.ALLOWED, Outcome.UNKNOWN}


def trusts(policy: Mapping[str, Any], name: str, account: str) -> bool:
    """Tell whether a role's trust policy lets a service take it; conditions may name the role's account."""
    return admits_service(policy, name, call("sts:AssumeRole", "*"), source_account=account)


def objections(policy: Mapping[str, Any], principal: Principal, request: AccessRequest) -> list[str]:
    """Name the statements of a policy that deny a request, or may: no other can allow it then."""
    try:
        denials = [each for each in _of_resource(policy, request).statements if not each.allows]
    except MalformedPolicyError:
        return []
    objecting = []
    for each in denials:
        # Somebody who may do everything is refused by this statement, or by none.
        alone = Policy((each,))
        everybody = role_session(principal.entity_arn, "doctor", (EVERYTHING,))
        if each.principals is None and each.not_principals is None:
            everybody, alone = role_session(principal.entity_arn, "doctor", (EVERYTHING, alone)), NO_POLICY
        # Whose the resource is, would be a refusal that is not this statement's.
        on_own = replace(request, owner_account=None, is_context_complete=False)
        if not evaluate(everybody, on_own, resource_policy=alone).is_allowed:
            objecting.append(_called(each))
    return objecting


def without_effect(policy: Mapping[str, Any], request: AccessRequest) -> list[str]:
    """Name the statements of a resource's policy that its service keeps and ignores."""
    try:
        statements = _of_resource(policy, request).statements
    except MalformedPolicyError:
        return []
    return [_called(each) for each in statements if not has_effect(each, request)]


def _called(statement: Statement) -> str:
    return f"the statement {statement.sid}" if statement.sid else "a statement without a Sid"


def _not_understood(error: MalformedPolicyError) -> Decision:
    return Decision(Outcome.UNKNOWN, f"because a policy cannot be understood: {error}")


def _of_resource(document: Mapping[str, Any], request: AccessRequest) -> Policy:
    """Read a policy that may be a key's: KMS keeps statements that others refuse."""
    statements = listed(document.get("Statement"))
    names_principals = any("Principal" in each or "NotPrincipal" in each for each in statements)
    is_keys = names_principals and request.action.lower().startswith("kms:")
    return parse_policy(document, PolicyType.KEY if is_keys else None) if statements else NO_POLICY


def _policy(document: Mapping[str, Any]) -> Policy:
    return parse_policy(document) if document.get("Statement") else NO_POLICY
