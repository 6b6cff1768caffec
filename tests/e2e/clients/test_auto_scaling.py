"""Application Auto Scaling and SageMaker in one account, as their clients see them together."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.clients.account import SCALING_MODEL, Account, archive, eventually

pytestmark = pytest.mark.e2e

NAMED: Any = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/churn/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def test_a_registered_variant_is_scaled_into_its_bounds_and_keeps_its_instance_type(account: Account) -> None:
    sagemaker, scaling = account.sagemaker, account.client("application-autoscaling")
    account.endpoint_config("v1", account.register(archive(SCALING_MODEL)))
    variant: Any = {
        "VariantName": "AllTraffic",
        "ModelName": "v1",
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 2,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="larger", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="v1")

    def shown() -> tuple[str, int]:
        described = sagemaker.describe_endpoint(EndpointName="churn")
        counts = [summary["CurrentInstanceCount"] for summary in described.get("ProductionVariants", [])]
        return described["EndpointStatus"], sum(counts)

    eventually(shown, lambda seen: seen == ("InService", 1))

    scaling.register_scalable_target(**NAMED, MinCapacity=2, MaxCapacity=4)

    eventually(shown, lambda seen: seen == ("InService", 2))
    where = (account.account_id, account.region, "churn", "AllTraffic")
    assert account.cloud.scale(*where, 9) == 4
    eventually(shown, lambda seen: seen == ("InService", 4))
    assert account.cloud.scale(*where, 4) is None
    with pytest.raises(ClientError, match="deregister"):
        sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="larger")
    scaling.deregister_scalable_target(**NAMED)
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="larger")
    eventually(shown, lambda seen: seen == ("InService", 2))
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    operations = [
        call["operation"] for call in account.cloud.calls() if call["account"] == account.account_id
    ]
    assert "RegisterScalableTarget" in operations
