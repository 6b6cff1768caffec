"""Writes one endpoint as JSON: greenlight/schemas/status.json with `detail`. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from greenlight.fleet.document import fleet_document
from greenlight.timeline.document import entry_document

if TYPE_CHECKING:
    from datetime import datetime

    from greenlight.connection import DeployedStack
    from greenlight.endpoint.detail import Detail


def detail_document(detail: Detail, stack: DeployedStack, now: datetime) -> dict[str, Any]:
    """Return the fleet's document with this one endpoint, and more of it."""
    waiting, hold = detail.waiting, detail.hold
    return {
        **fleet_document([detail.standing], stack, now),
        "detail": {
            "group": detail.group,
            "variants": [
                {**asdict(each), "scales": list(each.scales) if each.scales is not None else None}
                for each in detail.variants
            ],
            "alarms": dict(detail.alarms),
            "measured": {name: asdict(each) for name, each in detail.measured.items()},
            "rollout": detail.rollout,
            "hold": None
            if hold is None
            else {
                "why": hold.description,
                "until": hold.until.isoformat() if hold.until is not None else None,
            },
            "waiting": None
            if waiting is None
            else {
                "version": waiting.version,
                "version_arn": waiting.version_arn,
                "approved_by": waiting.approved_by,
                "approved_at": waiting.approved_at.isoformat(),
            },
            "lately": [entry_document(each) for each in detail.lately],
        },
    }
