"""Owns what the role that models run with may do.

It can do what a plain model needs: read its artifacts, pull its image, write logs and metrics; and what
endpoints' settings name: where calls and answers are kept, topics, keys, a VPC.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat

from infra.permissions.coarsening import Loss, alike, in_steps
from infra.permissions.role_policies import Permissions, grant_use_of_keys
from infra.permissions.s3_grants import Surroundings, keys_of_buckets, on_model_objects
from infra.permissions.spreading import Allowance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import Stack

    from infra.settings.endpoint_requirements import EndpointRequirements

_BUCKET: Final = ArnFormat.NO_RESOURCE_NAME
_TOPICS: Final = "Settings name more topics than IAM's quotas leave room to name one by one."


def artifact_buckets(stack: Stack, buckets: Sequence[str]) -> Sequence[str]:
    """Return the buckets that models' artifacts may be in: these, or SageMaker's default one."""
    return buckets or [f"sagemaker-{stack.region}-{stack.account}"]


def allow_artifacts(permissions: Permissions, buckets: Sequence[str]) -> None:
    """Let models' artifacts be read: of these buckets, or of SageMaker's default one."""
    stack = permissions.stack
    names = artifact_buckets(stack, buckets)
    bucket_arns = [
        stack.format_arn(service="s3", region="", account="", resource=name, arn_format=_BUCKET)
        for name in names
    ]
    object_arns = [f"{arn}/*" for arn in bucket_arns]
    # The default bucket's name can be guessed before it exists, so it must also be this account's. Names
    # that somebody configured are theirs to choose, in any account.
    ours = None if buckets else {"StringEquals": {"aws:ResourceAccount": stack.account}}
    permissions.allow(
        "ReadArtifacts",
        ["s3:GetObject"],
        object_arns,
        conditions=ours,
        why_wildcard="Every model version is an object of its own, at a key that training chooses.",
    )
    # Without it, S3 reports an object that is missing as one that may not be read.
    permissions.allow("ListArtifacts", ["s3:ListBucket"], bucket_arns, conditions=ours)
    permissions.allow_all(
        keys_of_buckets("DecryptArtifacts", ["kms:Decrypt"], names, Surroundings.of(permissions.stack))
    )


def allow_images(permissions: Permissions) -> None:
    """Let models' images be pulled, from whatever account."""
    permissions.allow(
        "PullImages",
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        [permissions.stack.format_arn(service="ecr", account="*", resource="repository", resource_name="*")],
        why_wildcard="AWS keeps its containers' images in accounts of its own, another in each region.",
    )
    permissions.allow(
        "LogInToRegistries",
        ["ecr:GetAuthorizationToken"],
        ["*"],
        why_wildcard="The action knows no resource.",
    )


def allow_observation(permissions: Permissions) -> None:
    """Let SageMaker write logs and metrics, and look at what stops a rollout."""
    stack = permissions.stack
    permissions.allow(
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
    permissions.allow(
        "WriteMetrics",
        ["cloudwatch:PutMetricData"],
        ["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": ["/aws/sagemaker/Endpoints", "AWS/SageMaker"]}},
        why_wildcard="The action knows no resource; the condition keeps it to SageMaker's namespaces.",
    )
    # SageMaker looks at a guardrail's alarms as this role (developer guide,
    # "deployment-guardrails-configuration", read 2026-11). Composite alarms show only to who may look at
    # `*` (CloudWatch user guide, "permissions-reference-cw"; botocore: DescribeAlarms).
    permissions.allow(
        "ReadGuardrailAlarms",
        ["cloudwatch:DescribeAlarms"],
        ["*"],
        why_wildcard="Composite alarms show only to who may look at all; only states are read.",
    )


def allow_answers(permissions: Permissions, requirements: EndpointRequirements) -> None:
    """Let SageMaker read requests and keep calls and answers where settings say, and tell topics."""
    permissions.allow_all(on_model_objects(requirements.model_objects, Surroundings.of(permissions.stack)))
    grant_use_of_keys(
        permissions,
        "EncryptAnswers",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        requirements.answer_keys,
        via="s3",
    )
    if requirements.topics:
        permissions.allow_all([_telling(requirements.topics)])
        permissions.allow_all(_keys_of_topics(requirements.topics, permissions.stack))


def allow_vpc(permissions: Permissions, requirements: EndpointRequirements) -> None:
    """Allow what a model in a VPC needs (developer guide, "sagemaker-roles", CreateModel).

    The page's own policy names no resource, and so does ours where they have no room. Subnets and
    security groups that another account shares have that account in their ARNs (RAM user guide,
    "shareable"; VPC user guide, "vpc-sharing"; seen: terraform-aws-iam #227, runs-on #463), so none of
    these is narrowed to an account.
    """
    interfaces = _of_ec2(permissions.stack, "network-interface", "*")
    why = "SageMaker makes network interfaces as it launches instances; their ids are EC2's to choose."
    named = [
        _of_ec2(permissions.stack, kind, name)
        for kind, names in (
            ("subnet", requirements.subnets),
            ("security-group", requirements.security_groups),
        )
        for name in names
    ]
    create = ["ec2:CreateNetworkInterface"]
    any_of = [_of_ec2(permissions.stack, kind, "*") for kind in ("subnet", "security-group")]
    fine = Allowance("JoinVpc", create, [interfaces, *named], {}, why)
    coarser = replace(fine, resources=[interfaces, *any_of], loses=Loss.NETWORKS)
    permissions.allow_all([in_steps(fine, coarser)])
    permissions.allow(
        "KeepInterfaces",
        [
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
        ],
        [interfaces],
        why_wildcard=why,
    )
    permissions.allow(
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


def _of_ec2(stack: Stack, kind: str, name: str) -> str:
    return stack.format_arn(service="ec2", account="*", resource=kind, resource_name=name)


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
