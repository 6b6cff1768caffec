"""Owns the role that models run with, for those who do not bring their own.

It can do what a plain model needs: read its artifacts, pull its image, write logs and metrics; and what
endpoints' settings name: where calls and answers are kept, topics, keys, a VPC. A model that needs more
(other services, say) is served with a role of its owner's making.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.configuration.iam_quotas import MANAGED_POLICIES
from infra.permissions.coarsening import Loss, alike, in_steps
from infra.permissions.registry_reading import of_models
from infra.permissions.role_policies import Permissions, grant_use_of_keys
from infra.permissions.s3_grants import Surroundings, keys_of_buckets, on_model_objects
from infra.permissions.spreading import Allowance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.settings.endpoint_requirements import EndpointRequirements
    from infra.stages.access import StageAccess

_BUCKET: Final = ArnFormat.NO_RESOURCE_NAME
_TOPICS: Final = "Settings name more topics than IAM's quotas leave room to name one by one."
_ABOUT: Final = "What SageMaker may do while it serves models that Greenlight deployed"


class ModelExecutionRole(Construct):
    """Let SageMaker run models: what each statement is for is said beside it.

    Without `buckets`, the role reads SageMaker's default bucket of the account and region, in which Studio,
    the SDK and training jobs put models. With `access`, it reads exactly what a stage is let in to, and no
    buckets else.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        buckets: Sequence[str],
        requirements: EndpointRequirements,
        access: StageAccess | None = None,
        most_managed_policies: int = MANAGED_POLICIES,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            # The registry's account lets this role in by its name.
            role_name=access.names.execution_role_name if access else None,
            description=_ABOUT,
            # Only for this account's endpoints (developer guide, "security-confused-deputy-prevention").
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        self._permissions = Permissions(self.role, most_managed=most_managed_policies)
        if access is None:
            self._allow_artifacts(buckets)
            self._allow_images()
        else:
            self._permissions.allow_all(of_models(access))
        self._allow_observation()
        self._allow_answers(requirements)
        if requirements.subnets or requirements.security_groups:
            self._allow_vpc(requirements)
        self.problems = self._permissions.attach(about=_ABOUT, outlive_stack=True)

    def _allow_artifacts(self, buckets: Sequence[str]) -> None:
        stack = Stack.of(self)
        names = buckets or [f"sagemaker-{stack.region}-{stack.account}"]
        bucket_arns = [
            stack.format_arn(service="s3", region="", account="", resource=name, arn_format=_BUCKET)
            for name in names
        ]
        object_arns = [f"{arn}/*" for arn in bucket_arns]
        # The default bucket's name can be guessed before it exists, so it must also be this account's. Names
        # that somebody configured are theirs to choose, in any account.
        ours = None if buckets else {"StringEquals": {"aws:ResourceAccount": stack.account}}
        self._permissions.allow(
            "ReadArtifacts",
            ["s3:GetObject"],
            object_arns,
            conditions=ours,
            why_wildcard="Every model version is an object of its own, at a key that training chooses.",
        )
        # Without it, S3 reports an object that is missing as one that may not be read.
        self._permissions.allow("ListArtifacts", ["s3:ListBucket"], bucket_arns, conditions=ours)
        self._permissions.allow_all(keys_of_buckets("DecryptArtifacts", ["kms:Decrypt"], names, self._around))

    def _allow_images(self) -> None:
        self._permissions.allow(
            "PullImages",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [Stack.of(self).format_arn(service="ecr", account="*", resource="repository", resource_name="*")],
            why_wildcard="AWS keeps its containers' images in accounts of its own, another in each region.",
        )
        self._permissions.allow(
            "LogInToRegistries",
            ["ecr:GetAuthorizationToken"],
            ["*"],
            why_wildcard="The action knows no resource.",
        )

    def _allow_observation(self) -> None:
        stack = Stack.of(self)
        self._permissions.allow(
            "WriteLogs",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [
                stack.format_arn(
                    service="logs",
                    resource="log-group",
                    resource_name="/aws/sagemaker/Endpoints/*",
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            why_wildcard="SageMaker makes a log group for every endpoint, under this path.",
        )
        self._permissions.allow(
            "WriteMetrics",
            ["cloudwatch:PutMetricData"],
            ["*"],
            conditions={
                "StringEquals": {"cloudwatch:namespace": ["/aws/sagemaker/Endpoints", "AWS/SageMaker"]}
            },
            why_wildcard="The action knows no resource; the condition keeps it to SageMaker's namespaces.",
        )
        # SageMaker looks at a guardrail's alarms as this role (developer guide,
        # "deployment-guardrails-configuration", read 2026-11). Composite alarms show only to who may look at
        # `*` (CloudWatch user guide, "permissions-reference-cw"; botocore: DescribeAlarms).
        self._permissions.allow(
            "ReadGuardrailAlarms",
            ["cloudwatch:DescribeAlarms"],
            ["*"],
            why_wildcard="Composite alarms show only to who may look at all; only states are read.",
        )

    def _allow_answers(self, requirements: EndpointRequirements) -> None:
        """Let SageMaker read requests and keep calls and answers where settings say, and tell topics."""
        self._permissions.allow_all(on_model_objects(requirements.model_objects, self._around))
        grant_use_of_keys(
            self._permissions,
            "EncryptAnswers",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            requirements.answer_keys,
            via="s3",
        )
        if requirements.topics:
            self._permissions.allow_all([_telling(requirements.topics)])
            self._permissions.allow_all(_keys_of_topics(requirements.topics, Stack.of(self)))

    def _allow_vpc(self, requirements: EndpointRequirements) -> None:
        """Allow what a model in a VPC needs (developer guide, "sagemaker-roles", CreateModel).

        The page's own policy names no resource, and so does ours where they have no room. Subnets and
        security groups that another account shares have that account in their ARNs (RAM user guide,
        "shareable"; VPC user guide, "vpc-sharing"; seen: terraform-aws-iam #227, runs-on #463), so none of
        these is narrowed to an account.
        """
        interfaces = self._of_ec2("network-interface", "*")
        why = "SageMaker makes network interfaces as it launches instances; their ids are EC2's to choose."
        named = [
            self._of_ec2(kind, name)
            for kind, names in (
                ("subnet", requirements.subnets),
                ("security-group", requirements.security_groups),
            )
            for name in names
        ]
        create = ["ec2:CreateNetworkInterface"]
        any_of = [self._of_ec2(kind, "*") for kind in ("subnet", "security-group")]
        fine = Allowance("JoinVpc", create, [interfaces, *named], {}, why)
        coarser = replace(fine, resources=[interfaces, *any_of], loses=Loss.NETWORKS)
        self._permissions.allow_all([in_steps(fine, coarser)])
        self._permissions.allow(
            "KeepInterfaces",
            [
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            [interfaces],
            why_wildcard=why,
        )
        self._permissions.allow(
            "ReadVpc",
            [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            ["*"],
            why_wildcard="The actions know no resource.",
        )

    def _of_ec2(self, kind: str, name: str) -> str:
        return Stack.of(self).format_arn(service="ec2", account="*", resource=kind, resource_name=name)

    @property
    def _around(self) -> Surroundings:
        return Surroundings.of(Stack.of(self))


def _telling(topics: Sequence[str]) -> Allowance:
    """Allow publishing to topics; where they have no room, to those whose names begin alike."""
    fine = Allowance("TellOfAnswers", ["sns:Publish"], list(topics), {}, _TOPICS)
    coarser = [
        replace(fine, resources=patterns, loses=loses)
        for loses, patterns in enumerate(alike(topics, stem=_before_name), start=Loss.NAMES)
    ]
    return in_steps(fine, *coarser)


def _before_name(topic: str) -> int:
    return topic.rindex(":") + 1


def _keys_of_topics(topics: Sequence[str], stack: Stack) -> Iterator[Allowance]:
    """Yield the use of whatever keys topics are encrypted with, through SNS.

    A publisher to an encrypted topic needs its key (SNS developer guide, "sns-key-management"), which is of
    the topic's region and of any account.
    """
    for number, region in enumerate(sorted({topic.split(":")[3] for topic in topics}), start=1):
        yield Allowance(
            "EncryptNotices" if number == 1 else f"EncryptNotices{number}",
            ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
            [f"arn:{stack.partition}:kms:{region}:*:key/*"],
            {"StringEquals": {"kms:ViaService": f"sns.{region}.{stack.url_suffix}"}},
            "Which key a topic uses is its owner's affair; only via SNS, where one may be published to.",
        )
