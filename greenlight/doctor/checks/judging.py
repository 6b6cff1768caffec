"""Judge from outside whether policies allow calls; unknown facts stay unknown.

Pure. `iam_evaluator` has the rules. This module has the doctor's knowledge of a call, and finds the statement
that objects.
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

    from greenlight.doctor.facts import Role
    from iam_evaluator.policies import Statement
    from iam_evaluator.request_context import Values


def call(action: str, resource: str, context: Mapping[str, Values] | None = None) -> AccessRequest:
    """Build a call as the doctor knows it: over TLS, with the given context only."""
    known = {"aws:securetransport": "true", **(context or {})}
    return AccessRequest(action, resource, context=known, is_context_complete=False)


def decided(principal: Principal, request: AccessRequest, resource_policy: Mapping[str, Any]) -> Decision:
    """Decide about a request, with a policy as it was read; an invalid policy leaves it unknown."""
    try:
        policy = _of_resource(resource_policy, request)
    except MalformedPolicyError as error:
        return _not_understood(error)
    return evaluate(principal, request, resource_policy=policy)


def by_its_own(role: Role, role_arn: str, request: AccessRequest) -> Decision:
    """Decide by a role's own policies about a call; another check covers the resource's account."""
    try:
        policies = tuple(_policy(each) for each in role.policies)
        boundary = None if role.boundary is None else _policy(role.boundary)
    except MalformedPolicyError as error:
        return _not_understood(error)
    return evaluate(role_session(role_arn, "doctor", policies, boundary), request)


def by_both(
    role: Role, role_arn: str, request: AccessRequest, resource_policy: Mapping[str, Any]
) -> Decision:
    """Decide by a role's policies and by the policy of a resource in the role's own account."""
    try:
        policies = tuple(_policy(each) for each in role.policies)
        boundary = None if role.boundary is None else _policy(role.boundary)
        policy = _of_resource(resource_policy, request)
    except MalformedPolicyError as error:
        return _not_understood(error)
    return evaluate(
        role_session(role_arn, "doctor", policies, boundary),
        request,
        resource_policy=policy,
        is_resource_policy_required=request.action.startswith("kms:"),
    )


def admits_service(
    policy: Mapping[str, Any],
    name: str,
    request: AccessRequest,
    *,
    source_account: str,
    source_arn: str | None = None,
) -> bool:
    """Tell whether a resource's policy admits a service; an unknown answer counts as yes."""
    by = service(name, source_account=source_account, source_arn=source_arn)
    return decided(by, request, policy).outcome in {Outcome.ALLOWED, Outcome.UNKNOWN}


def trusts(policy: Mapping[str, Any], name: str, account: str) -> bool:
    """Tell whether a role's trust policy admits a service; conditions may name the role's account."""
    return admits_service(policy, name, call("sts:AssumeRole", "*"), source_account=account)


def objections(policy: Mapping[str, Any], principal: Principal, request: AccessRequest) -> list[str]:
    """Name the statements of a policy that deny a request, or may: then no other can allow it."""
    try:
        denials = [each for each in _of_resource(policy, request).statements if not each.allows]
    except MalformedPolicyError:
        return []
    objecting = []
    for each in denials:
        # This principal may do everything, so only this statement can refuse it.
        alone = Policy((each,))
        everybody = role_session(principal.entity_arn, "doctor", (EVERYTHING,))
        if each.principals is None and each.not_principals is None:
            everybody, alone = role_session(principal.entity_arn, "doctor", (EVERYTHING, alone)), NO_POLICY
        # Assume that the principal owns the resource, so that only this statement can refuse it.
        on_own = replace(request, owner_account=None, is_context_complete=False)
        if not evaluate(everybody, on_own, resource_policy=alone).is_allowed:
            objecting.append(_called(each))
    return objecting


def without_effect(policy: Mapping[str, Any], request: AccessRequest) -> list[str]:
    """Name the statements of a resource's policy that its service stores and ignores."""
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
    """Read a policy that may be a key's: KMS accepts statements that others refuse."""
    statements = listed(document.get("Statement"))
    names_principals = any("Principal" in each or "NotPrincipal" in each for each in statements)
    is_keys = names_principals and request.action.lower().startswith("kms:")
    return parse_policy(document, PolicyType.KEY if is_keys else None) if statements else NO_POLICY


def _policy(document: Mapping[str, Any]) -> Policy:
    return parse_policy(document) if document.get("Statement") else NO_POLICY
