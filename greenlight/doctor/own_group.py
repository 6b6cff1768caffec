"""Holds what was read of one group whose registry is in the stack's own account, without any judgement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.settings import EndpointSettings
    from greenlight.doctor.facts import KmsKey, Reading, Role, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGroup:
    """Everything that was read of one group.

    Attributes:
        stack: The stack's name.
        account: Its account.
        region: Its region.
        group_arn: The group.
        status: SageMaker's ModelPackageGroupStatus.
        endpoints: The settings of the endpoints that follow the group.
        version: The version to check.
        artifacts: By URI, the keys of its objects: of a prefix, the first objects.
        encryption: By URI, the KMS keys of those objects, as S3 names them.
        keys: Those keys, by the same names.
        policies: By kind and name, the policies of the buckets, repositories and keys.
        regions: By bucket, its region.
        images: By image of this account, whether it exists.
        deployer_role_arn: The deployer's role.
        deployer_role: The same, as IAM shows it.
        execution_role_arn: The role that models run with, unless their endpoint names another.
        roles: By ARN, the roles that the endpoints' models run with.
    """

    stack: str
    account: str
    region: str
    group_arn: str
    status: Reading[str]
    endpoints: Sequence[EndpointSettings]
    version: Reading[Version]
    artifacts: Mapping[str, Reading[Sequence[str]]]
    encryption: Mapping[str, Reading[Sequence[str]]]
    keys: Mapping[str, Reading[KmsKey]]
    policies: Mapping[tuple[str, str], Reading[Mapping[str, Any]]]
    regions: Mapping[str, Reading[str]]
    images: Mapping[str, Reading[bool]]
    deployer_role_arn: str
    deployer_role: Reading[Role]
    execution_role_arn: str
    roles: Mapping[str, Reading[Role]]

    def role_of(self, settings: EndpointSettings) -> str:
        """Return the role that an endpoint's models run with."""
        return str(settings.create_model.get("ExecutionRoleArn", self.execution_role_arn))

    @property
    def name(self) -> str:
        """The group's name."""
        return self.group_arn.rpartition("/")[2]
