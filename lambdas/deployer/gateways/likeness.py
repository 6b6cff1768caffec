"""Tells whether a model or endpoint config under our name is exactly what we ask for. Pure.

Anybody can compute the names, so somebody else can create the resource first: with all that is wanted, plus a
proxy or a capture of all calls. So each member of SageMaker's requests is in one class here. SageMaker fills
in some members. If these counted, the deployer would not recognise its own work after a crash, or when it
restores a former version.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Surplus(Enum):
    """What an unrequested member means."""

    COUNTS = "counts"
    """It can change what runs, who sees the calls, or the rights: the resource is not ours."""

    HARMLESS = "harmless"
    """SageMaker may have filled it in, and it changes none of these."""


@value
class FilledIn:
    """A member that counts, except with the value that SageMaker fills in."""

    default: object


Members: TypeAlias = "Mapping[str, Members | Surplus | FilledIn]"
"""The members of a structure, or of each structure of a list."""

_COUNTS, _HARMLESS = Surplus.COUNTS, Surplus.HARMLESS

_S3_DATA_SOURCE: Final[Members] = {
    "S3Uri": _COUNTS,
    "S3DataType": _COUNTS,
    "CompressionType": _COUNTS,
    "ModelAccessConfig": {"AcceptEula": _HARMLESS},
    "HubAccessConfig": {"HubContentArn": _COUNTS},
    "ManifestS3Uri": _COUNTS,
    # What SageMaker found at the addresses above; the addresses are compared.
    "ETag": _HARMLESS,
    "ManifestEtag": _HARMLESS,
}

_CONTAINER: Final[Members] = {
    # Chooses among the containers of one model, and all of those are compared.
    "ContainerHostname": _HARMLESS,
    "Image": _COUNTS,
    "ImageConfig": {
        "RepositoryAccessMode": FilledIn("Platform"),
        "RepositoryAuthConfig": {"RepositoryCredentialsProviderArn": _COUNTS},
    },
    "Mode": FilledIn("SingleModel"),
    "ModelDataUrl": _COUNTS,
    "ModelDataSource": {"S3DataSource": _S3_DATA_SOURCE},
    "AdditionalModelDataSources": {"ChannelName": _COUNTS, "S3DataSource": _S3_DATA_SOURCE},
    "Environment": _COUNTS,
    "ModelPackageName": _COUNTS,
    "InferenceSpecificationName": _COUNTS,
    # Only for several models in one container, which `Mode` shows.
    "MultiModelConfig": {"ModelCacheSetting": _HARMLESS},
    "ContainerMetricsConfig": {
        "MetricsEndpoints": {"MetricsEndpointPath": _COUNTS, "MetricPublishFrequencyInSeconds": _HARMLESS}
    },
}

_VPC: Final[Members] = {"SecurityGroupIds": _COUNTS, "Subnets": _COUNTS}

_TAGS: Final[Members] = {"Key": _HARMLESS, "Value": _HARMLESS}
"""Descriptions show no tags. ListTags reads those that prove who made a resource; others may be added."""

MODEL: Final[Members] = {
    "ModelName": _COUNTS,
    "PrimaryContainer": _CONTAINER,
    "Containers": _CONTAINER,
    "InferenceExecutionConfig": {"Mode": FilledIn("Serial")},
    "ExecutionRoleArn": _COUNTS,
    "Tags": _TAGS,
    "VpcConfig": _VPC,
    "EnableNetworkIsolation": _COUNTS,
}
"""Members of `CreateModel`."""

_VARIANT: Final[Members] = {
    "VariantName": _COUNTS,
    "ModelName": _COUNTS,
    "InitialInstanceCount": _HARMLESS,
    # A variant has one of these three, and the requested one is compared. The other two count, as they may
    # change more than where it runs: a pool can name another model.
    "InstanceType": _HARMLESS,
    "InstancePools": {"InstanceType": _COUNTS, "ModelNameOverride": _COUNTS, "Priority": _COUNTS},
    "ServerlessConfig": {
        "MemorySizeInMB": _COUNTS,
        "MaxConcurrency": _COUNTS,
        "ProvisionedConcurrency": _COUNTS,
    },
    "VariantInstanceProvisionTimeoutInSeconds": _HARMLESS,
    "InitialVariantWeight": _HARMLESS,
    "AcceleratorType": _COUNTS,
    "CoreDumpConfig": {"DestinationS3Uri": _COUNTS, "KmsKeyId": _COUNTS},
    "VolumeSizeInGB": _HARMLESS,
    "ModelDataDownloadTimeoutInSeconds": _HARMLESS,
    "ContainerStartupHealthCheckTimeoutInSeconds": _HARMLESS,
    "EnableSSMAccess": _COUNTS,
    "ManagedInstanceScaling": {
        "Status": FilledIn("DISABLED"),
        "MinInstanceCount": _COUNTS,
        "MaxInstanceCount": _COUNTS,
        "ScaleInPolicy": {
            "Strategy": _HARMLESS,
            "MaximumStepSize": _HARMLESS,
            "CooldownInMinutes": _HARMLESS,
        },
    },
    "RoutingConfig": {
        "RoutingStrategy": FilledIn("RANDOM"),
        "PrefixAwareRoutingConfig": {"PrefixLength": _COUNTS, "ConcurrencyThreshold": _COUNTS},
    },
    "InferenceAmiVersion": _COUNTS,
    "CapacityReservationConfig": {"CapacityReservationPreference": _COUNTS, "MlReservationArn": _COUNTS},
}

ENDPOINT_CONFIG: Final[Members] = {
    "EndpointConfigName": _COUNTS,
    "ProductionVariants": _VARIANT,
    "DataCaptureConfig": {
        "EnableCapture": _COUNTS,
        "InitialSamplingPercentage": _COUNTS,
        "DestinationS3Uri": _COUNTS,
        "KmsKeyId": _COUNTS,
        "CaptureOptions": {"CaptureMode": _COUNTS},
        # How a captured body is encoded.
        "CaptureContentTypeHeader": {"CsvContentTypes": _HARMLESS, "JsonContentTypes": _HARMLESS},
    },
    "Tags": _TAGS,
    "KmsKeyId": _COUNTS,
    "AsyncInferenceConfig": {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": _HARMLESS},
        "OutputConfig": {
            "KmsKeyId": _COUNTS,
            "S3OutputPath": _COUNTS,
            "NotificationConfig": {
                "SuccessTopic": _COUNTS,
                "ErrorTopic": _COUNTS,
                "IncludeInferenceResponseIn": _COUNTS,
            },
            "S3FailurePath": _COUNTS,
        },
    },
    "ExplainerConfig": {
        "ClarifyExplainerConfig": {
            # It can only reduce the explained calls: without it, each call is explained.
            "EnableExplanations": _HARMLESS,
            "InferenceConfig": {
                "FeaturesAttribute": _COUNTS,
                "ContentTemplate": _COUNTS,
                "MaxRecordCount": _HARMLESS,
                "MaxPayloadInMB": _HARMLESS,
                "ProbabilityIndex": _HARMLESS,
                "LabelIndex": _HARMLESS,
                "ProbabilityAttribute": _HARMLESS,
                "LabelAttribute": _HARMLESS,
                "LabelHeaders": _HARMLESS,
                "FeatureHeaders": _HARMLESS,
                "FeatureTypes": _HARMLESS,
            },
            "ShapConfig": {
                "ShapBaselineConfig": {
                    "MimeType": _HARMLESS,
                    "ShapBaseline": _COUNTS,
                    "ShapBaselineUri": _COUNTS,
                },
                "NumberOfSamples": _HARMLESS,
                "UseLogit": _HARMLESS,
                "Seed": _HARMLESS,
                "TextConfig": {"Language": _COUNTS, "Granularity": _COUNTS},
            },
        }
    },
    "ShadowProductionVariants": _VARIANT,
    "ExecutionRoleArn": _COUNTS,
    "VpcConfig": _VPC,
    "EnableNetworkIsolation": _COUNTS,
    # CloudWatch metrics of this account; on by default for new configs (botocore: `MetricsConfig`).
    "MetricsConfig": {
        "EnableEnhancedMetrics": _HARMLESS,
        "EnableDetailedObservability": _HARMLESS,
        "MetricPublishFrequencyInSeconds": _HARMLESS,
    },
}
"""Members of `CreateEndpointConfig`."""


def differences(
    existing: Mapping[str, Any],
    wanted: Mapping[str, Any],
    members: Members,
    brought: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    """Describe each difference between a resource and a request; none if it is the requested resource.

    Absent, None, False and empty are the same: SageMaker may show any of these.

    Args:
        existing: The resource as SageMaker describes it, its containers in `Containers`.
        wanted: The request.
        members: `MODEL` or `ENDPOINT_CONFIG`.
        brought: The containers of the model package that the request's only container names. A model may or
            may not show their members, merged with the request's.
    """
    found = {name: value for name, value in existing.items() if name in members}
    required, allowed = wanted, wanted
    if brought:
        asked, shown = wanted["Containers"][0], found["Containers"]
        merged = [_merged(each, asked) for each in brought]
        allowed = {**wanted, "Containers": merged}
        required = {**wanted, "Containers": _required(asked, merged, shown)}
    different = [*_unmet(required, found, ""), *_surplus(found, allowed, members, "")]
    return list(dict.fromkeys(different))


def _required(
    asked: Mapping[str, Any], merged: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return what the containers must have: the request, with all of the package's environment or none.

    With a part of it, somebody could have dropped the rest. AWS does not document how SageMaker merges both.
    """
    containers: list[dict[str, Any]] = [{**asked}]
    if len(shown) == len(merged):
        containers += [{} for _ in merged[1:]]
    for own, full, there in zip(containers, merged, shown, strict=False):
        environment = there.get("Environment") or {}
        if environment.keys() - (asked.get("Environment") or {}).keys():
            own["Environment"] = full["Environment"]
    return containers


def _unmet(wanted: Any, found: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Describe what is requested and missing."""
    if isinstance(wanted, dict):
        shown = found if isinstance(found, dict) else {}
        for name, value in wanted.items():
            if name != "Tags":
                yield from _unmet(value, shown.get(name), _below(path, name))
    elif isinstance(wanted, list) and any(isinstance(each, dict) for each in wanted):
        for place, one, other in _paired(wanted, found if isinstance(found, list) else [], path):
            yield from [f"{place} is missing"] if other is None else _unmet(one, other, place)
    elif wanted is not None and not _same(wanted, found):
        yield f"{path} is missing" if _is_empty(found) else f"{path} has another value"


def _surplus(
    found: Any,  # noqa: ANN401 - likewise
    allowed: Any,  # noqa: ANN401 - likewise
    members: Members | Surplus | FilledIn,
    path: str,
    *,
    strict: bool = False,
) -> Iterator[str]:
    """Describe what is there, counts, and was not requested.

    Args:
        found: What is there.
        allowed: What may be there.
        members: The classes of what is there.
        path: Where it is.
        strict: Whether harmless members count, as they are inside a member that was not requested.
    """
    if _is_empty(found) or _is_excused(found, members, strict=strict):
        return
    if isinstance(found, dict):
        asked = allowed if isinstance(allowed, dict) else {}
        for name, value in found.items():
            within = members if isinstance(members, Surplus | FilledIn) else members[name]
            unasked = strict or (name not in asked and _any_counts(within))
            yield from _surplus(value, asked.get(name), within, _below(path, name), strict=unasked)
    elif isinstance(found, list) and any(isinstance(each, dict) for each in found):
        for place, one, other in _paired(found, allowed if isinstance(allowed, list) else [], path):
            if other is None:
                yield f"{place} was not asked for"
            else:
                yield from _surplus(one, other, members, place, strict=strict)
    elif not _same(allowed, found):
        yield f"{path} was not asked for" if _is_empty(allowed) else f"{path} has another value"


def _is_excused(found: object, members: Members | Surplus | FilledIn, *, strict: bool) -> bool:
    if isinstance(members, FilledIn):
        return found == members.default
    return members is _HARMLESS and not strict


def _any_counts(members: Members | Surplus | FilledIn) -> bool:
    if isinstance(members, Surplus | FilledIn):
        return members is _COUNTS
    return any(map(_any_counts, members.values()))


def _paired(ones: list[Any], others: list[Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    """Pair the structures of two lists: variants by their names, in any order, others by position."""
    names = [each.get("VariantName") for each in (*ones, *others)]
    if all(names):
        named = {each["VariantName"]: each for each in others}
        for each in ones:
            yield f"{path}[{each['VariantName']}]", each, named.get(each["VariantName"])
        return
    for index, each in enumerate(ones):
        yield f"{path}[{index}]", each, others[index] if index < len(others) else None


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a package's container with the request's members over it."""
    environment = {**(base.get("Environment") or {}), **(own.get("Environment") or {})}
    return {**base, **own, "Environment": environment}


def _same(one: object, other: object) -> bool:
    if _is_empty(one) or _is_empty(other):
        return _is_empty(one) and _is_empty(other)
    if isinstance(one, str) and isinstance(other, str) and one.startswith("arn:"):
        # SageMaker lower-cases names inside ARNs.
        return one.lower() == other.lower()
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(each, str) for each in one):
        # The order of words, such as subnets and content types, never matters.
        return sorted(one) == sorted(map(str, other))
    return one == other


def _is_empty(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_empty, value.values()))
    if isinstance(value, list):
        return all(map(_is_empty, value))
    return value is None or value is False or value == ""


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
