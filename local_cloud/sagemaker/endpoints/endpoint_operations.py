"""Endpoints: the API's operations on them.

Owns the synchronous part: checks and refusals at the call. A deployment or another transition does the rest.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import errors, resource_tags
from local_cloud.sagemaker.endpoint_configs.endpoint_config_operations import find_endpoint_config
from local_cloud.sagemaker.endpoints import deployments
from local_cloud.sagemaker.endpoints.deployment_alarms import refuse_because_of_alarms
from local_cloud.sagemaker.endpoints.deployment_summary import describe
from local_cloud.sagemaker.endpoints.endpoint_checks import (
    check_changes,
    check_quotas,
    guards_that_count,
    refuse_to_change_how_calls_are_answered,
    refuse_unless_scaling_may_end,
    refuse_what_auto_scaling_forbids,
)
from local_cloud.sagemaker.endpoints.endpoint_state import (
    Endpoint,
    EndpointStatus,
    LiveVariant,
    instances_by_type,
)
from local_cloud.sagemaker.endpoints.rollout_plan import Rollout, plan_rollout
from local_cloud.sagemaker.endpoints.transitions import Deletion, Rescaling
from local_cloud.sagemaker.models import find_model, refuse_unapproved_packages
from local_cloud.sagemaker.protocol.listing import page
from local_cloud.sagemaker.switch_settings import NotFoundNames, SameConfigUpdate, UnapprovedPackage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import EndpointConfig
    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.state import Scope, State


def create_endpoint(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Create an endpoint; it is Creating until its fleets are healthy.

    The deployment config is only stored.
    """
    scope = state.scope(caller)
    name = request["EndpointName"]
    arn = state.arn(scope, "endpoint", name)
    if name.lower() in scope.endpoints:
        raise errors.already_exists("endpoint", scope.endpoints[name.lower()].arn)
    config = find_endpoint_config(state, scope, request["EndpointConfigName"], for_deployment=True)
    variants = _new_variants(state, scope, config)
    plan_rollout(request.get("DeploymentConfig"), variants, (), state.switches)
    check_quotas(scope, instances_by_type(variants))
    resource_tags.put(scope, arn, request.get("Tags", ()))
    endpoint = Endpoint(
        scope=scope,
        name=name,
        arn=arn,
        creation_time=state.time,
        last_modified_time=state.time,
        sequence=state.next_sequence(),
        status=EndpointStatus.CREATING,
        config=config,
        last_deployment_config=request.get("DeploymentConfig"),
    )
    scope.endpoints[name.lower()] = endpoint
    deployments.begin(state, endpoint, config, variants, Rollout())
    return {"EndpointArn": arn}


def describe_endpoint(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Describe an endpoint; during an update, config and variants are the old ones."""
    endpoint = find_endpoint(state, state.scope(caller), request["EndpointName"])
    config = endpoint.config
    shown: dict[str, Any] = {
        **_summary(endpoint),
        "EndpointConfigName": config.name,
    }
    for member, variants in (
        ("ProductionVariants", endpoint.variants),
        ("ShadowProductionVariants", endpoint.shadow_variants),
    ):
        if variants:
            shown[member] = [_described(endpoint, variant) for variant in variants.values()]
    if endpoint.failure_reason is not None:
        shown["FailureReason"] = endpoint.failure_reason
    if endpoint.last_deployment_config is not None:
        shown["LastDeploymentConfig"] = endpoint.last_deployment_config
    if isinstance(endpoint.work, deployments.Deployment):
        shown["PendingDeploymentSummary"] = describe(endpoint.work, state.switches.pending_variant_status)
    if "DataCaptureConfig" in config.request:
        shown["DataCaptureConfig"] = _data_capture_summary(config.request["DataCaptureConfig"])
    for member in ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig"):
        if member in config.request:
            shown[member] = config.request[member]
    return shown


def list_endpoints(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """List endpoints, newest first by default."""
    status = request.get("StatusEquals")
    after, before = request.get("LastModifiedTimeAfter"), request.get("LastModifiedTimeBefore")

    def accepts(endpoint: Endpoint) -> bool:
        return (
            (status is None or endpoint.status.value == status)
            and (after is None or endpoint.last_modified_time > after)
            and (before is None or endpoint.last_modified_time < before)
        )

    return page(
        "ListEndpoints",
        request,
        state.scope(caller).endpoints.values(),
        descending=True,
        filtered_pages=state.switches.filtered_pages,
        accepts=accepts,
        sort_keys={"Status": lambda endpoint: endpoint.status.value},
    ).answer("Endpoints", _summary)


def update_endpoint(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Deploy another endpoint config by the deployment config, or blue/green without one."""
    scope = state.scope(caller)
    endpoint = find_endpoint(state, scope, request["EndpointName"])
    endpoint.refuse_unless_permitted("UpdateEndpoint", state.switches)
    config = find_endpoint_config(state, scope, request["EndpointConfigName"], for_deployment=True)
    # AWS needs the old config as well as the new one during an update.
    find_endpoint_config(state, scope, endpoint.config.name)
    if config is endpoint.config and endpoint.status is EndpointStatus.IN_SERVICE:
        match state.switches.same_config_update:
            case SameConfigUpdate.REFUSE:
                raise errors.validation(
                    f'Cannot update endpoint "{endpoint.arn}" with endpoint configuration "{config.arn}", '
                    "which it already uses. Create a new endpoint configuration."
                )
            case SameConfigUpdate.NO_OPERATION:
                return {"EndpointArn": endpoint.arn}
            case SameConfigUpdate.REDEPLOY:
                pass
    refuse_what_auto_scaling_forbids(state, endpoint, config)
    if config.is_serverless and not endpoint.config.is_serverless:
        raise errors.validation(
            f'Endpoint "{endpoint.arn}" runs on instances and cannot be updated to a serverless variant. '
            "Create another endpoint."
        )
    refuse_to_change_how_calls_are_answered(state, endpoint, config)
    variants = _new_variants(state, scope, config)
    if request.get("RetainAllVariantProperties"):
        _retain(endpoint, variants, request.get("ExcludeRetainedVariantProperties", ()))
    deployment_config = request.get("DeploymentConfig")
    if deployment_config is None and request.get("RetainDeploymentConfig"):
        deployment_config = endpoint.last_deployment_config
    guards = guards_that_count(state, endpoint, variants, deployment_config)
    rollout = plan_rollout(guards, variants, endpoint.variants.values(), state.switches)
    deployments.reserve_instances(rollout, variants, endpoint)
    check_quotas(scope, instances_by_type(variants))
    refuse_because_of_alarms(state, endpoint, rollout)
    if deployment_config is not None:
        endpoint.last_deployment_config = deployment_config
    deployments.begin(state, endpoint, config, variants, rollout)
    return {"EndpointArn": endpoint.arn}


def delete_endpoint(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Delete an endpoint; it stops serving now, and its name is free when the deletion is over."""
    scope = state.scope(caller)
    endpoint = find_endpoint(state, scope, request["EndpointName"])
    endpoint.refuse_unless_permitted("DeleteEndpoint", state.switches)
    refuse_unless_scaling_may_end(state, caller, endpoint)
    state.hosting.route(scope.account_id, scope.region, endpoint.name, ())
    state.scalable_targets.forget_endpoint(scope.account_id, scope.region, endpoint.name)
    endpoint.work = Deletion(endpoint, state.time + timedelta(seconds=state.timings.deleting_seconds))
    state.timers.put(endpoint.work)
    endpoint.enter(state, EndpointStatus.DELETING)
    return {}


def update_endpoint_weights_and_capacities(
    state: State, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Change weights and instance counts of an endpoint's variants."""
    scope = state.scope(caller)
    endpoint = find_endpoint(state, scope, request["EndpointName"])
    endpoint.refuse_unless_permitted("UpdateEndpointWeightsAndCapacities", state.switches)
    changes = request["DesiredWeightsAndCapacities"]
    check_changes(endpoint, changes)
    deltas: dict[str, int] = {}
    for change in changes:
        variant = endpoint.variants[change["VariantName"]]
        delta = change.get("DesiredInstanceCount", 0) - variant.current_instance_count
        if variant.instance_type is not None and delta > 0:
            deltas[variant.instance_type] = deltas.get(variant.instance_type, 0) + delta
    check_quotas(scope, deltas)
    for change in changes:
        variant = endpoint.variants[change["VariantName"]]
        variant.desired_weight = float(change.get("DesiredWeight", variant.desired_weight))
        variant.desired_instance_count = change.get("DesiredInstanceCount", variant.desired_instance_count)
        if "ServerlessUpdateConfig" in change:
            variant.desired_serverless_config = {
                **variant.variant["ServerlessConfig"],
                **change["ServerlessUpdateConfig"],
            }
    rescaling = Rescaling(
        endpoint, state.time + timedelta(seconds=state.timings.rescaling_seconds), start_time=state.time
    )
    endpoint.work = rescaling
    state.timers.put(rescaling)
    endpoint.enter(state, EndpointStatus.UPDATING)
    rescaling.announce(state)
    return {"EndpointArn": endpoint.arn}


OPERATIONS = {
    "CreateEndpoint": create_endpoint,
    "DescribeEndpoint": describe_endpoint,
    "ListEndpoints": list_endpoints,
    "UpdateEndpoint": update_endpoint,
    "DeleteEndpoint": delete_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_endpoint_weights_and_capacities,
}


def find_endpoint(state: State, scope: Scope, name: str) -> Endpoint:
    """Return an endpoint by name.

    Raises:
        ServiceError: There is none.
    """
    endpoint = state.find(scope.endpoints, name)
    if endpoint is None:
        quoted = (
            name
            if state.switches.not_found_names is NotFoundNames.NAME
            else state.arn(scope, "endpoint", name)
        )
        raise errors.could_not_find("endpoint", quoted)
    return endpoint


def _summary(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.creation_time,
        "LastModifiedTime": endpoint.last_modified_time,
        "EndpointStatus": endpoint.status.value,
    }


def _described(endpoint: Endpoint, variant: LiveVariant) -> dict[str, Any]:
    shown = variant.summary()
    status = endpoint.work.status_of(variant) if isinstance(endpoint.work, Rescaling) else None
    return shown if status is None else {**shown, "VariantStatus": [status]}


def _new_variants(state: State, scope: Scope, config: EndpointConfig) -> list[LiveVariant]:
    """Return a config's variants at the start of a deployment; their models must still exist."""
    shadow_names = {variant["VariantName"] for variant in config.shadow_variants}
    variants = []
    for variant in config.all_variants:
        model = find_model(state, scope, variant["ModelName"]) if "ModelName" in variant else None
        if model is not None:
            refuse_unapproved_packages(state, model, UnapprovedPackage.CREATE_ENDPOINT)
        variants.append(
            LiveVariant(
                variant=variant,
                model=model,
                is_shadow=variant["VariantName"] in shadow_names,
                desired_weight=variant["InitialVariantWeight"],
                desired_instance_count=variant.get("InitialInstanceCount", 0),
            )
        )
    return variants


def _retain(
    endpoint: Endpoint, variants: Iterable[LiveVariant], excluded: Iterable[Mapping[str, str]]
) -> None:
    """Copy the present weights and counts to variants of the same name."""
    names = {item["VariantPropertyType"] for item in excluded}
    for variant in variants:
        present = endpoint.variants.get(variant.name)
        if present is None or variant.is_shadow:
            continue
        if "DesiredWeight" not in names:
            variant.desired_weight = present.desired_weight
        if "DesiredInstanceCount" not in names and variant.instance_type is not None:
            variant.desired_instance_count = present.desired_instance_count or variant.desired_instance_count


def _data_capture_summary(config: Mapping[str, Any]) -> dict[str, Any]:
    is_enabled = config.get("EnableCapture", False)
    return {
        "EnableCapture": is_enabled,
        "CaptureStatus": "Started" if is_enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }
