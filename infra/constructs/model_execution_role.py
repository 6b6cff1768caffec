"""Owns the role that models run with, for those who do not bring their own.

It can do what a plain model needs, and what endpoints' settings name (`infra/permissions/model_role.py`). A
model that needs more (other services, say) is served with a role of its owner's making.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.configuration.iam_quotas import MANAGED_POLICIES
from infra.permissions.model_role import (
    allow_answers,
    allow_artifacts,
    allow_images,
    allow_observation,
    allow_vpc,
)
from infra.permissions.registry_reading import of_models
from infra.permissions.role_policies import Permissions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.settings.endpoint_requirements import EndpointRequirements
    from infra.stages.access import StageAccess

_ABOUT: Final = "What SageMaker may do while it serves models that Greenlight deployed"


class ModelExecutionRole(Construct):
    """Let SageMaker run models: what for, its permissions say.

    Without `buckets`, the role reads SageMaker's default bucket of the account and region, in which Studio,
    the SDK and training jobs put models. With `access`, it reads exactly what a stage is let in to, and no
    buckets else.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        buckets: Sequence[str],
        requirements: EndpointRequirements,
        access: StageAccess | None = None,
        most_managed_policies: int = MANAGED_POLICIES,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            # The registry's account lets this role in by its name.
            role_name=access.names.execution_role_name if access else None,
            description=_ABOUT,
            # Only for this account's endpoints (developer guide, "security-confused-deputy-prevention").
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        permissions = Permissions(self.role, most_managed=most_managed_policies)
        if access is None:
            allow_artifacts(permissions, buckets)
            allow_images(permissions)
        else:
            permissions.allow_all(of_models(access))
        allow_observation(permissions)
        allow_answers(permissions, requirements)
        if requirements.subnets or requirements.security_groups:
            allow_vpc(permissions, requirements)
        self.problems = permissions.attach(about=_ABOUT, outlive_stack=True)
