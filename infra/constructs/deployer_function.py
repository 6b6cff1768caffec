"""Owns the deployer's Lambda function and its role.

What the role may do is in `infra/permissions/`. Tests hold its statements against the deployer's own list of
operations, `lambdas/deployer/operations.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from deployer.contract import SOURCE
from deployer.environment import Environment
from infra.bundling.lambda_runtime import runtime
from infra.configuration.app_context import LOG_RETENTION_DAYS
from infra.permissions.deployer_on_endpoints import (
    allow_container_logs,
    allow_deployment,
    allow_execution_roles,
    allow_registry,
    allow_smoke_tests,
    allow_storage_keys,
    allow_version_metadata,
)
from infra.permissions.deployer_on_records import EVENT_BUS_NAME, allow_logging, allow_records, allow_telling
from infra.permissions.deployer_on_scaling import (
    allow_keeping_alarms,
    allow_scaling,
    allow_unscaling,
)
from infra.permissions.model_role import artifact_buckets
from infra.permissions.role_policies import Permissions, acknowledge

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_sqs as sqs

    from infra.configuration.app_context import Configuration
    from infra.constructs.outcome_topic import OutcomeTopic
    from infra.constructs.sweep_bus import SweepBus
    from infra.permissions.spreading import Allowance
    from infra.settings.endpoint_requirements import EndpointRequirements
    from infra.settings.problem import Problem

_ABOUT: Final = "What Greenlight's deployer may do"
RETENTION: Final = dict(zip(LOG_RETENTION_DAYS, list(logs.RetentionDays)[:-1], strict=True))
"""CDK's names for the same days, in the same order, less INFINITE."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where the deployer sends what is not for SageMaker.

    Attributes:
        unhandled: Takes the events that it fails on.
        outcomes: Takes what people are to hear.
        sweep_bus: Takes the parts of sweeps.
    """

    unhandled: sqs.IQueue
    outcomes: OutcomeTopic
    sweep_bus: SweepBus


class DeployerFunction(Construct):
    """Run the deployer, with the permissions that its calls need and no others."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        asset: Path,
        journal: dynamodb.ITable,
        execution_role: iam.IRole,
        requirements: EndpointRequirements,
        destinations: Destinations,
        configuration: Configuration,
    ) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            retention=RETENTION[configuration.log_retention_days],
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.role = iam.Role(
            self,
            "Role",
            description=_ABOUT,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        self._permissions = Permissions(self.role, most_managed=configuration.managed_policies_per_role)
        self.function = lambda_.Function(
            self,
            "Function",
            description="Keeps SageMaker endpoints on the newest approved model versions",
            code=lambda_.Code.from_asset(str(asset)),
            handler="deployer.handler.handler",
            runtime=lambda_.Runtime(runtime().name, lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            memory_size=512,
            timeout=Duration.minutes(5),
            role=self.role,
            log_group=self.log_group,
            # No reserved concurrency: a fresh account has 10 concurrent executions and refuses to reserve
            # any. The deployer needs none, as its journal makes concurrent runs safe.
            environment={
                **Environment(
                    journal_table_name=journal.table_name,
                    execution_role_arn=execution_role.role_arn,
                    event_bus_name=EVENT_BUS_NAME,
                    sweep_bus_name=destinations.sweep_bus.bus.event_bus_name,
                    outcome_topic_arn=destinations.outcomes.topic.topic_arn,
                    stack_name=Stack.of(self).stack_name,
                    deployer_role_name=self.role.role_name,
                    model_buckets=",".join(artifact_buckets(Stack.of(self), configuration.model_buckets))
                    if configuration.execution_role_arn is None
                    else None,
                    history_days=configuration.history_days,
                    studio_url=configuration.studio_url,
                    runbook_url=configuration.runbook_url,
                    chats=destinations.outcomes.chats or None,
                ).variables(),
                "POWERTOOLS_SERVICE_NAME": SOURCE,
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
        )
        self._invoke_asynchronously(destinations.unhandled)
        # cdk-nag wants the newest runtime there is.
        acknowledge(
            self.function,
            "AwsSolutions::AwsSolutions-L1",
            "The newest runtime that the local cloud, on which all of this is proven, can run.",
        )
        allow_logging(self._permissions, self.log_group)
        allow_deployment(self._permissions, execution_role)
        own = (None,) if requirements.own_registry else ()
        allow_registry(self._permissions, (*own, *requirements.registry_accounts))
        allow_container_logs(self._permissions)
        allow_records(self._permissions, journal)
        allow_telling(
            self._permissions,
            event_source=SOURCE,
            sweep_bus=destinations.sweep_bus.bus,
            topic=destinations.outcomes.topic,
            topic_key=destinations.outcomes.key,
        )
        self._allow_as_required(requirements, configuration)

    def _allow_as_required(self, requirements: EndpointRequirements, configuration: Configuration) -> None:
        """Allow what some endpoints' settings need, and what ends what they no longer need."""
        allow_keeping_alarms(self._permissions)
        allow_execution_roles(self._permissions, requirements.execution_roles)
        allow_storage_keys(self._permissions, requirements.storage_keys)
        if requirements.version_metadata:
            allow_version_metadata(self._permissions)
        allow_unscaling(self._permissions)
        if requirements.autoscaling:
            allow_scaling(self._permissions)
        if requirements.smoke_tests:
            allow_smoke_tests(self._permissions, requirements, configuration.model_buckets)

    def attach_permissions(self, *, elsewhere: Iterable[Allowance] = ()) -> list[Problem]:
        """Attach what the role may do, and `elsewhere`; return a problem if IAM has no room for it."""
        self._permissions.allow_all(elsewhere)
        return self._permissions.attach(about=_ABOUT)

    def _invoke_asynchronously(self, unhandled: sqs.IQueue) -> None:
        """Say what Lambda does with an event that the function fails on.

        Written out, because CDK's own construct grants more on the queue than sending to it.
        """
        self._permissions.allow("SendUnhandled", ["sqs:SendMessage"], [unhandled.queue_arn])
        lambda_.CfnEventInvokeConfig(
            self,
            "EventInvokeConfig",
            function_name=self.function.function_name,
            qualifier="$LATEST",
            # Two retries cover what botocore's own do not, some minutes later. Six hours is the longest that
            # Lambda keeps an event which it cannot run, and an approval's event is worth keeping.
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=6 * 60 * 60,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=unhandled.queue_arn)
            ),
        )
