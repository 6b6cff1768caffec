from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.child_process import LocalCloud
from tests.e2e.clients.account import GROUP, IMAGE, SCALING_MODEL, Account, archive, policy

pytestmark = pytest.mark.e2e


def test_accounts_and_regions_know_nothing_of_each_other(local_cloud: LocalCloud, account_id: str) -> None:
    """The same names live in two accounts and two regions at once, each with its own model."""
    other_id = str(int(account_id) % 10**12 // 10 + 10**11)
    home = Account(local_cloud, account_id)
    abroad = Account(local_cloud, account_id, region="us-east-2")
    other = Account(local_cloud, other_id)
    home.with_bucket_and_role()
    other.with_bucket_and_role()
    for factor, here in enumerate((home, other), start=2):
        config = here.endpoint_config("churn-v1", here.register(archive(SCALING_MODEL, factor=factor)))
        here.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName=config)
    for here in (home, other):
        here.sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName="churn", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    assert home.predict("churn", [[1.0]]) == [[2.0]]
    assert other.predict("churn", [[1.0]]) == [[3.0]]
    assert abroad.sagemaker.list_endpoints()["Endpoints"] == []
    assert abroad.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    with pytest.raises(ClientError, match="Could not find endpoint"):
        abroad.sagemaker.describe_endpoint(EndpointName="churn")
    with pytest.raises(ClientError, match=f"Endpoint churn of account {account_id} not found"):
        abroad.predict("churn", [[1.0]])
    arn = home.sagemaker.describe_model_package_group(ModelPackageGroupName=GROUP)["ModelPackageGroupArn"]
    assert f":eu-central-1:{account_id}:" in arn


@pytest.mark.parametrize("shared", [True, False])
def test_model_data_of_another_account_needs_its_bucket_s_consent(
    local_cloud: LocalCloud, account_id: str, *, shared: bool
) -> None:
    owner = Account(local_cloud, str(int(account_id) ^ 1)).with_bucket_and_role()
    url = owner.upload("v1", archive(SCALING_MODEL))
    reader = Account(local_cloud, account_id).with_bucket_and_role()
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{owner.bucket}/*"}
    reader.client("iam").put_role_policy(
        RoleName="model-execution", PolicyName="read", PolicyDocument=policy(read)
    )
    if shared:
        consent = policy(read | {"Principal": {"AWS": f"arn:aws:iam::{account_id}:root"}})
        owner.client("s3").put_bucket_policy(Bucket=owner.bucket, Policy=consent)
    container: Any = {"Image": IMAGE, "ModelDataUrl": url}

    if shared:
        reader.sagemaker.create_model(
            ModelName="churn", ExecutionRoleArn=reader.role_arn, PrimaryContainer=container
        )
    else:
        with pytest.raises(ClientError, match="Could not access model data"):
            reader.sagemaker.create_model(
                ModelName="churn", ExecutionRoleArn=reader.role_arn, PrimaryContainer=container
            )


def test_caller_with_an_assumed_role_acts_in_the_role_s_account(account: Account) -> None:
    """The call log names the session, as CloudTrail would."""
    create = {"Effect": "Allow", "Action": "sagemaker:CreateModelPackageGroup", "Resource": "*"}
    role = account.role("approver", account.account_id, create)
    session = account.assuming(role, RoleSessionName="jane")

    session.sagemaker.create_model_package_group(ModelPackageGroupName="of-jane")

    groups = account.sagemaker.list_model_package_groups(NameContains="of-jane")[
        "ModelPackageGroupSummaryList"
    ]
    calls = [call for call in account.cloud.calls() if call["account"] == account.account_id]
    assert len(groups) == 1
    assert calls[0]["principal"] == f"arn:aws:sts::{account.account_id}:assumed-role/approver/jane"
    assert calls[-1]["principal"] == f"arn:aws:iam::{account.account_id}:root"
