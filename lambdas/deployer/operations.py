"""Names every AWS operation that the deployer calls. Its bundle and its role are built from this list.

The bundle keeps only these operations of botocore's service models. So a missing one fails in the first test
that runs the unpacked bundle, and not in production.
"""

from __future__ import annotations

from typing import Final

OPERATIONS: Final[dict[str, tuple[str, ...]]] = {
    "sagemaker": (
        "AddTags",
        "CreateEndpoint",
        "CreateEndpointConfig",
        "CreateModel",
        "DeleteEndpoint",
        "DeleteEndpointConfig",
        "DeleteModel",
        "DeleteTags",
        "DescribeEndpoint",
        "DescribeEndpointConfig",
        "DescribeModel",
        "DescribeModelPackage",
        "ListEndpoints",
        "ListModelPackages",
        "ListTags",
        "Search",
        "UpdateEndpoint",
        "UpdateEndpointWeightsAndCapacities",
        "UpdateModelPackage",
    ),
    "application-autoscaling": (
        "DeleteScalingPolicy",
        "DeleteScheduledAction",
        "DeregisterScalableTarget",
        "PutScalingPolicy",
        "PutScheduledAction",
        "RegisterScalableTarget",
    ),
    "cloudwatch": (
        "DeleteAlarms",
        "DescribeAlarms",
        "ListTagsForResource",
        "PutMetricAlarm",
        "PutMetricData",
        "SetAlarmState",
    ),
    "dynamodb": ("Query", "TransactWriteItems"),
    "events": ("PutEvents",),
    "sns": ("Publish",),
    "sagemaker-runtime": ("InvokeEndpoint",),
    "s3": ("GetObject", "ListObjectsV2"),
    "logs": ("DescribeLogStreams", "GetLogEvents"),
}
"""Service (botocore's name) -> API operations, sorted."""
