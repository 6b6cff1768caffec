"""SageMaker's events on the default bus, in their documented shapes.

Owns envelopes and details. The bus decides whether an event is delivered twice, late or never. Source:
"Automating Amazon SageMaker with EventBridge" in the developer guide; captures for what it omits.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import resource_tags
from local_cloud.sagemaker.switch_settings import (
    CreationEventFields,
    EventTime,
    ServingTags,
    StatusSpelling,
    UnversionedKeys,
)

if TYPE_CHECKING:
    from local_cloud.sagemaker.endpoints.endpoint_state import Endpoint
    from local_cloud.sagemaker.registry.model_package import ModelPackage
    from local_cloud.sagemaker.state import Scope, State

MODEL_PACKAGE_STATE_CHANGE = "SageMaker Model Package State Change"
ENDPOINT_STATE_CHANGE = "SageMaker Endpoint State Change"
ENDPOINT_DEPLOYMENT_STATE_CHANGE = "SageMaker Endpoint Deployment State Change"

_ESTABLISHED_SPELLINGS = {"InService": "IN_SERVICE", "Updating": "UPDATING", "Failed": "FAILED"}

_EVENT_MEMBERS = (
    "ModelPackageDescription",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "ApprovalDescription",
    "MetadataProperties",
    "ModelMetrics",
    "CustomerMetadataProperties",
    "ModelLifeCycle",
)
_VERSION_MEMBERS = ("ModelPackageGroupName", "ModelPackageVersion", "ModelApprovalStatus")


def emit_model_package_state_change(
    state: State, scope: Scope, package: ModelPackage, updated_fields: list[str] | None
) -> None:
    """Announce a package; `updated_fields` is None for a new one."""
    description = package.describe()
    detail: dict[str, Any] = {}
    if package.version is None:
        detail["ModelPackageName"] = package.name
        if state.switches.unversioned_keys is UnversionedKeys.NULL:
            detail.update(dict.fromkeys(_VERSION_MEMBERS))
    else:
        detail["ModelPackageGroupName"] = package.name
        detail["ModelPackageVersion"] = package.version
    detail["ModelPackageArn"] = package.arn
    detail["CreationTime"] = iso(package.creation_time)
    detail.update({name: description[name] for name in _EVENT_MEMBERS if name in description})
    if "SourceUri" in description:
        detail["sourceUri"] = description["SourceUri"]
    if updated_fields is not None:
        detail["UpdatedModelPackageFields"] = updated_fields
    else:
        match state.switches.creation_event_updated_fields:
            case CreationEventFields.NULL:
                detail["UpdatedModelPackageFields"] = None
            case CreationEventFields.EMPTY:
                detail["UpdatedModelPackageFields"] = []
            case CreationEventFields.MODEL_APPROVAL_STATUS:
                detail["UpdatedModelPackageFields"] = ["ModelApprovalStatus"]
            case CreationEventFields.ABSENT:
                pass
    detail["LastModifiedTime"] = iso(package.last_modified_time)
    _emit(state, scope, MODEL_PACKAGE_STATE_CHANGE, package.arn, iso(state.time), detail)


def emit_endpoint_state_change(state: State, endpoint: Endpoint) -> None:
    """Announce an endpoint's present status."""
    is_tagged = state.switches.endpoint_event_tags is ServingTags.PRESENT
    detail = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config.name,
        "ProductionVariants": [variant.event_summary() for variant in endpoint.variants.values()],
        "EndpointStatus": event_status(endpoint.status.value, state.switches.endpoint_event_spelling),
        "FailureReason": endpoint.failure_reason,
        "CreationTime": epoch_milliseconds(endpoint.creation_time),
        "LastModifiedTime": epoch_milliseconds(endpoint.last_modified_time),
        "Tags": resource_tags.as_map(endpoint.scope, endpoint.arn) if is_tagged else {},
    }
    time = (
        iso(state.time)
        if state.switches.endpoint_event_time is EventTime.ISO
        else f"{epoch_milliseconds(state.time):.0f}"
    )
    _emit(state, endpoint.scope, ENDPOINT_STATE_CHANGE, endpoint.arn, time, detail)


def emit_endpoint_deployment_state_change(
    state: State,
    endpoint: Endpoint,
    pending: Mapping[str, Any] | None,
    variant_status: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Announce the progress of a deployment, or of a change of capacity.

    Args:
        state: The control plane's state.
        endpoint: The endpoint; its config is still the old one.
        pending: The PendingDeploymentSummary; None for a change of capacity.
        variant_status: By variant name, the status of the present config's variants.
    """
    is_tagged = state.switches.endpoint_event_tags is ServingTags.PRESENT
    statuses = variant_status or {}
    detail = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config.name,
        "ProductionVariants": [
            {
                **variant.event_summary(),
                **({"VariantStatus": [statuses[variant.name]]} if variant.name in statuses else {}),
            }
            for variant in endpoint.variants.values()
        ],
        "EndpointStatus": event_status(endpoint.status.value, state.switches.endpoint_event_spelling),
        "CreationTime": endpoint.creation_time,
        "LastModifiedTime": endpoint.last_modified_time,
        "Tags": resource_tags.as_map(endpoint.scope, endpoint.arn) if is_tagged else {},
    }
    if pending is not None:
        detail["PendingDeploymentSummary"] = pending
    _emit(
        state,
        endpoint.scope,
        ENDPOINT_DEPLOYMENT_STATE_CHANGE,
        endpoint.arn,
        iso(state.time),
        _with_epoch_milliseconds(detail),
    )


def _with_epoch_milliseconds(value: Any) -> Any:  # noqa: ANN401 - any part of a detail
    if isinstance(value, datetime):
        return epoch_milliseconds(value)
    if isinstance(value, Mapping):
        return {name: _with_epoch_milliseconds(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_epoch_milliseconds(member) for member in value]
    return value


def event_status(status: str, spelling: StatusSpelling) -> str:
    """Return an API status in an endpoint event's spelling."""
    if status in _ESTABLISHED_SPELLINGS:
        return _ESTABLISHED_SPELLINGS[status]
    if spelling is StatusSpelling.CAMEL:
        return status
    if spelling is StatusSpelling.UPPER:
        return status.upper()
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in status).lstrip("_").upper()


def iso(time: datetime) -> str:
    """Return a time in EventBridge's form, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch_milliseconds(time: datetime) -> float:
    """Return a time in the form of endpoint events."""
    return float(round(time.timestamp() * 1000))


def _emit(state: State, scope: Scope, detail_type: str, arn: str, time: str, detail: dict[str, Any]) -> None:
    state.events.emit(
        {
            "version": "0",
            "id": state.next_event_id(),
            "detail-type": detail_type,
            "source": "aws.sagemaker",
            "account": scope.account_id,
            "time": time,
            "region": scope.region,
            "resources": [arn],
            "detail": detail,
        }
    )
