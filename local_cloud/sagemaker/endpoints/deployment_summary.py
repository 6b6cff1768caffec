"""A deployment in DescribeEndpoint and in the deployment state change event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.endpoints.deployment_stages import Stage
from local_cloud.sagemaker.endpoints.rollout_plan import ALL
from local_cloud.sagemaker.switch_settings import PendingVariantStatus

if TYPE_CHECKING:
    from local_cloud.sagemaker.endpoints.deployments import Deployment
    from local_cloud.sagemaker.endpoints.endpoint_state import LiveVariant


def describe(
    deployment: Deployment, shown: PendingVariantStatus = PendingVariantStatus.WITH_MESSAGE
) -> dict[str, Any]:
    """Return the PendingDeploymentSummary.

    Args:
        deployment: The deployment under way.
        shown: What is shown of the variants' stages.
    """
    summary: dict[str, Any] = {
        "EndpointConfigName": deployment.config.name,
        "StartTime": deployment.start_time,
    }
    for member, is_shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True)):
        variants = [
            {**variant.summary(), **_status_of(deployment, variant, shown)}
            for variant in deployment.new_variants
            if variant.is_shadow is is_shadow
        ]
        if variants:
            summary[member] = variants
    return summary


def _status_of(deployment: Deployment, variant: LiveVariant, shown: PendingVariantStatus) -> dict[str, Any]:
    """Return a variant's status in the deployment state change event's words."""
    if shown is PendingVariantStatus.ABSENT:
        return {}
    status, message = _status_and_message(deployment, variant)
    stage: dict[str, Any] = {"Status": status, "StartTime": deployment.stage_start_time}
    if variant.serverless_config is None and shown is PendingVariantStatus.WITH_MESSAGE:
        # All documented messages count instances; a serverless variant has none.
        stage["StatusMessage"] = message
    return {"VariantStatus": [stage]}


def _status_and_message(deployment: Deployment, variant: LiveVariant) -> tuple[str, str]:
    match deployment.stage:
        case Stage.PROVISIONING | Stage.HEALTH_CHECKING:
            launching = deployment.wanted_count(variant) - variant.current_instance_count
            return "Creating", f"Launching {launching} instance(s)."
        case Stage.ACTIVATING:
            return "ActivatingTraffic", f"Activating traffic on {_capacity(deployment, variant)}."
        case Stage.BAKING:
            # The documentation's sample uses TerminationWaitInSeconds for a canary's wait too.
            return "Baking", (
                f"Baking for {deployment.step.wait_seconds} seconds (TerminationWaitInSeconds) with traffic "
                f"enabled on {_capacity(deployment, variant)}."
            )
        case Stage.TERMINATING:
            old = deployment.endpoint.variants.get(variant.name)
            ending = 0 if old is None else old.current_instance_count - deployment.remaining_count(old)
            return "Deleting", f"Terminating {ending} instance(s)."
        case Stage.ROLLING_BACK:
            return "Deleting", f"Terminating {variant.current_instance_count} instance(s)."


def _capacity(deployment: Deployment, variant: LiveVariant) -> str:
    kind = "full" if deployment.step.share == ALL else "canary"
    return f"{kind} capacity of {deployment.share_of(variant, deployment.step.share)} instance(s)"
