"""Owns storing compiled endpoint settings where the deployer reads them, and the alarms that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.constructs.rollback_alarms import make_alarm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import CfnResource

    from infra.settings.endpoint_spec import EndpointSpec


class SettingsParameters(Construct):
    """Store each endpoint's settings under a common path, one SSM parameter an endpoint."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings_prefix: str, endpoints: Sequence[EndpointSpec]
    ) -> None:
        super().__init__(scope, construct_id)
        self.parameters = [
            ssm.StringParameter(
                self,
                endpoint.endpoint_name,
                parameter_name=f"{settings_prefix}{endpoint.endpoint_name}",
                description=f"What {Path(endpoint.file).name} says; change the file, and deploy again",
                string_value=endpoint.parameter_value,
                # Standard, which is free, up to 4 KB; advanced only beyond. Said outright, a parameter that
                # became short again could not be updated: Parameter Store takes no advanced tier back.
                tier=ssm.ParameterTier.INTELLIGENT_TIERING,
            )
            for endpoint in endpoints
        ]
        for endpoint, parameter in zip(endpoints, self.parameters, strict=True):
            for alarm in endpoint.alarms:
                # Settings are acted on as soon as they are written: their alarms have to be there by then.
                parameter.node.add_dependency(make_alarm(self, alarm.local_name, alarm))

    def write_after(self, resources: Sequence[CfnResource]) -> None:
        """Have each parameter written, and written again, after some resources of its stack."""
        for parameter in self.parameters:
            written = cast("CfnResource", parameter.node.default_child)
            for resource in resources:
                written.add_dependency(resource)
