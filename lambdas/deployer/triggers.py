"""Reads EventBridge events. An event is a hint: it only says which endpoints to look at.

Events can be malformed, forged, or of unversioned packages or unmanaged groups. No retry helps: such an event
becomes `Unusable`, with the reason for the log line.

Sources: the SageMaker, Systems Manager and EventBridge user guides' event examples.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from deployer.contract import PART_DETAIL_TYPE, REQUEST_DETAIL_TYPE, SOURCE
from deployer.model.endpoint import VariantStatus
from deployer.model.life_cycle import LifeCycle
from deployer.model.trigger import (
    EndpointChanged,
    NothingToDecide,
    PackageChanged,
    RequestsMade,
    SettingsDeployed,
    Sweep,
    SweepPart,
    Trigger,
    Unusable,
)

_METADATA: Final = "CustomerMetadataProperties"
_BAKING: Final = "Baking"
_VERSION_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]{9,16}:[0-9]{12}:model-package/[A-Za-z0-9][A-Za-z0-9-]{0,62}/[0-9]{1,9}"
)
_ENTITY_NAME: Final = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}")


def read_trigger(event: Any) -> Trigger:  # noqa: ANN401 - whatever Lambda is invoked with
    """Return what the event asks for; never raises."""
    if not isinstance(event, dict):
        return Unusable(f"it is a {type(event).__name__}, not an EventBridge event")
    detail = event.get("detail")
    if not isinstance(detail, dict):
        return Unusable("it has no detail")
    event_id = event.get("id")
    if not isinstance(event_id, str) or not event_id:
        return Unusable("it has no id")
    match (event.get("source"), event.get("detail-type")):
        case ("aws.sagemaker", "SageMaker Model Package State Change"):
            return _package_changed(event, detail, event_id)
        case ("aws.sagemaker", "SageMaker Endpoint State Change"):
            return _endpoint_changed(detail, event_id)
        case ("aws.sagemaker", "SageMaker Endpoint Deployment State Change"):
            return _rollout_changed(detail, event_id)
        case ("aws.ssm", "Parameter Store Change"):
            return SettingsDeployed(event_id=event_id)
        case ("aws.events", "Scheduled Event"):
            return Sweep(event_id=event_id)
        case (source, asked) if (source, asked) == (SOURCE, REQUEST_DETAIL_TYPE):
            return RequestsMade(event_id=event_id)
        case (source, part) if (source, part) == (SOURCE, PART_DETAIL_TYPE):
            return _sweep_part(detail, event_id)
        case _:
            named = f"source {event.get('source')!r} with detail-type {event.get('detail-type')!r}"
            return Unusable(f"{named} is no trigger of the deployer")


def _endpoint_changed(detail: dict[str, Any], event_id: str) -> Trigger:
    name = detail.get("EndpointName")
    if not _is_entity_name(name):
        return Unusable(f"EndpointName is {name!r}")
    return EndpointChanged(endpoint_name=name, event_id=event_id)


def _rollout_changed(detail: dict[str, Any], event_id: str) -> Trigger:
    trigger = _endpoint_changed(detail, event_id)
    if not isinstance(trigger, EndpointChanged):
        return trigger
    pending = _pending_statuses(detail.get("PendingDeploymentSummary"))
    if not any(status.status == _BAKING for each in pending for status in each):
        return NothingToDecide(f"no new fleet of {trigger.endpoint_name} bakes", event_id)
    return replace(trigger, pending_statuses=pending)


def _pending_statuses(pending: object) -> tuple[tuple[VariantStatus, ...], ...]:
    """Return the stages of an update's new variants; none for a change of capacity."""
    variants = _dicts(pending.get("ProductionVariants")) if isinstance(pending, dict) else []
    return tuple(
        tuple(
            VariantStatus(status["Status"], str(status.get("StatusMessage") or ""))
            for status in _dicts(each.get("VariantStatus"))
            if isinstance(status.get("Status"), str)
        )
        for each in variants
    )


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _sweep_part(detail: dict[str, Any], event_id: str) -> Trigger:
    names = detail.get("EndpointNames")
    if not isinstance(names, list) or not names:
        return Unusable("it is a sweep's part without endpoints")
    if not all(map(_is_entity_name, names)):
        return Unusable(f"EndpointNames is {names!r}")
    return SweepPart(tuple(names), event_id)


def _package_changed(event: dict[str, Any], detail: dict[str, Any], event_id: str) -> Trigger:
    arn = detail.get("ModelPackageArn")
    group = detail.get("ModelPackageGroupName")
    # Unversioned packages have no group and no approval. Their keys may be null or absent; AWS does not say.
    if group is None and detail.get("ModelApprovalStatus") is None:
        return Unusable(f"{arn} is an unversioned model package: it has no group and no approval")
    if not isinstance(arn, str) or not _VERSION_ARN.fullmatch(arn):
        return Unusable(f"ModelPackageArn is {arn!r}, not a version's ARN")
    if not _is_entity_name(group):
        return Unusable(f"ModelPackageGroupName is {group!r}")
    status = detail.get("ModelApprovalStatus")
    if not isinstance(status, str):
        return Unusable(f"ModelApprovalStatus is {status!r}")
    time = _time(event.get("time"))
    if time is None:
        return Unusable(f"time is {event.get('time')!r}, not ISO 8601")
    given = detail.get("UpdatedModelPackageFields")
    fields = given if isinstance(given, list) else []
    if fields and all(each == _METADATA for each in fields):
        # The deployer writes metadata for each endpoint. If each of these events led to a pass over each
        # follower, an approval would cost the square of the followers.
        return NothingToDecide(f"only metadata of {arn} changed", event_id)
    return PackageChanged(
        group_name=group,
        version_arn=arn,
        approval_status=status,
        names_approval="ModelApprovalStatus" in fields,
        time=time,
        event_id=event_id,
        last_modified_time=_time(detail.get("LastModifiedTime")),
        life_cycle=LifeCycle.parse(detail.get("ModelLifeCycle")),
        names_life_cycle="ModelLifeCycle" in fields,
        registered_at=_time(detail.get("CreationTime")),
    )


def _is_entity_name(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _ENTITY_NAME.fullmatch(value) is not None


def _time(value: object) -> datetime | None:
    time = _exact_time(value)
    return time.replace(microsecond=0) if time is not None else None


def _exact_time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
