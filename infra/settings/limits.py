"""Owns the rules that AWS documents and that the service model does not hold.

Each check looks at a compiled endpoint and yields (operation, violation), like the service model's own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from infra.settings.guardrails import guardrail_violations
from infra.settings.problem import shown
from infra.settings.service_model import Violation, shape
from service_model.hosting import (
    BURSTABLE_SOURCE,
    CAPACITY_SOURCE,
    GUARDRAILS_SOURCE,
    NOT_IN_SERVERLESS_CONFIGS,
    NOT_IN_SERVERLESS_VARIANTS,
    PUBLISH_FREQUENCIES,
    SERVERLESS_MEMORY_SIZES,
    SERVERLESS_SOURCE,
    SHADOW_SOURCE,
    VOLUME_SIZE_SOURCE,
    family,
    has_local_storage,
    is_burstable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.problem import FieldPath

Refusal: TypeAlias = tuple[str, Violation]

RESERVED_TAGS: Final = ("greenlight:stack", "greenlight:endpoint")
"""Tags that the deployer sets: its role may touch only what carries them."""

MOST_TAGS: Final[int] = shape("TagList").metadata["max"] - len(RESERVED_TAGS)
_RESERVED_PREFIXES: Final = ("aws:", "greenlight:")


def documented_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check a compiled endpoint against what AWS's guides say."""
    yield from _containers(spec)
    yield from (("UpdateEndpoint", violation) for violation in guardrail_violations(spec))
    yield from _scaled(spec)
    yield from _metrics(spec)
    yield from _variants(spec)
    yield from _weights(spec)
    yield from _shadow(spec)
    yield from _asynchronous(spec)
    yield from _places(spec)
    yield from _storage(spec)
    yield from _accelerators(spec)
    yield from _tags(spec)


def _containers(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    containers = spec["CreateModel"].get("Containers", [])
    if isinstance(containers, list) and len(containers) != 1:
        yield _refusal(
            "CreateModel",
            ("Containers",),
            got=f"{len(containers)} containers",
            expected="exactly one, which serves the approved model version",
            fix="keep one container" if containers else "remove this override",
        )


def _variants(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    names: set[str] = set()
    # The shadow first, as its name is given: a variant of the same name has to be renamed.
    members = (
        ("ShadowProductionVariants", "ProductionVariants") if "Shadow" in spec else ("ProductionVariants",)
    )
    for path, variant in _listed(spec, *members):
        name = variant.get("VariantName")
        if isinstance(name, str):
            if name in names:
                yield _refusal(
                    "CreateEndpointConfig",
                    (*path, "VariantName"),
                    got=f"the name {name} a second time",
                    expected="a name of its own for every variant",
                    fix="rename this variant",
                )
            names.add(name)
        yield from _routing(path, variant)
        if "ServerlessConfig" in variant:
            yield from _serverless(spec, path, variant)
        elif all("ServerlessConfig" not in each for _, each in _listed(spec, "ProductionVariants")):
            yield from _capacity(path, variant)
        if "ManagedInstanceScaling" in variant:
            yield _refusal(
                "CreateEndpointConfig",
                (*path, "ManagedInstanceScaling"),
                got="managed instance scaling",
                expected="no ManagedInstanceScaling: SageMaker supports it for inference components only",
                fix="remove it, and scale with the key autoscaling",
                source="SageMaker's answer, seen (terraform-provider-aws PR #45926)",
            )


def _listed(spec: Mapping[str, Any], *members: str) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    """List an endpoint config's variants, less what is none, each with its path."""
    for member in members:
        variants = spec["CreateEndpointConfig"].get(member)
        for index, variant in enumerate(variants if isinstance(variants, list) else []):
            if isinstance(variant, dict):
                yield (member, index), variant


def _accelerators(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what ended with Elastic Inference, and that a variant says once what it runs on."""
    for path, variant in _listed(spec, "ProductionVariants", "ShadowProductionVariants"):
        if "AcceleratorType" in variant:
            yield _refusal(
                "CreateEndpointConfig",
                (*path, "AcceleratorType"),
                got="an accelerator of Elastic Inference",
                expected="none: AWS has ended the service",
                fix="remove it, and choose an instance type with an accelerator, such as ml.inf2.xlarge",
                source="botocore, ProductionVariant.AcceleratorType",
            )


def _weights(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that calls go somewhere: weights are shares of their sum (botocore: InitialVariantWeight)."""
    found = [
        (path, each.get("InitialVariantWeight", 1.0)) for path, each in _listed(spec, "ProductionVariants")
    ]
    shadowed = "ShadowProductionVariants" in spec["CreateEndpointConfig"]
    if all(weight == 0 for _, weight in found) and (len(found) > 1 or (found and shadowed)):
        yield _refusal(
            "CreateEndpointConfig",
            (*found[0][0], "InitialVariantWeight"),
            got="0, and 0 for every other variant" if len(found) > 1 else "0, with a shadow",
            expected="a weight above 0 somewhere: calls are shared, and copied, by weight",
            fix="write 1, say",
        )


def _shadow(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what a shadow may stand beside (botocore: ShadowProductionVariants)."""
    config = spec["CreateEndpointConfig"]
    if "ShadowProductionVariants" not in config and "Shadow" not in spec:
        return
    shadows, variants = config.get("ShadowProductionVariants"), config.get("ProductionVariants")
    production = len(variants) if isinstance(variants, list) else 0
    found: list[tuple[bool, str, str, str]] = [
        (
            "Shadow" not in spec,
            "a shadow that no key describes",
            "the key shadow, which says whose approvals it runs",
            "add shadow, and set here only what has no key",
        ),
        (
            not isinstance(shadows, list) or len(shadows) != 1,
            f"{len(shadows) if isinstance(shadows, list) else 'no'} shadow variants",
            "one shadow variant: SageMaker takes no more",
            "remove this override",
        ),
        (
            production > 1,
            f"a shadow of an endpoint of {production} variants",
            "one variant beside a shadow: SageMaker copies the calls of one",
            "remove the shadow, or keep one variant",
        ),
        (
            "AsyncInferenceConfig" in config,
            "a shadow of an asynchronous endpoint",
            "an endpoint that answers at once: SageMaker serves asynchronous calls from one variant",
            "remove the shadow, or serve without the key asynchronous",
        ),
    ]
    for wrong, got, expected, fix in found:
        if wrong:
            yield _refusal(
                "CreateEndpointConfig",
                ("ShadowProductionVariants",),
                got=got,
                expected=expected,
                fix=fix,
                source="" if "Shadow" not in spec else SHADOW_SOURCE,
            )
            return
    yield from _shadowed(spec)


def _shadowed(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what neither a shadow nor the variant beside it may have (developer guide, "shadow-tests")."""
    if _container(spec).get("Mode") == "MultiModel":
        yield _refusal(
            "CreateModel",
            ("Containers", 0, "Mode"),
            got="a container of several models, with a shadow",
            expected="SingleModel beside a shadow",
            fix="remove the shadow, or this override",
            source=SHADOW_SOURCE,
        )
    for path, variant in _listed(spec, "ProductionVariants", "ShadowProductionVariants"):
        for instance_type in instance_types_of(variant):
            if family(instance_type) == "inf1":
                yield _refusal(
                    "CreateEndpointConfig",
                    (*path, "InstanceType"),
                    got=f"{instance_type}, with a shadow",
                    expected="no Inf1 beside a shadow",
                    fix="choose another instance type, such as ml.inf2.xlarge",
                    source=SHADOW_SOURCE,
                )


def _container(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the only container's definition; empty where there is none to speak of."""
    match spec["CreateModel"].get("Containers"):
        case [dict() as container]:
            return container
    return {}


def instance_types_of(variant: Mapping[str, Any]) -> list[str]:
    """List the instance types that a variant may run on: its own, or those of its pools."""
    pools = variant.get("InstancePools")
    named = [variant.get("InstanceType")]
    named += [
        pool.get("InstanceType")
        for pool in (pools if isinstance(pools, list) else [])
        if isinstance(pool, dict)
    ]
    return [name for name in named if isinstance(name, str)]


def _capacity(path: FieldPath, variant: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that a variant says once what it runs on, and how many of it there are."""
    kinds = [name for name in ("InstanceType", "InstancePools") if name in variant]
    if len(kinds) != 1:
        yield _refusal(
            "CreateEndpointConfig",
            (*path, "InstancePools" if kinds else "InstanceType"),
            got="InstanceType beside InstancePools" if kinds else "neither InstanceType nor InstancePools",
            expected="one of the two",
            fix="set InstanceType to null here" if kinds else "remove the override that takes it away",
            source=CAPACITY_SOURCE,
        )
    elif "InitialInstanceCount" not in variant:
        yield _refusal(
            "CreateEndpointConfig",
            (*path, "InitialInstanceCount"),
            got="nothing",
            expected="a number of instances to begin with",
            fix="remove the override that takes it away",
            source=CAPACITY_SOURCE,
        )


_BY_PREFIX: Final = ("PrefixLength", "ConcurrencyThreshold")


def _routing(path: FieldPath, variant: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what goes with PREFIX_AWARE, and with nothing else."""
    routing = variant.get("RoutingConfig")
    if not isinstance(routing, dict):
        return
    details = routing.get("PrefixAwareRoutingConfig")
    given = details if isinstance(details, dict) else {}
    missing = [name for name in _BY_PREFIX if name not in given]
    strategy = routing.get("RoutingStrategy")
    by_prefix = strategy == "PREFIX_AWARE"
    if (by_prefix and missing) or (not by_prefix and details is not None):
        yield _refusal(
            "CreateEndpointConfig",
            (*path, "RoutingConfig", "PrefixAwareRoutingConfig"),
            got=f"no {' and no '.join(missing)}" if by_prefix else f"it, with {strategy}",
            expected=f"{' and '.join(_BY_PREFIX)} with PREFIX_AWARE, and with nothing else",
            fix=f"add {' and '.join(missing)}" if by_prefix else "remove it",
            source="botocore, PrefixAwareRoutingConfig",
        )


def _scaled(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that nothing scales by itself that bursts."""
    scaling = spec.get("AutoScaling", {})
    for (_, index), variant in _listed(spec, "ProductionVariants"):
        bursting = [name for name in instance_types_of(variant) if is_burstable(name)]
        if bursting and variant.get("VariantName") in scaling:
            yield _refusal(
                "RegisterScalableTarget",
                ("AutoScaling", index),
                got=f"autoscaling of {' and '.join(bursting)}",
                expected="an instance type that is not burstable: SageMaker scales none of these",
                fix="choose another instance type, such as ml.m5.large, or remove autoscaling",
                source=BURSTABLE_SOURCE,
            )


def _metrics(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    metrics = spec["CreateEndpointConfig"].get("MetricsConfig")
    seconds = metrics.get("MetricPublishFrequencyInSeconds") if isinstance(metrics, dict) else None
    if isinstance(seconds, int) and seconds not in PUBLISH_FREQUENCIES:
        closest = min(PUBLISH_FREQUENCIES, key=lambda each: abs(each - seconds))
        yield _refusal(
            "CreateEndpointConfig",
            ("MetricsConfig", "MetricPublishFrequencyInSeconds"),
            got=shown(seconds),
            expected=f"one of {', '.join(map(str, PUBLISH_FREQUENCIES))}",
            fix=f"the nearest allowed value is {closest}",
            source="botocore, MetricsConfig",
        )


_AS_WORDS: Final = {"ShadowProductionVariants": "a shadow", "DataCaptureConfig": "data capture"}


def _serverless(spec: Mapping[str, Any], path: FieldPath, variant: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what serverless endpoints cannot have (developer guide, "serverless-endpoints")."""
    model, config = spec["CreateModel"], spec["CreateEndpointConfig"]
    variants = config["ProductionVariants"]
    found = [
        *(
            (name in variant, "CreateEndpointConfig", (*path, name), name, source)
            for name, source in NOT_IN_SERVERLESS_VARIANTS.items()
        ),
        *(
            (name in config, "CreateEndpointConfig", (name,), _AS_WORDS.get(name, name), source)
            for name, source in NOT_IN_SERVERLESS_CONFIGS.items()
        ),
        (
            len(variants) > 1,
            "CreateEndpointConfig",
            ("ProductionVariants",),
            f"{len(variants)} variants",
            SERVERLESS_SOURCE,
        ),
        (
            model.get("EnableNetworkIsolation") is True,
            "CreateModel",
            ("EnableNetworkIsolation",),
            "network isolation",
            SERVERLESS_SOURCE,
        ),
        ("VpcConfig" in model, "CreateModel", ("VpcConfig",), "a VPC", SERVERLESS_SOURCE),
        (
            _container(spec).get("Mode") == "MultiModel",
            "CreateModel",
            ("Containers", 0, "Mode"),
            "a container of several models",
            SERVERLESS_SOURCE,
        ),
        (
            _is_private(_container(spec)),
            "CreateModel",
            ("Containers", 0, "ImageConfig", "RepositoryAccessMode"),
            "a private registry",
            SERVERLESS_SOURCE,
        ),
        (
            "DeploymentConfig" in spec,
            "UpdateEndpoint",
            ("DeploymentConfig",),
            "deployment guardrails",
            GUARDRAILS_SOURCE,
        ),
    ]
    for present, operation, where, what, source in found:
        if present:
            yield _refusal(
                operation,
                where,
                got=f"{what}, for a serverless endpoint",
                expected="what serverless endpoints support, and this is not",
                fix="remove it, or serve from instances with instance_type",
                source=source,
            )
    yield from _memory(path, variant["ServerlessConfig"])
    yield from _provisioned_concurrency(path, variant["ServerlessConfig"])


def _is_private(container: Mapping[str, Any]) -> bool:
    image = container.get("ImageConfig")
    return isinstance(image, dict) and image.get("RepositoryAccessMode") == "Vpc"


def _memory(path: FieldPath, serverless: object) -> Iterator[Refusal]:
    """Check the steps of MemorySizeInMB, of which the service model has the bounds alone."""
    size = serverless.get("MemorySizeInMB") if isinstance(serverless, dict) else None
    lowest, highest = SERVERLESS_MEMORY_SIZES[0], SERVERLESS_MEMORY_SIZES[-1]
    if isinstance(size, int) and lowest <= size <= highest and size not in SERVERLESS_MEMORY_SIZES:
        yield _refusal(
            "CreateEndpointConfig",
            (*path, "ServerlessConfig", "MemorySizeInMB"),
            got=shown(size),
            expected="memory of one concurrent invocation in MB: 1024 to 6144 by 1024",
            fix=f"choose one of {', '.join(str(each) for each in SERVERLESS_MEMORY_SIZES)}",
            source="botocore, ServerlessMemorySizeInMB",
        )


def _provisioned_concurrency(path: FieldPath, serverless: object) -> Iterator[Refusal]:
    """Check botocore's own words on ProvisionedConcurrency: "less than or equal to MaxConcurrency"."""
    if not isinstance(serverless, dict):
        return
    provisioned, most = serverless.get("ProvisionedConcurrency"), serverless.get("MaxConcurrency")
    if isinstance(provisioned, int) and isinstance(most, int) and provisioned > most:
        yield _refusal(
            "CreateEndpointConfig",
            (*path, "ServerlessConfig", "ProvisionedConcurrency"),
            got=shown(provisioned),
            expected=f"at most max_concurrency, which is {most}",
            fix="lower it, or raise max_concurrency",
            source="botocore, ProductionVariantServerlessConfig",
        )


def _asynchronous(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what asynchronous endpoints need: a single variant, and a topic for every answer that is sent."""
    config = spec["CreateEndpointConfig"]
    asynchronous, variants = config.get("AsyncInferenceConfig"), config.get("ProductionVariants")
    if not isinstance(asynchronous, dict):
        return
    if isinstance(variants, list) and len(variants) > 1:
        yield _refusal(
            "CreateEndpointConfig",
            ("ProductionVariants",),
            got=f"{len(variants)} variants, for an asynchronous endpoint",
            expected="one variant: SageMaker serves asynchronous calls from one",
            fix="keep one variant",
            source="aws-cdk RFC 431: a single variant on instances",
        )
    output = asynchronous.get("OutputConfig")
    notified = output.get("NotificationConfig") if isinstance(output, dict) else None
    included = notified.get("IncludeInferenceResponseIn") if isinstance(notified, dict) else None
    for topic, member, key in (
        ("SUCCESS_NOTIFICATION_TOPIC", "SuccessTopic", "success_topic_arn"),
        ("ERROR_NOTIFICATION_TOPIC", "ErrorTopic", "error_topic_arn"),
    ):
        if (
            isinstance(notified, dict)
            and topic in (included if isinstance(included, list) else ())
            and member not in notified
        ):
            yield _refusal(
                "CreateEndpointConfig",
                ("AsyncInferenceConfig", "OutputConfig", "NotificationConfig", "IncludeInferenceResponseIn"),
                got="a topic that is not set",
                expected=f"{key}, for the answers to be sent to it",
                fix=f"add {key}, or send the answers to no such topic",
            )


_PLACES: Final[tuple[FieldPath, ...]] = (
    ("DataCaptureConfig", "DestinationS3Uri"),
    ("AsyncInferenceConfig", "OutputConfig", "S3OutputPath"),
    ("AsyncInferenceConfig", "OutputConfig", "S3FailurePath"),
    ("ExplainerConfig", "ClarifyExplainerConfig", "ShapConfig", "ShapBaselineConfig", "ShapBaselineUri"),
)
_HTTPS: Final = re.compile(
    r"https://(?:(?P<host>[a-z0-9.-]+)\.s3[.-][^/]*|s3[.-][^/]*/(?P<path>[^/]+))(?:/(?P<key>.*))?"
)

_MANY_BUCKETS: Final = re.compile(r"s3://[^/]*[*?$]")


def s3_place(url: str) -> str:
    """Write a URL of S3 as a place in S3; one of another server as the form that is meant."""
    found = _HTTPS.fullmatch(url)
    if found is None:
        return "s3://<bucket>/<prefix>"
    return f"s3://{found['host'] or found['path']}/{found['key'] or ''}".rstrip("/")


def _places(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that places in S3 are named as such: grants are made of their names."""
    for path in _PLACES:
        place: Any = spec["CreateEndpointConfig"]
        for part in path:
            place = place.get(part) if isinstance(place, dict) else None
        if isinstance(place, str) and place.startswith("https://"):
            yield _refusal(
                "CreateEndpointConfig",
                path,
                got=shown(place),
                expected="a place in S3 as s3://<bucket>/<prefix>: the model's role is granted that bucket",
                fix=f"write {s3_place(place)}",
            )
        elif isinstance(place, str) and _MANY_BUCKETS.match(place):
            yield _refusal(
                "CreateEndpointConfig",
                path,
                got=shown(place),
                expected="one bucket: in the policy of the model's role, its name would stand for others",
                fix="name the bucket without `*`, `?` and `$`, which no bucket's name has",
            )


def _storage(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check that no volume is asked for beside NVMe disks, whose size nobody can choose."""
    for path, variant in _listed(spec, "ProductionVariants", "ShadowProductionVariants"):
        local = [name for name in instance_types_of(variant) if has_local_storage(name)]
        if "VolumeSizeInGB" in variant and local:
            yield _refusal(
                "CreateEndpointConfig",
                (*path, "VolumeSizeInGB"),
                got=f"a volume size, for {local[0]}",
                expected="none for an instance type with local NVMe storage: its size is fixed",
                fix="remove it, or choose an instance type without local storage",
                source=VOLUME_SIZE_SOURCE,
            )


def _tags(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    tags = spec.get("Tags", {})
    if len(tags) > MOST_TAGS:
        yield _refusal(
            "CreateEndpoint",
            ("Tags",),
            got=f"{len(tags)} tags",
            expected=f"at most {MOST_TAGS}: SageMaker allows {MOST_TAGS + len(RESERVED_TAGS)}, "
            f"and Greenlight sets {len(RESERVED_TAGS)}",
            fix=f"remove {len(tags) - MOST_TAGS}",
        )
    for index, key in enumerate(tags):
        for prefix in _RESERVED_PREFIXES:
            if key.lower().startswith(prefix):
                yield _refusal(
                    "CreateEndpoint",
                    ("Tags", index),
                    got=f"the tag key {key}",
                    expected=f"a key that does not begin with {prefix}, which is reserved",
                    fix="choose another key",
                )


def _refusal(
    operation: str, path: FieldPath, *, got: str, expected: str, fix: str, source: str = ""
) -> Refusal:
    return operation, Violation(path, got, expected, fix, source)
