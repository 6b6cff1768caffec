"""Owns how outcomes reach people: events on the bus, a rule, and the topic that alarms have too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from infra.alarm_topic import AlarmTopic
from infra.own_events import OUTCOME, own_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_sqs as sqs
    from constructs import Construct


class Outcomes(AlarmTopic):
    """Send every outcome of a deployment, and every alarm, to one SNS topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        undelivered: sqs.IQueue,
        emails: Sequence[str] = (),
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            display_name="Greenlight outcomes",
            key_description="Encrypts Greenlight's outcome topic",
            emails=emails,
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
        # CDK adds the topic to the same policy.
        use_key = iam.PolicyStatement(
            sid="UseKey", actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[self.key.key_arn]
        )
        role.add_to_policy(use_key)
        return role
