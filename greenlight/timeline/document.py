"""Writes timelines and origins as JSON: greenlight/schemas/history.json. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from greenlight.fleet.document import stack_document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from greenlight.connection import DeployedStack
    from greenlight.timeline.entries import Entry, Wish
    from greenlight.timeline.origin import Origin


def timeline_document(entries: Sequence[Entry], stack: DeployedStack, *, more: bool) -> dict[str, Any]:
    """Return the document of entries, newest first."""
    return {
        "format": 1,
        "stack": stack_document(stack),
        "entries": [entry_document(each) for each in entries],
        "more": more,
    }


def entry_document(each: Entry) -> dict[str, Any]:
    """Return one entry."""
    return {
        "endpoint": each.endpoint_name,
        "at": each.at.isoformat(),
        "kind": each.kind.value,
        "version": each.version,
        "version_arn": each.version_arn,
        "approved_by": each.by,
        "seconds": each.seconds,
        "instead_of": each.instead_of,
        "asked": _wish(each.asked),
        "detail": each.detail or None,
        "attempt": each.number,
        "endpoint_config": each.endpoint_config_name,
    }


def _wish(wish: Wish | None) -> dict[str, Any] | None:
    if wish is None:
        return None
    return {"for": wish.verb, "by": wish.by, "at": wish.at.isoformat(), "reason": wish.reason}


def origin_document(origin: Origin, stack: DeployedStack) -> dict[str, Any]:
    """Return the document of what served at some time."""
    found, served = origin.served.deployment, origin.served
    under_way = served.under_way.version if served.under_way is not None else None
    return {
        "format": 1,
        "stack": stack_document(stack),
        "endpoint": origin.endpoint_name,
        "at": served.at.isoformat(),
        "served": None
        if found is None
        else {
            "version": found.version,
            "version_arn": found.version_arn,
            "since": _time(found.settled_at),
            "until": _time(served.until),
            "approved_by": found.approved_by,
            "approved_at": found.approved_at.isoformat(),
            "endpoint_config": found.endpoint_config_name,
            "model": found.model_name,
            "artifact_digest": found.artifact_digest,
            "images": list(origin.images),
            "artifacts": list(origin.artifacts),
            "companions": [
                {
                    "version": each.version,
                    "version_arn": each.version_arn,
                    "variant": each.variant_name,
                    "is_shadow": each.is_shadow,
                }
                for each in found.companions
            ],
        },
        "under_way": under_way,
    }


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None
