"""Owns the queues in which events end that could not be handled, and the alarm on each."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.permissions.role_policies import acknowledge


class FailureQueue(Construct):
    """Keep failed events for a fortnight, and raise an alarm as soon as there is one."""

    def __init__(self, scope: Construct, construct_id: str, *, alarm_description: str) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            # Encrypted by SQS: EventBridge and Lambda could not use a key that AWS manages, and a key of our
            # own would cost more than it protects, as the events name resources and hold no data.
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        acknowledge(
            self.queue,
            "AwsSolutions::AwsSolutions-SQS3",
            "This is a queue of failures itself: EventBridge and Lambda send to it what they gave up on.",
        )
        self.alarm = cloudwatch.Alarm(
            self,
            "Alarm",
            alarm_description=alarm_description,
            metric=self.queue.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(1), statistic=cloudwatch.Stats.MAXIMUM
            ),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=1,
            # SQS stops reporting on a queue that nothing happens to, which is this queue's normal state.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
