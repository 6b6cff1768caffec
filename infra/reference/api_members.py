"""Owns the place in the settings of each member of SageMaker's requests and each argument of `deploy()`.

The keys' mapping knows the members that keys set. This module lists the others: set by `overrides`, set by
the deployer, or absent for a reason. A new member of botocore has no place until somebody decides.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from infra.settings.aws_shapes import sagemaker
from infra.settings.compiling.field_mapping import FIELD_MAPPINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.problem import FieldPath

OPERATIONS: Final = ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint")

_S3_SOURCE: Final = (
    "S3Uri", "S3DataType", "CompressionType", "ModelAccessConfig.AcceptEula", "HubAccessConfig.HubContentArn",
    "ManifestS3Uri", "ETag", "ManifestEtag",
)  # fmt: skip

_OF_VARIANTS: Final = (
    "InstancePools[].InstanceType",
    "InstancePools[].Priority",
    "VariantInstanceProvisionTimeoutInSeconds",
    "AcceleratorType",
    "CoreDumpConfig.DestinationS3Uri",
    "CoreDumpConfig.KmsKeyId",
    "EnableSSMAccess",
    "RoutingConfig.PrefixAwareRoutingConfig.PrefixLength",
    "RoutingConfig.PrefixAwareRoutingConfig.ConcurrencyThreshold",
    "CapacityReservationConfig.CapacityReservationPreference",
    "CapacityReservationConfig.MlReservationArn",
)

THROUGH_OVERRIDES: Final[dict[str, frozenset[str]]] = {
    "CreateModel": frozenset(
        {
            "Containers[].ContainerHostname",
            "Containers[].ImageConfig.RepositoryAccessMode",
            "Containers[].ImageConfig.RepositoryAuthConfig.RepositoryCredentialsProviderArn",
            "Containers[].Mode",
            "Containers[].AdditionalModelDataSources[].ChannelName",
            *(f"Containers[].AdditionalModelDataSources[].S3DataSource.{member}" for member in _S3_SOURCE),
            "Containers[].MultiModelConfig.ModelCacheSetting",
            "Containers[].ContainerMetricsConfig.MetricsEndpoints[].MetricsEndpointPath",
            "Containers[].ContainerMetricsConfig.MetricsEndpoints[].MetricPublishFrequencyInSeconds",
            "InferenceExecutionConfig.Mode",
        }
    ),
    "CreateEndpointConfig": frozenset(
        {
            *(
                f"{variants}[].{member}"
                for variants in ("ProductionVariants", "ShadowProductionVariants")
                for member in _OF_VARIANTS
            ),
            "VpcConfig.SecurityGroupIds",
            "VpcConfig.Subnets",
            "EnableNetworkIsolation",
            "MetricsConfig.EnableEnhancedMetrics",
            "MetricsConfig.EnableDetailedObservability",
            "MetricsConfig.MetricPublishFrequencyInSeconds",
        }
    ),
    "CreateEndpoint": frozenset(),
    "UpdateEndpoint": frozenset(),
}
"""Members that only an override can set."""

_NAMED: Final = "named by Greenlight after the endpoint, the version and the settings"
_VERSION: Final = "comes from the approved model version"

ABSENT: Final[dict[str, dict[str, str]]] = {
    "CreateModel": {
        "ModelName": _NAMED,
        "PrimaryContainer": "the same as the only item of `Containers`, which is used instead",
        "Containers[].Image": _VERSION,
        "Containers[].ModelDataUrl": _VERSION,
        "Containers[].ModelDataSource": _VERSION,
        "Containers[].ModelPackageName": "the approved model version",
        "Tags": "key `tags`, and Greenlight's own tags",
    },
    "CreateEndpointConfig": {
        "EndpointConfigName": _NAMED,
        "ProductionVariants[].ModelName": _NAMED,
        "ProductionVariants[].InstancePools[].ModelNameOverride": _NAMED,
        "ProductionVariants[].ManagedInstanceScaling": "for inference components only; see key `autoscaling`",
        "DataCaptureConfig.EnableCapture": "true if the key `data_capture` is present",
        "ShadowProductionVariants[].VariantName": "always `Shadow`: an endpoint has at most one",
        "ShadowProductionVariants[].ModelName": _NAMED,
        "ShadowProductionVariants[].InstancePools[].ModelNameOverride": _NAMED,
        "ShadowProductionVariants[].ServerlessConfig": "serverless endpoints have one variant, and no shadow",
        "ShadowProductionVariants[].ManagedInstanceScaling": "for inference components only",
        "ExecutionRoleArn": "for inference components only, which have no approved version",
        "Tags": "key `tags`, and Greenlight's own tags",
    },
    "CreateEndpoint": {
        "EndpointName": "key `endpoint_name`, or the name of the file",
        "EndpointConfigName": _NAMED,
        "DeploymentConfig": "a creation only stores it; Greenlight sends it with every update",
        "Tags": "key `tags`, and Greenlight's own tags",
    },
    "UpdateEndpoint": {
        "EndpointName": "key `endpoint_name`, or the name of the file",
        "EndpointConfigName": _NAMED,
        "RetainAllVariantProperties": "set by Greenlight: instance counts set by scaling survive an update",
        "ExcludeRetainedVariantProperties": "set by Greenlight, for properties that the settings change",
        "RetainDeploymentConfig": "not needed: the settings always say how to roll out",
    },
}
"""Members that no setting can set, each with everything below it and the reason."""

SDK_SOURCE: Final = "sagemaker 2.257.7, `sagemaker.ModelPackage.deploy`"
SDK_ARGUMENTS: Final[dict[str, str]] = {
    "initial_instance_count": "`instance_count`",
    "instance_type": "`instance_type`",
    "serializer": "absent: it affects one client's calls, not the endpoint",
    "deserializer": "absent: it affects one client's calls, not the endpoint",
    "accelerator_type": "`overrides` (Elastic Inference, closed to new users)",
    "endpoint_name": "`endpoint_name`, or the name of the file",
    "tags": "`tags`",
    "kms_key": "`kms_key_id`",
    "wait": "absent: Greenlight reports the outcome; nobody has to wait",
    "data_capture_config": "`data_capture`",
    "async_inference_config": "`asynchronous`",
    "serverless_inference_config": "`serverless`",
    "volume_size": "`volume_size_in_gb`",
    "model_data_download_timeout": "`model_data_download_timeout_in_seconds`",
    "container_startup_health_check_timeout": "`container_startup_health_check_timeout_in_seconds`",
    "inference_recommendation_id": "absent: write the recommendation as `instance_type` and `environment`",
    "explainer_config": "`explainer`",
    "accept_eula": "absent: accepted when the version is registered, with its ModelDataSource",
    "endpoint_logging": "absent: it shows an inference component's log while waiting",
    "resources": "absent: for inference components only",
    "endpoint_type": "absent: inference components have no approved version, so endpoints are model-based",
    "managed_instance_scaling": "absent: for inference components only; see `autoscaling`",
    "inference_component_name": "absent: for inference components only",
    "routing_config": "`routing`",
    "model_reference_arn": "absent: for models of a hub; Greenlight deploys the approved version",
    "inference_ami_version": "`inference_ami_version`",
    "update_endpoint": "absent: an existing endpoint is always updated in place",
    "kwargs": "absent: passed on to the model's constructor",
}
"""Every argument of the SDK's deploy(), and its counterpart in the settings."""


NEWER_SOURCE: Final = "botocore 1.44.8"
_UNCHECKED: Final = "`overrides` with `unchecked: true`"
NEWER: Final[dict[str, dict[str, str]]] = {
    "CreateModel": {},
    "CreateEndpointConfig": {
        "CrossRegionTrafficConfig": _UNCHECKED,
        "ProductionVariants[].AcceleratorPartitionLayouts": f"{_UNCHECKED}; a partition is for an "
        "inference component, and endpoints here have none",
        "ShadowProductionVariants[].AcceleratorPartitionLayouts": f"{_UNCHECKED}, likewise",
    },
    "CreateEndpoint": {},
    "UpdateEndpoint": {},
}
"""Members that only a newer botocore knows, each with everything below it."""

NEWER_VALUES: Final[dict[str, str]] = {
    "`RoutingStrategy: KV_AWARE`": f"{_UNCHECKED}; for containers that support it",
    "`PutEndpointPolicy`": "absent: the policy belongs to the endpoint, and survives updates",
    "`CreateInferenceRouter`, `CreateGlobalInferenceGateway`": "absent: routers and gateways sit in front of "
    "endpoints, and belong to others",
}
"""Other new features of that botocore."""


def unplaced(model: ServiceModel) -> list[str]:
    """List members of a service model's requests that have no place, not even as newer ones."""
    return [
        f"{operation}: {member}"
        for operation in OPERATIONS
        for member in members(operation, model)
        if placed(operation, member) is None
        and not any(_within(member, prefix) for prefix in NEWER[operation])
    ]


def members(operation: str, model: ServiceModel | None = None) -> list[str]:
    """List the leaves of an operation's input, as `ProductionVariants[].InstanceType`."""
    shape = (model or sagemaker()).operation_model(operation).input_shape
    assert shape is not None
    return list(_leaves(shape, ""))


def _leaves(shape: Shape, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and shape.members:
        for name, member in shape.members.items():
            yield from _leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(shape, ListShape) and isinstance(shape.member, StructureShape):
        yield from _leaves(shape.member, f"{path}[]")
    else:
        yield path


def keys_of(operation: str, member: str) -> list[str]:
    """List the keys that set a member."""
    found = [
        written(mapping.key)
        for mapping in FIELD_MAPPINGS
        if mapping.operation == operation and _within(member, written(mapping.path))
    ]
    return list(dict.fromkeys(found))


def reason_for_absence(operation: str, member: str) -> str | None:
    """Say why a member cannot be set; None if it can, or has no place."""
    for prefix, reason in ABSENT[operation].items():
        if _within(member, prefix):
            return reason
    return None


def _within(member: str, prefix: str) -> bool:
    return member == prefix or member.startswith((f"{prefix}.", f"{prefix}[]"))


def written(path: FieldPath) -> str:
    """Write a path of keys or of fields, items of lists as `[]`: `ProductionVariants[].InstanceType`."""
    text = ""
    for part in path:
        text += "[]" if isinstance(part, int) or part == "*" else f".{part}" if text else part
    return text


def placed(operation: str, member: str) -> str | None:
    """Say in Markdown which setting sets a member; None if nobody has decided."""
    keys = keys_of(operation, member)
    if keys:
        return ", ".join(f"`{key}`" for key in keys)
    if member in THROUGH_OVERRIDES[operation]:
        return "`overrides`"
    reason = reason_for_absence(operation, member)
    return None if reason is None else f"absent: {reason}"


def _main(data_directory: str) -> None:
    loader = Loader(extra_search_paths=[data_directory], include_default_search_paths=False)
    model = ServiceModel(loader.load_service_model("sagemaker", "service-2"), "sagemaker")
    sys.stdout.write("".join(f"{member}\n" for member in unplaced(model)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
