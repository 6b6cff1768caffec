"""Owns reading a deployed stack: its function, rules, queues, topic and settings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from deployer.contract import SETTINGS_PARAMETER
from greenlight.deployed_settings import deployed_function, digest_of, environment_of
from greenlight.doctor.facts import Found
from greenlight.doctor.installation import Function, Installation, Subscription
from greenlight.doctor.reading.attempts import attempt
from greenlight.doctor.reading.event_rules import rules_on
from greenlight.doctor.reading.policies import document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from greenlight.connection import Connection
    from greenlight.doctor.facts import Rule

_DEFAULT_BUS = "default"
_QUEUES = ("UndeliveredQueueUrl", "UnhandledQueueUrl")


def read_installation(connection: Connection, *, is_fed_here: bool) -> Installation:
    """Read everything of a deployed stack.

    Args:
        connection: Credentials of its account, in its region.
        is_fed_here: Whether the registry is in this account.

    Raises:
        CommandError: There is no such stack, or it is not of this version.
    """
    stack, described = connection.stack, connection.described
    assert described is not None, "otherwise there is no stack"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", ())}
    function = attempt(lambda: _function(connection))
    buses = [_DEFAULT_BUS, *([function.value.sweep_bus] if isinstance(function, Found) else [])]
    return Installation(
        stack=stack.name,
        account=stack.account,
        region=stack.region,
        status=described["StackStatus"],
        outputs=outputs,
        is_fed_here=is_fed_here,
        function=function,
        function_policy=attempt(lambda: function_policy(connection, stack.function_name)),
        rules=attempt(lambda: list(_rules(connection, buses, stack.name))),
        dead_letters={
            outputs[name]: attempt(partial(_messages, connection, outputs[name]))
            for name in _QUEUES
            if name in outputs
        },
        subscriptions=attempt(lambda: list(_subscriptions(connection, stack.topic_arn))),
        settings_digest=attempt(lambda: _digest(connection, stack.name)),
    )


def function_policy(connection: Connection, name: str) -> Mapping[str, Any]:
    """Return the policy of a function, by its name or ARN."""
    return document(connection.client("lambda").get_policy(FunctionName=name)["Policy"])


def _function(connection: Connection) -> Function:
    answer = deployed_function(connection)
    found = answer["Configuration"]
    environment = environment_of(answer)
    return Function(
        arn=found["FunctionArn"],
        role_arn=found["Role"],
        state=found.get("State", "Active"),
        update=found.get("LastUpdateStatus", "Successful"),
        reason=found.get("StateReason") or found.get("LastUpdateStatusReason") or "",
        reserved=answer.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        sweep_bus=environment.sweep_bus_name,
        execution_role_arn=environment.execution_role_arn,
        digest=attempt(lambda: digest_of(answer)),
    )


def _rules(connection: Connection, buses: Iterable[str], stack: str) -> Iterator[Rule]:
    """Yield the rules that CloudFormation named after the stack."""
    for bus in buses:
        yield from rules_on(connection, bus, f"{stack}-")


def _messages(connection: Connection, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    answer = connection.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(answer["Attributes"][name])


def _subscriptions(connection: Connection, topic_arn: str) -> Iterator[Subscription]:
    pages = connection.client("sns").get_paginator("list_subscriptions_by_topic")
    for page in pages.paginate(TopicArn=topic_arn):
        for each in page["Subscriptions"]:
            is_confirmed = each["SubscriptionArn"].startswith("arn:")
            yield Subscription(each["Protocol"], each["Endpoint"], is_confirmed)


def _digest(connection: Connection, stack: str) -> str:
    name = SETTINGS_PARAMETER.format(stack_name=stack)
    return str(connection.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
