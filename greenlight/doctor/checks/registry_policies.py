"""Check every policy on the registry's side that admits the stage, statement by statement. Pure."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from greenlight.doctor.checks.judging import call, decided, objections, without_effect
from greenlight.doctor.checks.statements import OWNER, WHY, decided_about
from greenlight.doctor.facts import Absent, Found, Unreadable
from greenlight.doctor.findings import Finding, Status
from iam_evaluator.principals import Principal, role_session
from infra.stages.access import Repository, group_arns, version_arns
from infra.stages.policy_statements import signed, statements_for_owners, statements_of
from infra.stages.stage_names import owner_of, registry_stack_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from greenlight.doctor.facts import Facts, Version
    from iam_evaluator.decision import AccessRequest, Decision
    from iam_evaluator.request_context import Values
    from infra.stages.access import StageAccess
    from infra.stages.policy_statements import PolicyTarget, Statement


def check_registry_policies(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check every policy that admits the stage, statement by statement."""
    if access.at_home:
        return
    stack = registry_stack_name(access.names.stack_name)
    # Propose the stack's own Sids: once the stack is deployed, it owns a statement added by hand, and removes
    # it in the end.
    owner = owner_of(access.names.stack_name, access.registry)
    for target, statement in statements_of(access):
        account = _account_of(target, access)
        subject = f"{_named(target)} in account {account}"
        where = (
            f"In account {account}: deploy the stack {stack}. If it is deployed, the statement was taken out "
            f"by hand: deploy it with another registry.revision, or add it to the policy of {_named(target)}."
        )
        if target.kind == "key-grants":
            yield _grant(facts, target, signed(statement, owner), subject, account)
        else:
            yield _admitting(target, signed(statement, owner), access, version, facts, subject, where)
    for target, statement in statements_for_owners(access):
        account = _account_of(target, access)
        if target.kind == "key":
            subject = f"{_named(target)} in account {account}"
            where = f"In account {account}: let the key's owner add it to the key's policy."
        else:
            # A bucket's name does not tell whose bucket it is.
            subject = _named(target)
            where = f"In its owner's account: let the owner add it to the policy of {_named(target)}."
        yield _admitting(target, signed(statement, OWNER), access, version, facts, subject, where)


def _account_of(target: PolicyTarget, access: StageAccess) -> str:
    """Tell whose a policy is: a key may belong to any account."""
    return target.name.split(":")[4] if target.name.startswith("arn:") else access.registry.account


def _admitting(
    target: PolicyTarget,
    proposed: Statement,
    access: StageAccess,
    version: Version | None,
    facts: Facts,
    subject: str,
    where: str,
) -> Finding:
    """Check that a policy on the registry's side allows what a statement is for."""
    reading = facts.policies.get((target.kind, target.name), Absent())
    if isinstance(reading, Unreadable):
        why = WHY[proposed["Action"][0]]
        where = f"{reading.remedy} The policy of {_named(target)} must have the statement."
        return Finding("policy", Status.UNKNOWN, subject, reading.reason, why, where, proposed)
    policy: Mapping[str, Any] = reading.value if isinstance(reading, Found) else {}
    owner = _account_of(target, access)
    calls = [
        (role, [request] if target.kind != "group" else _spelled(request, access, version))
        for role, request in _calls(proposed, _arn_of(target, access), version)
    ]
    decisions = [
        _best([decided(role, replace(each, owner_account=owner), policy) for each in spelled])
        for role, spelled in calls
    ]
    objecting = [
        each for role, spelled in calls for request in spelled for each in objections(policy, role, request)
    ]
    idle = [each for _, spelled in calls for request in spelled for each in without_effect(policy, request)]
    return decided_about("policy", subject, decisions, objecting, proposed, where, idle)


def _named(target: PolicyTarget) -> str:
    kinds = {"group": "the model package group", "key-grants": "the grants of the key"}
    return f"{kinds.get(target.kind, f'the {target.kind}')} {target.name}"


def _grant(facts: Facts, target: PolicyTarget, proposed: Statement, subject: str, account: str) -> Finding:
    reading = facts.grants.get(target.name, Absent())
    role = proposed["Principal"]["AWS"]
    why = WHY["kms:Decrypt"]
    where = (
        f"In account {account}: deploy the registry's stack. If it is deployed, the grant was revoked by "
        "hand: deploy it with another registry.revision, or make it again."
    )
    if isinstance(reading, Unreadable):
        return Finding("grant", Status.UNKNOWN, subject, reading.reason, why, reading.remedy)
    grants = reading.value if isinstance(reading, Found) else ()
    if any(grant.grantee == role and "Decrypt" in grant.operations for grant in grants):
        return Finding("grant", Status.OK, f"{subject}, to {role}")
    wanted = {"GranteePrincipal": role, "Operations": ["Decrypt"], "Name": proposed["Sid"]}
    found = f"no grant of Decrypt to {role}"
    to_role = ["--grantee-principal", role, "--operations", "Decrypt", "--name", proposed["Sid"]]
    command = shlex.join(["aws", "kms", "create-grant", "--key-id", target.name, *to_role])
    return Finding("grant", Status.GAP, subject, found, why, where, wanted, command)


def _arn_of(target: PolicyTarget, access: StageAccess) -> str:
    """Return the policy's own resource, for statements that omit it or name `*`."""
    registry = access.registry
    if target.kind == "repository":
        return Repository(registry.account, registry.region, target.name).arn
    return target.name


def _calls(
    statement: Statement, target_arn: str, version: Version | None
) -> Iterator[tuple[Principal, AccessRequest]]:
    """Make the calls that a statement is for: by its roles, on its resources, meeting its conditions.

    The roles may do everything here: another check looks at their own policies.
    """
    conditions = statement["Condition"]
    context = context_of(conditions)
    for role in conditions["ArnLike"]["aws:PrincipalArn"]:
        if "*" in role or "?" in role:
            continue  # operators: the same statement admits all of them
        principal = role_session(role, "doctor")
        for action in statement["Action"]:
            for resource in statement.get("Resource", ["*"]):
                concrete = target_arn if resource == "*" else _concrete(resource, version)
                keys = {**context, "kms:calleraccount": principal.account_id}
                yield principal, call(action, concrete, keys)


def context_of(conditions: Mapping[str, Mapping[str, Any]]) -> dict[str, Values]:
    """Build a call's context so that the conditions apply to it."""
    said: dict[str, Values] = {
        key.lower(): _sample(value)
        for operator in ("StringEquals", "StringEqualsIfExists", "StringLike")
        for key, value in conditions.get(operator, {}).items()
    }
    return said | {key.lower(): () for key in conditions.get("Null", {})}


def _sample(value: object) -> str:
    first = value[0] if isinstance(value, list) else value
    return str(first).replace("*", "x")


def _concrete(resource: str, version: Version | None) -> str:
    if "*" not in resource:
        return resource
    for uri in version.artifacts if version else ():
        arn = f"{resource.split(':::', maxsplit=1)[0]}:::{uri.removeprefix('s3://')}"
        if ":s3:::" in resource and arn.startswith(resource.removesuffix("*")):
            return arn
    return resource.replace("*", "1")


def _spelled(request: AccessRequest, access: StageAccess, version: Version | None) -> list[AccessRequest]:
    """List a call for each spelling of the group's name; for a version that was read, its own spelling."""
    if ":model-package/" in request.resource_arn:
        arns = [arn.replace("*", "1") for arn in version_arns(access.registry, access.groups[0])]
        return [replace(request, resource_arn=arn) for arn in ([version.arn] if version else arns)]
    return [replace(request, resource_arn=arn) for arn in group_arns(access.registry, access.groups[0])]


def _best(decisions: Sequence[Decision]) -> Decision:
    return next((each for each in decisions if each.is_allowed), decisions[0])
