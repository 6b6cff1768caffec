"""Owns how the parts are wired: approve a model version, and it is serving."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from aws_cdk import CfnOutput, Environment, Stack
from aws_cdk import aws_iam as iam

from deployer.contract import VERSION
from infra.bundling.assets import with_settings
from infra.constructs.deployer_function import DeployerFunction, Destinations
from infra.constructs.dynamodb_journal import JournalTable
from infra.constructs.event_rules import EventRules
from infra.constructs.failure_queue import FailureQueue
from infra.constructs.model_execution_role import ModelExecutionRole
from infra.constructs.outcome_topic import OutcomeTopic
from infra.constructs.people_policies import PeoplePolicies
from infra.constructs.registry_event_bus import RegistryEventBus
from infra.constructs.saved_queries import SavedQueries
from infra.constructs.settings_marker import SettingsMarker
from infra.constructs.sweep_bus import SweepBus
from infra.permissions.people import Reached
from infra.permissions.registry_reading import of_deployer
from infra.settings.compiling.settings_files import settings_digest, settings_files
from infra.settings.endpoint_requirements import EndpointRequirements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from constructs import Construct

    from infra.configuration.app_context import Configuration
    from infra.settings.endpoint_spec import EndpointSpec
    from infra.settings.problem import Problem
    from infra.stages.access import StageAccess


class DeploymentStack(Stack):
    """Deploy approved model versions to the endpoints of one account and region.

    The stack is tied to no account and no region: it goes where the CLI's credentials point. A stage's stack
    is tied to the stage's, and `access` says what it reads of the registry's account.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration: Configuration,
        endpoints: Sequence[EndpointSpec],
        asset: Path,
        access: StageAccess | None = None,
    ) -> None:
        names = access.names if access else None
        self.problems: list[Problem] = []
        """What IAM cannot hold; with any, the stack is not to be deployed."""
        super().__init__(
            scope,
            construct_id,
            stack_name=configuration.stack_name,
            env=Environment(account=names.account, region=names.region) if names else None,
            description="Greenlight: serves the newest approved model versions on SageMaker endpoints",
        )
        self.undelivered = FailureQueue(
            self,
            "Undelivered",
            alarm_description=(
                "An event did not reach Greenlight's deployer. Look at the messages in the "
                "queue: their attributes say which rule, and why. The sweep makes up for lost events."
            ),
        )
        self.unhandled = FailureQueue(
            self,
            "Unhandled",
            alarm_description=(
                "Greenlight's deployer failed on an event, three times. Look at the messages in the queue: "
                "they hold the event and the error. Mend the cause; the sweep tries again by itself."
            ),
        )
        self.outcomes = OutcomeTopic(
            self,
            "Outcomes",
            emails=configuration.outcome_emails,
            chat_channels=configuration.chat_channels,
        )
        self.outcomes.notify_of(self.undelivered.alarm)
        self.outcomes.notify_of(self.unhandled.alarm)
        self.journal = JournalTable(self, "Journal", expires=configuration.history_days is not None)
        settings = settings_files(endpoint.compiled for endpoint in endpoints)
        requirements = EndpointRequirements.of(endpoints)
        if access is not None:
            # Whose versions a stage serves and writes to, and where their samples are, `access` says.
            requirements = replace(
                requirements, own_registry=access.at_home, version_metadata=False, sample_payloads=False
            )
        self.execution_role = self._execution_role(configuration, requirements, access)
        self.sweep_bus = SweepBus(self, "SweepBus")
        self.deployer = DeployerFunction(
            self,
            "Deployer",
            asset=with_settings(asset, settings),
            journal=self.journal.table,
            execution_role=self.execution_role,
            requirements=requirements,
            destinations=Destinations(self.unhandled.queue, self.outcomes, self.sweep_bus),
            configuration=configuration,
        )
        SavedQueries(self, "Queries", log_group=self.deployer.log_group)
        # Settings take effect when the function is updated: what models need has to be there.
        self.deployer.function.node.add_dependency(self.execution_role)
        self.sweep_bus.admit_only(self.deployer.role)
        elsewhere = of_deployer(access) if access is not None else ()
        self.problems += self.deployer.attach_permissions(elsewhere=elsewhere)
        if access is not None:
            # The registry's account lets this role in by its name.
            cast(
                "iam.CfnRole", self.deployer.role.node.default_child
            ).role_name = access.names.deployer_role_name
        self.people = PeoplePolicies(
            self,
            "People",
            reached=Reached(
                self,
                self.journal.table,
                self.deployer.function,
                self.deployer.log_group,
                queues=[self.undelivered.queue, self.unhandled.queue],
                topic=self.outcomes.topic,
                sweep_bus_name=self.sweep_bus.name,
            ),
        )
        self.settings = SettingsMarker(self, "Settings", digest=settings_digest(settings))
        self.triggers = EventRules(
            self,
            "Triggers",
            function=self.deployer.function,
            undelivered=self.undelivered.queue,
            settings_parameter=self.settings.parameter_name,
            sweep_minutes=configuration.sweep_minutes,
            sweep_bus=self.sweep_bus,
            registry_events=RegistryEventBus(self, "RegistryEvents", access=access)
            if access is not None and not access.at_home
            else None,
        )
        if requirements.smoke_tests:
            self.triggers.tell_of_bakes()
        self.settings.write_after(each for each in self.node.children if each is not self.settings)
        self._outputs()

    def _execution_role(
        self, configuration: Configuration, requirements: EndpointRequirements, access: StageAccess | None
    ) -> iam.IRole:
        if configuration.execution_role_arn is None:
            made = ModelExecutionRole(
                self,
                "ModelExecutionRole",
                buckets=configuration.model_buckets,
                requirements=requirements,
                access=access,
                most_managed_policies=configuration.managed_policies_per_role,
            )
            self.problems += made.problems
            return made.role
        # Not ours to change, only to pass.
        return iam.Role.from_role_arn(
            self, "GivenExecutionRole", configuration.execution_role_arn, mutable=False
        )

    def _outputs(self) -> None:
        outputs = {
            "DeployerFunctionName": (self.deployer.function.function_name, "the deployer's Lambda function"),
            "DeployerLogGroupName": (self.deployer.log_group.log_group_name, "the deployer's log"),
            "ExecutionRoleArn": (
                self.execution_role.role_arn,
                "the role that models run with; it stays when the stack is destroyed",
            ),
            "GreenlightVersion": (VERSION, "the version that deployed this stack"),
            "JournalTableName": (self.journal.table.table_name, "approvals and attempts"),
            "OperatorPolicyArn": (
                self.people.operator.managed_policy_arn,
                "for people who steer with the command greenlight, beside ViewerPolicyArn",
            ),
            "OutcomeTopicArn": (self.outcomes.topic.topic_arn, "subscribe to it to hear of every outcome"),
            "RemoverPolicyArn": (
                self.people.remover.managed_policy_arn,
                "for people who delete what is left of endpoints, beside ViewerPolicyArn",
            ),
            "UndeliveredQueueUrl": (self.undelivered.queue.queue_url, "events that could not be delivered"),
            "UnhandledQueueUrl": (self.unhandled.queue.queue_url, "events that the deployer failed on"),
            "ViewerPolicyArn": (
                self.people.viewer.managed_policy_arn,
                "for people who look with the command greenlight",
            ),
        }
        for name, (value, description) in outputs.items():
            CfnOutput(self, name, value=value, description=description)
