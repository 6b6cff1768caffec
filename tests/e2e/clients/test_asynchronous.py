"""An asynchronous endpoint over the emulator's S3 and SNS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.clients.account import SCALING_MODEL, Account, archive, eventually, policy

pytestmark = pytest.mark.e2e


def test_an_asynchronous_invocation_writes_its_output_and_tells_its_topic(account: Account) -> None:
    s3, sns, sqs = (account.client(service) for service in ("s3", "sns", "sqs"))
    queue = sqs.create_queue(QueueName="results")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{account.region}:{account.account_id}:results"
    topic = sns.create_topic(Name="results")["TopicArn"]
    admit = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(admit)})
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"}
    )
    account.sagemaker.create_model(
        ModelName="v1",
        ExecutionRoleArn=account.role_arn,
        Containers=[{"ModelPackageName": account.register(archive(SCALING_MODEL, factor=2))}],
    )
    output: Any = {
        "S3OutputPath": f"s3://{account.bucket}/out",
        "S3FailurePath": f"s3://{account.bucket}/failed",
        "NotificationConfig": {"SuccessTopic": topic, "ErrorTopic": topic},
    }
    variant: Any = {
        "VariantName": "AllTraffic",
        "ModelName": "v1",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    account.sagemaker.create_endpoint_config(
        EndpointConfigName="v1", ProductionVariants=[variant], AsyncInferenceConfig={"OutputConfig": output}
    )
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="v1")
    account.sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="churn", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    s3.put_object(Bucket=account.bucket, Key="in/rows.json", Body=b"[[1.0, 2.0]]")

    def told() -> list[dict[str, Any]]:
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in received]

    def invoke(key: str) -> Any:
        return account.runtime.invoke_endpoint_async(
            EndpointName="churn",
            InputLocation=f"s3://{account.bucket}/{key}",
            ContentType="application/json",
        )

    accepted = invoke("in/rows.json")
    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    (message,) = eventually(told, bool)
    assert message["inferenceId"] == accepted["InferenceId"]
    assert message["invocationStatus"] == "Completed"
    bucket, _, key = accepted["OutputLocation"].removeprefix("s3://").partition("/")
    assert json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) == [[2.0, 4.0]]

    failed = invoke("in/missing.json")
    (message,) = eventually(told, bool)
    assert (message["invocationStatus"], message["inferenceId"]) == ("Failed", failed["InferenceId"])
    bucket, _, key = failed["FailureLocation"].removeprefix("s3://").partition("/")
    assert b"in/missing.json" in s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    # AND the model's role is checked: objects that it may not read are not read.
    writing = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{account.bucket}/*"}
    account.client("iam").put_role_policy(
        RoleName="model-execution", PolicyName="read", PolicyDocument=policy(writing)
    )
    failed = invoke("in/rows.json")
    (message,) = eventually(told, bool)
    assert message["invocationStatus"] == "Failed"
    bucket, _, key = failed["FailureLocation"].removeprefix("s3://").partition("/")
    reason = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert b"model-execution/SageMaker is not authorized to perform: s3:GetObject" in reason

    with pytest.raises(ClientError, match="Use InvokeEndpointAsync"):
        account.runtime.invoke_endpoint(EndpointName="churn", Body=b"[[1.0]]")
    assert {call["operation"] for call in account.cloud.calls()} >= {"InvokeEndpointAsync", "InvokeEndpoint"}
