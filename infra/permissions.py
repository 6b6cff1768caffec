"""Owns how a role's statements are written, and how cdk-nag is told why a wildcard in one is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct, IConstruct

    from infra.registry_reading import Allowance


class Permissions:
    """Give a role, or a policy that roles have, its statements, one purpose each."""

    def __init__(self, holder: iam.Role | iam.ManagedPolicy) -> None:
        self._holder = holder
        self._acknowledged: set[str] = set()

    def allow(
        self,
        sid: str,
        actions: Sequence[str],
        resources: Sequence[str],
        *,
        conditions: Mapping[str, Any] | None = None,
        why_wildcard: str = "",
    ) -> None:
        """Allow some actions on some resources.

        A wildcard in a resource needs its reason, which is acknowledged on this one policy and for this
        resource only. Raises `ValueError` without one.
        """
        statement = iam.PolicyStatement(
            sid=sid, actions=list(actions), resources=list(resources), conditions=conditions
        )
        if isinstance(self._holder, iam.ManagedPolicy):
            self._holder.add_statements(statement)
        else:
            self._holder.add_to_policy(statement)
        stack = Stack.of(self._holder)
        for resource in (_as_found(stack.resolve(resource)) for resource in resources):
            if "*" not in resource or resource in self._acknowledged:
                continue
            if not why_wildcard:
                raise ValueError(f"{sid}: say why {resource} may have a wildcard.")
            finding = f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]"
            acknowledge(self._policy(), finding, why_wildcard)
            self._acknowledged.add(resource)

    def _policy(self) -> IConstruct:
        if isinstance(self._holder, iam.ManagedPolicy):
            return self._holder
        return self._holder.node.find_child("DefaultPolicy")


def attach(
    scope: Construct,
    construct_id: str,
    role: iam.Role,
    policies: Sequence[Sequence[Allowance]],
    *,
    about: str,
) -> list[iam.ManagedPolicy]:
    """Attach managed policies to a role, each with some statements; `about` describes them.

    The first has the id that is given, the others its number too.
    """
    attached = []
    for number, allowances in enumerate(policies, start=1):
        each_id = construct_id if number == 1 else f"{construct_id}{number}"
        policy = iam.ManagedPolicy(scope, each_id, description=about, roles=[role])
        permissions = Permissions(policy)
        for allowance in allowances:
            permissions.allow(
                allowance.sid,
                allowance.actions,
                allowance.resources,
                conditions=allowance.conditions or None,
                why_wildcard=allowance.why_wildcard,
            )
        attached.append(policy)
    return attached


def grant_use_of_keys(
    permissions: Permissions, stack: Stack, sid: str, actions: Sequence[str], keys: Sequence[str], *, via: str
) -> None:
    """Allow some actions on KMS keys that settings name by id, by ARN or by alias, through one service.

    Keys are resources; for an alias, IAM knows only a condition (KMS guide, "alias-authorization").
    """
    through = {"StringEquals": {"kms:ViaService": f"{via}.{stack.region}.{stack.url_suffix}"}}
    aliases = sorted({key[key.index("alias/") :] for key in keys if "alias/" in key})
    named = sorted(
        {
            key
            if key.startswith("arn:")
            else stack.format_arn(service="kms", resource="key", resource_name=key)
            for key in keys
            if "alias/" not in key
        }
    )
    if named:
        permissions.allow(sid, actions, named, conditions=through)
    if aliases:
        permissions.allow(
            f"{sid}ByAlias",
            actions,
            [stack.format_arn(service="kms", resource="key", resource_name="*", account="*")],
            conditions={**through, "ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}},
            why_wildcard="Which key an alias stands for may change; only keys with these aliases.",
        )


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Acknowledge one finding of cdk-nag on one construct."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def _as_found(resolved: object) -> str:
    """Write a resolved value as cdk-nag does in the names of its findings: `arn:<AWS::Partition>:s3:::…`."""
    match resolved:
        case str():
            return resolved
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_as_found(part) for part in parts)
        case _:
            raise ValueError(f"no resource of a statement should look like {resolved}")
