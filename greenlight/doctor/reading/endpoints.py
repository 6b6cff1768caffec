"""Owns reading one endpoint that a stack manages: its tags, its alarms, and what holds it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.gateways.pauses import pauses_of
from deployer.model.names import account_of
from greenlight.doctor.endpoint import ManagedEndpoint
from greenlight.doctor.facts import Found
from greenlight.doctor.reading.attempts import attempt
from greenlight.endpoint.reading import alarm_states
from greenlight.journal import journal_of
from infra.configuration.partitions import partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.pause import Pause
    from deployer.model.settings import EndpointSettings
    from greenlight.connection import Connection
    from greenlight.doctor.facts import Reading


def read_pauses(connection: Connection) -> Reading[Sequence[Pause]]:
    """Read all pauses, in one query."""
    journal = journal_of(connection.client("dynamodb"), connection.stack.table_name)
    return attempt(journal.pauses.all)


def read_endpoint(
    connection: Connection, settings: EndpointSettings, pauses: Reading[Sequence[Pause]]
) -> ManagedEndpoint:
    """Read everything about one endpoint, but for the pauses, which were read for all."""
    stack, name, group = connection.stack, settings.endpoint_name, settings.model_package_group
    arn = f"arn:{partition_of(stack.region)}:sagemaker:{stack.region}:{stack.account}:endpoint/{name.lower()}"
    if isinstance(pauses, Found):
        pauses = Found(pauses_of(name, pauses.value))
    return ManagedEndpoint(
        stack=stack.name,
        account=stack.account,
        registry=account_of(group) if group.startswith("arn:") else stack.account,
        arn=arn,
        settings=settings,
        tags=attempt(lambda: _tags(connection, name)),
        alarms=attempt(lambda: alarm_states(connection, settings.rollback_alarm_names)),
        pauses=pauses,
    )


def _tags(connection: Connection, name: str) -> dict[str, str]:
    client = connection.client("sagemaker")
    described = client.describe_endpoint(EndpointName=name)
    pages = client.get_paginator("list_tags").paginate(ResourceArn=described["EndpointArn"])
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
