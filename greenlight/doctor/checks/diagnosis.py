"""Owns the order of a stage's checks: the order in which a version passes from the registry to an endpoint.

Pure. What a stage needs comes from the same `StageAccess` as the registry's stack, so the doctor and the
stacks cannot disagree.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from greenlight.doctor.checks.encryption import check_encryption
from greenlight.doctor.checks.event_path import check_event_path
from greenlight.doctor.checks.quotas import check_quotas
from greenlight.doctor.checks.registry_policies import check_registry_policies
from greenlight.doctor.checks.role_permissions import (
    check_deployers_permissions,
    check_model_objects,
    check_models_permissions,
    check_roles,
)
from greenlight.doctor.checks.versions import Served, check_configured, check_existing, check_version
from greenlight.doctor.facts import Found
from greenlight.doctor.findings import Finding, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from greenlight.doctor.facts import Facts
    from infra.settings.endpoint_spec import EndpointSpec
    from infra.stages.access import StageAccess


def diagnose(
    access: StageAccess, group: str, endpoints: Sequence[EndpointSpec], facts: Facts
) -> list[Finding]:
    """Check the whole chain for one group of a stage, in the order in which a version passes it."""
    access = replace(access, groups=(group,))
    if facts.caller_account != access.names.account:
        return [
            Finding(
                "account",
                Status.GAP,
                "the credentials",
                f"they are of account {facts.caller_account}, and the stage is in {access.names.account}",
                "The stage's roles, bus and quotas can only be read in its own account.",
                "Give credentials of the stage's account, by --profile, say.",
            )
        ]
    version = facts.version.value if isinstance(facts.version, Found) else None
    served = [Served(spec.endpoint_name, spec.inference_specification_name, spec.file) for spec in endpoints]
    configs = [spec.compiled["CreateEndpointConfig"] for spec in endpoints]
    return [
        Finding("account", Status.OK, f"account {facts.caller_account}"),
        *_registry_credentials(access, facts),
        *check_roles(access, facts),
        *check_version(facts.version, group, access.registry.account, served),
        *check_configured(access, group, version),
        *check_registry_policies(access, version, facts),
        *check_deployers_permissions(access, version, facts),
        *check_models_permissions(access, version, facts),
        *check_model_objects(access, endpoints, facts),
        *check_existing(access.registry.account, facts.artifacts, facts.images),
        *check_encryption(access, group, facts),
        *check_event_path(access, group, facts),
        *check_quotas(access.names.account, access.names.region, configs, facts.quotas),
    ]


def _registry_credentials(access: StageAccess, facts: Facts) -> Iterator[Finding]:
    if facts.registry_account not in (None, access.registry.account):
        yield Finding(
            "account",
            Status.GAP,
            "the registry's credentials",
            f"they are of account {facts.registry_account}, and the registry is {access.registry.account}",
            "The registry's policies can only be read in its own account.",
            "Give credentials of the registry's account by --registry-profile.",
        )
