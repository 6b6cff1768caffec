"""Owns what Greenlight has in the registry's account: events to every stage, and access for every stage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from aws_cdk import CfnOutput, Environment, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.alarm_topic import AlarmTopic
from infra.deployer_function import RETENTION
from infra.failure_queue import FailureQueue
from infra.policy_editor import PolicyEditor
from infra.stages.access import policies
from infra.stages.names import owner_of, registry_stack_name, spellings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aws_cdk import aws_sqs as sqs

    from infra.configuration.app_context import Configuration
    from infra.configuration.registry_and_stages import Registry
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


class RegistryStack(Stack):
    """Let every stage in another account read the versions of its groups, and hear of them."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: Configuration,
        registry: Registry,
        stages: Sequence[StageAccess],
        asset: Path,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=registry_stack_name(configuration.stack_name),
            env=Environment(account=registry.account, region=registry.region),
            description="Greenlight: lets stages in other accounts read model versions, and hear of them",
        )
        self.undelivered = FailureQueue(
            self,
            "Undelivered",
            alarm_description=(
                "A model package event did not reach a stage's bus. Look at the messages in the queue: their "
                "attributes say which rule, and why. The stage's sweep makes up for lost events."
            ),
        )
        self.alarms = AlarmTopic(
            self,
            "Alarms",
            display_name="Greenlight registry",
            key_description="Encrypts the topic of Greenlight's alarms in the registry's account",
            emails=configuration.outcome_emails,
        )
        self.alarms.notify_of(self.undelivered.alarm)
        elsewhere = [stage for stage in stages if not stage.at_home]
        self.forwarding = [
            Forwarding(
                self,
                f"Forwarding-{stage.names.stage_name}",
                access=stage,
                undelivered=self.undelivered.queue,
            )
            for stage in elsewhere
        ]
        if elsewhere:
            editor = PolicyEditor(
                self,
                "PolicyEditor",
                asset=asset,
                owner=owner_of(configuration.stack_name, registry),
                stage_accounts=[stage.names.account for stage in elsewhere],
                revision=registry.revision,
                log_retention=RETENTION[configuration.log_retention_days],
            )
            editor.merge(policies(elsewhere))
        CfnOutput(
            self,
            "AlarmTopicArn",
            value=self.alarms.topic.topic_arn,
            description="subscribe to it to hear of events that did not reach a stage",
        )
        CfnOutput(
            self,
            "UndeliveredQueueUrl",
            value=self.undelivered.queue.queue_url,
            description="events that could not be delivered to a stage",
        )
