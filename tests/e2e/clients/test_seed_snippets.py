"""What AWS's documentation tells users to paste works as it stands."""

import json
from pathlib import Path

import pytest

from tests.e2e.clients.account import SCALING_MODEL, Account, archive
from tests.e2e.clients.programs import ClientFailedError, run_script

pytestmark = pytest.mark.e2e


def test_boto3_snippet_deploys_an_approved_version(account: Account) -> None:
    arn = account.register(archive(SCALING_MODEL, factor=2))

    output = run_script(account, "deploy_with_boto3.py", arn, account.role_arn)

    endpoint_name = next(line for line in output.splitlines() if line.startswith("EndpointName=")).split("=")[
        1
    ]
    assert output.splitlines()[-1].endswith(f":endpoint/{endpoint_name.lower()}")
    account.sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=endpoint_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert account.predict(endpoint_name, [[1.0, 2.0]]) == [[2.0, 4.0]]


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
def test_boto3_snippet_cannot_deploy_a_version_that_is_not_approved(account: Account, status: str) -> None:
    arn = account.register(archive(SCALING_MODEL), status=status)

    with pytest.raises(ClientFailedError, match="ValidationException"):
        run_script(account, "deploy_with_boto3.py", arn, account.role_arn)

    assert account.sagemaker.list_endpoints()["Endpoints"] == []


def test_sdk_snippet_deploys_a_version_and_silently_approves_it(account: Account, tmp_path: Path) -> None:
    """The SDK's `deploy` turns a pending version into an approved one: nobody looked at it."""
    arn = account.register(archive(SCALING_MODEL, factor=3), status="PendingManualApproval")
    config = tmp_path / "config.yaml"
    config.write_text(
        "SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n      TelemetryOptOut: true\n"
    )

    output = run_script(
        account,
        "deploy_with_sagemaker_sdk.py",
        arn,
        account.role_arn,
        environment={"SAGEMAKER_USER_CONFIG_OVERRIDE": str(config)},
    )

    result = json.loads(output.splitlines()[-1])
    described = account.sagemaker.describe_model_package(ModelPackageName=arn)
    approvals = [
        call["user_agent"]
        for call in account.cloud.calls()
        if call["account"] == account.account_id and call["operation"] == "UpdateModelPackage"
    ]
    assert result["prediction"] == [[3.0, 6.0]]
    assert described["ModelApprovalStatus"] == "Approved"
    assert len(approvals) == 1
    assert "AWS-SageMaker-Python-SDK" in approvals[0]
