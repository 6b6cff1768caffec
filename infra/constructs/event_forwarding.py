"""Owns the rules that forward a registry's events to stages in other accounts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.stages.stage_names import spellings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import aws_sqs as sqs

    from infra.stages.access import StageAccess

_LARGEST_PATTERN: Final = 2048
"""EventBridge quota, in characters; what is around the names takes some of it."""
_AROUND_NAMES: Final = 300


class Forwarding(Construct):
    """Forward the events of the groups that a stage uses to the stage's bus, and no other group's."""

    def __init__(
        self, scope: Construct, construct_id: str, *, access: StageAccess, undelivered: sqs.IQueue
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        # EventBridge demands a role for buses of other accounts (user guide, "eb-cross-account").
        self.role = iam.Role(
            self,
            "Role",
            description=f"What the rules for stage {access.names.stage_name} may do: put events on its bus",
            assumed_by=iam.ServicePrincipal(
                "events.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
            ),
        )
        bus = events.EventBus.from_event_bus_arn(self, "Bus", access.names.bus_arn)
        # Left out, EventBridge's patience is its longest: a day, and 185 attempts.
        target = targets.EventBus(bus, role=self.role, dead_letter_queue=undelivered)
        self.rules = [
            events.Rule(
                self,
                f"Rule{number}",
                description=f"Model package events of stage {access.names.stage_name}'s groups",
                event_pattern=events.EventPattern(
                    source=["aws.sagemaker"],
                    detail_type=["SageMaker Model Package State Change"],
                    # Not what others forward to this account.
                    account=[stack.account],
                    detail={"ModelPackageGroupName": names},
                ),
                targets=[target],
            )
            for number, names in enumerate(fitting(access), start=1)
        ]


def fitting(access: StageAccess) -> Iterator[list[str]]:
    """Split the groups' names into as many patterns as they need."""
    names = [name for group in access.groups for name in spellings(group, access.registry.resource_names)]
    fitting: list[str] = []
    for name in names:
        if len(json.dumps([*fitting, name])) > _LARGEST_PATTERN - _AROUND_NAMES:
            yield fitting
            fitting = []
        fitting.append(name)
    yield fitting
