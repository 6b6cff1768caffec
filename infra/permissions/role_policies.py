"""Owns how a role's statements are written, and how cdk-nag is told why a wildcard in one is right."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import Acknowledgment, Annotations, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam

from deployer.contract import PREFIX
from infra.configuration.app_context import PLACE
from infra.configuration.iam_quotas import (
    LARGEST_INLINE,
    LARGEST_MANAGED,
    MANAGED_POLICIES,
    MOST_MANAGED_POLICIES,
)
from infra.permissions.coarsening import Loss, alike, in_steps
from infra.permissions.spreading import Allowance, spread
from infra.settings.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from constructs import IConstruct

    from infra.permissions.spreading import Spread

_TOKEN: Final = re.compile(r"\$\{Token\[[^\]]*\]\}")

LONGEST: Final = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "ap-northeast-99",
    "AWS::URLSuffix": "amazonaws.com.cn",
}
"""Texts as long as any that these can come to (botocore's data on partitions)."""

_ALIASES: Final = "kms:ResourceAliases"
_SHOWN: Final = 5
"""Resources of a statement that was made coarser, in the line that says so."""

_ARN_FRAME: Final = "arn:aws-us-gov:service-of-aws:ap-northeast-99:111122223333:kind-of-resource/"
_CHOSEN: Final = "-ABCDEFGHIJKLM"
"""CloudFormation names a resource after its stack and its logical id, and adds some characters."""


class Permissions:
    """Collects a role's statements, one purpose each, and attaches them in as many policies as they need.

    Nothing is granted before `attach`. Statements that every deployment has are to come first: they stay in
    the inline policy, whatever becomes of the others.
    """

    def __init__(self, role: iam.Role, *, most_managed: int = MANAGED_POLICIES) -> None:
        self.stack = Stack.of(role)
        self._role = role
        self._most_managed = most_managed
        self._allowances: list[Allowance] = []
        self._texts = _Texts(self.stack)

    def allow(
        self,
        sid: str,
        actions: Sequence[str],
        resources: Sequence[str],
        *,
        conditions: Mapping[str, Any] | None = None,
        why_wildcard: str = "",
        coarser: Allowance | None = None,
    ) -> None:
        """Allow some actions on some resources.

        A wildcard in a resource needs its reason, which is acknowledged on the policy that holds it and for
        this resource only. Raises `ValueError` without one.
        """
        self.allow_all([Allowance(sid, actions, resources, conditions or {}, why_wildcard, coarser)])

    def allow_all(self, allowances: Iterable[Allowance]) -> None:
        """Allow what some statements say. Raises `ValueError` for a wildcard without a reason."""
        for allowance in allowances:
            form: Allowance | None = allowance
            while form is not None:
                for resource in map(self._texts.as_found, form.resources):
                    if "*" in resource and not form.why_wildcard:
                        raise ValueError(f"{form.sid}: say why {resource} may have a wildcard.")
                form = form.coarser
            self._allowances.append(allowance)

    def attach(self, *, about: str = "", outlive_stack: bool = False) -> list[Problem]:
        """Attach the statements: an inline policy, and managed ones for what has no room in it.

        The role names its managed policies, and not they the role: one that is needed no more is detached
        also where it outlives the stack. Returns a problem, and attaches nothing, if the statements have no
        room.

        Args:
            about: What the role is for, for managed policies' descriptions and for people.
            outlive_stack: Whether the role and its policies stay when the stack is destroyed.
        """
        found = spread(self._allowances, most_managed=self._most_managed, longest=self._texts.longest)
        if found.managed > self._most_managed or found.unfit:
            return [self._too_much(found, about)]
        inline, *others = found.policies
        default = iam.Policy(self._role, "DefaultPolicy", roles=[self._role])
        managed: list[iam.ManagedPolicy] = []
        default.add_statements(*map(statement, inline))
        for number, allowances in enumerate(others, start=1):
            policy = iam.ManagedPolicy(
                self._role,
                f"Policy{number}",
                description=f"{about}, {number} of those that have no room in the role's own policy",
                statements=[statement(allowance) for allowance in allowances],
            )
            self._role.add_managed_policy(policy)
            managed.append(policy)
        made = (default, *managed)
        for each, allowances in zip(made, found.policies, strict=True):
            acknowledge_wildcards(each, allowances, self._texts)
        if others:
            self._mark(others)
        if outlive_stack:
            for kept in (self._role, *made):
                kept.apply_removal_policy(RemovalPolicy.RETAIN)
        self._say_what_is_coarser(found)
        return []

    def _say_what_is_coarser(self, found: Spread) -> None:
        for sid, form in found.coarsened.items():
            values = [value for keys in form.conditions.values() for value in keys.values()]
            now = [self._texts.as_found(each) for each in form.resources]
            when = [
                self._texts.as_found(each)
                for value in values
                for each in ([value] if isinstance(value, str) else value)
            ]
            Annotations.of(self._role).add_info(
                f"{sid} of the role {self._role.node.path} is wider than the settings: IAM's quotas have no "
                f"room for every name. It allows {', '.join(form.actions)} on {_some(now)}"
                f'{f" with {_some(when)}" if when else ""} (docs/operations.md, "Wider grants")'
            )

    def _mark(self, policies: Sequence[Sequence[Allowance]]) -> None:
        """Tag the role with what its managed policies say, so that it changes when they do.

        CloudFormation then updates it after them, and the settings after it: nobody documents that a resource
        which does not change itself keeps others in order.
        """
        said = repr([[self._texts.spelt(allowance) for allowance in each] for each in policies])
        digest = sha256(said.encode()).hexdigest()[:16]
        role: iam.CfnRole = self._role.node.default_child  # type: ignore[assignment]
        role.add_property_override("Tags", [{"Key": f"{PREFIX}policies", "Value": digest}])

    def _too_much(self, found: Spread, about: str) -> Problem:
        cut = found.held(self._most_managed)
        grants = "; ".join(
            f"{name} ({found.characters[name]:,} characters, {held:,} of {of:,} fit)"
            for name, (held, of) in sorted(cut.items(), key=lambda each: -found.characters[each[0]])
        )
        needs = "has a grant too long for one" if found.unfit else f"needs {found.managed} managed policies"
        raised = (
            f"ask AWS to raise the quota of managed policies per role to {MOST_MANAGED_POLICIES} and set "
            f"managed_policies_per_role to it; "
            if self._most_managed < MOST_MANAGED_POLICIES
            else ""
        )
        return Problem(
            PLACE,
            0,
            "endpoints_dir",
            f"endpoints for which the role {self._role.node.path} ({about}) {needs}: {grants}",
            f"at most {self._most_managed} managed policies of {LARGEST_MANAGED:,} characters each, beside "
            f"{LARGEST_INLINE:,} in the role's own (IAM quotas)",
            f"{raised}let endpoints share roles, buckets, topics and keys; if this is the models' role, give "
            "some of them an execution_role_arn; or move some to another stage, or to a second installation "
            "(stack_name, endpoints_dir)",
        )


class _Texts:
    """Writes what statements say without CDK's tokens: as cdk-nag finds it, and as long as it can get."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._resolved: dict[str, object] = {}

    def as_found(self, text: str) -> str:
        """Write a text as cdk-nag does in the names of its findings: `arn:<AWS::Partition>:s3:::…`."""
        return _TOKEN.sub(lambda token: _as_found(self._resolve(token[0])), text)

    def longest(self, text: str) -> str:
        """Write the longest text that this one can come to."""
        return _TOKEN.sub(lambda token: self._longest(self._resolve(token[0])), text)

    def spelt(self, allowance: Allowance) -> str:
        """Write a statement without the numbers of CDK's tokens, which change from run to run."""
        said = (allowance.sid, allowance.actions, allowance.resources, allowance.conditions)
        return self.as_found(repr(said))

    def _resolve(self, token: str) -> object:
        if token not in self._resolved:
            self._resolved[token] = self._stack.resolve(token)
        return self._resolved[token]

    def _longest(self, resolved: object) -> str:
        match resolved:
            case str():
                return resolved
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self._longest(part) for part in parts)
            case {"Ref": name} if name in LONGEST:
                return LONGEST[name]
            case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
                return f"{_ARN_FRAME}{self._stack.stack_name}-{name}{_CHOSEN}"
            case _:
                raise ValueError(f"no part of a statement should look like {resolved}")


def grant_use_of_keys(
    permissions: Permissions, sid: str, actions: Sequence[str], keys: Sequence[str], *, via: str
) -> None:
    """Allow some actions on KMS keys that settings name by id, by ARN or by alias, through one service.

    Keys are resources; for an alias, IAM knows only a condition (KMS guide, "alias-authorization").
    """
    stack = permissions.stack
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
        why = f"Settings name more keys than IAM's quotas leave room to name one by one; only via {via}."
        any_of = sorted({f"{key[: key.index('key/')]}key/*" for key in named})
        fine = Allowance(sid, actions, named, through, why)
        permissions.allow_all([in_steps(fine, replace(fine, resources=any_of, loses=Loss.KEYS))])
    if aliases:
        any_key = stack.format_arn(service="kms", resource="key", resource_name="*", account="*")
        why = "Which key an alias stands for may change; only keys with these aliases."
        exactly = {"ForAnyValue:StringEquals": {_ALIASES: aliases}}
        fine = Allowance(f"{sid}ByAlias", actions, [any_key], {**through, **exactly}, why)
        coarser = [
            replace(fine, conditions={**through, "ForAnyValue:StringLike": {_ALIASES: patterns}}, loses=loses)
            for loses, patterns in enumerate(alike(aliases, stem=_before_alias), start=Loss.NAMES)
        ]
        permissions.allow_all([in_steps(fine, *coarser)])


def _before_alias(_: str) -> int:
    return len("alias/")


def acknowledge_wildcards(
    policy: IConstruct, allowances: Iterable[Allowance], texts: _Texts | None = None
) -> None:
    """Acknowledge each wildcard in the resources of a policy's statements, with its reason."""
    as_found = (texts or _Texts(Stack.of(policy))).as_found
    reasons = {
        resource: allowance.why_wildcard
        for allowance in reversed(list(allowances))
        for resource in map(as_found, allowance.resources)
        if "*" in resource
    }
    for resource, reason in reasons.items():
        acknowledge(policy, f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]", reason)


def acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    """Acknowledge one finding of cdk-nag on one construct."""
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def statement(allowance: Allowance) -> iam.PolicyStatement:
    """Write what a statement says as CDK's."""
    return iam.PolicyStatement(
        sid=allowance.sid,
        actions=list(allowance.actions),
        resources=list(allowance.resources),
        conditions=allowance.conditions or None,
    )


def _as_found(resolved: object) -> str:
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
