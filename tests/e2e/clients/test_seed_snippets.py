"""Code that AWS's documentation tells users to paste works unchanged."""

import json
from pathlib import Path
from typing import Any

import pytest

from local_cloud.child_process import LocalCloud
from tests.e2e.clients.account import GROUP, SCALING_MODEL, Account, archive, policy
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


@pytest.mark.long
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
        if call["account"] == account.account_id
        and call["operation"] == "UpdateModelPackage"
        # The deployer writes to versions' metadata by the same call.
        and "ModelApprovalStatus" in call["request_summary"]
    ]
    assert result["prediction"] == [[3.0, 6.0]]
    assert described["ModelApprovalStatus"] == "Approved"
    assert len(approvals) == 1
    assert "AWS-SageMaker-Python-SDK" in approvals[0]


def test_corrected_snippet_lets_another_account_deploy(local_cloud: LocalCloud, account: Account) -> None:
    """Before it a deploy from the second account is refused, after it the endpoint answers there."""
    key_arn = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    account.client("ecr").create_repository(repositoryName="decision-trees-sample")
    account.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    _, version_arn = (register_encrypted(account, number, key_arn) for number in (1, 2))
    other = Account(local_cloud, str(int(account.account_id) ^ 1)).with_bucket_and_role()
    deployer = deployer_of(other, fetching_from=account.bucket, key_arn=key_arn)

    with pytest.raises(ClientFailedError, match="no resource-based policy allows the sagemaker:CreateModel"):
        run_script(other, "deploy_with_boto3.py", version_arn, other.role_arn, environment=deployer)
    assert other.sagemaker.list_models()["Models"] == []

    grant = [other.account_id, account.bucket, key_arn, GROUP]
    output = run_script(account, "let_another_account_deploy.py", *grant)
    assert output.splitlines()[-1] == "Success! You are all set to proceed for cross-account deployment."

    output = run_script(other, "deploy_with_boto3.py", version_arn, other.role_arn, environment=deployer)
    endpoint_name = next(line for line in output.splitlines() if line.startswith("EndpointName=")).split("=")[
        1
    ]
    other.sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=endpoint_name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert other.predict(endpoint_name, [[1.0, 2.0]]) == [[2.0, 4.0]]
    # The grant counts: without it the model's role cannot decrypt the artifact.
    [granted] = account.client("kms").list_grants(KeyId=key_arn)["Grants"]
    account.client("kms").revoke_grant(KeyId=key_arn, GrantId=granted["GrantId"])
    with pytest.raises(ClientFailedError, match="Could not access model data"):
        run_script(other, "deploy_with_boto3.py", version_arn, other.role_arn, environment=deployer)


def register_encrypted(account: Account, factor: int, key_arn: str) -> str:
    """Register a version as the page asks for it: the artifact encrypted, the image the account's own."""
    key = f"{GROUP}/{factor}/model.tar.gz"
    account.client("s3").put_object(
        Bucket=account.bucket,
        Key=key,
        Body=archive(SCALING_MODEL, factor=factor),
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=key_arn,
    )
    repository = f"{account.account_id}.dkr.ecr.{account.region}.amazonaws.com/decision-trees-sample"
    created = account.sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": f"{repository}:1", "ModelDataUrl": f"s3://{account.bucket}/{key}"}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return created["ModelPackageArn"]


def deployer_of(account: Account, *, fetching_from: str, key_arn: str) -> dict[str, str]:
    """Create what the page assumes in the second account; return the variables of its deployer.

    The deployer may use SageMaker and pass the models' role, which has its own permissions.
    """
    iam = account.client("iam")
    fetch: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{fetching_from}", f"arn:aws:s3:::{fetching_from}/*"],
        },
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key_arn},
    ]
    iam.put_role_policy(RoleName="model-execution", PolicyName="fetch", PolicyDocument=policy(*fetch))
    deploy = [
        {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": account.role_arn},
    ]
    iam.create_user(UserName="deployer")
    iam.put_user_policy(UserName="deployer", PolicyName="deploy", PolicyDocument=policy(*deploy))
    key = iam.create_access_key(UserName="deployer")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
