"""Owns what Greenlight has in the registry's account: events to every stage, and access for every stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Environment, Stack

from infra.constructs.alarm_topic import AlarmTopic
from infra.constructs.deployer_function import RETENTION
from infra.constructs.event_forwarding import Forwarding
from infra.constructs.failure_queue import FailureQueue
from infra.constructs.policy_editor import PolicyEditor
from infra.stages.policy_statements import policies
from infra.stages.stage_names import owner_of, registry_stack_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from constructs import Construct

    from infra.configuration.app_context import Configuration
    from infra.configuration.registry_and_stages import Registry
    from infra.stages.access import StageAccess


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
