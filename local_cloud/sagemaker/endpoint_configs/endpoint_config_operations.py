"""Endpoint configs: the API's operations on them.

A config never changes. As on AWS, a config in use can be deleted, which breaks the next update.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import errors, resource_tags
from local_cloud.sagemaker.endpoint_configs.endpoint_config_checks import check_settings, check_variants
from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import EndpointConfig, Variant
from local_cloud.sagemaker.models import check_role
from local_cloud.sagemaker.protocol.listing import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.state import Scope, State


def create_endpoint_config(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Create an endpoint config; its models must exist."""
    scope = state.scope(caller)
    name = request["EndpointConfigName"]
    arn = state.arn(scope, "endpoint-config", name)
    if name.lower() in scope.endpoint_configs:
        raise errors.already_exists("endpoint configuration", arn)
    request = {
        **request,
        "ProductionVariants": [_with_defaults(item) for item in request["ProductionVariants"]],
        # "The default value for new endpoint configurations is True" (botocore: MetricsConfig).
        "MetricsConfig": {"EnableDetailedObservability": True, **request.get("MetricsConfig", {})},
    }
    if "ShadowProductionVariants" in request:
        request["ShadowProductionVariants"] = [
            _with_defaults(item) for item in request["ShadowProductionVariants"]
        ]
    check_settings(request)
    role_arn = request.get("ExecutionRoleArn")
    if role_arn is not None:
        check_role(state, scope, role_arn)
    check_variants(state, scope, request)
    resource_tags.put(scope, arn, request.get("Tags", ()))
    scope.endpoint_configs[name.lower()] = EndpointConfig(
        name=name,
        arn=arn,
        creation_time=state.time,
        sequence=state.next_sequence(),
        request=request,
        visible_from=state.time + timedelta(seconds=state.timings.endpoint_config_visible_seconds),
    )
    return {"EndpointConfigArn": arn}


def describe_endpoint_config(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Describe an endpoint config."""
    config = find_endpoint_config(state, state.scope(caller), request["EndpointConfigName"])
    return config.describe(state.switches)


def list_endpoint_configs(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """List endpoint configs, newest first by default."""
    return page(
        "ListEndpointConfigs",
        request,
        state.scope(caller).endpoint_configs.values(),
        descending=True,
        filtered_pages=state.switches.filtered_pages,
    ).answer("EndpointConfigs", EndpointConfig.summary)


def delete_endpoint_config(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Delete an endpoint config, even one in use: AWS does not prevent it."""
    scope = state.scope(caller)
    config = find_endpoint_config(state, scope, request["EndpointConfigName"])
    del scope.endpoint_configs[config.name.lower()]
    resource_tags.forget(scope, config.arn)
    return {}


OPERATIONS = {
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "ListEndpointConfigs": list_endpoint_configs,
    "DeleteEndpointConfig": delete_endpoint_config,
}


def find_endpoint_config(
    state: State, scope: Scope, name: str, *, for_deployment: bool = False
) -> EndpointConfig:
    """Return an endpoint config by name.

    Args:
        state: The control plane's state.
        scope: Where to look.
        name: Its name.
        for_deployment: Whether an endpoint is about to use it, and may not see it yet.

    Raises:
        ServiceError: There is none.
    """
    config = state.find(scope.endpoint_configs, name)
    if config is None or (for_deployment and state.time < config.visible_from):
        raise errors.could_not_find("endpoint configuration", state.arn(scope, "endpoint-config", name))
    return config


def _with_defaults(variant: Variant) -> Variant:
    # "If unspecified, it defaults to 1.0" (botocore: ProductionVariant.InitialVariantWeight).
    return {**variant, "InitialVariantWeight": float(variant.get("InitialVariantWeight", 1.0))}
