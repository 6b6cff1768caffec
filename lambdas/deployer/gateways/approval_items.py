"""Writes approvals as DynamoDB items, and reads them back. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY
from deployer.gateways.journal_items import (
    asked_text,
    read_asked,
    read_rollback,
    read_text,
    read_time,
    rollback_text,
)
from deployer.gateways.journal_table import stored_time
from deployer.model.approval import Approval, ApprovalSource, HeardApproval

if TYPE_CHECKING:
    from collections.abc import Mapping

APPROVAL: Final = "approval#"

MARKS: Final = frozenset({"restart", "retry", "rollback"})
"""What people mark an approval with after it was journalled."""


def approval_key(approval: Approval | HeardApproval) -> str:
    """Return the key of an approval's item, which is the same before and after its version was read."""
    return f"{APPROVAL}{stored_time(approval.approved_at)}#{approval.version:09d}"


def _heard_item(heard: HeardApproval) -> dict[str, Any]:
    return {
        JOURNAL_PARTITION_KEY: {"S": heard.endpoint_name},
        JOURNAL_SORT_KEY: {"S": approval_key(heard)},
        "version_arn": {"S": heard.version_arn},
        "group_name": {"S": heard.group_name},
        "approved_at": {"S": stored_time(heard.approved_at)},
        "correlation_id": {"S": heard.correlation_id},
        "unread": {"BOOL": True},
        **({"changed_at": {"S": stored_time(heard.changed_at)}} if heard.changed_at else {}),
    }


def read_heard(item: Mapping[str, Any]) -> HeardApproval:
    """Return what an item holds of an approval whose version the registry did not show."""
    return HeardApproval(
        endpoint_name=item[JOURNAL_PARTITION_KEY]["S"],
        version_arn=item["version_arn"]["S"],
        group_name=item["group_name"]["S"],
        approved_at=datetime.fromisoformat(item["approved_at"]["S"]),
        correlation_id=item["correlation_id"]["S"],
        changed_at=read_time(item, "changed_at"),
    )


def approval_item(approval: Approval | HeardApproval) -> dict[str, Any]:
    """Return an approval's item."""
    if isinstance(approval, HeardApproval):
        return _heard_item(approval)
    optional = {
        "artifact_digest": approval.artifact_digest,
        "objection": approval.objection,
        "served_with": approval.served_with,
        "ineligible_reported": approval.ineligible_reported,
        "approved_with": approval.approved_with,
    }
    return {
        JOURNAL_PARTITION_KEY: {"S": approval.endpoint_name},
        JOURNAL_SORT_KEY: {"S": approval_key(approval)},
        "version_arn": {"S": approval.version_arn},
        "version": {"N": str(approval.version)},
        "group_name": {"S": approval.group_name},
        "approved_at": {"S": stored_time(approval.approved_at)},
        "approved_by": {"S": approval.approved_by},
        "source": {"S": approval.source.value},
        "correlation_id": {"S": approval.correlation_id},
        **({"superseded_by": {"N": str(approval.superseded_by)}} if approval.superseded_by else {}),
        **({"shadows": {"BOOL": True}} if approval.shadows else {}),
        **({"rollback": {"S": rollback_text(approval.rollback)}} if approval.rollback else {}),
        **({"registered_at": {"S": stored_time(approval.registered_at)}} if approval.registered_at else {}),
        **({"retry": {"S": asked_text(approval.retry)}} if approval.retry else {}),
        **({"restart": {"S": asked_text(approval.restart)}} if approval.restart else {}),
        **{key: {"S": value} for key, value in optional.items() if value},
    }


def read_approval(item: Mapping[str, Any]) -> Approval:
    """Return the approval that an item holds."""
    return Approval(
        endpoint_name=item[JOURNAL_PARTITION_KEY]["S"],
        version_arn=item["version_arn"]["S"],
        version=int(item["version"]["N"]),
        group_name=item["group_name"]["S"],
        approved_at=datetime.fromisoformat(item["approved_at"]["S"]),
        approved_by=item["approved_by"]["S"],
        source=ApprovalSource(item["source"]["S"]),
        correlation_id=item["correlation_id"]["S"],
        artifact_digest=read_text(item, "artifact_digest"),
        objection=read_text(item, "objection"),
        served_with=read_text(item, "served_with"),
        superseded_by=int(item["superseded_by"]["N"]) if "superseded_by" in item else None,
        shadows="shadows" in item,
        ineligible_reported=read_text(item, "ineligible_reported"),
        approved_with=read_text(item, "approved_with"),
        rollback=read_rollback(item),
        registered_at=read_time(item, "registered_at"),
        retry=read_asked(item, "retry"),
        restart=read_asked(item, "restart"),
    )
