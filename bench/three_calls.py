"""The yardstick: SageMaker's documented deployment from the registry, as a Lambda handler."""

from __future__ import annotations

import os
import time
from typing import Any

import boto3

sm_client = boto3.client("sagemaker")


def handler(event: dict[str, Any], _context: object) -> None:
    """Create a model, an endpoint config and an endpoint."""
    stamp = f"{time.time():.6f}".replace(".", "-")
    sm_client.create_model(
        ModelName=f"model-{stamp}",
        ExecutionRoleArn=os.environ["EXECUTION_ROLE_ARN"],
        Containers=[{"ModelPackageName": event["detail"]["ModelPackageArn"]}],
    )
    sm_client.create_endpoint_config(
        EndpointConfigName=f"config-{stamp}",
        ProductionVariants=[
            {
                "InstanceType": "ml.m4.xlarge",
                "InitialVariantWeight": 1,
                "InitialInstanceCount": 1,
                "ModelName": f"model-{stamp}",
                "VariantName": "AllTraffic",
            }
        ],
    )
    sm_client.create_endpoint(EndpointName=f"endpoint-{stamp}", EndpointConfigName=f"config-{stamp}")
