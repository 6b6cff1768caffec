"""Owns how outcomes and alarms reach people: events on the bus, a rule, and an encrypted SNS topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.own_events import OUTCOME, own_events
from infra.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_sqs as sqs


class Outcomes(Construct):
    """Send every outcome of a deployment, and every alarm, to one SNS topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        undelivered: sqs.IQueue,
        emails: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        # A key of our own: EventBridge and CloudWatch cannot publish to a topic that is encrypted with the
        # key that AWS manages for SNS, because that key's policy cannot admit them.
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts Greenlight's outcome topic",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.topic = sns.Topic(
            self, "Topic", display_name="Greenlight outcomes", master_key=self.key, enforce_ssl=True
        )
        self.rule = events.Rule(
            self,
            "Rule",
            description="Outcomes of Greenlight's deployments, to people",
            event_pattern=own_events(self, OUTCOME),
        )
        # The rule publishes as a role of ours. As a service it could not be told apart from other accounts'
        # rules: for an encrypted topic EventBridge supports no source conditions (SNS developer guide,
        # "sns-key-management"). The target is bound to the topic by its ARN: bound to the construct, CDK
        # would grant the role more than this topic and this key.
        publisher = self._publisher()
        bare_topic = sns.Topic.from_topic_arn(self, "TopicByArn", self.topic.topic_arn)
        self.rule.add_target(targets.SnsTopic(bare_topic, role=publisher, dead_letter_queue=undelivered))
        self._admit_alarms()
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def notify_of(self, alarm: cloudwatch.Alarm) -> None:
        """Tell the topic when an alarm goes off, and when it is over."""
        alarm.add_alarm_action(cloudwatch_actions.SnsAction(self.topic))
        alarm.add_ok_action(cloudwatch_actions.SnsAction(self.topic))

    def _publisher(self) -> iam.IRole:
        """Make the role that the rule publishes as; EventBridge may take it for this account's rules only."""
        role = iam.Role(
            self,
            "Publisher",
            description="What Greenlight's outcome rule may do: publish to the outcome topic",
            assumed_by=iam.ServicePrincipal(
                "events.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        Permissions(role).allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [self.key.key_arn])
        return role

    def _admit_alarms(self) -> None:
        """Let CloudWatch publish to the topic and use its key, for alarms of this account only."""
        stack = Stack.of(self)
        alarms = f"arn:{stack.partition}:cloudwatch:{stack.region}:{stack.account}:alarm:*"
        principal = iam.ServicePrincipal("cloudwatch.amazonaws.com")
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="PublishAlarms",
                principals=[principal],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=_from(alarms),
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EncryptAlarms",
                principals=[principal],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's policy: this key
                conditions=_from(alarms),
            )
        )


def _from(arn: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}, "ArnLike": {"aws:SourceArn": arn}}
