"""Owns the statements that let stages in: which policy gets which, and not one more.

Pure: read by the registry's stack, which has them merged, and by the doctor, who says which are missing.

AWS's sample for the same ("model-registry-deploy", cross-account) has defects that none of these has: all of
`ecr:*` and `s3:*`, a bucket's objects without the bucket itself, an account's number as a KMS grantee. Every
principal here is an account, and a condition names the roles in it: they need not exist yet, and may be
deleted and made again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from infra.configuration.partitions import partition_of, url_suffix_of
from infra.stages.access import PULL, WRITE, group_arns, version_arns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.stages.access import StageAccess

Statement: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class PolicyTarget:
    """Say whose policy is meant: `kind` as the policy editor has it, and the resource."""

    kind: str
    name: str


@dataclass(slots=True)
class PolicyStatements:
    """Hold what one policy is to have in it for all stages."""

    target: PolicyTarget
    statements: list[Statement] = field(default_factory=list)


def statements_of(access: StageAccess) -> Iterator[tuple[PolicyTarget, Statement]]:
    """Yield every statement that lets the stage in, and in whose policy it belongs."""
    sid = _sid(access)
    for group in access.groups:
        for statement in _of_group(access, group, sid):
            yield PolicyTarget("group", group), statement
    yield from _of_buckets(access, sid, "bucket_policy")
    for repository in access.repositories:
        if repository.account == access.registry.account:
            yield (
                PolicyTarget("repository", repository.name),
                _allow(access, f"{sid}Pull", PULL, access.fetchers),
            )
    for by in ("key_policy", "grant"):
        for key in access.keys_by(by):
            for statement in _of_key(access, sid) if by == "key_policy" else _grants(access, sid):
                yield PolicyTarget("key" if by == "key_policy" else "key-grants", key), statement


def statements_for_owners(access: StageAccess) -> Iterator[tuple[PolicyTarget, Statement]]:
    """Yield what stands in policies that no stack edits: of buckets and keys that their owners see to."""
    yield from _of_buckets(access, _sid(access), "owner")
    for key in access.keys_by("owner"):
        for statement in _of_key(access, _sid(access)):
            yield PolicyTarget("key", key), statement


def _of_group(access: StageAccess, group: str, sid: str) -> Iterator[Statement]:
    groups, versions = group_arns(access.registry, group), version_arns(access.registry, group)
    operators = access.stage.operators
    looking = ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"]
    deploying = ["sagemaker:CreateModel"]
    if operators:
        # A deployer has no use for the group itself.
        yield _allow(access, f"{sid}Group", ["sagemaker:DescribeModelPackageGroup"], operators, groups)
        yield _allow(access, f"{sid}Versions", looking, [*access.readers, *operators], versions)
        yield _allow(access, f"{sid}Deploy", deploying, access.readers, versions)
    else:
        yield _allow(access, f"{sid}Versions", [*looking, *deploying], access.readers, versions)
    yield _allow(
        access,
        f"{sid}Write",
        [WRITE],
        [access.names.deployer_role_arn],
        versions,
        access.write_conditions([group]),
    )


def _of_buckets(access: StageAccess, sid: str, by: str) -> Iterator[tuple[PolicyTarget, Statement]]:
    prefixes: dict[str, list[str]] = defaultdict(list)
    for artifacts in access.artifacts_by(by):
        prefixes[artifacts.bucket].append(artifacts.prefix)
    for bucket, below in prefixes.items():
        arn = f"arn:{_partition(access)}:s3:::{bucket}"
        objects = [f"{arn}/{prefix}*" for prefix in below]
        yield (
            PolicyTarget("bucket", bucket),
            _allow(access, f"{sid}Get", ["s3:GetObject"], access.objects_readers, objects),
        )
        listed = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in below]}}
        yield (
            PolicyTarget("bucket", bucket),
            _allow(access, f"{sid}List", ["s3:ListBucket"], access.listers, [arn], listed),
        )


def _of_key(access: StageAccess, sid: str) -> Iterator[Statement]:
    region = access.registry.region
    through = {"StringEquals": {"kms:ViaService": f"s3.{region}.{url_suffix_of(region)}"}}
    # In a key's policy, "*" is the key.
    yield _allow(access, f"{sid}Artifacts", ["kms:Decrypt"], access.objects_readers, ["*"], through)


def _grants(access: StageAccess, sid: str) -> Iterator[Statement]:
    """Yield a grant, in a statement's words, for each role that fetches objects.

    KMS takes no account for a grantee. A grant stays with the role that it was made for, and not with one
    that is made again under the same name. So a grant of another revision is another grant.
    """
    revision = f"R{access.registry.revision}" if access.registry.revision else ""
    models = {f"Models{number or ''}": role for number, role in enumerate(access.running)}
    deployer = access.names.deployer_role_arn
    deployers = {"Deployer": deployer} if deployer in access.objects_readers else {}
    for purpose, role in {**models, **deployers}.items():
        yield {
            "Sid": f"{sid}{purpose}{revision}",
            "Effect": "Allow",
            "Principal": {"AWS": role},
            "Action": ["kms:Decrypt"],
        }


def _allow(
    access: StageAccess,
    sid: str,
    actions: Sequence[str],
    roles: Sequence[str],
    resources: Sequence[str] = (),
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> Statement:
    """Write a statement: the account is the principal, and the condition says which of its roles."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{_partition(access)}:iam::{access.names.account}:root"},
        "Action": sorted(actions),
        **({"Resource": list(resources)} if resources else {}),
        "Condition": {"ArnLike": {"aws:PrincipalArn": sorted(set(roles))}, **(conditions or {})},
    }


def _sid(access: StageAccess) -> str:
    return "".join(part.capitalize() for part in access.names.stage_name.split("-"))


def _partition(access: StageAccess) -> str:
    return partition_of(access.registry.region)


def policies(stages: Sequence[StageAccess]) -> list[PolicyStatements]:
    """Collect, by policy, what all stages are let in with; stages in the registry's account need nothing.

    The Sids are unique in each policy, and as yet say nothing of whose they are: see `signed`.
    """
    collected: dict[PolicyTarget, PolicyStatements] = {}
    for stage in stages:
        if not stage.at_home:
            for target, statement in statements_of(stage):
                collected.setdefault(target, PolicyStatements(target)).statements.append(statement)
    return [collected[target] for target in sorted(collected)]


def signed(statement: Statement, owner: str) -> Statement:
    """Put an owner's mark on a statement: its Sid then begins so."""
    return {**statement, "Sid": f"{owner}{statement['Sid']}"}


def admission(access: StageAccess) -> Statement:
    """Say who may put events on a stage's bus: the registry's account, and only while in its organisation."""
    names, registry = access.names, access.registry
    organization = registry.organization
    within = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": organization}}} if organization else {}
    return {
        "Sid": "AdmitRegistry",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition_of(registry.region)}:iam::{registry.account}:root"},
        "Action": "events:PutEvents",
        "Resource": names.bus_arn,
        **within,
    }
