"""Owns SageMaker's documented rules on deployment guardrails that its service model lacks.

Looks at compiled requests, so keys and overrides follow the same rules. Sources: botocore's documentation of
DeploymentConfig; developer guide, "deployment-guardrails-exclusions".
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import SettingsKey
from infra.settings.compiling.capacity_size import PERCENT, Instances, share_of, steps_of
from infra.settings.rules.request_validation import Violation
from service_model.hosting import GUARDRAILS_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.settings.problem import FieldPath
    from infra.settings.rules.compiled_endpoint import Refusal

_BLUE_GREEN: Final = ("DeploymentConfig", "BlueGreenUpdatePolicy")
_TRAFFIC: Final = (*_BLUE_GREEN, "TrafficRoutingConfiguration")
_ROLLING: Final = ("DeploymentConfig", "RollingUpdatePolicy")
_SIZES: Final = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
_LEAST_LINEAR: Final = 10
_LEAST_BATCH: Final = 5
_MOST: Final = 50
_SIZE_SOURCE: Final = "botocore, TrafficRoutingConfig and RollingUpdatePolicy"


def _instances(spec: Mapping[str, Any], variant: Mapping[str, Any]) -> Instances | None:
    scaling = spec.get(SettingsKey.AUTO_SCALING, {}).get(str(variant.get("VariantName")))
    if scaling:
        return Instances(scaling["MinCapacity"], scaling["MaxCapacity"])
    count = variant.get("InitialInstanceCount")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        return None
    return Instances(count, count)


def guardrail_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check a compiled endpoint's DeploymentConfig against its variants."""
    for violation in guardrail_violations(spec):
        yield "UpdateEndpoint", violation


def guardrail_violations(spec: Mapping[str, Any]) -> Iterator[Violation]:
    """Check the same; all violations are in UpdateEndpoint's request."""
    config = spec.get("DeploymentConfig")
    if not isinstance(config, dict):
        return
    if {"BlueGreenUpdatePolicy", "RollingUpdatePolicy"} <= config.keys():
        yield Violation(
            _ROLLING,
            "a rolling policy beside a blue/green one",
            "one of BlueGreenUpdatePolicy and RollingUpdatePolicy",
            "remove one of the two",
            "botocore, BlueGreenUpdatePolicy: only one update policy",
        )
        return  # it is unknown which of the two is meant
    listed = spec["CreateEndpointConfig"].get("ProductionVariants")
    variants = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    yield from _exclusions(config, variants)
    if "RollingUpdatePolicy" in config and spec["CreateEndpointConfig"].get("ShadowProductionVariants"):
        yield Violation(
            _ROLLING,
            "a rolling rollout beside a shadow",
            "a rolling rollout of one variant: SageMaker documents none beside another, and a shadow is one",
            "choose another kind of rollout",
        )
    for variant in variants:
        instances = _instances(spec, variant)
        if instances is not None and "ServerlessConfig" not in variant:
            yield from _blue_green(config.get("BlueGreenUpdatePolicy"), instances)
            yield from _rolling(config.get("RollingUpdatePolicy"), instances)


def _exclusions(config: Mapping[str, Any], variants: list[dict[str, Any]]) -> Iterator[Violation]:
    for variant in variants:
        if str(variant.get("InstanceType")).startswith("ml.inf1."):
            yield Violation(
                ("DeploymentConfig",),
                f"deployment guardrails, on {variant['InstanceType']}",
                "no guardrails on Inf1: SageMaker shifts all traffic at once there, and watches nothing",
                "remove it, or choose another instance type, such as ml.inf2.xlarge",
                GUARDRAILS_SOURCE,
            )
    if "RollingUpdatePolicy" in config and len(variants) > 1:
        yield Violation(
            _ROLLING,
            f"a rolling rollout of {len(variants)} variants",
            "a rolling rollout of one variant: SageMaker shifts the traffic of several at once, and watches "
            "nothing",
            "choose another kind of rollout",
            GUARDRAILS_SOURCE,
        )


def _blue_green(policy: object, instances: Instances) -> Iterator[Violation]:
    traffic = policy.get("TrafficRoutingConfiguration") if isinstance(policy, dict) else None
    if not (isinstance(policy, dict) and isinstance(traffic, dict)):
        return
    kind = traffic.get("Type")
    for of_kind, name in _SIZES.items():
        if name in traffic and kind != of_kind:
            got = f"{name} with {kind}"
            yield Violation((*_TRAFFIC, name), got, f"{name} with {of_kind} only", "remove it")
    size_name = _SIZES.get(str(kind))
    if size_name is None:
        yield from _time_limit(_BLUE_GREEN, policy, policy.get("TerminationWaitInSeconds"))
        return
    size = traffic.get(size_name)
    if size is None:
        expected, fix = f"a size, with {kind}", f"add {size_name}"
        yield Violation((*_TRAFFIC, size_name), "nothing", expected, fix, GUARDRAILS_SOURCE)
        return
    least = _LEAST_LINEAR if kind == "LINEAR" else 1
    what = "linear step" if kind == "LINEAR" else "canary"
    yield from _size((*_TRAFFIC, size_name), size, instances, least, what)
    steps = steps_of(size, instances.most) if kind == "LINEAR" else 1
    waits = _sum(_times(traffic.get("WaitIntervalInSeconds"), steps), policy.get("TerminationWaitInSeconds"))
    yield from _time_limit(_BLUE_GREEN, policy, waits)


def _rolling(policy: object, instances: Instances) -> Iterator[Violation]:
    if not isinstance(policy, dict):
        return
    batch = policy.get("MaximumBatchSize")
    yield from _size((*_ROLLING, "MaximumBatchSize"), batch, instances, _LEAST_BATCH, "rolling batch")
    back = policy.get("RollbackMaximumBatchSize")
    if isinstance(back, dict) and (share := share_of(back, instances.least)) is not None and share > 100:  # noqa: PLR2004 - percent
        where = (*_ROLLING, "RollbackMaximumBatchSize")
        got = f"{share:g} % of {instances.least} instances"
        yield Violation(where, got, "at most all instances", "lower it, or remove it: it is 100 % by default")
    yield from _time_limit(
        _ROLLING, policy, _times(policy.get("WaitIntervalInSeconds"), steps_of(batch, instances.most))
    )


def _size(path: FieldPath, size: object, instances: Instances, least: int, what: str) -> Iterator[Violation]:
    high, low = share_of(size, instances.least), share_of(size, instances.most)
    if not isinstance(size, dict) or high is None or low is None:
        return  # no size at all, which the service model reports
    if instances.least <= 1:
        yield Violation(
            path,
            f"a {what} of an endpoint that has, or may scale in to, {instances.least or 'no'} instance",
            f"at least 2 instances: a {what} is at most half of them",
            "raise instance_count (with autoscaling: min), or roll out all_at_once",
            _SIZE_SOURCE,
        )
    elif high > _MOST or low < least:
        share, count = (high, instances.least) if high > _MOST else (low, instances.most)
        unit = " %" if size.get("Type") == PERCENT else f", which is {share:g} % of {count} instances"
        yield Violation(
            path,
            f"a {what} of {size['Value']}{unit}",
            f"from {least} to {_MOST} % of the instances",
            _size_fix(size, instances, least, share),
            _SIZE_SOURCE,
        )


def _size_fix(size: Mapping[str, Any], instances: Instances, least: int, share: float) -> str:
    if size.get("Type") == PERCENT:
        return f"the nearest allowed value is {_MOST if share > _MOST else least}"
    count = instances.least * _MOST // 100 if share > _MOST else ceil(instances.most * least / 100)
    return f"the nearest allowed number is {count}"


def _times(seconds: object, steps: int) -> int:
    return seconds * steps if isinstance(seconds, int) else 0


def _sum(*seconds: object) -> int:
    return sum(each for each in seconds if isinstance(each, int))


def _time_limit(path: FieldPath, policy: Mapping[str, Any], waits: object) -> Iterator[Violation]:
    """Check botocore's own words on the limit: "larger than the total waiting time"."""
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    if isinstance(limit, int) and isinstance(waits, int) and limit <= waits:
        yield Violation(
            (*path, "MaximumExecutionTimeoutInSeconds"),
            f"{limit} seconds",
            f"more than the rollout waits in all, which is {waits} seconds",
            "raise it, or shorten the waits",
            "botocore, BlueGreenUpdatePolicy",
        )
