"""What is refused of a change of an endpoint: because of auto scaling, of quotas, or of its variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import errors
from local_cloud.sagemaker.authorization.authorization_rules import is_allowed
from local_cloud.sagemaker.authorization.iam_checks import Check
from local_cloud.sagemaker.endpoint_configs.endpoint_config_checks import check_concurrency
from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import instance_type_of
from local_cloud.sagemaker.endpoints.endpoint_state import (
    Endpoint,
    LiveVariant,
    instances_in_use,
)
from local_cloud.sagemaker.scaling_registrations import condition_keys
from local_cloud.sagemaker.switch_settings import Answer, GuardedVariants

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import EndpointConfig
    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.state import Scope, State


def refuse_to_change_how_calls_are_answered(state: State, endpoint: Endpoint, config: EndpointConfig) -> None:
    """Refuse to make an asynchronous endpoint a real-time one, and as the switch says the other way round."""
    before, after = ("AsyncInferenceConfig" in each.request for each in (endpoint.config, config))
    if before and not after:
        raise errors.asynchronous_removed(endpoint.name)
    if after and not before and state.switches.asynchronous_added is Answer.REFUSE:
        raise errors.asynchronous_added(endpoint.name)


def guards_that_count(
    state: State,
    endpoint: Endpoint,
    variants: Iterable[LiveVariant],
    deployment_config: Mapping[str, Any] | None,
) -> Mapping[str, Any] | None:
    """Return the deployment config that counts: one for variants of other names may count for nothing."""
    if not deployment_config or {item.name for item in variants if not item.is_shadow} == set(
        endpoint.variants
    ):
        return deployment_config
    if state.switches.guarded_variants is GuardedVariants.REFUSE:
        raise errors.other_variants(endpoint.variants)
    return None


def refuse_what_auto_scaling_forbids(state: State, endpoint: Endpoint, config: EndpointConfig) -> None:
    """Refuse to remove a registered variant, or to change what it runs on.

    Source: developer guide, "Update endpoints that use auto scaling".
    """
    scope = endpoint.scope
    registered = state.scalable_targets.registered_variants(scope.account_id, scope.region, endpoint.name)
    wanted = {
        variant["VariantName"]: (instance_type_of(variant), "ServerlessConfig" in variant)
        for variant in config.production_variants
    }
    refused = [
        name
        for name, variant in endpoint.variants.items()
        if name in registered
        and wanted.get(name) != (variant.instance_type, variant.serverless_config is not None)
    ]
    if refused:
        raise errors.registered_variants(refused)


def refuse_unless_scaling_may_end(state: State, caller: Caller, endpoint: Endpoint) -> None:
    """Refuse to delete a scaled endpoint for a caller who may not deregister its variants."""
    registry = state.scalable_targets
    for key in registry.of_endpoint(endpoint.scope.account_id, endpoint.scope.region, endpoint.name):
        action = "application-autoscaling:DeregisterScalableTarget"
        check = Check(action, registry.targets[key].arn, condition_keys(key))
        if not is_allowed(state, caller, check):
            raise errors.scalable_target_remains()


def check_quotas(scope: Scope, deltas: Mapping[str, int]) -> None:
    """Refuse more instances than the account may have."""
    for instance_type, delta in deltas.items():
        limit = scope.instance_quotas.get(instance_type)
        if limit is None or delta == 0:
            continue
        utilization = instances_in_use(scope, instance_type)
        if utilization + delta > limit:
            raise errors.instance_quota(instance_type, limit, utilization, delta)


def check_changes(endpoint: Endpoint, changes: list[dict[str, Any]]) -> None:
    """Refuse weights and capacities that do not fit the endpoint's variants."""
    names = [change["VariantName"] for change in changes]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise errors.repeated_variant(repeated)
    unknown = [name for name in names if name not in endpoint.variants]
    if unknown:
        raise errors.unknown_variants(unknown, endpoint.config.name)
    for change in changes:
        variant = endpoint.variants[change["VariantName"]]
        is_serverless = variant.serverless_config is not None
        if is_serverless and "DesiredInstanceCount" in change:
            raise errors.validation(
                f'Variant "{variant.name}" is serverless and has no DesiredInstanceCount.'
            )
        if not is_serverless and "ServerlessUpdateConfig" in change:
            raise errors.validation(
                f'Variant "{variant.name}" is not serverless and has no ServerlessUpdateConfig.'
            )
        if is_serverless:
            wanted = {**variant.variant["ServerlessConfig"], **change.get("ServerlessUpdateConfig", {})}
            check_concurrency(wanted)
        is_asynchronous = "AsyncInferenceConfig" in endpoint.config.request
        if change.get("DesiredInstanceCount") == 0 and variant.model is not None and not is_asynchronous:
            raise errors.validation(
                f'DesiredInstanceCount of variant "{variant.name}" must be at least 1: only asynchronous '
                "and inference component endpoints can have no instance."
            )
