"""Reads what the journal has of the approvals of one version, for any endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.gateways.approval_items import read_approval
from deployer.gateways.fact_items import approvals_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.gateways.journal_table import JournalTable
    from deployer.model.approval import Approval


class StandingApprovals:
    """The approvals that may stand, of all endpoints."""

    def __init__(self, table: JournalTable) -> None:
        self._table = table

    def of(self, version_arn: str, endpoint_names: Iterable[str]) -> list[Approval]:
        """Return the approvals of a version for these endpoints. One query for each, strongly consistent."""
        prefix = approvals_prefix(version_arn)
        items = (item for name in endpoint_names for item in self._table.query(name, prefix))
        return [read_approval(item) for item in items if "unread" not in item]
