"""Launch a new fleet, or say why it cannot be launched: capacity, approval, or its role's permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.sagemaker import errors
from local_cloud.sagemaker.endpoints.endpoint_state import (
    instances_by_type,
    instances_in_use,
)
from local_cloud.sagemaker.models import refuse_unapproved_packages
from local_cloud.sagemaker.ports import FleetSpec
from local_cloud.sagemaker.switch_settings import (
    UnapprovedPackage,
    UnpulledImage,
)

if TYPE_CHECKING:
    from local_cloud.sagemaker.endpoints.deployments import Deployment
    from local_cloud.sagemaker.endpoints.endpoint_state import LiveVariant
    from local_cloud.sagemaker.models import Model
    from local_cloud.sagemaker.state import State


INSUFFICIENT_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please "
    "retry using a different ML instance type or after some time."
)


def cannot_launch(deployment: Deployment, state: State) -> str | None:
    """Return why the instances cannot be launched, or None."""
    if deployment.rollout.flaw is not None:
        return deployment.rollout.flaw
    scope = deployment.endpoint.scope
    for instance_type in instances_by_type(deployment.new_variants):
        capacity = scope.instance_capacity.get(instance_type)
        if capacity is not None and instances_in_use(scope, instance_type) > capacity:
            return INSUFFICIENT_CAPACITY
    for variant in deployment.new_variants:
        if variant.model is None:
            continue
        try:
            refuse_unapproved_packages(state, variant.model, UnapprovedPackage.DEPLOYMENT)
        except errors.ServiceError as error:
            return error.message
        reason = _cannot_fetch(state, variant.model, variant.name, scope.region)
        if reason is not None:
            return reason
    return None


def fleet_spec(deployment: Deployment, variant: LiveVariant, instance_count: int) -> FleetSpec:
    """Return the launch specification of a variant's fleet."""
    assert variant.model is not None, variant.name
    return FleetSpec(
        account_id=deployment.endpoint.scope.account_id,
        region=deployment.endpoint.scope.region,
        endpoint_name=deployment.endpoint.name,
        endpoint_config_name=deployment.config.name,
        variant_name=variant.name,
        model_name=variant.model.name,
        containers=variant.model.containers,
        execution_role_arn=variant.model.execution_role_arn or "",
        instance_type=variant.instance_type,
        # A serverless variant starts with one worker: its scaling is not modelled.
        instance_count=max(1, instance_count),
        async_inference=deployment.config.request.get("AsyncInferenceConfig"),
        data_capture=deployment.config.request.get("DataCaptureConfig"),
    )


def _cannot_fetch(state: State, model: Model, variant_name: str, region: str) -> str | None:
    """Return why a model cannot join its VPC, or why its role cannot fetch its image or data."""
    role_arn = model.execution_role_arn or ""
    vpc = model.request.get("VpcConfig")
    if vpc:
        refused = state.execution_roles.refusal_to_join(
            vpc["Subnets"], vpc["SecurityGroupIds"], role_arn=role_arn, region=region
        )
        if refused is not None:
            return f"Failed to create network interfaces in the VPC of the model: {refused}"
    for index, container in enumerate(model.containers, 1):
        if not state.execution_roles.may_pull(container.image, role_arn=role_arn):
            return _not_pulled(state, container.image, variant_name, role_arn)
        url = container.model_data_url
        if url is not None and not state.artifacts.is_readable(url, role_arn=role_arn, region=region):
            return (
                f'Failed to download model data for container "container_{index}" from URL: "{url}". Please '
                "ensure that there is an object located at the URL and that the role passed to CreateModel "
                "has permissions to download the object."
            )
    return None


def _not_pulled(state: State, image: str, variant_name: str, role_arn: str) -> str:
    named = f"The role '{role_arn}' does not have BatchGetImage permission for the image: '{image}'."
    match state.switches.unpulled_image:
        case UnpulledImage.NAMED:
            return named
        case UnpulledImage.NAMED_AFTER_SPACE:
            return f" {named}"
        case UnpulledImage.UNNAMED:
            return (
                "Please make sure all images included in the model for the production variant "
                f"{variant_name} exist, and that the execution role used to create the model has permissions "
                "to access them."
            )
