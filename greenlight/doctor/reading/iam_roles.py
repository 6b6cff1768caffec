"""Owns reading roles from IAM, with all their policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from greenlight.doctor.facts import Role
from greenlight.doctor.reading.attempts import attempt
from greenlight.doctor.reading.policies import document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from greenlight.connection import Connection
    from greenlight.doctor.facts import Reading


class Roles:
    """Reads roles with all their policies."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, Reading[Role]] = {}

    def read(self, role_arn: str) -> Reading[Role]:
        """Read a role, once."""
        if role_arn not in self._known:
            self._known[role_arn] = attempt(lambda: self._role(role_arn.rpartition("/")[2]))
        return self._known[role_arn]

    @property
    def _client(self) -> Any:  # noqa: ANN401 - a client of IAM
        return self._connection.client("iam")

    def _role(self, name: str) -> Role:
        role = self._client.get_role(RoleName=name)["Role"]
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return Role(
            document(role["AssumeRolePolicyDocument"]),
            tuple(self._policies(name)),
            self._managed(boundary) if boundary else None,
        )

    def _policies(self, name: str) -> Iterator[Mapping[str, Any]]:
        for page in self._client.get_paginator("list_role_policies").paginate(RoleName=name):
            for policy in page["PolicyNames"]:
                found = self._client.get_role_policy(RoleName=name, PolicyName=policy)
                yield document(found["PolicyDocument"])
        for page in self._client.get_paginator("list_attached_role_policies").paginate(RoleName=name):
            for policy in page["AttachedPolicies"]:
                yield self._managed(policy["PolicyArn"])

    def _managed(self, arn: str) -> Mapping[str, Any]:
        version = self._client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = self._client.get_policy_version(PolicyArn=arn, VersionId=version)
        return document(found["PolicyVersion"]["Document"])
