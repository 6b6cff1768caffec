"""Owns where each member of SageMaker's requests and each argument of its SDK's deploy() is in the settings.

Members that keys set are known from the keys' mapping. Here are the others: reachable through `overrides`,
set by the deployer, or absent, with the reason. A member that botocore gains is placed nowhere until somebody
decides.
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
"""Members that no key sets, and that an override can."""

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
        "Tags": "key `tags`, and the tags by which Greenlight knows its own",
    },
    "CreateEndpointConfig": {
        "EndpointConfigName": _NAMED,
        "ProductionVariants[].ModelName": _NAMED,
        "ProductionVariants[].InstancePools[].ModelNameOverride": _NAMED,
        "ProductionVariants[].ManagedInstanceScaling": "for inference components only; see key `autoscaling`",
        "DataCaptureConfig.EnableCapture": "true whenever the key `data_capture` is there",
        "ShadowProductionVariants[].VariantName": "always `Shadow`: an endpoint has one at most",
        "ShadowProductionVariants[].ModelName": _NAMED,
        "ShadowProductionVariants[].InstancePools[].ModelNameOverride": _NAMED,
        "ShadowProductionVariants[].ServerlessConfig": "serverless endpoints have one variant, and no shadow",
        "ShadowProductionVariants[].ManagedInstanceScaling": "for inference components only",
        "ExecutionRoleArn": "for inference components only, which hold no approved version",
        "Tags": "key `tags`, and the tags by which Greenlight knows its own",
    },
    "CreateEndpoint": {
        "EndpointName": "key `endpoint_name`, or the name of the file",
        "EndpointConfigName": _NAMED,
        "DeploymentConfig": "a creation only stores it; Greenlight sends it with every update",
        "Tags": "key `tags`, and the tags by which Greenlight knows its own",
    },
    "UpdateEndpoint": {
        "EndpointName": "key `endpoint_name`, or the name of the file",
        "EndpointConfigName": _NAMED,
        "RetainAllVariantProperties": "set by Greenlight: counts that scaling chose survive an update",
        "ExcludeRetainedVariantProperties": "set by Greenlight, for what the settings change",
        "RetainDeploymentConfig": "not needed: the settings say each time how to roll out",
    },
}
"""Members, each with all that is below it, that nobody sets in the settings, and why."""

SDK_SOURCE: Final = "sagemaker 2.257.7, `sagemaker.ModelPackage.deploy`"
SDK_ARGUMENTS: Final[dict[str, str]] = {
    "initial_instance_count": "`instance_count`",
    "instance_type": "`instance_type`",
    "serializer": "absent: it shapes the calls of one client, not the endpoint",
    "deserializer": "absent: it shapes the calls of one client, not the endpoint",
    "accelerator_type": "`overrides` (Elastic Inference; SageMaker takes no new users of it)",
    "endpoint_name": "`endpoint_name`, or the name of the file",
    "tags": "`tags`",
    "kms_key": "`kms_key_id`",
    "wait": "absent: outcomes are told, and nobody has to wait",
    "data_capture_config": "`data_capture`",
    "async_inference_config": "`asynchronous`",
    "serverless_inference_config": "`serverless`",
    "volume_size": "`volume_size_in_gb`",
    "model_data_download_timeout": "`model_data_download_timeout_in_seconds`",
    "container_startup_health_check_timeout": "`container_startup_health_check_timeout_in_seconds`",
    "inference_recommendation_id": "absent: write what was recommended as `instance_type` and `environment`",
    "explainer_config": "`explainer`",
    "accept_eula": "absent: accepted when the version is registered, with its ModelDataSource",
    "endpoint_logging": "absent: it follows the log of an inference component while waiting for it",
    "resources": "absent: for inference components only",
    "endpoint_type": "absent: endpoints are model-based, as inference components hold no approved version",
    "managed_instance_scaling": "absent: for inference components only; see `autoscaling`",
    "inference_component_name": "absent: for inference components only",
    "routing_config": "`routing`",
    "model_reference_arn": "absent: for models of a hub; here the version is what was approved",
    "inference_ami_version": "`inference_ami_version`",
    "update_endpoint": "absent: an endpoint that exists is always updated in place",
    "kwargs": "absent: passed on to the model's constructor",
}
"""Every argument of the SDK's deploy(), and the key in whose place it stands."""


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
"""Members, each with all that is below it, that a newer botocore knows and the pinned one does not."""

NEWER_VALUES: Final[dict[str, str]] = {
    "`RoutingStrategy: KV_AWARE`": f"{_UNCHECKED}; for containers that support it",
    "`PutEndpointPolicy`": "absent: it belongs to the endpoint, stays through updates, and goes with it",
    "`CreateInferenceRouter`, `CreateGlobalInferenceGateway`": "absent: routers and gateways stand before "
    "endpoints, and are others' to make",
}
"""What else is new there, beside members."""


def unplaced(model: ServiceModel) -> list[str]:
    """List members of a service model's requests that are placed nowhere, not even as newer ones."""
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
    """Say why a member cannot be set; None if it can, or is placed nowhere."""
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
    """Say where a member is in the settings, in Markdown; None if nobody decided yet."""
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
