"""Owns what the deployer may do with alarms, and with the scaling of variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat

from infra.settings.compiling.alarm_definitions import ABORT
from infra.settings.compiling.scalable_target import CONCURRENCY, INSTANCES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.permissions.role_policies import Permissions


def allow_stopping_rollouts(permissions: Permissions) -> None:
    """Let the deployer set the abort alarms."""
    # Not only with rollouts: who takes a rollout out of the settings may have one under way.
    permissions.allow(
        "StopRollouts",
        ["cloudwatch:SetAlarmState"],
        [_alarm(permissions, f"{permissions.stack.stack_name}-*-{ABORT}")],
        why_wildcard="Any number of endpoints, each with an abort alarm that is named after it.",
    )


def allow_reading_alarms(permissions: Permissions) -> None:
    """Let the deployer see states of alarms, and Application Auto Scaling try that as the deployer.

    Before each update, the deployer looks whether what would roll it back is on already. Every denial
    that was ever published is on `alarm:*`, whatever names were given (seen: mattclay/aws-terminator PR
    #63, 2019), and composite alarms show only to who may look at `*` (CloudWatch user guide,
    "permissions-reference-cw"; botocore: DescribeAlarms). Whether names would do for others, a probe has
    to settle.
    """
    permissions.allow(
        "ReadAlarms",
        ["cloudwatch:DescribeAlarms"],
        ["*"],
        why_wildcard="Composite alarms show only to who may look at all; only states are read.",
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
