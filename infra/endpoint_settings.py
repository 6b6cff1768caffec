"""Owns storing compiled endpoint settings where the deployer reads them: one SSM parameter an endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import aws_ssm as ssm
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.settings.catalogue import EndpointSpec


class EndpointSettings(Construct):
    """Store each endpoint's settings under a common path."""

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
                tier=ssm.ParameterTier.STANDARD,  # free of charge; the compiler keeps to its 4 KB
            )
            for endpoint in endpoints
        ]
