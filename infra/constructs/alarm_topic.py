"""Owns the encrypted SNS topic through which alarms reach people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch


class AlarmTopic(Construct):
    """Send alarms to one SNS topic, and to the people who are subscribed to it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        display_name: str,
        key_description: str,
        emails: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        # A key of our own: EventBridge and CloudWatch cannot publish to a topic that is encrypted with the
        # key that AWS manages for SNS, because that key's policy cannot admit them.
        self.key = kms.Key(
            self,
            "Key",
            description=key_description,
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.topic = sns.Topic(
            self, "Topic", display_name=display_name, master_key=self.key, enforce_ssl=True
        )
        self._admit_alarms()
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def notify_of(self, alarm: cloudwatch.Alarm) -> None:
        """Tell the topic when an alarm goes off, and when it is over."""
        alarm.add_alarm_action(cloudwatch_actions.SnsAction(self.topic))
        alarm.add_ok_action(cloudwatch_actions.SnsAction(self.topic))

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
