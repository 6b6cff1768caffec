"""Owns the bus on which the deployer puts the parts of a sweep for itself, and who may put any there."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct


class SweepBus(Construct):
    """Take in the deployer's events, and nobody else's.

    Each part is an invocation. On the default bus, everybody in the account with `events:PutEvents` could
    start as many as they like. See docs/adr/0010-who-speaks-as-greenlight.md.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        # No stack and no stage has a dot in its name, so this is nobody else's.
        self.name = f"{Stack.of(self).stack_name}.sweep-parts"
        self.bus = events.EventBus(
            self,
            "Bus",
            event_bus_name=self.name,
            description="Parts of sweeps, from Greenlight's deployer to itself",
        )

    def admit_only(self, role: iam.IRole) -> None:
        """Deny the bus to everybody but a role.

        Within an account an identity policy is enough to put events on a bus, so that this denies, which no
        policy overrides. EventBridge asks the bus's policy as well (AWS Compute Blog, "Simplifying
        cross-account access with Amazon EventBridge resource policies"). `aws:PrincipalArn` of a session is
        the ARN of its role (IAM user guide, "Global condition keys").
        """
        self.bus.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DenyOthers",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["events:PutEvents"],
                resources=[self.bus.event_bus_arn],
                conditions={"ArnNotEquals": {"aws:PrincipalArn": role.role_arn}},
            )
        )
