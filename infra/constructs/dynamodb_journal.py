"""Owns the table in which the deployer remembers approvals and attempts."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from deployer.contract import JOURNAL_EXPIRY, JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY


class JournalTable(Construct):
    """Keep the history of every endpoint: who approved what, and what became of it.

    DynamoDB deletes what expires, if anything does: the deployer says of history alone when that is.
    """

    def __init__(self, scope: Construct, construct_id: str, *, expires: bool) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name=JOURNAL_PARTITION_KEY, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=JOURNAL_SORT_KEY, type=dynamodb.AttributeType.STRING),
            time_to_live_attribute=JOURNAL_EXPIRY if expires else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            # Approvals cannot be had again: the registry knows what is approved, and not when or by whom. The
            # table outlives the stack, and nobody deletes it without first saying so on the table itself.
            removal_policy=RemovalPolicy.RETAIN,
            deletion_protection=True,
        )
