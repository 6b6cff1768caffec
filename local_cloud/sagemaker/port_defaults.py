"""Default ports of the control plane: every role may do everything, and no key exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.sagemaker.ports import Key


class PermissiveRoles:
    """Every execution role may do everything."""

    def may_pull(self, image: str, *, role_arn: str) -> bool:  # noqa: ARG002 - the port's signature
        """Return True."""
        return True

    def may_watch(self, alarm_name: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - likewise
        """Return True."""
        return True

    def refusal_to_join(
        self,
        subnets: Sequence[str],  # noqa: ARG002 - likewise
        security_groups: Sequence[str],  # noqa: ARG002 - likewise
        *,
        role_arn: str,  # noqa: ARG002 - likewise
        region: str,  # noqa: ARG002 - likewise
    ) -> str | None:
        """Return None."""
        return None


class NoKeys:
    """No account has a KMS key."""

    def find(self, account_id: str, region: str, key_id: str) -> Key | None:  # noqa: ARG002 - the port's signature
        """Return None."""
        return None
