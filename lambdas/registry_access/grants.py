"""Edits an owner's grants for a KMS key, if the key's owner lets nobody edit its policy.

Grants are separate objects, so nobody else's grant is touched. The owner's have its mark in their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from registry_access.editing import MissingTargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_kms import KMSClient

    from registry_access.merging import Statement


class KeyGrants:
    """The grants for one key.

    A wanted grant is written as a statement: the Sid is its name, the principal one role, the actions its
    operations (`kms:Decrypt`).
    """

    def __init__(self, client: KMSClient, key_arn: str) -> None:
        self._client = client
        self._key_arn = key_arn

    def bring_in(
        self, statements: Sequence[Statement], owner: str, *, writing: Callable[[], object] = lambda: None
    ) -> bool:
        """Make the grants whose names begin with the owner exactly these; tell whether any changed.

        New grants come before old ones are revoked. After a failure, another run does the rest. `writing` is
        called right before the first change.

        Raises:
            MissingTargetError: There is no such key.
            ValueError: A statement cannot be a grant.
        """
        wanted = [_grant(statement) for statement in statements]
        standing = [grant for grant in self._list() if str(grant.get("Name", "")).startswith(owner)]
        missing = [grant for grant in wanted if not any(_same(grant, each) for each in standing)]
        old = [each for each in standing if not any(_same(grant, each) for grant in wanted)]
        if missing or old:
            writing()
        for grant in missing:
            # With a name, two requests make one grant (botocore: kms CreateGrantRequest, Name).
            self._client.create_grant(
                KeyId=self._key_arn,
                GranteePrincipal=grant["GranteePrincipal"],
                Operations=grant["Operations"],
                Name=grant["Name"],
            )
        for grant in old:
            self._client.revoke_grant(KeyId=self._key_arn, GrantId=grant["GrantId"])
        return bool(missing or old)

    def _list(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        marker: dict[str, Any] = {}
        while True:
            try:
                page = self._client.list_grants(KeyId=self._key_arn, **marker)
            except ClientError as error:
                if error.response["Error"].get("Code") == "NotFoundException":
                    raise MissingTargetError(f"There is no key {self._key_arn}.") from error
                raise
            found += [{**grant} for grant in page["Grants"]]
            if not page.get("Truncated"):
                return found
            marker = {"Marker": page["NextMarker"]}


def _grant(statement: Statement) -> dict[str, Any]:
    match statement:
        case {"Sid": str(name), "Principal": {"AWS": str(role)}, "Action": [*actions]}:
            operations = [str(action).removeprefix("kms:") for action in actions]
            return {"Name": name, "GranteePrincipal": role, "Operations": operations}
    raise ValueError(f"A grant needs a Sid, one role as its principal, and actions, not {statement}.")


def _same(wanted: dict[str, Any], standing: dict[str, Any]) -> bool:
    return (
        wanted["Name"] == standing.get("Name")
        and wanted["GranteePrincipal"] == standing.get("GranteePrincipal")
        and sorted(wanted["Operations"]) == sorted(standing.get("Operations", ()))
    )
