"""Owns the role that models run with, for those who do not bring their own.

It can do what a plain model needs: read its artefacts, pull its image, write logs and metrics. A model that
needs more (a VPC, data capture, keys of other accounts) is served with a role of its owner's making.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Sequence

_BUCKET: Final = ArnFormat.NO_RESOURCE_NAME


class ModelExecutionRole(Construct):
    """Let SageMaker run models: what each statement is for is said beside it.

    Without `buckets`, the role reads SageMaker's default bucket of the account and region, in which Studio,
    the SDK and training jobs put models.
    """

    def __init__(self, scope: Construct, construct_id: str, *, buckets: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            description="What SageMaker may do while it serves models that Greenlight deployed",
            # Only for this account's endpoints (developer guide, "security-confused-deputy-prevention").
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        self._permissions = Permissions(self.role)
        self._allow_artefacts(buckets)
        self._allow_images()
        self._allow_observation()

    def _allow_artefacts(self, buckets: Sequence[str]) -> None:
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
            "ReadArtefacts",
            ["s3:GetObject"],
            object_arns,
            conditions=ours,
            why_wildcard="Every model version is an object of its own, at a key that training chooses.",
        )
        # Without it, S3 reports an object that is missing as one that may not be read.
        self._permissions.allow("ListArtefacts", ["s3:ListBucket"], bucket_arns, conditions=ours)
        self._permissions.allow(
            "DecryptArtefacts",
            ["kms:Decrypt"],
            [stack.format_arn(service="kms", resource="key", resource_name="*")],
            conditions={
                "StringEquals": {"kms:ViaService": f"s3.{stack.region}.{stack.url_suffix}"},
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": [*bucket_arns, *object_arns]},
            },
            why_wildcard="Which key a bucket uses is its owner's affair; only for these buckets, via S3.",
        )

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
        # SageMaker looks at a guardrail's alarms as this role (developer guide, "sagemaker-roles").
        self._permissions.allow(
            "ReadGuardrailAlarms",
            ["cloudwatch:DescribeAlarms"],
            [
                stack.format_arn(
                    service="cloudwatch",
                    resource="alarm",
                    resource_name="*",
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                )
            ],
            why_wildcard="Which alarms guard a deployment is data, in the settings; only states are read.",
        )
