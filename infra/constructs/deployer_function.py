"""Owns the deployer's Lambda function and its role.

The role scales to any number of endpoints because it names none: what the deployer creates carries the
stack's tag from the start, and only what carries the tag may be changed. The statements are held against the
deployer's own list of operations, `lambdas/deployer/operations.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundling.lambda_runtime import runtime
from infra.configuration.app_context import LOG_RETENTION_DAYS
from infra.constructs.own_events import SOURCE
from infra.permissions.coarsening import Loss, in_steps
from infra.permissions.role_policies import Permissions, acknowledge, grant_use_of_keys
from infra.permissions.s3_grants import Surroundings, keys_of_buckets, on_objects
from infra.permissions.spreading import Allowance
from infra.settings.compiling.alarm_definitions import ABORT
from infra.settings.compiling.scalable_target import CONCURRENCY, INSTANCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_sqs as sqs

    from infra.configuration.app_context import Configuration
    from infra.constructs.outcome_topic import OutcomeTopic
    from infra.constructs.sweep_bus import SweepBus
    from infra.settings.endpoint_requirements import EndpointRequirements
    from infra.settings.problem import Problem

OWNER_TAG: Final = "greenlight:stack"
EVENT_BUS_NAME: Final = "default"
_ABOUT: Final = "What Greenlight's deployer may do"
_OWNED_TYPES: Final = ("model", "endpoint-config", "endpoint")
_BY_TAG: Final = (
    "Any number of endpoints, told apart by tag and not by name: creating demands the stack's tag in the "
    "request, changing demands it on the resource. Reading shows names and settings, and no data."
)
_TO_SAGEMAKER: Final = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
_NO_RESOURCE: Final = "Listing is authorised on no resource, or may be; it shows names and statuses only."
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
        self._stack = Stack.of(self)
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
                "JOURNAL_TABLE_NAME": journal.table_name,
                "SETTINGS_PREFIX": configuration.settings_prefix,
                "EXECUTION_ROLE_ARN": execution_role.role_arn,
                "EVENT_BUS_NAME": EVENT_BUS_NAME,
                "SWEEP_BUS_NAME": destinations.sweep_bus.bus.event_bus_name,
                "OUTCOME_TOPIC_ARN": destinations.outcomes.topic.topic_arn,
                "STACK_NAME": self._stack.stack_name,
                "POWERTOOLS_SERVICE_NAME": "greenlight",
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
        self._allow_logging()
        self._allow_deployment(execution_role)
        own = (None,) if requirements.own_registry else ()
        self._allow_registry((*own, *requirements.registry_accounts))
        self._allow_records(journal, configuration.settings_prefix)
        self._allow_telling(destinations.outcomes, destinations.sweep_bus)
        self._allow_rollouts()
        if requirements.rollback_alarms or requirements.autoscaling:
            self._allow_reading_alarms()
        self._allow_execution_roles(requirements.execution_roles)
        self._allow_storage_keys(requirements.storage_keys)
        self._allow_unscaling()
        if requirements.autoscaling:
            self._allow_scaling()
        if requirements.smoke_tests:
            self._allow_smoke_tests(requirements, configuration.model_buckets)

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

    def _allow_logging(self) -> None:
        # The ARN of a log group ends in ":*", which is its streams.
        write = ["logs:CreateLogStream", "logs:PutLogEvents"]
        self._permissions.allow("WriteLogs", write, [self.log_group.log_group_arn])

    def _allow_deployment(self, execution_role: iam.IRole) -> None:
        model, endpoint_config, endpoint = (self._sagemaker(kind) for kind in _OWNED_TYPES)
        with_tag = {"StringEquals": {f"aws:RequestTag/{OWNER_TAG}": self._stack.stack_name}}
        for action, kind in {
            "CreateModel": model,
            "CreateEndpointConfig": endpoint_config,
            "CreateEndpoint": endpoint,
        }.items():
            self._permissions.allow(
                f"{action}WithTag",
                [f"sagemaker:{action}"],
                [kind],
                conditions=with_tag,
                why_wildcard=_BY_TAG,
            )
        # Both are authorised on the config as well (service authorization reference; seen for UpdateEndpoint:
        # aws-controllers-k8s/community #1889, aws-cdk #11594). Nobody has seen whether the request's tags, or
        # those of a config that is a second old, are known in that check, so it has no condition: the
        # endpoint is held to the tag, and to be read does a config no harm.
        self._permissions.allow(
            "UseConfigs",
            ["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"],
            [endpoint_config],
            why_wildcard=_BY_TAG,
        )
        everything = [model, endpoint_config, endpoint]
        # Creating with tags is also authorised as AddTags, on a resource that has no tags yet. This key says
        # which call it came with, and that call is held to the owner's tag above.
        self._permissions.allow(
            "TagWhileCreating",
            ["sagemaker:AddTags"],
            everything,
            conditions={
                "StringEquals": {
                    "sagemaker:TaggingAction": ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"]
                }
            },
            why_wildcard=_BY_TAG,
        )
        owned = {"StringEquals": {f"aws:ResourceTag/{OWNER_TAG}": self._stack.stack_name}}
        update = ["sagemaker:UpdateEndpoint"]
        self._permissions.allow("UpdateOwn", update, [endpoint], conditions=owned, why_wildcard=_BY_TAG)
        # Only endpoints are tagged anew when settings change: their configs and models are made anew. Nor may
        # one be given to another owner.
        kept = {"StringEqualsIfExists": {f"aws:RequestTag/{OWNER_TAG}": self._stack.stack_name}}
        self._permissions.allow(
            "RetagOwn",
            ["sagemaker:AddTags"],
            [endpoint],
            conditions={**owned, **kept},
            why_wildcard=_BY_TAG,
        )
        for kind, action in {
            model: "DeleteModel",
            endpoint_config: "DeleteEndpointConfig",
            endpoint: "DeleteEndpoint",
        }.items():
            self._permissions.allow(
                f"{action}Own", [f"sagemaker:{action}"], [kind], conditions=owned, why_wildcard=_BY_TAG
            )
        # Whoever could remove the owner's tag could put an endpoint out of everybody's reach.
        not_the_owner = {"ForAllValues:StringNotLike": {"aws:TagKeys": ["greenlight:*"]}}
        self._permissions.allow(
            "UntagOwn",
            ["sagemaker:DeleteTags"],
            [endpoint],
            conditions={**owned, **not_the_owner},
            why_wildcard=_BY_TAG,
        )
        for kind, action in {
            model: "DescribeModel",
            endpoint_config: "DescribeEndpointConfig",
            endpoint: "DescribeEndpoint",
        }.items():
            # Not only our own: a resource with a name of ours may turn out to be somebody else's.
            self._permissions.allow(action, [f"sagemaker:{action}"], [kind], why_wildcard=_BY_TAG)
        # Before it deletes or adopts, the deployer reads whose a resource is.
        self._permissions.allow("ReadTags", ["sagemaker:ListTags"], everything, why_wildcard=_BY_TAG)
        self._permissions.allow(
            "ListEndpoints", ["sagemaker:ListEndpoints"], ["*"], why_wildcard=_NO_RESOURCE
        )
        self._permissions.allow(
            "PassExecutionRole", ["iam:PassRole"], [execution_role.role_arn], conditions=_TO_SAGEMAKER
        )

    def _allow_execution_roles(self, roles: Sequence[str]) -> None:
        if roles:
            self._permissions.allow("PassEndpointsRoles", ["iam:PassRole"], roles, conditions=_TO_SAGEMAKER)

    def _allow_registry(self, accounts: Sequence[str | None]) -> None:
        packages = [self._sagemaker("model-package", account) for account in accounts]
        # AWS's cross-account policy grants CreateModel on the package too. It carries no tag condition: the
        # model itself is held to the tag.
        fine = Allowance(
            "UseModelPackages",
            ["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"],
            packages,
            {},
            "Model package groups come and go; which one serves where is data, in the settings.",
        )
        coarser = replace(fine, resources=[self._sagemaker("model-package", "*")], loses=Loss.ACCOUNTS)
        self._permissions.allow_all([in_steps(fine, coarser)])
        self._permissions.allow(
            "ListModelPackages",
            ["sagemaker:ListModelPackages"],
            ["*"],
            why_wildcard=_NO_RESOURCE,
        )

    def _allow_records(self, journal: dynamodb.ITable, settings_prefix: str) -> None:
        self._permissions.allow(
            "KeepJournal",
            ["dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
            [journal.table_arn],
        )
        below = settings_prefix.strip("/")
        path = self._stack.format_arn(service="ssm", resource="parameter", resource_name=below)
        each = f"{path}/*"
        why = "The settings of every endpoint are below this one path."
        self._permissions.allow("ReadSettings", ["ssm:GetParameter"], [each], why_wildcard=why)
        # Authorised on the path as it was written, with or without its last slash.
        self._permissions.allow(
            "ReadAllSettings", ["ssm:GetParametersByPath"], [path, each], why_wildcard=why
        )

    def _allow_telling(self, outcomes: OutcomeTopic, sweep_bus: SweepBus) -> None:
        """Let the deployer tell people, machines, and itself of a sweep's parts."""
        bus = self._stack.format_arn(service="events", resource="event-bus", resource_name=EVENT_BUS_NAME)
        own = {"StringEquals": {"events:source": SOURCE}}
        put = ["events:PutEvents"]
        self._permissions.allow("PutOwnEvents", put, [bus], conditions=own)
        self._permissions.allow("PutSweepParts", put, [sweep_bus.bus.event_bus_arn], conditions=own)
        self._permissions.allow("PublishOutcomes", ["sns:Publish"], [outcomes.topic.topic_arn])
        # What a publisher to an encrypted topic needs (SNS developer guide, "sns-key-management"), and by way
        # of SNS alone (KMS developer guide, "kms:ViaService").
        self._permissions.allow(
            "EncryptOutcomes",
            ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
            [outcomes.key.key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": f"sns.{self._stack.region}.{self._stack.url_suffix}"}
            },
        )

    def _allow_rollouts(self) -> None:
        # Not only with rollouts: who takes a rollout out of the settings may have one under way.
        self._permissions.allow(
            "StopRollouts",
            ["cloudwatch:SetAlarmState"],
            [self._alarm(f"{self._stack.stack_name}-*-{ABORT}")],
            why_wildcard="Any number of endpoints, each with an abort alarm that is named after it.",
        )

    def _allow_reading_alarms(self) -> None:
        """Let the deployer see states of alarms, and Application Auto Scaling try that as the deployer.

        Before each update, the deployer looks whether what would roll it back is on already. Every denial
        that was ever published is on `alarm:*`, whatever names were given (seen: mattclay/aws-terminator PR
        #63, 2019), and composite alarms show only to who may look at `*` (CloudWatch user guide,
        "permissions-reference-cw"; botocore: DescribeAlarms). Whether names would do for others, a probe has
        to settle.
        """
        self._permissions.allow(
            "ReadAlarms",
            ["cloudwatch:DescribeAlarms"],
            ["*"],
            why_wildcard="Composite alarms show only to who may look at all; only states are read.",
        )

    def _allow_storage_keys(self, keys: Sequence[str]) -> None:
        # Whoever creates an endpoint config must be allowed to make a grant for its key (botocore: KmsKeyId
        # of CreateEndpointConfig).
        actions = ["kms:CreateGrant", "kms:DescribeKey"]
        grant_use_of_keys(self._permissions, self._stack, "EncryptStorage", actions, keys, via="sagemaker")

    def _allow_unscaling(self) -> None:
        # Not only with autoscaling: who takes it out of the last endpoint's settings wants it to end.
        self._permissions.allow(
            "ReadScaling",
            # SageMaker may look in the deployer's name whether a variant that it changes is scaled.
            ["application-autoscaling:DescribeScalableTargets"],
            ["*"],
            why_wildcard="The action knows no resource; it shows the limits of what scales only.",
        )
        self._allow_on_variants("EndScaling", ["application-autoscaling:DeregisterScalableTarget"])

    def _allow_scaling(self) -> None:
        self._allow_on_variants(
            "ScaleVariants",
            [
                "application-autoscaling:DeleteScalingPolicy",
                "application-autoscaling:DeleteScheduledAction",
                "application-autoscaling:PutScalingPolicy",
                "application-autoscaling:PutScheduledAction",
                "application-autoscaling:RegisterScalableTarget",
            ],
        )
        # When a scalable target is registered, Application Auto Scaling makes calls as the caller, to see
        # whether it may: on alarms without parameters, on SageMaker's with names that do not exist. There is
        # no name and no tag to narrow them by (user guide, "security_iam_permission_validation"; seen:
        # aws-controllers-k8s/community #2110, `endpoint-config/<UUID>`; amazon-cloudwatch-auto-alarms #18, an
        # empty alarm name). AWS's own least policies have `*` for all (developer guide,
        # "endpoint-auto-scaling-prerequisites", read 2026-11). That `aws:ViaAWSService` is true of these
        # calls, a probe has to show. Describing endpoints and their configs is granted with deploying.
        self._permissions.allow(
            "ScaleEndpoints",
            ["sagemaker:UpdateEndpointWeightsAndCapacities"],
            [self._sagemaker("endpoint")],
            why_wildcard="It is tried on an endpoint that does not exist, which has neither name nor tag.",
        )
        self._permissions.allow(
            "KeepScalingAlarms",
            ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
            ["*"],
            why_wildcard="They are tried without an alarm's name, and AWS documents no narrower form.",
        )
        service = "sagemaker.application-autoscaling.amazonaws.com"
        self._permissions.allow(
            "CreateScalingRole",
            ["iam:CreateServiceLinkedRole"],
            [
                self._stack.format_arn(
                    service="iam",
                    region="",
                    resource="role",
                    resource_name=f"aws-service-role/{service}/"
                    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
                )
            ],
            conditions={"StringLike": {"iam:AWSServiceName": service}},
        )

    def _allow_smoke_tests(self, requirements: EndpointRequirements, model_buckets: Sequence[str]) -> None:
        self._permissions.allow(
            "CallOwn",
            ["sagemaker:InvokeEndpoint"],
            [self._sagemaker("endpoint")],
            conditions={"StringEquals": {f"aws:ResourceTag/{OWNER_TAG}": self._stack.stack_name}},
            why_wildcard=_BY_TAG,
        )
        around = Surroundings.of(self._stack)
        buckets = [bucket for bucket, _ in requirements.smoke_test_objects]
        if requirements.sample_payloads:
            sampled = model_buckets or [f"sagemaker-{self._stack.region}-{self._stack.account}"]
            samples = [around.objects(bucket) for bucket in sampled]
            buckets += sampled
            # The default bucket's name can be guessed before it exists, so it must also be this account's.
            ours = {"StringEquals": {"aws:ResourceAccount": self._stack.account}}
            self._permissions.allow(
                "ReadSamplePayloads",
                ["s3:GetObject"],
                samples,
                conditions=None if model_buckets else ours,
                why_wildcard="Sample payloads are at keys that training chooses, where models are.",
            )
        if requirements.smoke_test_objects:
            read = on_objects("ReadSmokeTests", ["s3:GetObject"], requirements.smoke_test_objects, around)
            self._permissions.allow_all([read])
        buckets = list(dict.fromkeys(buckets))
        self._permissions.allow_all(keys_of_buckets("DecryptSmokeTests", ["kms:Decrypt"], buckets, around))

    def _allow_on_variants(self, sid: str, actions: Sequence[str]) -> None:
        prefix = "application-autoscaling"
        self._permissions.allow(
            sid,
            actions,
            [self._stack.format_arn(service=prefix, resource="scalable-target", resource_name="*")],
            conditions={
                "StringEquals": {
                    f"{prefix}:service-namespace": "sagemaker",
                    f"{prefix}:scalable-dimension": [INSTANCES, CONCURRENCY],
                }
            },
            why_wildcard="A scalable target's ARN says nothing of its endpoint; only variants of endpoints.",
        )

    def _alarm(self, name: str) -> str:
        return self._stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _sagemaker(self, resource: str, account: str | None = None) -> str:
        return self._stack.format_arn(
            service="sagemaker", resource=resource, resource_name="*", account=account
        )
