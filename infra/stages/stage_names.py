"""Owns the names that another account has to know: of stacks, roles, buses and groups.

Pure. Only what another account names has a name of ours; CloudFormation chooses all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from infra.configuration.partitions import partition_of
from infra.settings.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.configuration.registry_and_stages import Registry, Stage

_LONGEST_ROLE_NAME: Final = 64
"""botocore: iam, roleNameType."""


def spellings(name: str, resource_names: str) -> list[str]:
    """List how a model package group's name may be spelled in ARNs and events.

    AWS's examples have `AbaloneModelPackageGroupName` in the ARN of a group and
    `abalonemodelpackagegroupname` in those of its versions, and elsewhere mixed case in both. A name is
    unique whatever its case, so two spellings admit no more than one.
    """
    match resource_names:
        case "as_named":
            return [name]
        case "lower_case":
            return [name.lower()]
        case _:
            return sorted({name, name.lower()})


@dataclass(frozen=True, slots=True)
class StageNames:
    """Name what a stage has, in its own account, that the registry's account must know."""

    stack_name: str
    stage_name: str
    account: str
    region: str
    execution_role: str | None = None

    @classmethod
    def of(cls, stack_name: str, name: str, stage: Stage, registry: Registry) -> StageNames:
        """Name a stage's things; `stack_name` is the app's."""
        return cls(stack_name, name, stage.account, registry.region, stage.execution_role_arn)

    @property
    def stack(self) -> str:
        """The CloudFormation stack."""
        return f"{self.stack_name}-{self.stage_name}"

    @property
    def bus(self) -> str:
        """The event bus on which the registry's events arrive."""
        return self.stack

    @property
    def deployer_role_name(self) -> str:
        """The role of the deployer; with the region, as roles belong to an account and not to a region."""
        return f"{self.stack}-{self.region}-deployer"

    @property
    def execution_role_name(self) -> str:
        """The role that models run with, where one is made."""
        return f"{self.stack}-{self.region}-models"

    @property
    def bus_arn(self) -> str:
        """The ARN of the event bus."""
        return f"arn:{self._partition}:events:{self.region}:{self.account}:event-bus/{self.bus}"

    @property
    def deployer_role_arn(self) -> str:
        """The ARN of the deployer's role."""
        return f"arn:{self._partition}:iam::{self.account}:role/{self.deployer_role_name}"

    @property
    def deployer_sessions(self) -> str:
        """A pattern of the ARNs by which the registry knows who changed a version, if the deployer did."""
        return f"arn:{self._partition}:sts::{self.account}:assumed-role/{self.deployer_role_name}/*"

    @property
    def execution_role_arn(self) -> str:
        """The ARN of the role that models run with."""
        made = f"arn:{self._partition}:iam::{self.account}:role/{self.execution_role_name}"
        return self.execution_role or made

    @property
    def _partition(self) -> str:
        return partition_of(self.region)

    def problems(self, place: str) -> Iterator[Problem]:
        """Find names that are too long."""
        longest = max(self.deployer_role_name, self.execution_role_name, key=len)
        if len(longest) > _LONGEST_ROLE_NAME:
            got = f"{longest}, {len(longest)} characters"
            expected = f"names of roles of at most {_LONGEST_ROLE_NAME} characters"
            yield Problem(place, 0, "stack_name", got, expected, "shorten it, or the stage's name")


def registry_stack_name(stack_name: str) -> str:
    """Name the stack in the registry's account."""
    return f"{stack_name}-Registry"


def owner_of(stack_name: str, registry: Registry) -> str:
    """Say how the Sids begin that a registry's stack writes: no other stack's begin so."""
    identity = f"{registry.account}/{registry.region}/{registry_stack_name(stack_name)}"
    return f"Greenlight{sha256(identity.encode()).hexdigest()[:10]}"
