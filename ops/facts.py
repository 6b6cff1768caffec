"""Holds what the doctor has read, whichever side it read it from; knows nothing of how, nor what is right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What was read."""

    value: T


@dataclass(frozen=True, slots=True)
class Absent:
    """It is not there."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It could not be read: why, and what whoever asked can do."""

    reason: str
    remedy: str


Reading: TypeAlias = Found[T] | Absent | Unreadable

NO_CREDENTIALS = Unreadable(
    "no credentials of the registry's account were given (--registry-profile)",
    "Ask again with --registry-profile, or let the owner of the registry's account ask.",
)


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role: whom it trusts, and what all its policies say."""

    trust: Mapping[str, Any]
    policies: tuple[Mapping[str, Any], ...]
    boundary: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """An EventBridge rule: whether it is enabled, what it matches, and each target with its role, if any."""

    name: str
    arn: str
    enabled: bool
    pattern: Mapping[str, Any]
    targets: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of Service Quotas: how much it is, and by which code more is asked for."""

    value: float
    code: str


@dataclass(frozen=True, slots=True)
class Version:
    """A model version: what it needs to be served.

    Attributes:
        arn: Its ARN.
        status: Its ModelPackageStatus.
        approval_status: Its ModelApprovalStatus.
        images: Of the inference specifications that the group's endpoints serve, the containers' images.
        artifacts: Likewise where their artifacts are; what is a prefix of many objects ends in a slash.
        specifications: The names of its additional inference specifications.
    """

    arn: str
    status: str
    approval_status: str
    images: tuple[str, ...]
    artifacts: tuple[str, ...]
    specifications: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A KMS key: by its ARN, and whether AWS manages it for its account, such as `aws/s3`."""

    arn: str
    is_managed_by_aws: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """A KMS grant: to whom, and for what."""

    grantee: str
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Hold everything that was read for one stage and one group.

    Attributes:
        caller_account: Whose credentials the deploying side was read with.
        registry_account: Likewise of the registry's side; None without any.
        deployer_role: The deployer's role.
        execution_role: The role that models run with.
        model_roles: By their ARN, the roles that endpoints bring for their models.
        bus_policy: The policy of the stage's bus.
        receiving_rules: The rules on that bus.
        function_policies: By their ARN, the policies of the functions that those rules lead to.
        quotas: For each instance type of the group's endpoints, the quota of it for endpoint usage.
        version: The version that was looked at.
        policies: By kind and name, as the policy editor has them, the policies on the registry's side.
        grants: By a key's ARN, its grants.
        forwarding_rules: The registry's rules that send to the stage's bus.
        forwarding_roles: By their ARN, the roles that those send as.
        stack_outputs: The outputs of the stage's stack, by their names.
        artifacts: By URI, the keys of the objects in its place: of many, the first.
        encryption: By URI, the KMS keys that those objects are encrypted with, as S3 names them.
        keys: What those keys are, by the same names; without other accounts', of which nobody else may ask.
        images: By image, whether it is there.
    """

    caller_account: str
    registry_account: str | None
    deployer_role: Reading[Role]
    execution_role: Reading[Role]
    model_roles: Mapping[str, Reading[Role]] = field(default_factory=dict)
    bus_policy: Reading[Mapping[str, Any]]
    receiving_rules: Reading[Sequence[Rule]]
    function_policies: Mapping[str, Reading[Mapping[str, Any]]] = field(default_factory=dict)
    quotas: Mapping[str, Reading[Quota]] = field(default_factory=dict)
    version: Reading[Version]
    policies: Mapping[tuple[str, str], Reading[Mapping[str, Any]]] = field(default_factory=dict)
    grants: Mapping[str, Reading[Sequence[Grant]]] = field(default_factory=dict)
    forwarding_rules: Reading[Sequence[Rule]]
    forwarding_roles: Mapping[str, Reading[Role]] = field(default_factory=dict)
    stack_outputs: Reading[Mapping[str, str]]
    artifacts: Mapping[str, Reading[Sequence[str]]] = field(default_factory=dict)
    encryption: Mapping[str, Reading[Sequence[str]]] = field(default_factory=dict)
    keys: Mapping[str, Reading[KmsKey]] = field(default_factory=dict)
    images: Mapping[str, Reading[bool]] = field(default_factory=dict)
