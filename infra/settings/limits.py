"""Owns the rules that AWS documents and that the service model does not hold.

Each check looks at a compiled endpoint and yields (operation, violation), like the service model's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from infra.settings.guardrails import guardrail_violations
from infra.settings.problem import shown
from infra.settings.service_model import Violation, shape

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
    yield from _variants(spec)
    yield from _weights(spec)
    yield from _shadow(spec)
    yield from _asynchronous(spec)
    yield from _encryption(spec)
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
    for path, variant in _listed(spec, "ShadowProductionVariants", "ProductionVariants"):
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
        if "ServerlessConfig" in variant:
            yield from _serverless(spec, path, variant)
        if "ManagedInstanceScaling" in variant:
            yield _refusal(
                "CreateEndpointConfig",
                (*path, "ManagedInstanceScaling"),
                got="managed instance scaling",
                expected="no ManagedInstanceScaling: SageMaker supports it for inference components only",
                fix="remove it, and scale with the key autoscaling",
            )


def _listed(spec: Mapping[str, Any], *members: str) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    """List an endpoint config's variants, less what is none, each with its path."""
    for member in members:
        variants = spec["CreateEndpointConfig"].get(member)
        for index, variant in enumerate(variants if isinstance(variants, list) else []):
            if isinstance(variant, dict):
                yield (member, index), variant


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
                "CreateEndpointConfig", ("ShadowProductionVariants",), got=got, expected=expected, fix=fix
            )
            return


def _serverless(spec: Mapping[str, Any], path: FieldPath, variant: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check what serverless endpoints cannot have (developer guide, "serverless-endpoints")."""
    model, config = spec["CreateModel"], spec["CreateEndpointConfig"]
    variants = config["ProductionVariants"]
    found: list[tuple[bool, str, FieldPath, str]] = [
        ("InstanceType" in variant, "CreateEndpointConfig", (*path, "InstanceType"), "an instance type"),
        (
            "InitialInstanceCount" in variant,
            "CreateEndpointConfig",
            (*path, "InitialInstanceCount"),
            "an instance count",
        ),
        *(
            (name in variant, "CreateEndpointConfig", (*path, name), what)
            for name, what in (
                ("VolumeSizeInGB", "a volume size"),
                ("RoutingConfig", "routing between instances"),
                ("InferenceAmiVersion", "a machine image"),
            )
        ),
        (
            "AsyncInferenceConfig" in config,
            "CreateEndpointConfig",
            ("AsyncInferenceConfig",),
            "asynchronous calls",
        ),
        (len(variants) > 1, "CreateEndpointConfig", ("ProductionVariants",), f"{len(variants)} variants"),
        (
            "ShadowProductionVariants" in config,
            "CreateEndpointConfig",
            ("ShadowProductionVariants",),
            "a shadow",
        ),
        ("DataCaptureConfig" in config, "CreateEndpointConfig", ("DataCaptureConfig",), "data capture"),
        (model.get("EnableNetworkIsolation") is True, "CreateModel", ("EnableNetworkIsolation",), "true"),
        ("VpcConfig" in model, "CreateModel", ("VpcConfig",), "a VPC"),
        ("DeploymentConfig" in spec, "UpdateEndpoint", ("DeploymentConfig",), "deployment guardrails"),
    ]
    for present, operation, where, what in found:
        if present:
            yield _refusal(
                operation,
                where,
                got=f"{what}, for a serverless endpoint",
                expected="what serverless endpoints support, and this is not",
                fix="remove it, or serve from instances with instance_type",
            )
    yield from _provisioned_concurrency(path, variant["ServerlessConfig"])


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


LOCAL_STORAGE_FAMILIES: Final = frozenset(
    {
        "c5d", "c6gd", "g4dn", "g5", "g6", "g6e", "g7", "g7e", "m5d", "m6gd", "p4d", "p4de", "p5", "p5e",
        "p5en", "p6-b200", "p6-b300", "p6e-gb200", "r5d", "r6gd", "r7gd", "trn1", "trn1n", "trn2", "dl1",
    }
)  # fmt: skip
"""Of the families that SageMaker hosts on, those with NVMe instance storage (EC2 instance types guide)."""

EBS_ONLY_FAMILIES: Final = frozenset(
    {
        "c4", "c5", "c6g", "c6gn", "c6i", "c6in", "c7g", "c7i", "c8g", "inf1", "inf2", "m4", "m5", "m6g",
        "m6i", "m7i", "m8g", "p2", "p3", "r5", "r6g", "r6i", "r7i", "r8g", "t2",
    }
)  # fmt: skip
"""Those without. A test holds that every family is in one of the two."""


def _encryption(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check botocore's own words on KmsKeyId: none for instance types with local storage."""
    if "KmsKeyId" not in spec["CreateEndpointConfig"]:
        return
    for _, variant in _listed(spec, "ProductionVariants", "ShadowProductionVariants"):
        instance_type = str(variant.get("InstanceType"))
        if instance_type.removeprefix("ml.").split(".")[0] in LOCAL_STORAGE_FAMILIES:
            yield _refusal(
                "CreateEndpointConfig",
                ("KmsKeyId",),
                got=f"a key for the storage of {instance_type}",
                expected="no key: the instance encrypts its local NVMe storage by itself",
                fix="remove it, or choose an instance type without local storage",
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


def _refusal(operation: str, path: FieldPath, *, got: str, expected: str, fix: str) -> Refusal:
    return operation, Violation(path, got, expected, fix)
