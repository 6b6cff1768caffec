"""Owns what each stage is let in to, as statements: which policy gets which, and not one more.

Pure: read by the registry's stack, which has them merged, and by the doctor, who says which are missing.

AWS's sample for the same ("model-registry-deploy", cross-account) has defects that none of these has: all of
`ecr:*` and `s3:*`, a bucket's objects without the bucket itself, an account's number as a KMS grantee. Every
principal here is an account, and a condition names the roles in it: they need not exist yet, and may be
deleted and made again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from infra.configuration.partitions import partition_of, url_suffix_of
from infra.stages.names import spellings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.configuration.registry_and_stages import Registry, Stage
    from infra.stages.names import StageNames

Statement: TypeAlias = dict[str, Any]

WRITE: Final = "sagemaker:UpdateModelPackage"

PULL: Final = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What pulling an image takes (ECR user guide, "repository-policy-examples")."""

_IMAGE: Final = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[a-z0-9.-]+/(.+)")


@dataclass(frozen=True, slots=True, order=True)
class PolicyTarget:
    """Say whose policy is meant: `kind` as the policy editor has it, and the resource."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Repository:
    """An ECR repository of some account."""

    account: str
    region: str
    name: str

    @classmethod
    def of(cls, image: str) -> Repository:
        """Read `<account>.dkr.ecr.<region>.amazonaws.com/<name>`."""
        found = _IMAGE.fullmatch(image)
        assert found is not None, image
        return cls(*found.groups())

    @property
    def arn(self) -> str:
        """The repository's ARN."""
        return f"arn:{partition_of(self.region)}:ecr:{self.region}:{self.account}:repository/{self.name}"


@dataclass(frozen=True, slots=True)
class Artefacts:
    """Objects below a prefix; the prefix ends in a slash, or is empty."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, uri: str) -> Artefacts:
        """Read `s3://bucket/prefix/`."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        return cls(bucket, prefix)


@dataclass(frozen=True, slots=True)
class StageAccess:
    """Hold what one stage may read of the registry's account, for exactly the groups that it uses.

    Attributes:
        names: The stage's roles and bus.
        registry: The registry.
        stage: The stage as configured.
        groups: The names of its groups, sorted.
        model_roles: Roles that endpoints bring for their models, besides the stage's.
        reads_samples: Whether the deployer sends endpoints what versions were registered with, to try them.
        others_stamps: By group, the customer metadata properties by which other stages decide.
    """

    names: StageNames
    registry: Registry
    stage: Stage
    groups: tuple[str, ...]
    model_roles: tuple[str, ...] = ()
    reads_samples: bool = False
    others_stamps: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def at_home(self) -> bool:
        """Whether the stage is in the registry's own account, where nobody has to be let in."""
        return self.names.account == self.registry.account

    @property
    def artefacts(self) -> list[Artefacts]:
        """The prefixes of its groups' artefacts, without doubles."""
        return self._artefacts("bucket_policy", "owner")

    def _artefacts(self, *by: str) -> list[Artefacts]:
        given = (each for group in self.groups for each in self._needs(group).artefacts)
        return _once(Artefacts.of(each.prefix) for each in given if each.by in by)

    @property
    def repositories(self) -> list[Repository]:
        """The repositories of its groups' images, in whatever account, without doubles."""
        return _once(Repository.of(image) for group in self.groups for image in self._needs(group).images)

    @property
    def keys(self) -> list[str]:
        """The ARNs of its groups' keys, without doubles."""
        return _once(key.arn for group in self.groups for key in self._needs(group).keys)

    @property
    def readers(self) -> list[str]:
        """The roles that read versions from the registry."""
        both = self.registry.admit == "both_roles"
        return [self.names.deployer_role_arn, *(self._running if both else [])]

    @property
    def fetchers(self) -> list[str]:
        """The roles that fetch artefacts and images."""
        both = self.registry.admit == "both_roles"
        return [*self._running, *([self.names.deployer_role_arn] if both else [])]

    @property
    def objects_readers(self) -> list[str]:
        """The roles that fetch objects: artefacts and, where endpoints are tried with them, samples."""
        return [*self.fetchers, *([self.names.deployer_role_arn] if self.reads_samples else [])]

    @property
    def listers(self) -> list[str]:
        """The roles that see which objects there are; the deployer knows artefacts by their entity tags."""
        return _once(iter([*self.fetchers, self.names.deployer_role_arn]))

    @property
    def _running(self) -> list[str]:
        """The roles that models run with."""
        return [self.names.execution_role_arn, *self.model_roles]

    def statements(self) -> Iterator[tuple[PolicyTarget, Statement]]:
        """Yield every statement that lets the stage in, and in whose policy it belongs."""
        sid = self._sid
        for group in self.groups:
            for statement in self._of_group(group, sid):
                yield PolicyTarget("group", group), statement
        yield from self._of_buckets(sid, "bucket_policy")
        for repository in self.repositories:
            if repository.account == self.registry.account:
                yield (
                    PolicyTarget("repository", repository.name),
                    self._allow(f"{sid}Pull", PULL, self.fetchers),
                )
        for by in ("key_policy", "grant"):
            for key in _once(
                key.arn for group in self.groups for key in self._needs(group).keys if key.by == by
            ):
                for statement in self._of_key(sid) if by == "key_policy" else self._grants(sid):
                    yield PolicyTarget("key" if by == "key_policy" else "key-grants", key), statement

    def statements_for_owners(self) -> Iterator[tuple[PolicyTarget, Statement]]:
        """Yield what stands in policies that no stack edits: of buckets and keys that their owners see to."""
        yield from self._of_buckets(self._sid, "owner")
        for key in _once(
            key.arn for group in self.groups for key in self._needs(group).keys if key.by == "owner"
        ):
            for statement in self._of_key(self._sid):
                yield PolicyTarget("key", key), statement

    @property
    def _sid(self) -> str:
        return "".join(part.capitalize() for part in self.names.stage_name.split("-"))

    def write_conditions(self, groups: Sequence[str] = ()) -> dict[str, dict[str, str]]:
        """Say under which conditions the stage's deployer may change versions of groups.

        Every stage stamps what it did with a version; one that promotes sets the life cycle that it promotes
        to, and stamps that with the same call. Neither may approve: who could, could promote past the gate of
        the stage that it is in (developer guide, "model-registry-staging-construct-set-up", has the keys).
        And neither may write what another stage decides by, or remove anything. IAM has a key for each
        property that is written, and one for all that are removed (service authorization reference); it has
        none for names that begin alike, nor for any other member of the call.

        Args:
            groups: Whose versions; none, where another policy says what other stages keep to themselves.
        """
        others = [name for group in groups for name in self.others_stamps.get(group, ())]
        untouched = {
            "sagemaker:CustomerMetadataPropertiesToRemove": "true",
            "sagemaker:ModelApprovalStatus": "true",
            **{f"sagemaker:CustomerMetadataProperties/{name}": "true" for name in sorted(set(others))},
        }
        promotion = self.stage.promotion
        if promotion is None:
            return {"Null": {**untouched, "sagemaker:ModelLifeCycle:stage": "true"}}
        # One statement for calls with the life cycle and without: groups' policies have room for few more.
        return {
            "StringEqualsIfExists": {
                "sagemaker:ModelLifeCycle:stage": promotion.stage,
                "sagemaker:ModelLifeCycle:stageStatus": promotion.stage_status,
            },
            "Null": untouched,
        }

    def role_write_conditions(self) -> dict[str, dict[str, str]]:
        """Say what `write_conditions` does for the deployer's own role.

        Across accounts the groups' policies say the rest; in one account, nobody else would.
        """
        return self.write_conditions(self.groups if self.at_home else ())

    def _needs(self, group: str) -> Any:  # noqa: ANN401 - a group of the context
        return self.registry.groups[group]

    def _of_group(self, group: str, sid: str) -> Iterator[Statement]:
        groups, versions = group_arns(self.registry, group), version_arns(self.registry, group)
        operators = self.stage.operators
        looking = ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"]
        deploying = ["sagemaker:CreateModel"]
        if operators:
            # A deployer has no use for the group itself.
            yield self._allow(f"{sid}Group", ["sagemaker:DescribeModelPackageGroup"], operators, groups)
            yield self._allow(f"{sid}Versions", looking, [*self.readers, *operators], versions)
            yield self._allow(f"{sid}Deploy", deploying, self.readers, versions)
        else:
            yield self._allow(f"{sid}Versions", [*looking, *deploying], self.readers, versions)
        yield self._allow(
            f"{sid}Write",
            [WRITE],
            [self.names.deployer_role_arn],
            versions,
            self.write_conditions([group]),
        )

    def _of_buckets(self, sid: str, by: str) -> Iterator[tuple[PolicyTarget, Statement]]:
        prefixes: dict[str, list[str]] = defaultdict(list)
        for artefacts in self._artefacts(by):
            prefixes[artefacts.bucket].append(artefacts.prefix)
        for bucket, below in prefixes.items():
            arn = f"arn:{self._partition}:s3:::{bucket}"
            objects = [f"{arn}/{prefix}*" for prefix in below]
            yield (
                PolicyTarget("bucket", bucket),
                self._allow(f"{sid}Get", ["s3:GetObject"], self.objects_readers, objects),
            )
            listed = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in below]}}
            yield (
                PolicyTarget("bucket", bucket),
                self._allow(f"{sid}List", ["s3:ListBucket"], self.listers, [arn], listed),
            )

    def _of_key(self, sid: str) -> Iterator[Statement]:
        region = self.registry.region
        through = {"StringEquals": {"kms:ViaService": f"s3.{region}.{url_suffix_of(region)}"}}
        # In a key's policy, "*" is the key.
        yield self._allow(f"{sid}Artefacts", ["kms:Decrypt"], self.objects_readers, ["*"], through)

    def _grants(self, sid: str) -> Iterator[Statement]:
        """Yield a grant, in a statement's words, for each role that fetches objects.

        KMS takes no account for a grantee. A grant stays with the role that it was made for, and not with one
        that is made again under the same name. So a grant of another revision is another grant.
        """
        revision = f"R{self.registry.revision}" if self.registry.revision else ""
        models = {f"Models{number or ''}": role for number, role in enumerate(self._running)}
        deployer = self.names.deployer_role_arn
        deployers = {"Deployer": deployer} if deployer in self.objects_readers else {}
        for purpose, role in {**models, **deployers}.items():
            yield {
                "Sid": f"{sid}{purpose}{revision}",
                "Effect": "Allow",
                "Principal": {"AWS": role},
                "Action": ["kms:Decrypt"],
            }

    def _allow(
        self,
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
            "Principal": {"AWS": f"arn:{self._partition}:iam::{self.names.account}:root"},
            "Action": sorted(actions),
            **({"Resource": list(resources)} if resources else {}),
            "Condition": {"ArnLike": {"aws:PrincipalArn": sorted(set(roles))}, **(conditions or {})},
        }

    @property
    def _partition(self) -> str:
        return partition_of(self.registry.region)


@dataclass(slots=True)
class PolicyStatements:
    """Hold what one policy is to have in it for all stages."""

    target: PolicyTarget
    statements: list[Statement] = field(default_factory=list)


def policies(stages: Sequence[StageAccess]) -> list[PolicyStatements]:
    """Collect, by policy, what all stages are let in with; stages in the registry's account need nothing.

    The Sids are unique in each policy, and as yet say nothing of whose they are: see `signed`.
    """
    collected: dict[PolicyTarget, PolicyStatements] = {}
    for stage in stages:
        if not stage.at_home:
            for target, statement in stage.statements():
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


def group_arns(registry: Registry, group: str) -> list[str]:
    """List the ARNs that a group may have, one for each spelling of its name."""
    names = spellings(group, registry.resource_names)
    return [_sagemaker_arn(registry, f"model-package-group/{name}") for name in names]


def version_arns(registry: Registry, group: str) -> list[str]:
    """List the patterns that match the ARNs of a group's versions."""
    names = spellings(group, registry.resource_names)
    return [_sagemaker_arn(registry, f"model-package/{name}/*") for name in names]


def _sagemaker_arn(registry: Registry, resource: str) -> str:
    partition = partition_of(registry.region)
    return f"arn:{partition}:sagemaker:{registry.region}:{registry.account}:{resource}"


def _once(items: Iterator[Any]) -> list[Any]:
    return list(dict.fromkeys(items))
