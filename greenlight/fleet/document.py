"""Writes how endpoints stand as JSON: greenlight/schemas/status.json. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from greenlight.connection import DeployedStack
    from greenlight.fleet.progress import Progress
    from greenlight.fleet.served import Served
    from greenlight.fleet.state import Standing


def fleet_document(standings: Sequence[Standing], stack: DeployedStack, now: datetime) -> dict[str, Any]:
    """Return the document of the fleet."""
    return {
        "format": 1,
        "at": now.isoformat(),
        "stack": stack_document(stack),
        "endpoints": [standing_document(each, now) for each in standings],
    }


def stack_document(stack: DeployedStack) -> dict[str, Any]:
    """Return which stack was asked."""
    return {"name": stack.name, "account": stack.account, "region": stack.region}


def standing_document(each: Standing, now: datetime) -> dict[str, Any]:
    """Return how one endpoint stands. Every member is there; what is unknown is null."""
    return {
        "endpoint": each.name,
        "state": each.state.value,
        "serves": _served(each.serves),
        "coming": _served(each.coming),
        "progress": _progress(each.progress, now),
        "why": each.why or None,
        "at": _time(each.at),
        "retry_at": _time(each.retry_at),
    }


def _served(served: Served | None) -> dict[str, Any] | None:
    if served is None:
        return None
    return {
        "version": served.version,
        "version_arn": served.version_arn,
        "endpoint_config": served.endpoint_config_name or None,
        "since": _time(served.since),
        "approved_by": served.approved_by,
        "approved_at": _time(served.approved_at),
    }


def _progress(progress: Progress | None, now: datetime) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {
        "stage": progress.stage.name.lower(),
        "kind": progress.kind.replace(" ", "_"),
        "share_percent": progress.share_percent,
        "elapsed_seconds": progress.elapsed_seconds(now),
        "lasts_seconds": progress.lasts_seconds,
    }


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None
