"""Settings of an endpoint config that exclude each other, beyond the shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import errors
from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import (
    Variant,
    instance_type_of,
    instance_types_of,
)
from local_cloud.sagemaker.models import Model, find_model, refuse_unapproved_packages
from local_cloud.sagemaker.switch_settings import Answer, UnapprovedPackage
from service_model.hosting import (
    NOT_IN_SERVERLESS_CONFIGS,
    NOT_IN_SERVERLESS_VARIANTS,
    PUBLISH_FREQUENCIES,
    SERVERLESS_MEMORY_SIZES,
    has_local_storage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.state import Scope, State


def check_settings(request: Mapping[str, Any]) -> None:
    """Refuse a config whose settings contradict each other, independent of its models.

    Raises:
        ServiceError: They do.
    """
    _check_names(request)
    _check_shadow(request)
    _check_asynchronous(request)
    _check_metrics(request)


def check_variants(state: State, scope: Scope, request: Mapping[str, Any]) -> None:
    """Refuse a config with a variant that cannot run its model, or not with its settings.

    Raises:
        ServiceError: It has one.
    """
    for variant in (*request["ProductionVariants"], *request.get("ShadowProductionVariants", ())):
        _check_capacity(variant)
        if "ServerlessConfig" in variant:
            _check_serverless(state, request, variant)
        _check_model(state, scope, request, variant)
        _check_volume_size(variant)
        _check_routing(variant)
        if "ShadowProductionVariants" in request:
            _check_shadowed(state, scope, variant)


def check_concurrency(serverless_config: Mapping[str, Any]) -> None:
    """Refuse provisioned concurrency above the maximum concurrency.

    Raises:
        ServiceError: It is above the maximum.
    """
    if serverless_config.get("ProvisionedConcurrency", 0) > serverless_config["MaxConcurrency"]:
        raise errors.validation("ServerlessConfig.ProvisionedConcurrency cannot exceed MaxConcurrency.")


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
    """Refuse settings that shadow tests exclude (developer guide, "Shadow tests", its note)."""
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
    """Check the members for PREFIX_AWARE (botocore: ProductionVariantRoutingConfig)."""
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
