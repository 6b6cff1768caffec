"""Owns what the deployer may do with alarms, and with the scaling of variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat

from deployer.contract import CONCURRENCY, INSTANCES, METRIC_NAMESPACE, STACK_TAG
from infra.settings.compiling.alarm_definitions import ABORT, alarms_of_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.permissions.role_policies import Permissions


def allow_keeping_alarms(permissions: Permissions) -> None:
    """Let the deployer make, change and delete the stack's alarms, and set the abort alarms.

    Not only with rollouts: who takes a rollout out of the settings wants its alarms to go, and may have one
    under way.
    """
    stack_name = permissions.stack.stack_name
    alarms = _alarm(permissions, alarms_of_stack(stack_name))
    why = "Any number of endpoints, whose alarms are named after the stack."
    # By name alone: right after an alarm is made, its tag may not be known to IAM yet, and an update must not
    # begin without the abort alarm.
    permissions.allow(
        "StopRollouts",
        ["cloudwatch:SetAlarmState"],
        [_alarm(permissions, f"{alarms_of_stack(stack_name)}.{ABORT}")],
        why_wildcard=why,
    )
    # What the abort alarms measure. The action knows no metric, only a namespace.
    permissions.allow(
        "PublishAborts",
        ["cloudwatch:PutMetricData"],
        ["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACE}},
        why_wildcard="The action knows no resource; the namespace is Greenlight's.",
    )
    # Before each update, the deployer looks whether what would roll it back exists, and is on already. Every
    # denial that was ever published is on `alarm:*`, whatever names were given (seen: mattclay/aws-terminator
    # PR #63, 2019), and composite alarms show only to who may look at `*` (CloudWatch user guide,
    # "permissions-reference-cw"; botocore: DescribeAlarms). Whether names would do for others, a probe has
    # to settle.
    permissions.allow(
        "ReadAlarms",
        ["cloudwatch:DescribeAlarms"],
        ["*"],
        why_wildcard="Composite alarms show only to who may look at all; states and thresholds are read.",
    )
    permissions.allow("ReadAlarmTags", ["cloudwatch:ListTagsForResource"], [alarms], why_wildcard=why)
    # Creating with tags takes TagResource as well (CloudWatch user guide, "CloudWatch_alarms_and_tagging";
    # seen: cisagov/cool-assessment-terraform PR #245). An alarm that has another stack's tag is out of reach.
    # One without a tag cannot be told from one that does not exist: the deployer reads tags first.
    owned = {f"aws:ResourceTag/{STACK_TAG}": stack_name}
    permissions.allow(
        "MakeAlarms",
        ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
        [alarms],
        conditions={
            "StringEquals": {f"aws:RequestTag/{STACK_TAG}": stack_name},
            "StringEqualsIfExists": owned,
        },
        why_wildcard=why,
    )
    # CloudWatch ignores the tags of a request that changes an alarm (botocore: PutMetricAlarm). Nobody
    # documents whether IAM sees them, so the alarm's own tag is enough.
    permissions.allow(
        "ChangeOwnAlarms",
        ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
        [alarms],
        conditions={"StringEquals": owned},
        why_wildcard=why,
    )


def allow_unscaling(permissions: Permissions) -> None:
    """Let the deployer end the scaling of variants."""
    # Not only with autoscaling: who takes it out of the last endpoint's settings wants it to end.
    permissions.allow(
        "ReadScaling",
        # SageMaker may look in the deployer's name whether a variant that it changes is scaled.
        ["application-autoscaling:DescribeScalableTargets"],
        ["*"],
        why_wildcard="The action knows no resource; it shows the limits of what scales only.",
    )
    _allow_on_variants(permissions, "EndScaling", ["application-autoscaling:DeregisterScalableTarget"])


def allow_scaling(permissions: Permissions) -> None:
    """Let the deployer scale variants."""
    _allow_on_variants(
        permissions,
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
    permissions.allow(
        "ScaleEndpoints",
        ["sagemaker:UpdateEndpointWeightsAndCapacities"],
        [permissions.stack.format_arn(service="sagemaker", resource="endpoint", resource_name="*")],
        why_wildcard="It is tried on an endpoint that does not exist, which has neither name nor tag.",
    )
    permissions.allow(
        "KeepScalingAlarms",
        ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
        ["*"],
        why_wildcard="They are tried without an alarm's name, and AWS documents no narrower form.",
    )
    service = "sagemaker.application-autoscaling.amazonaws.com"
    permissions.allow(
        "CreateScalingRole",
        ["iam:CreateServiceLinkedRole"],
        [
            permissions.stack.format_arn(
                service="iam",
                region="",
                resource="role",
                resource_name=f"aws-service-role/{service}/"
                "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
            )
        ],
        conditions={"StringLike": {"iam:AWSServiceName": service}},
    )


def _allow_on_variants(permissions: Permissions, sid: str, actions: Sequence[str]) -> None:
    prefix = "application-autoscaling"
    permissions.allow(
        sid,
        actions,
        [permissions.stack.format_arn(service=prefix, resource="scalable-target", resource_name="*")],
        conditions={
            "StringEquals": {
                f"{prefix}:service-namespace": "sagemaker",
                f"{prefix}:scalable-dimension": [INSTANCES, CONCURRENCY],
            }
        },
        why_wildcard="A scalable target's ARN says nothing of its endpoint; only variants of endpoints.",
    )


def _alarm(permissions: Permissions, name: str) -> str:
    return permissions.stack.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
