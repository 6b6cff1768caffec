"""Hold what the doctor has read from either side, without any judgement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A fact that was read."""

    value: T


@dataclass(frozen=True, slots=True)
class Absent:
    """A thing that does not exist."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A thing that could not be read: why, what the caller can do, and the statement that would allow it."""

    reason: str
    remedy: str
    statement: Mapping[str, Any] | None = None


Reading: TypeAlias = Found[T] | Absent | Unreadable

NO_CREDENTIALS = Unreadable(
    "no credentials of the registry's account were given (--registry-profile)",
    "Ask again with --registry-profile, or let the owner of the registry's account ask.",
)


@dataclass(frozen=True, slots=True)
class Role:
    """An IAM role: its trust policy, and all its other policies."""

    trust: Mapping[str, Any]
    policies: tuple[Mapping[str, Any], ...]
    boundary: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """An EventBridge rule: whether it is enabled, its pattern or schedule, and each target with its role."""

    name: str
    arn: str
    enabled: bool
    pattern: Mapping[str, Any]
    targets: tuple[tuple[str, str | None], ...]
    schedule: str = ""

    @property
    def bus(self) -> str | None:
        """Its bus; None for the default one, which ARNs leave out."""
        bus, _, name = self.arn.partition(":rule/")[2].rpartition("/")
        return bus if bus and name else None


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of Service Quotas: its value, and the code to request an increase."""

    value: float
    code: str


@dataclass(frozen=True, slots=True)
class Version:
    """A model version, and what it needs to serve.

    Attributes:
        arn: Its ARN.
        status: Its ModelPackageStatus.
        approval_status: Its ModelApprovalStatus.
        images: The containers' images, of the inference specifications that the group's endpoints use.
        artifacts: The places of their artifacts; a prefix of many objects ends in a slash.
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
    """A KMS key: its ARN, and whether AWS manages it for its account, such as `aws/s3`."""

    arn: str
    is_managed_by_aws: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """A KMS grant: its principal and its operations."""

    grantee: str
    operations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Hold everything that was read for one stage and one group.

    Attributes:
        caller_account: The account of the deploying side's credentials.
        registry_account: The account of the registry side's credentials; None without any.
        deployer_role: The deployer's role.
        execution_role: The models' role.
        model_roles: By ARN, the roles that endpoints bring for their models.
        bus_policy: The policy of the stage's bus.
        receiving_rules: The rules on that bus.
        function_policies: By ARN, the policies of those rules' functions.
        quotas: For each instance type of the group's endpoints, its quota for endpoint usage.
        version: The version to check.
        policies: By kind and name, as in the policy editor, the policies on the registry's side.
        grants: By a key's ARN, its grants.
        forwarding_rules: The registry's rules that send to the stage's bus.
        forwarding_roles: By ARN, those rules' roles.
        stack_outputs: The outputs of the stage's stack, by name.
        artifacts: By URI, the keys of its objects: of a prefix, the first objects.
        encryption: By URI, the KMS keys of those objects, as S3 names them.
        keys: Those keys, by the same names; other accounts' keys are unreadable and left out.
        images: By image, whether it exists.
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
