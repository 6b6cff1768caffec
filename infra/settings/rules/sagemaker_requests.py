"""Owns checking the requests of compiled settings against all of AWS's rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from infra.settings.compiling.hosted_variants import (
    SHADOW_NAME,
)
from infra.settings.rules.documented_limits import RESERVED_TAGS, documented_limits
from infra.settings.rules.request_validation import Violation, violations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_READ: Final = frozenset({"VariantName", "AlarmName"})


def requests(spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Assemble the requests for these settings, with stand-ins for the deployer's fields."""
    name = spec["EndpointName"]
    tags = [{"Key": key, "Value": value} for key, value in spec.get("Tags", {}).items()]
    tags += [{"Key": key, "Value": "stand-in"} for key in RESERVED_TAGS]
    deployment = {"DeploymentConfig": spec["DeploymentConfig"]} if "DeploymentConfig" in spec else {}
    arn = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/stand-in/1"
    names = {"EndpointName": name, "EndpointConfigName": "stand-in"}
    return {
        "ListModelPackages": {"ModelPackageGroupName": spec["ModelPackageGroupName"]},
        "CreateModel": {
            "ExecutionRoleArn": "arn:aws:iam::111122223333:role/stand-in",
            **spec["CreateModel"],
            "Containers": _each(spec["CreateModel"].get("Containers"), {"ModelPackageName": arn}),
            "ModelName": "stand-in",
            "Tags": tags,
        },
        "CreateEndpointConfig": {
            **spec["CreateEndpointConfig"],
            **_named_variants(spec["CreateEndpointConfig"]),
            "EndpointConfigName": "stand-in",
            "Tags": tags,
        },
        "CreateEndpoint": {**names, **deployment, "Tags": tags},
        "UpdateEndpoint": {**names, **deployment},
    }


def _named_variants(config: Mapping[str, Any]) -> dict[str, object]:
    additions = {
        "ProductionVariants": {"ModelName": "stand-in"},
        "ShadowProductionVariants": {"ModelName": "stand-in", "VariantName": SHADOW_NAME},
    }
    return {name: _each(config[name], each) for name, each in additions.items() if name in config}


def _each(items: object, addition: Mapping[str, str]) -> object:
    if not isinstance(items, list):
        return items
    return [{**item, **addition} if isinstance(item, dict) else item for item in items]


def found_violations(spec: Mapping[str, Any]) -> Iterator[tuple[str, Violation]]:
    """Find every way in which SageMaker would refuse the compiled requests, as (operation, violation)."""
    for operation, request in requests(spec).items():
        for violation in violations(operation, request):
            if violation.path == ("Tags",):  # documented_limits() reports their count in the user's numbers
                continue
            # The deployer's own fields of a request do not concern AWS.
            read = violation.path[-1] in _READ and violation.got == "nothing"
            yield operation, replace(violation, source="") if read else violation
    yield from documented_limits(spec)
