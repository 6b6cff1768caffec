"""A deployment's traffic, its visible instance counts, and the end of its fleets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.sagemaker.endpoints.endpoint_state import (
    routes,
    shadow_routes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from local_cloud.sagemaker.endpoints.deployments import Deployment
    from local_cloud.sagemaker.endpoints.endpoint_state import LiveVariant
    from local_cloud.sagemaker.state import State


def count_new(deployment: Deployment, share: Fraction) -> None:
    """Show as many new instances as have traffic, as the documentation's sample does."""
    for variant in deployment.new_variants:
        variant.current_instance_count = deployment.share_of(variant, share)


def route(deployment: Deployment, state: State, share: Fraction) -> None:
    """Give the new fleets a share of the traffic, and the old ones the rest."""
    new = [item for item in deployment.new_variants if not item.is_shadow]
    for variant in deployment.new_variants:
        variant.current_weight = variant.desired_weight if share else 0.0
    new_shadows = [item for item in deployment.new_variants if item.is_shadow]
    old = list(deployment.endpoint.variants.values())
    old_shadows = deployment.endpoint.shadow_variants.values()
    new_share = float(share) if old else float(bool(share))
    chosen = [
        *(routes(new, new_share) if new_share else ()),
        *(routes(old, 1 - new_share) if new_share < 1 else ()),
        *(shadow_routes(new_shadows, new, new_share) if new_share else ()),
        *(shadow_routes(old_shadows, old, 1 - new_share) if new_share < 1 else ()),
    ]
    scope = deployment.endpoint.scope
    state.hosting.route(scope.account_id, scope.region, deployment.endpoint.name, tuple(chosen))


def terminate(state: State, variants: Iterable[LiveVariant]) -> None:
    """End the fleets of variants."""
    for variant in variants:
        if variant.fleet_id is not None:
            state.hosting.terminate(variant.fleet_id)
            variant.fleet_id = None
