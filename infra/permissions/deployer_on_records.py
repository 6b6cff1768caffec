"""Owns what the deployer may do with its logs and its journal, and where it may send messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_events as events
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns

    from infra.permissions.role_policies import Permissions

EVENT_BUS_NAME: Final = "default"


def allow_logging(permissions: Permissions, log_group: logs.ILogGroup) -> None:
    """Let the function write its logs."""
    # The ARN of a log group ends in ":*", which is its streams.
    write = ["logs:CreateLogStream", "logs:PutLogEvents"]
    permissions.allow("WriteLogs", write, [log_group.log_group_arn])


def allow_records(permissions: Permissions, journal: dynamodb.ITable) -> None:
    """Let the deployer keep its journal."""
    permissions.allow(
        "KeepJournal",
        ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
        [journal.table_arn],
    )


def allow_telling(
    permissions: Permissions,
    *,
    event_source: str,
    sweep_bus: events.IEventBus,
    topic: sns.ITopic,
    topic_key: kms.IKey,
) -> None:
    """Let the deployer tell people, machines, and itself of a sweep's parts."""
    stack = permissions.stack
    bus = stack.format_arn(service="events", resource="event-bus", resource_name=EVENT_BUS_NAME)
    own = {"StringEquals": {"events:source": event_source}}
    put = ["events:PutEvents"]
    permissions.allow("PutOwnEvents", put, [bus], conditions=own)
    permissions.allow("PutSweepParts", put, [sweep_bus.event_bus_arn], conditions=own)
    permissions.allow("PublishOutcomes", ["sns:Publish"], [topic.topic_arn])
    # What a publisher to an encrypted topic needs (SNS developer guide, "sns-key-management"), and by way
    # of SNS alone (KMS developer guide, "kms:ViaService").
    permissions.allow(
        "EncryptOutcomes",
        ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
        [topic_key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"sns.{stack.region}.{stack.url_suffix}"}},
    )
