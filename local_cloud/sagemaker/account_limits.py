"""Limits on an account's instances: its quota, and AWS's capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_cloud.sagemaker.state import State


class AccountLimits:
    """Quotas and capacity of instances for endpoints, by account, region and type."""

    def __init__(self, state: State) -> None:
        self._state = state

    def set_instance_quota(
        self, account_id: str, region: str, instance_type: str, instances: int | None
    ) -> None:
        """Limit an account's instances of a type for endpoints; None removes the limit."""
        _limit(self._state.scope_of(account_id, region).instance_quotas, instance_type, instances)

    def instance_quotas(self, account_id: str, region: str) -> dict[str, int]:
        """Return an account's limits of instances for endpoints by type, without unlimited types."""
        return {**self._state.scope_of(account_id, region).instance_quotas}

    def set_instance_capacity(
        self, account_id: str, region: str, instance_type: str, instances: int | None
    ) -> None:
        """Limit AWS's capacity of a type for an account; None removes the limit."""
        _limit(self._state.scope_of(account_id, region).instance_capacity, instance_type, instances)


def _limit(limits: dict[str, int], instance_type: str, instances: int | None) -> None:
    if instances is None:
        limits.pop(instance_type, None)
    else:
        limits[instance_type] = instances
