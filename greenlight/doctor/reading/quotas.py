"""Owns reading quotas from Service Quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from greenlight.doctor.facts import Absent, Found, Quota
from greenlight.doctor.reading.attempts import attempt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from greenlight.connection import Connection
    from greenlight.doctor.facts import Reading


def read_quotas(connection: Connection, instance_types: Sequence[str]) -> dict[str, Reading[Quota]]:
    """Read, by instance type, the quota of instances for endpoints."""
    if not instance_types:
        return {}
    names = {name: f"{name} for endpoint usage" for name in instance_types}
    read = attempt(lambda: _quotas_by_name(connection.client("service-quotas"), frozenset(names.values())))
    if not isinstance(read, Found):
        return dict.fromkeys(instance_types, read)
    quotas = read.value
    return {name: Found(quotas[quota]) if quota in quotas else Absent() for name, quota in names.items()}


def _quotas_by_name(client: Any, wanted: frozenset[str]) -> dict[str, Quota]:  # noqa: ANN401 - a client
    """Read the account's own quotas, and AWS's default where it has none: thousands, so no page too many."""
    quotas: dict[str, Quota] = {}
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        pages = client.get_paginator(operation).paginate(
            ServiceCode="sagemaker", PaginationConfig={"PageSize": 100}
        )
        for page in pages:
            for quota in page["Quotas"]:
                if quota["QuotaName"] in wanted:
                    quotas.setdefault(quota["QuotaName"], Quota(float(quota["Value"]), quota["QuotaCode"]))
            if quotas.keys() == wanted:
                return quotas
    return quotas


def instance_types(configs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the instance types that some requests of CreateEndpointConfig ask for."""
    variants = (
        variant
        for config in configs
        for kind in ("ProductionVariants", "ShadowProductionVariants")
        for variant in config.get(kind, ())
    )
    return sorted({variant["InstanceType"] for variant in variants if variant.get("InstanceType")})
