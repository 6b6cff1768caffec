"""Owns the API fields that overrides may not set because the deployer sets them, and the alternatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.settings.problem import FieldPath, Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.reading.document import Document

_NAMED: Final = "remove it; Greenlight names what it creates after the endpoint, the version and the settings"
_ROLE: Final = "remove it, and use the key execution_role_arn"
_TAGS: Final = "remove it, and use the key tags"
_VERSION: Final = "remove it; the approved model version brings it"
_SHADOW: Final = "remove it; the shadow keeps its name"

_OWNED: Final[dict[FieldPath, str]] = {
    ("model", "ModelName"): _NAMED,
    ("model", "ExecutionRoleArn"): _ROLE,
    ("model", "Tags"): _TAGS,
    ("model", "PrimaryContainer"): "write its fields as the only item of Containers",
    ("model", "Containers", "*", "Image"): _VERSION,
    ("model", "Containers", "*", "ModelDataUrl"): _VERSION,
    ("model", "Containers", "*", "ModelDataSource"): _VERSION,
    ("model", "Containers", "*", "ModelPackageName"): _VERSION,
    ("endpoint_config", "EndpointConfigName"): _NAMED,
    ("endpoint_config", "ExecutionRoleArn"): _ROLE,
    ("endpoint_config", "Tags"): _TAGS,
    ("endpoint_config", "ProductionVariants", "*", "ModelName"): _NAMED,
    ("endpoint_config", "ProductionVariants", "*", "InstancePools", "*", "ModelNameOverride"): _NAMED,
    ("endpoint_config", "ShadowProductionVariants", "*", "ModelName"): _NAMED,
    ("endpoint_config", "ShadowProductionVariants", "*", "InstancePools", "*", "ModelNameOverride"): _NAMED,
    ("endpoint_config", "ShadowProductionVariants", "*", "VariantName"): _SHADOW,
}


def owned_fields() -> frozenset[tuple[str, str]]:
    """List the fields that overrides may not set, as (parent name, name): `("Containers", "Image")`."""
    around = ([name for name in pattern if name != "*"] for pattern in _OWNED)
    return frozenset((str(names[-2]), str(names[-1])) for names in around)


def remove_owned(document: Document, content: dict[str, Any]) -> Iterator[Problem]:
    """Remove those fields from `content`, in place, with a problem for each."""
    overrides = content.get("overrides")
    for pattern, fix in _OWNED.items():
        for holder, path in list(_holders(overrides, pattern, ("overrides",))):
            value = holder.pop(str(path[-1]))
            expected = f"no {path[-1]} here: Greenlight sets it"
            yield document.problem(path, got=shown(value), expected=expected, fix=fix)


def _holders(
    value: object, pattern: FieldPath, path: FieldPath
) -> Iterator[tuple[dict[str, Any], FieldPath]]:
    head, *rest = pattern
    if head == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _holders(item, tuple(rest), (*path, index))
    elif isinstance(value, dict) and head in value:
        if rest:
            yield from _holders(value[str(head)], tuple(rest), (*path, head))
        else:
            yield value, (*path, head)
