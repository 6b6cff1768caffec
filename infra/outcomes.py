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
        # The target is bound to the topic by its ARN: bound to the construct, it would add a statement to the
        # topic's policy that admits every rule of every account. Ours, below, admits this rule.
        bare_topic = sns.Topic.from_topic_arn(self, "TopicByArn", self.topic.topic_arn)
        self.rule.add_target(targets.SnsTopic(bare_topic, dead_letter_queue=undelivered))
        self._admit("events", "events.amazonaws.com", self.rule.rule_arn, self._arns("events", "rule/*"))
        alarms = self._arns("cloudwatch", "alarm:*")
        self._admit("alarms", "cloudwatch.amazonaws.com", alarms, alarms)
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def notify_of(self, alarm: cloudwatch.Alarm) -> None:
        """Tell the topic when an alarm goes off, and when it is over."""
        alarm.add_alarm_action(cloudwatch_actions.SnsAction(self.topic))
        alarm.add_ok_action(cloudwatch_actions.SnsAction(self.topic))

    def _admit(self, name: str, service: str, publisher_arn: str, key_user_arn: str) -> None:
        """Let a service publish to the topic and use its key, for resources of this account only.

        The key's policy cannot name the rule: the rule names the topic, and the topic the key.
        """
        principal = iam.ServicePrincipal(service)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"Publish{name.capitalize()}",
                principals=[principal],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=_from(publisher_arn),
            )
        )
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"Encrypt{name.capitalize()}",
                principals=[principal],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's policy: this key
                conditions=_from(key_user_arn),
            )
        )

    def _arns(self, service: str, resource: str) -> str:
        stack = Stack.of(self)
        return f"arn:{stack.partition}:{service}:{stack.region}:{stack.account}:{resource}"


def _from(arn: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}, "ArnLike": {"aws:SourceArn": arn}}
