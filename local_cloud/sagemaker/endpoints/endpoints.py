"""Endpoints: the API's operations on them.

Owns the synchronous part: what is checked and refused at the call. What happens then is a deployment or
another transition.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local_cloud.application_auto_scaling.registrations import condition_keys
from local_cloud.sagemaker import authorization, errors, tags
from local_cloud.sagemaker.endpoint_configs import (
    check_concurrency,
    find_endpoint_config,
    instance_type_of,
)
from local_cloud.sagemaker.endpoints import deployments
from local_cloud.sagemaker.endpoints.endpoint_state import (
    Endpoint,
    EndpointStatus,
    LiveVariant,
    instances_by_type,
    instances_in_use,
)
from local_cloud.sagemaker.endpoints.rollout_plan import Rollout, plan_rollout
from local_cloud.sagemaker.endpoints.transitions import Deletion, Rescaling
from local_cloud.sagemaker.models import find_model, refuse_unapproved_packages
from local_cloud.sagemaker.protocol.listing import page
from local_cloud.sagemaker.switches import (
    Answer,
    GuardedVariants,
    NotFoundNames,
    SameConfigUpdate,
    UnapprovedPackage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.sagemaker.endpoint_configs import EndpointConfig
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
    _check_quotas(scope, instances_by_type(variants))
    tags.put(scope, arn, request.get("Tags", ()))
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
        shown["PendingDeploymentSummary"] = endpoint.work.describe()
    if "DataCaptureConfig" in config.request:
        shown["DataCaptureConfig"] = _data_capture_summary(config.request["DataCaptureConfig"])
    for member in ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig"):
        if member in config.request:
            shown[member] = config.request[member]
    return shown


def list_endpoints(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """List endpoints, newest first unless asked otherwise."""
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
    """Deploy another endpoint config, as the deployment config says; blue/green without one."""
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
    _refuse_what_auto_scaling_forbids(state, endpoint, config)
    if config.is_serverless and not endpoint.config.is_serverless:
        raise errors.validation(
            f'Endpoint "{endpoint.arn}" runs on instances and cannot be updated to a serverless variant. '
            "Create another endpoint."
        )
    _refuse_to_change_how_calls_are_answered(state, endpoint, config)
    variants = _new_variants(state, scope, config)
    if request.get("RetainAllVariantProperties"):
        _retain(endpoint, variants, request.get("ExcludeRetainedVariantProperties", ()))
    deployment_config = request.get("DeploymentConfig")
    if deployment_config is None and request.get("RetainDeploymentConfig"):
        deployment_config = endpoint.last_deployment_config
    guards = _guards(state, endpoint, variants, deployment_config)
    rollout = plan_rollout(guards, variants, endpoint.variants.values(), state.switches)
    deployments.reserve_instances(rollout, variants, endpoint)
    _check_quotas(scope, instances_by_type(variants))
    deployments.refuse_because_of_alarms(state, endpoint, rollout)
    if deployment_config is not None:
        endpoint.last_deployment_config = deployment_config
    deployments.begin(state, endpoint, config, variants, rollout)
    return {"EndpointArn": endpoint.arn}


def delete_endpoint(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Delete an endpoint; it serves no more from now on, and its name is free when the deletion is over."""
    scope = state.scope(caller)
    endpoint = find_endpoint(state, scope, request["EndpointName"])
    endpoint.refuse_unless_permitted("DeleteEndpoint", state.switches)
    _refuse_unless_scaling_may_end(state, caller, endpoint)
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
    _check_changes(endpoint, changes)
    deltas: dict[str, int] = {}
    for change in changes:
        variant = endpoint.variants[change["VariantName"]]
        delta = change.get("DesiredInstanceCount", 0) - variant.current_instance_count
        if variant.instance_type is not None and delta > 0:
            deltas[variant.instance_type] = deltas.get(variant.instance_type, 0) + delta
    _check_quotas(scope, deltas)
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
    """Return a config's variants as a deployment starts with them; their models must still exist."""
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


def _refuse_to_change_how_calls_are_answered(
    state: State, endpoint: Endpoint, config: EndpointConfig
) -> None:
    """Refuse to make an asynchronous endpoint a real-time one, and as the switch says the other way round."""
    before, after = ("AsyncInferenceConfig" in each.request for each in (endpoint.config, config))
    if before and not after:
        raise errors.asynchronous_removed(endpoint.name)
    if after and not before and state.switches.asynchronous_added is Answer.REFUSE:
        raise errors.asynchronous_added(endpoint.name)


def _guards(
    state: State,
    endpoint: Endpoint,
    variants: Iterable[LiveVariant],
    deployment_config: Mapping[str, Any] | None,
) -> Mapping[str, Any] | None:
    """Return the deployment config that counts: one for variants of other names may count for nothing."""
    if not deployment_config or {item.name for item in variants if not item.is_shadow} == set(
        endpoint.variants
    ):
        return deployment_config
    if state.switches.guarded_variants is GuardedVariants.REFUSE:
        raise errors.other_variants(endpoint.variants)
    return None


def _refuse_what_auto_scaling_forbids(state: State, endpoint: Endpoint, config: EndpointConfig) -> None:
    """Refuse to remove a registered variant, or to change what it runs on.

    Source: developer guide, "Update endpoints that use auto scaling".
    """
    scope = endpoint.scope
    registered = state.scalable_targets.registered_variants(scope.account_id, scope.region, endpoint.name)
    wanted = {
        variant["VariantName"]: (instance_type_of(variant), "ServerlessConfig" in variant)
        for variant in config.production_variants
    }
    refused = [
        name
        for name, variant in endpoint.variants.items()
        if name in registered
        and wanted.get(name) != (variant.instance_type, variant.serverless_config is not None)
    ]
    if refused:
        raise errors.registered_variants(refused)


def _refuse_unless_scaling_may_end(state: State, caller: Caller, endpoint: Endpoint) -> None:
    """Refuse to delete a scaled endpoint for a caller who may not deregister its variants."""
    registry = state.scalable_targets
    for key in registry.of_endpoint(endpoint.scope.account_id, endpoint.scope.region, endpoint.name):
        action = "application-autoscaling:DeregisterScalableTarget"
        check = authorization.Check(action, registry.targets[key].arn, condition_keys(key))
        if not authorization.is_allowed(state, caller, check):
            raise errors.scalable_target_remains()


def _retain(
    endpoint: Endpoint, variants: Iterable[LiveVariant], excluded: Iterable[Mapping[str, str]]
) -> None:
    """Carry the present weights and counts over to variants of the same name."""
    names = {item["VariantPropertyType"] for item in excluded}
    for variant in variants:
        present = endpoint.variants.get(variant.name)
        if present is None or variant.is_shadow:
            continue
        if "DesiredWeight" not in names:
            variant.desired_weight = present.desired_weight
        if "DesiredInstanceCount" not in names and variant.instance_type is not None:
            variant.desired_instance_count = present.desired_instance_count or variant.desired_instance_count


def _check_quotas(scope: Scope, deltas: Mapping[str, int]) -> None:
    for instance_type, delta in deltas.items():
        limit = scope.instance_quotas.get(instance_type)
        if limit is None or delta == 0:
            continue
        utilization = instances_in_use(scope, instance_type)
        if utilization + delta > limit:
            raise errors.instance_quota(instance_type, limit, utilization, delta)


def _check_changes(endpoint: Endpoint, changes: list[dict[str, Any]]) -> None:
    names = [change["VariantName"] for change in changes]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise errors.repeated_variant(repeated)
    unknown = [name for name in names if name not in endpoint.variants]
    if unknown:
        raise errors.unknown_variants(unknown, endpoint.config.name)
    for change in changes:
        variant = endpoint.variants[change["VariantName"]]
        is_serverless = variant.serverless_config is not None
        if is_serverless and "DesiredInstanceCount" in change:
            raise errors.validation(
                f'Variant "{variant.name}" is serverless and has no DesiredInstanceCount.'
            )
        if not is_serverless and "ServerlessUpdateConfig" in change:
            raise errors.validation(
                f'Variant "{variant.name}" is not serverless and has no ServerlessUpdateConfig.'
            )
        if is_serverless:
            wanted = {**variant.variant["ServerlessConfig"], **change.get("ServerlessUpdateConfig", {})}
            check_concurrency(wanted)
        is_asynchronous = "AsyncInferenceConfig" in endpoint.config.request
        if change.get("DesiredInstanceCount") == 0 and variant.model is not None and not is_asynchronous:
            raise errors.validation(
                f'DesiredInstanceCount of variant "{variant.name}" must be at least 1: only asynchronous '
                "and inference component endpoints can have no instance."
            )


def _data_capture_summary(config: Mapping[str, Any]) -> dict[str, Any]:
    is_enabled = config.get("EnableCapture", False)
    return {
        "EnableCapture": is_enabled,
        "CaptureStatus": "Started" if is_enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }
