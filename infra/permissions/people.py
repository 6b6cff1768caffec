"""Owns what people may do who use the command `greenlight`: viewers read, operators steer, removers delete.

Each statement is exactly what verbs call (docs/command.md). The command runs with a person's own credentials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.contract import (
    ADOPTED_TAG,
    CONCURRENCY,
    ENDPOINT_TAG,
    INSTANCES,
    PAUSES,
    PREFIX,
    REQUEST_DETAIL_TYPE,
    REQUESTS,
    SETTINGS_PARAMETER,
    SOURCE,
    STACK_TAG,
)
from infra.permissions.deployer_on_records import EVENT_BUS_NAME
from infra.permissions.spreading import Allowance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import Stack
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sqs as sqs

_ANY_ENDPOINT: Final = "The command shows every endpoint of the stack, and new ones come."
_BY_TAG: Final = "Any number of endpoints, told apart by tag and not by name."
_ANY_VERSION: Final = "Groups are not the stack's, and new versions come."


@dataclass(frozen=True, slots=True)
class Reached:
    """What the command reaches in the stack.

    Attributes:
        stack: The stack.
        journal: Its journal.
        function: Its deployer.
        log_group: The deployer's log.
        queues: Where failed events end.
        topic: Where outcomes go.
        sweep_bus_name: The bus on which the parts of sweeps are put.
    """

    stack: Stack
    journal: dynamodb.ITable
    function: lambda_.IFunction
    log_group: logs.ILogGroup
    queues: Sequence[sqs.IQueue]
    topic: sns.ITopic
    sweep_bus_name: str

    def arn(self, service: str, kind: str, name: str) -> str:
        """Return the ARN of something in the stack's account and region."""
        return self.stack.format_arn(service=service, resource=kind, resource_name=name)


def of_viewers(reached: Reached) -> list[Allowance]:
    """Return what the reading verbs call: status, watch, history, why, logs, version and doctor."""
    stack = reached.stack
    endpoint_logs = stack.format_arn(
        service="logs", resource="log-group:/aws/sagemaker/Endpoints/*", resource_name=None
    )
    return [
        Allowance(
            "ReadStack",
            ["cloudformation:DescribeStacks"],
            [reached.arn("cloudformation", "stack", f"{stack.stack_name}/*")],
            why_wildcard="The id of a stack comes after its name, and changes when it is made again.",
        ),
        Allowance("ReadSettings", ["lambda:GetFunction"], [reached.function.function_arn]),
        Allowance("ReadJournal", ["dynamodb:BatchGetItem", "dynamodb:Query"], [reached.journal.table_arn]),
        Allowance(
            "ListEndpoints",
            ["sagemaker:ListEndpoints"],
            ["*"],
            why_wildcard="AWS knows no narrower resource for listing.",
        ),
        Allowance(
            "ReadEndpoints",
            ["sagemaker:DescribeEndpoint", "sagemaker:ListTags"],
            [reached.arn("sagemaker", "endpoint", "*")],
            why_wildcard=_ANY_ENDPOINT,
        ),
        Allowance(
            "ReadConfigs",
            ["sagemaker:DescribeEndpointConfig"],
            [reached.arn("sagemaker", "endpoint-config", "*")],
            why_wildcard=_ANY_ENDPOINT,
        ),
        Allowance(
            "ReadModels",
            ["sagemaker:DescribeModel"],
            [reached.arn("sagemaker", "model", "*")],
            why_wildcard=_ANY_ENDPOINT,
        ),
        Allowance(
            "ListVersions",
            ["sagemaker:ListModelPackages"],
            ["*"],
            why_wildcard="AWS knows no narrower resource for listing.",
        ),
        Allowance(
            "ReadVersions",
            ["sagemaker:DescribeModelPackage"],
            [reached.arn("sagemaker", "model-package", "*")],
            why_wildcard=_ANY_VERSION,
        ),
        Allowance(
            "ReadAlarms",
            ["cloudwatch:DescribeAlarms"],
            ["*"],
            why_wildcard="Composite alarms show only to who may look at all; states are read.",
        ),
        Allowance(
            "ReadMetrics",
            ["cloudwatch:GetMetricData"],
            ["*"],
            why_wildcard="AWS knows no narrower resource for metrics.",
        ),
        Allowance("ReadLogs", ["logs:FilterLogEvents"], [endpoint_logs], why_wildcard=_ANY_ENDPOINT),
        Allowance(
            "ReadDeployerLogs",
            ["logs:FilterLogEvents"],
            [reached.log_group.log_group_arn],
            why_wildcard="The ARN of a log group ends so, which is its streams.",
        ),
        *_of_doctors(reached),
    ]


def _of_doctors(reached: Reached) -> Iterator[Allowance]:
    """Yield what the doctor reads beside that: the stack's own things, and no artifact, image or key."""
    stack = reached.stack
    parameter = SETTINGS_PARAMETER.format(stack_name=stack.stack_name).removeprefix("/")
    rules = [
        reached.arn("events", "rule", f"{stack.stack_name}-*"),
        reached.arn("events", "rule", f"{reached.sweep_bus_name}/*"),
    ]
    roles, policies = (
        stack.format_arn(service="iam", region="", resource=kind, resource_name=f"{stack.stack_name}-*")
        for kind in ("role", "policy")
    )
    yield Allowance("ReadFunctionPolicy", ["lambda:GetPolicy"], [reached.function.function_arn])
    yield Allowance(
        "ListRulesAndQuotas",
        ["events:ListRules", "servicequotas:ListAWSDefaultServiceQuotas", "servicequotas:ListServiceQuotas"],
        ["*"],
        why_wildcard="AWS knows no narrower resource for listing.",
    )
    yield Allowance(
        "ReadTargets",
        ["events:ListTargetsByRule"],
        rules,
        why_wildcard="CloudFormation chooses the rules' names, which begin with the stack's.",
    )
    yield Allowance("ReadQueues", ["sqs:GetQueueAttributes"], [each.queue_arn for each in reached.queues])
    yield Allowance("ReadSubscriptions", ["sns:ListSubscriptionsByTopic"], [reached.topic.topic_arn])
    yield Allowance("ReadMarker", ["ssm:GetParameter"], [reached.arn("ssm", "parameter", parameter)])
    yield Allowance(
        "ReadRoles",
        ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
        [roles],
        why_wildcard="CloudFormation chooses the roles' names, which begin with the stack's.",
    )
    yield Allowance(
        "ReadPolicies",
        ["iam:GetPolicy", "iam:GetPolicyVersion"],
        [policies],
        why_wildcard="CloudFormation chooses the policies' names, which begin with the stack's.",
    )
    yield Allowance(
        "ReadGroups",
        ["sagemaker:DescribeModelPackageGroup"],
        [reached.arn("sagemaker", "model-package-group", "*")],
        why_wildcard=_ANY_VERSION,
    )


def of_removers(reached: Reached) -> list[Allowance]:
    """Return what `remove` calls beside the viewers' verbs: it deletes what has the stack's tag."""
    stack, table = reached.stack, reached.journal.table_arn
    owned = {"StringEquals": {f"aws:ResourceTag/{STACK_TAG}": stack.stack_name}}
    endpoint, config, model = (
        reached.arn("sagemaker", kind, "*") for kind in ("endpoint", "endpoint-config", "model")
    )
    return [
        Allowance(
            "ListLeftovers",
            [
                "application-autoscaling:DescribeScalableTargets",
                "cloudwatch:GetMetricStatistics",
                "sagemaker:ListEndpointConfigs",
                "sagemaker:ListModels",
            ],
            ["*"],
            why_wildcard="AWS knows no narrower resource for listing.",
        ),
        Allowance("ReadTags", ["sagemaker:ListTags"], [config, model], why_wildcard=_BY_TAG),
        Allowance("DeleteEndpoints", ["sagemaker:DeleteEndpoint"], [endpoint], owned, why_wildcard=_BY_TAG),
        Allowance("DeleteConfigs", ["sagemaker:DeleteEndpointConfig"], [config], owned, why_wildcard=_BY_TAG),
        Allowance("DeleteModels", ["sagemaker:DeleteModel"], [model], owned, why_wildcard=_BY_TAG),
        Allowance(
            "Untag",
            ["sagemaker:DeleteTags"],
            [endpoint, config, model],
            {**owned, "ForAllValues:StringEquals": {"aws:TagKeys": [STACK_TAG, ENDPOINT_TAG, ADOPTED_TAG]}},
            why_wildcard=_BY_TAG,
        ),
        Allowance(
            "EndScaling",
            ["application-autoscaling:DeregisterScalableTarget"],
            [reached.arn("application-autoscaling", "scalable-target", "*")],
            {
                "StringEquals": {
                    "application-autoscaling:service-namespace": "sagemaker",
                    "application-autoscaling:scalable-dimension": [INSTANCES, CONCURRENCY],
                }
            },
            why_wildcard="A scalable target's ARN says nothing of its endpoint; only variants of endpoints.",
        ),
        Allowance(
            "ForgetEndpoints",
            ["dynamodb:BatchWriteItem"],
            [table],
            # Not the fleet's records, and no pauses.
            {"ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": [f"{PREFIX}*"]}},
        ),
    ]


def of_operators(reached: Reached) -> list[Allowance]:
    """Return what operators' verbs call beside those of viewers: those that steer, and adopt."""
    own = reached.stack.stack_name
    return [
        Allowance(
            "Decide",
            ["sagemaker:UpdateModelPackage"],
            [reached.arn("sagemaker", "model-package", "*")],
            # A person may only decide. A stage's stamps are metadata, and only the deployer writes those.
            {"Null": {"sagemaker:ModelApprovalStatus": "false"}},
            why_wildcard=_ANY_VERSION,
        ),
        Allowance(
            "KeepPauses",
            ["dynamodb:DeleteItem", "dynamodb:PutItem"],
            [reached.journal.table_arn],
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [PAUSES]}},
        ),
        Allowance(
            "Adopt",
            ["sagemaker:AddTags"],
            [reached.arn("sagemaker", "endpoint", "*")],
            # Nobody takes an endpoint from another installation, or gives one to it.
            {
                "StringEquals": {f"aws:RequestTag/{STACK_TAG}": own},
                "StringEqualsIfExists": {f"aws:ResourceTag/{STACK_TAG}": own},
                "ForAllValues:StringEquals": {"aws:TagKeys": [STACK_TAG, ENDPOINT_TAG, ADOPTED_TAG]},
            },
            why_wildcard="People name endpoints, and those that are adopted are not the stack's yet.",
        ),
        Allowance(
            "ReadScaling",
            [
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:DescribeScheduledActions",
            ],
            ["*"],
            why_wildcard="AWS knows no narrower resource for listing.",
        ),
        Allowance(
            "ListGroups",
            ["sagemaker:ListModelPackageGroups"],
            ["*"],
            why_wildcard="AWS knows no narrower resource for listing.",
        ),
        Allowance(
            "WriteRequests",
            ["dynamodb:PutItem"],
            [reached.journal.table_arn],
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [REQUESTS]}},
        ),
        Allowance(
            "TellOfRequests",
            ["events:PutEvents"],
            [reached.arn("events", "event-bus", EVENT_BUS_NAME)],
            {"StringEquals": {"events:source": SOURCE, "events:detail-type": REQUEST_DETAIL_TYPE}},
        ),
    ]
