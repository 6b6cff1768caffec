"""Check that IAM is really enforced in the stories of this folder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.deployer.pipeline import DEPLOYER, PATH_STYLE, Pipeline

CALLS: list[tuple[str, str, dict[str, Any], str]] = [
    ("sagemaker", "list_endpoints", {}, "sagemaker:ListEndpoints"),
    ("application-autoscaling", "describe_scalable_targets", {"ServiceNamespace": "sagemaker"}, ""),
    (
        "sagemaker-runtime",
        "invoke_endpoint",
        {"EndpointName": "churn", "Body": b""},
        "sagemaker:InvokeEndpoint",
    ),
    ("dynamodb", "get_item", {"TableName": "journal", "Key": {}}, "dynamodb:GetItem"),
    ("events", "put_events", {"Entries": [{"Source": "x"}]}, "events:PutEvents"),
    (
        "cloudwatch",
        "set_alarm_state",
        {"AlarmName": "a", "StateValue": "OK", "StateReason": "x"},
        "cloudwatch:SetAlarmState",
    ),
    ("s3", "get_object", {"Bucket": "bucket", "Key": "key"}, "s3:GetObject"),
]


@pytest.mark.parametrize(("service", "method", "request_members", "action"), CALLS)
def test_a_deployer_without_policies_may_do_nothing(
    service: str, method: str, request_members: dict[str, Any], action: str
) -> None:
    principal_of = DEPLOYER.get()
    assert principal_of
    token = DEPLOYER.set(
        lambda account_id, region: replace(principal_of(account_id, region), identity_policies=())
    )
    try:
        client = Pipeline().deployer_cloud.client(service, PATH_STYLE)
    finally:
        DEPLOYER.reset(token)

    with pytest.raises(ClientError, match="AccessDenied") as raised:
        getattr(client, method)(**request_members)

    assert action in raised.value.response["Error"]["Message"]
