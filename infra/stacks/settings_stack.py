"""Owns the stacks that hold the settings for which the first stack has no room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnResource, Environment, Stack, Token

from infra.constructs.settings_parameters import SettingsParameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from infra.configuration.app_context import Configuration
    from infra.settings.endpoint_spec import EndpointSpec


class SettingsStack(Stack):
    """Hold some endpoints' settings, and nothing else.

    Deployed after the stack before it: a parameter that moves here has then left where it was, and the rule
    that tells the deployer of it is in place.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        number: int,
        after: Stack,
        configuration: Configuration,
        endpoints: Sequence[EndpointSpec],
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=configuration.settings_stack_name(number),
            env=_environment(after),
            description=f"Greenlight: endpoint settings, part {number} of {configuration.settings_stacks}",
        )
        self.add_dependency(after, "a parameter leaves one stack before it enters another")
        self.settings = SettingsParameters(
            self, "Settings", settings_prefix=configuration.settings_prefix, endpoints=endpoints
        )
        if not endpoints:
            # CloudFormation takes no template without resources. This one does nothing and costs nothing.
            CfnResource(self, "Empty", type="AWS::CloudFormation::WaitConditionHandle")


def _environment(stack: Stack) -> Environment | None:
    """Tell where a stack is tied to; None if it goes where the CLI's credentials point."""
    if Token.is_unresolved(stack.account):
        return None
    return Environment(account=stack.account, region=stack.region)
