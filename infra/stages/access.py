"""Owns which of the registry's account's things a stage uses, and which of its roles use them.

Pure. `policy_statements.py` writes the policies of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from infra.configuration.partitions import partition_of
from infra.stages.stage_names import spellings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.configuration.registry_and_stages import Registry, Stage
    from infra.stages.stage_names import StageNames

WRITE: Final = "sagemaker:UpdateModelPackage"

PULL: Final = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What pulling an image takes (ECR user guide, "repository-policy-examples")."""

_IMAGE: Final = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[a-z0-9.-]+/(.+)")


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
class Artifacts:
    """Objects below a prefix; the prefix ends in a slash, or is empty."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, uri: str) -> Artifacts:
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
    def artifacts(self) -> list[Artifacts]:
        """The prefixes of its groups' artifacts, without doubles."""
        return self.artifacts_by("bucket_policy", "owner")

    def artifacts_by(self, *by: str) -> list[Artifacts]:
        """The same, of those to which stages are let in by some of these ways."""
        given = (each for group in self.groups for each in self.registry.groups[group].artifacts)
        return _once(Artifacts.of(each.prefix) for each in given if each.by in by)

    @property
    def repositories(self) -> list[Repository]:
        """The repositories of its groups' images, in whatever account, without doubles."""
        return _once(
            Repository.of(image) for group in self.groups for image in self.registry.groups[group].images
        )

    @property
    def keys(self) -> list[str]:
        """The ARNs of its groups' keys, without doubles."""
        return self.keys_by("key_policy", "grant", "owner")

    def keys_by(self, *by: str) -> list[str]:
        """The same, of those to which stages are let in by some of these ways."""
        given = (each for group in self.groups for each in self.registry.groups[group].keys)
        return _once(each.arn for each in given if each.by in by)

    @property
    def readers(self) -> list[str]:
        """The roles that read versions from the registry."""
        both = self.registry.admit == "both_roles"
        return [self.names.deployer_role_arn, *(self.running if both else [])]

    @property
    def fetchers(self) -> list[str]:
        """The roles that fetch artifacts and images."""
        both = self.registry.admit == "both_roles"
        return [*self.running, *([self.names.deployer_role_arn] if both else [])]

    @property
    def objects_readers(self) -> list[str]:
        """The roles that fetch objects: artifacts and, where endpoints are tried with them, samples."""
        return [*self.fetchers, *([self.names.deployer_role_arn] if self.reads_samples else [])]

    @property
    def listers(self) -> list[str]:
        """The roles that see which objects there are; the deployer knows artifacts by their entity tags."""
        return _once(iter([*self.fetchers, self.names.deployer_role_arn]))

    @property
    def running(self) -> list[str]:
        """The roles that models run with."""
        return [self.names.execution_role_arn, *self.model_roles]

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
