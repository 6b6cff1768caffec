"""Builds the deployer's values with defaults, so that a test states only what it is about."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from deployer.decisions.choice import Approval, ApprovalSource
from deployer.model.attempt import Action, Attempt, AttemptStatus
from deployer.model.endpoint import Endpoint
from deployer.model.release import Release, Version
from deployer.model.settings import EndpointSettings

ENDPOINT = "churn"
GROUP = "churn-models"
ROLE_ARN = "arn:aws:iam::111122223333:role/models"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    """Return the time so many minutes after (or before) NOW."""
    return NOW + timedelta(minutes=count)


def version_arn(version: int, group: str = GROUP) -> str:
    return f"arn:aws:sagemaker:eu-central-1:111122223333:model-package/{group}/{version}"


def settings_document(**changes: Any) -> dict[str, Any]:
    return {
        "SchemaVersion": 1,
        "StackName": "Greenlight",
        "EndpointName": ENDPOINT,
        "ModelPackageGroupName": GROUP,
        "CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "info"}}]},
        "CreateEndpointConfig": {
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 1,
                    "InitialVariantWeight": 1.0,
                }
            ]
        },
        "Tags": {"team": "growth"},
        **changes,
    }


def settings(**changes: Any) -> EndpointSettings:
    document = settings_document(**changes)
    return EndpointSettings.parse(document["EndpointName"], json.dumps(document))


def release(version: int = 1, under: EndpointSettings | None = None) -> Release:
    return Release.build(
        under or settings(),
        Version(version_arn(version), version),
        pinned={},
        execution_role_arn=ROLE_ARN,
        stack_name="Greenlight",
    )


def approval(version: int = 1, at: datetime = NOW, **changes: Any) -> Approval:
    return Approval(
        **{
            "endpoint_name": ENDPOINT,
            "version_arn": version_arn(version),
            "version": version,
            "group_name": GROUP,
            "approved_at": at,
            "approved_by": "arn:aws:iam::111122223333:user/ada",
            "source": ApprovalSource.EVENT,
            "correlation_id": f"event-{version}",
            **changes,
        }
    )


def attempt(version: int = 1, **changes: Any) -> Attempt:
    made = release(version)
    return Attempt(
        **{
            "endpoint_name": ENDPOINT,
            "number": 1,
            "action": Action.UPDATE_ENDPOINT,
            "version_arn": made.version_arn,
            "version": version,
            "group_name": GROUP,
            "model_name": made.model_name,
            "endpoint_config_name": made.endpoint_config_name,
            "replaces_endpoint_config_name": "churn-v0-000000000000",
            "endpoint_last_modified_time": minutes(-60),
            "rolls_back": False,
            "approved_at": NOW,
            "approved_by": "arn:aws:iam::111122223333:user/ada",
            "correlation_id": f"event-{version}",
            "started_at": NOW,
            "invocation_id": "invocation-1",
            "lease_until": minutes(6),
            "status": AttemptStatus.OPEN,
            **changes,
        }
    )


def endpoint(status: str = "InService", **changes: Any) -> Endpoint:
    return Endpoint(
        **{
            "name": ENDPOINT,
            "arn": "arn:aws:sagemaker:eu-central-1:111122223333:endpoint/churn",
            "status": status,
            "endpoint_config_name": "churn-v0-000000000000",
            "pending_endpoint_config_name": None,
            "failure_reason": None,
            "last_modified_time": minutes(-60),
            **changes,
        }
    )
