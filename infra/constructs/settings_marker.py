"""Owns the one small resource whose change says that other settings were deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import Stack
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from deployer.contract import SETTINGS_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk import CfnResource
    from constructs import IConstruct


class SettingsMarker(Construct):
    """Hold the digest of all settings in a parameter, whose change is an event.

    Nobody reads it. The deployer has the settings beside its code, and finds out itself which have changed.
    """

    def __init__(self, scope: Construct, construct_id: str, *, digest: str) -> None:
        super().__init__(scope, construct_id)
        # A name of its own, because the rule that matches it has to be there before it.
        self.parameter_name = SETTINGS_PARAMETER.format(stack_name=Stack.of(self).stack_name)
        self._parameter = ssm.StringParameter(
            self,
            "Digest",
            parameter_name=self.parameter_name,
            description="Digest of the endpoints' settings that Greenlight's function was deployed with",
            string_value=digest,
        )

    def write_after(self, everything: Iterable[IConstruct]) -> None:
        """Have the digest written, and written again, after everything that settings need.

        Each resource is named: nobody documents that one which does not change keeps others in order.
        """
        written = cast("CfnResource", self._parameter.node.default_child)
        written.node.add_dependency(*everything)
