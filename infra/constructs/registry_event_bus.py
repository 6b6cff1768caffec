"""Owns the bus on which a registry in another account puts its events, and who may put any there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_events as events
from constructs import Construct

from infra.stages.policy_statements import admission

if TYPE_CHECKING:
    from infra.stages.access import StageAccess


class RegistryEventBus(Construct):
    """Take in the registry account's events, and nobody else's.

    A bus of its own, as the default bus's policy is everybody's in the account: here nothing can be let in
    by somebody else's statement. Events of the stage's own account never come by it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, access: StageAccess) -> None:
        super().__init__(scope, construct_id)
        names, registry = access.names, access.registry
        self.account = registry.account
        self.region = registry.region
        self._made = events.CfnEventBus(
            self,
            "Bus",
            # The rule in the registry's account names it.
            name=names.bus,
            description="Model package events of the registry's account, for Greenlight",
        )
        statement = admission(access)
        events.CfnEventBusPolicy(
            self,
            "Admission",
            event_bus_name=self._made.ref,
            statement_id=statement["Sid"],
            statement=statement,
        )
        self.bus = events.EventBus.from_event_bus_attributes(
            self,
            "ByName",
            event_bus_arn=self._made.attr_arn,
            event_bus_name=self._made.ref,
            event_bus_policy="",
        )
