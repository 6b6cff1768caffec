import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.e2e.clients.account import BROKEN_MODEL, GROUP, SCALING_MODEL, Account, archive, eventually

pytestmark = pytest.mark.e2e

PATIENT: Any = {"Delay": 1, "MaxAttempts": 60}
ROWS = [[1.0, 2.0], [3.0, 4.0]]


def error_of(error: ClientError) -> tuple[str, str]:
    return error.response["Error"]["Code"], error.response["Error"]["Message"]


def test_registry_from_group_to_approved_version(account: Account) -> None:
    sagemaker = account.sagemaker
    arns = [account.register(archive(SCALING_MODEL), status="PendingManualApproval") for _ in range(3)]

    sagemaker.update_model_package(
        ModelPackageArn=arns[1], ModelApprovalStatus="Approved", ApprovalDescription="AUC 0.93"
    )

    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=GROUP, SortOrder="Descending", PaginationConfig={"PageSize": 2}
    )
    listed = [
        (it["ModelPackageVersion"], it["ModelApprovalStatus"])
        for page in pages
        for it in page["ModelPackageSummaryList"]
    ]
    described = sagemaker.describe_model_package(ModelPackageName=arns[1])
    assert listed == [(3, "PendingManualApproval"), (2, "Approved"), (1, "PendingManualApproval")]
    assert (described["ModelPackageStatus"], described["ApprovalDescription"]) == ("Completed", "AUC 0.93")


def test_approval_is_announced_once_with_its_documented_shape(account: Account) -> None:
    arn = account.register(archive(SCALING_MODEL), status="PendingManualApproval")
    account.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    events = [
        emitted["event"]
        for emitted in account.cloud.events()
        if emitted["event"]["account"] == account.account_id
    ]
    approvals = [event for event in events if event["detail"].get("ModelApprovalStatus") == "Approved"]
    assert [(event["source"], event["detail-type"]) for event in approvals] == [
        ("aws.sagemaker", "SageMaker Model Package State Change")
    ]
    assert approvals[0]["resources"] == [arn]
    assert approvals[0]["detail"]["UpdatedModelPackageFields"] == ["ModelApprovalStatus"]


def test_endpoint_lives_from_creation_through_an_update_to_deletion(account: Account) -> None:
    """Waiters see every phase; predictions are the model's own, and change with the update."""
    sagemaker = account.sagemaker
    first = account.endpoint_config("churn-v1", account.register(archive(SCALING_MODEL, factor=2)))
    sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName=first)
    assert sagemaker.describe_endpoint(EndpointName="churn")["EndpointStatus"] == "Creating"
    with pytest.raises(account.runtime.exceptions.ClientError) as not_yet:
        account.predict("churn", ROWS)
    assert error_of(not_yet.value) == (
        "ValidationError",
        f"Endpoint churn of account {account.account_id} not found.",
    )
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=PATIENT)
    assert account.predict("churn", ROWS) == [[2.0, 4.0], [6.0, 8.0]]

    second = account.endpoint_config("churn-v2", account.register(archive(SCALING_MODEL, factor=10)))
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName=second)
    updating = sagemaker.describe_endpoint(EndpointName="churn")
    assert (updating["EndpointStatus"], updating["EndpointConfigName"]) == ("Updating", "churn-v1")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=PATIENT)
    assert sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"] == "churn-v2"
    assert account.predict("churn", ROWS) == [[10.0, 20.0], [30.0, 40.0]]

    sagemaker.delete_endpoint(EndpointName="churn")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="churn", WaiterConfig=PATIENT)
    with pytest.raises(ClientError, match="Endpoint churn of account"):
        account.predict("churn", ROWS)


def test_update_fails_not_one_invocation(account: Account) -> None:
    sagemaker = account.sagemaker
    sagemaker.create_endpoint(
        EndpointName="churn",
        EndpointConfigName=account.endpoint_config("v1", account.register(archive(SCALING_MODEL, factor=1))),
    )
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=PATIENT)
    config = account.endpoint_config("v2", account.register(archive(SCALING_MODEL, factor=2)))
    done = threading.Event()
    seen: list[float] = []

    def invoke_until_done() -> None:
        while not done.is_set():
            seen.append(account.predict("churn", [[1.0]])[0][0])

    caller = threading.Thread(target=invoke_until_done)
    caller.start()
    try:
        sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName=config)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=PATIENT)
        eventually(lambda: seen[-1], lambda last: last == 2.0)
    finally:
        done.set()
        caller.join()

    calls = [call for call in account.cloud.calls() if call["account"] == account.account_id]
    invocations = [call for call in calls if call["operation"] == "InvokeEndpoint"]
    assert seen == sorted(seen), "an answer came from the old model after the new one had answered"
    assert len(invocations) == len(seen), "botocore had to retry an invocation"
    assert {call["status"] for call in invocations} == {200}


def test_update_to_a_broken_model_keeps_the_endpoint_on_its_old_config(account: Account) -> None:
    sagemaker = account.sagemaker
    sagemaker.create_endpoint(
        EndpointName="churn",
        EndpointConfigName=account.endpoint_config(
            "good", account.register(archive(SCALING_MODEL, factor=3))
        ),
    )
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=PATIENT)

    broken = account.endpoint_config("broken", account.register(archive(BROKEN_MODEL)))
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName=broken)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=PATIENT)

    described = sagemaker.describe_endpoint(EndpointName="churn")
    assert described["EndpointConfigName"] == "good"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert account.predict("churn", [[1.0]]) == [[3.0]]
    logs = account.client("logs").filter_log_events(logGroupName="/aws/sagemaker/Endpoints/churn")["events"]
    assert any("the model needs a feature that this container lacks" in event["message"] for event in logs)


def test_endpoint_of_a_broken_model_fails_and_the_waiter_says_so(account: Account) -> None:
    config = account.endpoint_config("broken", account.register(archive(BROKEN_MODEL)))
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName=config)

    with pytest.raises(WaiterError, match="terminal failure state"):
        account.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=PATIENT)

    described = account.sagemaker.describe_endpoint(EndpointName="churn")
    assert described["EndpointStatus"] == "Failed"


def test_model_that_raises_is_a_model_error_with_the_container_s_words(account: Account) -> None:
    config = account.endpoint_config("v1", account.register(archive(SCALING_MODEL)))
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName=config)
    account.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=PATIENT)

    with pytest.raises(account.runtime.exceptions.ModelError) as raised:
        account.runtime.invoke_endpoint(EndpointName="churn", ContentType="image/png", Body=b"x")

    response: dict[str, Any] = dict(raised.value.response)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (response["OriginalStatusCode"], response["OriginalMessage"]) == (
        500,
        "ValueError: cannot read image/png",
    )
    assert ":log-group:/aws/sagemaker/Endpoints/churn:log-stream:AllTraffic/i-" in response["LogStreamArn"]
    assert error_of(raised.value)[1].startswith("Received server error (500) from primary with message")


def test_invocation_carries_variant_and_custom_attributes(account: Account) -> None:
    config = account.endpoint_config("v1", account.register(archive(SCALING_MODEL)))
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName=config)
    account.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=PATIENT)

    response = account.runtime.invoke_endpoint(
        EndpointName="churn",
        TargetVariant="AllTraffic",
        CustomAttributes="trace=1",
        ContentType="application/json",
        Body=json.dumps([[1.0]]),
    )

    assert response["InvokedProductionVariant"] == "AllTraffic"
    assert response["CustomAttributes"] == "trace=1"
    assert response["ContentType"] == "application/json"


def test_model_whose_data_the_role_may_not_read_is_refused(account: Account) -> None:
    arn = account.register(archive(SCALING_MODEL))
    account.client("iam").delete_role_policy(RoleName="model-execution", PolicyName="read")

    with pytest.raises(ClientError) as raised:
        account.endpoint_config("v1", arn)

    assert error_of(raised.value)[0] == "ValidationException"
    assert error_of(raised.value)[1].startswith("Could not access model data at s3://")


def test_role_that_does_not_trust_sagemaker_is_refused(account: Account) -> None:
    arn = account.register(archive(SCALING_MODEL))
    account.client("iam").update_assume_role_policy(
        RoleName="model-execution",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )

    with pytest.raises(ClientError, match=r"The execution role ARN .* is invalid"):
        account.endpoint_config("v1", arn)


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("sagemaker", "list_training_jobs", {}),
        (
            "sagemaker-runtime",
            "invoke_endpoint_with_response_stream",
            {"EndpointName": "churn", "Body": b"1"},
        ),
        ("application-autoscaling", "describe_scaling_activities", {"ServiceNamespace": "sagemaker"}),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    account: Account, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    client = account.client(service)

    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**arguments)

    assert error_of(raised.value)[0] == "UnknownOperationException"
