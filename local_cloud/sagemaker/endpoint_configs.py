"""Endpoint configs: which models run how, and which settings exclude each other.

Owns CreateEndpointConfig's checks beyond the shape. A config never changes; deleting one in use is allowed,
as on AWS, and harms the next update.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import errors, tags
from local_cloud.sagemaker.models import Model, check_role, find_model, refuse_unapproved_packages
from local_cloud.sagemaker.protocol.descriptions import without_empties
from local_cloud.sagemaker.protocol.listing import page
from local_cloud.sagemaker.switches import Answer, UnapprovedPackage
from service_model.hosting import (
    NOT_IN_SERVERLESS_CONFIGS,
    NOT_IN_SERVERLESS_VARIANTS,
    PUBLISH_FREQUENCIES,
    SERVERLESS_MEMORY_SIZES,
    has_local_storage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.state import Scope, State
    from local_cloud.sagemaker.switches import Switches

Variant = dict[str, Any]
_SERVERLESS_VOLUME_GB = 5


@dataclass(frozen=True, slots=True, eq=False)
class EndpointConfig:
    """An endpoint config as it was created."""

    name: str
    arn: str
    creation_time: datetime
    sequence: int
    request: Mapping[str, Any]
    visible_from: datetime

    @property
    def production_variants(self) -> list[Variant]:
        """The variants that answer requests."""
        variants: list[Variant] = self.request["ProductionVariants"]
        return variants

    @property
    def shadow_variants(self) -> list[Variant]:
        """The variants that get a copy of the requests."""
        variants: list[Variant] = self.request.get("ShadowProductionVariants", [])
        return variants

    @property
    def all_variants(self) -> list[Variant]:
        """Production variants, then shadow variants."""
        return [*self.production_variants, *self.shadow_variants]

    @property
    def is_serverless(self) -> bool:
        """Whether its variants run without instances."""
        return any("ServerlessConfig" in variant for variant in self.production_variants)

    def describe(self, switches: Switches) -> dict[str, Any]:
        """Return what DescribeEndpointConfig shows."""
        shown = {name: value for name, value in self.request.items() if name != "Tags"}
        shown["ProductionVariants"] = [_shown(variant) for variant in self.production_variants]
        shown = without_empties(shown, switches)
        return {**shown, "EndpointConfigArn": self.arn, "CreationTime": self.creation_time}

    def summary(self) -> dict[str, Any]:
        """Return what ListEndpointConfigs shows."""
        return {
            "EndpointConfigName": self.name,
            "EndpointConfigArn": self.arn,
            "CreationTime": self.creation_time,
        }


def instance_type_of(variant: Mapping[str, Any]) -> str | None:
    """Return the instance type a variant runs on: its own, or its first-choice pool's; None if serverless."""
    instance_type: str | None = variant.get("InstanceType")
    if instance_type is None and "InstancePools" in variant:
        instance_type = min(variant["InstancePools"], key=lambda pool: pool.get("Priority", 1))[
            "InstanceType"
        ]
    return instance_type


def instance_types_of(variant: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every instance type that a variant may run on: its own, or its pools'."""
    pools = [pool["InstanceType"] for pool in variant.get("InstancePools", ())]
    return (variant["InstanceType"],) if "InstanceType" in variant else tuple(pools)


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
    _check_names(request)
    _check_shadow(request)
    _check_asynchronous(request)
    _check_metrics(request)
    role_arn = request.get("ExecutionRoleArn")
    if role_arn is not None:
        check_role(state, scope, role_arn)
    for variant in (*request["ProductionVariants"], *request.get("ShadowProductionVariants", ())):
        _check_capacity(variant)
        if "ServerlessConfig" in variant:
            _check_serverless(state, request, variant)
        _check_model(state, scope, request, variant)
        _check_volume_size(variant)
        _check_routing(variant)
        if "ShadowProductionVariants" in request:
            _check_shadowed(state, scope, variant)
    tags.put(scope, arn, request.get("Tags", ()))
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
    """List endpoint configs, newest first unless asked otherwise."""
    return page(
        "ListEndpointConfigs",
        request,
        state.scope(caller).endpoint_configs.values(),
        descending=True,
        filtered_pages=state.switches.filtered_pages,
    ).answer("EndpointConfigs", EndpointConfig.summary)


def delete_endpoint_config(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Delete an endpoint config, also while an endpoint is on it: AWS has no guard."""
    scope = state.scope(caller)
    config = find_endpoint_config(state, scope, request["EndpointConfigName"])
    del scope.endpoint_configs[config.name.lower()]
    tags.forget(scope, config.arn)
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
        state: What the control plane keeps.
        scope: Where to look.
        name: Its name.
        for_deployment: Whether an endpoint is about to use it, which may not see it yet.

    Raises:
        ServiceError: There is none.
    """
    config = state.find(scope.endpoint_configs, name)
    if config is None or (for_deployment and state.time < config.visible_from):
        raise errors.could_not_find("endpoint configuration", state.arn(scope, "endpoint-config", name))
    return config


def check_concurrency(serverless_config: Mapping[str, Any]) -> None:
    """Refuse more provisioned concurrency than there may be concurrency at all.

    Raises:
        ServiceError: There is.
    """
    if serverless_config.get("ProvisionedConcurrency", 0) > serverless_config["MaxConcurrency"]:
        raise errors.validation("ServerlessConfig.ProvisionedConcurrency cannot exceed MaxConcurrency.")


def _shown(variant: Variant) -> Variant:
    """Return a variant as DescribeEndpointConfig shows it: a serverless one with storage nobody asked for."""
    return {**variant, "VolumeSizeInGB": _SERVERLESS_VOLUME_GB} if "ServerlessConfig" in variant else variant


def _with_defaults(variant: Variant) -> Variant:
    # "If unspecified, it defaults to 1.0" (botocore: ProductionVariant.InitialVariantWeight).
    return {**variant, "InitialVariantWeight": float(variant.get("InitialVariantWeight", 1.0))}


def _check_names(request: Mapping[str, Any]) -> None:
    names = [
        item["VariantName"]
        for item in (*request["ProductionVariants"], *request.get("ShadowProductionVariants", ()))
    ]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise errors.validation(
            f'The variant name "{repeated}" is used more than once; variant names must be unique.'
        )


def _check_shadow(request: Mapping[str, Any]) -> None:
    shadows = request.get("ShadowProductionVariants")
    if shadows is not None and (len(shadows), len(request["ProductionVariants"])) != (1, 1):
        raise errors.validation(
            "An endpoint configuration with ShadowProductionVariants must have exactly one production "
            "variant and one shadow variant."
        )


def _check_shadowed(state: State, scope: Scope, variant: Variant) -> None:
    """Refuse what shadow tests cannot have (developer guide, "Shadow tests", its note)."""
    name = variant["VariantName"]
    model = find_model(state, scope, variant["ModelName"]) if "ModelName" in variant else None
    definitions = (
        [] if model is None else model.request.get("Containers") or [model.request["PrimaryContainer"]]
    )
    if len(definitions) > 1 or any(definition.get("Mode") == "MultiModel" for definition in definitions):
        raise errors.validation(
            f'The model of variant "{name}" has several containers or models, which shadow variants do not '
            "support."
        )
    if (instance_type_of(variant) or "").startswith("ml.inf1."):
        raise errors.validation(
            f'Variant "{name}" runs on Inf1 instances, which shadow variants do not support.'
        )


def _check_asynchronous(request: Mapping[str, Any]) -> None:
    if "AsyncInferenceConfig" not in request:
        return
    variants = request["ProductionVariants"]
    if len(variants) > 1 or "ShadowProductionVariants" in request:
        raise errors.validation(
            "AsyncInferenceConfig requires exactly one production variant and no shadow variant."
        )
    if "ServerlessConfig" in variants[0]:
        raise errors.validation("AsyncInferenceConfig cannot be used with ServerlessConfig.")


def _check_capacity(variant: Variant) -> None:
    name = variant["VariantName"]
    if "ServerlessConfig" in variant:
        given = [member for member in NOT_IN_SERVERLESS_VARIANTS if member in variant]
        if given:
            raise errors.validation(
                f'{", ".join(given)} cannot be specified together with ServerlessConfig for variant "{name}".'
            )
        return
    if "AcceleratorType" in variant:
        raise errors.validation(f'AcceleratorType is no longer supported; remove it from variant "{name}".')
    if ("InstanceType" in variant) == ("InstancePools" in variant):
        raise errors.validation(
            f'Variant "{name}" must specify exactly one of InstanceType, InstancePools and ServerlessConfig.'
        )
    if "InitialInstanceCount" not in variant and "ManagedInstanceScaling" not in variant:
        raise errors.validation(f'InitialInstanceCount is required for variant "{name}".')
    if "ManagedInstanceScaling" in variant and "ModelName" in variant:
        raise errors.validation("ManagedInstanceScaling is only supported for inference component endpoints.")


def _check_serverless(state: State, request: Mapping[str, Any], variant: Variant) -> None:
    serverless = variant["ServerlessConfig"]
    if serverless["MemorySizeInMB"] not in SERVERLESS_MEMORY_SIZES:
        sizes = ", ".join(map(str, SERVERLESS_MEMORY_SIZES))
        raise errors.validation(f"ServerlessConfig.MemorySizeInMB must be one of {sizes}.")
    check_concurrency(serverless)
    if len(request["ProductionVariants"]) > 1 or "ShadowProductionVariants" in request:
        raise errors.validation("A serverless endpoint must have exactly one production variant.")
    if "ExplainerConfig" in request and state.switches.undocumented_combinations is Answer.REFUSE:
        raise errors.validation("ExplainerConfig is not supported for serverless endpoints.")
    for member in NOT_IN_SERVERLESS_CONFIGS:
        if member in request:
            raise errors.validation(f"{member} is not supported for serverless endpoints.")
    if request.get("EnableNetworkIsolation"):
        raise errors.validation("EnableNetworkIsolation is not supported for serverless endpoints.")


def _check_model(state: State, scope: Scope, request: Mapping[str, Any], variant: Variant) -> None:
    name = variant["VariantName"]
    if "ModelName" not in variant:
        if "ExecutionRoleArn" not in request:
            raise errors.validation(
                f'Variant "{name}" must specify ModelName, unless the endpoint configuration is for '
                "inference components and specifies ExecutionRoleArn."
            )
        return
    of_components = ["ExecutionRoleArn"]
    if state.switches.undocumented_combinations is Answer.REFUSE:
        of_components += ["VpcConfig", "EnableNetworkIsolation"]
    given = [member for member in of_components if request.get(member)]
    if given:
        raise errors.validation(
            f"{' and '.join(given)} of an endpoint configuration is for inference component endpoints; "
            "specify it in the model instead."
        )
    model = find_model(state, scope, variant["ModelName"])
    if model.execution_role_arn is None:
        raise errors.validation(f'The model "{model.arn}" has no ExecutionRoleArn, so it cannot be hosted.')
    refuse_unapproved_packages(state, model, UnapprovedPackage.CREATE_ENDPOINT_CONFIG)
    if "ServerlessConfig" in variant:
        _check_serverless_model(model)
    instance_type = instance_type_of(variant)
    if (
        state.switches.supported_instance_types is Answer.REFUSE
        and instance_type is not None
        and model.supported_instance_types is not None
        and instance_type not in model.supported_instance_types
    ):
        raise errors.validation(
            f"The instance type {instance_type} is not among the SupportedRealtimeInferenceInstanceTypes of "
            f'the model package of model "{model.arn}".'
        )


def _check_serverless_model(model: Model) -> None:
    definitions = model.request.get("Containers") or [model.request["PrimaryContainer"]]
    if any("ModelDataSource" in definition for definition in definitions):
        raise errors.validation(
            "Model with containers that use ModelDataSource is not supported for serverless endpoints."
        )
    if len(model.containers) > 1:
        raise errors.validation(
            f'The model "{model.arn}" has several containers; serverless endpoints take one.'
        )
    if any(definition.get("Mode") == "MultiModel" for definition in definitions):
        raise errors.validation(
            f'The multi-model model "{model.arn}" is not supported for serverless endpoints.'
        )
    if any(
        definition.get("ImageConfig", {}).get("RepositoryAccessMode") == "Vpc" for definition in definitions
    ):
        raise errors.validation(
            f'The model "{model.arn}" is in a private registry, which serverless endpoints do not support.'
        )
    if "VpcConfig" in model.request:
        raise errors.validation(
            f'The model "{model.arn}" has a VpcConfig, which serverless endpoints do not support.'
        )
    if model.request.get("EnableNetworkIsolation"):
        raise errors.validation(
            f'The model "{model.arn}" has network isolation enabled, which serverless endpoints do not '
            "support."
        )


def _check_routing(variant: Variant) -> None:
    """Check what goes with PREFIX_AWARE, and with nothing else (botocore: ProductionVariantRoutingConfig)."""
    routing = variant.get("RoutingConfig")
    if routing is None:
        return
    by_prefix = routing["RoutingStrategy"] == "PREFIX_AWARE"
    details = routing.get("PrefixAwareRoutingConfig", {})
    if by_prefix and not {"PrefixLength", "ConcurrencyThreshold"} <= details.keys():
        raise errors.validation(
            "PREFIX_AWARE requires PrefixAwareRoutingConfig with PrefixLength and ConcurrencyThreshold."
        )
    if not by_prefix and "PrefixAwareRoutingConfig" in routing:
        raise errors.validation("PrefixAwareRoutingConfig can be specified for PREFIX_AWARE only.")


def _check_metrics(request: Mapping[str, Any]) -> None:
    frequency = request.get("MetricsConfig", {}).get("MetricPublishFrequencyInSeconds")
    if frequency is not None and frequency not in PUBLISH_FREQUENCIES:
        listed = ", ".join(map(str, PUBLISH_FREQUENCIES))
        raise errors.validation(f"MetricPublishFrequencyInSeconds must be one of {listed}.")


def _check_volume_size(variant: Variant) -> None:
    """Refuse a volume's size beside NVMe disks; a KMS key is accepted (botocore)."""
    local = [name for name in instance_types_of(variant) if has_local_storage(name)]
    if "VolumeSizeInGB" in variant and local:
        raise errors.volume_size(local[0])
